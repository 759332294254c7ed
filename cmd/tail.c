/*
 * dure tail: prints the events of a running node or cluster, and goes on from where it was.
 *
 *   1. where to begin: the group's position, else --from; what the output file holds already counts
 *   2. follow (proto/stream_client.h): print a run of events, then keep the group's position
 *   3. SIGINT, SIGTERM, a closed pipe or --count end it; the position is kept once more
 *
 * It waits for a door that is not there. A position that the journal has not any more, or not yet,
 * ends it with a message. Exit status: 0, 1 after a message, 2 wrong usage.
 */
#include "cmd/tail.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/parse.h"
#include "proto/stream_client.h"

#define WAIT_MS 200
/* Positions are kept this often while events come, and when they pause. */
#define COMMIT_MS 50
/* Silence after which it says that nobody is there; with --once it gives up. */
#define PATIENCE_MS 3000
#define ASK_MS 1000

struct tail {
    struct dure_source_url url;
    const char *topic, *from, *group;
    bool json, once;
    uint64_t count;
    struct dure_tail_output output;
    enum dure_stream_from begin;
    struct dure_positions at, kept; /* Printed; kept by the group. */
    bool has_kept;
    struct dure_sources door;
    int64_t commit_ms;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int fail(const struct tail *tail, int rv)
{
    fprintf(stderr, "dure tail: %s: %s\n", tail->url.replay, dure_stream_error_text(rv));
    return rv;
}

/* ---- 1: where to begin --------------------------------------------------------------------------- */

static int ask_group(struct tail *tail, bool commit, struct dure_positions *at)
{
    struct dure_stream_request request = {.commit = commit};
    strcpy(request.group, tail->group);
    if (commit) request.at = *at;
    struct dure_buf question = {0}, answer = {0};
    dure_stream_request_write(&request, &question);
    int rv = dure_req_ask(tail->door.reqs[0], question.data, question.len, ASK_MS, &answer);
    if (rv == 0) rv = dure_stream_group_read(at, answer.data, answer.len);
    dure_buf_fini(&question);
    dure_buf_fini(&answer);
    return rv;
}

static int ask_end(struct tail *tail, struct dure_positions *at)
{
    struct dure_stream_request request = {.from = DURE_STREAM_END, .max = 1, .lines = true};
    struct dure_stream_reply reply = {0};
    int rv = dure_sources_ask(&tail->door, 0, &request, &reply);
    if (rv == 0) *at = reply.at;
    dure_buf_fini(&reply.lines);
    return rv;
}

static bool is_away(int rv)
{
    return rv == DURE_EUNAVAILABLE || rv == DURE_EBUSY;
}

/* Asks until there is an answer; says once that nobody is there. */
static int insist(struct tail *tail, int (*ask)(struct tail *tail, struct dure_positions *at),
                  struct dure_positions *at)
{
    int64_t began = now_ms();
    bool told = false;
    for (;;) {
        int rv = ask(tail, at);
        if (!is_away(rv) || stopping) return rv;
        if (now_ms() - began < PATIENCE_MS) {
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
            continue;
        }
        if (tail->once) return fail(tail, rv);
        if (!told) fprintf(stderr, "dure tail: nobody answers at %s, waiting\n", tail->url.replay);
        told = true;
    }
}

static int get_group(struct tail *tail, struct dure_positions *at)
{
    return ask_group(tail, false, at);
}

static int set_group(struct tail *tail, struct dure_positions *at)
{
    return ask_group(tail, true, at);
}

static int read_from(struct tail *tail)
{
    tail->begin = DURE_STREAM_AT;
    if (strcmp(tail->from, "start") == 0) tail->begin = DURE_STREAM_START;
    else if (strcmp(tail->from, "end") == 0) tail->begin = DURE_STREAM_END;
    else return dure_positions_read(&tail->at, tail->from, strlen(tail->from));
    return 0;
}

/* The output may hold more than the group knows of. */
static int resume_file(struct tail *tail)
{
    struct dure_positions at = tail->at;
    int rv = 0;
    if (tail->begin == DURE_STREAM_START) {
        rv = insist(tail, ask_end, &at);
        if (rv == 0) dure_positions_fill(&at, at.shards, 0);
    }
    bool found = false;
    if (rv == 0) rv = dure_tail_resume(tail->output.fd, &at, &found);
    if (rv == 0 && found) {
        tail->at = at;
        tail->begin = DURE_STREAM_AT;
    }
    return rv;
}

static int find_begin(struct tail *tail)
{
    if (tail->group == NULL) return 0;
    int rv = insist(tail, get_group, &tail->kept);
    if (rv == 0) {
        tail->at = tail->kept;
        tail->begin = DURE_STREAM_AT;
    } else if (rv == DURE_ENOTFOUND) {
        rv = 0;
        /* A new group at the end: it is there from now on, also if nothing comes. */
        if (tail->begin == DURE_STREAM_END) rv = insist(tail, ask_end, &tail->at);
        if (rv == 0 && tail->begin == DURE_STREAM_END) {
            tail->begin = DURE_STREAM_AT;
            tail->kept = tail->at;
            rv = insist(tail, set_group, &tail->kept);
        }
    }
    if (rv == 0 && tail->json && dure_tail_is_file(tail->output.fd)) rv = resume_file(tail);
    return rv;
}

/* ---- 2: follow ----------------------------------------------------------------------------------- */

static void commit(struct tail *tail, bool now)
{
    if (tail->group == NULL || tail->at.shards == 0) return;
    if (tail->has_kept && dure_positions_equal(&tail->at, &tail->kept)) return;
    if (!now && now_ms() - tail->commit_ms < COMMIT_MS) return;
    struct dure_positions at = tail->at;
    if (ask_group(tail, true, &at) == 0) {
        tail->kept = tail->at;
        tail->has_kept = true;
    }
    tail->commit_ms = now_ms();
}

/* With --count the run may be printed in part: its place is that of the last one printed. */
static void note_printed(struct tail *tail, const struct dure_stream_client *client,
                         const struct dure_buf *lines, size_t printed)
{
    if (printed == lines->len) {
        tail->at = *dure_stream_client_at(client);
        return;
    }
    const char *at = lines->data;
    struct dure_stream_line line;
    while (at < lines->data + printed && dure_stream_line(&at, lines->data + printed, &line) == 0) {
        if (line.shard < tail->at.shards) tail->at.last[line.shard] = line.sequence;
    }
}

static int follow(struct tail *tail, struct dure_stream_client *client)
{
    struct dure_buf lines = {0};
    int64_t heard = now_ms();
    bool told = false;
    int rv = 0;
    while (!stopping && rv == 0 && tail->output.left > 0) {
        lines.len = 0;
        rv = dure_stream_client_next(client, WAIT_MS, &lines);
        size_t printed = 0;
        if (rv == 0) {
            heard = now_ms();
            told = false;
            rv = dure_tail_print(&tail->output, &lines, &printed);
            if (rv == 0) note_printed(tail, client, &lines, printed);
            commit(tail, false);
        } else if (rv == DURE_EBUSY) {
            rv = 0;
            commit(tail, true);
        } else {
            fail(tail, rv);
        }
        if (tail->once && dure_stream_client_caught_up(client)) break;
        bool silent = now_ms() - heard > PATIENCE_MS && !dure_stream_client_caught_up(client);
        if (silent && tail->once && rv == 0) rv = fail(tail, DURE_EUNAVAILABLE);
        if (silent && !told) {
            fprintf(stderr, "dure tail: nobody answers at %s, waiting\n", tail->url.replay);
            told = true;
        }
    }
    commit(tail, true);
    dure_buf_fini(&lines);
    return rv == DURE_ESHUTDOWN ? 0 : rv; /* Its reader has gone. */
}

static int run(struct tail *tail)
{
    int rv = dure_sources_open(&tail->door, &tail->url, 1);
    if (rv == 0) {
        tail->door.timeout_ms = ASK_MS;
        rv = find_begin(tail);
        tail->has_kept = tail->kept.shards != 0;
    }
    struct dure_stream_client *client = NULL;
    if (rv == 0 && !stopping) {
        struct dure_stream_client_options options = {.urls = &tail->url, .count = 1,
                                                     .topic = tail->topic, .from = tail->begin,
                                                     .at = &tail->at};
        rv = dure_stream_client_open(&client, &options);
        if (rv != 0) fail(tail, rv);
    }
    if (rv == 0 && client != NULL) rv = follow(tail, client);
    dure_stream_client_close(client);
    dure_sources_close(&tail->door);
    dure_buf_fini(&tail->output.text);
    return rv;
}

/* ---- Options -------------------------------------------------------------------------------------- */

enum { KEY_ONCE = 1000, KEY_EVENTS, KEY_REPLAY };

static const struct argp_option options[] = {
    {"from", 'f', "WHERE", 0, "start, end (the default) or a position; a group that has a position goes on there", 0},
    {"group", 'g', "NAME", 0, "keep the position on the server under this name, and go on from it", 0},
    {"json", 'j', NULL, 0, "print CloudEvents JSON, one a line", 0},
    {"count", 'n', "N", 0, "end after N events", 0},
    {"once", KEY_ONCE, NULL, 0, "end when there is no more for now", 0},
    {"events", KEY_EVENTS, "URL", 0, "live events (default: tcp://127.0.0.1:8089; a port will do)", 0},
    {"replay", KEY_REPLAY, "URL", 0, "replay (default: tcp://127.0.0.1:8090; a port will do)", 0},
    {0},
};

static void set_url(char *url, const char *text, struct argp_state *state)
{
    bool port = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
    int len = snprintf(url, DURE_SOCK_URL_BYTES, "%s%s", port ? "tcp://127.0.0.1:" : "", text);
    if (len >= DURE_SOCK_URL_BYTES || strstr(url, "://") == NULL) {
        argp_error(state, "\"%s\" is no address such as tcp://127.0.0.1:8089", text);
    }
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct tail *tail = state->input;
    char *end;
    switch (key) {
    case 'f':
        tail->from = arg;
        if (read_from(tail) != 0)
            argp_error(state, "--from is start, end or a position, not \"%s\"", arg);
        return 0;
    case 'g':
        tail->group = arg;
        if (!dure_stream_group_valid(arg))
            argp_error(state, "a group's name is 1 to 64 letters, digits, '.', '_' or '-'");
        return 0;
    case 'j': tail->json = true; return 0;
    case 'n':
        errno = 0;
        tail->count = strtoull(arg, &end, 10);
        if (errno != 0 || *end != '\0' || end == arg || tail->count == 0)
            argp_error(state, "--count needs a number from 1, not \"%s\"", arg);
        return 0;
    case KEY_ONCE: tail->once = true; return 0;
    case KEY_EVENTS: set_url(tail->url.events, arg, state); return 0;
    case KEY_REPLAY: set_url(tail->url.replay, arg, state); return 0;
    case ARGP_KEY_ARG:
        if (tail->topic[0] != '\0') argp_error(state, "one topic, please: shop.order.,shop.pay.");
        if (strlen(arg) >= DURE_STREAM_TOPIC_BYTES) argp_error(state, "the topic is too long");
        tail->topic = arg;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int dure_cmd_tail(int argc, char **argv)
{
    static struct tail tail = {
        .url = {"tcp://127.0.0.1:8089", "tcp://127.0.0.1:8090"},
        .topic = "", .from = "end", .begin = DURE_STREAM_END, .count = UINT64_MAX};
    struct argp argp = {
        .options = options, .parser = on_option, .args_doc = "[TOPIC]",
        .doc = "Prints events as they happen, each once, of each shard in order; what was missed "
               "is filled from the journal. TOPIC is a prefix (shop.order.) or several, separated "
               "by commas.\vWith --group the position is kept after each write. Killed in between, "
               "the next run prints the last write again; when --json goes to a file (>> FILE), it "
               "sees there what was written and prints nothing twice.\n\n"
               "Exit status: 0 done, 1 the position cannot be read from, 2 wrong usage.",
    };
    static char name[] = "dure tail";
    if (dure_parse(&argp, name, argc, argv, &tail) != 0) return DURE_EXIT_USAGE;
    tail.output = (struct dure_tail_output){.fd = STDOUT_FILENO, .json = tail.json,
                                            .left = tail.count};
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return run(&tail) == 0 ? 0 : 1;
}
