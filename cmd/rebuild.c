/*
 * dure rebuild DIR: makes the rows anew from the journal.
 *
 *   1. replay the whole journal into DIR/rebuild/state
 *   2. put it in the place of DIR/state; the old one goes only then
 *
 * Interrupted before 2 nothing has changed; the next call begins again. Exit status 0, or 1 after a
 * message.
 */
#include <argp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/offline.h"

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    const char **dir = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*dir != NULL) argp_error(state, "one data directory, please");
        *dir = arg;
        return 0;
    case ARGP_KEY_END:
        if (*dir == NULL) argp_error(state, "which data directory?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int swap(const char *dir, const char *work)
{
    char state[DURE_PATH_BYTES], fresh[DURE_PATH_BYTES], old[DURE_PATH_BYTES];
    dure_offline_path(state, dir, "state");
    dure_offline_path(fresh, work, "state");
    dure_offline_path(old, work, "old");
    if (rename(state, old) != 0 || rename(fresh, state) != 0) return DURE_ESYSTEM;
    return dure_offline_remove(work);
}

static int rebuild(const char *dir, const char **message, uint64_t *records)
{
    char work[DURE_PATH_BYTES];
    dure_offline_path(work, dir, "rebuild");
    struct stat found;
    if (stat(work, &found) == 0 && dure_offline_remove(work) != 0) return DURE_ESYSTEM;
    struct dure_store_options options = {.dir = dir, .read_only = true, .codec = dure_row_codec()};
    struct dure_datadir datadir;
    int rv = dure_datadir_open(&datadir, &options, 0, message);
    if (rv != 0) return rv;
    if (mkdir(work, 0700) != 0) rv = DURE_ESYSTEM;
    struct dure_rows *rows;
    struct dure_runtime *rt;
    uint32_t shards = datadir.shards;
    *records = datadir.journal->ops->head(datadir.journal);
    if (rv == 0) rv = dure_offline_rebuild(work, datadir.journal, shards, &rows, &rt, message);
    if (rv == 0) {
        dure_runtime_close(rt);
        rv = dure_datadir_write_shards(rows, shards);
        rows->ops->close(rows);
    }
    dure_datadir_close(&datadir);
    return rv == 0 ? swap(dir, work) : rv;
}

int dure_cmd_rebuild(int argc, char **argv)
{
    const char *dir = NULL;
    struct argp argp = {
        .parser = on_option, .args_doc = "DIR",
        .doc = "Makes the rows (states, projections, indexes) of a stopped data directory anew from "
               "its journal.\vThe old rows are replaced only when the new ones are complete and "
               "synced. Exit status: 0 done, 1 failed, 2 wrong usage.",
    };
    argp_err_exit_status = 2;
    if (argp_parse(&argp, argc, argv, 0, NULL, &dir) != 0) return 2;
    const char *message = NULL;
    uint64_t records = 0;
    int rv = rebuild(dir, &message, &records);
    if (rv != 0) {
        fprintf(stderr, "dure rebuild: %s: %s\n", dir,
                message != NULL ? message : dure_error_info(rv)->text);
        return 1;
    }
    printf("rebuilt %s from %llu records\n", dir, (unsigned long long)records);
    return 0;
}
