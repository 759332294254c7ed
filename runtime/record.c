/*
 * Records: sealing before a write, checking after a read, walking the entries. Pure; any thread.
 */
#include "runtime/record.h"

#include <string.h>
#include <xxhash.h>

#include "store/store.h"

#define CRC_AT offsetof(struct dure_record_header, crc)

static uint32_t checksum(const void *record, size_t len)
{
    static const uint32_t zero;
    const char *bytes = record;
    uint32_t crc = dure_crc32c(0, bytes, CRC_AT);
    crc = dure_crc32c(crc, &zero, sizeof zero);
    return dure_crc32c(crc, bytes + CRC_AT + 4, len - CRC_AT - 4);
}

void dure_record_seal(void *record, size_t len)
{
    struct dure_record_header header;
    DURE_ASSERT(len >= sizeof header && len <= UINT32_MAX && len % 8 == 0);
    memcpy(&header, record, sizeof header);
    DURE_ASSERT(header.magic == DURE_RECORD_MAGIC && header.index > 0);
    header.len = (uint32_t)len;
    memcpy(record, &header, sizeof header);
    header.crc = checksum(record, len);
    memcpy(record, &header, sizeof header);
}

int dure_record_check(const void *record, size_t len, uint64_t index)
{
    struct dure_record_header header;
    if (len < sizeof header) return DURE_ECORRUPT;
    memcpy(&header, record, sizeof header);
    if (header.magic != DURE_RECORD_MAGIC || header.len != len) return DURE_ECORRUPT;
    if (header.version > DURE_RECORD_VERSION) return DURE_EFORMAT;
    if (header.index != index || header.crc != checksum(record, len)) return DURE_ECORRUPT;
    return 0;
}

uint64_t dure_record_hash(const void *record, size_t len)
{
    return XXH3_64bits(record, len);
}

const struct dure_entry *dure_record_next(const void *record, size_t len, size_t *at,
                                          const void **body)
{
    if (len - *at < sizeof(struct dure_entry)) return NULL;
    const struct dure_entry *entry = (const void *)((const char *)record + *at);
    if (entry->len > len - *at - sizeof *entry) return NULL;
    *body = entry + 1;
    *at += sizeof *entry + entry->len;
    return entry;
}
