/*
 * The journal on LMDB: key = index (native integer order), value = the whole record, appended in key
 * order, one synced transaction each. Random puts dirty a page each; an append does not (DESIGN 4).
 *
 *   1. append   the loop hands the record to the store thread and goes on
 *   2. thread   reserve map, put, commit (two syncs), then wake
 *   3. poll     the loop fires the callback
 *
 * A full disk is answered ENOSPC with nothing written; a failed sync EIO, for ever. Threads: the
 * owner's, one store thread, and any for get.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/env.h"

/* Free map demanded before an append: the record and the pages that LMDB copies for it. */
#define RESERVE_EXTRA ((size_t)256 << 10)

struct lmdb_journal {
    struct dure_journal base;
    struct dure_env env;
    MDB_dbi dbi;
    int lock_fd;
    bool read_only;
    void (*wake)(void *arg);
    void *wake_arg;
    _Atomic uint64_t head, first, bytes;
    /* Handed over under the mutex. */
    pthread_t thread;
    bool thread_on, stop;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    const void *record; /* NULL: nothing to do. */
    size_t len;
    uint64_t expect;
    /* Owner's. */
    _Atomic int finished; /* 1: rv is there. */
    int rv;
    bool failed;
    dure_append_cb *cb;
    void *cb_arg;
};

static struct lmdb_journal *self(struct dure_journal *journal)
{
    return (struct lmdb_journal *)journal;
}

static int put_record(struct lmdb_journal *journal, uint64_t index, const void *record, size_t len)
{
    MDB_txn *txn;
    int rv = dure_env_begin(&journal->env, true, &txn);
    if (rv != 0) return rv;
    size_t index_key = (size_t)index;
    MDB_val key = {sizeof index_key, &index_key}, value = {len, (void *)(uintptr_t)record};
    int code = mdb_put(txn, journal->dbi, &key, &value, MDB_APPEND);
    if (code != 0) {
        dure_env_abort(&journal->env, txn);
        return code == MDB_MAP_FULL ? 1 : dure_env_error(code);
    }
    code = dure_env_commit(&journal->env, txn);
    return code == MDB_MAP_FULL ? 1 : dure_env_error(code);
}

/* On the store thread. */
static int write_record(struct lmdb_journal *journal)
{
    if (journal->failed) return DURE_EIO;
    uint64_t head = atomic_load(&journal->head);
    if (journal->expect != head) return DURE_EREFUSED;
    int rv = dure_env_reserve(&journal->env, journal->len + RESERVE_EXTRA);
    if (rv == 0) rv = put_record(journal, head + 1, journal->record, journal->len);
    while (rv == 1) { /* The map was full all the same: old pages can be pinned by readers. */
        rv = dure_env_extend(&journal->env);
        if (rv == 0) rv = put_record(journal, head + 1, journal->record, journal->len);
    }
    if (rv == 0) {
        if (head == 0 || atomic_load(&journal->first) > head) atomic_store(&journal->first, head + 1);
        atomic_store(&journal->head, head + 1);
        atomic_store(&journal->bytes, dure_env_bytes(&journal->env));
    } else if (rv != DURE_ENOSPC) {
        journal->failed = true;
        rv = DURE_EIO;
    }
    return rv;
}

static void *store_thread(void *arg)
{
    struct lmdb_journal *journal = arg;
    pthread_setname_np(pthread_self(), "dure-sync");
    pthread_mutex_lock(&journal->mutex);
    for (;;) {
        while (journal->record == NULL && !journal->stop) {
            pthread_cond_wait(&journal->cond, &journal->mutex);
        }
        if (journal->record == NULL) break;
        pthread_mutex_unlock(&journal->mutex);
        int rv = write_record(journal);
        pthread_mutex_lock(&journal->mutex);
        journal->record = NULL;
        journal->rv = rv;
        atomic_store(&journal->finished, 1);
        if (journal->wake != NULL) journal->wake(journal->wake_arg);
    }
    pthread_mutex_unlock(&journal->mutex);
    return NULL;
}

