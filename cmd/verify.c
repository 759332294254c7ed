/*
 * dure verify DIR: reads a stopped data directory and says whether everything adds up.
 *
 *   1. journal   every record: checksum, index, hash chain, epoch; every event: its shard's sequence
 *   2. rows      rebuilt from the journal in a temporary directory, and compared byte for byte with
 *                what recovery would give (rows plus tail)
 *   3. sums      each system's audit: money, points, stock
 *
 * The directory of a cluster is all its nodes' together; of one node alone the sums say nothing.
 * Nothing in DIR is written. Exit status: 0 clean, 1 not, 2 wrong usage.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/books.h"
#include "cmd/cluster_file.h"
#include "cmd/commands.h"
#include "cmd/offline.h"
#include "cmd/parse.h"
#include "cmd/progress.h"
#include "runtime/record.h"
#include "runtime/recovery.h"

#define FINDINGS_MAX 20
#define PROGRESS_EVERY 4096 /* Records or rows. */
#define STR_(x) #x
#define STR(x) STR_(x)

struct verify {
    struct dure_datadir datadir;
    struct dure_runtime *live;    /* Rows and tail, as recovery gives them. */
    struct dure_offline rebuilt;  /* From the journal alone. */
    struct dure_record_chain chain;
    uint64_t records, events, rows, findings;
    uint64_t *sequences;
    struct dure_books *books;
    bool part;              /* DIR is one node of a cluster. */
    json_t *found, *systems; /* With --json; else NULL: findings and books are printed. */
    uint64_t rows_due;
};

static void finding(struct verify *verify, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void finding(struct verify *verify, const char *fmt, ...)
{
    char text[512];
    if (verify->findings++ >= FINDINGS_MAX) return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    dure_progress_end();
    if (verify->found != NULL) json_array_append_new(verify->found, json_string(text));
    else printf("WRONG: %s\n", text);
}

/* ---- 1: the journal -------------------------------------------------------------------------- */

static void check_event(struct verify *verify, uint64_t index, int64_t time_ms,
                        const struct dure_entry_event *head)
{
    static _Alignas(16) char data[64 * 1024];
    int64_t shards = verify->datadir.place.shards;
    int64_t shard = ((head->id % shards) + shards) % shards;
    verify->events++;
    if (head->sequence != 0 && head->sequence != ++verify->sequences[shard]) {
        finding(verify, "record %llu: shard %lld jumps to sequence %llu, %llu was due",
                (unsigned long long)index, (long long)shard, (unsigned long long)head->sequence,
                (unsigned long long)verify->sequences[shard]);
        verify->sequences[shard] = head->sequence;
    }
    if (head->prev_lsn > index) finding(verify, "record %llu points forward", (unsigned long long)index);
    struct dure_type *type = dure_registry_type_by_code(head->type_code);
    struct dure_event_type *event_type =
        type != NULL ? dure_registry_event(type, head->event_code) : NULL;
    if (event_type == NULL) {
        finding(verify, "record %llu holds an event of an unknown type", (unsigned long long)index);
        return;
    }
    struct dure_event event = {.type = event_type, .data = data, .id = head->id, .time_ms = time_ms};
    if (event_type->schema != NULL) DURE_ASSERT(event_type->schema->size <= sizeof data);
    if (dure_recovery_decode(event_type, head, data) != 0) {
        finding(verify, "record %llu holds an unreadable %s", (unsigned long long)index,
                event_type->name);
        return;
    }
    dure_books_event(verify->books, type, &event);
}

static int check_record(void *arg, uint64_t index, const void *record, size_t len)
{
    static char checking[] = "checking records";
    struct verify *verify = arg;
    if (verify->records++ % PROGRESS_EVERY == 0) {
        struct dure_journal *journal = verify->datadir.journal;
        dure_progress_show(checking, index, journal->ops->head(journal));
    }
    const char *why = NULL;
    if (dure_record_follow(&verify->chain, record, len, index, &why) != 0) {
        finding(verify, "record %llu %s", (unsigned long long)index, why);
        return 0;
    }
    const struct dure_record_header *header = record;
    size_t at = sizeof *header;
    const void *body;
    const struct dure_entry *entry;
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
        if (entry->kind == DURE_ENTRY_EVENT) check_event(verify, index, header->time_ms, body);
    }
    return 0;
}

/* ---- 2: the rows --------------------------------------------------------------------------------- */

