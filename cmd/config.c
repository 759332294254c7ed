/*
 * Settings by table.
 *
 *   1. defaults from the table
 *   2. the file, if --config or DURE_CONFIG names one
 *   3. the environment: DURE_MEMORY_MB for --memory-mb
 *   4. the flags
 *
 * Every value is checked against its range where it is read, and the message names its source.
 */
#include "cmd/config.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/pairs.h"
#include "cmd/parse.h"
#include "runtime/bounds.h"

extern char **environ;

enum kind { TEXT, NUMBER };

struct setting {
    const char *name, *arg, *help, *start;
    const char *section; /* Title of the part of --help that begins here, or NULL. */
    enum kind kind;
    size_t offset, size;
    int64_t min, max;
};

#define STR_(x) #x
#define STR(x) STR_(x)
#define TEXT_AT(member)                                                                            \
    .kind = TEXT, .offset = offsetof(struct dure_config, member),                                  \
    .size = sizeof(((struct dure_config *)0)->member)
#define NUMBER_AT(member, low, high)                                                               \
    .kind = NUMBER, .offset = offsetof(struct dure_config, member), .min = (low), .max = (high)

static const struct setting settings[] = {
    {"data", "DIR", "data directory; made when absent", "data", "Data:", TEXT_AT(data)},
    {"shards", "N", "shards of a new data directory; an old one keeps its number",
     STR(DURE_SHARDS_DEFAULT), NULL, NUMBER_AT(shards, 1, DURE_SHARDS_MAX)},
    {"memory-mb", "MIB", "memory budget in MiB, for actors and the work on them; beyond: 503",
     "512", NULL, NUMBER_AT(memory_mb, 1, 1 << 20)},
    {"pin", "CPU", "run on this processor only; -1: on any", "-1", NULL, NUMBER_AT(pin, -1, 4095)},

    {"host", "ADDRESS", "address to listen on, IPv4 or IPv6", "127.0.0.1",
     "What is served:", TEXT_AT(host)},
    {"http", "PORT", "HTTP port; 0 takes a free one and prints it", "8088", NULL,
     NUMBER_AT(http, 0, 65535)},
    {"events", "PORT", "port of the nng event stream; 0: a free one, -1: none", "8089", NULL,
     NUMBER_AT(events, -1, 65535)},
    {"replay", "PORT", "port of the nng replay socket; 0: a free one, -1: none", "8090", NULL,
     NUMBER_AT(replay, -1, 65535)},
    {"root", "SYSTEM", "system of unprefixed paths that several systems have", "shop", NULL,
     TEXT_AT(root)},
    {"systems", "LIST", "systems to serve, separated by commas; all when empty", "", NULL,
     TEXT_AT(systems)},

    {"asks-max", "N", "commands in flight; beyond: 503", STR(DURE_ASKS_MAX),
     "Limits:", NUMBER_AT(asks_max, 1, 1 << 20)},
    {"connections-max", "N", "HTTP connections; beyond: 503", STR(DURE_HTTP_CONNECTIONS_MAX), NULL,
     NUMBER_AT(connections_max, 1, 1 << 20)},
    {"pipeline-max", "N", "unanswered requests of one connection; beyond: not read",
     STR(DURE_HTTP_PIPELINE_MAX), NULL, NUMBER_AT(pipeline_max, 1, 1 << 16)},
    {"body-bytes-max", "BYTES", "request body; beyond: 413", "1048576", NULL,
     NUMBER_AT(body_bytes_max, 1024, 1 << 30)},
    {"requests-bytes-max", "BYTES",
     "requests that arrive or wait for their answers, all together, at least twice "
     "--body-bytes-max; "
     "beyond: 503 to the slowest",
     "268435456", NULL, NUMBER_AT(requests_bytes_max, 2048, INT64_C(1) << 40)},
    {"unread-bytes-max", "BYTES",
     "answers that clients have not read, all together; beyond: the slowest are closed",
     "268435456", NULL, NUMBER_AT(unread_bytes_max, DURE_HTTP_OUTPUT_BYTES_MAX, INT64_C(1) << 40)},
    {"bulk-unread-bytes-max", "BYTES",
     "results that a bulk client has not read; beyond: its lines wait", "16777216", NULL,
     NUMBER_AT(bulk_unread_bytes_max, DURE_HTTP_OUTPUT_BYTES_MAX, 1 << 30)},

    {"header-timeout-ms", "MS", "for the headers of a request; beyond: 408",
     STR(DURE_HTTP_HEADER_TIMEOUT_MS), "Time limits:", NUMBER_AT(header_timeout_ms, 10, 3600000)},
    {"body-timeout-ms", "MS", "longest silence within a body; beyond: 408",
     STR(DURE_HTTP_BODY_TIMEOUT_MS), NULL, NUMBER_AT(body_timeout_ms, 10, 3600000)},
    {"idle-timeout-ms", "MS", "a connection without a request; beyond: closed",
     STR(DURE_HTTP_IDLE_TIMEOUT_MS), NULL, NUMBER_AT(idle_timeout_ms, 10, 3600000)},
    {"write-timeout-ms", "MS", "a client that takes nothing; beyond: closed",
     STR(DURE_HTTP_WRITE_TIMEOUT_MS), NULL, NUMBER_AT(write_timeout_ms, 10, 3600000)},
    {"sse-heartbeat-ms", "MS", "on an event stream that is silent", STR(DURE_SSE_HEARTBEAT_MS), NULL,
     NUMBER_AT(sse_heartbeat_ms, 100, 3600000)},
    {"drain-ms", "MS", "at a stop, for requests that run; then they are cut off",
     STR(DURE_HTTP_DRAIN_MS), NULL, NUMBER_AT(drain_ms, 0, 600000)},

    {"log-format", "text|logfmt|json", "of what is printed", "text",
     "Log and traces:", TEXT_AT(log_format)},
    {"log-requests", "auto|none|errors|all",
     "a line for each request; errors: those answered with 5xx; auto: errors with logfmt and json, "
     "none with text", "auto", NULL, TEXT_AT(log_requests)},
    {"trace-percent", "N",
     "of requests without a traceparent, those that are sampled: their messages and events carry a "
     "trace of ours", "100", NULL,
     NUMBER_AT(trace_percent, 0, 100)},

    {"cluster", "FILE", "cluster file: shards, nodes and how they reach one another; none: alone", "",
     "Cluster:", TEXT_AT(cluster)},
    {"http-shared", "N", "1: several nodes listen on the HTTP port (SO_REUSEPORT)", "0", NULL,
     NUMBER_AT(http_shared, 0, 1)},
    {"node", "N", "which node of the cluster this is", "0", NULL,
     NUMBER_AT(node, 0, DURE_NODES_MAX - 1)},
    {"supervisor", "FD", "socket to a supervisor, as `dure up` gives it; -1: none", "-1", NULL,
     NUMBER_AT(supervisor, -1, 1 << 20)},
    {"door-events", "PORT", "where `dure up` has the event stream of all nodes; -1: nowhere", "-1",
     NULL, NUMBER_AT(door_events, -1, 65535)},
    {"door-replay", "PORT", "where it has their replay socket; -1: nowhere", "-1", NULL,
     NUMBER_AT(door_replay, -1, 65535)},

    {"bike-fare", "POINTS", "bike's fare: points that a reservation costs", "1000",
     "Systems:", NUMBER_AT(bike_fare, 0, INT64_C(1000000000))},

    {"outage", "OUTAGE",
     "TYPE=down or TYPE=MS: what is of the type is not to be reached, or only after MS; SIGUSR1 ends "
     "it, and begins it again", "", "For tests:", TEXT_AT(outage)},
    {"meter", "HOW", "dr's meter: simulated[:SEED], manual, or http:URL", "simulated", "Ports:",
     TEXT_AT(meter)},
    {"notify", "HOW", "notifications: log (a line on stdout each), or webhook:URL", "log", NULL,
     TEXT_AT(notify)},
    {"notify-secret", "SECRET",
     "whsec_ and base64: signs webhooks; better in DURE_NOTIFY_SECRET or the file, where ps does not "
     "show it", "", NULL, TEXT_AT(notify_secret)},
    {"notify-private", "0|1", "webhooks may go to private addresses", "0", NULL,
     NUMBER_AT(notify_private, 0, 1)},
};

