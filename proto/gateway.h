/*
 * The gateway: SPEC A on top of the HTTP server and the runtime. It is the server's handler: finds
 * the route, reads the body by the schema, asks the runtime, and answers when that is durable.
 *
 * One gateway per node, on the loop thread. Everything it needs for a request comes from a pool.
 */
#ifndef DURE_PROTO_GATEWAY_H
#define DURE_PROTO_GATEWAY_H

#include "proto/server.h"
#include "proto/tracing.h"
#include "runtime/core.h"

struct dure_gateway;
struct dure_remotes;
struct dure_sse_options;

struct dure_gateway_options {
    const char *root;    /* System that owns colliding unprefixed paths; "" or NULL: none. */
    const char *systems; /* Those that are served: "shop,bike"; "" or NULL: all registered ones. */
    bool shared;         /* All nodes are behind our port, so /readyz speaks for all of them. */
    /* For the documents: NULL is "0", and the ports (those of nng up to 0: no such door). */
    const char *version;
    int64_t http, events, replay;
    struct dure_tracing_options tracing;
};

/* 0, DURE_EINVAL (no such system), DURE_ENOMEM. The registry must be initialised; options are lent.
 */
DURE_MUST_CHECK int dure_gateway_open(struct dure_gateway **gateway, struct dure_runtime *rt,
                                      const struct dure_gateway_options *options);
/* For dure_server_open; the gateway is its arg. */
void dure_gateway_handler(struct dure_gateway *gateway, struct dure_server_handler *handler);
/* Lets /metrics show the server's numbers. NULL takes it away again. */
void dure_gateway_set_server(struct dure_gateway *gateway, struct dure_server *server);
/* The other nodes of the cluster: from now on any of them takes any request. NULL: alone again. */
void dure_gateway_set_remotes(struct dure_gateway *gateway, struct dure_remotes *remotes);
/* The same for what the ports do. */
struct dure_ports;
void dure_gateway_set_ports(struct dure_gateway *gateway, const struct dure_ports *ports);
/* What browsers get at `/` (proto/console.h); lent for good. NULL: a plain list of the collections. */
struct dure_console;
void dure_gateway_set_console(struct dure_gateway *gateway, const struct dure_console *console);
/* GET /events works from now on, else it is a 503. Options: proto/sse.h, with its errors. */
DURE_MUST_CHECK int dure_gateway_open_events(struct dure_gateway *gateway,
                                             const struct dure_sse_options *options);
/* The node samples itself from now on, and GET /metrics/history works; else it is a 503. Options:
 * proto/sampler.h, with its errors. */
struct dure_sampler_options;
DURE_MUST_CHECK int dure_gateway_open_history(struct dure_gateway *gateway,
                                              const struct dure_sampler_options *options);
/* A node that is about to stop says so: /readyz answers 503 from now on, event streams end. */
void dure_gateway_stopping(struct dure_gateway *gateway);
/* True when no request and no query is under way. */
bool dure_gateway_idle(const struct dure_gateway *gateway);
/* Frees all. What is still under way then is never answered, and its memory is kept for the
 * callbacks that may yet come: wait for dure_gateway_idle where that matters. Safe on NULL. */
void dure_gateway_close(struct dure_gateway *gateway);

#endif