static int compare_row(void *arg, uint32_t code, int64_t id, const void *row, size_t len)
{
    struct verify *verify = arg;
    struct dure_type *type = dure_registry_type_by_code(code);
    if (type == NULL) return 0;
    static char comparing[] = "comparing rows";
    int rv;
    if (verify->rows++ % PROGRESS_EVERY == 0)
        dure_progress_show(comparing, verify->rows, verify->rows_due);
    struct dure_actor *actor = dure_actor_get(verify->live, type, id, false, &rv);
    struct dure_buf packed = {0};
    if (actor != NULL && actor->head.exists) {
        dure_row_pack(type, &actor->head, actor->state, &packed);
    }
    if (packed.len != len || memcmp(packed.data, row, len) != 0) {
        finding(verify, "%s %lld is not what the journal says", type->name, (long long)id);
    }
    dure_buf_fini(&packed);
    dure_actor_passivate(verify->live);
    return 0;
}

static int audit_row(void *arg, uint32_t code, int64_t id, const void *row, size_t len)
{
    static _Alignas(16) char state[64 * 1024];
    struct verify *verify = arg;
    struct dure_type *type = dure_registry_type_by_code(code);
    struct dure_actor_head head;
    if (type == NULL || dure_row_unpack(type, &head, state, row, len) != 0) return 0;
    dure_books_row(verify->books, type, id, state);
    return 0;
}

static int check_rows(struct verify *verify)
{
    int rv = 0;
    verify->rows_due = verify->rows;
    for (size_t i = 0; i < dure_registry_count(); i++)
        verify->rows_due += (uint64_t)verify->rebuilt.rt->counters[i].count;
    for (size_t i = 0; rv == 0 && i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        struct dure_rows *rows = verify->rebuilt.rows;
        rv = rows->ops->scan(rows, DURE_TABLE_ROW, type->code, INT64_MIN, false, compare_row, verify);
        if (rv == 0) {
            rv = rows->ops->scan(rows, DURE_TABLE_ROW, type->code, INT64_MIN, false, audit_row,
                                 verify);
        }
        int64_t live = verify->live->counters[i].count, due = verify->rebuilt.rt->counters[i].count;
        if (live != due) {
            finding(verify, "%s: %lld rows are there, %lld are due", type->name, (long long)live,
                    (long long)due);
        }
    }
    return rv;
}

static void wrong_sums(void *arg, const char *system)
{
    finding(arg, "the sums of %s do not add up", system);
}

/* ---- Directories ----------------------------------------------------------------------------- */

static int verify_dir(struct verify *verify, const char *dir, const char *work,
                      const char **message)
{
    static char recovering[] = "recovering";
    struct dure_store_options options = {.dir = dir, .read_only = true, .codec = dure_row_codec()};
    int rv = dure_datadir_open(&verify->datadir, &options, NULL, message);
    if (rv != 0) return rv;
    verify->sequences = calloc(verify->datadir.place.shards, sizeof(uint64_t));
    DURE_ASSERT(verify->sequences != NULL);
    struct dure_journal *journal = verify->datadir.journal;
    rv = journal->ops->tail(journal, journal->ops->first(journal), check_record, verify);
    if (rv != 0 || verify->findings != 0) return rv; /* What cannot be read cannot be replayed. */
    const struct dure_place *place = &verify->datadir.place;
    rv = dure_offline_rebuild(&verify->rebuilt, work, journal, place, message);
    struct dure_options runtime = {.shards = place->shards,
                                   .node = place->node, .nodes = place->nodes,
                                   .memory_bytes = 512LL << 20, .asks_max = 1, .owner = 1,
                                   .read_only = true, .progress = dure_progress_run,
                                   .progress_arg = recovering};
    if (rv == 0) {
        rv = dure_runtime_open(&verify->live, &runtime, dure_offline_io(), journal,
                               verify->datadir.rows, message);
    }
    if (rv == 0) rv = check_rows(verify);
    return rv;
}

/* What was open of one directory; the counts and the books stay. */
static void close_dir(struct verify *verify)
{
    if (verify->live != NULL) dure_runtime_close(verify->live);
    dure_offline_close(&verify->rebuilt);
    dure_datadir_close(&verify->datadir);
    free(verify->sequences);
    verify->live = NULL;
    verify->rebuilt = (struct dure_offline){0};
    verify->sequences = NULL;
    verify->chain = (struct dure_record_chain){0};
}

/* One node's directory, in a place of its own for the rebuild. False after a message. */
static bool verify_node(struct verify *verify, const char *dir)
{
    const char *tmp = getenv("TMPDIR"), *message = NULL;
    char work[DURE_PATH_BYTES];
    dure_offline_path(work, tmp != NULL && *tmp ? tmp : "/tmp", "dure-verify-XXXXXX");
    if (mkdtemp(work) == NULL) {
        fprintf(stderr, "dure verify: cannot make %s\n", work);
        return false;
    }
    int rv = verify_dir(verify, dir, work, &message);
    dure_progress_end();
    close_dir(verify);
    int removed = dure_offline_remove(work);
    if (removed != 0) fprintf(stderr, "dure verify: %s is left over\n", work);
    if (rv != 0) {
        fprintf(stderr, "dure verify: %s: %s\n", dir,
                message != NULL ? message : dure_error_info(rv)->text);
    }
    return rv == 0;
}

