/*
 * One client.
 *
 *   1. read     libuv's bytes go through the parser; each request becomes an exchange in the list
 *   2. answer   in any order; bytes go to the exchange until all before it have left
 *   3. flush    once a round, one write for everything that may leave
 *
 * Limits: a full pipeline or too much unsent output stops reading (back-pressure in the socket). A
 * malformed request is answered, then the write side is shut, and some input is read and dropped for a
 * while, so that the client sees the answer before a reset (RFC 9112 section 9.6). Loop thread.
 */
#include "proto/connection.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#define LINGER_MS 1000

/* ---- Exchanges --------------------------------------------------------------------------------- */

static struct dure_exchange *exchange_new(struct dure_connection *connection)
{
    struct dure_server *server = connection->server;
    struct dure_exchange *exchange = server->pool;
    if (exchange != NULL) {
        server->pool = exchange->next;
        struct dure_buf head = exchange->head, body = exchange->body, out = exchange->out;
        struct dure_header *headers = exchange->headers;
        size_t headers_cap = exchange->headers_cap;
        head.len = body.len = out.len = 0;
        *exchange = (struct dure_exchange){.headers = headers, .headers_cap = headers_cap,
                                           .head = head, .body = body, .out = out};
    } else {
        exchange = calloc(1, sizeof *exchange);
        DURE_ASSERT(exchange != NULL);
    }
    exchange->connection = connection;
    *connection->last = exchange;
    connection->last = &exchange->next;
    connection->pending++;
    server->stats.exchanges++;
    server->stats.requests_total++;
    return exchange;
}

static void exchange_free(struct dure_server *server, struct dure_exchange *exchange)
{
    server->stats.exchanges--;
    /* Large buffers go back to the system, small ones stay for the next request. */
    if (exchange->body.cap > 64 * 1024) dure_buf_fini(&exchange->body);
    if (exchange->out.cap > 64 * 1024) dure_buf_fini(&exchange->out);
    exchange->next = server->pool;
    server->pool = exchange;
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

/* ---- Sending ------------------------------------------------------------------------------------- */

static void list_flush(struct dure_connection *connection)
{
    if (connection->flush_listed || connection->closing) return;
    connection->flush_listed = true;
    connection->flush_next = connection->server->flush;
    connection->server->flush = connection;
}

static struct dure_buf *sink(struct dure_exchange *exchange)
{
    return exchange->connection->first == exchange ? &exchange->connection->out : &exchange->out;
}

/* Closed, and every exchange answered: nobody knows it any more. */
static void release(struct dure_connection *connection)
{
    dure_buf_fini(&connection->in);
    dure_buf_fini(&connection->out);
    dure_buf_fini(&connection->writing);
    dure_server_forget(connection);
}

/* Moves what may leave to the connection: the first exchange's bytes, and on while complete. */
static void advance(struct dure_connection *connection)
{
    struct dure_exchange *exchange;
    while ((exchange = connection->first) != NULL) {
        if (exchange->out.len > 0) {
            dure_buf_add(&connection->out, exchange->out.data, exchange->out.len);
            exchange->out.len = 0;
        }
        if (!exchange->answered) break;
        if (exchange == connection->receiving) break; /* Its body is still coming. */
        if (!exchange->keep_alive) connection->last_answer = true;
        connection->first = exchange->next;
        if (connection->first == NULL) connection->last = &connection->first;
        connection->pending--;
        connection->since_ms = uv_now(connection->server->loop);
        exchange_free(connection->server, exchange);
        if (connection->last_answer && !connection->closing) break;
    }
    if (connection->closing && connection->closed && connection->pending == 0) {
        release(connection);
        return;
    }
    list_flush(connection);
}

static void resume_reading(struct dure_connection *connection);

static void on_written(uv_write_t *write, int status)
{
    struct dure_connection *connection = write->data;
    connection->write_on = false;
    connection->writing.len = 0;
    if (status < 0) {
        dure_connection_close(connection);
        return;
    }
    connection->write_since_ms = uv_now(connection->server->loop);
    list_flush(connection);
    struct dure_exchange *exchange = connection->first;
    if (exchange != NULL && exchange->started && !exchange->answered) {
        connection->server->handler.on_drain(connection->server->handler.arg, exchange);
    }
    resume_reading(connection);
}

static void finish_sending(struct dure_connection *connection)
{
    if (!connection->last_answer || connection->lingering || connection->closing) return;
    if (connection->eof) {
        dure_connection_close(connection);
        return;
    }
    connection->lingering = true;
    connection->since_ms = uv_now(connection->server->loop);
    int fd;
    if (uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0) shutdown(fd, SHUT_WR);
    resume_reading(connection);
}

void dure_connection_flush(struct dure_connection *connection)
{
    if (connection->write_on || connection->closing) return;
    if (connection->out.len > 0) {
        uv_buf_t buf = uv_buf_init(connection->out.data, (unsigned)connection->out.len);
        int sent = uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            dure_connection_close(connection);
            return;
        }
        size_t done = sent > 0 ? (size_t)sent : 0;
        connection->server->stats.bytes_out_total += connection->out.len;
        if (done < connection->out.len) {
            struct dure_buf swap = connection->writing;
            connection->writing = connection->out;
            connection->out = swap;
            connection->out.len = 0;
            connection->write_on = true;
            connection->write_since_ms = uv_now(connection->server->loop);
            connection->write.data = connection;
            buf = uv_buf_init(connection->writing.data + done,
                              (unsigned)(connection->writing.len - done));
            int rv = uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1,
                              on_written);
            if (rv != 0) dure_connection_close(connection);
            return;
        }
        connection->out.len = 0;
    }
    if (connection->first == NULL || connection->last_answer) finish_sending(connection);
    if (!connection->closing) resume_reading(connection);
}

