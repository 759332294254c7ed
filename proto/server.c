/*
 * The listener, the deadlines, and the end.
 *
 *   1. open    SO_REUSEPORT when asked (before bind), listen
 *   2. accept  up to connections_max; one more is told 503 and closed
 *   3. rounds  prepare: one write per connection that has something; timer: deadlines of all
 *   4. drain   no new connections, keep-alive ends, the callback when the last one is gone
 *
 * Loop thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/connection.h"

#define BACKLOG 1024
#define TICK_MS_MAX 500

const char *dure_http_reason(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
    }
}

/* IMF-fixdate (RFC 9110 section 5.6.7), made once a second. */
const char *dure_server_date(struct dure_server *server, size_t *len)
{
    time_t now = time(NULL);
    if (now != server->date_at) {
        struct tm tm;
        static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        gmtime_r(&now, &tm);
        server->date_len = (size_t)snprintf(server->date, sizeof server->date,
                                            "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
                                            tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
                                            tm.tm_hour, tm.tm_min, tm.tm_sec);
        server->date_at = now;
    }
    *len = server->date_len;
    return server->date;
}

static void free_if_done(struct dure_server *server)
{
    if (!server->closing || server->handles > 0 || server->connections != NULL) return;
    while (server->pool != NULL) {
        struct dure_exchange *exchange = server->pool;
        server->pool = exchange->next;
        dure_buf_fini(&exchange->head);
        dure_buf_fini(&exchange->body);
        dure_buf_fini(&exchange->out);
        free(exchange->headers);
        free(exchange);
    }
    free(server);
}

static void drained(struct dure_server *server)
{
    if (server->drain_cb == NULL) return;
    void (*cb)(void *arg) = server->drain_cb;
    server->drain_cb = NULL;
    cb(server->drain_arg);
}

void dure_server_forget(struct dure_connection *connection)
{
    struct dure_server *server = connection->server;
    if (connection->prev != NULL) connection->prev->next = connection->next;
    else server->connections = connection->next;
    if (connection->next != NULL) connection->next->prev = connection->prev;
    struct dure_connection **at = &server->flush;
    while (*at != NULL && *at != connection) at = &(*at)->flush_next;
    if (*at == connection) *at = connection->flush_next;
    server->stats.connections--;
    free(connection);
    if (server->connections == NULL && server->draining) drained(server);
    free_if_done(server);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct dure_server *server = listener->data;
    if (status < 0) return;
    struct dure_connection *connection = dure_connection_new(server);
    if (connection == NULL) return;
    uv_tcp_init(server->loop, &connection->tcp);
    connection->tcp.data = connection;
    connection->next = server->connections;
    if (connection->next != NULL) connection->next->prev = connection;
    server->connections = connection;
    server->stats.connections++;
    server->stats.connections_total++;
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) != 0) {
        dure_connection_close(connection);
        return;
    }
    if (server->stats.connections > server->options.connections_max) {
        server->stats.refused_total++;
        dure_connection_refuse(connection, 503, "too many connections");
        connection->eof = true;
        dure_connection_flush(connection);
        return;
    }
    dure_connection_start(connection);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct dure_server *server = prepare->data;
    while (server->flush != NULL) {
        struct dure_connection *connection = server->flush;
        server->flush = connection->flush_next;
        connection->flush_listed = false;
        dure_connection_flush(connection);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct dure_server *server = timer->data;
    uint64_t now = uv_now(server->loop);
    for (struct dure_connection *connection = server->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        dure_connection_tick(connection, now);
    }
    if (server->draining && now >= server->drain_until_ms) drained(server);
}

static int listen_on(struct dure_server *server, int *os_error)
{
    struct sockaddr_storage address = {0};
    const struct dure_server_options *options = &server->options;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    bool is_v6 = uv_ip6_addr(options->host, options->port, v6) == 0;
    if (!is_v6 && uv_ip4_addr(options->host, options->port, v4) != 0) return DURE_EINVAL;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
    if (ok && options->reuse_port) {
        ok = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0;
    }
    socklen_t len = is_v6 ? sizeof *v6 : sizeof *v4;
    ok = ok && bind(fd, (struct sockaddr *)&address, len) == 0;
    int rv = ok ? uv_tcp_open(&server->listener, fd) : -errno;
    if (rv == 0) rv = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    else if (fd >= 0) close(fd);
    if (rv != 0 && os_error != NULL) *os_error = -rv;
    return rv == 0 ? 0 : DURE_ESYSTEM;
}

static uint64_t tick_ms(const struct dure_server_options *options)
{
    uint64_t least = options->header_timeout_ms;
    if (options->body_timeout_ms < least) least = options->body_timeout_ms;
    if (options->idle_timeout_ms < least) least = options->idle_timeout_ms;
    if (options->write_timeout_ms < least) least = options->write_timeout_ms;
    least = least / 4;
    return least < 5 ? 5 : least > TICK_MS_MAX ? TICK_MS_MAX : least;
}

int dure_server_open(struct dure_server **out, uv_loop_t *loop,
                     const struct dure_server_options *options,
                     const struct dure_server_handler *handler, int *os_error)
{
    struct dure_server *server = calloc(1, sizeof *server);
    if (server == NULL) return DURE_ENOMEM;
    server->loop = loop;
    server->options = *options;
    server->handler = *handler;
    uv_tcp_init(loop, &server->listener);
    uv_timer_init(loop, &server->timer);
    uv_prepare_init(loop, &server->prepare);
    server->handles = 3;
    server->listener.data = server->timer.data = server->prepare.data = server;
    int rv = listen_on(server, os_error);
    if (rv != 0) {
        dure_server_close(server);
        return rv;
    }
    uint64_t every = tick_ms(options);
    uv_timer_start(&server->timer, on_tick, every, every);
    uv_prepare_start(&server->prepare, on_prepare);
    *out = server;
    return 0;
}

uint16_t dure_server_port(const struct dure_server *server)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    if (uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len) != 0) return 0;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

void dure_server_stats(const struct dure_server *server, struct dure_server_stats *stats)
{
    *stats = server->stats;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct dure_server *server = handle->data;
    server->handles--;
    free_if_done(server);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) uv_close(handle, on_handle_closed);
}

void dure_server_drain(struct dure_server *server, uint64_t timeout_ms, void (*cb)(void *arg),
                       void *arg)
{
    server->draining = true;
    server->drain_until_ms = uv_now(server->loop) + timeout_ms;
    server->drain_cb = cb;
    server->drain_arg = arg;
    close_handle((uv_handle_t *)&server->listener);
    for (struct dure_connection *connection = server->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        bool idle = connection->pending == 0 && connection->in.len == 0 && !connection->in_body &&
                    connection->out.len == 0 && !connection->write_on;
        if (idle) dure_connection_close(connection);
    }
    if (server->connections == NULL) drained(server);
}

void dure_server_close(struct dure_server *server)
{
    server->closing = true;
    server->drain_cb = NULL;
    close_handle((uv_handle_t *)&server->listener);
    close_handle((uv_handle_t *)&server->timer);
    close_handle((uv_handle_t *)&server->prepare);
    for (struct dure_connection *connection = server->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        dure_connection_close(connection);
    }
}
