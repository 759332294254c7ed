/*
 * The ports' side of the node (runtime/dure.h, dure_port): takes what durable events ask, has an
 * adapter answer it, and asks the answer of the actor.
 *
 *   asked → waiting (in order) → with the adapter, a bounded number → answered → handled by the actor
 *
 * A question is known by its port and actor: one that comes again while it is here is passed over.
 * A circuit breaker for each port holds the waiting ones back while the other side fails. Beyond
 * DURE_PORT_CALLS_MAX a question is not taken, and counted: its actor asks again. Nothing is kept over
 * a restart, for the same reason. Loop thread.
 */
#ifndef DURE_PROTO_PORTS_H
#define DURE_PROTO_PORTS_H

#include <uv.h>

#include "runtime/breaker.h"
#include "runtime/core.h"

struct dure_ports;

struct dure_port_call { /* With the adapter from `ask` until dure_port_answer. */
    const struct dure_port *port;
    int64_t id;        /* Of the actor that asks. */
    const void *asked; /* A struct of port->asked->schema. */
    void *answer;      /* Of port->answer->schema, initialised: to be filled in. */
    const struct dure_trace *trace; /* Of the request that led to it; NULL: none. */
};

#define DURE_PORT_TRACE_BYTES (sizeof "traceparent: " + DURE_TRACE_BYTES)
/* "traceparent: …" for a request over HTTP that asks for the answer; "" without a trace. */
void dure_port_trace_header(const struct dure_port_call *call, char text[DURE_PORT_TRACE_BYTES]);

struct dure_adapter {
    /* Answers by dure_port_answer, within this call or later, exactly once. */
    void (*ask)(void *arg, struct dure_port_call *call);
    void *arg;
    uint32_t calls_max; /* With it at a time. */
};

DURE_MUST_CHECK int dure_ports_open(struct dure_ports **ports, uv_loop_t *uv,
                                    struct dure_runtime *rt);
/* Before the first turn, once a port. What no adapter answers is passed over. DURE_ENOMEM. */
DURE_MUST_CHECK int dure_ports_attach(struct dure_ports *ports, const struct dure_port *port,
                                      const struct dure_adapter *adapter);
/* Gives the call back. `up`: the other side is alive, whatever it said. */
void dure_port_answer(struct dure_port_call *call, bool up);
/* No new questions go to adapters. */
void dure_ports_stop(struct dure_ports *ports);
/* With the adapters done and the runtime at rest. The memory is freed once the loop has run on. */
void dure_ports_close(struct dure_ports *ports);

struct dure_port_state { /* For /metrics. */
    const struct dure_port *port;
    const struct dure_breaker *breaker;
    uint64_t asked, answered, failed, refused; /* failed: the other side was down. */
    uint32_t waiting, under_way;
};
/* Of the i-th attached port; false when there is none. */
bool dure_ports_state(const struct dure_ports *ports, size_t i, struct dure_port_state *state);

#endif
