/*
 * Reads HTTP/1.1 responses from a byte stream, whole bodies or line by line. Nothing is copied
 * unless a body or a line arrives in pieces.
 */
#ifndef DURE_CMD_BENCH_HTTP_H
#define DURE_CMD_BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/errors.h"

struct dure_bench_http;

struct dure_bench_http_handler {
    /* The whole body of a response (may be empty); in line mode, a line of a 2xx response, without
     * its newline. The bytes are lent for the call. Must not feed. */
    void (*result)(void *arg, int status, const char *data, size_t len);
    /* The response is complete. */
    void (*end)(void *arg, int status, bool keep_alive);
    void *arg;
};

struct dure_bench_http *dure_bench_http_new(const struct dure_bench_http_handler *handler,
                                            bool lines);
void dure_bench_http_free(struct dure_bench_http *http);
/* Forgets a half-read response: for a new connection. */
void dure_bench_http_reset(struct dure_bench_http *http);
/* 0, or DURE_EINVAL: this is not HTTP; only reset may follow. */
DURE_MUST_CHECK int dure_bench_http_feed(struct dure_bench_http *http, const char *data,
                                         size_t len);

#endif
