/*
 * Opens a data directory.
 *
 *   1. the journal (its lock keeps a second process out), then the rows
 *   2. its place (shards, which node of how many): read from the META table, or written when the
 *      directory is new
 *
 * Fails with what the stores find. Any one thread.
 */
#include "cmd/datadir.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* Keys in DURE_TABLE_META; the checkpoint's own lie elsewhere. */
#define META_SHARDS 1000000
#define META_NODE 1000001 /* None: alone. */

static void write_done(void *arg, int rv)
{
    *(int *)arg = rv;
}

int dure_datadir_write_place(struct dure_rows *rows, const struct dure_place *place)
{
    uint64_t shards = place->shards;
    uint32_t node[2] = {place->node, place->nodes};
    struct dure_row_write writes[] = {
        {.table = DURE_TABLE_META, .id = META_SHARDS, .value = &shards, .value_len = sizeof shards},
        {.table = DURE_TABLE_META, .id = META_NODE, .value = node, .value_len = sizeof node},
    };
    int rv = 1;
    rows->ops->write(rows, writes, 2, write_done, &rv);
    while (rv == 1) {
        rows->ops->poll(rows);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return rv;
}

/* 0, DURE_ENOTFOUND, DURE_ECORRUPT. */
static int read_meta(struct dure_rows *rows, int64_t id, void *value, size_t len)
{
    struct dure_buf row = {0};
    int rv = rows->ops->get(rows, DURE_TABLE_META, 0, id, &row);
    if (rv == 0 && row.len != len) rv = DURE_ECORRUPT;
    if (rv == 0) memcpy(value, row.data, len);
    dure_buf_fini(&row);
    return rv;
}

static int read_place(struct dure_rows *rows, struct dure_place *place)
{
    uint64_t shards = 0;
    uint32_t node[2] = {0, 1};
    int rv = read_meta(rows, META_SHARDS, &shards, sizeof shards);
    if (rv != 0) return rv;
    if (shards < 1 || shards > DURE_SHARDS_MAX) return DURE_ECORRUPT;
    rv = read_meta(rows, META_NODE, node, sizeof node);
    if (rv != 0 && rv != DURE_ENOTFOUND) return rv;
    if (node[1] < 1 || node[1] > DURE_NODES_MAX || node[0] >= node[1]) return DURE_ECORRUPT;
    *place = (struct dure_place){(uint32_t)shards, (uint16_t)node[0], (uint16_t)node[1]};
    return 0;
}

static int check_place(const struct dure_place *is, const struct dure_place *wanted,
                       const char **message)
{
    static char text[128];
    if (is->node == wanted->node && is->nodes == wanted->nodes) return 0;
    if (is->nodes == 1)
        snprintf(text, sizeof text, "it was made by a node alone, not in a cluster of %u",
                 wanted->nodes);
    else
        snprintf(text, sizeof text, "it belongs to node %u in a cluster of %u", is->node,
                 is->nodes);
    *message = text;
    return DURE_EINVAL;
}

static int settle_place(struct dure_datadir *datadir, const struct dure_place *place,
                        bool read_only, const char **message)
{
    int rv = read_place(datadir->rows, &datadir->place);
    if (rv == DURE_ENOTFOUND && place != NULL && !read_only) {
        datadir->place = *place;
        return dure_datadir_write_place(datadir->rows, place);
    }
    if (rv != 0 || place == NULL) return rv;
    return check_place(&datadir->place, place, message);
}

/* Whether DIR, which must exist, can be one at all. */
static int look_at(const char *dir, const char **message)
{
    struct stat found;
    char path[4096];
    if (stat(dir, &found) != 0) {
        *message = "there is no such directory";
        return DURE_ENOTFOUND;
    }
    snprintf(path, sizeof path, "%s/lock", dir);
    if (stat(path, &found) == 0) return 0;
    snprintf(path, sizeof path, "%s/cluster", dir);
    if (stat(path, &found) != 0) return 0; /* The store says what is missing. */
    *message = "it is a cluster's directory: name that of a node in it, such as node-0";
    return DURE_ENOTFOUND;
}

int dure_datadir_open(struct dure_datadir *datadir, const struct dure_store_options *options,
                      const struct dure_place *place, const char **message)
{
    *datadir = (struct dure_datadir){0};
    *message = NULL;
    int rv = place == NULL ? look_at(options->dir, message) : 0;
    if (rv == 0) rv = dure_journal_lmdb_open(&datadir->journal, options, message);
    if (rv == 0) rv = dure_rows_lmdb_open(&datadir->rows, options, message);
    if (rv == 0) rv = settle_place(datadir, place, options->read_only, message);
    if (rv != 0) {
        dure_datadir_close(datadir);
        if (*message == NULL) *message = dure_error_info(rv)->text;
    }
    return rv;
}

void dure_datadir_close(struct dure_datadir *datadir)
{
    if (datadir->rows != NULL) datadir->rows->ops->close(datadir->rows);
    if (datadir->journal != NULL) datadir->journal->ops->close(datadir->journal);
    *datadir = (struct dure_datadir){0};
}
