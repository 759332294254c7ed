/*
 * What a request is followed by (W3C Trace Context level 1, w3.org/TR/trace-context-1): the trace
 * of its traceparent header in a span of ours, or a trace of our own; and the line of the log that
 * tells of it.
 *
 *   a client sent one      it is carried: by messages, events, other nodes and outgoing calls,
 *                          with the flag `sampled` as it came
 *   none, or none valid    a new one. It is carried if it is chosen as a sample; else its flag is
 *                          00, and only the answer and the log tell it
 *
 * An answer tells its trace and span in `traceresponse` (a header of the working group's drafts,
 * w3c.github.io/trace-context, in the format of traceparent): the very span that the events of the
 * request name as their parent. tracestate is not passed on. Requests that the server refuses
 * before the gateway sees them (malformed ones, overload) have none. Loop thread.
 */
#ifndef DURE_PROTO_TRACING_H
#define DURE_PROTO_TRACING_H

#include "proto/server.h"
#include "runtime/trace.h"

struct dure_gateway;

enum dure_tracing_log { DURE_TRACING_LOG_NONE, DURE_TRACING_LOG_ERRORS, DURE_TRACING_LOG_ALL };

struct dure_tracing_line { /* Lent. */
    enum dure_method method;
    struct dure_span path; /* As it was sent, still percent-encoded. */
    int status;
    uint64_t took_ns;
    const struct dure_trace *trace;
};

struct dure_tracing_options {
    uint32_t percent;          /* Of the requests without a trace: sampled. */
    enum dure_tracing_log log; /* ERRORS: those answered with 5xx. */
    void (*line)(void *arg, const struct dure_tracing_line *line);
    void *arg;
};

struct dure_tracing { /* Embedded in what a request becomes. */
    struct dure_trace trace;
    bool carried;
};

void dure_tracing_begin(const struct dure_gateway *gateway, const struct dure_request *request,
                        struct dure_tracing *tracing);
/* The same of a request that another node has taken: its span, and its choice. */
void dure_tracing_go_on(const struct dure_request *request, struct dure_tracing *tracing);
/* What comes of the request carries this; NULL: nothing. */
static inline const struct dure_trace *dure_tracing_carried(const struct dure_tracing *tracing)
{
    return tracing->carried ? &tracing->trace : NULL;
}
/* Appends the header line "traceresponse", if there is a trace. */
void dure_tracing_respond(const struct dure_tracing *tracing, struct dure_buf *headers);
/* The request has been answered: it may be worth a line of the log. */
void dure_tracing_end(const struct dure_gateway *gateway, const struct dure_tracing_line *line);

#endif
