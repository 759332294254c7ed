/*
 * CRC-32C: what RFC 3720 says comes out, by instruction and by table, in one piece and in many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/crc32c.h"
#include "store/store.h"

typedef uint32_t checksum(uint32_t crc, const void *bytes, size_t len);
static checksum *const ways[] = {dure_crc32c, dure_crc32c_by_table};

static void check(const void *bytes, size_t len, uint32_t due)
{
    for (size_t i = 0; i < 2; i++) assert_int_equal(ways[i](0, bytes, len), due);
}

/* The vectors of RFC 3720 B.4 (as numbers; the RFC prints their bytes lowest first), and the check
 * value that catalogues of checksums give. */
static void test_vectors(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    check(bytes, 32, 0x8a9136aa);
    for (size_t i = 0; i < 32; i++) bytes[i] = 0xff;
    check(bytes, 32, 0x62a8ab43);
    for (size_t i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    check(bytes, 32, 0x46dd794e);
    for (size_t i = 0; i < 32; i++) bytes[i] = (uint8_t)(31 - i);
    check(bytes, 32, 0x113fdb5c);
    static const uint8_t read_command[48] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
        0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    check(read_command, sizeof read_command, 0xd9963a56);
    check("123456789", 9, 0xe3069283);
    check("", 0, 0);
}

/* Both ways agree at every length and alignment. */
static void test_ways_agree(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t at = 0; at < 9; at++) {
        for (size_t len = 0; at + len <= sizeof bytes; len++) {
            assert_int_equal(dure_crc32c(7, bytes + at, len),
                             dure_crc32c_by_table(7, bytes + at, len));
        }
    }
#if defined(__x86_64__)
    /* Else the two above were one and the same. */
    assert_int_equal(dure_crc32c_by_machine(), __builtin_cpu_supports("sse4.2") != 0);
#endif
}

/* Cut anywhere, the pieces in order give the whole's checksum. */
static void test_pieces(void **state)
{
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i + 3);
    for (size_t way = 0; way < 2; way++) {
        uint32_t whole = ways[way](0, bytes, sizeof bytes);
        for (size_t cut = 0; cut <= sizeof bytes; cut++) {
            uint32_t crc = ways[way](0, bytes, cut);
            assert_int_equal(ways[way](crc, bytes + cut, sizeof bytes - cut), whole);
        }
        uint32_t crc = 0;
        for (size_t i = 0; i < sizeof bytes; i++) crc = ways[way](crc, bytes + i, 1);
        assert_int_equal(crc, whole);
    }
}

/* No single flipped bit stays unseen. */
static void test_flips(void **state)
{
    (void)state;
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31);
    uint32_t whole = dure_crc32c(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(dure_crc32c(0, bytes, sizeof bytes), whole);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_ways_agree),
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_flips)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
