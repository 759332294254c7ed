/*
 * The command line of `dure bench`: options by argp, checked, completed, handed to the load run or
 * to the journal's. Main thread only.
 */
#include "cmd/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench_journal.h"
#include "cmd/bench_load.h"
#include "cmd/parse.h"

#define CONNECTIONS_MAX 16384
#define DEPTH_MAX 65536
#define THREADS_MAX 64
#define KEYS_MAX 100000000 /* Products, users. */
#define RECORD_BYTES_MAX (1u << 30)

enum key {
    KEY_URL = 'u',
    KEY_MODE = 'm',
    KEY_CONNECTIONS = 'c',
    KEY_DEPTH = 'd',
    KEY_THREADS = 't',
    KEY_SECONDS = 's',
    KEY_ORDERS = 'n',
    KEY_WARMUP = 'w',
    KEY_JSON = 'j',
    KEY_PRODUCTS = 256,
    KEY_USERS,
    KEY_HOT,
    KEY_TARGET,
    KEY_PATH,
    KEY_BODY,
    KEY_JOURNAL,
    KEY_BYTES,
    KEY_BATCH,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "What to measure:", 1},
    {"url", KEY_URL, "URL", 0, "the server, http only (default: http://127.0.0.1:8088)", 1},
    {"target", KEY_TARGET, "orders|raw", 0,
     "orders: whole order sagas of the shop system. raw: any path, see --path (default: orders)",
     1},
    {"mode", KEY_MODE, "single|pipelined|bulk", 0,
     "single: one request in flight on each connection. pipelined: --depth requests in flight on "
     "each. bulk: one endless application/x-ndjson request on each, a command a line, --depth "
     "lines "
     "in flight (default: single)",
     1},
    {NULL, 0, NULL, 0, "How much:", 2},
    {"connections", KEY_CONNECTIONS, "N", 0, "how many, 1 to 16384 (default: 16)", 2},
    {"depth", KEY_DEPTH, "N", 0,
     "commands in flight on each connection, 1 to 65536 (default: 16 pipelined, 1024 in bulk)", 2},
    {"threads", KEY_THREADS, "N", 0,
     "threads of the generator, 1 to 64; it shares the machine with the server, so take no more "
     "than "
     "it needs (default: 2, and no more than connections)",
     2},
    {"seconds", KEY_SECONDS, "S", 0, "measure for S seconds, 0.1 and more (default: 10)", 2},
    {"orders", KEY_ORDERS, "N", 0, "measure N commands, at least 1, instead of a time", 2},
    {"warmup", KEY_WARMUP, "S", 0,
     "seconds of load before the measurement, 0 and more (default: 1)", 2},
    {NULL, 0, NULL, 0, "Orders:", 3},
    {"products", KEY_PRODUCTS, "N", 0,
     "create N products, 1 to 100000000, and order them evenly (default: 1000)", 3},
    {"users", KEY_USERS, "N", 0,
     "open N accounts, 1 to 100000000, and order for them evenly (default: 10000)", 3},
    {"hot", KEY_HOT, NULL, 0, "all orders are for one product, as --products 1", 3},
    {NULL, 0, NULL, 0, "Raw requests:", 4},
    {"path", KEY_PATH, "PATH", 0, "of the requests, at most 256 bytes (default: /)", 4},
    {"body", KEY_BODY, "JSON", 0, "send it by POST; without it, GET", 4},
    {NULL, 0, NULL, 0, "The journal alone, without a server:", 5},
    {"journal", KEY_JOURNAL, "DIR", 0,
     "append to a journal in DIR (new or empty; what is written there stays and is noise)", 5},
    {"bytes", KEY_BYTES, "N", 0, "bytes of one order, 1 and more (default: 1024)", 5},
    {"batch", KEY_BATCH, "M", 0,
     "orders a record, 1 to 1048576; --bytes times --batch is at most 1 GiB (default: 64)", 5},
    {NULL, 0, NULL, 0, "Output:", 6},
    {"json", KEY_JSON, NULL, 0, "one line of JSON instead of a table", 6},
    {0},
};

static const char doc[] =
    "Measures how many orders a second a running dure completes, and how long each takes."
    "\v"
    "First the products and accounts are created, with stock and money for any run. Then each "
    "connection keeps its commands in flight until the time is over or the orders are out. An "
    "order counts as completed only if its answer is 201 and says \"status\":\"주문완료\": money "
    "and "
    "stock taken, delivery started, all on disk. Everything else is counted apart: pending (the "
    "saga had "
    "not ended within the server's limit), refused by status, unanswered (the connection broke, or "
    "30 s of silence). Latency runs from sending a request, or a line in bulk, to having its "
    "answer; it is of completed ones only, within 0.8 % of the true value.\n"
    "\n"
    "Exit status: 0 when something was measured, 1 when the server or the directory could not be "
    "used or nothing completed, 2 for a wrong command line.\n"
    "\n"
    "Examples:\n"
    "  dure bench --connections 64 --seconds 30\n"
    "  dure bench --mode bulk --connections 4 --orders 1000000 --json\n"
    "  dure bench --mode pipelined --depth 32 --hot\n"
    "  dure bench --target raw --path /livez --connections 64\n"
    "  dure bench --journal /var/tmp/limit --bytes 1500 --batch 200";

