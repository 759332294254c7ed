/*
 * dure dump DIR: the journal's published events as CloudEvents, one a line, in journal order. Exit
 * status: 0, 1 after a message, 2 wrong usage.
 */
#include <argp.h>
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/datadir.h"
#include "runtime/cloudevent.h"

struct dump {
    uint32_t shards;
    struct dure_record_chain chain;
    struct dure_buf line;
    bool said; /* What is wrong. */
};

static int wrong(struct dump *dump, uint64_t index, const char *why, int rv)
{
    fprintf(stderr, "dure dump: record %llu %s\n", (unsigned long long)index, why);
    dump->said = true;
    return rv;
}

static int dump_record(void *arg, uint64_t index, const void *record, size_t len)
{
    struct dump *dump = arg;
    const char *why = NULL;
    int rv = dure_record_follow(&dump->chain, record, len, index, &why);
    if (rv != 0) return wrong(dump, index, why, rv);
    size_t at = sizeof(struct dure_record_header);
    int64_t time_ms = ((const struct dure_record_header *)record)->time_ms;
    const void *body;
    const struct dure_entry *entry;
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
        const struct dure_entry_event *event = body;
        if (entry->kind != DURE_ENTRY_EVENT || event->sequence == 0) continue;
        dump->line.len = 0;
        dure_cloudevent_write(event, time_ms, dump->shards, &dump->line);
        if (dump->line.len == 0) {
            why = "holds an event this version does not know";
            return wrong(dump, index, why, DURE_EFORMAT);
        }
        dure_buf_byte(&dump->line, '\n');
        if (fwrite(dump->line.data, 1, dump->line.len, stdout) != dump->line.len) return DURE_EIO;
    }
    return 0;
}

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

int dure_cmd_dump(int argc, char **argv)
{
    const char *dir = NULL;
    struct argp argp = {
        .parser = on_option, .args_doc = "DIR",
        .doc = "Prints the published events of a stopped data directory as CloudEvents 1.0 JSON, "
               "one a line, in the order of the journal.\vExit status: 0 done, 1 the journal "
               "cannot be read, 2 wrong usage.",
    };
    argp_err_exit_status = 2;
    if (argp_parse(&argp, argc, argv, 0, NULL, &dir) != 0) return 2;
    struct dure_store_options options = {.dir = dir, .read_only = true, .codec = dure_row_codec()};
    struct dure_datadir datadir;
    const char *message;
    int rv = dure_datadir_open(&datadir, &options, 0, &message);
    if (rv != 0) {
        fprintf(stderr, "dure dump: %s: %s\n", dir,
                message != NULL ? message : dure_error_info(rv)->text);
        return 1;
    }
    struct dump dump = {.shards = datadir.shards};
    struct dure_journal *journal = datadir.journal;
    rv = journal->ops->tail(journal, journal->ops->first(journal), dump_record, &dump);
    dure_buf_fini(&dump.line);
    dure_datadir_close(&datadir);
    if (rv == 0 && fflush(stdout) != 0) rv = DURE_EIO;
    if (rv != 0 && !dump.said) fprintf(stderr, "dure dump: %s: %s\n", dir, dure_error_info(rv)->text);
    return rv == 0 ? 0 : 1;
}
