/*
 * LMDB environments (lmdb.h states the restrictions that are kept here).
 *
 *   1. lock     DIR/lock by flock: one process; DIR/format: a newer version is refused
 *   2. open     no thread-local readers (any thread may read), stale readers cleared
 *   3. begin … commit   under the read half of `grow`
 *   4. reserve  resizes under the write half: lmdb.h wants no transaction open then
 *
 * The map never ends behind the blocks that the file has, so that a full disk shows as MDB_MAP_FULL
 * before anything is written: LMDB itself reports a short write as EIO, which could not be told from
 * a failing disk. And what still fits, in freed pages or in the last blocks, is written.
 *
 * A failed sync leaves the environment unusable: everything afterwards is DURE_EIO. Any thread.
 */
#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/meta.h"

#define FORMAT_VERSION 1
/* Map and file grow by an eighth, at least and at most by these; always by whole grains. */
#define STEP_BYTES_MIN ((size_t)4 << 20)
#define STEP_BYTES_MAX ((size_t)64 << 20)
#define GRAIN ((size_t)64 << 10)
/* A transaction that makes the tables of a new environment fits. */
#define OPEN_BYTES ((size_t)256 << 10)
#define FIRST_BYTES ((size_t)8 << 10)
#define READERS_MAX 512
/* LMDB's table of readers: 64 bytes each, and a head. */
#define LOCK_BYTES ((size_t)READERS_MAX * 64 + 4096)

static char message_text[8192];

static int fail(int rv, const char **message, const char *fmt, const char *path, const char *why)
{
    if (message != NULL) {
        snprintf(message_text, sizeof message_text, fmt, path, why);
        *message = message_text;
    }
    return rv;
}

int dure_env_fail(int rv, const char **message, const char *fmt, const char *first,
                  const char *second)
{
    return fail(rv, message, fmt, first, second);
}

int dure_env_error(int code)
{
    switch (code) {
    case MDB_SUCCESS: return 0;
    case MDB_MAP_FULL: return DURE_ENOSPC; /* dure_env_extend has been tried, or cannot help. */
    case MDB_NOTFOUND: return DURE_ENOTFOUND;
    case MDB_PANIC: return DURE_EIO;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID: return DURE_ECORRUPT;
    case MDB_VERSION_MISMATCH: return DURE_EFORMAT;
    default: return code > 0 ? dure_error_from_errno(code) : DURE_ESYSTEM;
    }
}

bool dure_env_is_network(uint32_t f_type)
{
    /* linux/magic.h and the file systems' own sources: NFS, SMB, CIFS, SMB2, Coda, AFS (two of them),
     * Ceph, 9p, Lustre. */
    static const uint32_t magics[] = {0x6969,     0x517b,     0xff534d42, 0xfe534d42, 0x73757245,
                                      0x5346414f, 0x6b414653, 0x00c36400, 0x01021997, 0x0bd00bd0};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (f_type == magics[i]) return true;
    }
    return false;
}

static bool on_network(const char *dir)
{
    struct statfs fs;
    return statfs(dir, &fs) == 0 && dure_env_is_network((uint32_t)fs.f_type);
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return dure_error_from_errno(errno);
    int rv = fsync(fd) == 0 ? 0 : dure_error_from_errno(errno);
    close(fd);
    return rv;
}

static int make_dir(const char *path, const char *parent)
{
    if (mkdir(path, 0700) == 0) return sync_dir(parent);
    return errno == EEXIST ? 0 : dure_error_from_errno(errno);
}

/* Under another name first: a full disk or a power failure must not leave half a format behind. */
static int write_format(const char *dir, const char *path)
{
    char fresh[4096];
    snprintf(fresh, sizeof fresh, "%s/format.new", dir);
    FILE *file = fopen(fresh, "we");
    if (file == NULL) return dure_error_from_errno(errno);
    errno = 0;
    bool written = fprintf(file, "dure %d\n", FORMAT_VERSION) > 0 && fflush(file) == 0 &&
                   fsync(fileno(file)) == 0;
    int rv = written ? 0 : dure_error_from_errno(errno);
    fclose(file);
    if (rv == 0 && rename(fresh, path) != 0) rv = dure_error_from_errno(errno);
    return rv == 0 ? sync_dir(dir) : rv;
}

