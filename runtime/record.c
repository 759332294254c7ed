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
    if (*at % 8 != 0 || *at > len || len - *at < sizeof(struct dure_entry)) return NULL;
    const struct dure_entry *entry = (const void *)((const char *)record + *at);
    if (entry->len % 8 != 0 || entry->len > len - *at - sizeof *entry) return NULL;
    *body = entry + 1;
    *at += sizeof *entry + entry->len;
    return entry;
}

bool dure_record_trace(const struct dure_entry_event *event, struct dure_trace *trace)
{
    struct dure_entry_trace entry;
    if (event->trace_back == 0) return false;
    memcpy(&entry, (const char *)event - event->trace_back, sizeof entry);
    memcpy(trace->trace_id, entry.trace_id, sizeof entry.trace_id);
    memcpy(trace->span_id, entry.span_id, sizeof entry.span_id);
    trace->flags = event->flags & DURE_EVENT_SAMPLED ? DURE_TRACE_SAMPLED : 0;
    return true;
}

/* ---- A record as the successor of another ---------------------------------------------------- */

/* Bytes that an entry of this kind has at least; -1: unknown. */
static int entry_bytes_min(uint32_t kind)
{
    switch (kind) {
    case DURE_ENTRY_EVENT: return (int)sizeof(struct dure_entry_event);
    case DURE_ENTRY_SAGA:
    case DURE_ENTRY_TIMER: return (int)sizeof(struct dure_entry_actor);
    case DURE_ENTRY_FEED: return (int)sizeof(struct dure_entry_feed);
    case DURE_ENTRY_TRACE: return (int)sizeof(struct dure_entry_trace);
    case DURE_ENTRY_TAKEN: return 16;
    case DURE_ENTRY_KEY:
    case DURE_ENTRY_DEFERRED:
    case DURE_ENTRY_OUTBOX:
    case DURE_ENTRY_INBOX:
    case DURE_ENTRY_ACKED: return 8; /* Whoever decodes them looks at their length. */
    default: return -1;
    }
}

static int check_entry(const struct dure_entry *entry, const void *body)
{
    int least = entry_bytes_min(entry->kind);
    if (least < 0) return DURE_EFORMAT; /* Passed over, what it says would be lost. */
    if (entry->len < (uint32_t)least) return DURE_ECORRUPT;
    uint32_t data_len = 0;
    if (entry->kind == DURE_ENTRY_EVENT) {
        data_len = ((const struct dure_entry_event *)body)->data_len;
    } else if (entry->kind == DURE_ENTRY_SAGA || entry->kind == DURE_ENTRY_TIMER) {
        data_len = ((const struct dure_entry_actor *)body)->data_len;
    } else if (entry->kind == DURE_ENTRY_FEED) {
        data_len = ((const struct dure_entry_feed *)body)->data_len;
    }
    return data_len <= entry->len - (uint32_t)least ? 0 : DURE_ECORRUPT;
}

/* What an event points back to is a trace. */
static bool trace_fits(const void *record, const void *body)
{
    const struct dure_entry_event *event = body;
    size_t at = (size_t)((const char *)body - (const char *)record), back = event->trace_back;
    if (back == 0) return true;
    if (back % 8 != 0 || at < back + sizeof(struct dure_record_header) + sizeof(struct dure_entry))
        return false;
    const struct dure_entry *entry = (const struct dure_entry *)(const void *)(
        (const char *)body - back - sizeof(struct dure_entry));
    return entry->kind == DURE_ENTRY_TRACE && entry->len >= sizeof(struct dure_entry_trace) &&
           entry->len < back;
}

static int check_entries(const void *record, size_t len, uint32_t entries, const char **why)
{
    size_t at = sizeof(struct dure_record_header);
    const struct dure_entry *entry;
    const void *body;
    uint32_t count = 0;
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
        int rv = check_entry(entry, body);
        if (rv == DURE_EFORMAT) *why = "holds an entry this version does not know";
        if (rv == DURE_ECORRUPT) *why = "holds an entry that is too short for what it says";
        if (rv != 0) return rv;
        if (entry->kind == DURE_ENTRY_EVENT && !trace_fits(record, body)) {
            *why = "holds an event whose trace is not there";
            return DURE_ECORRUPT;
        }
        count++;
    }
    if (at == len && count == entries) return 0;
    *why = "does not hold the entries that its header counts";
    return DURE_ECORRUPT;
}

static int check_link(const struct dure_record_chain *chain,
                      const struct dure_record_header *header, const char **why)
{
    bool follows = chain->hash == 0 || header->prev_hash == chain->hash;
    if (!follows || (header->index == 1 && header->prev_hash != 0)) {
        *why = "does not follow the one before it: the chain is broken";
        return DURE_ECORRUPT;
    }
    if (chain->epoch == 0) return 0;
    if (header->epoch < chain->epoch) {
        *why = "is of an older epoch than the one before it: its writer had been deposed";
        return DURE_ECORRUPT;
    }
    bool rises = header->epoch > chain->epoch;
    if (rises == (header->kind == DURE_RECORD_EPOCH)) return 0;
    *why = rises ? "is of a newer epoch that no record began"
                 : "begins the epoch that had begun before it";
    return DURE_ECORRUPT;
}

int dure_record_follow(struct dure_record_chain *chain, const void *record, size_t len,
                       uint64_t index, const char **why)
{
    struct dure_record_header header;
    int rv = dure_record_check(record, len, index);
    if (rv != 0) {
        *why = rv == DURE_EFORMAT ? "was written by a newer version of dure"
                                  : "is damaged: its checksum, length or index does not fit";
        return rv;
    }
    memcpy(&header, record, sizeof header);
    if (header.kind != DURE_RECORD_EPOCH && header.kind != DURE_RECORD_BATCH) {
        *why = "is of a kind this version does not know";
        rv = DURE_EFORMAT;
    }
    if (rv == 0) rv = check_link(chain, &header, why);
    if (rv == 0) rv = check_entries(record, len, header.entries, why);
    chain->hash = dure_record_hash(record, len);
    chain->epoch = header.epoch > chain->epoch ? header.epoch : chain->epoch;
    return rv;
}
