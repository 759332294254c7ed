/*
 * dure up: a cluster of nodes on this machine.
 *
 *   1. options, then what must be ours: directory, cluster file, port (up_claim.c)
 *   2. the nodes, kept running by the supervisor; what happens is printed (up_print.c) and told to
 *      `dure status` (up_status.c) and to systemd (up_systemd.c)
 *   3. SIGINT, SIGTERM or SIGHUP: stop in order; a second one: at once. SIGUSR1: start what stays down
 *
 * Exit status: 0 after a stop in order; 1 when every node has failed, or one had to be killed;
 * 2 when a setting is wrong.
 */
#include <argp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/parse.h"
#include "cmd/doors.h"
#include "cmd/leave.h"
#include "cmd/logline.h"
#include "cmd/up.h"

#define COMMAND_WORDS_MAX 100
#define SIGNALS 4

/* One wish can come as two signals: timeout(1) sends to us and then to our process group. */
#define SAME_WISH_MS 200

struct up {
    struct dure_up_options options;
    struct dure_up_claim claim;
    struct dure_supervisor supervisor;
    uv_signal_t signals[SIGNALS];
    char *command[COMMAND_WORDS_MAX];
    char texts[8][32];
    char binary[4096];
    int cpus[CPU_SETSIZE];
    size_t cpus_count;
    struct dure_doors doors;
    struct dure_doors_options doors_options;
    char run_dir[DURE_CLUSTER_PATH_BYTES + 16], groups_dir[DURE_CLUSTER_PATH_BYTES + 16];
    bool was_ready; /* All nodes at once, ever. */
    bool over;
    int exit_status;
    uint64_t asked_ms; /* When the stop was asked for. */
};

/* ---- Options ----------------------------------------------------------------------------------*/

enum key { KEY_NODES = 'n', KEY_DATA = 'd', KEY_CONFIG = 'c', KEY_SETTING = 256, KEY_JSON = 512 };
#define KEY(name) (KEY_SETTING + DURE_UP_##name)

static const struct argp_option option_table[] = {
    {"nodes", KEY_NODES, "N", 0, "How many; default 3 for a new directory, else what it has", 1},
    {"data", KEY_DATA, "DIR", 0, "Where everything is kept, made when absent; default data", 1},
    {"host", KEY(HOST), "ADDRESS", 0, "Address to listen on; default 127.0.0.1", 1},
    {"http", KEY(HTTP), "PORT", 0, "HTTP, shared by all nodes; default 8088; 0 takes a free one", 1},
    {"events", KEY(EVENTS), "PORT", 0, "The event stream (nng PUB); default 8089; 0: a free port, -1: none", 1},
    {"replay", KEY(REPLAY), "PORT", 0, "Past events (nng REP); default 8090; 0: a free port, -1: none", 1},
    {"systems", KEY(SYSTEMS), "LIST", 0, "Systems to serve, by commas; default all", 1},
    {"root", KEY(ROOT), "SYSTEM", 0, "System of unprefixed paths that several have; default shop", 1},
    {"shards", KEY(SHARDS), "N", 0, "Shards of a new directory; default 64", 2},
    {"drain-ms", KEY(DRAIN), "MS", 0, "At a stop, for requests that run; default 5000", 2},
    {"log-format", KEY(LOG_FORMAT), "text|logfmt|json", 0,
     "Of what is printed, by the nodes, too; default text", 2},
    {"json", KEY_JSON, NULL, 0, "The same as --log-format json", 2},
    {"pin", KEY(PIN), NULL, 0,
     "Keep each node to a processor of its own: for a machine that does nothing else", 2},
    {"config", KEY_CONFIG, "FILE", 0, "Read settings from FILE, ours and the nodes'", 3},
    {0},
};

