/*
 * A merged walk over sorted databases of index entries: each key once, as the newest one has it.
 */
#ifndef DURE_STORE_WALK_H
#define DURE_STORE_WALK_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/errors.h"

#define DURE_INDEX_KEY_BYTES 22
/* The index tree and all runs there can be. */
#define DURE_WALK_SOURCES_MAX 65

struct dure_walk_source {
    MDB_cursor *cursor;
    const unsigned char *key; /* Where it stands; in LMDB's page. */
    uint64_t number;          /* The larger one is newer. */
    bool add;
};

/* Zeroed, then filled by open. None of its databases may be written to while it is in use. */
struct dure_walk {
    /* What it stands on after next: the entry, and how many entries were read for it and before. */
    unsigned char key[DURE_INDEX_KEY_BYTES];
    bool add;
    size_t taken;
    /* Private: a heap, least key first, newest first among equals. */
    struct dure_walk_source heap[DURE_WALK_SOURCES_MAX];
    size_t count;
    unsigned char prefix[DURE_INDEX_KEY_BYTES];
    size_t prefix_len;
};

/* All of these return LMDB's codes. */

/* Adds a database from the key `from` on, as far as its keys begin like the walk's prefix. An entry
 * without data is one that was added. */
DURE_MUST_CHECK int dure_walk_open(struct dure_walk *walk, MDB_txn *txn, MDB_dbi dbi,
                                   uint64_t number, const unsigned char *from);
/* To the next entry; MDB_NOTFOUND at the end. */
DURE_MUST_CHECK int dure_walk_next(struct dure_walk *walk);
/* The key that next will go to; NULL at the end. Valid until then. */
const unsigned char *dure_walk_ahead(const struct dure_walk *walk);
/* Before the transaction ends, also after an error. */
void dure_walk_close(struct dure_walk *walk);

#endif
