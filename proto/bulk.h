/*
 * Bulk: POST /c of NDJSON, one command a line in, one result a line out (SPEC A2), streamed.
 */
#ifndef DURE_PROTO_BULK_H
#define DURE_PROTO_BULK_H

#include "proto/call.h"

/* True when this request is bulk and nothing is wrong with it: its body then comes piecewise. */
bool dure_bulk_wants(const struct dure_route *route, const struct dure_request *request);
/* Begins the answer. For a body that has come as a whole, feeds it and ends. */
void dure_bulk_start(struct dure_gateway *gateway, struct dure_exchange *exchange,
                     const struct dure_route *route);
/* From the server's handler; data of the exchange is the bulk (proto/streamed.h for the rest). */
void dure_bulk_body(struct dure_exchange *exchange, const char *data, size_t len);

#endif
