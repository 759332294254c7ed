/*
 * Bulk requests.
 *
 *   1. bytes come in pieces; lines are cut out of them, copied only where two pieces share one
 *   2. each line is read into the next slot of a ring and asked (bulk_line.c)
 *   3. its answer makes the slot's result line, which is ready once it is durable
 *   4. results leave in the order of their lines: what is ready at the ring's head is written. One
 *      commit releases many slots one after the other, so the write waits for the last of them.
 *   5. at the end of the body and of the ring the exchange ends
 *
 * Bounded: at most DURE_BULK_INFLIGHT_MAX slots; when they are taken, or the runtime's queues are
 * full, the body is paused and the rest of the piece kept. The server stops reading a client that
 * does not read its results (server.h, stream_output_bytes_max).
 * A bad line (400), one over DURE_BULK_LINE_BYTES_MAX (413) or a failed one fails alone. When the
 * client leaves, what was taken runs to its end and the rest is dropped. Loop thread.
 */
#include "proto/bulk.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/bulk_line.h"
#include "proto/command.h"
#include "proto/cors.h"

/* Results are collected up to this size before they are written. */
#define WRITE_BYTES (32 * 1024)

static bool inflight(const struct bulk *bulk)
{
    return bulk->slots.head != bulk->slots.tail;
}

static void destroy(struct bulk *bulk)
{
    dure_bulk_slots_fini(&bulk->slots);
    dure_buf_fini(&bulk->line);
    dure_buf_fini(&bulk->rest);
    dure_buf_fini(&bulk->out);
    bulk->gateway->calls_count--;
    free(bulk);
}

/* ---- 4 and 5: out --------------------------------------------------------------------------- */

static void write_out(struct bulk *bulk)
{
    if (bulk->out.len > 0 && !bulk->aborted && !bulk->gateway->closed)
        dure_exchange_write(bulk->exchange, bulk->out.data, bulk->out.len);
    bulk->out.len = 0;
}

/* Nothing more will come or go. */
static bool over(const struct bulk *bulk)
{
    return !inflight(bulk) && !bulk->feeding &&
           (bulk->aborted || (bulk->ended && bulk->rest.len == 0));
}

static void end(struct bulk *bulk)
{
    struct dure_exchange *exchange = bulk->exchange;
    struct dure_gateway *gateway = bulk->gateway;
    const struct dure_tracing_line line = {
        DURE_POST, dure_exchange_request(exchange)->path, 200,
        gateway->rt->io->mono_ns(gateway->rt->io) - bulk->began_ns,
        &bulk->tracing.trace};
    dure_tracing_end(gateway, &line);
    dure_exchange_set_data(exchange, NULL);
    destroy(bulk);
    dure_exchange_end(exchange);
}

/* Hands over what is ready at the head; `group` is being released: its other slots follow. */
static void flush(struct bulk *bulk, uint64_t group)
{
    struct dure_bulk_slot *slot;
    while ((slot = dure_bulk_slots_head(&bulk->slots)) != NULL) {
        if (slot->state == DURE_BULK_DECIDED && slot->group == group) return;
        if (slot->state != DURE_BULK_READY) break;
        bulk->gateway->metrics.bulk_lines[slot->status / 100]++;
        dure_buf_add(&bulk->out, slot->result.data, slot->result.len);
        dure_bulk_slots_drop(&bulk->slots);
        if (bulk->out.len >= WRITE_BYTES) write_out(bulk);
    }
    write_out(bulk);
}

static size_t feed(struct bulk *bulk, const char *data, size_t len);

/* Goes on with the body if it can; ends when all is done. */
static void go_on(struct bulk *bulk)
{
    if (bulk->feeding || bulk->gateway->closed) return;
    if (bulk->rest.len > 0 && !bulk->aborted) {
        bulk->rest_at +=
            feed(bulk, bulk->rest.data + bulk->rest_at, bulk->rest.len - bulk->rest_at);
        if (bulk->rest_at < bulk->rest.len && !bulk->aborted) return;
        bulk->rest.len = bulk->rest_at = 0;
    }
    if (over(bulk)) {
        end(bulk);
        return;
    }
    if (bulk->paused && !bulk->ended) {
        bulk->paused = false;
        dure_exchange_resume(bulk->exchange);
    }
}

