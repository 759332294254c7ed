/*
 * GET /events as Server-Sent Events (WHATWG HTML, section 9.2); as JSON batches: events_page.h.
 *
 *   ?topic=shop.order.,shop.pay.   only types that begin so
 *   ?from=start|end|last|POSITION  where to begin; Last-Event-ID wins over it. last: with the newest
 *                                  of all nodes, by their time
 *   ?max=100                       how many these are, up to 1000
 *   ?also=changes,samples          what to read again, between the events: notices.h; and how the
 *                                  nodes do: live_samples.h
 *
 * Each SSE event is a CloudEvent; its id is a position (runtime/positions.h), so that any node can go
 * on from it. A comment and an id every heartbeat show that the line is alive.
 */
#ifndef DURE_PROTO_SSE_H
#define DURE_PROTO_SSE_H

#include "proto/gateway.h"
#include "proto/sources.h"

struct dure_sse;

struct dure_sse_options {
    struct uv_loop_s *loop;
    const struct dure_source_url *urls; /* All nodes', by number. */
    size_t urls_count;
    uint64_t heartbeat_ms;
};

/* DURE_ENOMEM, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_sse_open(struct dure_sse **sse, struct dure_gateway *gateway,
                                  const struct dure_sse_options *options);
/* Ends all streams; no more are taken. */
void dure_sse_stop(struct dure_sse *sse);
void dure_sse_close(struct dure_sse *sse);

/* True for a request that is to be answered by a stream (and not by a batch or a refusal). */
bool dure_sse_wants(const struct dure_request *request);
/* Takes the exchange. sse NULL: refused with 503. */
void dure_sse_start(struct dure_sse *sse, struct dure_gateway *gateway,
                    struct dure_exchange *exchange);
/* For batches; any thread. */
struct dure_sources *dure_sse_sources(struct dure_sse *sse);

#endif
