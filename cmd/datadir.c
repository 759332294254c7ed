/*
 * Opens a data directory.
 *
 *   1. the journal (its lock keeps a second process out), then the rows
 *   2. the number of shards: read from the META table, or written when the directory is new
 *
 * Fails with what the stores find. Any one thread.
 */
#include "cmd/datadir.h"

#include <sys/stat.h>
#include <time.h>

/* Key of the shards row in DURE_TABLE_META; the checkpoint's own keys lie elsewhere. */
#define META_SHARDS 1000000

static void write_done(void *arg, int rv)
{
    *(int *)arg = rv;
}

int dure_datadir_write_shards(struct dure_rows *rows, uint32_t shards)
{
    uint64_t value = shards;
    struct dure_row_write write = {.table = DURE_TABLE_META, .id = META_SHARDS, .value = &value,
                                   .value_len = sizeof value};
    int rv = 1;
    rows->ops->write(rows, &write, 1, write_done, &rv);
    while (rv == 1) {
        rows->ops->poll(rows);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return rv;
}

static int read_shards(struct dure_datadir *datadir, uint32_t shards, bool read_only)
{
    struct dure_buf value = {0};
    int rv = datadir->rows->ops->get(datadir->rows, DURE_TABLE_META, 0, META_SHARDS, &value);
    if (rv == 0) {
        uint64_t stored = 0;
        if (value.len == sizeof stored) memcpy(&stored, value.data, sizeof stored);
        datadir->shards = (uint32_t)stored;
        if (stored < 1 || stored > DURE_SHARDS_MAX) rv = DURE_ECORRUPT;
    } else if (rv == DURE_ENOTFOUND && shards != 0 && !read_only) {
        datadir->shards = shards;
        rv = dure_datadir_write_shards(datadir->rows, shards);
    }
    dure_buf_fini(&value);
    return rv;
}

int dure_datadir_open(struct dure_datadir *datadir, const struct dure_store_options *options,
                      uint32_t shards, const char **message)
{
    *datadir = (struct dure_datadir){0};
    *message = NULL;
    struct stat found;
    if (shards == 0 && stat(options->dir, &found) != 0) {
        *message = "there is no such directory";
        return DURE_ENOTFOUND;
    }
    int rv = dure_journal_lmdb_open(&datadir->journal, options, message);
    if (rv == 0) rv = dure_rows_lmdb_open(&datadir->rows, options, message);
    if (rv == 0) rv = read_shards(datadir, shards, options->read_only);
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
