/*
 * A connection: its bytes, its time, its end.
 *
 *   1. bytes are parsed in the server's input buffer (receive.c); only what cannot be is kept
 *   2. work, once a round at most: send, tell the handler that it may write on, go on reading
 *   3. after the last answer: close; after an error, or with unread bytes, a lingering close
 *
 * Nothing is read while too many requests are unanswered, too much output is unsent, or the handler
 * has paused; the bytes wait in the kernel, and the client's deadlines stand still.
 *
 * How it can fail: late input is answered with 408 and ends the connection; a reset, a failed write
 * or a client that does not read ends it at once (on_abort). Loop thread.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "proto/serving.h"

/* Connections beyond connections_max that still get a 503 instead of being closed without a word.
 */
#define REFUSED_MAX 256
/* What a client may still send after the last answer. */
#define DROPPED_BYTES_MAX (512 * 1024)
/* Unsent bytes at which a streaming handler may go on. */
#define DRAIN_BYTES_LOW (16 * 1024)

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf);

static void move(struct dure_connection *connection, enum dure_connection_state to)
{
    static const bool allowed[4][4] = {
        [DURE_CONNECTION_OPEN] = {[DURE_CONNECTION_LAST] = true, [DURE_CONNECTION_CLOSED] = true},
        [DURE_CONNECTION_LAST] = {[DURE_CONNECTION_LINGER] = true, [DURE_CONNECTION_CLOSED] = true},
        [DURE_CONNECTION_LINGER] = {[DURE_CONNECTION_CLOSED] = true},
    };
    DURE_ASSERT(allowed[connection->state][to]);
    connection->state = to;
}

static size_t leftover(const struct dure_connection *connection)
{
    return connection->in.len - connection->in_at;
}

static void drop_leftover(struct dure_connection *connection)
{
    dure_output_give_spare(connection->server, &connection->in);
    connection->in_at = 0;
    dure_held_input(connection);
}

static void start_reading(struct dure_connection *connection)
{
    if (connection->reading || connection->eof) return;
    connection->reading = uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) == 0;
}

static void stop_reading(struct dure_connection *connection)
{
    if (!connection->reading) return;
    uv_read_stop((uv_stream_t *)&connection->tcp);
    connection->reading = false;
}

void dure_connection_mark(struct dure_connection *connection)
{
    if (connection->state == DURE_CONNECTION_CLOSED) return;
    if (!dure_ring_linked(&connection->dirty))
        dure_ring_push(&connection->server->dirty, &connection->dirty);
}

bool dure_connection_idle(const struct dure_connection *connection)
{
    return connection->state == DURE_CONNECTION_OPEN && connection->exchanges_count == 0 &&
           leftover(connection) == 0 && connection->out.len == 0 && !connection->writing;
}

/* ---- Time -------------------------------------------------------------------------------------*/

/* Which deadline the client has to keep now. */
static enum dure_deadline_kind expected(const struct dure_connection *connection)
{
    if (!connection->reading) return DURE_DEADLINE_NONE;
    if (connection->receiving != NULL) return DURE_DEADLINE_BODY;
    if (connection->state == DURE_CONNECTION_LAST) return DURE_DEADLINE_NONE;
    if (leftover(connection) > 0) return DURE_DEADLINE_HEADER;
    return connection->exchanges_count == 0 ? DURE_DEADLINE_IDLE : DURE_DEADLINE_NONE;
}

/* `fresh`: something has come. That of a head is not put off by more bytes of the head. */
static void watch(struct dure_connection *connection, bool fresh)
{
    if (connection->state >= DURE_CONNECTION_LINGER) return;
    enum dure_deadline_kind kind = expected(connection);
    bool same = connection->read_deadline.kind == kind;
    if (same && (!fresh || kind == DURE_DEADLINE_HEADER)) return;
    dure_deadline_set(connection->server, &connection->read_deadline, kind);
}

/* ---- 3: the end
 * ----------------------------------------------------------------------------------*/

static void on_closed(uv_handle_t *handle)
{
    struct dure_connection *connection = handle->data;
    struct dure_server *server = connection->server;
    DURE_ASSERT(connection->exchanges_count == 0 && !connection->writing);
    dure_ring_remove(&connection->link);
    dure_ring_remove(&connection->dirty);
    drop_leftover(connection);
    dure_output_give_spare(server, &connection->out);
    dure_output_give_spare(server, &connection->sending);
    free(connection);
    server->stats.connections--;
    dure_server_connection_gone(server);
}

