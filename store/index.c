/*
 * The index: (type, field, value, id) of every row and indexed field, in the database "index", without
 * data. The changes of a batch are made in key order: random inserts dirty a page each.
 *
 * A key is big-endian, so that LMDB's byte order is its own: type (4 bytes), field (2), value (8), id
 * with its sign bit flipped (8).
 */
#include "store/index.h"

#include <stdlib.h>
#include <string.h>

#include "store/env.h"

#define SIGN (UINT64_C(1) << 63)
#define PREFIX_BYTES 14 /* Type, field, value. */

static void put_big(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) to[i] = (unsigned char)value;
}

static void make_key(unsigned char *key, uint32_t type, uint16_t field, uint64_t value, int64_t id)
{
    put_big(key, type, 4);
    put_big(key + 4, field, 2);
    put_big(key + 6, value, 8);
    put_big(key + PREFIX_BYTES, (uint64_t)id ^ SIGN, 8);
}

static int64_t id_of(const unsigned char *key)
{
    uint64_t id = 0;
    for (int i = PREFIX_BYTES; i < DURE_INDEX_KEY_BYTES; i++) id = id << 8 | key[i];
    return (int64_t)(id ^ SIGN);
}

void dure_index_set_change(struct dure_index_change *change, uint32_t type,
                           const struct dure_index_key *key, int64_t id, bool add)
{
    make_key(change->key, type, key->field, key->value, id);
    change->add = add;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct dure_index_change *)a)->key,
                  ((const struct dure_index_change *)b)->key, DURE_INDEX_KEY_BYTES);
}

int dure_index_write(const struct dure_index *index, MDB_txn *txn,
                     struct dure_index_change *changes, size_t count)
{
    MDB_cursor *tree;
    int code = mdb_cursor_open(txn, index->tree, &tree);
    if (code != 0) return code;
    if (count > 0) qsort(changes, count, sizeof changes[0], by_key);
    for (size_t i = 0; code == 0 && i < count; i++) {
        MDB_val key = {DURE_INDEX_KEY_BYTES, changes[i].key}, none = {0, NULL};
        if (changes[i].add) {
            code = mdb_cursor_put(tree, &key, &none, 0);
        } else {
            code = mdb_cursor_get(tree, &key, &none, MDB_SET);
            if (code == 0) code = mdb_cursor_del(tree, 0);
            else if (code == MDB_NOTFOUND) code = 0;
        }
    }
    mdb_cursor_close(tree);
    return code;
}

int dure_index_scan(const struct dure_index *index, MDB_txn *txn, uint32_t type, uint16_t field,
                    uint64_t value, int64_t from, dure_row_visit *visit, void *arg)
{
    MDB_cursor *tree;
    unsigned char bytes[DURE_INDEX_KEY_BYTES];
    int rv = 0, code = mdb_cursor_open(txn, index->tree, &tree);
    if (code != 0) return dure_env_error(code);
    make_key(bytes, type, field, value, from);
    MDB_val key = {sizeof bytes, bytes}, none;
    code = mdb_cursor_get(tree, &key, &none, MDB_SET_RANGE);
    while (code == 0 && rv == 0 && memcmp(key.mv_data, bytes, PREFIX_BYTES) == 0) {
        rv = visit(arg, type, id_of(key.mv_data), NULL, 0);
        if (rv == 0) code = mdb_cursor_get(tree, &key, &none, MDB_NEXT);
    }
    mdb_cursor_close(tree);
    if (rv != 0) return rv;
    return code == 0 || code == MDB_NOTFOUND ? 0 : dure_env_error(code);
}

int dure_index_open(struct dure_index *index, MDB_txn *txn, unsigned flags)
{
    return mdb_dbi_open(txn, "index", flags, &index->tree);
}
