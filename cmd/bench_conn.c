/*
 * Happy path: connect → fill the window → read → judge every answer of that read → fill again, in
 * one write → … → nothing more to send and nothing in flight → close.
 *
 * A connection that the server closes is counted (what was in flight is unanswered) and opened
 * again; one that cannot be opened is tried again after a pause. Runs on its worker's loop.
 */
#include "cmd/bench_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 100

static void start_connect(struct dure_bench_conn *conn);
static void flush(struct dure_bench_conn *conn);

static bool is_bulk(const struct dure_bench_conn *conn)
{
    return conn->worker->mode == DURE_BENCH_BULK;
}

/* ---- Closing and opening again --------------------------------------------------------------- */

static void on_retry(uv_timer_t *timer)
{
    struct dure_bench_conn *conn = timer->data;
    if (!conn->aborted) start_connect(conn);
}

static void on_retry_closed(uv_handle_t *handle)
{
    struct dure_bench_conn *conn = handle->data;
    dure_bench_worker_closed(conn->worker);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct dure_bench_conn *conn = handle->data;
    conn->closing = false;
    if (uv_hrtime() >= conn->worker->stop_ns) conn->finished = true;
    if (conn->finished || conn->aborted) {
        uv_close((uv_handle_t *)&conn->retry, on_retry_closed);
    } else {
        uv_timer_start(&conn->retry, on_retry, conn->refused ? RETRY_MS : 0, 0);
    }
}

static void close_tcp(struct dure_bench_conn *conn)
{
    if (conn->closing) return;
    conn->closing = true;
    conn->usable = false;
    conn->worker->tally.unanswered += conn->in_flight;
    conn->in_flight = 0;
    conn->stream_open = false;
    conn->stream_owed = false;
    conn->out.len = 0;
    uv_close((uv_handle_t *)&conn->tcp, on_tcp_closed);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int status)
{
    struct dure_bench_conn *conn = write->data;
    conn->writing = false;
    conn->sending.len = 0;
    if (status < 0) {
        if (!conn->closing) close_tcp(conn);
    } else {
        flush(conn);
    }
}