static int check_format(const char *dir, bool read_only, const char **message)
{
    char path[4096], text[32] = "";
    snprintf(path, sizeof path, "%s/format", dir);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (errno != ENOENT) return fail(DURE_ESYSTEM, message, "%s: %s", path, strerror(errno));
        if (read_only) return fail(DURE_ENOTFOUND, message, "%s is no data directory%s", dir, "");
        int rv = write_format(dir, path);
        return rv == 0 ? 0 : fail(rv, message, "%s: %s", path, dure_error_info(rv)->text);
    }
    int version = 0;
    if (fgets(text, sizeof text, file) != NULL) (void)!sscanf(text, "dure %d", &version);
    fclose(file);
    if (version < 1) return fail(DURE_ECORRUPT, message, "%s is unreadable%s", path, "");
    if (version > FORMAT_VERSION) {
        return fail(DURE_EFORMAT, message, "%s was written by a newer version of dure%s", dir, "");
    }
    return 0;
}

int dure_env_lock(const struct dure_store_options *options, int *fd, const char **message)
{
    const char *dir = options->dir;
    char path[4096];
    *fd = -1;
    if (!options->read_only && mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return fail(dure_error_from_errno(errno), message, "%s: %s", dir, strerror(errno));
    }
    if (on_network(dir)) {
        return fail(DURE_ENETFS, message, "%s is on a network file system%s", dir, "");
    }
    snprintf(path, sizeof path, "%s/lock", dir);
    *fd = open(path, options->read_only ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) return fail(dure_error_from_errno(errno), message, "%s: %s", path, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        close(*fd);
        *fd = -1;
        return fail(DURE_ELOCKED, message, "%s is open in another process%s", dir, "");
    }
    int rv = check_format(dir, options->read_only, message);
    if (rv != 0) {
        close(*fd);
        *fd = -1;
    }
    return rv;
}

uint64_t dure_env_bytes(struct dure_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(env->lmdb, &info) != 0 || mdb_env_stat(env->lmdb, &stat) != 0) return 0;
    return (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
}

/* mdb.c, struct MDB_page: what is before the value that an overflow page holds. */
struct overflow {
    uint64_t page;
    uint16_t unused, flags;
    uint32_t pages;
};
_Static_assert(sizeof(struct overflow) == 16, "LMDB's page header");

bool dure_env_holds(struct dure_env *env, const MDB_val *value)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(env->lmdb, &info) != 0 || mdb_env_stat(env->lmdb, &stat) != 0) return false;
    size_t page = stat.ms_psize, at = (uintptr_t)value->mv_data & (page - 1);
    struct overflow head;
    if (at != sizeof head) return value->mv_size <= page - at; /* Within a page of the tree. */
    memcpy(&head, (const char *)value->mv_data - sizeof head, sizeof head);
    return head.page <= info.me_last_pgno && head.pages <= info.me_last_pgno + 1 - head.page &&
           at + value->mv_size <= (uint64_t)head.pages * page;
}

/* ---- Room: the map never ends behind the blocks that the file has --------------------------------- */

static int set_map(struct dure_env *env, size_t size)
{
    pthread_rwlock_wrlock(&env->grow);
    int code = mdb_env_set_mapsize(env->lmdb, size);
    if (code == 0) env->map_bytes = size;
    pthread_rwlock_unlock(&env->grow);
    return dure_env_error(code);
}

/* Blocks for the file from..to; a file system that cannot do that is taken at its word. */
static int allocate(int fd, uint64_t from, uint64_t to)
{
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)) == 0) return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : dure_error_from_errno(errno);
}

static int claim(struct dure_env *env, uint64_t from, uint64_t to)
{
    mdb_filehandle_t fd;
    int code = mdb_env_get_fd(env->lmdb, &fd);
    return code == 0 ? allocate(fd, from, to) : dure_env_error(code);
}

