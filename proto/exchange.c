/*
 * Exchanges: the order of answers, and the handler's side of server.h.
 *
 *   1. new appends an exchange to its connection: the order in which answers leave
 *   2. the handler answers at any time; the first in order writes straight to the connection's
 *      output, the others to a buffer of their own
 *   3. when the first is answered it goes back to the pool, and the next ones move up
 *
 * When the client goes, exchanges that the handler still has become orphans: on_abort is called
 * once, what they write is dropped, and the answer frees them. Exchanges are pooled with their
 * buffers, so that a request allocates nothing once the pool is warm. Loop thread.
 */
#include <stdlib.h>
#include <strings.h>

#include "proto/serving.h"

#define POOL_MAX 4096
/* The largest buffer that a pooled exchange keeps. */
#define KEPT_BYTES_MAX (16 * 1024)
/* More than the head of any usual answer; only saves growing in steps. */
#define HEAD_BYTES 256

/* ---- Pool -------------------------------------------------------------------------------------*/

struct dure_exchange *dure_exchange_new(struct dure_connection *connection)
{
    struct dure_server *server = connection->server;
    struct dure_exchange *exchange;
    if (dure_ring_empty(&server->free_exchanges)) {
        exchange = calloc(1, sizeof *exchange);
        DURE_ASSERT(exchange != NULL);
    } else {
        /* The one used last: its memory is still in the cache. */
        exchange = DURE_RING_OWNER(server->free_exchanges.prev, struct dure_exchange, link);
        dure_ring_remove(&exchange->link);
        server->free_exchanges_count--;
        struct dure_exchange kept = *exchange;
        *exchange = (struct dure_exchange){.head = kept.head,
                                           .body = kept.body,
                                           .out = kept.out,
                                           .headers = kept.headers,
                                           .headers_cap = kept.headers_cap};
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->http11 = true;
    dure_ring_push(&connection->exchanges, &exchange->link);
    connection->exchanges_count++;
    server->exchanges_count++;
    return exchange;
}

static void destroy(struct dure_exchange *exchange)
{
    dure_buf_fini(&exchange->head);
    dure_buf_fini(&exchange->body);
    dure_buf_fini(&exchange->out);
    free(exchange->headers);
    free(exchange);
}

static void keep(struct dure_buf *buf)
{
    if (buf->cap > KEPT_BYTES_MAX) dure_buf_fini(buf);
    buf->len = 0;
}

/* What of its answer is not in the connection's output, there already or expected. */
static void count(struct dure_exchange *exchange)
{
    size_t bytes = exchange->out.len + (exchange->answered ? 0 : exchange->expected);
    exchange->connection->behind_bytes += bytes - exchange->counted;
    exchange->counted = bytes;
}

static void leave_connection(struct dure_exchange *exchange)
{
    struct dure_connection *connection = exchange->connection;
    dure_ring_remove(&exchange->link);
    if (connection == NULL) return;
    connection->behind_bytes -= exchange->counted;
    exchange->counted = 0;
    DURE_ASSERT(connection->exchanges_count > 0);
    connection->exchanges_count--;
    if (connection->receiving == exchange) connection->receiving = NULL;
    exchange->connection = NULL;
}

static void release(struct dure_exchange *exchange)
{
    struct dure_server *server = exchange->server;
    leave_connection(exchange);
    if (exchange->given) server->stats.exchanges--;
    if (exchange->given && exchange->request.streaming) server->streams_count--;
    server->exchanges_count--;
    server->stats.request_bytes -= exchange->held_bytes;
    if (server->free_exchanges_count >= POOL_MAX || server->closing) {
        destroy(exchange);
    } else {
        keep(&exchange->head);
        keep(&exchange->body);
        keep(&exchange->out);
        dure_ring_push(&server->free_exchanges, &exchange->link);
        server->free_exchanges_count++;
    }
    dure_server_exchange_gone(server);
}

void dure_exchange_free_pool(struct dure_server *server)
{
    while (!dure_ring_empty(&server->free_exchanges)) {
        struct dure_ring *link = server->free_exchanges.next;
        dure_ring_remove(link);
        destroy(DURE_RING_OWNER(link, struct dure_exchange, link));
    }
}

/* ---- Orphans ----------------------------------------------------------------------------------*/

void dure_exchange_orphan(struct dure_exchange *exchange)
{
    DURE_ASSERT(exchange->given && !exchange->answered);
    leave_connection(exchange);
    dure_ring_push(&exchange->server->aborting, &exchange->link);
}

void dure_exchange_orphan_all(struct dure_connection *connection)
{
    while (!dure_ring_empty(&connection->exchanges)) {
        struct dure_exchange *exchange =
            DURE_RING_OWNER(connection->exchanges.next, struct dure_exchange, link);
        if (exchange->given && !exchange->answered)
            dure_exchange_orphan(exchange);
        else
            release(exchange);
    }
}

/* The handler may answer any exchange meanwhile, so always the first one left is taken. */
void dure_exchange_tell_orphans(struct dure_server *server)
{
    while (!dure_ring_empty(&server->aborting)) {
        struct dure_ring *link = server->aborting.next;
        struct dure_exchange *exchange = DURE_RING_OWNER(link, struct dure_exchange, link);
        dure_ring_remove(link);
        dure_ring_push(&server->orphans, link);
        if (server->handler.on_abort != NULL)
            server->handler.on_abort(server->handler.arg, exchange);
    }
}

/* ---- Order ------------------------------------------------------------------------------------*/

static bool is_first(const struct dure_exchange *exchange)
{
    return exchange->connection->exchanges.next == &exchange->link;
}

static bool is_last(const struct dure_exchange *exchange)
{
    return exchange->connection->exchanges.prev == &exchange->link;
}

static struct dure_buf *connection_out(struct dure_connection *connection)
{
    if (connection->out.cap == 0) connection->out = dure_output_take_spare(connection->server);
    return &connection->out;
}

/* Where the next bytes of this answer go. */
static struct dure_buf *output(struct dure_exchange *exchange)
{
    return is_first(exchange) ? connection_out(exchange->connection) : &exchange->out;
}

/* Frees what is answered and lets the next ones move up. */
static void advance(struct dure_connection *connection)
{
    dure_connection_mark(connection);
    while (!dure_ring_empty(&connection->exchanges)) {
        struct dure_exchange *first =
            DURE_RING_OWNER(connection->exchanges.next, struct dure_exchange, link);
        if (first->out.len > 0) {
            dure_buf_add(connection_out(connection), first->out.data, first->out.len);
            first->out.len = 0;
            count(first);
        }
        if (!first->answered) return;
        bool goes_on = first->keep_alive;
        release(first);
        if (goes_on) continue;
        /* After an answer with Connection: close no other may follow (RFC 9112 section 9.6). Only
         * an HTTP/1.0 client that pipelines can have more. */
        dure_exchange_orphan_all(connection);
        dure_exchange_tell_orphans(connection->server);
    }
}

/* ---- Answers ----------------------------------------------------------------------------------*/

/* The handler is done before the request is: the rest of the body is not read. */
static void cut_request(struct dure_exchange *exchange)
{
    if (exchange->received) return;
    exchange->received = true;
    exchange->keep_alive = false;
    exchange->connection->receiving = NULL;
    exchange->connection->lingers = true;
}

static void write_head(struct dure_exchange *exchange, struct dure_buf *out, int status,
                       const struct dure_buf *headers, enum dure_response_framing framing,
                       size_t body_len)
{
    dure_buf_reserve(out, HEAD_BYTES + (headers != NULL ? headers->len : 0));
    dure_response_head(exchange->server, out, status, headers, framing, body_len);
    if (exchange->server->draining && is_last(exchange)) exchange->keep_alive = false;
    if (!exchange->keep_alive)
        dure_buf_lit(out, "Connection: close\r\n");
    else if (!exchange->http11)
        dure_buf_lit(out, "Connection: keep-alive\r\n");
    dure_buf_lit(out, "\r\n");
    if (!exchange->keep_alive) dure_connection_last(exchange->connection);
}

static void answer(struct dure_exchange *exchange, int status, const struct dure_buf *headers,
                   const void *body, size_t body_len)
{
    cut_request(exchange);
    struct dure_buf *out = output(exchange);
    write_head(exchange, out, status, headers, DURE_RESPONSE_LENGTH, body_len);
    if (!exchange->bodiless && status != 204 && status != 304) dure_buf_add(out, body, body_len);
    exchange->answered = true;
    count(exchange);
    advance(exchange->connection);
}

void dure_exchange_refuse(struct dure_exchange *exchange, int status, const char *detail,
                          bool keep_alive)
{
    DURE_ASSERT(!exchange->given && !exchange->answered);
    struct dure_server *server = exchange->server;
    struct dure_buf *headers = &server->error_headers, *body = &server->error_body;
    const char *type = "text/plain; charset=utf-8";
    headers->len = body->len = 0;
    if (server->handler.error_body != NULL)
        server->handler.error_body(server->handler.arg, status, detail, body, &type);
    else
        dure_buf_text(body, detail);
    dure_buf_lit(headers, "Content-Type: ");
    dure_buf_text(headers, type);
    dure_buf_lit(headers, "\r\n");
    if (status == 503) dure_buf_lit(headers, "Retry-After: 1\r\n");
    if (status == 405)
        dure_buf_lit(headers, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    if (!keep_alive) {
        exchange->keep_alive = false;
        exchange->connection->lingers = true;
    }
    answer(exchange, status, headers, body->data, body->len);
}

void dure_exchange_continue(struct dure_exchange *exchange)
{
    dure_buf_lit(output(exchange), "HTTP/1.1 100 Continue\r\n\r\n");
    dure_connection_mark(exchange->connection);
}

void dure_exchange_give(struct dure_exchange *exchange)
{
    struct dure_server *server = exchange->server;
    exchange->given = true;
    server->stats.exchanges++;
    if (exchange->request.streaming) server->streams_count++;
    server->handler.on_request(server->handler.arg, exchange);
}

/* ---- The handler's side -----------------------------------------------------------------------*/

struct dure_span dure_request_header(const struct dure_request *request, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct dure_header *header = &request->headers[i];
        if (header->name.len == len && strncasecmp(header->name.data, name, len) == 0)
            return header->value;
    }
    return (struct dure_span){0};
}

const struct dure_request *dure_exchange_request(const struct dure_exchange *exchange)
{
    return &exchange->request;
}

void dure_exchange_set_data(struct dure_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *dure_exchange_data(const struct dure_exchange *exchange)
{
    return exchange->data;
}

void dure_exchange_respond(struct dure_exchange *exchange, int status,
                           const struct dure_buf *headers, const void *body, size_t body_len)
{
    DURE_ASSERT(exchange->given && !exchange->answered && !exchange->started);
    if (exchange->connection == NULL)
        release(exchange);
    else
        answer(exchange, status, headers, body, body_len);
}

void dure_exchange_expect(struct dure_exchange *exchange, size_t bytes)
{
    DURE_ASSERT(exchange->given && !exchange->answered);
    exchange->expected = bytes;
    if (exchange->connection != NULL) count(exchange);
}

void dure_exchange_keeps(struct dure_exchange *exchange, size_t bytes)
{
    DURE_ASSERT(exchange->given && !exchange->answered && exchange->request.streaming);
    exchange->kept_bytes = bytes;
    dure_held_exchange(exchange);
}

void dure_exchange_start(struct dure_exchange *exchange, int status, const struct dure_buf *headers)
{
    DURE_ASSERT(exchange->given && !exchange->answered && !exchange->started);
    exchange->started = true;
    if (exchange->connection == NULL) return;
    exchange->chunked = exchange->http11 && status != 204 && status != 304;
    if (!exchange->http11) exchange->keep_alive = false;
    write_head(exchange, output(exchange), status, headers,
               exchange->chunked ? DURE_RESPONSE_CHUNKED : DURE_RESPONSE_CLOSE, 0);
    if (status == 204 || status == 304) exchange->bodiless = true;
    count(exchange);
    dure_connection_mark(exchange->connection);
}

void dure_exchange_write(struct dure_exchange *exchange, const void *bytes, size_t len)
{
    DURE_ASSERT(exchange->started && !exchange->answered);
    /* A chunk of length 0 would end the answer (RFC 9112 section 7.1). */
    if (exchange->connection == NULL || exchange->bodiless || len == 0) return;
    struct dure_buf *out = output(exchange);
    if (exchange->chunked) {
        dure_buf_printf(out, "%zx\r\n", len);
        dure_buf_reserve(out, len + 2);
        dure_buf_add(out, bytes, len);
        dure_buf_lit(out, "\r\n");
    } else {
        dure_buf_add(out, bytes, len);
    }
    count(exchange);
    dure_connection_mark(exchange->connection);
}

void dure_exchange_end(struct dure_exchange *exchange)
{
    DURE_ASSERT(exchange->given && !exchange->answered);
    struct dure_connection *connection = exchange->connection;
    if (connection == NULL) {
        release(exchange);
        return;
    }
    DURE_ASSERT(exchange->started);
    if (exchange->chunked && !exchange->bodiless) dure_buf_lit(output(exchange), "0\r\n\r\n");
    cut_request(exchange);
    if (!exchange->keep_alive) dure_connection_last(connection);
    exchange->answered = true;
    count(exchange);
    advance(connection);
}

size_t dure_exchange_pending(const struct dure_exchange *exchange)
{
    if (exchange->connection == NULL) return 0;
    size_t pending = dure_output_unsent(exchange->connection) + exchange->out.len;
    /* Who has seen unsent bytes may wait for on_drain. Only a note, so the caller's const holds. */
    if (pending > 0) ((struct dure_exchange *)(uintptr_t)exchange)->wants_drain = true;
    return pending;
}

void dure_exchange_pause(struct dure_exchange *exchange)
{
    exchange->paused = true;
}

void dure_exchange_resume(struct dure_exchange *exchange)
{
    exchange->paused = false;
    if (exchange->connection != NULL) dure_connection_mark(exchange->connection);
}