/* Sums are those of a whole cluster: money leaves one node for an order of another. */
static bool verify_cluster(struct verify *verify, const char *dir, const char *file)
{
    static struct dure_cluster_file cluster;
    char node[DURE_PATH_BYTES], name[32];
    if (dure_cluster_file_read(&cluster, file) != 0) return false;
    for (uint32_t i = 0; i < cluster.nodes; i++) {
        snprintf(name, sizeof name, "node-%u", i);
        dure_offline_path(node, dir, name);
        if (!verify_node(verify, node)) return false;
    }
    return true;
}

static bool verify_all(struct verify *verify, const char *dir)
{
    char path[DURE_PATH_BYTES];
    dure_offline_path(path, dir, "cluster");
    if (access(path, F_OK) == 0) return verify_cluster(verify, dir, path);
    dure_offline_path(path, dir, "../cluster");
    verify->part = access(path, F_OK) == 0;
    return verify_node(verify, dir);
}

static const char doc[] =
    "Checks a stopped data directory, a lone node's or a whole cluster's: every record's checksum and its place in the hash chain, "
    "every shard's sequence of events, every row against a rebuild from the journal, and each "
    "system's sums of money and stock."
    "\v"
    "Each finding is one line that begins with WRONG (at most " STR(FINDINGS_MAX) " of them), then "
    "come the sums of each system that there is anything of, then one line of totals. A record that "
    "cannot be read ends the check, since what follows cannot be replayed.\n"
    "\n"
    "With --json it is one object: dir, records, events, rows, findings (how many), wrong (what they "
    "say), part (DIR is one node of a cluster: the sums are checked with all of them only), and "
    "systems, a list of objects: system, counts (an object of numbers), and sums, a list of objects: "
    "name, left and right (numbers that should be equal), parts (an object of the numbers that they "
    "are made of, by name), exact (whether they have to be equal now: no saga is under way, nothing "
    "was left out or removed), fits (whether they are).\n"
    "\n"
    "Exit status: 0 clean; 1 something is wrong, or DIR cannot be read (the message says which); "
    "2 wrong command line.\n"
    "\n"
    "Files: nothing in DIR is written. A node that runs on it holds DIR/lock, and then there is "
    "nothing to check. The rebuild needs as much space as DIR/state once more; it is made in a "
    "directory of its own and removed.\n"
    "\n"
    "Environment: TMPDIR, where the rebuild goes (default /tmp).\n"
    "\n"
    "Examples:\n"
    "  dure verify data\n"
    "  TMPDIR=/var/tmp dure verify /var/lib/dure && echo clean";

/* Gives both lists away. Nothing is printed of a directory that could not be read. */
static void print_json(const struct verify *verify, const char *dir, bool done)
{
    json_t *all = json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:b}", "dir", dir, "records",
                            (json_int_t)verify->records, "events", (json_int_t)verify->events,
                            "rows", (json_int_t)verify->rows, "findings",
                            (json_int_t)verify->findings, "wrong", verify->found, "systems",
                            verify->systems, "part", verify->part);
    if (done) json_dumpf(all, stdout, JSON_COMPACT);
    if (done) putchar('\n');
    json_decref(all);
}

int dure_cmd_verify(int argc, char **argv)
{
    struct dure_parse_dir input = {0};
    static const struct argp_option option_table[] = {
        DURE_PARSE_JSON("one JSON object instead of lines"), {0}};
    const struct argp argp = {
        .options = option_table, .parser = dure_parse_dir, .args_doc = "DIR", .doc = doc};
    static char name[] = "dure verify";
    if (dure_parse(&argp, name, argc, argv, &input) != 0) return DURE_EXIT_USAGE;
    const char *dir = input.dir;
    struct verify verify = {0};
    if (input.json) {
        verify.found = json_array();
        verify.systems = json_array();
    }
    verify.books = dure_books_new();
    bool done = verify_all(&verify, dir);
    if (done && verify.part && !input.json) {
        printf("%s is one node's part: the sums are the cluster's, `dure verify` of the directory "
               "above\n", dir);
    }
    if (done && verify.findings == 0 && !verify.part)
        dure_books_report(verify.books, verify.systems, wrong_sums, &verify);
    dure_books_free(verify.books);
    if (input.json) print_json(&verify, dir, done);
    if (!done) return 1;
    if (input.json) return verify.findings == 0 ? 0 : 1;
    printf("%s: %llu records, %llu events, %llu rows, %llu findings\n", dir,
           (unsigned long long)verify.records, (unsigned long long)verify.events,
           (unsigned long long)verify.rows, (unsigned long long)verify.findings);
    return verify.findings == 0 ? 0 : 1;
}
