/*
 * Runs the parser of proto/http.h over a stream of bytes that is cut at given places, and writes
 * down what came out. Two runs over the same bytes must give the same trace, wherever they are cut.
 */
#ifndef DURE_TESTS_HTTP_TRACE_H
#define DURE_TESTS_HTTP_TRACE_H

#include <stdlib.h>

#include "proto/http.h"

struct http_trace {
    struct dure_http_limits limits;
    size_t body_bytes_max;
    struct dure_buf text; /* The trace. */
    int status;           /* Of BAD; 0: none. */
    const char *detail;
    size_t requests;      /* Complete ones. */
    struct dure_buf body; /* Of the last request. */
};

static void http_trace_span(struct dure_buf *text, const char *label, struct dure_span span)
{
    dure_buf_text(text, label);
    dure_buf_byte(text, '[');
    dure_buf_add(text, span.data, span.len);
    dure_buf_lit(text, "]\n");
}

static void http_trace_head(struct http_trace *trace, const struct dure_http_head *head)
{
    struct dure_buf *text = &trace->text;
    dure_buf_printf(text, "head %d %d%d%d%d%d %llu\n", (int)head->method, head->http11,
                    head->keep_alive, head->chunked, head->has_length, head->expect_continue,
                    (unsigned long long)head->content_length);
    http_trace_span(text, "target", head->target);
    http_trace_span(text, "path", head->path);
    http_trace_span(text, "query", head->query);
    for (size_t i = 0; i < head->headers_count; i++) {
        http_trace_span(text, "name", head->headers[i].name);
        http_trace_span(text, "value", head->headers[i].value);
    }
}

static void http_trace_bad(struct http_trace *trace, const struct dure_http *http)
{
    trace->status = http->status;
    trace->detail = http->detail;
    dure_buf_printf(&trace->text, "bad %d %s\n", http->status, http->detail);
}

/* One step on what is there. Returns false when it needs more bytes or is over. */
static bool http_trace_step(struct http_trace *trace, struct dure_http *http, bool *in_body,
                            const char *data, size_t len, size_t *used)
{
    *used = 0;
    if (!*in_body) {
        if (len == 0) return false;
        enum dure_http_result result = dure_http_scan(http, data, len, used);
        if (result == DURE_HTTP_BAD) http_trace_bad(trace, http);
        if (result != DURE_HTTP_DONE) return false;
        /* A copy of its own size, so that the sanitizer sees every byte too far. */
        char *copy = malloc(*used);
        struct dure_header *headers = calloc(http->headers_count + 1, sizeof *headers);
        DURE_ASSERT(copy != NULL && headers != NULL);
        memcpy(copy, data, *used);
        struct dure_http_head head = {.headers = headers};
        result = dure_http_parse(http, copy, *used, &head);
        if (result == DURE_HTTP_BAD)
            http_trace_bad(trace, http);
        else
            http_trace_head(trace, &head);
        free(headers);
        free(copy);
        trace->body.len = 0;
        *in_body = true;
        return result == DURE_HTTP_DONE;
    }
    struct dure_span piece;
    enum dure_http_result result = dure_http_body(http, data, len, used, &piece);
    if (result == DURE_HTTP_BAD) {
        http_trace_bad(trace, http);
        return false;
    }
    size_t room = trace->body_bytes_max - trace->body.len;
    if (piece.len > 0) dure_buf_add(&trace->body, piece.data, piece.len < room ? piece.len : room);
    if (result == DURE_HTTP_MORE) return *used > 0;
    http_trace_span(&trace->text, "body", (struct dure_span){trace->body.data, trace->body.len});
    trace->requests++;
    *in_body = false;
    dure_http_reset(http);
    return true;
}

/* `next_cut` says how many bytes come next (at least 1). */
static void http_trace_run(struct http_trace *trace, const char *data, size_t len,
                           size_t (*next_cut)(void *arg), void *arg)
{
    struct dure_http http;
    bool in_body = false;
    size_t at = 0, there = 0;
    dure_http_init(&http, &trace->limits);
    while (trace->status == 0 && there < len) {
        size_t more = next_cut(arg);
        there = more < len - there ? there + more : len;
        bool again = true;
        while (again && trace->status == 0) {
            /* Moved each time, as a connection's buffer may be. */
            char *window = malloc(there - at + 1);
            DURE_ASSERT(window != NULL);
            memcpy(window, data + at, there - at);
            size_t used = 0;
            again = http_trace_step(trace, &http, &in_body, window, there - at, &used);
            free(window);
            at += used;
        }
    }
}

static void http_trace_fini(struct http_trace *trace)
{
    dure_buf_fini(&trace->text);
    dure_buf_fini(&trace->body);
}

#endif
