/*
 * dure node: one process that serves a data directory.
 *
 *   1. open    stores, runtime (recovery), gateway, server; then "ready" on stdout
 *   2. run     the loop
 *   3. stop    SIGINT or SIGTERM: the server drains; at its limit nothing new is taken, commands
 *              that wait for a saga are answered as they are, and who is left is cut off. The
 *              runtime comes to rest, a checkpoint is flushed so that the next start replays
 *              nothing; a second signal stops at once
 *
 * A failed sync stops acknowledging and exits with 1, nothing flushed: the journal is what counts.
 */
#include <sched.h>
#include <sys/resource.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "actors/bike/bike.h"
#include "cmd/cluster_file.h"
#include "cmd/commands.h"
#include "cmd/config.h"
#include "cmd/console.h"
#include "cmd/datadir.h"
#include "cmd/doors.h"
#include "cmd/leave.h"
#include "cmd/log.h"
#include "cmd/meter.h"
#include "cmd/notify.h"
#include "cmd/progress.h"
#include "cmd/samples_file.h"
#include "cmd/supervised.h"
#include "proto/gateway.h"
#include "proto/mesh.h"
#include "proto/sampler.h"
#include "proto/server.h"
#include "proto/sse.h"
#include "runtime/loop.h"

struct node {
    struct dure_config config;
    struct dure_cluster_file cluster; /* nodes 0: alone. */
    char dir[DURE_CLUSTER_PATH_BYTES + 32]; /* Ours: that of --data, or in the cluster's. */
    struct dure_mesh *mesh;
    struct dure_loop loop;
    struct dure_log log;
    struct dure_datadir datadir;
    struct dure_runtime *rt;
    struct dure_gateway *gateway;
    struct dure_server *server;
    struct dure_supervised supervised;
    struct dure_doors doors;
    struct dure_doors_options doors_options;
    char doors_dir[DURE_CLUSTER_PATH_BYTES + 48]; /* Of groups, or of the cluster's sockets. */
    struct dure_ports *ports;
    struct dure_meter meter;
    struct dure_notify notify;
    struct dure_samples_file samples;
    uv_signal_t signals[3];
    uv_timer_t rest; /* While stopping: looks whether the runtime has come to rest. */
    bool stopping, drained;
    int exit_status;
};

static void on_fatal(void *arg, int rv)
{
    (void)arg;
    dure_logline_now("error", "%s; stopping", dure_error_info(rv)->text);
    /* What is in flight must not be acknowledged, and nothing else may be written. */
    _exit(1);
}

static void on_record(void *arg, const struct dure_group *group)
{
    (void)group; /* The journal has it by now. */
    struct node *node = arg;
    if (node->doors.feed != NULL) dure_feed_durable(node->doors.feed, node->rt);
}

/* The answers are written by now, as far as they will be. */
/* Nobody is to come any more: what still waits for sagas or other nodes is answered as it stands. */
static void end_work(struct node *node)
{
    dure_runtime_stop(node->rt);
    if (node->mesh != NULL) dure_remote_cut(dure_mesh_remotes(node->mesh));
}

static void on_rest(uv_timer_t *timer)
{
    struct node *node = timer->data;
    if (!node->drained || !dure_supervised_may_leave(&node->supervised)) return;
    if (!node->rt->stopping) end_work(node);
    if (node->rt->asks_count > 0 || !dure_runtime_idle(node->rt)) return;
    dure_server_cut(node->server);
    if (!dure_gateway_idle(node->gateway)) return;
    uv_timer_stop(timer);
    uv_stop(node->loop.uv);
}

static void on_drained(void *arg)
{
    struct node *node = arg;
    node->drained = true; /* Other nodes may still ask, for clients of theirs. */
    dure_supervised_drained(&node->supervised);
}

static void stop(void *arg)
{
    struct node *node = arg;
    if (node->stopping) return;
    node->stopping = true;
    dure_gateway_stopping(node->gateway);
    dure_ports_stop(node->ports);
    dure_server_drain(node->server, (uint64_t)node->config.drain_ms, on_drained, node);
    uv_timer_start(&node->rest, on_rest, 0, 2);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct node *node = signal->data;
    if (node->stopping) _exit(128 + number);
    stop(node);
}

/* SIGUSR1: what --outage made ends, or begins again. */
static void on_outage(uv_signal_t *signal, int number)
{
    struct node *node = signal->data;
    (void)number;
    dure_outage_set(node->rt, !node->rt->outage_on);
}