/* Most writes fit into the socket's buffer: a plain send, without a trip through the loop. */
static void flush(struct dure_bench_conn *conn)
{
    if (conn->writing || conn->out.len == 0 || !conn->usable) return;
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    uv_buf_t buf = uv_buf_init(conn->out.data, (unsigned)conn->out.len);
    int written = uv_try_write(stream, &buf, 1);
    if (written == (int)conn->out.len) {
        conn->out.len = 0;
        return;
    }
    if (written < 0 && written != UV_EAGAIN) {
        close_tcp(conn);
        return;
    }
    size_t done = written > 0 ? (size_t)written : 0;
    struct dure_buf empty = conn->sending;
    conn->sending = conn->out;
    conn->out = empty;
    conn->out.len = 0;
    buf = uv_buf_init(conn->sending.data + done, (unsigned)(conn->sending.len - done));
    conn->write.data = conn;
    conn->writing = uv_write(&conn->write, stream, &buf, 1, on_written) == 0;
    if (!conn->writing) close_tcp(conn);
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void add_message(struct dure_bench_conn *conn)
{
    dure_buf_add(&conn->out, conn->head.data, conn->head.len);
    struct dure_bench_source *source = conn->worker->source;
    if (source->next == NULL) return;
    conn->body.len = 0;
    source->next(source, &conn->body);
    dure_buf_u64(&conn->out, conn->body.len);
    dure_buf_lit(&conn->out, "\r\n\r\n");
    dure_buf_add(&conn->out, conn->body.data, conn->body.len);
}

/* One chunk (RFC 9112 section 7.1) holds all the lines of a fill. */
static void add_chunk(struct dure_bench_conn *conn)
{
    if (conn->body.len == 0) return;
    dure_buf_printf(&conn->out, "%zx\r\n", conn->body.len);
    dure_buf_add(&conn->out, conn->body.data, conn->body.len);
    dure_buf_lit(&conn->out, "\r\n");
    conn->body.len = 0;
}

static void add_commands(struct dure_bench_conn *conn)
{
    struct dure_bench_worker *worker = conn->worker;
    uint64_t now = uv_hrtime();
    conn->body.len = 0;
    while (conn->in_flight < worker->depth && !conn->finished) {
        if (!dure_bench_worker_may_send(worker, now)) {
            conn->finished = true;
            break;
        }
        if (is_bulk(conn)) {
            worker->source->next(worker->source, &conn->body);
            dure_buf_byte(&conn->body, '\n');
        } else {
            add_message(conn);
        }
        conn->sent_ns[(conn->oldest + conn->in_flight) % worker->depth] = now;
        conn->in_flight++;
    }
}

static void fill(struct dure_bench_conn *conn)
{
    if (!conn->usable || conn->judging) return;
    if (!conn->finished) {
        bool opens = is_bulk(conn) && !conn->stream_open;
        add_commands(conn);
        if (opens && conn->in_flight > 0) {
            dure_buf_add(&conn->out, conn->head.data, conn->head.len);
            conn->stream_open = true;
            conn->stream_owed = true;
        }
        if (is_bulk(conn)) add_chunk(conn);
        if (conn->finished && conn->stream_open) {
            dure_buf_lit(&conn->out, "0\r\n\r\n");
            conn->stream_open = false;
        }
    }
    if (conn->finished && conn->in_flight == 0 && !conn->stream_owed) {
        close_tcp(conn);
    } else {
        flush(conn);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void answer(struct dure_bench_conn *conn, struct dure_bench_verdict verdict)
{
    if (conn->in_flight == 0) {
        conn->worker->tally.malformed++; /* An answer that nobody asked for. */
        return;
    }
    uint64_t sent_ns = conn->sent_ns[conn->oldest];
    conn->oldest = (conn->oldest + 1) % conn->worker->depth;
    conn->in_flight--;
    dure_bench_worker_answered(conn->worker, verdict, sent_ns, conn->now_ns);
}

static void on_result(void *arg, int status, const char *data, size_t len)
{
    struct dure_bench_conn *conn = arg;
    struct dure_bench_source *source = conn->worker->source;
    answer(conn, source->judge(source, status, data, len));
}

static void on_end(void *arg, int status, bool keep_alive)
{
    struct dure_bench_conn *conn = arg;
    if (is_bulk(conn)) {
        /* The stream was refused as a whole: that is the answer to every line of it. */
        if (status / 100 != 2) {
            while (conn->in_flight > 0)
                answer(conn, (struct dure_bench_verdict){DURE_BENCH_REFUSED, status});
        }
        keep_alive = false; /* What was sent since may be lost: begin afresh. */
    }
    if (!keep_alive) close_tcp(conn);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct dure_bench_conn *conn = handle->data;
    *buf = uv_buf_init(conn->worker->read_bytes, DURE_BENCH_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct dure_bench_conn *conn = stream->data;
    if (len == 0 || conn->closing) return;
    if (len < 0) {
        close_tcp(conn);
        return;
    }
    conn->now_ns = uv_hrtime();
    conn->judging = true;
    int rv = dure_bench_http_feed(conn->http, buf->base, (size_t)len);
    conn->judging = false;
    if (rv != 0 && !conn->closing) {
        conn->worker->tally.malformed++;
        close_tcp(conn);
    }
    fill(conn);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_connected(uv_connect_t *connect, int status)
{
    struct dure_bench_conn *conn = connect->data;
    if (conn->closing) return;
    conn->refused = status < 0;
    if (status < 0) {
        conn->worker->tally.connects_failed++;
        close_tcp(conn);
        return;
    }
    conn->usable = true;
    uv_tcp_nodelay(&conn->tcp, 1);
    uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    fill(conn);
}

static void start_connect(struct dure_bench_conn *conn)
{
    struct dure_bench_worker *worker = conn->worker;
    dure_bench_http_reset(conn->http);
    uv_tcp_init(&worker->loop, &conn->tcp);
    conn->tcp.data = conn;
    conn->connect.data = conn;
    int rv = uv_tcp_connect(&conn->connect, &conn->tcp,
                            (const struct sockaddr *)&worker->target->address, on_connected);
    if (rv != 0) {
        conn->refused = true;
        worker->tally.connects_failed++;
        close_tcp(conn);
    }
}

static void build_head(struct dure_bench_conn *conn)
{
    const struct dure_bench_target *target = conn->worker->target;
    bool has_body = conn->worker->source->next != NULL;
    dure_buf_printf(&conn->head, "%s %s HTTP/1.1\r\nHost: %s\r\n", has_body ? "POST" : "GET",
                    target->path, target->host);
    if (is_bulk(conn)) {
        dure_buf_lit(&conn->head, "Content-Type: application/x-ndjson\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n");
    } else if (has_body) {
        dure_buf_lit(&conn->head, "Content-Type: application/json\r\nContent-Length: ");
    } else {
        dure_buf_lit(&conn->head, "\r\n");
    }
}

void dure_bench_conn_open(struct dure_bench_conn *conn, struct dure_bench_worker *worker)
{
    *conn = (struct dure_bench_conn){.worker = worker};
    const struct dure_bench_http_handler handler = {on_result, on_end, conn};
    conn->http = dure_bench_http_new(&handler, is_bulk(conn));
    conn->sent_ns = calloc(worker->depth, sizeof(*conn->sent_ns));
    DURE_ASSERT(conn->sent_ns != NULL);
    build_head(conn);
    uv_timer_init(&worker->loop, &conn->retry);
    conn->retry.data = conn;
    start_connect(conn);
}

void dure_bench_conn_abort(struct dure_bench_conn *conn)
{
    if (conn->aborted) return;
    conn->aborted = true;
    bool waits_for_retry = uv_is_active((uv_handle_t *)&conn->retry) != 0;
    uv_timer_stop(&conn->retry);
    if (waits_for_retry) {
        uv_close((uv_handle_t *)&conn->retry, on_retry_closed);
    } else if (!uv_is_closing((uv_handle_t *)&conn->retry)) {
        close_tcp(conn);
    }
}

void dure_bench_conn_fini(struct dure_bench_conn *conn)
{
    dure_bench_http_free(conn->http);
    dure_buf_fini(&conn->head);
    dure_buf_fini(&conn->body);
    dure_buf_fini(&conn->out);
    dure_buf_fini(&conn->sending);
    free(conn->sent_ns);
    *conn = (struct dure_bench_conn){0};
}
