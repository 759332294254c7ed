/*
 * The server's life: it listens, runs the stages of a loop round, drains, closes.
 *
 *   1. open: a socket of our own making (SO_REUSEPORT has to be set before bind), given to libuv
 *   2. poll phase: connections and requests come in; handlers answer at any time
 *   3. check phase, and again right before the next poll: flush. Whatever was answered in between,
 *      by whichever callback, leaves before the loop waits again
 *   4. drain: one more look at the sockets, then no more accepts; idle connections are closed,
 *      the others after their last answer
 *   5. cut: whoever is left after the drain is closed, answered or not
 *   6. close: everything at once; the memory goes when libuv has closed the handles and the handler
 *      has answered what it still has
 *
 * open fails when the address is no address or the system refuses it. Loop thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/serving.h"

#define BACKLOG 4096
#define LINGER_MS 2000

/* ---- Stages of a round ------------------------------------------------------------------------*/

static void on_listener_closed(uv_handle_t *handle);

static void drained(struct dure_server *server)
{
    if (server->drain_cb == NULL || server->sweep_rounds > 0) return;
    if (server->stats.connections > 0) return;
    void (*cb)(void *arg) = server->drain_cb;
    server->drain_cb = NULL;
    server->drain_due_ms = 0;
    cb(server->drain_arg);
}

/* What reached this machine before the drain was asked for has been read by now. */
static void sweep(struct dure_server *server)
{
    if (server->listening) {
        server->listening = false;
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    }
    struct dure_ring *link = server->connections.next;
    while (link != &server->connections) {
        struct dure_connection *connection = DURE_RING_OWNER(link, struct dure_connection, link);
        link = link->next; /* Closing one leaves it in the ring for now. */
        if (dure_connection_idle(connection)) dure_connection_last(connection);
    }
}

static void on_prepare(uv_prepare_t *handle)
{
    struct dure_server *server = handle->data;
    dure_output_flush(server);
    if (server->sweep_rounds > 0) dure_deadline_arm(server, uv_now(server->loop));
}

static void on_check(uv_check_t *handle)
{
    struct dure_server *server = handle->data;
    dure_output_flush(server);
    if (server->sweep_rounds > 0 && --server->sweep_rounds == 0) {
        sweep(server);
        dure_output_flush(server);
        drained(server);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct dure_server *server = listener->data;
    if (status == 0 && !server->closing) dure_connection_accept(server);
}

/* ---- Open -------------------------------------------------------------------------------------*/

static int parse_address(const char *host, uint16_t port, struct sockaddr_storage *address,
                         socklen_t *len)
{
    *address = (struct sockaddr_storage){0};
    *len = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)address) == 0) return 0;
    *len = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(host, port, (struct sockaddr_in6 *)address) == 0 ? 0 : DURE_EINVAL;
}

/* A bound socket, or -1 with errno. */
static int open_socket(const struct dure_server_options *options,
                       const struct sockaddr_storage *address, socklen_t len)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int on = 1;
    bool bound = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (bound && options->reuse_port)
        bound = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    if (bound) bound = bind(fd, (const struct sockaddr *)address, len) == 0;
    if (bound) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) return 0;
    in_port_t port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port;
    return ntohs(port);
}

static void init_handles(struct dure_server *server)
{
    int rv = uv_tcp_init(server->loop, &server->listener);
    if (rv == 0) rv = uv_prepare_init(server->loop, &server->prepare);
    if (rv == 0) rv = uv_check_init(server->loop, &server->check);
    if (rv == 0) rv = uv_timer_init(server->loop, &server->timer);
    if (rv == 0) rv = uv_prepare_start(&server->prepare, on_prepare);
    if (rv == 0) rv = uv_check_start(&server->check, on_check);
    DURE_ASSERT(rv == 0); /* None of them asks the system for anything. */
    server->handles_open = 4;
    server->listening = true;
    server->listener.data = server->prepare.data = server->check.data = server->timer.data = server;
}

