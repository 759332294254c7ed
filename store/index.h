/*
 * The index of the rows on LMDB. Only store/ sees it; the format is in index.c.
 */
#ifndef DURE_STORE_INDEX_H
#define DURE_STORE_INDEX_H

#include "store/runs.h"
#include "store/store.h"

/* Databases that it opens. */
#define DURE_INDEX_TABLES (DURE_INDEX_SLOTS + 1)

struct dure_index {
    MDB_dbi record, tree, slots[DURE_INDEX_SLOTS];
    struct dure_index_bounds bounds;
};

/* An entry that comes or goes. */
struct dure_index_change {
    unsigned char key[DURE_INDEX_KEY_BYTES];
    uint8_t add;
};

void dure_index_set_change(struct dure_index_change *change, uint32_t type,
                           const struct dure_index_key *key, int64_t id, bool add);

/* Opens its databases (with MDB_CREATE in `flags`: makes them), and keeps its record in `record`,
 * under the key "runs". Returns LMDB's code. */
DURE_MUST_CHECK int dure_index_open(struct dure_index *index, MDB_txn *txn, unsigned flags,
                                    MDB_dbi record, const struct dure_store_options *options);

/*
 * Makes the changes of one batch, which may be none, and carries on the merging. Sorts them. No key
 * comes twice. Bounded work, see index.c. Returns LMDB's code.
 */
DURE_MUST_CHECK int dure_index_write(const struct dure_index *index, MDB_txn *txn,
                                     struct dure_index_change *changes, size_t count);

/* As scan_index of struct dure_rows_ops. */
DURE_MUST_CHECK int dure_index_scan(const struct dure_index *index, MDB_txn *txn, uint32_t type,
                                    uint16_t field, uint64_t value, int64_t from,
                                    dure_row_visit *visit, void *arg);

#endif
