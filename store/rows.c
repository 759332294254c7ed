/*
 * Rows on LMDB: the environment state/, one database per table and one for the index.
 *
 *   1. get      the owner's thread, through one read transaction that is reset and renewed
 *   2. write    handed to the checkpoint thread (checkpoint.c), completed in poll
 *   3. scan     any thread, a read transaction of its own for the length of the call
 *
 * Keys are big-endian (type, id with its sign bit flipped), so that LMDB's byte order is theirs.
 * Index keys: (type, field, value, id), no data.
 */
#include "store/rows.h"

#include <stdlib.h>

static const char *const table_names[DURE_TABLES] = {"row", "key", "timer", "meta", "outbox"};

static struct dure_rows_lmdb *self(struct dure_rows *rows)
{
    return (struct dure_rows_lmdb *)rows;
}

static void put_big(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) to[i] = (unsigned char)value;
}

static uint64_t get_big(const unsigned char *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | from[i];
    return value;
}

#define SIGN (UINT64_C(1) << 63)

void dure_rows_key(unsigned char key[DURE_ROW_KEY_BYTES], uint32_t type, int64_t id)
{
    put_big(key, type, 4);
    put_big(key + 4, (uint64_t)id ^ SIGN, 8);
}

void dure_rows_index_key(unsigned char key[DURE_INDEX_KEY_BYTES], uint32_t type,
                         const struct dure_index_key *index, int64_t id)
{
    put_big(key, type, 4);
    put_big(key + 4, index->field, 2);
    put_big(key + 6, index->value, 8);
    put_big(key + 14, (uint64_t)id ^ SIGN, 8);
}

static int rows_get(struct dure_rows *base, enum dure_table table, uint32_t type, int64_t id,
                    struct dure_buf *out)
{
    struct dure_rows_lmdb *rows = self(base);
    pthread_rwlock_rdlock(&rows->env.grow);
    int code = rows->reader != NULL ? mdb_txn_renew(rows->reader)
                                    : mdb_txn_begin(rows->env.lmdb, NULL, MDB_RDONLY, &rows->reader);
    if (code == 0) {
        unsigned char bytes[DURE_ROW_KEY_BYTES];
        dure_rows_key(bytes, type, id);
        MDB_val key = {sizeof bytes, bytes}, value;
        code = mdb_get(rows->reader, rows->tables[table], &key, &value);
        if (code == 0) dure_buf_add(out, value.mv_data, value.mv_size);
        mdb_txn_reset(rows->reader);
    }
    pthread_rwlock_unlock(&rows->env.grow);
    return dure_env_error(code);
}