#define SETTINGS (sizeof settings / sizeof settings[0])
#define KEY_FIRST 1000
#define KEY_CONFIG 2000
#define KEY_PRINT 2001
#define KEY_JSON 2002

static int set(struct dure_config *config, const struct setting *setting, const char *value,
               const char *source)
{
    void *member = (char *)config + setting->offset;
    if (setting->kind == TEXT) {
        for (const char *at = value; *at != '\0'; at++) {
            if ((unsigned char)*at >= ' ' && *at != 0x7f) continue;
            fprintf(stderr, "dure: %s: %s holds a control character\n", source, setting->name);
            return DURE_EINVAL;
        }
        if (strlen(value) >= setting->size) {
            fprintf(stderr, "dure: %s: %s is longer than %zu bytes\n", source, setting->name,
                    setting->size - 1);
            return DURE_EINVAL;
        }
        strcpy(member, value);
        return 0;
    }
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < setting->min ||
        number > setting->max) {
        fprintf(stderr, "dure: %s: %s must be a whole number from %lld to %lld, not \"%s\"\n",
                source, setting->name, (long long)setting->min, (long long)setting->max, value);
        return DURE_EINVAL;
    }
    *(int64_t *)member = number;
    return 0;
}

static const struct setting *find(const char *name, size_t len)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strlen(settings[i].name) == len && memcmp(settings[i].name, name, len) == 0) {
            return &settings[i];
        }
    }
    return NULL;
}

