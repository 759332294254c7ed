/*
 * The index of the rows on LMDB. Only store/ sees it; the format is in index.c.
 */
#ifndef DURE_STORE_INDEX_H
#define DURE_STORE_INDEX_H

#include <lmdb.h>

#include "store/store.h"

#define DURE_INDEX_KEY_BYTES 22
/* Databases that it opens. */
#define DURE_INDEX_TABLES 1

struct dure_index {
    MDB_dbi tree;
};

/* An entry that comes or goes. */
struct dure_index_change {
    unsigned char key[DURE_INDEX_KEY_BYTES];
    uint8_t add;
};

void dure_index_set_change(struct dure_index_change *change, uint32_t type,
                           const struct dure_index_key *key, int64_t id, bool add);

/* Opens its database (with MDB_CREATE in `flags`: makes it). Returns LMDB's code. */
DURE_MUST_CHECK int dure_index_open(struct dure_index *index, MDB_txn *txn, unsigned flags);

/* Makes the changes of one batch, which may be none. Sorts them. Returns LMDB's code. */
DURE_MUST_CHECK int dure_index_write(const struct dure_index *index, MDB_txn *txn,
                                     struct dure_index_change *changes, size_t count);

/* As scan_index of struct dure_rows_ops. */
DURE_MUST_CHECK int dure_index_scan(const struct dure_index *index, MDB_txn *txn, uint32_t type,
                                    uint16_t field, uint64_t value, int64_t from,
                                    dure_row_visit *visit, void *arg);

#endif
