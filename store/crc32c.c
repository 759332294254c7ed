/*
 * CRC-32C: the polynomial of iSCSI (RFC 3720 section 12.1, appendix B.4), reflected 0x82f63b78.
 * By the processor's instruction where it has one, else by a table made at first use. Any thread.
 */
#include "store/crc32c.h"

#include <pthread.h>

#include "store/store.h"

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_machine(uint32_t crc, const uint8_t *at,
                                                             size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; at++, len--) crc = _mm_crc32_u8(crc, *at);
    return crc;
}

bool dure_crc32c_by_machine(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t by_machine(uint32_t crc, const uint8_t *at, size_t len)
{
    (void)at;
    (void)len;
    return crc;
}

bool dure_crc32c_by_machine(void)
{
    return false;
}
#endif

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
        table[i] = crc;
    }
}

uint32_t dure_crc32c_by_table(uint32_t crc, const void *bytes, size_t len)
{
    pthread_once(&table_once, make_table);
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; len > 0; at++, len--) crc = table[(crc ^ *at) & 0xff] ^ crc >> 8;
    return ~crc;
}

uint32_t dure_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    if (dure_crc32c_by_machine()) return ~by_machine(~crc, bytes, len);
    return dure_crc32c_by_table(crc, bytes, len);
}