static int start_signals(struct node *node)
{
    static const struct { int number; uv_signal_cb cb; } wanted[] = {
        {SIGINT, on_signal}, {SIGTERM, on_signal}, {SIGUSR1, on_outage}};
    size_t count = node->rt->options.outage.type != NULL ? 3 : 2;
    for (size_t i = 0; i < count; i++) {
        if (uv_signal_init(node->loop.uv, &node->signals[i]) != 0) return DURE_ESYSTEM;
        node->signals[i].data = node;
        if (uv_signal_start(&node->signals[i], wanted[i].cb, wanted[i].number) != 0) {
            return DURE_ESYSTEM;
        }
    }
    node->rest.data = node;
    return uv_timer_init(node->loop.uv, &node->rest) == 0 ? 0 : DURE_ESYSTEM;
}

static int open_server(struct node *node, int *os_error)
{
    const struct dure_config *config = &node->config;
    struct dure_server_options options = {
        .host = config->host, .port = (uint16_t)config->http,
        .reuse_port = config->http_shared,
        .connections_max = (uint32_t)config->connections_max,
        .pipeline_max = (uint32_t)config->pipeline_max,
        .exchanges_max = (uint32_t)config->asks_max,
        .line_bytes_max = DURE_HTTP_LINE_BYTES_MAX,
        .headers_bytes_max = DURE_HTTP_HEADERS_BYTES_MAX,
        .headers_count_max = DURE_HTTP_HEADERS_MAX,
        .body_bytes_max = (size_t)config->body_bytes_max,
        .output_bytes_max = DURE_HTTP_OUTPUT_BYTES_MAX,
        .requests_bytes_max = (size_t)config->requests_bytes_max,
        .outputs_bytes_max = (size_t)config->unread_bytes_max,
        .stream_output_bytes_max = (size_t)config->bulk_unread_bytes_max,
        .streams_output_bytes_max = DURE_BULK_UNREAD_BYTES_ALL,
        .header_timeout_ms = (uint64_t)config->header_timeout_ms,
        .body_timeout_ms = (uint64_t)config->body_timeout_ms,
        .idle_timeout_ms = (uint64_t)config->idle_timeout_ms,
        .write_timeout_ms = (uint64_t)config->write_timeout_ms,
    };
    struct dure_server_handler handler;
    dure_gateway_handler(node->gateway, &handler);
    int rv = dure_server_open(&node->server, node->loop.uv, &options, &handler, os_error);
    if (rv == 0) dure_gateway_set_server(node->gateway, node->server);
    return rv;
}

static int open_ports(struct node *node, const char **message)
{
    static char text[1200];
    int rv = dure_ports_open(&node->ports, node->loop.uv, node->rt);
    if (rv != 0) return rv;
    rv = dure_meter_attach(&node->meter, node->ports, node->loop.uv, node->config.meter);
    if (rv == DURE_EINVAL) {
        snprintf(text, sizeof text, "--meter \"%s\" is none of simulated[:SEED], manual, http:URL",
                 node->config.meter);
        *message = text;
    }
    if (rv != 0) return rv;
    struct dure_notify_options notify = {.how = node->config.notify,
                                         .secret = node->config.notify_secret,
                                         .private_allowed = node->config.notify_private == 1,
                                         .log = &node->log};
    return dure_notify_attach(&node->notify, node->ports, node->loop.uv, node->rt, &notify,
                              message);
}

static enum dure_tracing_log log_requests(const struct node *node)
{
    const char *which = node->config.log_requests;
    if (strcmp(which, "all") == 0) return DURE_TRACING_LOG_ALL;
    if (strcmp(which, "none") == 0) return DURE_TRACING_LOG_NONE;
    /* People who watch sentences go by see failures where they made them. */
    bool wanted = strcmp(which, "errors") == 0 || node->log.format != DURE_LOG_TEXT;
    return wanted ? DURE_TRACING_LOG_ERRORS : DURE_TRACING_LOG_NONE;
}

static int open_gateway(struct node *node, const char **message)
{
    static char text[256];
    int64_t percent = node->config.trace_percent;
    bool alone = node->config.cluster[0] == '\0'; /* Else the supervisor has the door. */
    struct dure_gateway_options options = {.root = node->config.root,
                                           .systems = node->config.systems,
                                           .shared = node->config.http_shared != 0,
                                           .version = DURE_VERSION,
                                           .http = node->config.http,
                                           .events = alone ? node->config.events
                                                           : node->config.door_events,
                                           .replay = alone ? node->config.replay
                                                           : node->config.door_replay,
                                           .tracing = {.percent = (uint32_t)percent,
                                                       .log = log_requests(node),
                                                       .line = dure_log_request,
                                                       .arg = &node->log}};
    int rv = dure_gateway_open(&node->gateway, node->rt, &options);
    if (rv == DURE_EINVAL) {
        snprintf(text, sizeof text, "--root \"%s\" or --systems \"%s\" names no system",
                 node->config.root, node->config.systems);
        *message = text;
    }
#ifdef DURE_CONSOLE
    if (rv == 0) dure_gateway_set_console(node->gateway, &dure_cmd_console);
#endif
    return rv;
}

