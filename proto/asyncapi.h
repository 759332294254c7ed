/*
 * GET /asyncapi.json: the events that a node publishes, as AsyncAPI 3.0
 * (asyncapi.com/docs/reference/specification/v3.0.0), from the tables of events.
 *
 * A channel per type of event, with the topic as its address: what nng's SUB subscribes to, and the
 * `topic` of GET /events.
 */
#ifndef DURE_PROTO_ASYNCAPI_H
#define DURE_PROTO_ASYNCAPI_H

#include "proto/describe.h"

struct dure_asyncapi_ports {
    int64_t http;
    int64_t events, replay; /* nng; up to 0: there is no such door. */
};

/* A new reference. Any thread, once there are routes. */
json_t *dure_asyncapi_make(const struct dure_routes *routes, const char *version,
                           const struct dure_asyncapi_ports *ports);

#endif
