/*
 * One connection of the load generator: keeps `depth` commands in flight, as requests or as lines
 * of one bulk request, and matches answers to send times by their order.
 */
#ifndef DURE_CMD_BENCH_CONN_H
#define DURE_CMD_BENCH_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "cmd/bench_http.h"
#include "cmd/bench_worker.h"
#include "runtime/buf.h"

struct dure_bench_conn {
    struct dure_bench_worker *worker;
    struct dure_bench_http *http;
    uv_tcp_t tcp;
    uv_timer_t retry;
    uv_connect_t connect;
    uv_write_t write;
    bool usable;      /* Connected and not closing. */
    bool writing;     /* libuv owns `sending`. */
    bool finished;    /* Nothing more will be sent. */
    bool stream_open; /* Bulk: the request's headers are out, its end is not. */
    bool stream_owed; /* Bulk: the response has not ended. */
    bool closing;
    bool aborted;            /* Not to be opened again. */
    bool refused;            /* The last attempt to connect failed: the next one waits. */
    bool judging;            /* Inside feed: nothing is sent before all of a read is judged. */
    uint64_t now_ns;         /* When the bytes at hand were read. */
    struct dure_buf head;    /* What comes before a body's length, or the whole of a GET. */
    struct dure_buf body;    /* Scratch. */
    struct dure_buf out;     /* To be written next. */
    struct dure_buf sending; /* Being written by libuv. */
    uint64_t *sent_ns;       /* Ring of depth: when the commands in flight were sent. */
    uint32_t oldest;
    uint32_t in_flight;
};

/* The worker outlives the connection. */
void dure_bench_conn_open(struct dure_bench_conn *conn, struct dure_bench_worker *worker);
/* Closes without waiting for answers. */
void dure_bench_conn_abort(struct dure_bench_conn *conn);
/* After the loop has ended. */
void dure_bench_conn_fini(struct dure_bench_conn *conn);

#endif
