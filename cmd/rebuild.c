/*
 * dure rebuild DIR: makes the rows anew from the journal.
 *
 *   1. replay the whole journal into DIR/rebuild/state
 *   2. put it in the place of DIR/state, in one step where the file system can; the old one goes then
 *
 * Interrupted or failed before 2 nothing has changed; the next call begins again. The number of shards
 * stands in the old rows, and which node of a cluster it was; when they cannot be read it is asked for
 * (--shards, --nodes, --node), and compared with what is in the journal. Exit status 0, or 1 after a message.
 */
#include <errno.h>
#include <jansson.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/offline.h"
#include "cmd/parse.h"
#include "cmd/progress.h"
#include "runtime/record.h"

struct rebuild {
    struct dure_parse_dir input; /* First, for dure_parse_dir. */
    struct dure_place place; /* As said; shards 0: not said. */
    struct dure_datadir datadir;
    uint64_t records;
};

static uint32_t read_number(struct argp_state *state, const char *name, const char *text,
                            unsigned long min, unsigned long max)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*text == '-' || *end != '\0' || end == text || number < min || number > max)
        argp_error(state, "%s is a number from %lu to %lu", name, min, max);
    return (uint32_t)number;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct rebuild *rebuild = state->input;
    switch (key) {
    case 's':
        rebuild->place.shards = read_number(state, "--shards", arg, 1, DURE_SHARDS_MAX);
        return 0;
    case 'n':
        rebuild->place.nodes =
            (uint16_t)read_number(state, "--nodes", arg, 1, DURE_NODES_MAX);
        return 0;
    case 'i':
        rebuild->place.node =
            (uint16_t)read_number(state, "--node", arg, 0, DURE_NODES_MAX - 1);
        return 0;
    case ARGP_KEY_END:
        if (rebuild->input.dir != NULL && rebuild->place.node >= rebuild->place.nodes)
            argp_error(state, "--node is less than --nodes");
        return dure_parse_dir(key, arg, state);
    default: return dure_parse_dir(key, arg, state);
    }
}

_Static_assert(offsetof(struct rebuild, input) == 0, "see input");

/* ---- Shards, when the rows cannot tell ------------------------------------------------------- */

struct counting {
    struct dure_place place;
    uint64_t *sequences;
    bool elsewhere; /* There is what only a node of a cluster has, or of another one. */
};

static int count_record(void *arg, uint64_t index, const void *record, size_t len)
{
    struct counting *counting = arg;
    struct dure_record_chain chain = {0};
    const char *why;
    int rv = dure_record_follow(&chain, record, len, index, &why);
    if (rv != 0) return 0; /* The replay says what is wrong with it. */
    size_t at = sizeof(struct dure_record_header);
    const struct dure_entry *entry;
    const void *body;
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
        const struct dure_entry_event *event = body;
        bool link = entry->kind == DURE_ENTRY_OUTBOX || entry->kind == DURE_ENTRY_INBOX;
        if (link && counting->place.nodes == 1) counting->elsewhere = true;
        if (entry->kind != DURE_ENTRY_EVENT || event->sequence == 0) continue;
        int64_t shards = counting->place.shards;
        int64_t shard = ((event->id % shards) + shards) % shards;
        if (shard % counting->place.nodes != counting->place.node) counting->elsewhere = true;
        if (event->sequence != ++counting->sequences[shard]) return DURE_EINVAL;
    }
    return 0;
}

/* Events are numbered by shard, without gaps: of another number of shards they are not. */
static int check_shards(struct rebuild *rebuild, const char **message)
{
    struct counting counting = {.place = rebuild->place,
                                .sequences = calloc(rebuild->place.shards, sizeof(uint64_t))};
    DURE_ASSERT(counting.sequences != NULL);
    struct dure_journal *journal = rebuild->datadir.journal;
    int rv = journal->ops->tail(journal, journal->ops->first(journal), count_record, &counting);
    free(counting.sequences);
    if (rv == DURE_EINVAL) {
        *message = "the events in the journal are not of so many shards";
    } else if (rv == 0 && counting.elsewhere) {
        *message = "the journal is of a node in a cluster: say --node and --nodes as its file does";
        rv = DURE_EINVAL;
    }
    return rv;
}

static int open_dir(struct rebuild *rebuild, const char **message)
{
    struct dure_store_options options = {.dir = rebuild->input.dir, .read_only = true,
                                         .meta_only = true};
    int rv = dure_datadir_open(&rebuild->datadir, &options, NULL, message);
    if (rv == 0 || rv == DURE_ELOCKED) return rv;
    struct stat found;
    if (stat(rebuild->input.dir, &found) != 0) return rv;
    const char *why = NULL;
    int alone = dure_journal_lmdb_open(&rebuild->datadir.journal, &options, &why);
    if (alone != 0) return rv; /* It is not the rows. */
    if (rebuild->place.shards == 0) {
        static char text[200];
        snprintf(text, sizeof text,
                 "the old rows cannot be read, nor the number of shards in them: "
                 "say --shards N (what the node was first started with, by default %d)",
                 DURE_SHARDS_DEFAULT);
        *message = text;
        return rv;
    }
    rebuild->datadir.place = rebuild->place;
    return check_shards(rebuild, message);
}

