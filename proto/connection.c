/*
 * A connection: from bytes to exchanges, and its end.
 *
 *   1. bytes are parsed in the server's input buffer; only what cannot be parsed yet is kept
 *   2. a head becomes an exchange with a copy of it; a buffered body is gathered there
 *   3. the handler gets the exchange when the request is complete (streaming: when the head is)
 *   4. work, once a round at most: send, tell the handler that it may write on, go on reading
 *   5. after the last answer: close; after an error, or with unread bytes, a lingering close
 *
 * Nothing is read while too many requests are unanswered, too much output is unsent, or the handler
 * has paused; the bytes wait in the kernel, and the client's deadlines stand still.
 *
 * How it can fail: malformed or late input is answered with its status and ends the connection; a
 * reset, a failed write or a client that does not read ends it at once (on_abort). Loop thread.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "proto/serving.h"

/* Connections beyond connections_max that still get a 503 instead of being closed without a word. */
#define REFUSED_MAX 256
/* A refused request's body is read to keep the connection, if it is small. */
#define SKIPPED_BODY_BYTES_MAX (64 * 1024)
/* A body's memory is reserved as announced only up to here; the rest as it comes. */
#define BODY_RESERVE_BYTES (64 * 1024)
/* A buffered body may take this many body_timeout_ms in all, however it trickles in. */
#define BODY_TIMEOUTS_MAX 10
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
        [DURE_CONNECTION_LAST] = {[DURE_CONNECTION_LINGER] = true,
                                  [DURE_CONNECTION_CLOSED] = true},
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

/* ---- The end ----------------------------------------------------------------------------------*/