static void write_head(struct dure_exchange *exchange, int status, const struct dure_buf *headers,
                       struct dure_buf *out)
{
    struct dure_server *server = exchange->connection->server;
    size_t date_len;
    const char *date = dure_server_date(server, &date_len);
    dure_buf_lit(out, "HTTP/1.1 ");
    dure_buf_i64(out, status);
    dure_buf_byte(out, ' ');
    dure_buf_text(out, dure_http_reason(status));
    dure_buf_lit(out, "\r\nDate: ");
    dure_buf_add(out, date, date_len);
    dure_buf_lit(out, "\r\n");
    if (headers != NULL) dure_buf_add(out, headers->data, headers->len);
    if (server->draining) exchange->keep_alive = false;
    if (!exchange->keep_alive) dure_buf_lit(out, "Connection: close\r\n");
    else if (exchange->http10) dure_buf_lit(out, "Connection: keep-alive\r\n");
}

void dure_exchange_respond(struct dure_exchange *exchange, int status,
                           const struct dure_buf *headers, const void *body, size_t body_len)
{
    DURE_ASSERT(!exchange->answered && !exchange->started);
    struct dure_connection *connection = exchange->connection;
    exchange->answered = true;
    if (!connection->closing) {
        struct dure_buf *out = sink(exchange);
        write_head(exchange, status, headers, out);
        if (status != 204 && status != 304) {
            dure_buf_lit(out, "Content-Length: ");
            dure_buf_u64(out, body_len);
            dure_buf_lit(out, "\r\n");
        }
        dure_buf_lit(out, "\r\n");
        bool with_body = exchange->request.method != DURE_HEAD && status != 204 && status != 304;
        if (with_body) dure_buf_add(out, body, body_len);
    }
    /* Answered before its body has come: the rest cannot be told from a next request. */
    if (connection->receiving == exchange) {
        connection->receiving = NULL;
        exchange->keep_alive = false;
        connection->eof = true;
    }
    advance(connection);
}

void dure_exchange_start(struct dure_exchange *exchange, int status, const struct dure_buf *headers)
{
    DURE_ASSERT(!exchange->answered && !exchange->started);
    exchange->started = true;
    if (exchange->http10) exchange->keep_alive = false;
    struct dure_buf *out = sink(exchange);
    write_head(exchange, status, headers, out);
    if (!exchange->http10) dure_buf_lit(out, "Transfer-Encoding: chunked\r\n");
    dure_buf_lit(out, "\r\n");
    list_flush(exchange->connection);
}

void dure_exchange_write(struct dure_exchange *exchange, const void *bytes, size_t len)
{
    DURE_ASSERT(exchange->started && !exchange->answered);
    if (len == 0 || exchange->connection->closing) return;
    struct dure_buf *out = sink(exchange);
    if (exchange->http10) {
        dure_buf_add(out, bytes, len);
    } else {
        dure_buf_printf(out, "%zx\r\n", len);
        dure_buf_add(out, bytes, len);
        dure_buf_lit(out, "\r\n");
    }
    list_flush(exchange->connection);
}