static int scan_from(struct dure_rows_lmdb *rows, MDB_txn *txn, enum dure_table table, uint32_t type,
                     int64_t from, bool descending, dure_row_visit *visit, void *arg)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, rows->tables[table], &cursor);
    if (code != 0) return dure_env_error(code);
    unsigned char bytes[DURE_ROW_KEY_BYTES];
    dure_rows_key(bytes, type, from);
    MDB_val key = {sizeof bytes, bytes}, value;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (descending) {
        /* SET_RANGE finds the first key at or behind: step back unless it is the very one. */
        if (code == MDB_NOTFOUND) code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
        else if (code == 0 && memcmp(key.mv_data, bytes, sizeof bytes) != 0) {
            code = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
        }
    }
    int rv = 0;
    while (code == 0 && rv == 0 && get_big(key.mv_data, 4) == type) {
        int64_t id = (int64_t)(get_big((const unsigned char *)key.mv_data + 4, 8) ^ SIGN);
        rv = visit(arg, type, id, value.mv_data, value.mv_size);
        if (rv == 0) code = mdb_cursor_get(cursor, &key, &value, descending ? MDB_PREV : MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (rv != 0) return rv;
    return code == 0 || code == MDB_NOTFOUND ? 0 : dure_env_error(code);
}

static int rows_scan(struct dure_rows *base, enum dure_table table, uint32_t type, int64_t from,
                     bool descending, dure_row_visit *visit, void *arg)
{
    struct dure_rows_lmdb *rows = self(base);
    MDB_txn *txn;
    int rv = dure_env_begin(&rows->env, false, &txn);
    if (rv != 0) return rv;
    rv = scan_from(rows, txn, table, type, from, descending, visit, arg);
    dure_env_abort(&rows->env, txn);
    return rv;
}

static int rows_scan_index(struct dure_rows *base, uint32_t type, uint16_t field, uint64_t value,
                           int64_t from, dure_row_visit *visit, void *arg)
{
    struct dure_rows_lmdb *rows = self(base);
    MDB_txn *txn;
    int rv = dure_env_begin(&rows->env, false, &txn);
    if (rv != 0) return rv;
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, rows->index, &cursor);
    if (code == 0) {
        unsigned char bytes[DURE_INDEX_KEY_BYTES];
        struct dure_index_key index = {.field = field, .value = value};
        dure_rows_index_key(bytes, type, &index, from);
        MDB_val key = {sizeof bytes, bytes}, none;
        code = mdb_cursor_get(cursor, &key, &none, MDB_SET_RANGE);
        while (code == 0 && rv == 0 && memcmp(key.mv_data, bytes, 14) == 0) {
            int64_t id = (int64_t)(get_big((const unsigned char *)key.mv_data + 14, 8) ^ SIGN);
            rv = visit(arg, type, id, NULL, 0);
            if (rv == 0) code = mdb_cursor_get(cursor, &key, &none, MDB_NEXT);
        }
        mdb_cursor_close(cursor);
    }
    dure_env_abort(&rows->env, txn);
    if (rv != 0) return rv;
    return code == 0 || code == MDB_NOTFOUND ? 0 : dure_env_error(code);
}

static uint64_t rows_bytes(struct dure_rows *base)
{
    return dure_env_bytes(&self(base)->env);
}

static void rows_close(struct dure_rows *base)
{
    struct dure_rows_lmdb *rows = self(base);
    dure_checkpointer_stop(rows);
    if (rows->reader != NULL) mdb_txn_abort(rows->reader);
    dure_env_close(&rows->env);
    free(rows);
}

static const struct dure_rows_ops rows_ops = {
    .get = rows_get, .write = dure_checkpointer_write, .poll = dure_checkpointer_poll,
    .scan = rows_scan, .scan_index = rows_scan_index, .bytes = rows_bytes, .close = rows_close,
};

static int open_tables(struct dure_rows_lmdb *rows, bool read_only)
{
    MDB_txn *txn;
    int rv = dure_env_begin(&rows->env, !read_only, &txn);
    if (rv != 0) return rv;
    unsigned flags = read_only ? 0 : MDB_CREATE;
    int code = 0;
    for (int i = 0; code == 0 && i < DURE_TABLES; i++) {
        code = mdb_dbi_open(txn, table_names[i], flags, &rows->tables[i]);
    }
    if (code == 0) code = mdb_dbi_open(txn, "index", flags, &rows->index);
    if (code != 0) {
        dure_env_abort(&rows->env, txn);
        return dure_env_error(code);
    }
    return dure_env_error(dure_env_commit(&rows->env, txn));
}

int dure_rows_lmdb_open(struct dure_rows **out, const struct dure_store_options *options,
                        const char **message)
{
    struct dure_rows_lmdb *rows = calloc(1, sizeof *rows);
    if (rows == NULL) return DURE_ENOMEM;
    rows->base.ops = &rows_ops;
    rows->codec = options->codec;
    rows->wake = options->wake;
    rows->wake_arg = options->wake_arg;
    int rv = dure_env_open(&rows->env, options, "state", DURE_TABLES + 1, message);
    if (rv == 0) rv = open_tables(rows, options->read_only);
    if (rv == 0 && !options->read_only) rv = dure_checkpointer_start(rows);
    if (rv != 0) {
        rows_close(&rows->base);
        return rv;
    }
    *out = &rows->base;
    return 0;
}
