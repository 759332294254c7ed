/*
 * The server of proto/server.h with a handler that echoes: what tests/http/test_server.py drives.
 *
 *   POST /echo           the body, when it is there      ?delay=MS later, so answers can overtake
 *   POST /stream         the body, piece by piece        ?pause=MS stops reading after each piece
 *   POST /early          200 at the head, the body is not wanted
 *   GET /chunks?count=N&size=N  a streamed answer of N pieces, written as the client takes them
 *   GET /request         what the server made of the request, a line a fact
 *   GET /aborts          how many clients were gone before their answer
 *   GET /stats           the server's numbers, a line each
 *   GET /status?code=N   that status
 *   anything else        the method's number and the path
 *
 * Limits and time-outs come as NAME=VALUE arguments. SIGTERM drains, a second one closes. It ends
 * by itself after --- seconds=N (default 600).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <uv.h>

#include "proto/server.h"

struct pending {
    uv_timer_t timer;
    struct dure_exchange *exchange;
};

/* State of a streamed answer, in the exchange's data. */
struct stream {
    long left, size, pause_ms;
    bool aborted;
    int pauses; /* Timers under way. */
    bool over;
};

static struct dure_server *server;
static struct dure_server_options options = {
    .host = "127.0.0.1",
    .connections_max = 2000,
    .pipeline_max = 16,
    .exchanges_max = 1000,
    .line_bytes_max = 1024,
    .headers_bytes_max = 4096,
    .headers_count_max = 20,
    .body_bytes_max = 100000,
    .output_bytes_max = 262144,
    .requests_bytes_max = 64 << 20,
    .outputs_bytes_max = 64 << 20,
    .stream_output_bytes_max = 262144,
    .streams_output_bytes_max = 262144,
    .header_timeout_ms = 5000,
    .body_timeout_ms = 5000,
    .idle_timeout_ms = 20000,
    .write_timeout_ms = 5000,
};
static long seconds = 600, drain_ms = 3000;
static unsigned long aborts;
static uv_signal_t signals[2];
static uv_timer_t lifetime;
static bool stopping, closed;

/* ---- Small helpers ----------------------------------------------------------------------------*/

static long parameter(const struct dure_request *request, const char *name, long otherwise)
{
    size_t len = strlen(name);
    const char *at = request->query.data, *end = at + request->query.len;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL) stop = end;
        if ((size_t)(stop - at) > len && memcmp(at, name, len) == 0 && at[len] == '=') {
            char digits[24] = {0};
            size_t count = (size_t)(stop - at) - len - 1;
            memcpy(digits, at + len + 1, count < 23 ? count : 23);
            return strtol(digits, NULL, 10);
        }
        at = stop + 1;
    }
    return otherwise;
}

static bool path_is(const struct dure_request *request, const char *path)
{
    return request->path.len == strlen(path) &&
           memcmp(request->path.data, path, request->path.len) == 0;
}

static void respond(struct dure_exchange *exchange, int status, const void *body, size_t len)
{
    struct dure_buf headers = {0};
    dure_buf_lit(&headers, "Content-Type: text/plain\r\n");
    dure_exchange_respond(exchange, status, &headers, body, len);
    dure_buf_fini(&headers);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* ---- Buffered ---------------------------------------------------------------------------------*/

static void echo(struct dure_exchange *exchange)
{
    const struct dure_request *request = dure_exchange_request(exchange);
    respond(exchange, 200, request->body.data, request->body.len);
}

static void on_delayed(uv_timer_t *timer)
{
    struct pending *pending = timer->data;
    echo(pending->exchange);
    uv_close((uv_handle_t *)timer, on_timer_closed);
}

static void echo_later(struct dure_exchange *exchange, long delay_ms)
{
    struct pending *pending = calloc(1, sizeof *pending);
    DURE_ASSERT(pending != NULL);
    pending->exchange = exchange;
    pending->timer.data = pending;
    uv_timer_init(uv_default_loop(), &pending->timer);
    uv_timer_start(&pending->timer, on_delayed, (uint64_t)delay_ms, 0);
}

static void describe(struct dure_exchange *exchange)
{
    const struct dure_request *request = dure_exchange_request(exchange);
    struct dure_buf out = {0};
    dure_buf_printf(&out, "method %d\ntarget %.*s\npath %.*s\nquery %.*s\nbody %zu\n",
                    (int)request->method, (int)request->target.len, request->target.data,
                    (int)request->path.len, request->path.data, (int)request->query.len,
                    request->query.data, request->body.len);
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct dure_header *header = &request->headers[i];
        dure_buf_printf(&out, "header %.*s=%.*s\n", (int)header->name.len, header->name.data,
                        (int)header->value.len, header->value.data);
    }
    respond(exchange, 200, out.data, out.len);
    dure_buf_fini(&out);
}