static void on_closed(uv_handle_t *handle)
{
    struct dure_connection *connection = handle->data;
    struct dure_server *server = connection->server;
    DURE_ASSERT(connection->exchanges_count == 0 && !connection->writing);
    dure_ring_remove(&connection->link);
    dure_ring_remove(&connection->dirty);
    dure_output_give_spare(server, &connection->in);
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
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    dure_exchange_tell_orphans(connection->server);
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

/* ---- 2 and 3: requests ------------------------------------------------------------------------*/

/* Answers in place of a request that cannot be read. */
static void refuse_request(struct dure_connection *connection, int status, const char *detail)
{
    struct dure_exchange *exchange = dure_exchange_new(connection);
    exchange->received = true;
    if (connection->http.headers_at > 0) exchange->http11 = connection->http.line.http11;
    dure_exchange_refuse(exchange, status, detail, false);
}

/* The request in the middle of whose body we are comes to nothing. */
static void fail_receiving(struct dure_connection *connection, int status, const char *detail)
{
    struct dure_exchange *exchange = connection->receiving;
    connection->receiving = NULL;
    if (exchange->given && exchange->started) {
        /* Half an answer is out: all that is left to say is that it will not be whole. */
        dure_output_send(connection);
        dure_connection_abort(connection);
        return;
    }
    exchange->received = true;
    if (!exchange->given) {
        dure_exchange_refuse(exchange, status, detail, false);
        return;
    }
    dure_exchange_orphan(exchange);
    refuse_request(connection, status, detail);
    dure_exchange_tell_orphans(connection->server);
}

static void give_body(struct dure_connection *connection, struct dure_exchange *exchange)
{
    struct dure_server *server = connection->server;
    connection->receiving = NULL;
    connection->body_ended = false;
    exchange->received = true;
    dure_http_reset(&connection->http);
    if (!exchange->keep_alive) dure_connection_last(connection);
    if (exchange->request.streaming) {
        server->handler.on_body(server->handler.arg, exchange, NULL, 0);
    } else if (exchange->skipped) {
        dure_exchange_refuse(exchange, 503, "too many requests are under way", true);
    } else {
        exchange->request.body =
            (struct dure_span){exchange->body.len > 0 ? exchange->body.data : "",
                               exchange->body.len};
        dure_exchange_give(exchange);
    }
}

/* True: there is a body to read. */
static bool begin_body(struct dure_connection *connection, struct dure_exchange *exchange,
                       const struct dure_http_head *head)
{
    struct dure_server *server = connection->server;
    const struct dure_server_handler *handler = &server->handler;
    bool full = server->stats.exchanges >= server->options.exchanges_max;
    if (full) {
        server->stats.refused_total++;
        exchange->skipped = !head->chunked && head->content_length <= SKIPPED_BODY_BYTES_MAX &&
                            !head->expect_continue;
        if (exchange->skipped) return true;
        dure_exchange_refuse(exchange, 503, "too many requests are under way", false);
        return false;
    }
    if (handler->wants_stream != NULL && handler->wants_stream(handler->arg, &exchange->request)) {
        exchange->request.streaming = true;
    } else if (head->content_length > server->options.body_bytes_max) {
        server->stats.malformed_total++;
        dure_exchange_refuse(exchange, 413, "the body is too large", false);
        return false;
    } else {
        size_t len = (size_t)head->content_length;
        dure_buf_reserve(&exchange->body, len < BODY_RESERVE_BYTES ? len : BODY_RESERVE_BYTES);
    }
    if (head->expect_continue) dure_exchange_continue(exchange);
    return true;
}

static void begin(struct dure_connection *connection, struct dure_exchange *exchange,
                  const struct dure_http_head *head)
{
    struct dure_server *server = connection->server;
    server->stats.requests_total++;
    dure_deadline_clear(&connection->read_deadline);
    exchange->http11 = head->http11;
    exchange->keep_alive = head->keep_alive;
    exchange->bodiless = head->method == DURE_HEAD;
    exchange->request = (struct dure_request){
        .method = head->method, .target = head->target, .path = head->path, .query = head->query,
        .headers = head->headers, .headers_count = head->headers_count,
    };
    if (head->chunked || head->content_length > 0) {
        if (!begin_body(connection, exchange, head)) return;
        connection->receiving = exchange;
        connection->receiving_until_ms =
            uv_now(server->loop) + BODY_TIMEOUTS_MAX * server->options.body_timeout_ms;
        if (exchange->request.streaming) dure_exchange_give(exchange);
        return;
    }
    if (server->stats.exchanges >= server->options.exchanges_max) {
        server->stats.refused_total++;
        exchange->skipped = true;
    }
    give_body(connection, exchange);
}

/* True: go on with what follows. */
static bool feed_head(struct dure_connection *connection, const char *data, size_t len,
                      size_t *used)
{
    struct dure_http *http = &connection->http;
    if (len == 0) return false;
    enum dure_http_result result = dure_http_scan(http, data, len, used);
    if (result == DURE_HTTP_MORE) return false;
    if (result == DURE_HTTP_BAD) {
        connection->server->stats.malformed_total++;
        refuse_request(connection, http->status, http->detail);
        return false;
    }
    struct dure_exchange *exchange = dure_exchange_new(connection);
    if (exchange->headers_cap < http->headers_count) {
        free(exchange->headers);
        exchange->headers_cap = http->headers_count + 16;
        exchange->headers = malloc(exchange->headers_cap * sizeof *exchange->headers);
        DURE_ASSERT(exchange->headers != NULL);
    }
    dure_buf_add(&exchange->head, data, *used);
    struct dure_http_head head = {.headers = exchange->headers};
    if (dure_http_parse(http, exchange->head.data, exchange->head.len, &head) == DURE_HTTP_BAD) {
        connection->server->stats.malformed_total++;
        exchange->received = true;
        exchange->http11 = http->line.http11;
        exchange->bodiless = head.method == DURE_HEAD;
        dure_exchange_refuse(exchange, http->status, http->detail, false);
        return false;
    }
    begin(connection, exchange, &head);
    return true;
}

static bool feed_body(struct dure_connection *connection, const char *data, size_t len,
                      size_t *used)
{
    struct dure_server *server = connection->server;
    struct dure_exchange *exchange = connection->receiving;
    struct dure_span piece;
    if (connection->body_ended) {
        give_body(connection, exchange);
        return true;
    }
    enum dure_http_result result = dure_http_body(&connection->http, data, len, used, &piece);
    if (result == DURE_HTTP_BAD) {
        server->stats.malformed_total++;
        fail_receiving(connection, connection->http.status, connection->http.detail);
        return false;
    }
    if (piece.len > 0 && exchange->request.streaming) {
        server->handler.on_body(server->handler.arg, exchange, piece.data, piece.len);
        if (connection->receiving != exchange) return false; /* Answered early, or closed. */
    } else if (piece.len > server->options.body_bytes_max - exchange->body.len) {
        server->stats.malformed_total++;
        fail_receiving(connection, 413, "the body is too large");
        return false;
    } else if (!exchange->skipped) {
        dure_buf_add(&exchange->body, piece.data, piece.len);
    }
    if (result == DURE_HTTP_DONE) {
        connection->body_ended = true;
        if (!exchange->paused) give_body(connection, exchange);
        return true;
    }
    return *used > 0;
}

/* ---- 1: bytes ---------------------------------------------------------------------------------*/

static bool can_feed(const struct dure_connection *connection)
{
    const struct dure_server_options *options = &connection->server->options;
    if (connection->state >= DURE_CONNECTION_LINGER) return false;
    if (dure_output_unsent(connection) >= options->output_bytes_max) return false;
    if (connection->receiving != NULL) return !connection->receiving->paused;
    return connection->state == DURE_CONNECTION_OPEN &&
           connection->exchanges_count < options->pipeline_max;
}

/* Returns the bytes used up. */
static size_t feed(struct dure_connection *connection, const char *data, size_t len)
{
    DURE_ASSERT(!connection->feeding);
    connection->feeding = true;
    size_t at = 0;
    bool more = true;
    while (more && can_feed(connection)) {
        size_t used = 0;
        more = connection->receiving != NULL
                   ? feed_body(connection, data + at, len - at, &used)
                   : feed_head(connection, data + at, len - at, &used);
        at += used;
    }
    connection->feeding = false;
    return at;
}

static void feed_leftover(struct dure_connection *connection)
{
    connection->in_at += feed(connection, connection->in.data + connection->in_at,
                              leftover(connection));
    if (leftover(connection) == 0) drop_leftover(connection);
}

/* After feeding: the last request, a stall, or more to come? */
static void settle(struct dure_connection *connection)
{
    if (connection->state >= DURE_CONNECTION_LINGER) return;
    if (connection->state == DURE_CONNECTION_LAST && connection->receiving == NULL) {
        if (leftover(connection) > 0) drop(connection, leftover(connection));
        drop_leftover(connection);
    } else if (!can_feed(connection)) {
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
        fail_receiving(connection, 400, "the connection ended within the body");
    } else if (connection->state == DURE_CONNECTION_OPEN && leftover(connection) > 0 && !blank) {
        refuse_request(connection, 400, "the connection ended within the headers");
    }
    if (connection->state == DURE_CONNECTION_CLOSED) return;
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
    if (connection->state >= DURE_CONNECTION_LAST && connection->receiving == NULL) {
        drop(connection, (size_t)len);
        return;
    }
    if (connection->receiving != NULL && !connection->receiving->request.streaming &&
        uv_now(connection->server->loop) > connection->receiving_until_ms) {
        connection->server->stats.timeouts_total++;
        fail_receiving(connection, 408, "the body did not arrive in time");
    } else if (leftover(connection) == 0) {
        size_t used = feed(connection, buf->base, (size_t)len);
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

/* ---- 4: work ----------------------------------------------------------------------------------*/

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
    if (connection->state == DURE_CONNECTION_CLOSED || connection->feeding) return;
    tell_drained(connection);
    if (!connection->reading && !connection->eof && can_feed(connection)) {
        feed_leftover(connection);
        settle(connection);
        if (can_feed(connection)) start_reading(connection);
    }
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
        if (left < connection->sending_left) {
            connection->sending_left = left;
            dure_deadline_set(server, &connection->write_deadline, DURE_DEADLINE_WRITE);
            return;
        }
    }
    if (kind != DURE_DEADLINE_LINGER) server->stats.timeouts_total++;
    if (kind == DURE_DEADLINE_HEADER)
        refuse_request(connection, 408, "the headers did not arrive in time");
    else if (kind == DURE_DEADLINE_BODY)
        fail_receiving(connection, 408, "the body did not arrive in time");
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
        refuse_request(connection, 503, "there are too many connections");
    }
    watch(connection, true);
}
