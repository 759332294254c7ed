/*
 * Answers `dure status`.
 *
 *   1. a client connects to DIR/run/up.status, and says nothing
 *   2. every node that serves is asked over its leash; clients that come meanwhile wait along
 *   3. when all have answered, or PATIENCE_MS later (one may be stopped), all clients get one JSON
 *      object and are closed
 *
 * The path of a Unix socket is limited to 107 bytes, that of a data directory is not: the socket is
 * named by the directory's descriptor. Loop thread; the service is there once, hence static state.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/up.h"
#include "runtime/buf.h"

#define CLIENTS_MAX 16
#define PATIENCE_MS 500

struct client {
    uv_pipe_t pipe;
    uv_write_t write;
    struct client *next;
    char *text;
};

static struct {
    struct dure_supervisor *supervisor;
    const struct dure_up_claim *claim;
    const struct dure_up_options *options;
    uv_pipe_t listener;
    uv_timer_t patience;
    struct client *clients;
    size_t clients_count;
    uint32_t missing;                 /* Answers that are awaited; 0 and no client: nobody asks. */
    char *answers[DURE_NODES_MAX];
    bool open;
} service;

/* ---- The answer -------------------------------------------------------------------------------*/

/* As a JSON string, since a node's last words can be anything. */
static void put_string(struct dure_buf *out, const char *text)
{
    dure_buf_byte(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') dure_buf_printf(out, "\\%c", byte);
        else if (byte < 0x20) dure_buf_printf(out, "\\u%04x", byte);
        else dure_buf_byte(out, (char)byte);
    }
    dure_buf_byte(out, '"');
}

static uint32_t shards_of(const struct dure_cluster_file *cluster, uint32_t node)
{
    return cluster->shards / cluster->nodes + (node < cluster->shards % cluster->nodes);
}

static void put_member(struct dure_buf *out, const struct dure_member *member)
{
    uint64_t up_ms = member->ready_ms == 0 ? 0 : uv_now(member->supervisor->loop) - member->ready_ms;
    bool runs = member->child.running;
    dure_buf_printf(out,
                    "{\"node\":%u,\"state\":\"%s\",\"pid\":%d,\"shards\":%u,\"restarts\":%u,"
                    "\"upMs\":%llu,\"recovered\":%llu,\"toRecover\":%llu,\"why\":",
                    member->node, dure_member_state_name(member->state),
                    runs ? (int)member->child.process.pid : 0,
                    shards_of(&service.claim->cluster, member->node), member->restarts,
                    runs ? (unsigned long long)up_ms : 0ull,
                    (unsigned long long)member->recovered, (unsigned long long)member->to_recover);
    put_string(out, member->why);
    const char *answer = service.answers[member->node];
    dure_buf_printf(out, ",\"says\":%s}", answer != NULL ? answer : "null");
}

static void put_all(struct dure_buf *out)
{
    const struct dure_up_options *options = service.options;
    const struct dure_cluster_file *cluster = &service.claim->cluster;
    dure_buf_printf(out, "{\"pid\":%d,\"data\":", (int)getpid());
    put_string(out, options->data);
    dure_buf_lit(out, ",\"host\":");
    put_string(out, options->host);
    dure_buf_printf(out,
                    ",\"http\":%u,\"events\":%lld,\"replay\":%lld,\"shards\":%u,\"nodes\":%u,"
                    "\"members\":[",
                    options->http, (long long)options->events, (long long)options->replay, cluster->shards,
                    cluster->nodes);
    for (uint32_t i = 0; i < cluster->nodes; i++) {
        if (i > 0) dure_buf_byte(out, ',');
        put_member(out, &service.supervisor->members[i]);
    }
    dure_buf_lit(out, "]}\n");
}

/* ---- Clients ----------------------------------------------------------------------------------*/

static void on_client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    service.clients_count--;
    free(client->text);
    free(client);
}

static void on_written(uv_write_t *write, int status)
{
    struct client *client = write->data;
    (void)status; /* It may have gone; it is closed either way. */
    if (!uv_is_closing((uv_handle_t *)&client->pipe))
        uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void answer(void)
{
    struct dure_buf text = {0};
    put_all(&text);
    uv_timer_stop(&service.patience);
    service.missing = 0;
    struct client *client = service.clients;
    service.clients = NULL;
    while (client != NULL) {
        struct client *next = client->next;
        client->text = malloc(text.len);
        DURE_ASSERT(client->text != NULL);
        memcpy(client->text, text.data, text.len);
        uv_buf_t buf = uv_buf_init(client->text, (unsigned)text.len);
        client->write.data = client;
        if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buf, 1, on_written) != 0)
            uv_close((uv_handle_t *)&client->pipe, on_client_closed);
        client = next;
    }
    dure_buf_fini(&text);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    answer();
}

void dure_up_status_heard(const struct dure_member *member, const char *json)
{
    if (service.missing == 0 || service.answers[member->node] != NULL) return;
    service.answers[member->node] = strdup(json);
    if (--service.missing == 0) answer();
}

static void ask(void)
{
    for (uint32_t i = 0; i < DURE_NODES_MAX; i++) {
        free(service.answers[i]);
        service.answers[i] = NULL;
    }
    service.missing = dure_supervisor_ask(service.supervisor);
    if (service.missing == 0) answer();
    else uv_timer_start(&service.patience, on_patience, PATIENCE_MS, 0);
}

static void on_client(uv_stream_t *listener, int status)
{
    struct client *client = status == 0 ? calloc(1, sizeof *client) : NULL;
    if (client == NULL) return;
    int rv = uv_pipe_init(listener->loop, &client->pipe, 0);
    DURE_ASSERT(rv == 0);
    client->pipe.data = client;
    service.clients_count++;
    if (uv_accept(listener, (uv_stream_t *)&client->pipe) != 0 ||
        service.clients_count > CLIENTS_MAX) {
        uv_close((uv_handle_t *)&client->pipe, on_client_closed);
        return;
    }
    client->next = service.clients;
    service.clients = client;
    if (client->next == NULL) ask();
}

/* ---- Life -------------------------------------------------------------------------------------*/

int dure_up_status_start(struct dure_supervisor *supervisor, const struct dure_up_claim *claim,
                         const struct dure_up_options *options)
{
    char path[64];
    service.supervisor = supervisor;
    service.claim = claim;
    service.options = options;
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", claim->run_dir, DURE_UP_SOCKET);
    unlinkat(claim->run_dir, DURE_UP_SOCKET, 0); /* Of a supervisor that was killed. */
    int rv = uv_timer_init(supervisor->loop, &service.patience);
    if (rv == 0) rv = uv_pipe_init(supervisor->loop, &service.listener, 0);
    DURE_ASSERT(rv == 0);
    rv = uv_pipe_bind(&service.listener, path);
    if (rv == 0) rv = uv_listen((uv_stream_t *)&service.listener, CLIENTS_MAX, on_client);
    service.open = true;
    if (rv == 0) return 0;
    dure_logline_now("error", "cannot listen on %s/run/%s: %s", options->data, DURE_UP_SOCKET,
            uv_strerror(rv));
    return DURE_ESYSTEM;
}

void dure_up_status_stop(void)
{
    if (!service.open) return;
    service.open = false;
    if (service.clients != NULL) answer();
    uv_close((uv_handle_t *)&service.listener, NULL);
    uv_close((uv_handle_t *)&service.patience, NULL);
    for (uint32_t i = 0; i < DURE_NODES_MAX; i++) free(service.answers[i]);
    memset(service.answers, 0, sizeof service.answers);
}