static void init_rings(struct dure_server *server)
{
    dure_ring_init(&server->connections);
    dure_ring_init(&server->dirty);
    dure_ring_init(&server->orphans);
    dure_ring_init(&server->aborting);
    dure_ring_init(&server->free_exchanges);
    for (int i = 0; i < DURE_DEADLINE_KINDS; i++) dure_ring_init(&server->deadlines[i]);
    server->spans_ms[DURE_DEADLINE_HEADER] = server->options.header_timeout_ms;
    server->spans_ms[DURE_DEADLINE_BODY] = server->options.body_timeout_ms;
    server->spans_ms[DURE_DEADLINE_IDLE] = server->options.idle_timeout_ms;
    server->spans_ms[DURE_DEADLINE_WRITE] = server->options.write_timeout_ms;
    server->spans_ms[DURE_DEADLINE_LINGER] = LINGER_MS;
}

int dure_server_open(struct dure_server **out, struct uv_loop_s *loop,
                     const struct dure_server_options *options,
                     const struct dure_server_handler *handler, int *os_error)
{
    DURE_ASSERT(options->pipeline_max > 0 && options->exchanges_max > 0);
    DURE_ASSERT(handler->on_request != NULL);
    struct sockaddr_storage address;
    socklen_t len;
    if (parse_address(options->host, options->port, &address, &len) != 0) return DURE_EINVAL;
    int fd = open_socket(options, &address, len);
    if (fd < 0) {
        if (os_error != NULL) *os_error = errno;
        return DURE_ESYSTEM;
    }
    struct dure_server *server = calloc(1, sizeof *server);
    DURE_ASSERT(server != NULL);
    server->loop = loop;
    server->options = *options;
    server->options.host = NULL; /* Lent. */
    server->handler = *handler;
    server->port = bound_port(fd);
    init_rings(server);
    init_handles(server);
    int rv = uv_tcp_open(&server->listener, fd);
    if (rv != 0) close(fd);
    if (rv == 0) rv = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    if (rv != 0) {
        if (os_error != NULL) *os_error = -rv;
        dure_server_close(server);
        return DURE_ESYSTEM;
    }
    *out = server;
    return 0;
}

uint16_t dure_server_port(const struct dure_server *server)
{
    return server->port;
}

void dure_server_stats(const struct dure_server *server, struct dure_server_stats *stats)
{
    *stats = server->stats;
}

/* ---- Drain and close --------------------------------------------------------------------------*/

void dure_server_drain(struct dure_server *server, uint64_t timeout_ms, void (*cb)(void *arg),
                       void *arg)
{
    DURE_ASSERT(!server->draining && !server->closing);
    server->draining = true;
    server->drain_cb = cb;
    server->drain_arg = arg;
    /* This round's poll may have been before the last request came: take the next one's, too. */
    server->sweep_rounds = 2;
    server->drain_due_ms = uv_now(server->loop) + timeout_ms;
    dure_deadline_arm(server, uv_now(server->loop));
}

static void free_when_gone(struct dure_server *server)
{
    if (!server->closing || server->handles_open > 0) return;
    if (server->exchanges_count > 0 || server->stats.connections > 0) return;
    dure_exchange_free_pool(server);
    for (size_t i = 0; i < server->spares_count; i++) dure_buf_fini(&server->spares[i]);
    dure_buf_fini(&server->error_headers);
    dure_buf_fini(&server->error_body);
    free(server);
}

void dure_server_connection_gone(struct dure_server *server)
{
    if (!server->closing)
        drained(server);
    else
        free_when_gone(server);
}

void dure_server_exchange_gone(struct dure_server *server)
{
    free_when_gone(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct dure_server *server = handle->data;
    server->handles_open--;
    free_when_gone(server);
}

static void on_listener_closed(uv_handle_t *handle)
{
    on_handle_closed(handle);
}

void dure_server_cut(struct dure_server *server)
{
    struct dure_ring *link = server->connections.next;
    while (link != &server->connections) {
        struct dure_connection *connection = DURE_RING_OWNER(link, struct dure_connection, link);
        link = link->next; /* Closing one leaves it in the ring for now. */
        if (connection->state < DURE_CONNECTION_LINGER) dure_output_send(connection);
        dure_connection_abort(connection);
    }
}

void dure_server_close(struct dure_server *server)
{
    DURE_ASSERT(!server->closing);
    server->closing = true;
    server->drain_cb = NULL;
    dure_server_cut(server);
    if (server->listening) {
        server->listening = false;
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    }
    uv_close((uv_handle_t *)&server->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&server->check, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
}
