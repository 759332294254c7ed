/*
 * Output: everything that a connection was given during one round leaves in one write.
 *
 *   1. exchanges append answers to connection->out and mark the connection
 *   2. flush goes over the marked ones: try to write at once; what the kernel does not take is
 *      handed to libuv, and the next answers gather meanwhile
 *   3. when libuv is done, the connection is marked again
 *
 * When all connections together have too much unsent, those whose write is the oldest are aborted.
 * A failed write means that the client is gone: the connection is aborted. A client that takes
 * nothing runs into the write deadline. Loop thread.
 */
#include "proto/serving.h"

/* A handler that writes whenever it is told that it may could keep flush from ever returning. */
#define PASSES_MAX 4

struct dure_buf dure_output_take_spare(struct dure_server *server)
{
    if (server->spares_count == 0) return (struct dure_buf){0};
    return server->spares[--server->spares_count];
}

void dure_output_give_spare(struct dure_server *server, struct dure_buf *buf)
{
    if (server->spares_count < DURE_SERVING_SPARES_MAX && buf->cap > 0 &&
        buf->cap <= DURE_SERVING_KEPT_BYTES) {
        buf->len = 0;
        server->spares[server->spares_count++] = *buf;
        *buf = (struct dure_buf){0};
    } else {
        dure_buf_fini(buf);
    }
}

size_t dure_output_unsent(const struct dure_connection *connection)
{
    size_t queued = 0;
    if (connection->writing)
        queued = uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp);
    return connection->out.len + queued;
}

void dure_output_count(struct dure_connection *connection)
{
    size_t bytes = connection->out.cap + connection->sending.cap + connection->behind_bytes;
    if (connection->state == DURE_CONNECTION_CLOSED) bytes = 0; /* It goes in this round. */
    connection->server->stats.unsent_bytes += bytes - connection->counted_bytes;
    connection->counted_bytes = bytes;
}

static void on_written(uv_write_t *write, int status)
{
    struct dure_connection *connection = write->data;
    connection->writing = false;
    dure_output_give_spare(connection->server, &connection->sending);
    dure_deadline_clear(&connection->write_deadline);
    if (connection->state == DURE_CONNECTION_CLOSED) return;
    if (status < 0)
        dure_connection_abort(connection);
    else
        dure_connection_mark(connection);
}

void dure_output_send(struct dure_connection *connection)
{
    struct dure_server *server = connection->server;
    if (connection->writing || connection->out.len == 0) return;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    uv_buf_t buf = uv_buf_init(connection->out.data, (unsigned)connection->out.len);
    int taken = uv_try_write(stream, &buf, 1);
    if (taken == UV_EAGAIN) taken = 0;
    if (taken < 0) {
        dure_connection_abort(connection);
        return;
    }
    server->stats.bytes_out_total += connection->out.len;
    if ((size_t)taken == connection->out.len) {
        dure_output_give_spare(server, &connection->out);
        return;
    }
    connection->sending = connection->out;
    connection->out = dure_output_take_spare(server);
    buf = uv_buf_init(connection->sending.data + taken,
                      (unsigned)(connection->sending.len - (size_t)taken));
    connection->write.data = connection;
    connection->writing = true;
    connection->sending_left = connection->sending.len - (size_t)taken;
    int rv = uv_write(&connection->write, stream, &buf, 1, on_written);
    if (rv != 0) {
        connection->writing = false;
        dure_connection_abort(connection);
        return;
    }
    dure_deadline_set(server, &connection->write_deadline, DURE_DEADLINE_WRITE);
}

/* Memory is short: a client that reads keeps its connection longer than one that does not. */
static void cut_slowest(struct dure_server *server)
{
    struct dure_ring *slow = &server->deadlines[DURE_DEADLINE_WRITE];
    while (server->stats.unsent_bytes > server->options.outputs_bytes_max &&
           !dure_ring_empty(slow)) {
        server->stats.timeouts_total++;
        dure_connection_abort(
            DURE_RING_OWNER(slow->next, struct dure_connection, write_deadline.link));
    }
}

void dure_output_flush(struct dure_server *server)
{
    for (int pass = 0; pass < PASSES_MAX && !dure_ring_empty(&server->dirty); pass++) {
        struct dure_ring now;
        dure_ring_init(&now);
        dure_ring_move(&now, &server->dirty);
        while (!dure_ring_empty(&now)) {
            struct dure_connection *connection =
                DURE_RING_OWNER(now.next, struct dure_connection, dirty);
            dure_ring_remove(&connection->dirty);
            dure_connection_work(connection);
        }
    }
    cut_slowest(server);
    /* The rest has its turn after one look at the sockets: the poll must not wait. */
    if (!dure_ring_empty(&server->dirty)) dure_deadline_arm(server, uv_now(server->loop));
}
