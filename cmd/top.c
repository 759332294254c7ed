/*
 * dure top: what a running node or cluster does, as it does it.
 *
 *   1. GET /metrics at every interval
 *   2. two pages become rates, percentiles and levels, a line a node and one of all
 *   3. written over the last ones, on the terminal's other screen; --once: once, as plain text
 *
 * Exit status: 0 ended by Ctrl-C or --once, 1 no answer with --once, 2 wrong usage.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/parse.h"
#include "cmd/top_page.h"

#define TIMEOUT_S 5
#define ENTER "\033[?1049h\033[?25l" /* The other screen; no cursor. */
#define LEAVE "\033[?25h\033[?1049l"

enum { KEY_ONCE = 256 };

struct top {
    const char *url;
    double interval_s;
    bool once, json;
    struct dure_client *client;
    struct dure_client_reply reply;
    struct dure_top_page pages[2];
    struct timespec times[2];
    size_t latest;
    char address[2048];
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* ---- Numbers of two pages ------------------------------------------------------------------- */

struct line {
    bool up;
    double requests, lines, events, records, turns; /* A second; turns: of a record. */
    double p50_ms, p99_ms, commit_ms;               /* NaN: nothing came. */
    const struct dure_top_node *now;
};

static double rate(double before, double after, double seconds)
{
    return after >= before && seconds > 0 ? (after - before) / seconds : 0;
}

static struct line line_of(const struct dure_top_node *before, const struct dure_top_node *after,
                           double seconds)
{
    double records = after->records - before->records, turns = after->turns - before->turns;
    return (struct line){
        .up = after->up,
        .requests = rate(before->requests, after->requests, seconds),
        .lines = rate(before->lines, after->lines, seconds),
        .events = rate(before->events, after->events, seconds),
        .records = rate(before->records, after->records, seconds),
        .turns = records > 0 && turns >= 0 ? turns / records : 0,
        .p50_ms = 1e3 * dure_top_quantile(&before->answer, &after->answer, 0.5),
        .p99_ms = 1e3 * dure_top_quantile(&before->answer, &after->answer, 0.99),
        .commit_ms = 1e3 * dure_top_quantile(&before->commit, &after->commit, 0.99),
        .now = after,
    };
}

static void add_histogram(struct dure_top_histogram *sum, const struct dure_top_histogram *one)
{
    sum->buckets = one->buckets;
    for (size_t i = 0; i < one->buckets; i++) {
        sum->le[i] = one->le[i];
        sum->count[i] += one->count[i];
    }
    sum->sum += one->sum;
    sum->total += one->total;
}

/* All nodes as one: up when all are. */
static struct dure_top_node sum_of(const struct dure_top_page *page)
{
    struct dure_top_node sum = {.known = true, .up = true};
    for (size_t i = 0; i < page->nodes_count; i++) {
        const struct dure_top_node *node = &page->nodes[i];
        const double *from = &node->requests;
        double *to = &sum.requests;
        size_t count =
            (offsetof(struct dure_top_node, answer) - offsetof(struct dure_top_node, requests)) /
            sizeof(double);
        for (size_t j = 0; j < count; j++) to[j] += from[j];
        add_histogram(&sum.answer, &node->answer);
        add_histogram(&sum.commit, &node->commit);
        sum.up = sum.up && node->up;
    }
    return sum;
}

/* ---- Showing -------------------------------------------------------------------------------- */

static void write_ms(double ms, FILE *out)
{
    if (isnan(ms))
        fprintf(out, " %8s", "-");
    else if (isinf(ms))
        fprintf(out, " %8s", ">67108");
    else
        fprintf(out, " %8.*f", ms < 10 ? 2 : 1, ms);
}

static void write_line(const char *name, const struct line *line, FILE *out)
{
    const struct dure_top_node *now = line->now;
    fprintf(out, "%-6s %-5s %8.0f %8.0f %8.0f", name, line->up ? "up" : "DOWN", line->requests,
            line->lines, line->events);
    write_ms(line->p50_ms, out);
    write_ms(line->p99_ms, out);
    write_ms(line->commit_ms, out);
    fprintf(out, " %7.0f %7.1f %6.0f %6.0f %6.0f %8.0f %7.1f %6.0f %6.0f", line->records,
            line->turns, now->connections, now->in_flight, now->asks_queued + now->mail_queued,
            now->actors, now->actor_bytes / 1048576, now->sagas, now->parked);
}

/* \033[K: what was there before, to the end of the line. */
static void write_table(const struct top *top, double seconds, const char *line_end, FILE *out)
{
    const struct dure_top_page *before = &top->pages[1 - top->latest];
    const struct dure_top_page *after = &top->pages[top->latest];
    struct dure_top_node first = sum_of(before), last = sum_of(after);
    char when[32], name[24];
    time_t now = time(NULL);
    struct tm local;
    strftime(when, sizeof when, "%H:%M:%S", localtime_r(&now, &local));
    fprintf(out,
            "dure top: %s, %s, %zu node%s, %.0f aggregates, journal %.1f MiB, %.0f records "
            "not in the rows, %.0f breakers open%s%s",
            top->url, when, after->nodes_count, after->nodes_count == 1 ? "" : "s", last.aggregates,
            last.journal_bytes / 1048576, last.behind, last.breakers_open, line_end, line_end);
    fprintf(out, "%-6s %-5s %8s %8s %8s %8s %8s %8s %7s %7s %6s %6s %6s %8s %7s %6s %6s%s", "node",
            "state", "req/s", "lines/s", "events/s", "p50 ms", "p99 ms", "sync p99", "sync/s",
            "turns", "conns", "asks", "queued", "actors", "MiB", "sagas", "parked", line_end);
    for (size_t i = 0; i < after->nodes_count; i++) {
        struct line line = line_of(&before->nodes[i], &after->nodes[i], seconds);
        snprintf(name, sizeof name, "%zu", i);
        write_line(name, &line, out);
        fputs(line_end, out);
    }
    if (after->nodes_count < 2) return;
    struct line all = line_of(&first, &last, seconds);
    write_line("all", &all, out);
    fputs(line_end, out);
}

static json_t *milliseconds(double ms)
{
    return isfinite(ms) ? json_real(ms) : json_null();
}

static json_t *line_as_json(const struct line *line)
{
    const struct dure_top_node *now = line->now;
    return json_pack(
        "{s:b,s:f,s:f,s:f,s:f,s:f,s:o,s:o,s:o,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "up", line->up,
        "requests_per_second", line->requests, "lines_per_second", line->lines, "events_per_second",
        line->events, "records_per_second", line->records, "turns_per_record", line->turns,
        "p50_ms", milliseconds(line->p50_ms), "p99_ms", milliseconds(line->p99_ms), "commit_p99_ms",
        milliseconds(line->commit_ms), "connections", now->connections, "asks_in_flight",
        now->in_flight, "asks_queued", now->asks_queued, "mail_queued", now->mail_queued, "actors",
        now->actors, "actors_bytes", now->actor_bytes, "aggregates", now->aggregates, "sagas",
        now->sagas, "sagas_parked", now->parked);
}

static void write_json(const struct top *top, double seconds)
{
    const struct dure_top_page *before = &top->pages[1 - top->latest];
    const struct dure_top_page *after = &top->pages[top->latest];
    struct dure_top_node first = sum_of(before), last = sum_of(after);
    struct line all = line_of(&first, &last, seconds);
    json_t *nodes = json_array();
    for (size_t i = 0; i < after->nodes_count; i++) {
        struct line line = line_of(&before->nodes[i], &after->nodes[i], seconds);
        json_array_append_new(nodes, line_as_json(&line));
    }
    json_t *page =
        json_pack("{s:f,s:o,s:o}", "seconds", seconds, "all", line_as_json(&all), "nodes", nodes);
    json_dumpf(page, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(page);
}

/* ---- Asking --------------------------------------------------------------------------------- */

/* False after *why was set. */
static bool ask(struct top *top, const char **why)
{
    struct dure_client_request request = {
        .method = "GET", .url = top->address, .timeout_s = TIMEOUT_S};
    if (dure_client_send(top->client, &request, &top->reply) != 0) {
        *why = dure_client_error(top->client);
        return false;
    }
    if (top->reply.status != 200) {
        *why = "/metrics is not answered with 200";
        return false;
    }
    top->latest = 1 - top->latest;
    clock_gettime(CLOCK_MONOTONIC, &top->times[top->latest]);
    struct dure_top_page *page = &top->pages[top->latest];
    dure_top_page_read(page, top->reply.body.data != NULL ? top->reply.body.data : "",
                       top->reply.body.len);
    if (page->nodes_count > 0) return true;
    *why = "/metrics is not dure's";
    return false;
}

static double between(const struct top *top)
{
    const struct timespec *a = &top->times[1 - top->latest], *b = &top->times[top->latest];
    return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

/* Until the interval is over, or a signal comes. */
static void pause_for(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    sigset_t caught, before;
    sigemptyset(&caught);
    sigaddset(&caught, SIGINT);
    sigaddset(&caught, SIGTERM);
    sigprocmask(SIG_BLOCK, &caught, &before); /* None slips through between look and sleep. */
    if (!interrupted) pselect(0, NULL, NULL, NULL, &left, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static int run_once(struct top *top)
{
    const char *why;
    bool fine = ask(top, &why);
    if (fine) pause_for(top->interval_s);
    if (interrupted) return 0;
    if (!fine || !ask(top, &why)) {
        fprintf(stderr, "dure top: %s\n", why);
        return 1;
    }
    if (top->json)
        write_json(top, between(top));
    else
        write_table(top, between(top), "\n", stdout);
    return 0;
}

static int run_live(struct top *top)
{
    size_t seen = 0;
    bool screen = !top->json && isatty(STDOUT_FILENO) == 1;
    if (screen) fputs(ENTER, stdout);
    while (!interrupted) {
        const char *why;
        bool fine = ask(top, &why);
        if (fine) seen++;
        if (screen) fputs("\033[H", stdout);
        if (!fine && (screen || !top->json)) {
            printf("dure top: %s: %s%s\n", top->url, why, screen ? "\033[K" : "");
            seen = 0;
        } else if (seen > 1 && top->json) {
            write_json(top, between(top));
        } else if (seen > 1) {
            write_table(top, between(top), screen ? "\033[K\n" : "\n", stdout);
        }
        if (screen) fputs("\033[J", stdout);
        if (fflush(stdout) != 0) break;
        pause_for(top->interval_s);
    }
    if (screen) fputs(LEAVE, stdout);
    fflush(stdout);
    return 0;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct top *top = state->input;
    char *end;
    switch (key) {
    case 'u': top->url = arg; return 0;
    case 'j': top->json = true; return 0;
    case KEY_ONCE: top->once = true; return 0;
    case 'n':
        top->interval_s = strtod(arg, &end);
        if (end == arg || *end != '\0' || !(top->interval_s >= 0.1 && top->interval_s <= 3600))
            argp_error(state, "--interval takes seconds from 0.1 to 3600, not '%s'", arg);
        return 0;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    {"url", 'u', "URL", 0, "the node (default: " DURE_CLIENT_URL ")", 0},
    {"interval", 'n', "S", 0, "seconds between two looks, 0.1 to 3600 (default: 1)", 0},
    {"once", KEY_ONCE, NULL, 0, "look twice, print what lies between, and exit", 0},
    {"json", 'j', NULL, 0, "an object a line instead of a table", 0},
    {0},
};

static const char doc[] =
    "Shows what a running node or cluster does, from its /metrics, refreshed in place until Ctrl-C."
    "\v"
    "req/s: requests answered; lines/s: lines of bulk; events/s: what was published and kept; p50, "
    "p99: "
    "from a whole request to its answer; sync p99: from an append to its being on disk, sync/s of "
    "them; "
    "turns: in one of these; asks: commands under way; queued: what no turn has taken yet; actors "
    "and "
    "MiB: in memory; sagas under way, and of them those that wait for a person. Percentiles are "
    "upper "
    "bounds of the histogram's buckets.\n"
    "\n"
    "Exit status: 0 ended by Ctrl-C, or --once was done; 1 --once got no answer (the message says "
    "why); "
    "2 wrong command line.\n"
    "\n"
    "Examples:\n"
    "  dure top\n"
    "  dure top --once --json --interval 5 | jq .all.requests_per_second";

int dure_cmd_top(int argc, char **argv)
{
    static struct top top = {.url = DURE_CLIENT_URL, .interval_s = 1};
    const struct argp argp = {.options = option_table, .parser = on_option, .doc = doc};
    static char name[] = "dure top";
    if (dure_parse(&argp, name, argc, argv, &top) != 0) return DURE_EXIT_USAGE;
    snprintf(top.address, sizeof top.address, "%s%s/metrics",
             strstr(top.url, "://") != NULL ? "" : "http://", top.url);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    top.client = dure_client_new();
    DURE_ASSERT(top.client != NULL);
    int exit_status = top.once ? run_once(&top) : run_live(&top);
    dure_client_reply_fini(&top.reply);
    dure_client_free(top.client);
    return exit_status;
}
