/*
 * The incremental parser of HTTP/1.1 requests (RFC 9112): bytes in; done, need more or bad out.
 *
 * A request is read in three steps. Each gives the same verdict wherever the bytes are cut.
 *   dure_http_scan   finds the end of the head and refuses what no head may contain
 *   dure_http_parse  reads a complete head; what it returns points into the head it was given
 *   dure_http_body   cuts the body out of its framing, piece by piece, without copying
 *
 * Stricter than llhttp: lines end in CRLF and nothing else, no obs-fold, no control characters, one
 * Content-Length, Transfer-Encoding only as "chunked". After BAD the connection has to be closed,
 * because it is unknown where the next request begins.
 */
#ifndef DURE_PROTO_HTTP_H
#define DURE_PROTO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/server.h"

enum dure_http_result { DURE_HTTP_DONE, DURE_HTTP_MORE, DURE_HTTP_BAD };

struct dure_http_limits {
    size_t line_bytes_max;    /* Request target; beyond: 414. Exactly a limit is taken, always. */
    size_t headers_bytes_max; /* All header lines with their ends, once more all trailers: 431. */
    size_t headers_count_max; /* Likewise. */
};

/* Where in a head its request line is: offsets from its first byte, so that it may move. */
struct dure_http_line {
    size_t method_at, method_len, target_at, target_len;
    bool http11;
};

/* What a head says. */
struct dure_http_head {
    enum dure_method method;
    struct dure_span target, path, query;
    struct dure_header *headers; /* The caller's array. */
    size_t headers_count;
    bool http11;     /* Else HTTP/1.0. */
    bool keep_alive; /* The client wants the connection kept. */
    bool chunked;
    bool has_length;
    bool expect_continue;    /* It waits for a 100 before it sends the body. */
    uint64_t content_length; /* 0 unless has_length. */
};

#define DURE_HTTP_PARSER_BYTES 160

struct dure_http {
    struct dure_http_limits limits;
    int status;         /* After BAD: the HTTP status … */
    const char *detail; /* … and a sentence that names what is wrong, without a full stop. */

    /* scan */
    size_t scanned;       /* Bytes known to be good, counted from the start of the message. */
    size_t line_at;       /* Start of the line being scanned. */
    size_t headers_at;    /* Start of the first header line; 0: still in the request line. */
    size_t headers_count; /* Header lines so far. */
    unsigned blank_lines; /* Before the request line. */
    bool method_seen;
    struct dure_http_line line;

    /* body */
    uint8_t part;          /* enum part in http.c */
    uint64_t left;         /* Bytes left of the body or of the chunk. */
    size_t trailers_bytes; /* Also counts chunk extensions. */
    size_t trailers_count;
    size_t extensions_bytes;

    /* llhttp's own state. Opaque, because llhttp.h is known to http.c alone. */
    _Alignas(16) unsigned char parser[DURE_HTTP_PARSER_BYTES];
};

/* Ready for the first request. */
void dure_http_init(struct dure_http *http, const struct dure_http_limits *limits);
/* Ready for the next request of the connection. */
void dure_http_reset(struct dure_http *http);

/* `data` is all that is there from the start of the message; on MORE call again with the same bytes
 * and more. DONE: the head has *used bytes and http->headers_count headers. */
enum dure_http_result dure_http_scan(struct dure_http *http, const char *data, size_t len,
                                     size_t *used);

/* Reads a head that was scanned, or a copy of it, in which bytes of an absolute-form target may be
 * moved. head->headers is an array of http->headers_count. Never MORE. */
enum dure_http_result dure_http_parse(struct dure_http *http, char *data, size_t len,
                                      struct dure_http_head *head);

/* The body after a parsed head. Takes *used bytes, lends at most one piece that points into `data`
 * (len 0: none). MORE with *used 0: it needs more bytes than these. DONE: the request ends here. */
enum dure_http_result dure_http_body(struct dure_http *http, const char *data, size_t len,
                                     size_t *used, struct dure_span *piece);

#endif