void dure_connection_abort(struct dure_connection *connection)
{
    if (connection->state == DURE_CONNECTION_CLOSED) return;
    move(connection, DURE_CONNECTION_CLOSED);
    dure_deadline_clear(&connection->read_deadline);
    dure_deadline_clear(&connection->write_deadline);
    dure_ring_remove(&connection->dirty);
    connection->receiving = NULL;
    connection->reading = false;
    dure_exchange_orphan_all(connection);
    dure_output_count(connection);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    dure_exchange_tell_orphans(connection->server);
}

void dure_connection_give_up(struct dure_connection *connection)
{
    connection->server->stats.refused_total++;
    if (connection->receiving != NULL)
        dure_receive_fail(connection, 503, DURE_SERVING_NO_ROOM);
    else
        dure_receive_refuse(connection, 503, DURE_SERVING_NO_ROOM);
    drop_leftover(connection);
}

void dure_connection_last(struct dure_connection *connection)
{
    if (connection->state != DURE_CONNECTION_OPEN) return;
    move(connection, DURE_CONNECTION_LAST);
    dure_connection_mark(connection);
}

/* To close with unread bytes would reset the connection, and the reset could overtake the answer
 * (RFC 9112 section 9.6). So: say that we are done, and read on for a while. */
static void end(struct dure_connection *connection)
{
    uv_os_fd_t fd;
    bool lingers = connection->lingers && !connection->eof &&
                   uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0 &&
                   shutdown(fd, SHUT_WR) == 0;
    if (!lingers) {
        dure_connection_abort(connection);
        return;
    }
    move(connection, DURE_CONNECTION_LINGER);
    drop_leftover(connection);
    start_reading(connection);
    dure_deadline_set(connection->server, &connection->read_deadline, DURE_DEADLINE_LINGER);
}

static bool finished(const struct dure_connection *connection)
{
    return connection->state == DURE_CONNECTION_LAST && connection->exchanges_count == 0 &&
           connection->out.len == 0 && !connection->writing;
}

/* Bytes after the last request. Reading them shows a client that leaves. */
static void drop(struct dure_connection *connection, size_t len)
{
    connection->lingers = true;
    connection->dropped_bytes += len;
    if (connection->dropped_bytes <= DROPPED_BYTES_MAX) return;
    if (connection->state == DURE_CONNECTION_LINGER)
        dure_connection_abort(connection);
    else
        stop_reading(connection);
}

/* ---- 1: bytes ---------------------------------------------------------------------------------*/

static void feed_leftover(struct dure_connection *connection)
{
    /* A zero-length array has no address to add to. */
    const char *data = connection->in.cap > 0 ? connection->in.data + connection->in_at : "";
    connection->in_at += dure_receive_feed(connection, data, leftover(connection));
    if (leftover(connection) == 0) drop_leftover(connection);
}

/* After feeding: the last request, a stall, or more to come? */
static void settle(struct dure_connection *connection)
{
    if (connection->state >= DURE_CONNECTION_LINGER) return;
    dure_held_input(connection);
    bool waits = connection->receiving == NULL && leftover(connection) > 0;
    if (waits && connection->state == DURE_CONNECTION_OPEN && !dure_held_room(connection))
        dure_connection_give_up(connection);
    if (connection->state == DURE_CONNECTION_LAST && connection->receiving == NULL) {
        if (leftover(connection) > 0) drop(connection, leftover(connection));
        drop_leftover(connection);
    } else if (!dure_receive_wanted(connection)) {
        stop_reading(connection);
    }
    watch(connection, true);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct dure_connection *connection = handle->data;
    *buf = uv_buf_init(connection->server->input, DURE_SERVING_INPUT_BYTES);
}

static void on_eof(struct dure_connection *connection)
{
    stop_reading(connection);
    connection->eof = true;
    const struct dure_http *http = &connection->http;
    bool blank = http->headers_at == 0 && http->scanned == http->line_at;
    if (connection->state == DURE_CONNECTION_LINGER) {
        dure_connection_abort(connection);
    } else if (connection->receiving != NULL) {
        dure_receive_fail(connection, 400, "the connection ended within the body");
    } else if (connection->state == DURE_CONNECTION_OPEN && leftover(connection) > 0 && !blank) {
        dure_receive_refuse(connection, 400, "the connection ended within the headers");
    }
    if (connection->state == DURE_CONNECTION_CLOSED) return;
    /* What was refused is not parsed any more: its memory is free for others now. */
    if (connection->state == DURE_CONNECTION_LAST) drop_leftover(connection);
    /* A client may shut down its side and still wait for its answers. */
    dure_connection_last(connection);
    dure_connection_mark(connection);
    watch(connection, true);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct dure_connection *connection = stream->data;
    if (len == 0) return;
    if (len == UV_EOF) {
        on_eof(connection);
        return;
    }
    if (len < 0) {
        dure_connection_abort(connection);
        return;
    }
    connection->server->stats.bytes_in_total += (uint64_t)len;
    connection->heard = connection->receiving != NULL && connection->receiving->request.streaming;
    if (connection->state >= DURE_CONNECTION_LAST && connection->receiving == NULL) {
        drop(connection, (size_t)len);
        return;
    }
    if (connection->receiving != NULL && !connection->receiving->request.streaming &&
        uv_now(connection->server->loop) > connection->receiving_until_ms) {
        connection->server->stats.timeouts_total++;
        dure_receive_fail(connection, 408, "the body did not arrive in time");
    } else if (leftover(connection) == 0) {
        size_t used = dure_receive_feed(connection, buf->base, (size_t)len);
        if (used < (size_t)len && connection->in.cap == 0)
            connection->in = dure_output_take_spare(connection->server);
        dure_buf_add(&connection->in, buf->base + used, (size_t)len - used);
    } else {
        if (connection->in_at > 0) {
            memmove(connection->in.data, connection->in.data + connection->in_at,
                    leftover(connection));
            connection->in.len -= connection->in_at;
            connection->in_at = 0;
        }
        dure_buf_add(&connection->in, buf->base, (size_t)len);
        feed_leftover(connection);
    }
    settle(connection);
}

