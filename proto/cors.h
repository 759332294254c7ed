/*
 * Cross-origin requests as the originals' gateway allows them (SPEC A9; WHATWG Fetch, "CORS
 * protocol"): every origin, with credentials, all methods and headers.
 */
#ifndef DURE_PROTO_CORS_H
#define DURE_PROTO_CORS_H

#include "proto/server.h"

/* Appends the headers of an answer to a request that has an Origin; else nothing. */
void dure_cors_add(const struct dure_request *request, struct dure_buf *headers);
/* True for a preflight: OPTIONS with Origin and Access-Control-Request-Method. */
bool dure_cors_is_preflight(const struct dure_request *request);
/* Appends what a preflight asks for. */
void dure_cors_preflight(const struct dure_request *request, struct dure_buf *headers);

#endif
