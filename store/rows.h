/*
 * What rows.c (reading), batch.c (writing) and checkpoint.c (its thread) share.
 */
#ifndef DURE_STORE_ROWS_H
#define DURE_STORE_ROWS_H

#include <stdatomic.h>

#include "store/tables.h"

struct dure_rows_lmdb {
    struct dure_rows base;
    struct dure_env env;
    struct dure_tables tables;
    MDB_txn *reader; /* The owner's, reset between gets. */
    struct dure_row_codec codec;
    void (*wake)(void *arg);
    void *wake_arg;
    /* The checkpoint thread and what is handed to it under the mutex. */
    pthread_t thread;
    bool thread_on, stop;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct dure_row_write *writes; /* NULL: nothing to do. */
    size_t count;
    _Atomic int finished;
    int rv;
    dure_checkpoint_cb *cb;
    void *cb_arg;
};

/* Writes a batch (and sorts it) in one synced transaction. 0, DURE_ENOSPC with nothing written, or
 * DURE_EIO and what else the environment says. The one thread that writes. */
DURE_MUST_CHECK int dure_batch_write(struct dure_rows_lmdb *rows, struct dure_row_write *writes,
                                     size_t count);

DURE_MUST_CHECK int dure_checkpointer_start(struct dure_rows_lmdb *rows);
void dure_checkpointer_stop(struct dure_rows_lmdb *rows); /* Waits for a running batch. */
void dure_checkpointer_write(struct dure_rows *rows, struct dure_row_write *writes, size_t count,
                             dure_checkpoint_cb *cb, void *arg);
void dure_checkpointer_poll(struct dure_rows *rows);

#endif
