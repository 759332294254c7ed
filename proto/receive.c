/*
 * Receiving: from the bytes of a connection to exchanges.
 *
 *   1. a head becomes an exchange with a copy of it
 *   2. a streaming handler gets it now, and then the body piece by piece; else the body is gathered
 *   3. the handler gets a buffered exchange when it is complete
 *
 * How it can fail: what is malformed, too large or too late is answered with its status in its
 * place of the order, and nothing is read after it. When half of a streamed answer is already out,
 * the connection is aborted instead. Beyond exchanges_max, or without memory (held.c), requests are
 * refused with 503. Loop thread.
 */
#include <stdlib.h>

#include "proto/serving.h"

/* A refused request's body is read to keep the connection, if it is small. */
#define SKIPPED_BODY_BYTES_MAX (64 * 1024)
/* A body's memory is reserved as announced only up to here; the rest as it comes. */
#define BODY_RESERVE_BYTES (64 * 1024)
/* A buffered body may take this many body_timeout_ms in all, however it trickles in. */
#define BODY_TIMEOUTS_MAX 10

/* Answers in place of a request that cannot be read. */
void dure_receive_refuse(struct dure_connection *connection, int status, const char *detail)
{
    struct dure_exchange *exchange = dure_exchange_new(connection);
    exchange->received = true;
    if (connection->http.headers_at > 0) exchange->http11 = connection->http.line.http11;
    dure_exchange_refuse(exchange, status, detail, false);
}

/* The request in the middle of whose body we are comes to nothing. */
void dure_receive_fail(struct dure_connection *connection, int status, const char *detail)
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
        /* Its answer may have to wait for others, its body is of no use. */
        dure_buf_fini(&exchange->body);
        dure_held_exchange(exchange);
        dure_exchange_refuse(exchange, status, detail, false);
        return;
    }
    dure_exchange_orphan(exchange);
    dure_receive_refuse(connection, status, detail);
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
        exchange->request.body = (struct dure_span){
            exchange->body.len > 0 ? exchange->body.data : "", exchange->body.len};
        dure_exchange_give(exchange);
    }
}

/* Also true of a request without a body: its head is memory, too. */
static bool overloaded(struct dure_connection *connection)
{
    struct dure_server *server = connection->server;
    bool full = server->stats.exchanges >= server->options.exchanges_max ||
                !dure_held_room(connection);
    if (full) server->stats.refused_total++;
    return full;
}

/* True: there is a body to read. */
static bool begin_body(struct dure_connection *connection, struct dure_exchange *exchange,
                       const struct dure_http_head *head)
{
    struct dure_server *server = connection->server;
    const struct dure_server_handler *handler = &server->handler;
    if (overloaded(connection)) {
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
        if (len > BODY_RESERVE_BYTES) len = BODY_RESERVE_BYTES;
        if (len > 0) dure_buf_reserve(&exchange->body, len);
        dure_held_exchange(exchange);
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
        .method = head->method,
        .target = head->target,
        .path = head->path,
        .query = head->query,
        .headers = head->headers,
        .headers_count = head->headers_count,
    };
    if (head->chunked || head->content_length > 0) {
        if (!begin_body(connection, exchange, head)) return;
        connection->receiving = exchange;
        connection->receiving_until_ms =
            uv_now(server->loop) + BODY_TIMEOUTS_MAX * server->options.body_timeout_ms;
        if (exchange->request.streaming) dure_exchange_give(exchange);
        return;
    }
    exchange->skipped = overloaded(connection);
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
        dure_receive_refuse(connection, http->status, http->detail);
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
    dure_held_exchange(exchange);
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
        dure_receive_fail(connection, connection->http.status, connection->http.detail);
        return false;
    }
    if (piece.len > 0 && exchange->request.streaming) {
        server->handler.on_body(server->handler.arg, exchange, piece.data, piece.len);
        if (connection->receiving != exchange) return false; /* Answered early, or closed. */
    } else if (piece.len > server->options.body_bytes_max - exchange->body.len) {
        server->stats.malformed_total++;
        dure_receive_fail(connection, 413, "the body is too large");
        return false;
    } else if (!exchange->skipped) {
        dure_buf_add(&exchange->body, piece.data, piece.len);
        dure_held_exchange(exchange);
        if (!dure_held_room(connection)) {
            server->stats.refused_total++;
            dure_receive_fail(connection, 503, DURE_SERVING_NO_ROOM);
            return false;
        }
    }
    if (result == DURE_HTTP_DONE) {
        connection->body_ended = true;
        if (!exchange->paused) give_body(connection, exchange);
        return true;
    }
    return *used > 0;
}

/* Unsent output at which this connection is not read from. */
static size_t output_max(const struct dure_connection *connection)
{
    const struct dure_server *server = connection->server;
    const struct dure_server_options *options = &server->options;
    const struct dure_exchange *receiving = connection->receiving;
    if (receiving == NULL || !receiving->request.streaming || server->streams_count == 0)
        return options->output_bytes_max;
    size_t share = options->streams_output_bytes_max / server->streams_count;
    if (share > options->stream_output_bytes_max) share = options->stream_output_bytes_max;
    return share > options->output_bytes_max ? share : options->output_bytes_max;
}

bool dure_receive_wanted(const struct dure_connection *connection)
{
    const struct dure_server_options *options = &connection->server->options;
    if (connection->state >= DURE_CONNECTION_LINGER) return false;
    size_t unsent = dure_output_unsent(connection) + connection->behind_bytes;
    if (unsent >= output_max(connection)) return false;
    if (connection->receiving != NULL) return !connection->receiving->paused;
    return connection->state == DURE_CONNECTION_OPEN &&
           connection->exchanges_count < options->pipeline_max;
}

/* Returns the bytes used up. */
size_t dure_receive_feed(struct dure_connection *connection, const char *data, size_t len)
{
    DURE_ASSERT(!connection->feeding);
    connection->feeding = true;
    size_t at = 0;
    bool more = true;
    while (more && dure_receive_wanted(connection)) {
        size_t used = 0;
        more = connection->receiving != NULL ? feed_body(connection, data + at, len - at, &used)
                                             : feed_head(connection, data + at, len - at, &used);
        at += used;
    }
    connection->feeding = false;
    return at;
}