static const char doc[] =
    "Runs a cluster of nodes on one data directory, until Ctrl-C. Any node takes any request; all "
    "listen on one HTTP port."
    "\v"
    "A node that ends is started again. One that cannot recover twice in a row stays down and says "
    "why; the others go on, and `kill -USR1` of this process tries again. SIGINT and SIGTERM stop "
    "all nodes in order: they finish what clients have asked for, and write a checkpoint; a second "
    "one stops them at once. What follows -- is given to every node (`dure node --help`).\n\n"
    "A setting can also come from the environment (DURE_HTTP for --http) and from a file of \"name = "
    "value\" lines, which may hold those of the nodes as well (`dure node --help`). Flags win over "
    "the environment, which wins over the file.\n\n"
    "Environment: DURE_CONFIG, the FILE when --config is not given; DURE_*, a setting each; "
    "NOTIFY_SOCKET and WATCHDOG_USEC, as systemd gives them to a service of Type=notify.\n\n"
    "Exit status: 0 after a stop in order, 1 when it could not start or every node has failed, 2 "
    "when a setting is wrong.";

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    static const char yes[] = "1"; /* Of a flag that takes no value. */
    struct dure_up_options *options = state->input;
    if (key >= KEY_SETTING && key < KEY_SETTING + DURE_UP_SETTINGS) {
        options->flags[key - KEY_SETTING] = arg != NULL ? arg : yes;
        return 0;
    }
    switch (key) {
    case KEY_NODES: options->flags[DURE_UP_NODES] = arg; break;
    case KEY_DATA: options->flags[DURE_UP_DATA] = arg; break;
    case KEY_CONFIG: options->config = arg; break;
    case KEY_JSON: options->flags[DURE_UP_LOG_FORMAT] = "json"; break;
    case ARGP_KEY_ARG:
        if (state->quoted == 0 || state->next - 1 < state->quoted)
            argp_error(state, "unexpected argument '%s'", arg);
        return ARGP_ERR_UNKNOWN; /* All of them at once, please. */
    case ARGP_KEY_ARGS:
        options->node_options = state->argv + state->next;
        options->node_options_count = (size_t)(state->argc - state->next);
        if (options->node_options_count > COMMAND_WORDS_MAX / 2)
            argp_error(state, "too many options for the nodes");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- The nodes' command -----------------------------------------------------------------------*/

static void list_cpus(struct up *up)
{
    cpu_set_t set;
    if (!up->options.pin || up->claim.cluster.nodes == 1) return;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET((size_t)i, &set)) up->cpus[up->cpus_count++] = i;
    }
}

static char *number(char text[32], uint64_t value)
{
    snprintf(text, 32, "%llu", (unsigned long long)value);
    return text;
}

/* Once the door is open: it knows which port a 0 became. */
static const char *door_port(struct up *up, int door, char text[32])
{
    uint16_t port = dure_doors_port(&up->doors, &up->doors_options, door);
    return port == 0 ? "-1" : number(text, port);
}

