/*
 * The cluster's newest sample, told while somebody wants it: the body of GET /metrics/history
 * (proto/history_page.h) as an SSE event without an id, so that no client's place moves:
 *
 *   event: sample
 *   data: {"interval_ms":2000,"nodes":[…],"samples":[{"time":…,…}]}
 *
 * Mostly of one sample. None is told twice; after a pause only the newest is: a reader that sees a
 * hole asks /metrics/history?since= for it. Loop thread.
 */
#ifndef DURE_PROTO_LIVE_SAMPLES_H
#define DURE_PROTO_LIVE_SAMPLES_H

#include "runtime/buf.h"
#include "runtime/errors.h"

struct uv_loop_s;
struct dure_gateway;
struct dure_live_samples;

struct dure_live_samples_options {
    struct uv_loop_s *loop;
    struct dure_gateway *gateway; /* It may sample itself later; until then nothing is told. */
    void (*tell)(void *arg, const struct dure_buf *event); /* The event is lent. */
    void *arg;
};

/* DURE_ENOMEM, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_live_samples_open(struct dure_live_samples **live,
                                           const struct dure_live_samples_options *options);
/* At first nobody wants them. After a false, tell is not called any more. */
void dure_live_samples_want(struct dure_live_samples *live, bool wanted);
/* Frees itself when the loop has closed its handle. No question may be under way (the gateway is
 * idle). Safe on NULL. */
void dure_live_samples_close(struct dure_live_samples *live);

#endif