void dure_exchange_end(struct dure_exchange *exchange)
{
    DURE_ASSERT(!exchange->answered);
    struct dure_connection *connection = exchange->connection;
    if (exchange->started && !exchange->http10) dure_buf_lit(sink(exchange), "0\r\n\r\n");
    exchange->answered = true;
    if (connection->receiving == exchange) {
        connection->receiving = NULL;
        exchange->keep_alive = false;
        connection->eof = true;
    }
    advance(connection);
}

size_t dure_exchange_pending(const struct dure_exchange *exchange)
{
    const struct dure_connection *connection = exchange->connection;
    return connection->out.len + connection->writing.len + exchange->out.len;
}

void dure_exchange_pause(struct dure_exchange *exchange)
{
    exchange->paused = true;
}

void dure_exchange_resume(struct dure_exchange *exchange)
{
    if (!exchange->paused) return;
    exchange->paused = false;
    list_flush(exchange->connection); /* Reading goes on behind the flush. */
}

/* ---- Parsing -------------------------------------------------------------------------------------- */

static void overloaded(struct dure_exchange *exchange)
{
    struct dure_server *server = exchange->connection->server;
    struct dure_buf body = {0}, headers = {0};
    const char *type = "text/plain";
    server->handler.error_body(server->handler.arg, 503, "too many requests are in flight", &body,
                               &type);
    dure_buf_printf(&headers, "Retry-After: 1\r\nContent-Type: %s\r\n", type);
    server->stats.refused_total++;
    dure_exchange_respond(exchange, 503, &headers, body.data, body.len);
    dure_buf_fini(&body);
    dure_buf_fini(&headers);
}

static bool may_read(const struct dure_connection *connection)
{
    if (connection->lingering) return true;
    if (connection->last_answer || connection->eof) return false;
    if (connection->receiving != NULL && connection->receiving->paused) return false;
    return connection->pending < connection->server->options.pipeline_max &&
           connection->out.len + connection->writing.len <
               connection->server->options.output_bytes_max;
}

void dure_connection_refuse(struct dure_connection *connection, int status, const char *detail)
{
    struct dure_server *server = connection->server;
    struct dure_exchange *exchange = connection->receiving;
    connection->eof = true; /* Nothing behind it can be understood. */
    if (exchange != NULL && exchange->request.streaming) {
        /* A body that breaks off in the middle: the handler hears it as an abort. */
        connection->receiving = NULL;
        exchange->aborted = true;
        exchange->keep_alive = false;
        server->handler.on_abort(server->handler.arg, exchange);
        return;
    }
    struct dure_buf body = {0}, headers = {0};
    const char *type = "text/plain";
    if (exchange == NULL) exchange = exchange_new(connection);
    connection->receiving = NULL;
    exchange->keep_alive = false;
    server->handler.error_body(server->handler.arg, status, detail, &body, &type);
    dure_buf_printf(&headers, "Content-Type: %s\r\n", type);
    if (status == 503) dure_buf_lit(&headers, "Retry-After: 1\r\n");
    dure_exchange_respond(exchange, status, &headers, body.data, body.len);
    dure_buf_fini(&body);
    dure_buf_fini(&headers);
}

static struct dure_exchange *exchange_from_head(struct dure_connection *connection,
                                                const struct dure_http_head *head,
                                                struct dure_exchange *exchange)
{
    exchange->request = (struct dure_request){
        .method = head->method, .target = head->target, .path = head->path, .query = head->query,
        .headers = exchange->headers, .headers_count = head->headers_count};
    exchange->keep_alive = head->keep_alive;
    exchange->http10 = !head->http11;
    exchange->chunked = head->chunked;
    connection->receiving = exchange;
    return exchange;
}