static void journal_append(struct dure_journal *base, uint64_t expect, const void *record,
                           size_t len, dure_append_cb *cb, void *arg)
{
    struct lmdb_journal *journal = self(base);
    DURE_ASSERT(!journal->read_only && journal->cb == NULL && len > 0);
    journal->cb = cb;
    journal->cb_arg = arg;
    pthread_mutex_lock(&journal->mutex);
    journal->record = record;
    journal->len = len;
    journal->expect = expect;
    pthread_cond_signal(&journal->cond);
    pthread_mutex_unlock(&journal->mutex);
}

static void journal_poll(struct dure_journal *base)
{
    struct lmdb_journal *journal = self(base);
    if (!atomic_load(&journal->finished)) return;
    atomic_store(&journal->finished, 0);
    dure_append_cb *cb = journal->cb;
    journal->cb = NULL;
    cb(journal->cb_arg, journal->rv);
}

static uint64_t journal_head(struct dure_journal *base)
{
    return atomic_load(&self(base)->head);
}

static uint64_t journal_first(struct dure_journal *base)
{
    return atomic_load(&self(base)->first);
}

static uint64_t journal_bytes(struct dure_journal *base)
{
    return atomic_load(&self(base)->bytes);
}

static int journal_get(struct dure_journal *base, uint64_t index, struct dure_buf *out)
{
    struct lmdb_journal *journal = self(base);
    MDB_txn *txn;
    int rv = dure_env_begin(&journal->env, false, &txn);
    if (rv != 0) return rv;
    size_t index_key = (size_t)index;
    MDB_val key = {sizeof index_key, &index_key}, value;
    rv = dure_env_error(mdb_get(txn, journal->dbi, &key, &value));
    if (rv == 0 && !dure_env_holds(&journal->env, &value)) rv = DURE_ECORRUPT;
    if (rv == 0 && value.mv_size == 0) rv = DURE_ENOTFOUND; /* Trimmed; it only keeps the place. */
    if (rv == 0) dure_buf_add(out, value.mv_data, value.mv_size);
    dure_env_abort(&journal->env, txn);
    return rv;
}

/* The cursor's next record. DURE_ENOTFOUND at the end; DURE_ECORRUPT also when it cannot be one. */
static int next_record(struct lmdb_journal *journal, MDB_cursor *cursor, MDB_cursor_op op,
                       size_t *index, MDB_val *value)
{
    MDB_val key = {sizeof *index, index};
    int rv = dure_env_error(mdb_cursor_get(cursor, &key, value, op));
    if (rv != 0) return rv;
    if (key.mv_size != sizeof *index) return DURE_ECORRUPT;
    if (key.mv_data != index) { /* A key that was asked for comes back as it was given. */
        if (!dure_env_holds(&journal->env, &key)) return DURE_ECORRUPT;
        memcpy(index, key.mv_data, sizeof *index);
    }
    return dure_env_holds(&journal->env, value) ? 0 : DURE_ECORRUPT;
}

typedef int record_visit(void *arg, uint64_t index, const void *record, size_t len);

/* Overflow pages hold the value 16 bytes behind a page's begin: 8-aligned. Small ones lie anywhere,
 * so those are copied. */
static int show(const MDB_val *value, uint64_t index, record_visit *visit, void *arg)
{
    if ((uintptr_t)value->mv_data % 8 == 0) return visit(arg, index, value->mv_data, value->mv_size);
    struct dure_buf copy = {0};
    dure_buf_add(&copy, value->mv_data, value->mv_size);
    int rv = visit(arg, index, copy.data, copy.len);
    dure_buf_fini(&copy);
    return rv;
}

