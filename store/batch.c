/*
 * One batch of rows as one transaction.
 *
 *   1. sort      by table, type and id: a cursor goes once through each database, and neighbours
 *                share pages
 *   2. rows      packed; those behind a database's last key are appended (full pages, no search),
 *                the others replace what is there
 *   3. index     the old row's keys that the new one has not go, those that are new come (index.c)
 *   4. commit    all of it or nothing
 *
 * A full map grows and the batch is written again; a full disk is ENOSPC with nothing written. On the
 * checkpoint thread.
 */
#include <stdlib.h>

#include "store/rows.h"

struct batch {
    struct dure_rows_lmdb *rows;
    MDB_txn *txn;
    /* Where the cursor is: in ROW one database a type, else one a table. NULL: nowhere. */
    MDB_cursor *cursor;
    enum dure_table table;
    uint32_t type;
    int64_t last; /* ROW: no row had a larger id before this batch, which is sorted ... */
    bool empty;   /* ... or there was none at all. */
    struct dure_buf packed;
    /* Gathered, and made at the end. */
    struct dure_index_change *changes;
    size_t changes_count, changes_cap;
};

static int by_key(const void *a, const void *b)
{
    const struct dure_row_write *x = a, *y = b;
    if (x->table != y->table) return x->table < y->table ? -1 : 1;
    if (x->type != y->type) return x->type < y->type ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* ---- Index changes ---------------------------------------------------------------------------- */

static bool has_key(const struct dure_index_key *keys, size_t count,
                    const struct dure_index_key *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].field == wanted->field && keys[i].value == wanted->value) return true;
    }
    return false;
}

static void add_change(struct batch *batch, const struct dure_row_write *write,
                       const struct dure_index_key *key, bool add)
{
    if (batch->changes_count == batch->changes_cap) {
        batch->changes_cap = batch->changes_cap ? batch->changes_cap * 2 : 4096;
        batch->changes = realloc(batch->changes, batch->changes_cap * sizeof batch->changes[0]);
        DURE_ASSERT(batch->changes != NULL);
    }
    dure_index_set_change(&batch->changes[batch->changes_count++], write->type, key, write->id, add);
}

static size_t keys_of(const struct dure_row_codec *codec, uint32_t type, const MDB_val *row,
                      struct dure_index_key *keys)
{
    if (codec->index == NULL || row->mv_data == NULL) return 0;
    return codec->index(codec->arg, type, row->mv_data, row->mv_size, keys);
}

static void gather_changes(struct batch *batch, const struct dure_row_write *write,
                           const MDB_val *old, const MDB_val *fresh)
{
    const struct dure_row_codec *codec = &batch->rows->codec;
    struct dure_index_key before[DURE_INDEX_KEYS_MAX], after[DURE_INDEX_KEYS_MAX];
    bool live = write->value != NULL && write->encode && codec->index_live != NULL;
    size_t before_count = keys_of(codec, write->type, old, before);
    size_t after_count = live ? codec->index_live(codec->arg, write, after)
                              : keys_of(codec, write->type, fresh, after);
    DURE_ASSERT(before_count <= DURE_INDEX_KEYS_MAX && after_count <= DURE_INDEX_KEYS_MAX);
    for (size_t i = 0; i < before_count; i++) {
        if (!has_key(after, after_count, &before[i])) add_change(batch, write, &before[i], false);
    }
    for (size_t i = 0; i < after_count; i++) {
        if (!has_key(before, before_count, &after[i])) add_change(batch, write, &after[i], true);
    }
}

/* ---- Rows ------------------------------------------------------------------------------------- */

static void leave(struct batch *batch)
{
    if (batch->cursor != NULL) mdb_cursor_close(batch->cursor);
    batch->cursor = NULL;
}

