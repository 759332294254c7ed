/*
 * One parameter of a query string.
 */
#ifndef DURE_PROTO_QUERY_TEXT_H
#define DURE_PROTO_QUERY_TEXT_H

#include "proto/server.h"

bool dure_query_has(struct dure_span query, const char *name);
/* The first parameter of this name, decoded, with a NUL behind it. False: there is none, it does not
 * fit, or has a NUL within; then out is "". */
bool dure_query_text(struct dure_span query, const char *name, char *out, size_t cap);

#endif