static int set_pair(void *arg, const char *name, const char *value, const char *source)
{
    const struct setting *setting = find(name, strlen(name));
    if (setting != NULL) return set(arg, setting, value, source);
    fprintf(stderr, "dure: %s: there is no setting called \"%s\"\n", source, name);
    return DURE_EINVAL;
}

int dure_config_try(const char *name, const char *value, const char *source)
{
    static struct dure_config tried;
    return set_pair(&tried, name, value, source);
}

/* DURE_MEMORY_MB → memory-mb */
static int read_environment(struct dure_config *config)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals == NULL || strncmp(*entry, "DURE_", 5) != 0) continue;
        char name[64], source[80];
        size_t len = (size_t)(equals - *entry - 5);
        if (len >= sizeof name) len = sizeof name - 1;
        for (size_t i = 0; i < len; i++) {
            int byte = (unsigned char)(*entry)[5 + i];
            name[i] = (char)(byte == '_' ? '-' : tolower(byte));
        }
        name[len] = '\0';
        if (strcmp(name, "config") == 0) continue;
        const struct setting *setting = find(name, len);
        snprintf(source, sizeof source, "environment DURE_%.*s", (int)len, *entry + 5);
        if (setting == NULL) {
            fprintf(stderr, "dure: %s: there is no such setting\n", source);
            return DURE_EINVAL;
        }
        int rv = set(config, setting, equals + 1, source);
        if (rv != 0) return rv;
    }
    return 0;
}