static int journal_tail(struct dure_journal *base, uint64_t from, record_visit *visit, void *arg)
{
    struct lmdb_journal *journal = self(base);
    uint64_t head = atomic_load(&journal->head);
    MDB_txn *txn;
    int rv = dure_env_begin(&journal->env, false, &txn);
    if (rv != 0) return rv;
    MDB_cursor *cursor = NULL;
    rv = dure_env_error(mdb_cursor_open(txn, journal->dbi, &cursor));
    uint64_t first = atomic_load(&journal->first);
    size_t next = (size_t)(from > first ? from : first), index = next;
    for (MDB_cursor_op op = MDB_SET_RANGE; rv == 0; op = MDB_NEXT) {
        MDB_val value;
        rv = next_record(journal, cursor, op, &index, &value);
        if (rv == 0 && (index != next++ || value.mv_size == 0)) rv = DURE_ECORRUPT;
        if (rv == 0) rv = show(&value, index, visit, arg);
        else if (rv == DURE_ENOTFOUND) break;
    }
    /* At the end of the keys; the head may have moved on since, but not back. */
    if (rv == DURE_ENOTFOUND) rv = next > head ? 0 : DURE_ECORRUPT;
    if (cursor != NULL) mdb_cursor_close(cursor);
    dure_env_abort(&journal->env, txn);
    return rv;
}

/* In one transaction. MDB_MAP_FULL: nothing is dropped. */
static int drop(struct lmdb_journal *journal, uint64_t upto, uint64_t head)
{
    MDB_txn *txn;
    int rv = dure_env_begin(&journal->env, true, &txn);
    if (rv != 0) return rv;
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn, journal->dbi, &cursor);
    while (code == 0) {
        MDB_val key, value, empty = {0, NULL};
        size_t index;
        code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
        if (code != 0) break;
        memcpy(&index, key.mv_data, sizeof index);
        if (index > upto) break;
        key.mv_data = &index; /* What was there moves when the page is written to. */
        /* The head stays as a key without bytes: it is where the next append follows on. */
        code = index == head ? mdb_cursor_put(cursor, &key, &empty, 0) : mdb_cursor_del(cursor, 0);
        if (index == head) break;
    }
    if (cursor != NULL) mdb_cursor_close(cursor);
    if (code == 0 || code == MDB_NOTFOUND) {
        code = dure_env_commit(&journal->env, txn);
    } else {
        dure_env_abort(&journal->env, txn);
    }
    return code == MDB_MAP_FULL ? 1 : dure_env_error(code);
}

static int drop_growing(struct lmdb_journal *journal, uint64_t upto, uint64_t head)
{
    int rv = dure_env_reserve(&journal->env, RESERVE_EXTRA);
    if (rv == 0) rv = drop(journal, upto, head);
    while (rv == 1) {
        rv = dure_env_extend(&journal->env);
        if (rv == 0) rv = drop(journal, upto, head);
    }
    if (rv == 0) atomic_store(&journal->first, upto + 1);
    return rv;
}

static int journal_trim(struct dure_journal *base, uint64_t upto)
{
    struct lmdb_journal *journal = self(base);
    DURE_ASSERT(journal->cb == NULL); /* Between appends. */
    uint64_t first = atomic_load(&journal->first), head = atomic_load(&journal->head);
    if (upto > head) upto = head;
    /* On a full disk a trim frees the pages that it needs itself: in small steps at first. And LMDB
     * uses pages again from the second transaction on after the one that freed them: the last record
     * goes by itself, so that the next append has the room of the others. */
    int rv = 0;
    for (uint64_t step = head; rv == 0 && first <= upto; step *= 2) {
        uint64_t most = first < upto ? upto - first : 1;
        if (step > most) step = most;
        rv = drop_growing(journal, first + step - 1, head);
        if (rv == 0) first += step;
        if (rv != DURE_ENOSPC || step == 1) continue;
        rv = 0;
        step = step < 8 ? 1 : step / 8;
        step = (step + 1) / 2; /* Doubled at once. */
    }
    return rv;
}

/* One machine, one process (the lock): the right to try is always ours. */
static int journal_lease(struct dure_journal *base, uint32_t shard, uint64_t owner, int64_t ttl_ms)
{
    (void)base;
    (void)shard;
    (void)owner;
    (void)ttl_ms;
    return 0;
}

