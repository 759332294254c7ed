/*
 * What idem.c (keys that are begun, replied, checkpointed) and idem_sweep.c (keys that have expired)
 * share.
 */
#ifndef DURE_RUNTIME_IDEM_H
#define DURE_RUNTIME_IDEM_H

#include "runtime/core.h"

#define DURE_IDEM_BUCKETS 4096
#define DURE_IDEM_HOUR_MS (3600LL * 1000)

/* In DURE_TABLE_META. A row (hour, high half of a key) with the whole key says that the key was
 * written in that hour of the epoch: what the sweep follows. */
#define DURE_IDEM_META_CURSOR 3 /* (0, 3): uint32_t, the earliest hour that may have such rows. */

struct dure_idem_wire { /* Of the KEY entry and of the row; headers and body follow. */
    uint64_t key[2], fingerprint;
    int64_t time_ms, id;
    uint32_t status, type_code, headers_len, body_len;
};
_Static_assert(sizeof(struct dure_idem_wire) == 56, "wire size");

struct dure_idem_bytes { /* struct dure_idem_wire and what follows; data NULL: none. */
    char *data;
    size_t len;
    uint64_t lsn; /* Of the record that holds them. */
};

struct dure_idem_entry {
    struct dure_idem_entry *next;
    uint64_t key[2], fingerprint;
    bool running;
    uint8_t collected;             /* 0, or the batch of the checkpoint that it is in … */
    uint64_t collected_lsn;        /* … with the bytes of this record. */
    bool saved;                    /* The newest durable bytes are in the rows. */
    struct dure_idem_bytes newest; /* Perhaps not durable yet. */
    struct dure_idem_bytes older;  /* What counts until then, and again when that record fails. */
};

struct dure_idem_expired {
    uint64_t key[2];
    uint32_t hour;
    bool row; /* The key's own row is of that hour: it goes too. */
};

struct dure_idem {
    struct dure_idem_entry *buckets[DURE_IDEM_BUCKETS];
    size_t count;
    bool unsaved; /* There may be bytes that no checkpoint has taken yet. */
    /* The sweep. */
    bool cursor_known;
    uint32_t cursor;       /* 0: no key was ever written. */
    int64_t scan_from;     /* Within the cursor's hour. */
    bool hour_done;        /* All of it is in `expired`. */
    struct dure_idem_expired *expired;
    size_t expired_count;
    uint8_t sweeping;      /* 0, or the batch of the checkpoint that they are in. */
};

struct dure_idem *dure_idem_table(struct dure_runtime *rt);
struct dure_idem_entry *dure_idem_find(struct dure_runtime *rt, const uint64_t key[2]);
bool dure_idem_expired(const struct dure_runtime *rt, int64_t time_ms);
/* The key's place in the rows: 96 of its 128 bits; the row holds all of them. */
static inline uint32_t dure_idem_row_type(const uint64_t key[2])
{
    return (uint32_t)(key[1] >> 32);
}
static inline int64_t dure_idem_row_id(const uint64_t key[2])
{
    return (int64_t)key[0];
}
static inline uint32_t dure_idem_hour(int64_t time_ms)
{
    return (uint32_t)(time_ms / DURE_IDEM_HOUR_MS);
}

/* idem_sweep.c, for idem.c's collect, written and fini. */
void dure_idem_sweep_noted(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                           dure_idem_add *add, const struct dure_idem_wire *wire);
void dure_idem_sweep_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                             dure_idem_add *add, uint8_t batch);
void dure_idem_sweep_written(struct dure_runtime *rt, int rv, uint8_t batch);

#endif