static void show_stats(struct dure_exchange *exchange)
{
    struct dure_server_stats stats;
    struct dure_buf out = {0};
    dure_server_stats(server, &stats);
    dure_buf_printf(
        &out,
        "connections %llu\nconnections_total %llu\nrequests_total %llu\n"
        "exchanges %llu\nrefused_total %llu\nmalformed_total %llu\n"
        "timeouts_total %llu\n",
        (unsigned long long)stats.connections, (unsigned long long)stats.connections_total,
        (unsigned long long)stats.requests_total, (unsigned long long)stats.exchanges,
        (unsigned long long)stats.refused_total, (unsigned long long)stats.malformed_total,
        (unsigned long long)stats.timeouts_total);
    respond(exchange, 200, out.data, out.len);
    dure_buf_fini(&out);
}

/* ---- Streamed ---------------------------------------------------------------------------------*/

static void finish(struct dure_exchange *exchange)
{
    struct stream *stream = dure_exchange_data(exchange);
    if (stream->pauses > 0) {
        stream->over = true; /* A timer still has the exchange: it finishes. */
        return;
    }
    dure_exchange_set_data(exchange, NULL);
    free(stream);
    dure_exchange_end(exchange);
}

static void write_chunks(struct dure_exchange *exchange)
{
    struct stream *stream = dure_exchange_data(exchange);
    char *bytes = calloc(1, (size_t)stream->size + 1);
    DURE_ASSERT(bytes != NULL);
    memset(bytes, 'x', (size_t)stream->size);
    while (stream->left > 0 && dure_exchange_pending(exchange) < 65536) {
        dure_exchange_write(exchange, bytes, (size_t)stream->size);
        stream->left--;
    }
    free(bytes);
    if (stream->left == 0) finish(exchange);
}

static void start_stream(struct dure_exchange *exchange)
{
    const struct dure_request *request = dure_exchange_request(exchange);
    struct stream *stream = calloc(1, sizeof *stream);
    DURE_ASSERT(stream != NULL);
    stream->pause_ms = parameter(request, "pause", 0);
    stream->left = parameter(request, "count", 0);
    stream->size = parameter(request, "size", 1000);
    dure_exchange_set_data(exchange, stream);
    struct dure_buf headers = {0};
    dure_buf_lit(&headers, "Content-Type: application/octet-stream\r\n");
    dure_exchange_start(exchange, 200, &headers);
    dure_buf_fini(&headers);
}

static void on_paused(uv_timer_t *timer)
{
    struct pending *pending = timer->data;
    struct stream *stream = dure_exchange_data(pending->exchange);
    stream->pauses--;
    if (stream->over)
        finish(pending->exchange);
    else
        dure_exchange_resume(pending->exchange);
    uv_close((uv_handle_t *)timer, on_timer_closed);
}

static void pause_for(struct dure_exchange *exchange, struct stream *stream)
{
    struct pending *pending = calloc(1, sizeof *pending);
    DURE_ASSERT(pending != NULL);
    pending->exchange = exchange;
    pending->timer.data = pending;
    stream->pauses++;
    dure_exchange_pause(exchange);
    uv_timer_init(uv_default_loop(), &pending->timer);
    uv_timer_start(&pending->timer, on_paused, (uint64_t)stream->pause_ms, 0);
}

/* ---- The handler ------------------------------------------------------------------------------*/

static bool wants_stream(void *arg, const struct dure_request *request)
{
    (void)arg;
    return path_is(request, "/stream") || path_is(request, "/early");
}

static void on_request(void *arg, struct dure_exchange *exchange)
{
    (void)arg;
    const struct dure_request *request = dure_exchange_request(exchange);
    long delay_ms = parameter(request, "delay", 0);
    char text[64];
    if (path_is(request, "/echo") && delay_ms > 0) {
        echo_later(exchange, delay_ms);
    } else if (path_is(request, "/echo")) {
        echo(exchange);
    } else if (path_is(request, "/early")) {
        respond(exchange, 200, "early", 5);
    } else if (path_is(request, "/stream")) {
        start_stream(exchange);
        if (!request->streaming) finish(exchange);
    } else if (path_is(request, "/chunks")) {
        start_stream(exchange);
        write_chunks(exchange);
    } else if (path_is(request, "/request")) {
        describe(exchange);
    } else if (path_is(request, "/stats")) {
        show_stats(exchange);
    } else if (path_is(request, "/aborts")) {
        int len = snprintf(text, sizeof text, "%lu", aborts);
        respond(exchange, 200, text, (size_t)len);
    } else if (path_is(request, "/status")) {
        respond(exchange, (int)parameter(request, "code", 200), "body", 4);
    } else {
        int len =
            snprintf(text, sizeof text, "%d %.*s", (int)request->method,
                     request->path.len < 40 ? (int)request->path.len : 40, request->path.data);
        respond(exchange, 201, text, (size_t)len);
    }
}