void dure_bulk_ready(struct dure_bulk_slot *slot)
{
    struct bulk *bulk = slot->bulk;
    slot->state = DURE_BULK_READY;
    size_t head = bulk->slots.head;
    flush(bulk, slot->group);
    if (bulk->slots.head != head || over(bulk)) go_on(bulk);
}

/* ---- 2: a line ------------------------------------------------------------------------------ */

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
    }
    return true;
}

/* A line that is answered without the runtime. */
static void answered(struct bulk *bulk, struct dure_bulk_slot *slot)
{
    slot->state = DURE_BULK_READY;
    dure_bulk_slots_take(&bulk->slots, slot);
    if (dure_bulk_slots_head(&bulk->slots) == slot) flush(bulk, DURE_BULK_NO_GROUP);
}

static void refuse_line(struct bulk *bulk, struct dure_bulk_slot *slot,
                        const struct dure_field_errors *errors)
{
    bool document = errors->count > 0 && errors->items[0].field[0] == '\0';
    dure_bulk_line_problem(slot, 400,
                           document ? "the line is no JSON object that can be read"
                                    : "some fields are wrong, see errors",
                           0, errors);
    answered(bulk, slot);
}

/* With lines in flight their slots come back. Without memory for a single one nothing can be
 * answered: the bulk ends here. */
static bool out_of_slots(struct bulk *bulk)
{
    bulk->aborted = !inflight(bulk);
    return bulk->aborted;
}

/* False: there is no room now, the line is to come again. */
static bool take_line(struct bulk *bulk, const char *line, size_t len)
{
    if (is_blank(line, len)) return true;
    struct dure_bulk_slot *slot = dure_bulk_slots_next(&bulk->slots);
    if (slot == NULL) return out_of_slots(bulk);
    struct dure_field_errors errors;
    int rv = dure_command_read(bulk->create->schema, slot->payload, line, len, &errors);
    const struct dure_field *key = bulk->collection->key;
    if (rv == 0 && key != NULL && dure_field_is_null(key, slot->payload)) {
        errors.count = 0;
        dure_field_errors_add(&errors, key->name, "is required");
        rv = DURE_EINVAL;
    }
    if (rv != 0) {
        refuse_line(bulk, slot, &errors);
        return true;
    }
    slot->state = DURE_BULK_ASKED;
    rv = dure_bulk_line_ask(slot, line, len);
    if (rv == DURE_EBUSY && inflight(bulk)) return false; /* Our own answers make room. */
    if (rv == DURE_ESHUTDOWN) return false; /* Not taken: the connection is cut off soon. */
    if (rv != 0) {
        answered(bulk, slot); /* What it says has been written. */
    } else {
        dure_bulk_slots_take(&bulk->slots, slot);
    }
    return true;
}

static bool take_long_line(struct bulk *bulk)
{
    struct dure_bulk_slot *slot = dure_bulk_slots_next(&bulk->slots);
    if (slot == NULL) return out_of_slots(bulk);
    char detail[64];
    snprintf(detail, sizeof detail, "a line has at most %d bytes", DURE_BULK_LINE_BYTES_MAX);
    dure_bulk_line_problem(slot, 413, detail, 0, NULL);
    answered(bulk, slot);
    return true;
}

/* ---- 1: bytes ------------------------------------------------------------------------------- */

/* Takes one line or a part of one. Returns the bytes used up; 0: no room. */
static size_t take_some(struct bulk *bulk, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    size_t part = end != NULL ? (size_t)(end - data) : len;
    size_t used = end != NULL ? part + 1 : len;
    if (bulk->skipping) {
        if (end != NULL) bulk->skipping = false;
        return used;
    }
    if (bulk->line.len + part > DURE_BULK_LINE_BYTES_MAX) {
        if (!take_long_line(bulk)) return 0;
        bulk->line.len = 0;
        bulk->skipping = end == NULL;
        return used;
    }
    if (end == NULL) {
        dure_buf_add(&bulk->line, data, part);
        return used;
    }
    if (bulk->line.len == 0) return take_line(bulk, data, part) ? used : 0;
    size_t before = bulk->line.len;
    dure_buf_add(&bulk->line, data, part);
    if (!take_line(bulk, bulk->line.data, bulk->line.len)) {
        bulk->line.len = before;
        return 0;
    }
    bulk->line.len = 0;
    return used;
}