/* A directory belongs to its place in one cluster: its ids and messages are of those shards. */
static int open_mesh(struct node *node, const char **message)
{
    const struct dure_cluster_file *cluster = &node->cluster;
    if (cluster->nodes <= 1) return 0;
    if (node->datadir.place.shards != cluster->shards) {
        *message = "it was made with other shards than the cluster file says";
        return DURE_EINVAL;
    }
    return dure_mesh_open(&node->mesh, &node->loop.io, (uint16_t)node->config.node, (uint16_t)cluster->nodes,
                          cluster->shards);
}

static int start_mesh(struct node *node, const char **message)
{
    const struct dure_cluster_file *cluster = &node->cluster;
    if (node->mesh == NULL) return 0;
    const char *addresses[DURE_NODES_MAX];
    for (uint32_t i = 0; i < cluster->nodes; i++) addresses[i] = cluster->bus[i];
    struct dure_bus_options options = {.node = (uint16_t)node->config.node,
                                       .nodes = (uint16_t)cluster->nodes,
                                       .dir = cluster->dir,
                                       .addresses = addresses,
                                       .tls_ca = cluster->tls_ca,
                                       .tls_cert = cluster->tls_cert,
                                       .tls_key = cluster->tls_key,
                                       .tls_name = cluster->tls_name};
    int rv = dure_mesh_start(node->mesh, node->loop.uv, node->rt, &options, message);
    if (rv == 0) dure_gateway_set_remotes(node->gateway, dure_mesh_remotes(node->mesh));
    return rv;
}

static int open_runtime(struct node *node, const char **message)
{
    const struct dure_config *config = &node->config;
    struct dure_store_options store = {.dir = node->dir, .wake = dure_loop_wake,
                                       .wake_arg = &node->loop, .codec = dure_row_codec()};
    const struct dure_cluster_file *cluster = &node->cluster;
    struct dure_place place = {.shards = (uint32_t)config->shards,
                               .node = (uint16_t)(cluster->nodes > 1 ? config->node : 0),
                               .nodes = (uint16_t)(cluster->nodes > 1 ? cluster->nodes : 1)};
    int rv = dure_datadir_open(&node->datadir, &store, &place, message);
    if (rv == 0) rv = open_mesh(node, message);
    place = node->datadir.place; /* A directory keeps its shards, whatever the flag says. */
    if (rv != 0) return rv;
    struct dure_options options = {.shards = place.shards,
                                   .memory_bytes = config->memory_mb << 20,
                                   .asks_max = (uint32_t)config->asks_max,
                                   .owner = (uint64_t)config->node + 1,
                                   .node = place.node, .nodes = place.nodes,
                                   .links = node->mesh ? dure_mesh_links(node->mesh) : NULL,
                                   .look_wire = node->mesh ? dure_mesh_looks(node->mesh) : NULL,
                                   .progress = dure_supervised_progress,
                                   .progress_arg = &node->supervised};
    bike_fare = config->bike_fare;
    rv = dure_outage_read(config->outage, &options.outage);
    if (rv != 0) {
        *message = "--outage takes a type and =down or =MILLISECONDS, like food.food=down";
        return rv;
    }
    rv = dure_runtime_open(&node->rt, &options, &node->loop.io, node->datadir.journal,
                           node->datadir.rows, message);
    if (rv != 0) return rv;
    node->rt->on_fatal = on_fatal;
    node->rt->on_record = on_record;
    node->rt->arg = node;
    dure_loop_attach(&node->loop, node->rt, node->datadir.journal, node->datadir.rows);
    rv = open_ports(node, message);
    if (rv == 0) rv = open_gateway(node, message);
    if (rv == 0) dure_gateway_set_ports(node->gateway, node->ports);
    return rv == 0 ? start_mesh(node, message) : rv;
}

