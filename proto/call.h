/*
 * A call: one request on its way through the gateway, from the pool until its answer. And the
 * gateway's own body, which its .c files share (and nobody else).
 */
#ifndef DURE_PROTO_CALL_H
#define DURE_PROTO_CALL_H

#include "proto/documents.h"
#include "proto/gateway.h"
#include "proto/metrics.h"
#include "proto/negotiate.h"
#include "proto/remote.h"
#include "proto/route.h"
#include "runtime/query.h"

#define DURE_GATEWAY_SYSTEMS_MAX 16

struct dure_sampler;
struct dure_sse;

struct dure_gateway {
    struct dure_runtime *rt;
    struct dure_server *server;                                      /* NULL until attached. */
    struct dure_remotes *remotes;                                    /* NULL: alone. */
    bool shared;                                                     /* Of the options. */
    struct dure_buf frame;                                           /* What is being sent there. */
    const struct dure_console *console;                              /* NULL: none. */
    const struct dure_ports *ports;                                  /* NULL: none. */
    const struct dure_system *systems[DURE_GATEWAY_SYSTEMS_MAX + 1]; /* The served ones. */
    struct dure_routes routes;
    struct dure_http_metrics metrics;
    struct dure_call *free; /* Pool; its calls keep their buffers. */
    size_t free_count, calls_count;
    uint64_t forwarded, inbound; /* Requests sent to other nodes, and by them. */
    struct dure_documents documents;
    struct dure_tracing_options tracing;
    struct dure_sse *sse; /* NULL: no event streams. */
    struct dure_sampler *sampler; /* NULL: no history. */
    size_t payload_bytes; /* The largest payload or state there is. */
    bool stopping, closed;
};

struct dure_call {
    struct dure_ask ask;   /* Commands. */
    struct dure_edit edit; /* PATCH, PUT, DELETE of plain data. */
    struct dure_hold hold; /* Reads. */
    struct dure_remote remote; /* On its way to the node that owns it. */
    void (*again)(struct dure_call *call);
    struct dure_gateway *gateway;
    struct dure_exchange *exchange;     /* NULL: it came from … */
    struct dure_inbound *inbound;       /* … another node. */
    struct dure_call *next;             /* In the pool. */
    const struct dure_request *request; /* Lent by one of them until the answer. */
    struct dure_route route;
    enum dure_accept accept;
    struct dure_tracing tracing;
    bool keyed;    /* Has begun an idempotency key, to be finished or cancelled. */
    uint8_t reads; /* How often a read has been tried. */
    uint64_t began_ns;
    size_t base_len;
    char base[DURE_BASE_BYTES]; /* "http://host" */
    int64_t answer_id;          /* The aggregate that the answer is about; 0: none. */
    int status;                 /* The answer, made while its data lasts. */
    struct dure_buf headers, body;
    _Alignas(16) char payload[]; /* payload_bytes of the gateway. */
};

struct dure_inbound;

/* From the pool; NULL when memory ran out. Without an exchange the caller sets inbound. */
struct dure_call *dure_call_new(struct dure_gateway *gateway, struct dure_exchange *exchange,
                                const struct dure_request *request);
/* Answers a new call, at any later time (gateway.c). */
void dure_gateway_serve(struct dure_call *call, struct dure_route route);
/* Sends status, headers and body, adds CORS, counts, and gives the call back to the pool. */
void dure_call_respond(struct dure_call *call);
/* The same once everything applied so far is durable; `again` makes the answer anew if what it
 * shows was taken back by a failed write. */
void dure_call_respond_durable(struct dure_call *call, void (*again)(struct dure_call *call));
/* Makes the answer anew by `again`; too often already: fails with rv. */
void dure_call_again(struct dure_call *call, void (*again)(struct dure_call *call), int rv);
/* Answers with a problem: of a status, or of an error's row. */
void dure_call_refuse(struct dure_call *call, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void dure_call_fail(struct dure_call *call, int rv);
/* Sets status, headers and body to a problem without sending it. */
void dure_call_problem(struct dure_call *call, int status, const char *detail,
                       const struct dure_field_errors *errors);
void dure_call_problem_at(struct dure_call *call, int status, const char *detail,
                          const struct dure_field_errors *errors, struct dure_span instance);
/* About as many bytes will follow (dure_exchange_expect). */
void dure_call_expect(struct dure_call *call, size_t bytes);
/* Empties headers and body. */
void dure_call_clear(struct dure_call *call);
void dure_call_free_all(struct dure_gateway *gateway);

#endif
