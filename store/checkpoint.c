/*
 * The checkpoint thread: writes batches of rows, each in one synced transaction (batch.c).
 *
 *   1. write    the owner hands a batch over and goes on
 *   2. thread   writes it, wakes
 *   3. poll     the owner fires the callback
 *
 * Its commits never block the journal's: this is another environment (DESIGN 4).
 */
#include "store/rows.h"

static void *checkpoint_thread(void *arg)
{
    struct dure_rows_lmdb *rows = arg;
    pthread_setname_np(pthread_self(), "dure-ckpt");
    pthread_mutex_lock(&rows->mutex);
    for (;;) {
        while (rows->writes == NULL && !rows->stop) pthread_cond_wait(&rows->cond, &rows->mutex);
        if (rows->writes == NULL) break;
        pthread_mutex_unlock(&rows->mutex);
        int rv = dure_batch_write(rows, rows->writes, rows->count);
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