static void on_body(void *arg, struct dure_exchange *exchange, const char *data, size_t len)
{
    (void)arg;
    struct stream *stream = dure_exchange_data(exchange);
    if (len == 0) {
        finish(exchange);
        return;
    }
    dure_exchange_write(exchange, data, len);
    if (stream->pause_ms > 0) pause_for(exchange, stream);
}

static void on_drain(void *arg, struct dure_exchange *exchange)
{
    (void)arg;
    struct stream *stream = dure_exchange_data(exchange);
    if (stream != NULL && stream->left > 0) write_chunks(exchange);
}

static void on_abort(void *arg, struct dure_exchange *exchange)
{
    (void)arg;
    aborts++;
    struct stream *stream = dure_exchange_data(exchange);
    if (stream != NULL) finish(exchange);
    /* Others are answered when their delay is over. */
}

static void error_body(void *arg, int status, const char *detail, struct dure_buf *out,
                       const char **type)
{
    (void)arg;
    *type = "application/problem+json";
    dure_buf_printf(out, "{\"status\":%d,\"detail\":\"%s\"}", status, detail);
}

/* ---- Life -------------------------------------------------------------------------------------*/

static void close_all(void)
{
    if (closed) return;
    closed = true;
    dure_server_close(server);
    uv_close((uv_handle_t *)&lifetime, NULL);
    for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&signals[i], NULL);
}

static void on_drained(void *arg)
{
    (void)arg;
    printf("drained\n");
    fflush(stdout);
    close_all();
}

static void on_lifetime(uv_timer_t *timer)
{
    (void)timer;
    close_all();
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle, (void)number;
    if (stopping)
        close_all();
    else
        dure_server_drain(server, (uint64_t)drain_ms, on_drained, NULL);
    stopping = true;
}

static bool set(const char *name, size_t len, long value)
{
#define U32(field)                                                                                 \
    if (len == sizeof #field - 1 && memcmp(name, #field, len) == 0)                                \
        return options.field = (uint32_t)value, true;
#define WIDE(field)                                                                                \
    if (len == sizeof #field - 1 && memcmp(name, #field, len) == 0)                                \
        return options.field = (size_t)value, true;
    U32(connections_max)
    U32(pipeline_max)
    U32(exchanges_max)
    WIDE(line_bytes_max)
    WIDE(headers_bytes_max)
    WIDE(headers_count_max)
    WIDE(body_bytes_max)
    WIDE(output_bytes_max)
    WIDE(requests_bytes_max)
    WIDE(outputs_bytes_max)
    WIDE(header_timeout_ms)
    WIDE(body_timeout_ms)
    WIDE(idle_timeout_ms)
    WIDE(write_timeout_ms)
#undef U32
#undef WIDE
    if (len == 4 && memcmp(name, "port", 4) == 0)
        options.port = (uint16_t)value;
    else if (len == 5 && memcmp(name, "reuse", 5) == 0)
        options.reuse_port = value != 0;
    else if (len == 7 && memcmp(name, "seconds", 7) == 0)
        seconds = value;
    else if (len == 8 && memcmp(name, "drain_ms", 8) == 0)
        drain_ms = value;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (equals != NULL &&
            set(argv[i], (size_t)(equals - argv[i]), strtol(equals + 1, NULL, 10)))
            continue;
        fprintf(stderr, "echo_server: what is %s?\n", argv[i]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    const struct dure_server_handler handler = {
        .wants_stream = wants_stream,
        .on_request = on_request,
        .on_body = on_body,
        .on_drain = on_drain,
        .on_abort = on_abort,
        .error_body = error_body,
    };
    int os_error = 0;
    if (dure_server_open(&server, loop, &options, &handler, &os_error) != 0) {
        fprintf(stderr, "echo_server: %s\n", strerror(os_error));
        return 1;
    }
    uv_signal_init(loop, &signals[0]);
    uv_signal_start(&signals[0], on_signal, SIGTERM);
    uv_signal_init(loop, &signals[1]);
    uv_signal_start(&signals[1], on_signal, SIGINT);
    uv_timer_init(loop, &lifetime);
    uv_timer_start(&lifetime, on_lifetime, (uint64_t)seconds * 1000, 0);
    printf("ready %u\n", dure_server_port(server));
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    int rv = uv_loop_close(loop);
    DURE_ASSERT(rv == 0);
    return 0;
}
