/*
 * dure dump DIR: the journal's published events as CloudEvents, one a line, in journal order. Exit
 * status: 0, 1 after a message, 2 wrong usage.
 */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/datadir.h"
#include "cmd/parse.h"
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

static const char doc[] =
    "Prints the published events of a stopped data directory as CloudEvents 1.0 JSON, one a line, "
    "in the order of the journal."
    "\v"
    "A line is what the event stream publishes: type (shop.order.OrderPlaced), source (the "
    "aggregate's path), id and sequence (the place within its shard, without gaps), time, and data "
    "with eventType, timestamp in milliseconds, and the event's fields.\n"
    "\n"
    "Exit status: 0 done; 1 the journal cannot be read, or standard output not be written (the "
    "message says why; what was printed before it is good); 2 wrong command line.\n"
    "\n"
    "Files: DIR is only read. A node that runs on it holds DIR/lock.\n"
    "\n"
    "Examples:\n"
    "  dure dump data > events.ndjson\n"
    "  dure dump data | grep '\"shop.order.OrderPlaced\"' | wc -l";

int dure_cmd_dump(int argc, char **argv)
{
    struct dure_parse_dir input = {0};
    static const struct argp_option option_table[] = {
        DURE_PARSE_JSON("as it is: every line is JSON"), {0}};
    const struct argp argp = {
        .options = option_table, .parser = dure_parse_dir, .args_doc = "DIR", .doc = doc};
    static char name[] = "dure dump";
    if (dure_parse(&argp, name, argc, argv, &input) != 0) return DURE_EXIT_USAGE;
    const char *dir = input.dir;
    struct dure_store_options options = {.dir = dir, .read_only = true, .codec = dure_row_codec()};
    struct dure_datadir datadir;
    const char *message;
    int rv = dure_datadir_open(&datadir, &options, NULL, &message);
    if (rv != 0) {
        fprintf(stderr, "dure dump: %s: %s\n", dir,
                message != NULL ? message : dure_error_info(rv)->text);
        return 1;
    }
    struct dump dump = {.shards = datadir.place.shards};
    struct dure_journal *journal = datadir.journal;
    rv = journal->ops->tail(journal, journal->ops->first(journal), dump_record, &dump);
    dure_buf_fini(&dump.line);
    dure_datadir_close(&datadir);
    if (rv == 0 && fflush(stdout) != 0) rv = DURE_EIO;
    if (rv != 0 && !dump.said)
        fprintf(stderr, "dure dump: %s: %s\n", dir, dure_error_info(rv)->text);
    return rv == 0 ? 0 : 1;
}
