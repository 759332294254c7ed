/*
 * Offline work on a data directory. One thread; see offline.h.
 */
#include "cmd/offline.h"

#include "cmd/progress.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/links.h"

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

/* Nobody is there to send to: what is not acknowledged stays so. */
static int send_nothing(struct dure_transport *transport, uint16_t shard, const void *frame,
                        size_t len)
{
    (void)transport;
    (void)shard;
    (void)frame;
    (void)len;
    return DURE_EUNAVAILABLE;
}

int dure_offline_rebuild(struct dure_offline *offline, const char *dir,
                         struct dure_journal *journal, const struct dure_place *place,
                         const char **message)
{
    static char replaying[] = "replaying the journal";
    static struct dure_transport nobody = {.send = send_nothing};
    struct dure_store_options options = {.dir = dir, .wake = no_wake, .codec = dure_row_codec()};
    *offline = (struct dure_offline){0};
    int rv = dure_rows_lmdb_open(&offline->rows, &options, message);
    if (rv == 0 && place->nodes > 1)
        rv = dure_links_open(&offline->links, place->shards, place->node, place->nodes, &nobody);
    struct dure_options runtime = {.shards = place->shards, .node = place->node,
                                   .nodes = place->nodes, .memory_bytes = MEMORY_BYTES,
                                   .asks_max = 1, .owner = 1, .links = offline->links,
                                   .progress = dure_progress_run, .progress_arg = replaying};
    if (rv == 0)
        rv = dure_runtime_open(&offline->rt, &runtime, dure_offline_io(), journal, offline->rows,
                               message);
    if (rv == 0) rv = dure_checkpoint_flush(offline->rt);
    if (rv != 0) dure_offline_close(offline);
    return rv;
}

void dure_offline_close(struct dure_offline *offline)
{
    if (offline->rt != NULL) dure_runtime_close(offline->rt);
    dure_links_close(offline->links);
    if (offline->rows != NULL) offline->rows->ops->close(offline->rows);
    *offline = (struct dure_offline){0};
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