/* Returns the bytes used up; the rest has to wait. */
static size_t feed(struct bulk *bulk, const char *data, size_t len)
{
    DURE_ASSERT(!bulk->feeding);
    bulk->feeding = true;
    bulk->now_ms = bulk->gateway->rt->io->wall_ms(bulk->gateway->rt->io);
    size_t at = 0;
    while (at < len && !bulk->aborted) {
        size_t used = take_some(bulk, data + at, len - at);
        if (used == 0) break;
        at += used;
    }
    bulk->feeding = false;
    return at;
}

/* ---- The handler's side --------------------------------------------------------------------- */

bool dure_bulk_wants(const struct dure_route *route, const struct dure_request *request)
{
    return request->method == DURE_POST && route->kind == DURE_ROUTE_COLLECTION &&
           route->collection->aggregate->create != NULL &&
           dure_negotiate_content(request) == DURE_CONTENT_NDJSON &&
           dure_negotiate_accept(request) != DURE_ACCEPT_NONE &&
           dure_request_header(request, "idempotency-key").data == NULL;
}

static void on_drain(struct dure_exchange *exchange)
{
    struct bulk *bulk = dure_exchange_data(exchange);
    go_on(bulk);
}

static void on_abort(struct dure_exchange *exchange)
{
    struct bulk *bulk = dure_exchange_data(exchange);
    bulk->aborted = true;
    if (over(bulk)) end(bulk);
}

void dure_bulk_start(struct dure_gateway *gateway, struct dure_exchange *exchange,
                     const struct dure_route *route)
{
    const struct dure_request *request = dure_exchange_request(exchange);
    struct bulk *bulk = calloc(1, sizeof *bulk);
    DURE_ASSERT(bulk != NULL);
    *bulk = (struct bulk){.streamed = {.drain = on_drain, .abort = on_abort},
                          .gateway = gateway,
                          .exchange = exchange,
                          .collection = route->collection,
                          .create = route->collection->aggregate->create,
                          .path = route->path};
    dure_bulk_slots_init(&bulk->slots, bulk, bulk->create->schema->size);
    bulk->wait_ms = dure_negotiate_wait_ms(request);
    dure_tracing_begin(gateway, request, &bulk->tracing);
    bulk->began_ns = gateway->rt->io->mono_ns(gateway->rt->io);
    bulk->base_len = dure_negotiate_base(request, bulk->base);
    gateway->calls_count++;
    dure_metrics_count(&gateway->metrics, request->method, 200, 0);

    struct dure_buf headers = {0};
    dure_buf_lit(&headers, "Content-Type: application/x-ndjson\r\n");
    dure_cors_add(request, &headers);
    dure_tracing_respond(&bulk->tracing, &headers);
    dure_exchange_set_data(exchange, bulk);
    dure_exchange_start(exchange, 200, &headers);
    dure_buf_fini(&headers);
    if (request->streaming) return;
    if (request->body.len > 0) dure_bulk_body(exchange, request->body.data, request->body.len);
    dure_bulk_body(exchange, NULL, 0);
}

void dure_bulk_body(struct dure_exchange *exchange, const char *data, size_t len)
{
    struct bulk *bulk = dure_exchange_data(exchange);
    if (bulk == NULL || bulk->aborted) return;
    if (len == 0) {
        /* The last line needs no end of line. */
        bulk->ended = true;
        data = "\n";
        len = 1;
    }
    size_t used = bulk->rest.len > 0 ? 0 : feed(bulk, data, len);
    if (!bulk->aborted) dure_buf_add(&bulk->rest, data + used, len - used);
    if (bulk->rest.len > 0 && !bulk->paused && !bulk->ended) {
        bulk->paused = true;
        dure_exchange_pause(exchange);
    }
    if (dure_exchange_request(exchange)->streaming)
        dure_exchange_keeps(exchange, bulk->line.cap + bulk->rest.cap);
    if (over(bulk)) end(bulk);
}