static int make_command(struct up *up)
{
    const struct dure_up_options *options = &up->options;
    size_t size = sizeof up->binary, count = 0;
    if (uv_exepath(up->binary, &size) != 0) return DURE_ESYSTEM;
    const char *words[] = {
        up->binary, "node", "--cluster", up->claim.file, "--http-shared", "1",
        "--supervisor", "3",
        "--data", options->data, "--host", options->host, "--http", number(up->texts[0], options->http),
        "--events", "-1", "--replay", "-1", /* The door is ours, and they tell of it. */
        "--door-events", door_port(up, 0, up->texts[2]),
        "--door-replay", door_port(up, 1, up->texts[3]),
        "--drain-ms", number(up->texts[1], options->drain_ms),
        "--root", options->root, "--systems", options->systems,
        "--log-format", dure_log_format_name(options->log_format),
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        up->command[count++] = (char *)(uintptr_t)words[i]; /* argv is not const, but not written. */
    for (size_t i = 0; i < options->node_options_count; i++)
        up->command[count++] = options->node_options[i];
    DURE_ASSERT(count < COMMAND_WORDS_MAX);
    return 0;
}

/* ---- What happens -----------------------------------------------------------------------------*/

static void say_started(struct up *up)
{
    dure_up_say("ready: http://%s:%u, %u node%s, %u shards, data in %s. Ctrl-C stops it",
                up->options.host, up->options.http, up->claim.cluster.nodes,
                up->claim.cluster.nodes == 1 ? "" : "s", up->claim.cluster.shards,
                up->options.data);
    for (int door = 0; door < 2; door++) {
        char url[DURE_SOCK_URL_BYTES];
        const char *name = dure_doors_url(&up->doors, &up->doors_options, door, url, sizeof url);
        if (name != NULL) dure_up_say("%s on %s", name, url);
    }
}

static void on_moved(void *arg, struct dure_member *member, enum dure_member_state was)
{
    struct up *up = arg;
    dure_up_say_moved(member, was);
    dure_up_systemd_look();
    /* What is wrong with a setting does not get better by trying again. */
    if (was == DURE_MEMBER_STARTING && member->state == DURE_MEMBER_PAUSING && !up->was_ready &&
        member->child.exit_status == 2 && member->child.exit_signal == 0) {
        up->exit_status = 2;
        if (!up->supervisor.stopping) dure_supervisor_stop(&up->supervisor);
    }
}

static void on_joined(void *arg, struct dure_member *member)
{
    struct up *up = arg;
    (void)member;
    dure_up_systemd_look();
    if (up->was_ready) return;
    for (uint32_t i = 0; i < up->claim.cluster.nodes; i++) {
        const struct dure_member *one = &up->supervisor.members[i];
        if (one->state != DURE_MEMBER_READY || !one->joined) return;
    }
    up->was_ready = true;
    say_started(up);
}

static void on_line(void *arg, struct dure_member *member, const char *line)
{
    (void)arg;
    dure_up_say_line(member, line);
}

static void on_status(void *arg, struct dure_member *member, const char *json)
{
    (void)arg;
    dure_up_status_heard(member, json);
}

static void on_over(void *arg)
{
    struct up *up = arg;
    up->over = true;
    if (!up->supervisor.stopping) {
        up->exit_status = 1;
        dure_up_say("no node is left");
    }
    if (up->supervisor.killed > 0 && up->exit_status == 0) {
        up->exit_status = 1;
        dure_up_say("%u had to be killed; nothing acknowledged is lost, the next start replays more",
                    up->supervisor.killed);
    }
    uv_stop(up->supervisor.loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct up *up = signal->data;
    if (number == SIGUSR1) {
        dure_supervisor_retry(&up->supervisor);
        return;
    }
    uint64_t now_ms = uv_now(signal->loop);
    if (!up->supervisor.stopping) {
        dure_up_say("stopping");
        up->asked_ms = now_ms;
    } else {
        if (now_ms - up->asked_ms < SAME_WISH_MS) return;
        dure_up_say("stopping at once");
    }
    dure_up_systemd_stopping();
    dure_supervisor_stop(&up->supervisor);
}

/* ---- Life -------------------------------------------------------------------------------------*/

static void start_signals(struct up *up, uv_loop_t *loop)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    for (int i = 0; i < SIGNALS; i++) {
        int rv = uv_signal_init(loop, &up->signals[i]);
        up->signals[i].data = up;
        if (rv == 0) rv = uv_signal_start(&up->signals[i], on_signal, numbers[i]);
        DURE_ASSERT(rv == 0);
    }
    signal(SIGPIPE, SIG_IGN);
}

static void on_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* The event stream of all nodes: one door, which is there before they are. */
static int open_doors(struct up *up)
{
    const struct dure_cluster_file *cluster = &up->claim.cluster;
    snprintf(up->run_dir, sizeof up->run_dir, "%s/run", cluster->dir);
    snprintf(up->groups_dir, sizeof up->groups_dir, "%s/groups", cluster->dir);
    up->doors_options = (struct dure_doors_options){
        .nodes = (int)cluster->nodes, .run_dir = up->run_dir, .cluster = cluster,
        .shards = cluster->shards,
        .host = up->options.host, .events = up->options.events, .replay = up->options.replay,
        .groups_dir = up->groups_dir};
    return dure_doors_open_cluster(&up->doors, &up->doors_options);
}

static void run(struct up *up, uv_loop_t *loop)
{
    struct dure_supervisor_options options = {
        .nodes = up->claim.cluster.nodes, .command = up->command, .kept_fd = up->claim.lock,
        .drain_ms = up->options.drain_ms, .cpus = up->cpus, .cpus_count = up->cpus_count,
        .moved = on_moved, .line = on_line, .status = on_status,
        .joined = on_joined, .over = on_over, .arg = up,
    };
    start_signals(up, loop);
    if (dure_up_status_start(&up->supervisor, &up->claim, &up->options) != 0) {
        up->exit_status = 1;
    } else {
        dure_up_systemd_start(loop);
        int rv = dure_supervisor_start(&up->supervisor, loop, &options);
        DURE_ASSERT(rv == 0);
        dure_up_progress_start(&up->supervisor);
        if (!up->over) uv_run(loop, UV_RUN_DEFAULT);
        dure_up_progress_stop();
    }
    dure_up_status_stop();
    uv_walk(loop, on_walk, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
}

int dure_cmd_up(int argc, char **argv)
{
    static struct up up;
    up.options = (struct dure_up_options){
        .data = "data", .host = "127.0.0.1", .systems = "", .root = "shop",
        .http = 8088, .events = 8089, .replay = 8090, .drain_ms = DURE_HTTP_DRAIN_MS,
    };
    struct argp argp = {.options = option_table, .parser = on_option, .doc = doc,
                        .args_doc = "[-- NODE-OPTION...]"};
    static char name[] = "dure up";
    if (dure_parse(&argp, name, argc, argv, &up.options) != 0) return DURE_EXIT_USAGE;
    if (dure_up_configure(&up.options) != 0) return DURE_EXIT_USAGE;
    dure_up_say_format(up.options.log_format);
    dure_logline_process("dure up", up.options.log_format, DURE_LOG_NO_NODE);
    int rv = dure_up_claim(&up.claim, &up.options);
    if (rv != 0) return rv == DURE_EINVAL ? 2 : 1;
    list_cpus(&up);
    uv_loop_t *loop = uv_default_loop();
    up.supervisor.loop = loop;
    dure_up_systemd_read(&up.supervisor);
    if (open_doors(&up) == 0 && make_command(&up) == 0) run(&up, loop);
    else up.exit_status = 1;
    dure_leave_in_time(up.exit_status);
    dure_doors_close(&up.doors);
    dure_up_claim_close(&up.claim);
    rv = uv_loop_close(loop);
    DURE_ASSERT(rv == 0);
    return up.exit_status;
}
