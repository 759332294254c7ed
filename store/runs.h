/*
 * The record of the index: which slots hold runs, in what order, and how far a merge is. index.c says
 * what it means.
 */
#ifndef DURE_STORE_RUNS_H
#define DURE_STORE_RUNS_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/errors.h"
#include "store/walk.h"

#define DURE_INDEX_SLOTS 64

struct dure_runs { /* As stored, in this machine's numbers. */
    uint64_t numbers[DURE_INDEX_SLOTS]; /* Of the run in this slot; counts up. 0: free. */
    uint64_t newest;                    /* The last number given. */
    uint64_t frozen;                    /* Runs up to this number are being merged. 0: none. */
    uint64_t merged;                    /* Entries of the frozen ones that are done. */
    unsigned char from[DURE_INDEX_KEY_BYTES]; /* Keys of theirs before this one are in the tree. */
    unsigned char zero[2];
};

/* LMDB's codes. Where there is no record yet, there are no runs. */
DURE_MUST_CHECK int dure_runs_read(struct dure_runs *runs, MDB_txn *txn, MDB_dbi dbi);
DURE_MUST_CHECK int dure_runs_write(struct dure_runs *runs, MDB_txn *txn, MDB_dbi dbi);

bool dure_runs_is_frozen(const struct dure_runs *runs, size_t slot);
size_t dure_runs_count_free(const struct dure_runs *runs);
/* The slot of the newest run that is older than `number` and not frozen; DURE_INDEX_SLOTS: none. */
size_t dure_runs_older(const struct dure_runs *runs, uint64_t number);
/* A free slot is the newest run now; DURE_INDEX_SLOTS: there is none. */
size_t dure_runs_take(struct dure_runs *runs);
void dure_runs_freeze(struct dure_runs *runs); /* All there are. */

#endif