/* ---- The exchange ---------------------------------------------------------------------------- */

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rv = fd >= 0 && fsync(fd) == 0 ? 0 : DURE_EIO;
    if (fd >= 0) close(fd);
    return rv;
}

static int swap(const char *dir, const char *work)
{
    char state[DURE_PATH_BYTES], fresh[DURE_PATH_BYTES], old[DURE_PATH_BYTES];
    dure_offline_path(state, dir, "state");
    dure_offline_path(fresh, work, "state");
    dure_offline_path(old, work, "old");
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, state, RENAME_EXCHANGE) != 0) {
        /* No old rows, or a file system that cannot: a crash between the two leaves none. */
        if (rename(state, old) != 0 && errno != ENOENT) return DURE_ESYSTEM;
        if (rename(fresh, state) != 0) return DURE_ESYSTEM;
    }
    int rv = sync_dir(dir);
    return rv == 0 ? dure_offline_remove(work) : rv;
}

/* Rows that an interrupted exchange has left aside come back. */
static int heal(const char *dir, const char *work)
{
    char state[DURE_PATH_BYTES], old[DURE_PATH_BYTES];
    dure_offline_path(state, dir, "state");
    dure_offline_path(old, work, "old");
    struct stat found;
    if (stat(state, &found) == 0 || stat(old, &found) != 0) return 0;
    return rename(old, state) == 0 ? 0 : DURE_ESYSTEM;
}

static int replay(struct rebuild *rebuild, const char *work, const char **message)
{
    struct dure_offline rebuilt;
    struct dure_journal *journal = rebuild->datadir.journal;
    const struct dure_place *place = &rebuild->datadir.place;
    if (mkdir(work, 0700) != 0) return DURE_ESYSTEM;
    rebuild->records = journal->ops->head(journal);
    int rv = dure_offline_rebuild(&rebuilt, work, journal, place, message);
    if (rv != 0) return rv;
    rv = dure_datadir_write_place(rebuilt.rows, place);
    dure_offline_close(&rebuilt);
    return rv;
}

static int run(struct rebuild *rebuild, const char **message)
{
    char work[DURE_PATH_BYTES];
    struct stat found;
    dure_offline_path(work, rebuild->input.dir, "rebuild");
    int rv = heal(rebuild->input.dir, work);
    if (rv == 0) rv = open_dir(rebuild, message);
    if (rv != 0) {
        dure_datadir_close(&rebuild->datadir);
        return rv;
    }
    /* The lock is ours until the end. */
    if (stat(work, &found) == 0) rv = dure_offline_remove(work);
    if (rv == 0) rv = replay(rebuild, work, message);
    if (rv == 0) rv = swap(rebuild->input.dir, work);
    else if (stat(work, &found) == 0) (void)dure_offline_remove(work);
    dure_datadir_close(&rebuild->datadir);
    return rv;
}

static const struct argp_option option_table[] = {
    {"shards", 's', "N", 0,
     "how many shards the directory has, 1 to 1024; only needed when the old rows, where it is "
     "written, cannot be read (default: as written)",
     0},
    {"nodes", 'n', "N", 0,
     "how many nodes its cluster has, 1 to 64; only needed as --shards is (default: 1)", 0},
    {"node", 'i', "N", 0, "which of them it belongs to, from 0 (default: 0)", 0},
    DURE_PARSE_JSON("one JSON object instead of a sentence"),
    {0},
};

static const char doc[] =
    "Makes the rows (states, projections, indexes) of a stopped data directory anew from its "
    "journal."
    "\v"
    "For when `dure verify` names rows that are wrong, or DIR/state is lost. The old rows are "
    "replaced only when the new ones are complete and synced; interrupted before that, nothing has "
    "changed, and the next call begins again.\n"
    "\n"
    "Exit status: 0 done; 1 failed (the message says why, and the old rows are still there); 2 "
    "wrong "
    "command line.\n"
    "\n"
    "Files: DIR/journal is only read. The new rows are made in DIR/rebuild, which needs as much "
    "space as they take, and become DIR/state. A node that runs on DIR holds DIR/lock.\n"
    "\n"
    "Examples:\n"
    "  dure rebuild data\n"
    "  dure rebuild --shards 64 data && dure verify data";

int dure_cmd_rebuild(int argc, char **argv)
{
    struct rebuild rebuild = {.place = {.nodes = 1}};
    const struct argp argp = {
        .options = option_table, .parser = on_option, .args_doc = "DIR", .doc = doc};
    static char name[] = "dure rebuild";
    if (dure_parse(&argp, name, argc, argv, &rebuild) != 0) return DURE_EXIT_USAGE;
    const char *message = NULL;
    int rv = run(&rebuild, &message);
    dure_progress_end();
    if (rv != 0) {
        fprintf(stderr, "dure rebuild: %s: %s\n", rebuild.input.dir,
                message != NULL ? message : dure_error_info(rv)->text);
        return 1;
    }
    if (rebuild.input.json) {
        json_t *done = json_pack("{s:s,s:I}", "dir", rebuild.input.dir, "records",
                                 (json_int_t)rebuild.records);
        json_dumpf(done, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(done);
        return 0;
    }
    printf("rebuilt %s from %llu records\n", rebuild.input.dir,
           (unsigned long long)rebuild.records);
    return 0;
}
