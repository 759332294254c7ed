/*
 * application/problem+json (RFC 9457), with `message` and `errors` besides (SPEC A8).
 */
#ifndef DURE_PROTO_PROBLEM_H
#define DURE_PROTO_PROBLEM_H

#include "proto/server.h"
#include "runtime/schema.h"

#define DURE_PROBLEM_TYPE "application/problem+json"

/* Appends the object. `instance` is a path as it was sent or made; detail is UTF-8; errors may be
 * NULL. */
void dure_problem_write(struct dure_buf *out, int status, const char *detail,
                        struct dure_span instance, const struct dure_field_errors *errors);

/* A piece of a URL within a JSON string: what is no plain URL byte is percent-encoded. */
void dure_problem_url(struct dure_buf *out, struct dure_span url);

#endif