static void journal_close(struct dure_journal *base)
{
    struct lmdb_journal *journal = self(base);
    if (journal->thread_on) {
        pthread_mutex_lock(&journal->mutex);
        journal->stop = true;
        pthread_cond_signal(&journal->cond);
        pthread_mutex_unlock(&journal->mutex);
        pthread_join(journal->thread, NULL);
    }
    dure_env_close(&journal->env);
    if (journal->lock_fd >= 0) close(journal->lock_fd);
    pthread_mutex_destroy(&journal->mutex);
    pthread_cond_destroy(&journal->cond);
    free(journal);
}

static const struct dure_journal_ops journal_ops = {
    .append = journal_append, .poll = journal_poll, .head = journal_head, .first = journal_first,
    .get = journal_get, .tail = journal_tail, .trim = journal_trim, .lease = journal_lease,
    .bytes = journal_bytes, .close = journal_close,
};

/* Of what is there; as many keys as lie between the ends, or some are lost. */
static int find_ends(struct lmdb_journal *journal, MDB_txn *txn, MDB_cursor *cursor, size_t *first,
                     size_t *head)
{
    MDB_val value;
    MDB_stat stat;
    int rv = dure_env_error(mdb_stat(txn, journal->dbi, &stat));
    if (rv != 0) return rv;
    rv = next_record(journal, cursor, MDB_FIRST, first, &value);
    if (rv == DURE_ENOTFOUND) return stat.ms_entries == 0 ? 0 : DURE_ECORRUPT;
    if (rv != 0) return rv;
    bool empty = value.mv_size == 0;
    rv = next_record(journal, cursor, MDB_LAST, head, &value);
    if (rv != 0) return rv == DURE_ENOTFOUND ? DURE_ECORRUPT : rv;
    if (*first < 1 || *head < *first || stat.ms_entries != *head - *first + 1) return DURE_ECORRUPT;
    if (empty) ++*first; /* All of them had been trimmed once. */
    return 0;
}

static int read_ends(struct lmdb_journal *journal)
{
    MDB_txn *txn;
    int rv = dure_env_begin(&journal->env, !journal->read_only, &txn);
    if (rv != 0) return rv;
    int code = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY | (journal->read_only ? 0 : MDB_CREATE),
                            &journal->dbi);
    MDB_cursor *cursor = NULL;
    size_t first = 1, head = 0;
    if (code == 0) code = mdb_cursor_open(txn, journal->dbi, &cursor);
    rv = dure_env_error(code);
    if (rv == 0) rv = find_ends(journal, txn, cursor, &first, &head);
    if (cursor != NULL) mdb_cursor_close(cursor);
    if (rv != 0) {
        dure_env_abort(&journal->env, txn);
        return rv;
    }
    atomic_store(&journal->first, first);
    atomic_store(&journal->head, head);
    rv = dure_env_error(dure_env_commit(&journal->env, txn));
    atomic_store(&journal->bytes, dure_env_bytes(&journal->env));
    return rv;
}

int dure_journal_lmdb_open(struct dure_journal **out, const struct dure_store_options *options,
                           const char **message)
{
    struct lmdb_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) return DURE_ENOMEM;
    journal->base.ops = &journal_ops;
    journal->read_only = options->read_only;
    journal->wake = options->wake;
    journal->wake_arg = options->wake_arg;
    pthread_mutex_init(&journal->mutex, NULL);
    pthread_cond_init(&journal->cond, NULL);
    int rv = dure_env_lock(options, &journal->lock_fd, message);
    if (rv == 0) rv = dure_env_open(&journal->env, options, "journal", 0, message);
    if (rv == 0) rv = read_ends(journal);
    if (rv == 0 && !options->read_only) {
        journal->thread_on = pthread_create(&journal->thread, NULL, store_thread, journal) == 0;
        if (!journal->thread_on) rv = DURE_ESYSTEM;
    }
    if (rv != 0) {
        journal_close(&journal->base);
        return rv;
    }
    *out = &journal->base;
    return 0;
}