static int open_doors(struct node *node)
{
    const struct dure_place *place = &node->datadir.place;
    bool alone = node->config.cluster[0] == '\0'; /* Else the supervisor has the door. */
    snprintf(node->doors_dir, sizeof node->doors_dir, "%s/%s", alone ? node->dir : node->cluster.dir,
             alone ? "groups" : "run");
    node->doors_options = (struct dure_doors_options){
        .node = place->node, .nodes = place->nodes, .shards = place->shards,
        .run_dir = alone ? NULL : node->doors_dir, .cluster = alone ? NULL : &node->cluster,
        .host = node->config.host,
        .events = node->config.events, .replay = node->config.replay, .groups_dir = node->doors_dir};
    return dure_doors_open_node(&node->doors, node->rt, &node->doors_options);
}

static int open_streams(struct node *node)
{
    struct dure_sse_options options = {.loop = node->loop.uv, .urls = node->doors.sources,
                                       .urls_count = node->doors.sources_count,
                                       .heartbeat_ms = (uint64_t)node->config.sse_heartbeat_ms};
    int rv = dure_gateway_open_events(node->gateway, &options);
    if (rv != 0) dure_logline_now("error", "/events cannot start: %s", dure_error_info(rv)->text);
    return rv;
}

static void keep_sample(void *arg, const struct dure_sample *sample)
{
    struct node *node = arg;
    dure_samples_file_write(&node->samples, sample);
}

static int open_history(struct node *node)
{
    static struct dure_samples past;
    int os_error;
    dure_samples_file_open(&node->samples, node->dir, &node->loop.io, &past, &os_error);
    if (os_error != 0) {
        dure_logline_now("warn", "%s/samples: %s; the history is kept in memory only", node->dir,
                         strerror(os_error));
    }
    struct dure_sampler_options options = {
        .loop = node->loop.uv, .past = &past, .taken = keep_sample, .arg = node};
    int rv = dure_gateway_open_history(node->gateway, &options);
    if (rv != 0)
        dure_logline_now("error", "/metrics/history cannot start: %s", dure_error_info(rv)->text);
    return rv;
}

static int open_node(struct node *node)
{
    const char *message = NULL;
    int os_error = 0;
    int rv = open_runtime(node, &message);
    if (rv != 0) {
        dure_logline_now("error", "%s: %s", node->dir,
                message != NULL ? message : dure_error_info(rv)->text);
        return rv;
    }
    rv = open_doors(node);
    if (rv == 0) rv = open_streams(node);
    if (rv == 0) rv = open_history(node);
    if (rv != 0) return rv;
    rv = start_signals(node);
    if (rv == 0) rv = dure_supervised_open(&node->supervised, node->loop.uv, node->rt);
    if (rv == 0) rv = open_server(node, &os_error);
    if (rv != 0) {
        dure_logline_now("error", "cannot listen on %s:%lld: %s", node->config.host,
                (long long)node->config.http,
                os_error != 0 ? strerror(os_error) : dure_error_info(rv)->text);
    }
    return rv;
}

static void on_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_node(struct node *node)
{
    if (node->gateway != NULL) dure_gateway_set_server(node->gateway, NULL);
    if (node->server != NULL) dure_server_close(node->server);
    uv_run(node->loop.uv, UV_RUN_NOWAIT);
    if (node->rt != NULL && node->rt->writing == NULL && dure_checkpoint_flush(node->rt) != 0) {
        dure_logline_now("warn", "the last checkpoint failed; the next start replays more");
    }
    dure_leave_in_time(node->exit_status);
    dure_doors_close(&node->doors);
    if (node->gateway != NULL) dure_gateway_close(node->gateway);
    dure_meter_close(&node->meter);
    dure_notify_close(&node->notify);
    if (node->ports != NULL) dure_ports_close(node->ports);
    dure_mesh_stop(node->mesh);
    dure_supervised_close(&node->supervised);
    dure_loop_close(&node->loop);
    uv_walk(node->loop.uv, on_walk, NULL);
    uv_run(node->loop.uv, UV_RUN_DEFAULT);
    if (node->rt != NULL) dure_runtime_close(node->rt);
    dure_mesh_close(node->mesh);
    dure_datadir_close(&node->datadir);
    dure_samples_file_close(&node->samples);
    dure_log_close(&node->log);
    int rv = uv_loop_close(node->loop.uv);
    DURE_ASSERT(rv == 0);
}

/* Descriptors besides those of served connections: stores, loop, listeners, and connections that
 * are told 503. */
#define FILES_BESIDE 320

/* A descriptor for each connection, as far as the hard limit goes; else fewer connections, since
 * a refusal is better than a failed accept. */
static void raise_files(struct dure_config *config)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    rlim_t wanted = (rlim_t)config->connections_max + FILES_BESIDE;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted) return;
    int64_t files = (int64_t)limit.rlim_cur;
    config->connections_max = files > 2 * FILES_BESIDE ? files - FILES_BESIDE : files / 2;
    dure_logline_now("warn", "%lld open files are allowed (ulimit -n), so %lld connections",
            (long long)files, (long long)config->connections_max);
}

