/*
 * Private to the checkpoint's two files: checkpoint.c (rounds) and checkpoint_meta.c (positions).
 */
#ifndef DURE_RUNTIME_CHECKPOINT_H
#define DURE_RUNTIME_CHECKPOINT_H

#include "runtime/core.h"

/* Records whose hash and place in bytes are remembered; a power of two. */
#define DURE_TRAIL_RECORDS 16384u

struct dure_copied { /* An actor in a batch, and what it takes to put it back. */
    struct dure_actor *actor;
    uint64_t dirty_lsn;
    bool was_stored;
};

struct dure_checkpoint_batch {
    struct dure_arena arena;
    struct dure_row_write *writes;
    size_t count, cap;
    struct dure_copied *actors;
    size_t actors_count, actors_cap;
    size_t left;                    /* Dirty actors still to copy, at most. */
    uint64_t lsn;                   /* Replay begins behind it once this batch is in the rows. */
    int64_t counts[DURE_TYPES_MAX]; /* Rows by type, then. */
};

struct dure_checkpoint {
    uint64_t lsn;      /* Replay begins behind it. */
    uint64_t bytes_at; /* metrics.record_bytes there, about: see dure_checkpoint_tail_bytes. */
    int64_t last_ms, retry_ms;
    struct dure_checkpoint_batch batches[2];
    struct dure_checkpoint_batch *filling, *writing; /* NULL: none. */
    uint64_t number;                /* Of the last one that was begun; never reused. */
    bool filled;                    /* `filling` waits until `writing` is done. */
    int64_t counts[DURE_TYPES_MAX]; /* Rows by type: written … */
    int64_t counts_next[DURE_TYPES_MAX]; /* … and with those in both batches. */
    struct { uint64_t hash, bytes; } trail[DURE_TRAIL_RECORDS]; /* By lsn. */
    int rv;
    bool parcels; /* What the rows say of links is whole (format 2), or there are no rows yet. */
};

void dure_checkpoint_add(struct dure_checkpoint *cp, struct dure_row_write write);
void dure_checkpoint_add_copy(struct dure_checkpoint *cp, enum dure_table table, uint32_t type,
                              int64_t id, const void *bytes, size_t len);

/* Decides the position of the batch that is being filled, and adds its META rows. */
void dure_checkpoint_add_meta(struct dure_runtime *rt);
/* At open: position, counters, sequences, timers. 0, DURE_EFORMAT, DURE_ECORRUPT, DURE_EIO … */
DURE_MUST_CHECK int dure_checkpoint_load(struct dure_runtime *rt);

#endif
