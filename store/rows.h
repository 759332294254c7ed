/*
 * What rows.c (reading) and checkpoint.c (writing) share.
 */
#ifndef DURE_STORE_ROWS_H
#define DURE_STORE_ROWS_H

#include <stdatomic.h>

#include "store/env.h"

#define DURE_ROW_KEY_BYTES 12
#define DURE_INDEX_KEY_BYTES 22

struct dure_rows_lmdb {
    struct dure_rows base;
    struct dure_env env;
    MDB_dbi tables[DURE_TABLES], index;
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

void dure_rows_key(unsigned char key[DURE_ROW_KEY_BYTES], uint32_t type, int64_t id);
void dure_rows_index_key(unsigned char key[DURE_INDEX_KEY_BYTES], uint32_t type,
                         const struct dure_index_key *index, int64_t id);

DURE_MUST_CHECK int dure_checkpointer_start(struct dure_rows_lmdb *rows);
void dure_checkpointer_stop(struct dure_rows_lmdb *rows); /* Waits for a running batch. */
void dure_checkpointer_write(struct dure_rows *rows, struct dure_row_write *writes, size_t count,
                             dure_checkpoint_cb *cb, void *arg);
void dure_checkpointer_poll(struct dure_rows *rows);

#endif