static void send_continue(struct dure_connection *connection, const struct dure_exchange *exchange)
{
    /* Only the first in line may speak now; behind others the 100 is left out: allowed. */
    if (connection->first != exchange) return;
    dure_buf_lit(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
    list_flush(connection);
}

/* A whole head is at `data`. False: the connection is done for. */
static bool on_head(struct dure_connection *connection, const char *data, size_t len)
{
    struct dure_server *server = connection->server;
    const struct dure_server_handler *handler = &server->handler;
    struct dure_exchange *exchange = exchange_new(connection);
    struct dure_http_head head = {0};
    if (exchange->headers_cap < connection->http.headers_count) {
        free(exchange->headers);
        exchange->headers_cap = connection->http.headers_count + 8;
        exchange->headers = malloc(exchange->headers_cap * sizeof(struct dure_header));
        DURE_ASSERT(exchange->headers != NULL);
    }
    dure_buf_add(&exchange->head, data, len);
    head.headers = exchange->headers;
    connection->receiving = exchange;
    if (dure_http_parse(&connection->http, exchange->head.data, len, &head) == DURE_HTTP_BAD) {
        server->stats.malformed_total++;
        dure_connection_refuse(connection, connection->http.status, connection->http.detail);
        return false;
    }
    exchange_from_head(connection, &head, exchange);
    connection->in_body = true;
    bool has_body = head.chunked || head.content_length > 0;
    bool stream = has_body && handler->wants_stream(handler->arg, &exchange->request);
    if (!stream && head.content_length > server->options.body_bytes_max) {
        dure_connection_refuse(connection, 413, "the body is too large");
        return false;
    }
    if (head.expect_continue && has_body) send_continue(connection, exchange);
    if (stream) {
        exchange->request.streaming = true;
        handler->on_request(handler->arg, exchange);
    }
    return true;
}

static void on_request_end(struct dure_connection *connection)
{
    struct dure_server *server = connection->server;
    const struct dure_server_handler *handler = &server->handler;
    struct dure_exchange *exchange = connection->receiving;
    connection->receiving = NULL;
    connection->in_body = false;
    dure_http_reset(&connection->http);
    if (exchange == NULL) return; /* Answered before its end: the connection closes. */
    if (!exchange->keep_alive) connection->eof = true;
    if (exchange->request.streaming) {
        handler->on_body(handler->arg, exchange, NULL, 0);
        return;
    }
    exchange->request.body = (struct dure_span){exchange->body.data, exchange->body.len};
    if (server->stats.exchanges > server->options.exchanges_max) overloaded(exchange);
    else handler->on_request(handler->arg, exchange);
}

/* Takes what it can of the body; false: more bytes are needed, or the connection is done for. */
static bool on_body_bytes(struct dure_connection *connection, const char *data, size_t len,
                          size_t *used)
{
    struct dure_server *server = connection->server;
    struct dure_span piece = {0};
    enum dure_http_result result =
        dure_http_body(&connection->http, data, len, used, &piece);
    if (result == DURE_HTTP_BAD) {
        server->stats.malformed_total++;
        dure_connection_refuse(connection, connection->http.status, connection->http.detail);
        return false;
    }
    struct dure_exchange *exchange = connection->receiving;
    if (piece.len > 0 && exchange != NULL && exchange->request.streaming) {
        server->handler.on_body(server->handler.arg, exchange, piece.data, piece.len);
    } else if (piece.len > 0 && exchange != NULL) {
        if (exchange->body.len + piece.len > server->options.body_bytes_max) {
            dure_connection_refuse(connection, 413, "the body is too large");
            return false;
        }
        dure_buf_add(&exchange->body, piece.data, piece.len);
    }
    if (result == DURE_HTTP_DONE) on_request_end(connection);
    return result == DURE_HTTP_DONE || *used > 0;
}

/* Parses what is in `data`; returns how many bytes were taken. */
static size_t parse(struct dure_connection *connection, const char *data, size_t len)
{
    size_t at = 0;
    connection->in_feed = true;
    while ((at < len || connection->in_body) && !connection->closing && may_read(connection)) {
        size_t used = 0;
        if (connection->in_body) {
            bool more = on_body_bytes(connection, data + at, len - at, &used);
            at += used;
            if (!more) break;
            continue;
        }
        enum dure_http_result result =
            dure_http_scan(&connection->http, data + at, len - at, &used);
        if (result == DURE_HTTP_MORE) break;
        if (result == DURE_HTTP_BAD) {
            connection->server->stats.malformed_total++;
            dure_connection_refuse(connection, connection->http.status, connection->http.detail);
            break;
        }
        if (!on_head(connection, data + at, used)) break;
        at += used;
    }
    connection->in_feed = false;
    return connection->eof ? len : at;
}

/* What cannot be taken yet stays in connection->in. */
static void feed(struct dure_connection *connection, const char *data, size_t len)
{
    struct dure_buf *in = &connection->in;
    if (in->len == 0) {
        size_t taken = parse(connection, data, len);
        dure_buf_add(in, data + taken, len - taken);
        return;
    }
    dure_buf_add(in, data, len);
    size_t taken = parse(connection, in->data, in->len);
    in->len -= taken;
    memmove(in->data, in->data + taken, in->len);
}

/* ---- The socket ------------------------------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    (void)wanted;
    struct dure_connection *connection = handle->data;
    *buf = uv_buf_init(connection->server->read_buf, sizeof connection->server->read_buf);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct dure_connection *connection = stream->data;
    if (len == 0) return;
    if (len < 0) {
        /* A client that only shut its writing side still gets its answers. */
        if (len == UV_EOF && connection->pending > 0 && !connection->lingering &&
            connection->receiving == NULL && connection->in.len == 0) {
            connection->eof = true;
            uv_read_stop(stream);
            connection->reading = false;
            return;
        }
        dure_connection_close(connection);
        return;
    }
    connection->server->stats.bytes_in_total += (uint64_t)len;
    if (connection->lingering) return;
    /* Within a head only its first byte counts as progress: else a byte a second would keep it. */
    if (connection->in_body || connection->in.len == 0) {
        connection->since_ms = uv_now(connection->server->loop);
    }
    feed(connection, buf->base, (size_t)len);
    if (!connection->closing && !may_read(connection)) {
        uv_read_stop(stream);
        connection->reading = false;
    }
}