static int give_back(struct dure_env *env)
{
    mdb_filehandle_t fd;
    uint64_t used = dure_env_bytes(env), end = env->map_bytes;
    int code = mdb_env_get_fd(env->lmdb, &fd);
    if (code != 0) return dure_env_error(code);
    if (end <= used) return 0;
    int rv = set_map(env, used);
    if (rv != 0) return rv;
    /* Where this cannot be done the blocks stay with the file, and are there at the next try. */
    (void)!fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, (off_t)used,
                     (off_t)(end - used));
    return 0;
}

static size_t step(const struct dure_env *env, uint64_t used)
{
    size_t bytes = used / 8 < STEP_BYTES_MAX ? (size_t)used / 8 : STEP_BYTES_MAX;
    bytes = bytes > env->step_bytes_min ? bytes : env->step_bytes_min;
    return (bytes + GRAIN - 1) / GRAIN * GRAIN;
}

int dure_env_reserve(struct dure_env *env, size_t bytes)
{
    uint64_t used = dure_env_bytes(env);
    DURE_ASSERT(used <= env->map_bytes);
    if (env->map_bytes - used >= bytes) return 0;
    size_t more = (bytes + GRAIN - 1) / GRAIN * GRAIN, most = step(env, used);
    if (most < more) most = more;
    int rv = claim(env, env->map_bytes, env->map_bytes + most);
    if (rv == DURE_ENOSPC && more < most) {
        most = more;
        rv = claim(env, env->map_bytes, env->map_bytes + most);
    }
    /* There may still be room enough: pages that were freed are used again. LMDB knows. */
    if (rv == DURE_ENOSPC) return 0;
    return rv == 0 ? set_map(env, env->map_bytes + most) : rv;
}

int dure_env_extend(struct dure_env *env)
{
    uint64_t used = dure_env_bytes(env), end = env->map_bytes;
    size_t most = step(env, used);
    if (most < end - used) most = (size_t)(end - used);
    /* All of it, or what the disk still has: one more try tells whether that is enough. */
    for (size_t more = most; more >= GRAIN && end < env->map_bytes + most; more /= 2) {
        more = more / GRAIN * GRAIN;
        int rv = claim(env, end, end + more);
        if (rv == 0) end += more;
        else if (rv != DURE_ENOSPC) return rv;
    }
    if (end > env->map_bytes) return set_map(env, end);
    int rv = give_back(env);
    return rv == 0 ? DURE_ENOSPC : rv;
}

/* What a file that was opened has: blocks for its pages (it may have holes), and a little more. */
static int first_room(struct dure_env *env)
{
    uint64_t used = dure_env_bytes(env);
    int rv = claim(env, 0, used);
    if (rv == 0 || rv == DURE_ENOSPC) rv = set_map(env, used);
    return rv == 0 ? dure_env_reserve(env, OPEN_BYTES) : rv;
}

/* Reading behind the end of the file would be a signal, not an error: its last pages may never have
 * been written (meta.c), or have been cut off, which their users' checks tell. */
static int full_length(struct dure_env *env)
{
    mdb_filehandle_t fd;
    struct stat info;
    int code = mdb_env_get_fd(env->lmdb, &fd);
    if (code != 0) return dure_env_error(code);
    uint64_t used = dure_env_bytes(env);
    if (fstat(fd, &info) != 0) return dure_error_from_errno(errno);
    if ((uint64_t)info.st_size >= used) return 0;
    if (env->read_only) return DURE_ECORRUPT; /* A node can open it, and fills it up. */
    return ftruncate(fd, (off_t)used) == 0 ? 0 : dure_error_from_errno(errno);
}

/* ---- Opening -------------------------------------------------------------------------------------- */

static int check_data(const char *path, const char **message)
{
    char data[4096 + 16];
    snprintf(data, sizeof data, "%s/data.mdb", path);
    int rv = dure_meta_check(data);
    return rv == 0 ? 0 : fail(rv, message, "%s: %s", data, dure_error_info(rv)->text);
}

