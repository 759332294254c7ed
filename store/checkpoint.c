/*
 * The checkpoint thread: writes batches of rows, each in one synced transaction.
 *
 *   1. write    the owner hands a batch over and goes on
 *   2. thread   sorts it by key (neighbours share pages), packs live objects, keeps the index in
 *               step (old row's keys out, new ones in), commits, wakes
 *   3. poll     the owner fires the callback
 *
 * A full map grows and the batch is written again; a full disk is ENOSPC with nothing written.
 * commits never block the journal's: this is another environment (DESIGN 4).
 */
#include <stdlib.h>

#include "store/rows.h"

static int by_key(const void *a, const void *b)
{
    const struct dure_row_write *x = a, *y = b;
    if (x->table != y->table) return x->table < y->table ? -1 : 1;
    if (x->type != y->type) return x->type < y->type ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static size_t index_keys(struct dure_rows_lmdb *rows, uint32_t type, const void *row, size_t len,
                         struct dure_index_key *keys)
{
    if (rows->codec.index == NULL || row == NULL) return 0;
    size_t count = rows->codec.index(rows->codec.arg, type, row, len, keys);
    DURE_ASSERT(count <= DURE_INDEX_KEYS_MAX);
    return count;
}

static bool has_key(const struct dure_index_key *keys, size_t count,
                    const struct dure_index_key *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].field == wanted->field && keys[i].value == wanted->value) return true;
    }
    return false;
}

/* Index changes are gathered and made in key order at the end: random inserts dirty a page each. */
struct change {
    unsigned char key[DURE_INDEX_KEY_BYTES];
    bool add;
};

struct batch {
    struct dure_buf packed;
    struct change *changes;
    size_t count, cap;
};

static void add_change(struct batch *batch, const struct dure_row_write *write,
                       const struct dure_index_key *key, bool add)
{
    if (batch->count == batch->cap) {
        batch->cap = batch->cap ? batch->cap * 2 : 4096;
        batch->changes = realloc(batch->changes, batch->cap * sizeof batch->changes[0]);
        DURE_ASSERT(batch->changes != NULL);
    }
    struct change *change = &batch->changes[batch->count++];
    dure_rows_index_key(change->key, write->type, key, write->id);
    change->add = add;
}

static void gather_index(struct dure_rows_lmdb *rows, struct batch *batch,
                         const struct dure_row_write *write, const MDB_val *old,
                         const MDB_val *fresh)
{
    struct dure_index_key before[DURE_INDEX_KEYS_MAX], after[DURE_INDEX_KEYS_MAX];
    size_t before_count = index_keys(rows, write->type, old->mv_data, old->mv_size, before);
    bool live = write->value != NULL && write->encode && rows->codec.index_live != NULL;
    size_t after_count = live ? rows->codec.index_live(rows->codec.arg, write, after)
                              : index_keys(rows, write->type, fresh->mv_data, fresh->mv_size, after);
    DURE_ASSERT(after_count <= DURE_INDEX_KEYS_MAX);
    for (size_t i = 0; i < before_count; i++) {
        if (!has_key(after, after_count, &before[i])) add_change(batch, write, &before[i], false);
    }
    for (size_t i = 0; i < after_count; i++) {
        if (!has_key(before, before_count, &after[i])) add_change(batch, write, &after[i], true);
    }
}

static int by_index_key(const void *a, const void *b)
{
    return memcmp(((const struct change *)a)->key, ((const struct change *)b)->key,
                  DURE_INDEX_KEY_BYTES);
}

static int write_index(struct dure_rows_lmdb *rows, MDB_txn *txn, struct batch *batch)
{
    MDB_val none = {0, NULL};
    int code = 0;
    if (batch->count > 0) qsort(batch->changes, batch->count, sizeof batch->changes[0], by_index_key);
    for (size_t i = 0; code == 0 && i < batch->count; i++) {
        MDB_val key = {DURE_INDEX_KEY_BYTES, batch->changes[i].key};
        if (batch->changes[i].add) code = mdb_put(txn, rows->index, &key, &none, 0);
        else code = mdb_del(txn, rows->index, &key, NULL);
        if (code == MDB_NOTFOUND) code = 0;
    }
    return code;
}