static uint64_t whole(struct argp_state *state, const char *name, const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value == 0 || value > max)
        argp_error(state, "--%s takes a whole number from 1 to %llu, not '%s'", name,
                   (unsigned long long)max, text);
    return value;
}

static double duration(struct argp_state *state, const char *name, const char *text, double min)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= min && value <= 86400 * 365.0))
        argp_error(state, "--%s takes seconds, at least %g, not '%s'", name, min, text);
    return value;
}

static enum dure_bench_mode mode_of(struct argp_state *state, const char *text)
{
    if (strcmp(text, "pipelined") == 0) return DURE_BENCH_PIPELINED;
    if (strcmp(text, "bulk") == 0) return DURE_BENCH_BULK;
    if (strcmp(text, "single") != 0)
        argp_error(state, "--mode is single, pipelined or bulk, not '%s'", text);
    return DURE_BENCH_SINGLE;
}

/* Defaults that depend on other options. */
static void complete(struct argp_state *state, struct dure_bench_options *options)
{
    if (options->mode == DURE_BENCH_SINGLE && options->depth > 1)
        argp_error(state, "--depth needs --mode pipelined or bulk");
    if (options->mode == DURE_BENCH_BULK && options->raw && options->raw_body == NULL)
        argp_error(state, "--mode bulk needs a --body to send as its lines");
    if (options->depth == 0) {
        static const uint32_t depths[] = {
            [DURE_BENCH_SINGLE] = 1, [DURE_BENCH_PIPELINED] = 16, [DURE_BENCH_BULK] = 1024};
        options->depth = depths[options->mode];
    }
    if (options->threads == 0) options->threads = 2;
    if (options->threads > options->connections) options->threads = options->connections;
    if (options->bytes * options->batch > RECORD_BYTES_MAX)
        argp_error(state, "--bytes times --batch is at most %u", RECORD_BYTES_MAX);
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct dure_bench_options *options = state->input;
    switch (key) {
    case KEY_URL: options->url = arg; break;
    case KEY_MODE: options->mode = mode_of(state, arg); break;
    case KEY_CONNECTIONS:
        options->connections = (uint32_t)whole(state, "connections", arg, CONNECTIONS_MAX);
        break;
    case KEY_DEPTH: options->depth = (uint32_t)whole(state, "depth", arg, DEPTH_MAX); break;
    case KEY_THREADS: options->threads = (uint32_t)whole(state, "threads", arg, THREADS_MAX); break;
    case KEY_SECONDS: options->seconds = duration(state, "seconds", arg, 0.1); break;
    case KEY_ORDERS: options->orders = whole(state, "orders", arg, INT64_MAX / 2); break;
    case KEY_WARMUP: options->warmup = duration(state, "warmup", arg, 0); break;
    case KEY_PRODUCTS: options->products = (uint32_t)whole(state, "products", arg, KEYS_MAX); break;
    case KEY_USERS: options->users = (uint32_t)whole(state, "users", arg, KEYS_MAX); break;
    case KEY_HOT: options->products = 1; break;
    case KEY_TARGET:
        options->raw = strcmp(arg, "raw") == 0;
        if (!options->raw && strcmp(arg, "orders") != 0)
            argp_error(state, "--target is orders or raw, not '%s'", arg);
        break;
    case KEY_PATH:
        if (arg[0] != '/' || strlen(arg) > 256) argp_error(state, "--path begins with a slash");
        options->raw_path = arg;
        break;
    case KEY_BODY: options->raw_body = arg; break;
    case KEY_JOURNAL: options->journal_dir = arg; break;
    case KEY_BYTES: options->bytes = whole(state, "bytes", arg, RECORD_BYTES_MAX); break;
    case KEY_BATCH: options->batch = (uint32_t)whole(state, "batch", arg, 1u << 20); break;
    case KEY_JSON: options->json = true; break;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", arg); break;
    case ARGP_KEY_END: complete(state, options); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int dure_cmd_bench(int argc, char **argv)
{
    struct dure_bench_options options = {
        .url = "http://127.0.0.1:8088",
        .raw_path = "/",
        .connections = 16,
        .seconds = 10,
        .warmup = 1,
        .products = 1000,
        .users = 10000,
        .bytes = 1024,
        .batch = 64,
    };
    const struct argp argp = {.options = option_table, .parser = on_option, .doc = doc};
    static char name[] = "dure bench";
    if (dure_parse(&argp, name, argc, argv, &options) != 0) return DURE_EXIT_USAGE;
    return options.journal_dir != NULL ? dure_bench_journal_run(&options)
                                       : dure_bench_load_run(&options);
}
