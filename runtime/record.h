/*
 * The journal record: a header and a run of entries, little-endian, CRC-32C over all.
 * Written by group.c, read by recovery, history, replay, dump and verify.
 */
#ifndef DURE_RUNTIME_RECORD_H
#define DURE_RUNTIME_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/errors.h"
#include "runtime/trace.h"

#define DURE_RECORD_MAGIC 0x4a525544u /* "DURJ" */
#define DURE_RECORD_VERSION 1

enum dure_record_kind { DURE_RECORD_EPOCH = 1, DURE_RECORD_BATCH = 2, DURE_RECORD_SNAPSHOT = 3 };

struct dure_record_header {
    uint32_t magic;
    uint16_t version;
    uint8_t kind, flags;
    uint64_t epoch, index, owner;
    uint64_t prev_hash; /* XXH3-64 of the previous record's bytes; 0 for the first. */
    int64_t time_ms;
    uint32_t len;       /* Whole record. */
    uint32_t crc;       /* CRC-32C of the whole record with this member 0. */
    uint32_t entries, reserved;
};
_Static_assert(sizeof(struct dure_record_header) == 64, "wire size");

enum dure_entry_kind {
    DURE_ENTRY_EVENT = 1,    /* dure_entry_event, then the data: JSON if sequence, else packed. */
    DURE_ENTRY_SAGA = 2,     /* dure_entry_actor, then the packed state; none: it has ended. */
    DURE_ENTRY_TIMER = 3,    /* dure_entry_actor with due_ms. */
    DURE_ENTRY_KEY = 4,      /* Idempotency key: idem.c. */
    DURE_ENTRY_DEFERRED = 5, /* Mail of this journal that goes on in a later record: mailbox.c */
    DURE_ENTRY_TAKEN = 6,    /* u64 lsn, u32 at: that deferred mail was handled. */
    DURE_ENTRY_OUTBOX = 7,   /* u16 src, u16 dst, u64 seq, mail bytes. */
    DURE_ENTRY_INBOX = 8,    /* u16 src, u16 dst, u64 seq: messages up to seq are handled. */
    DURE_ENTRY_ACKED = 9,    /* u16 src, u16 dst, u64 seq: the outbox up to seq may go. */
    DURE_ENTRY_FEED = 10,    /* dure_entry_feed, then the packed data: projection.c */
    DURE_ENTRY_TRACE = 11,   /* dure_entry_trace: of the events behind it that point to it. */
};

struct dure_entry { uint32_t len; uint32_t kind; }; /* len: bytes behind this header, padded to 8 by zeros; entries are 8-aligned. */

struct dure_entry_event {
    uint32_t type_code, event_code;
    int64_t id;
    uint64_t sequence;  /* Published events: place within the shard, from 1. Internal ones: 0. */
    uint64_t prev_lsn;  /* The actor's previous event, 0: none. */
    uint32_t prev_at;
    uint32_t data_len;
    uint32_t flags;     /* DURE_EVENT_…, or'ed. */
    uint32_t trace_back; /* Bytes from here back to its dure_entry_trace; 0: none. */
};
_Static_assert(sizeof(struct dure_entry_event) == 48, "wire size");
#define DURE_EVENT_FIRST 1u   /* Of its turn. */
#define DURE_EVENT_SAMPLED 2u /* Of its trace. */

/* Many events of a record follow from one request, so they share it. */
struct dure_entry_trace {
    uint8_t trace_id[16], span_id[8];
};
_Static_assert(sizeof(struct dure_entry_trace) == 24, "wire size");

struct dure_entry_feed { /* An event of another node's shard, for one row of a view. */
    uint32_t type_code, event_code; /* Of the actor that it happened to. */
    int64_t id, target;             /* That actor; the row. */
    int64_t time_ms;
    uint32_t data_len, reserved;
};
_Static_assert(sizeof(struct dure_entry_feed) == 40, "wire size");

struct dure_entry_actor {
    uint32_t type_code, data_len;
    int64_t id;
    int64_t due_ms;
    uint64_t version;
};
_Static_assert(sizeof(struct dure_entry_actor) == 32, "wire size");

/* The trace of an event that lies in a checked record. False: it has none. */
bool dure_record_trace(const struct dure_entry_event *event, struct dure_trace *trace);

/* Fills the header's len and crc. The record is complete otherwise. */
void dure_record_seal(void *record, size_t len);
/* Checks magic, version, length, checksum and that index fits. 0, DURE_ECORRUPT, DURE_EFORMAT. */
DURE_MUST_CHECK int dure_record_check(const void *record, size_t len, uint64_t index);
uint64_t dure_record_hash(const void *record, size_t len);

/* How far a reader has come: the last record's hash and epoch. Zeroes: unknown, so not compared. */
struct dure_record_chain { uint64_t hash, epoch; };
/*
 * Checks the record, its entries (of a known kind each, as long as it says, as many as the header
 * says), and that it is the successor of the chain's last one:
 *
 *   - prev_hash is that one's hash; 0 at index 1
 *   - the epoch is that one's, or a higher one in an EPOCH record. A record of a lower epoch is of a
 *     writer that was deposed (DESIGN 9): refused
 *
 * Moves the chain on, also past a sound record that does not follow. 0, DURE_ECORRUPT or DURE_EFORMAT
 * with *why: what is wrong with "record n …", as a sentence goes on.
 */
DURE_MUST_CHECK int dure_record_follow(struct dure_record_chain *chain, const void *record,
                                       size_t len, uint64_t index, const char **why);

/* The next entry: *at starts at sizeof header and is moved on. NULL at the end, and where no entry
 * begins; never outside the record. *body is its bytes. */
const struct dure_entry *dure_record_next(const void *record, size_t len, size_t *at,
                                          const void **body);

#endif
