/*
 * The pool of calls and the one way out.
 *
 *   1. new takes a call from the pool, with its buffers from last time
 *   2. somebody fills status, headers and body while the data they show is at hand
 *   3. respond sends them and puts the call back
 *
 * new fails when memory runs out. Loop thread.
 */
#include "proto/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/cors.h"
#include "proto/forward.h"
#include "proto/problem.h"

/* Calls kept for the next requests, and the largest buffer that one keeps. */
#define POOL_CALLS_MAX 4096
#define KEPT_BYTES_MAX (16 * 1024)

#define READS_MAX 3

struct dure_call *dure_call_new(struct dure_gateway *gateway, struct dure_exchange *exchange,
                                const struct dure_request *request)
{
    struct dure_call *call = gateway->free;
    if (call != NULL) {
        gateway->free = call->next;
        gateway->free_count--;
    } else {
        size_t size = sizeof *call + gateway->payload_bytes;
        size = (size + 15) & ~(size_t)15;
        call = aligned_alloc(16, size);
        if (call == NULL) return NULL;
        call->headers = call->body = (struct dure_buf){0};
    }
    gateway->calls_count++;
    call->gateway = gateway;
    call->exchange = exchange;
    call->inbound = NULL;
    call->request = request;
    call->keyed = false;
    call->tracing = (struct dure_tracing){0};
    call->reads = 0;
    call->began_ns = gateway->rt->io->mono_ns(gateway->rt->io);
    call->base_len = 0;
    call->answer_id = 0;
    call->status = 0;
    return call;
}

static void keep(struct dure_buf *buf)
{
    if (buf->cap > KEPT_BYTES_MAX) dure_buf_fini(buf);
    buf->len = 0;
}

static void destroy(struct dure_call *call)
{
    dure_buf_fini(&call->headers);
    dure_buf_fini(&call->body);
    free(call);
}

static void give_back(struct dure_call *call)
{
    struct dure_gateway *gateway = call->gateway;
    DURE_ASSERT(gateway->calls_count > 0);
    gateway->calls_count--;
    if (gateway->free_count >= POOL_CALLS_MAX) {
        destroy(call);
        return;
    }
    keep(&call->headers);
    keep(&call->body);
    call->exchange = NULL;
    call->next = gateway->free;
    gateway->free = call;
    gateway->free_count++;
}

void dure_call_free_all(struct dure_gateway *gateway)
{
    DURE_ASSERT(gateway->calls_count == 0);
    while (gateway->free != NULL) {
        struct dure_call *call = gateway->free;
        gateway->free = call->next;
        destroy(call);
    }
}

void dure_call_clear(struct dure_call *call)
{
    call->headers.len = 0;
    call->body.len = 0;
}

void dure_call_expect(struct dure_call *call, size_t bytes)
{
    if (call->exchange != NULL) dure_exchange_expect(call->exchange, bytes);
}

void dure_call_respond(struct dure_call *call)
{
    DURE_ASSERT(call->status >= 200 && call->status < DURE_METRICS_STATUSES);
    DURE_ASSERT(call->exchange != NULL || call->inbound != NULL);
    struct dure_gateway *gateway = call->gateway;
    if (gateway->closed) return;
    if (call->inbound != NULL) { /* The node that its client talks to does the rest. */
        dure_forward_answer(call);
        give_back(call);
        return;
    }
    dure_cors_add(call->request, &call->headers);
    uint64_t took_ns = gateway->rt->io->mono_ns(gateway->rt->io) - call->began_ns;
    dure_metrics_count(&gateway->metrics, call->request->method, call->status, took_ns);
    dure_tracing_respond(&call->tracing, &call->headers);
    const struct dure_tracing_line line = {call->request->method, call->request->path, call->status,
                                           took_ns, &call->tracing.trace};
    dure_tracing_end(gateway, &line);
    dure_exchange_respond(call->exchange, call->status, &call->headers, call->body.data,
                          call->body.len);
    give_back(call);
}

void dure_call_problem_at(struct dure_call *call, int status, const char *detail,
                          const struct dure_field_errors *errors, struct dure_span instance)
{
    dure_call_clear(call);
    call->status = status;
    dure_buf_lit(&call->headers, "Content-Type: " DURE_PROBLEM_TYPE "\r\n");
    if (status == 503) dure_buf_lit(&call->headers, "Retry-After: 1\r\n");
    if (status == 405) {
        dure_buf_lit(&call->headers, "Allow: ");
        dure_route_write_methods(dure_route_methods(&call->route), &call->headers);
        dure_buf_lit(&call->headers, "\r\n");
    }
    dure_problem_write(&call->body, status, detail, instance, errors);
}

void dure_call_problem(struct dure_call *call, int status, const char *detail,
                       const struct dure_field_errors *errors)
{
    dure_call_problem_at(call, status, detail, errors, call->request->path);
}

void dure_call_refuse(struct dure_call *call, int status, const char *fmt, ...)
{
    char detail[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    dure_call_problem(call, status, detail, NULL);
    dure_call_respond(call);
}

void dure_call_fail(struct dure_call *call, int rv)
{
    const struct dure_error_info *info = dure_error_info(rv);
    dure_call_problem(call, info->http_status, info->text, NULL);
    dure_call_respond(call);
}

/* ---- Reads: durable before visible ---------------------------------------------------------- */

static void held(struct dure_hold *hold, int rv)
{
    struct dure_call *call = (struct dure_call *)((char *)hold - offsetof(struct dure_call, hold));
    if (rv == 0)
        dure_call_respond(call);
    else
        dure_call_again(call, call->again, rv);
}

void dure_call_again(struct dure_call *call, void (*again)(struct dure_call *call), int rv)
{
    if (again == NULL || ++call->reads >= READS_MAX) {
        dure_call_fail(call, rv);
        return;
    }
    dure_call_clear(call);
    again(call);
}

void dure_call_respond_durable(struct dure_call *call, void (*again)(struct dure_call *call))
{
    call->again = again;
    call->hold.cb = held;
    dure_turn_hold(call->gateway->rt, &call->hold);
}