static int claim_file(const char *path, const char *name, size_t bytes, const char **message)
{
    char file[4096 + 16];
    snprintf(file, sizeof file, "%s/%s", path, name);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rv = fd >= 0 ? 0 : dure_error_from_errno(errno);
    if (rv == 0) rv = allocate(fd, 0, bytes);
    if (fd >= 0) close(fd);
    return rv == 0 ? 0 : fail(rv, message, "%s: %s", file, dure_error_info(rv)->text);
}

/* What LMDB writes when it opens: its table of readers, mapped, where a full disk is a signal; and
 * the first pages of a new file, of which it would leave one behind. */
static int claim_files(const char *path, const char **message)
{
    int rv = claim_file(path, "lock.mdb", LOCK_BYTES, message);
    return rv == 0 ? claim_file(path, "data.mdb", FIRST_BYTES, message) : rv;
}

/* A tree that contradicts itself. LMDB is in the middle of it: there is no way back, only out. */
static void on_damage(MDB_env *lmdb, const char *text)
{
    const char *path = "the data";
    (void)mdb_env_get_path(lmdb, &path);
    fprintf(stderr, "dure: %s: %s (%s)\n", path, dure_error_info(DURE_ECORRUPT)->text, text);
    _exit(EXIT_FAILURE);
}

int dure_env_open(struct dure_env *env, const struct dure_store_options *options, const char *name,
                  unsigned tables, const char **message)
{
    char path[4096];
    *env = (struct dure_env){.read_only = options->read_only};
    snprintf(path, sizeof path, "%s/%s", options->dir, name);
    int rv = options->read_only ? 0 : make_dir(path, options->dir);
    if (rv != 0) return fail(rv, message, "%s: %s", path, dure_error_info(rv)->text);
    rv = check_data(path, message);
    if (rv == 0 && !options->read_only) rv = claim_files(path, message);
    if (rv != 0) return rv;
    if (pthread_rwlock_init(&env->grow, NULL) != 0) return DURE_ENOMEM;
    env->grow_ready = true;
    int code = mdb_env_create(&env->lmdb);
    if (code == 0 && tables > 0) code = mdb_env_set_maxdbs(env->lmdb, tables);
    if (code == 0) code = mdb_env_set_maxreaders(env->lmdb, READERS_MAX);
    if (code == 0) code = mdb_env_set_assert(env->lmdb, on_damage);
    if (code == 0) code = mdb_env_set_mapsize(env->lmdb, OPEN_BYTES); /* Or what the file has. */
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (options->read_only ? MDB_RDONLY | MDB_NOLOCK : 0u);
    if (code == 0) code = mdb_env_open(env->lmdb, path, flags, 0600);
    int dead;
    if (code == 0 && !options->read_only) code = mdb_reader_check(env->lmdb, &dead);
    if (code == 0 && !options->read_only) rv = sync_dir(path);
    if (code == 0 && rv == 0) rv = full_length(env);
    if (code == 0 && rv == 0 && !options->read_only) {
        env->step_bytes_min = options->grow_bytes_min ? options->grow_bytes_min : STEP_BYTES_MIN;
        rv = first_room(env);
    }
    if (code != 0) rv = fail(dure_env_error(code), message, "%s: %s", path, mdb_strerror(code));
    if (rv != 0) dure_env_close(env);
    return rv;
}

void dure_env_close(struct dure_env *env)
{
    if (env->lmdb != NULL) mdb_env_close(env->lmdb);
    if (env->grow_ready) pthread_rwlock_destroy(&env->grow);
    *env = (struct dure_env){0};
}

int dure_env_begin(struct dure_env *env, bool write, MDB_txn **txn)
{
    pthread_rwlock_rdlock(&env->grow);
    int code = mdb_txn_begin(env->lmdb, NULL, write ? 0 : MDB_RDONLY, txn);
    if (code == 0) return 0;
    pthread_rwlock_unlock(&env->grow);
    return dure_env_error(code);
}

int dure_env_commit(struct dure_env *env, MDB_txn *txn)
{
    int code = mdb_txn_commit(txn);
    pthread_rwlock_unlock(&env->grow);
    return code;
}

void dure_env_abort(struct dure_env *env, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&env->grow);
}
