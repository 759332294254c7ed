/*
 * One LMDB environment with what dure adds: a lock, checks at open, a map that grows by itself, and
 * errors in dure's terms. Only store/ sees it.
 */
#ifndef DURE_STORE_ENV_H
#define DURE_STORE_ENV_H

#include <lmdb.h>
#include <pthread.h>

#include "store/store.h"

struct dure_env {
    MDB_env *lmdb;
    pthread_rwlock_t grow; /* Read: a transaction is open. Write: the map is being resized. */
    bool grow_ready;
    bool read_only;
    uint64_t map_bytes; /* The map ends here, and the file has blocks up to here. */
    size_t step_bytes_min;
};

/* Opens dir/name (made when absent). `tables` named databases at most, 0: only the main one. */
DURE_MUST_CHECK int dure_env_open(struct dure_env *env, const struct dure_store_options *options,
                                  const char *name, unsigned tables, const char **message);
/* Safe on a half-opened or zeroed one. */
void dure_env_close(struct dure_env *env);

/* A transaction; every begin is followed by commit or abort on the same thread. */
DURE_MUST_CHECK int dure_env_begin(struct dure_env *env, bool write, MDB_txn **txn);
DURE_MUST_CHECK int dure_env_commit(struct dure_env *env, MDB_txn *txn);
void dure_env_abort(struct dure_env *env, MDB_txn *txn);

/*
 * Room to write, in the map and on the disk; only the one thread that writes, with no transaction of
 * its own open. reserve makes sure of `bytes` where the disk has them; a full disk is no error yet.
 * extend is for after MDB_MAP_FULL: twice the room, or what there is, and then try again. When there
 * is nothing: DURE_ENOSPC, and the room that was not used goes back to the disk.
 */
DURE_MUST_CHECK int dure_env_reserve(struct dure_env *env, size_t bytes);
DURE_MUST_CHECK int dure_env_extend(struct dure_env *env);
uint64_t dure_env_bytes(struct dure_env *env);
/* A damaged file can give any length: whether the key or value, as LMDB gave it, lies within one
 * page of a tree, or within the pages that were made for it. */
bool dure_env_holds(struct dure_env *env, const MDB_val *value);

/* LMDB's or errno's code as enum dure_error. */
int dure_env_error(int code);

/* Puts a sentence into *message (unless NULL), with two texts in it; valid until the next one.
 * Returns rv. */
int dure_env_fail(int rv, const char **message, const char *fmt, const char *first,
                  const char *second);

/* Whether statfs's f_type is that of a network file system. */
bool dure_env_is_network(uint32_t f_type);

/* The directory's lock, format version and file system. *fd stays open: it is the lock. */
DURE_MUST_CHECK int dure_env_lock(const struct dure_store_options *options, int *fd,
                                  const char **message);

#endif