/* ---- 2: work ----------------------------------------------------------------------------------*/

static void tell_drained(struct dure_connection *connection)
{
    if (dure_ring_empty(&connection->exchanges)) return;
    struct dure_exchange *first =
        DURE_RING_OWNER(connection->exchanges.next, struct dure_exchange, link);
    if (!first->wants_drain || dure_output_unsent(connection) > DRAIN_BYTES_LOW) return;
    first->wants_drain = false;
    const struct dure_server_handler *handler = &connection->server->handler;
    if (handler->on_drain != NULL && first->given) handler->on_drain(handler->arg, first);
}

void dure_connection_work(struct dure_connection *connection)
{
    if (connection->state == DURE_CONNECTION_CLOSED) return;
    dure_output_send(connection);
    if (connection->state == DURE_CONNECTION_CLOSED) return;
    dure_output_count(connection);
    if (connection->feeding) return;
    tell_drained(connection);
    if (!connection->reading && !connection->eof && dure_receive_wanted(connection)) {
        feed_leftover(connection);
        settle(connection);
        if (dure_receive_wanted(connection)) start_reading(connection);
    }
    /* An answer that began before the drain did not say that it is the last. */
    const struct dure_server *server = connection->server;
    if (server->draining && server->sweep_rounds == 0 && dure_connection_idle(connection))
        dure_connection_last(connection);
    if (finished(connection))
        end(connection);
    else
        watch(connection, false);
}

void dure_connection_expired(struct dure_connection *connection, enum dure_deadline_kind kind)
{
    struct dure_server *server = connection->server;
    if (kind == DURE_DEADLINE_WRITE) {
        size_t left = dure_output_unsent(connection) - connection->out.len;
        bool heard = connection->heard; /* Who sends first and reads later is not gone. */
        connection->heard = false;
        if (left < connection->sending_left || heard) {
            connection->sending_left = left;
            dure_deadline_set(server, &connection->write_deadline, DURE_DEADLINE_WRITE);
            return;
        }
    }
    if (kind != DURE_DEADLINE_LINGER) server->stats.timeouts_total++;
    if (kind == DURE_DEADLINE_HEADER)
        dure_receive_refuse(connection, 408, "the headers did not arrive in time");
    else if (kind == DURE_DEADLINE_BODY)
        dure_receive_fail(connection, 408, "the body did not arrive in time");
    else
        dure_connection_abort(connection);
}

/* ---- The beginning ----------------------------------------------------------------------------*/

void dure_connection_accept(struct dure_server *server)
{
    struct dure_connection *connection = calloc(1, sizeof *connection);
    DURE_ASSERT(connection != NULL);
    connection->server = server;
    dure_ring_init(&connection->exchanges);
    struct dure_http_limits limits = {server->options.line_bytes_max,
                                      server->options.headers_bytes_max,
                                      server->options.headers_count_max};
    dure_http_init(&connection->http, &limits);
    int rv = uv_tcp_init(server->loop, &connection->tcp);
    DURE_ASSERT(rv == 0);
    connection->tcp.data = connection;
    dure_ring_push(&server->connections, &connection->link);
    server->stats.connections++;
    server->stats.connections_total++;
    rv = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&connection->tcp);
    uint64_t max = server->options.connections_max;
    if (rv != 0 || server->stats.connections > max + REFUSED_MAX) {
        if (rv == 0) server->stats.refused_total++;
        dure_connection_abort(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    start_reading(connection);
    if (server->stats.connections > max) {
        server->stats.refused_total++;
        dure_receive_refuse(connection, 503, "there are too many connections");
    }
    watch(connection, true);
}