static int write_one(struct dure_rows_lmdb *rows, MDB_txn *txn, const struct dure_row_write *write,
                     struct batch *batch)
{
    unsigned char bytes[DURE_ROW_KEY_BYTES];
    dure_rows_key(bytes, write->type, write->id);
    MDB_val key = {sizeof bytes, bytes}, fresh = {0, NULL}, old = {0, NULL};
    if (write->value != NULL && write->encode) {
        batch->packed.len = 0;
        rows->codec.pack(rows->codec.arg, write, &batch->packed);
        fresh = (MDB_val){batch->packed.len, batch->packed.data};
    } else if (write->value != NULL) {
        fresh = (MDB_val){write->value_len, (void *)(uintptr_t)write->value};
    }
    int code = 0;
    if (write->table == DURE_TABLE_ROW) {
        code = write->fresh ? MDB_NOTFOUND
                            : mdb_get(txn, rows->tables[DURE_TABLE_ROW], &key, &old);
        if (code == MDB_NOTFOUND) {
            old = (MDB_val){0, NULL};
            code = 0;
        }
        if (code == 0) gather_index(rows, batch, write, &old, &fresh);
    }
    if (code != 0) return code;
    if (write->value != NULL) return mdb_put(txn, rows->tables[write->table], &key, &fresh, 0);
    code = mdb_del(txn, rows->tables[write->table], &key, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* 1: the map was full, nothing is written. */
static int write_batch(struct dure_rows_lmdb *rows, struct batch *batch)
{
    MDB_txn *txn;
    int rv = dure_env_begin(&rows->env, true, &txn);
    if (rv != 0) return rv;
    int code = 0;
    batch->count = 0;
    for (size_t i = 0; code == 0 && i < rows->count; i++) {
        code = write_one(rows, txn, &rows->writes[i], batch);
    }
    if (code == 0) code = write_index(rows, txn, batch);
    if (code != 0) dure_env_abort(&rows->env, txn);
    else code = dure_env_commit(&rows->env, txn);
    return code == MDB_MAP_FULL ? 1 : dure_env_error(code);
}

static int write_batch_growing(struct dure_rows_lmdb *rows)
{
    struct batch batch = {0};
    qsort(rows->writes, rows->count, sizeof rows->writes[0], by_key);
    /* An estimate; the map grows again if it was too small. */
    int rv = dure_env_reserve(&rows->env, rows->count * 1024 + ((size_t)1 << 20));
    if (rv == 0) rv = write_batch(rows, &batch);
    while (rv == 1) {
        rv = dure_env_extend(&rows->env);
        if (rv == 0) rv = write_batch(rows, &batch);
    }
    dure_buf_fini(&batch.packed);
    free(batch.changes);
    return rv;
}

static void *checkpoint_thread(void *arg)
{
    struct dure_rows_lmdb *rows = arg;
    pthread_setname_np(pthread_self(), "dure-ckpt");
    pthread_mutex_lock(&rows->mutex);
    for (;;) {
        while (rows->writes == NULL && !rows->stop) pthread_cond_wait(&rows->cond, &rows->mutex);
        if (rows->writes == NULL) break;
        pthread_mutex_unlock(&rows->mutex);
        int rv = write_batch_growing(rows);
        pthread_mutex_lock(&rows->mutex);
        rows->writes = NULL;
        rows->rv = rv;
        atomic_store(&rows->finished, 1);
        if (rows->wake != NULL) rows->wake(rows->wake_arg);
    }
    pthread_mutex_unlock(&rows->mutex);
    return NULL;
}

int dure_checkpointer_start(struct dure_rows_lmdb *rows)
{
    pthread_mutex_init(&rows->mutex, NULL);
    pthread_cond_init(&rows->cond, NULL);
    rows->thread_on = pthread_create(&rows->thread, NULL, checkpoint_thread, rows) == 0;
    return rows->thread_on ? 0 : DURE_ESYSTEM;
}

void dure_checkpointer_stop(struct dure_rows_lmdb *rows)
{
    if (!rows->thread_on) return;
    pthread_mutex_lock(&rows->mutex);
    rows->stop = true;
    pthread_cond_signal(&rows->cond);
    pthread_mutex_unlock(&rows->mutex);
    pthread_join(rows->thread, NULL);
    pthread_mutex_destroy(&rows->mutex);
    pthread_cond_destroy(&rows->cond);
    rows->thread_on = false;
}

void dure_checkpointer_write(struct dure_rows *base, struct dure_row_write *writes, size_t count,
                             dure_checkpoint_cb *cb, void *arg)
{
    struct dure_rows_lmdb *rows = (struct dure_rows_lmdb *)base;
    DURE_ASSERT(rows->thread_on && rows->cb == NULL && writes != NULL);
    rows->cb = cb;
    rows->cb_arg = arg;
    pthread_mutex_lock(&rows->mutex);
    rows->writes = writes;
    rows->count = count;
    pthread_cond_signal(&rows->cond);
    pthread_mutex_unlock(&rows->mutex);
}

void dure_checkpointer_poll(struct dure_rows *base)
{
    struct dure_rows_lmdb *rows = (struct dure_rows_lmdb *)base;
    if (!atomic_load(&rows->finished)) return;
    atomic_store(&rows->finished, 0);
    dure_checkpoint_cb *cb = rows->cb;
    rows->cb = NULL;
    cb(rows->cb_arg, rows->rv);
}
