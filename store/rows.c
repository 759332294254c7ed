/*
 * Rows on LMDB: the environment state/ (its databases: tables.c).
 *
 *   1. get      the owner's thread, through one read transaction that is reset and renewed
 *   2. write    handed to the checkpoint thread (checkpoint.c), completed in poll
 *   3. scan     any thread, a read transaction of its own for the length of the call
 */
#include "store/rows.h"

#include <stdlib.h>

static struct dure_rows_lmdb *self(struct dure_rows *rows)
{
    return (struct dure_rows_lmdb *)rows;
}

static int rows_get(struct dure_rows *base, enum dure_table table, uint32_t type, int64_t id,
                    struct dure_buf *out)
{
    struct dure_rows_lmdb *rows = self(base);
    MDB_dbi dbi;
    if (!dure_tables_find(&rows->tables, table, type, &dbi)) return DURE_ENOTFOUND;
    pthread_rwlock_rdlock(&rows->env.grow);
    int code = rows->reader != NULL ? mdb_txn_renew(rows->reader)
                                    : mdb_txn_begin(rows->env.lmdb, NULL, MDB_RDONLY, &rows->reader);
    if (code == 0) {
        uint64_t bytes[2];
        MDB_val key = dure_tables_key(bytes, table, type, id), value;
        code = mdb_get(rows->reader, dbi, &key, &value);
        if (code == 0) dure_buf_add(out, value.mv_data, value.mv_size);
        mdb_txn_reset(rows->reader);
    }
    pthread_rwlock_unlock(&rows->env.grow);
    return dure_env_error(code);
}

/* To the first key at or behind (type, from), or the last one at or before it. */
static int seek(MDB_cursor *cursor, MDB_val *key, MDB_val *value, bool descending)
{
    MDB_val wanted = *key;
    int code = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (!descending) return code;
    /* SET_RANGE finds the first key at or behind: step back unless it is the very one. */
    if (code == MDB_NOTFOUND) return mdb_cursor_get(cursor, key, value, MDB_LAST);
    bool same = code == 0 && key->mv_size == wanted.mv_size &&
                memcmp(key->mv_data, wanted.mv_data, wanted.mv_size) == 0;
    return code == 0 && !same ? mdb_cursor_get(cursor, key, value, MDB_PREV) : code;
}

static int scan_from(MDB_txn *txn, MDB_dbi dbi, enum dure_table table, uint32_t type, int64_t from,
                     bool descending, dure_row_visit *visit, void *arg)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, dbi, &cursor);
    if (code != 0) return dure_env_error(code);
    uint64_t bytes[2];
    MDB_val key = dure_tables_key(bytes, table, type, from), value;
    int rv = 0;
    code = seek(cursor, &key, &value, descending);
    while (code == 0 && rv == 0) {
        uint32_t of = type;
        int64_t id;
        if (!dure_tables_read_key(table, &key, &of, &id)) code = MDB_CORRUPTED;
        if (code != 0 || of != type) break;
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
    MDB_dbi dbi;
    if (!dure_tables_find(&rows->tables, table, type, &dbi)) return 0;
    int rv = dure_env_begin(&rows->env, false, &txn);
    if (rv != 0) return rv;
    rv = scan_from(txn, dbi, table, type, from, descending, visit, arg);
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
    rv = dure_index_scan(&rows->tables.index, txn, type, field, value, from, visit, arg);
    dure_env_abort(&rows->env, txn);
    return rv;
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

int dure_rows_lmdb_open(struct dure_rows **out, const struct dure_store_options *options,
                        const char **message)
{
    struct dure_rows_lmdb *rows = calloc(1, sizeof *rows);
    if (rows == NULL) return DURE_ENOMEM;
    rows->base.ops = &rows_ops;
    rows->codec = options->codec;
    rows->wake = options->wake;
    rows->wake_arg = options->wake_arg;
    int rv = dure_env_open(&rows->env, options, "state", DURE_TABLES_MAX, message);
    if (rv == 0) rv = dure_tables_open(&rows->tables, &rows->env, options, message);
    if (rv == 0 && !options->read_only) rv = dure_checkpointer_start(rows);
    if (rv != 0) {
        rows_close(&rows->base);
        return rv;
    }
    *out = &rows->base;
    return 0;
}