/* To the database of this write, if the cursor is not there yet. */
static int enter(struct batch *batch, const struct dure_row_write *write)
{
    bool row = write->table == DURE_TABLE_ROW;
    if (batch->cursor != NULL && batch->table == write->table &&
        (!row || batch->type == write->type)) {
        return 0;
    }
    leave(batch);
    MDB_dbi dbi;
    bool found = dure_tables_find(&batch->rows->tables, write->table, write->type, &dbi);
    DURE_ASSERT(found); /* The codec lists all types. */
    int code = mdb_cursor_open(batch->txn, dbi, &batch->cursor);
    batch->table = write->table;
    batch->type = write->type;
    if (code != 0 || !row) return code;
    MDB_val key, value;
    code = mdb_cursor_get(batch->cursor, &key, &value, MDB_LAST);
    batch->empty = code == MDB_NOTFOUND;
    if (batch->empty) return 0;
    if (code != 0) return code;
    uint32_t type;
    return dure_tables_read_key(DURE_TABLE_ROW, &key, &type, &batch->last) ? 0 : MDB_CORRUPTED;
}

static MDB_val value_of(struct batch *batch, const struct dure_row_write *write)
{
    if (write->value == NULL) return (MDB_val){0, NULL};
    if (!write->encode) return (MDB_val){write->value_len, (void *)(uintptr_t)write->value};
    batch->packed.len = 0;
    batch->rows->codec.pack(batch->rows->codec.arg, write, &batch->packed);
    return (MDB_val){batch->packed.len, batch->packed.data};
}

static int delete_key(struct batch *batch, MDB_val *key)
{
    MDB_val old;
    int code = mdb_cursor_get(batch->cursor, key, &old, MDB_SET);
    if (code == 0) return mdb_cursor_del(batch->cursor, 0);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_row(struct batch *batch, const struct dure_row_write *write, MDB_val *key)
{
    /* Then there is no old row either, and all keys so far are smaller. */
    bool behind = batch->empty || write->id > batch->last;
    MDB_val old = {0, NULL}, fresh = value_of(batch, write);
    int code = behind || write->fresh ? MDB_NOTFOUND
                                      : mdb_cursor_get(batch->cursor, key, &old, MDB_SET);
    if (code != 0 && code != MDB_NOTFOUND) return code;
    bool there = code == 0;
    gather_changes(batch, write, &old, &fresh);
    if (write->value == NULL) return there ? mdb_cursor_del(batch->cursor, 0) : 0;
    return mdb_cursor_put(batch->cursor, key, &fresh, behind ? MDB_APPEND : 0);
}

static int write_one(struct batch *batch, const struct dure_row_write *write)
{
    uint64_t bytes[2];
    MDB_val key = dure_tables_key(bytes, write->table, write->type, write->id);
    int code = enter(batch, write);
    if (code != 0) return code;
    if (write->table == DURE_TABLE_ROW) return write_row(batch, write, &key);
    if (write->value == NULL) return delete_key(batch, &key);
    MDB_val value = value_of(batch, write);
    return mdb_cursor_put(batch->cursor, &key, &value, 0);
}

/* ---- The transaction -------------------------------------------------------------------------- */

/* 1: the map was full, nothing is written. */
static int write_all(struct batch *batch, const struct dure_row_write *writes, size_t count)
{
    struct dure_rows_lmdb *rows = batch->rows;
    int rv = dure_env_begin(&rows->env, true, &batch->txn);
    if (rv != 0) return rv;
    int code = 0;
    batch->changes_count = 0;
    for (size_t i = 0; code == 0 && i < count; i++) code = write_one(batch, &writes[i]);
    leave(batch);
    if (code == 0) {
        code = dure_index_write(&rows->tables.index, batch->txn, batch->changes,
                                batch->changes_count);
    }
    if (code != 0) dure_env_abort(&rows->env, batch->txn);
    else code = dure_env_commit(&rows->env, batch->txn);
    return code == MDB_MAP_FULL ? 1 : dure_env_error(code);
}

int dure_batch_write(struct dure_rows_lmdb *rows, struct dure_row_write *writes, size_t count)
{
    struct batch batch = {.rows = rows};
    qsort(writes, count, sizeof writes[0], by_key);
    for (size_t i = 1; i < count; i++) DURE_ASSERT(by_key(&writes[i - 1], &writes[i]) < 0);
    /* An estimate; the map grows again if it was too small. */
    int rv = dure_env_reserve(&rows->env, count * 1024 + ((size_t)1 << 20));
    if (rv == 0) rv = write_all(&batch, writes, count);
    while (rv == 1) {
        rv = dure_env_extend(&rows->env);
        if (rv == 0) rv = write_all(&batch, writes, count);
    }
    dure_buf_fini(&batch.packed);
    free(batch.changes);
    return rv;
}