static void resume_reading(struct dure_connection *connection)
{
    if (connection->closing || connection->in_feed) return;
    if (connection->in.len > 0 && may_read(connection)) feed(connection, NULL, 0);
    if (connection->closing) return;
    if (connection->eof && connection->pending == 0 && connection->out.len == 0 &&
        !connection->write_on && !connection->lingering) {
        if (connection->last_answer) finish_sending(connection);
        else dure_connection_close(connection);
        return;
    }
    bool wanted = may_read(connection);
    if (wanted && !connection->reading) {
        connection->reading =
            uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) == 0;
    }
}

struct dure_connection *dure_connection_new(struct dure_server *server)
{
    struct dure_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->server = server;
    connection->last = &connection->first;
    struct dure_http_limits limits = {server->options.line_bytes_max,
                                      server->options.headers_bytes_max,
                                      server->options.headers_count_max};
    dure_http_init(&connection->http, &limits);
    connection->since_ms = uv_now(server->loop);
    connection->tcp.data = connection;
    return connection;
}

void dure_connection_start(struct dure_connection *connection)
{
    uv_tcp_nodelay(&connection->tcp, 1);
    resume_reading(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct dure_connection *connection = handle->data;
    connection->closed = true;
    if (connection->pending == 0) release(connection);
}

static void abort_all(struct dure_connection *connection)
{
    const struct dure_server_handler *handler = &connection->server->handler;
    connection->receiving = NULL;
    /* on_abort may answer, and so free, any of them: begin anew behind each call. */
    struct dure_exchange *exchange = connection->first;
    while (exchange != NULL) {
        if (exchange->answered || exchange->aborted) {
            exchange = exchange->next;
            continue;
        }
        exchange->aborted = true;
        handler->on_abort(handler->arg, exchange);
        exchange = connection->first;
    }
}

void dure_connection_close(struct dure_connection *connection)
{
    if (connection->closing) return;
    connection->closing = true;
    abort_all(connection);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    advance(connection);
}

void dure_connection_tick(struct dure_connection *connection, uint64_t now_ms)
{
    const struct dure_server_options *options = &connection->server->options;
    if (connection->closing) return;
    uint64_t silent_ms = now_ms - connection->since_ms;
    struct dure_server_stats *stats = &connection->server->stats;
    if (connection->write_on && now_ms - connection->write_since_ms > options->write_timeout_ms) {
        stats->timeouts_total++;
        dure_connection_close(connection);
    } else if (connection->lingering) {
        if (silent_ms > LINGER_MS) dure_connection_close(connection);
    } else if (connection->receiving != NULL && connection->receiving->paused) {
        connection->since_ms = now_ms; /* We make it wait. */
    } else if (connection->pending > 0 && connection->receiving == NULL) {
        connection->since_ms = now_ms; /* It waits for us. */
    } else if (connection->in_body || connection->in.len > 0) {
        bool body = connection->in_body;
        if (silent_ms <= (body ? options->body_timeout_ms : options->header_timeout_ms)) return;
        stats->timeouts_total++;
        dure_connection_refuse(connection, 408, body ? "the body came too slowly"
                                                     : "the headers came too slowly");
    } else if (silent_ms > options->idle_timeout_ms) {
        dure_connection_close(connection);
    }
}

struct dure_span dure_request_header(const struct dure_request *request, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct dure_header *header = &request->headers[i];
        if (header->name.len == len && strncasecmp(header->name.data, name, len) == 0) {
            return header->value;
        }
    }
    return (struct dure_span){0};
}
