/*
 * Offline work on a data directory. One thread; see offline.h.
 */
#include "cmd/offline.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_BYTES (512LL * 1024 * 1024)

static int64_t wall_ms(struct dure_io *io)
{
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t mono_ns(struct dure_io *io)
{
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t random_u64(struct dure_io *io)
{
    (void)io;
    uint64_t value = 0;
    if (getrandom(&value, sizeof value, 0) != sizeof value) value = mono_ns(NULL);
    return value;
}

static void soon(struct dure_io *io)
{
    (void)io;
}

static void alarm_at(struct dure_io *io, int64_t due_ms)
{
    (void)io;
    (void)due_ms;
}

static void work_now(struct dure_io *io, struct dure_work *work)
{
    (void)io;
    work->run(work);
    work->done(work);
}

struct dure_io *dure_offline_io(void)
{
    static struct dure_io io = {.wall_ms = wall_ms, .mono_ns = mono_ns, .random = random_u64,
                                .soon = soon, .alarm = alarm_at, .work = work_now};
    return &io;
}

static void no_wake(void *arg)
{
    (void)arg;
}

int dure_offline_rebuild(const char *dir, struct dure_journal *journal, uint32_t shards,
                         struct dure_rows **rows, struct dure_runtime **rt, const char **message)
{
    struct dure_store_options options = {.dir = dir, .wake = no_wake, .codec = dure_row_codec()};
    struct dure_options runtime = {.shards = shards, .memory_bytes = MEMORY_BYTES,
                                   .asks_max = 1, .owner = 1};
    *rows = NULL;
    *rt = NULL;
    int rv = dure_rows_lmdb_open(rows, &options, message);
    if (rv == 0) rv = dure_runtime_open(rt, &runtime, dure_offline_io(), journal, *rows, message);
    if (rv == 0) rv = dure_checkpoint_flush(*rt);
    if (rv != 0) {
        if (*rt != NULL) dure_runtime_close(*rt);
        if (*rows != NULL) (*rows)->ops->close(*rows);
        *rt = NULL;
        *rows = NULL;
    }
    return rv;
}

void dure_offline_path(char path[DURE_PATH_BYTES], const char *dir, const char *name)
{
    int len = snprintf(path, DURE_PATH_BYTES, "%s/%s", dir, name);
    DURE_ASSERT(len > 0 && len < DURE_PATH_BYTES);
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *at)
{
    (void)info;
    (void)flag;
    (void)at;
    return remove(path);
}

int dure_offline_remove(const char *dir)
{
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : DURE_ESYSTEM;
}
