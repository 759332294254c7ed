/*
 * A gateway with nothing real around it: the runtime on stores in memory, the server only bytes.
 * One exchange at a time, in `exchange`; round_of_loop moves everything on. Shared by the gateway's
 * unit test and its fuzz target, which register systems of their own.
 */
#ifndef DURE_TESTS_GATEWAY_WORLD_H
#define DURE_TESTS_GATEWAY_WORLD_H

#include <string.h>
#include <strings.h>
#include <time.h>

#include "proto/gateway.h"

/* ---- A server that is only bytes ------------------------------------------------------------- */

#define HEADERS_MAX 8

struct dure_exchange {
    struct dure_request request;
    struct dure_header headers[HEADERS_MAX];
    void *data;
    int status; /* 0: not answered. */
    bool paused, ended;
    size_t pending;
    struct dure_buf reply_headers, body;
};

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

void dure_exchange_keeps(struct dure_exchange *exchange, size_t bytes)
{
    (void)exchange, (void)bytes;
}

void dure_exchange_expect(struct dure_exchange *exchange, size_t bytes)
{
    DURE_ASSERT(exchange->status == 0);
    DURE_ASSERT(bytes > 0);
}

void dure_exchange_start(struct dure_exchange *exchange, int status, const struct dure_buf *headers)
{
    DURE_ASSERT(exchange->status == 0);
    exchange->status = status;
    dure_buf_add(&exchange->reply_headers, headers->data, headers->len);
}

void dure_exchange_write(struct dure_exchange *exchange, const void *bytes, size_t len)
{
    DURE_ASSERT(!exchange->ended);
    dure_buf_add(&exchange->body, bytes, len);
    exchange->pending += len;
}

void dure_exchange_end(struct dure_exchange *exchange)
{
    DURE_ASSERT(!exchange->ended);
    exchange->ended = true;
}

void dure_exchange_respond(struct dure_exchange *exchange, int status,
                           const struct dure_buf *headers, const void *body, size_t len)
{
    dure_exchange_start(exchange, status, headers);
    dure_exchange_write(exchange, body, len);
    dure_exchange_end(exchange);
}

size_t dure_exchange_pending(const struct dure_exchange *exchange)
{
    return exchange->pending;
}

void dure_exchange_pause(struct dure_exchange *exchange)
{
    DURE_ASSERT(!exchange->paused);
    exchange->paused = true;
}

void dure_exchange_resume(struct dure_exchange *exchange)
{
    DURE_ASSERT(exchange->paused);
    exchange->paused = false;
}

void dure_server_stats(const struct dure_server *server, struct dure_server_stats *stats)
{
    (void)server;
    *stats = (struct dure_server_stats){0};
}

struct dure_span dure_request_header(const struct dure_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        struct dure_span sent = request->headers[i].name;
        if (sent.len == strlen(name) && strncasecmp(sent.data, name, sent.len) == 0)
            return request->headers[i].value;
    }
    return (struct dure_span){0};
}

const char *dure_http_reason(int status)
{
    return status < 400 ? "Fine" : "Refused";
}

/* ---- A node in memory -------------------------------------------------------------------------*/

static struct dure_work *works[8];
static size_t works_count;
static int64_t now_ms;

static int64_t wall_ms(struct dure_io *io)
{
    (void)io;
    return now_ms;
}

static uint64_t mono_ns(struct dure_io *io)
{
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Never 0 and never the same. */
static uint64_t counted(struct dure_io *io)
{
    (void)io;
    static uint64_t number;
    return ++number * 0x9e3779b97f4a7c15; /* 2^64 by the golden ratio. */
}

static void nothing(struct dure_io *io)
{
    (void)io;
}

static void no_alarm(struct dure_io *io, int64_t due_ms)
{
    (void)io;
    (void)due_ms;
}

static void queue_work(struct dure_io *io, struct dure_work *work)
{
    (void)io;
    DURE_ASSERT(works_count < 8);
    works[works_count++] = work;
}

static struct dure_io io = {.wall_ms = wall_ms,
                            .mono_ns = mono_ns,
                            .random = counted,
                            .soon = nothing,
                            .alarm = no_alarm,
                            .work = queue_work};
static struct dure_journal *journal;
static struct dure_rows *rows;
static struct dure_runtime *rt;
static struct dure_gateway *gateway;
/* The includer sets these. */
static const char *node_root = NULL;
static uint32_t node_shards = 1;
static int64_t node_memory_bytes = DURE_MEMORY_BYTES_DEFAULT;
static struct dure_server_handler handler;
static struct dure_exchange exchange;

static void round_of_loop(void)
{
    journal->ops->poll(journal);
    rows->ops->poll(rows);
    dure_turn_run(rt);
    while (works_count > 0) {
        struct dure_work *work = works[--works_count];
        work->run(work);
        work->done(work);
    }
}

static int open_node(void **state)
{
    (void)state;
    now_ms = 1700000000000;
    struct dure_store_options store = {.codec = dure_row_codec()};
    int rv = dure_journal_memory_open(&journal, &store);
    if (rv == 0) rv = dure_rows_memory_open(&rows, &store);
    DURE_ASSERT(rv == 0);
    struct dure_options options = {
        .shards = node_shards, .memory_bytes = node_memory_bytes, .asks_max = 1000, .owner = 1};
    const char *message = NULL;
    rv = dure_runtime_open(&rt, &options, &io, journal, rows, &message);
    DURE_ASSERT(rv == 0);
    struct dure_gateway_options served = {.root = node_root};
    rv = dure_gateway_open(&gateway, rt, &served);
    DURE_ASSERT(rv == 0);
    dure_gateway_handler(gateway, &handler);
    return 0;
}

static void clear(void)
{
    dure_buf_fini(&exchange.reply_headers);
    dure_buf_fini(&exchange.body);
    exchange = (struct dure_exchange){0};
}

static int close_node(void **state)
{
    (void)state;
    clear();
    DURE_ASSERT(dure_gateway_idle(gateway));
    dure_gateway_close(gateway);
    dure_runtime_close(rt);
    journal->ops->close(journal);
    rows->ops->close(rows);
    return 0;
}

#endif