/* The flags are read twice: first for the file, whose settings they then override. */
struct reading {
    struct dure_config *config;
    const char *path;
    bool for_path;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct reading *reading = state->input;
    struct dure_config *config = reading->config;
    if (key >= KEY_FIRST && key < KEY_FIRST + (int)SETTINGS) {
        char source[80];
        const struct setting *setting = &settings[key - KEY_FIRST];
        snprintf(source, sizeof source, "--%s", setting->name);
        return reading->for_path || set(config, setting, arg, source) == 0 ? 0 : EINVAL;
    }
    switch (key) {
    case KEY_CONFIG: reading->path = arg; return 0;
    case KEY_PRINT: config->print_config = true; return 0;
    case KEY_JSON: config->json = true; return 0;
    case ARGP_KEY_ARG:
        fprintf(stderr, "dure: unexpected argument \"%s\"\n", arg);
        return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

struct table { /* What argp reads, and --help shows. Zeroed at the end, for argp. */
    struct argp_option options[2 * SETTINGS + 6];
    char help[SETTINGS][256];
};

static void describe(const struct setting *setting, char *text, size_t size)
{
    int len = snprintf(text, size, "%s (default: %s", setting->help,
                       *setting->start ? setting->start : "\"\"");
    DURE_ASSERT(len > 0 && (size_t)len < size);
    if (setting->kind == NUMBER) {
        len += snprintf(text + len, size - (size_t)len, ", range: %lld to %lld)",
                        (long long)setting->min, (long long)setting->max);
    } else {
        len += snprintf(text + len, size - (size_t)len, ")");
    }
    DURE_ASSERT((size_t)len < size);
}

static void make_table(struct table *table)
{
    *table = (struct table){0};
    struct argp_option *option = table->options;
    int group = 0;
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *setting = &settings[i];
        if (setting->section != NULL) {
            *option++ = (struct argp_option){.doc = setting->section, .group = ++group};
        }
        describe(setting, table->help[i], sizeof table->help[i]);
        *option++ = (struct argp_option){setting->name, KEY_FIRST + (int)i, setting->arg, 0,
                                         table->help[i], group};
    }
    *option++ = (struct argp_option){.doc = "Settings themselves:", .group = ++group};
    *option++ = (struct argp_option){
        "config", KEY_CONFIG, "FILE", 0, "read settings from FILE", group};
    *option++ = (struct argp_option){
        "print-config", KEY_PRINT, NULL, 0,
        "print the settings in force as such a file, and exit", group};
    *option++ = (struct argp_option){"json", KEY_JSON, NULL, 0, "print them as JSON", group};
    DURE_ASSERT(option < table->options + sizeof table->options / sizeof *option);
}

static const char doc[] =
    "Runs one node: all shards of a data directory, served over HTTP on one port. It is ready when "
    "GET /readyz says 200, and it says so on standard output."
    "\v"
    "Each setting can also come from the environment and from a file. Flags win over the "
    "environment, which wins over the file. Unknown names and values out of range are errors.\n"
    "\n"
    "Signals: the first SIGINT or SIGTERM stops the node cleanly: it stops listening, answers what "
    "runs (for --drain-ms at most), writes a checkpoint and exits with 0. A second one stops it at "
    "once. Nothing that was acknowledged is lost either way, nor by SIGKILL.\n"
    "\n"
    "Exit status: 0 stopped by a signal; 1 it could not start, or the disk failed (the message "
    "says "
    "which); 2 a setting is wrong; 128 + N stopped at once by a second signal N.\n"
    "\n"
    "Files: DIR/journal is what counts, DIR/state is written back from it, DIR/format says their "
    "version, and DIR/lock keeps a second process out. FILE has a line \"name = value\" for each "
    "setting, named "
    "as the flags are without the dashes; # at the start of a line or behind a blank begins a "
    "comment, and a value may stand in double quotes.\n"
    "\n"
    "Environment: DURE_CONFIG, the FILE when --config is not given; DURE_MEMORY_MB for "
    "--memory-mb, "
    "and so on for each.\n"
    "\n"
    "Examples:\n"
    "  dure node\n"
    "  dure node --data /var/lib/dure --http 80 --host 0.0.0.0\n"
    "  dure node --memory-mb 2048 --print-config > dure.conf\n"
    "  DURE_HTTP=9000 dure node --config dure.conf";

int dure_config_read(struct dure_config *config, int argc, char **argv)
{
    struct table table;
    make_table(&table);
    *config = (struct dure_config){0};
    for (size_t i = 0; i < SETTINGS; i++) {
        int rv = set(config, &settings[i], settings[i].start, "default");
        DURE_ASSERT(rv == 0);
    }
    const struct argp argp = {.options = table.options, .parser = on_option, .doc = doc};
    static char name[] = "dure node";
    struct reading reading = {.config = config, .path = getenv("DURE_CONFIG"), .for_path = true};
    if (dure_parse(&argp, name, argc, argv, &reading) != 0) return DURE_EINVAL;
    int rv = reading.path != NULL ? dure_pairs_read(reading.path, set_pair, config) : 0;
    if (rv == 0) rv = read_environment(config);
    reading.for_path = false;
    if (rv == 0 && dure_parse(&argp, name, argc, argv, &reading) != 0) rv = DURE_EINVAL;
    return rv == 0 ? dure_config_check(config) : rv;
}

/* So that the file's rules give it back. */
static void print_text(const char *text, FILE *out)
{
    size_t len = strlen(text);
    bool plain = strpbrk(text, "#\"\\") == NULL &&
                 (len == 0 || (text[0] != ' ' && text[len - 1] != ' '));
    if (plain) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') fputc('\\', out);
        fputc(*at, out);
    }
    fputc('"', out);
}

static void print_json(const struct dure_config *config, FILE *out)
{
    json_t *all = json_object();
    for (size_t i = 0; i < SETTINGS; i++) {
        const void *member = (const char *)config + settings[i].offset;
        json_object_set_new(all, settings[i].name,
                            settings[i].kind == TEXT ? json_string(member)
                                                     : json_integer(*(const int64_t *)member));
    }
    json_dumpf(all, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(all);
}

void dure_config_print(const struct dure_config *config, FILE *out)
{
    if (config->json) {
        print_json(config, out);
        return;
    }
    for (size_t i = 0; i < SETTINGS; i++) {
        const void *member = (const char *)config + settings[i].offset;
        fprintf(out, "%s = ", settings[i].name);
        if (settings[i].kind == TEXT) print_text(member, out);
        else fprintf(out, "%lld", (long long)*(const int64_t *)member);
        fputc('\n', out);
    }
}