static void pin(int64_t cpu)
{
    if (cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        dure_logline_now("warn", "cannot run on processor %lld alone, so on any",
                (long long)cpu);
    }
}

/* Of a cluster, a node has one directory among the others'. */
static int choose_dir(struct node *node)
{
    struct dure_config *config = &node->config;
    if (config->cluster[0] == '\0') {
        snprintf(node->dir, sizeof node->dir, "%s", config->data);
        return 0;
    }
    int rv = dure_cluster_file_read(&node->cluster, config->cluster);
    if (rv != 0) return rv;
    if (config->node >= node->cluster.nodes) {
        dure_logline_now("error", "there is no node %lld in %s", (long long)config->node,
                config->cluster);
        return DURE_EINVAL;
    }
    config->shards = node->cluster.shards;
    snprintf(node->dir, sizeof node->dir, "%s/node-%lld", node->cluster.dir,
             (long long)config->node);
    return 0;
}

static void choose_log(struct node *node)
{
    bool known = dure_log_format_read(node->config.log_format, &node->log.format);
    DURE_ASSERT(known); /* config_check.c */
    node->log.node = node->config.node;
    dure_logline_process("dure node", node->log.format, node->log.node);
}

static uint32_t unreachable(void *arg)
{
    struct node *node = arg;
    uint16_t first;
    return node->mesh == NULL ? 0 : dure_remote_down(dure_mesh_remotes(node->mesh), &first);
}

/* "events" and "replay". */
static void say_doors(struct node *node)
{
    for (int door = 0; door < 2; door++) {
        char url[DURE_SOCK_URL_BYTES], sentence[DURE_SOCK_URL_BYTES + 16];
        const char *name =
            dure_doors_url(&node->doors, &node->doors_options, door, url, sizeof url);
        if (name == NULL) continue;
        snprintf(sentence, sizeof sentence, "%s on %s", name, url);
        const struct dure_log_field fields[] = {{"url", url, 0, 0}, {0}};
        dure_log_say(&node->log, "info", name, sentence, fields);
    }
}

static void say_ready(struct node *node, double took_ms)
{
    uint16_t port = dure_server_port(node->server);
    if (node->config.supervisor < 0) { /* Else it says so. */
        char url[128], sentence[2048];
        bool v6 = strchr(node->config.host, ':') != NULL;
        snprintf(url, sizeof url, v6 ? "http://[%s]:%u" : "http://%s:%u", node->config.host, port);
        snprintf(sentence, sizeof sentence, "ready on %s after %.0f ms, %llu records in %s", url,
                 took_ms, (unsigned long long)node->rt->lsn_durable, node->dir);
        const struct dure_log_field fields[] = {{"url", url, 0, 0},
                                                {"ms", NULL, took_ms, 1},
                                                {"records", NULL, (double)node->rt->lsn_durable, 0},
                                                {"data", node->dir, 0, 0},
                                                {0}};
        dure_log_say(&node->log, "info", "ready", sentence, fields);
        say_doors(node);
    }
    dure_supervised_ready(&node->supervised, port, took_ms);
}

int dure_cmd_node(int argc, char **argv)
{
    static struct node node;
    if (dure_config_read(&node.config, argc, argv) != 0) return 2;
    if (node.config.print_config) {
        dure_config_print(&node.config, stdout);
        return 0;
    }
    choose_log(&node);
    if (choose_dir(&node) != 0) return 2;
    node.supervised = (struct dure_supervised){.fd = (int)node.config.supervisor, .stop = stop,
                                               .unreachable = unreachable, .arg = &node};
    pin(node.config.pin);
    raise_files(&node.config);
    signal(SIGPIPE, SIG_IGN);
    if (dure_loop_init(&node.loop, uv_default_loop()) != 0) {
        dure_logline_now("error", "the event loop cannot start");
        return 1;
    }
    dure_log_open(&node.log, node.loop.uv);
    uint64_t began_ns = uv_hrtime();
    int rv = open_node(&node);
    dure_progress_end();
    if (rv != 0) {
        node.exit_status = rv == DURE_EINVAL ? 2 : 1;
    } else {
        double took_ms = (double)(uv_hrtime() - began_ns) / 1e6;
        say_ready(&node, took_ms);
        uv_run(node.loop.uv, UV_RUN_DEFAULT);
    }
    close_node(&node);
    return node.exit_status;
}
