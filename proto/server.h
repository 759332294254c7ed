/*
 * The HTTP/1.1 server (RFC 9110, 9112): listener, connections, deadlines, limits, pipelining,
 * drain. It knows nothing of routes or JSON; the gateway is its handler. Runs on the libuv loop.
 *
 * An exchange is one request and its response. Requests of one connection are handed over as they
 * arrive, up to a bound, and may be answered in any order: the server sends the responses in
 * request order. Everything answered during one round of the loop leaves in one write per connection.
 */
#ifndef DURE_PROTO_SERVER_H
#define DURE_PROTO_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/buf.h"
#include "runtime/errors.h"

struct uv_loop_s;
struct dure_server;
struct dure_exchange;

enum dure_method {
    DURE_GET, DURE_HEAD, DURE_POST, DURE_PUT, DURE_PATCH, DURE_DELETE, DURE_OPTIONS, DURE_OTHER,
};

struct dure_span {
    const char *data; /* Not NUL-terminated; NULL when absent. */
    size_t len;
};

struct dure_header {
    struct dure_span name, value; /* As sent, value without surrounding white space. */
};

/* Lent until the exchange is answered (buffered) or for the duration of the callback (streamed). */
struct dure_request {
    enum dure_method method;
    struct dure_span target;   /* Origin form as sent: "/shop/orders?page=1". Absolute form is
                                  reduced to it; "*" only for OPTIONS. */
    struct dure_span path;     /* Before '?', still percent-encoded. */
    struct dure_span query;    /* After '?', may be empty. */
    const struct dure_header *headers;
    size_t headers_count;
    struct dure_span body;     /* Whole body when buffered, chunks joined. */
    bool streaming;            /* The handler asked for on_body. */
};

/* Value of the first header of this name (case-insensitive); data NULL when absent. */
struct dure_span dure_request_header(const struct dure_request *request, const char *name);

/* Called on the loop. Must not block. */
struct dure_server_handler {
    /* Headers are complete and a body follows: true to receive it piecewise by on_body. */
    bool (*wants_stream)(void *arg, const struct dure_request *request);
    /* The request is complete, or its headers are, when streaming. The handler must answer every
     * exchange exactly once, at any later time. */
    void (*on_request)(void *arg, struct dure_exchange *exchange);
    /* Streaming only. A piece of the body; len 0 means the end. */
    void (*on_body)(void *arg, struct dure_exchange *exchange, const char *data, size_t len);
    /* Streaming only. What was written has left far enough that more may follow. */
    void (*on_drain)(void *arg, struct dure_exchange *exchange);
    /* The client is gone. The handler must still answer (the bytes are dropped) or, when
     * streaming, call dure_exchange_end. */
    void (*on_abort)(void *arg, struct dure_exchange *exchange);
    /* Appends a complete body for an error that the server itself answers (400, 408, 413, 414,
     * 431, 501, 503 …), e.g. a problem+json; sets *type to its media type. */
    void (*error_body)(void *arg, int status, const char *detail, struct dure_buf *out,
                       const char **type);
    void *arg;
};

struct dure_server_options {
    const char *host;            /* "127.0.0.1" */
    uint16_t port;               /* 0: any; ask dure_server_port. */
    bool reuse_port;             /* SO_REUSEPORT, for several nodes on one port. */
    uint32_t connections_max;    /* Beyond: 503 + Retry-After, closed. */
    uint32_t pipeline_max;       /* Unanswered requests of one connection; beyond: not read. */
    uint32_t exchanges_max;      /* Of all connections; beyond: 503 + Retry-After at once. */
    size_t line_bytes_max;       /* Request target; beyond: 414. */
    size_t headers_bytes_max;    /* All header lines with their ends; beyond: 431. */
    size_t headers_count_max;    /* Beyond: 431. */
    size_t body_bytes_max;       /* Buffered body; beyond: 413. */
    size_t output_bytes_max;     /* Unsent output of one connection; beyond: not read from. */
    size_t requests_bytes_max;   /* Requests that are arriving or unanswered, of all connections;
                                    beyond: 503 to who has been silent for longest. */
    size_t outputs_bytes_max;    /* Of all; beyond: who has kept us waiting for longest is closed. */
    /* The same while it sends a streamed body, so that who sends all of it before reading anything
     * gets far: each up to the first, all together about the second, none below the one above. */
    size_t stream_output_bytes_max, streams_output_bytes_max;
    uint64_t header_timeout_ms;  /* First byte to end of headers; beyond: 408. */
    uint64_t body_timeout_ms;    /* Longest silence within a body; beyond: 408. */
    uint64_t idle_timeout_ms;    /* Keep-alive without a request; beyond: closed. */
    uint64_t write_timeout_ms;   /* A client that takes nothing, and sends nothing of a streamed
                                    body either; beyond: closed. */
};

struct dure_server_stats {
    uint64_t connections, connections_total, requests_total, exchanges, refused_total,
        malformed_total, timeouts_total, bytes_in_total, bytes_out_total;
    uint64_t unsent_bytes;  /* Memory of answers that have not left. */
    uint64_t request_bytes; /* Memory of requests that are arriving or unanswered. */
};

/* Listens. The process must ignore SIGPIPE. 0, DURE_ESYSTEM (with errno in *os_error when not NULL), DURE_EINVAL (host). */
DURE_MUST_CHECK int dure_server_open(struct dure_server **server, struct uv_loop_s *loop,
                                     const struct dure_server_options *options,
                                     const struct dure_server_handler *handler, int *os_error);
uint16_t dure_server_port(const struct dure_server *server);
void dure_server_stats(const struct dure_server *server, struct dure_server_stats *stats);
/* Stops listening, answers what runs with Connection: close, closes idle connections, and calls cb
 * when the last one is gone or after timeout_ms, whichever is first. What is left then goes on. */
void dure_server_drain(struct dure_server *server, uint64_t timeout_ms, void (*cb)(void *arg),
                       void *arg);
/* Closes every connection, sending no more than the kernel takes at once. on_abort is called for
 * what is unanswered. */
void dure_server_cut(struct dure_server *server);
/* Closes everything; frees itself once libuv has closed its handles (run the loop on). */
void dure_server_close(struct dure_server *server);

const struct dure_request *dure_exchange_request(const struct dure_exchange *exchange);
/* A pointer of the handler's, for its own use. */
void dure_exchange_set_data(struct dure_exchange *exchange, void *data);
void *dure_exchange_data(const struct dure_exchange *exchange);

/*
 * Answers. `headers` is a run of complete "Name: value\r\n" lines (may be empty); the server adds
 * Content-Length, Date, Connection as needed. For HEAD the body is measured and left out.
 * Bytes are copied. The exchange is gone afterwards.
 */
void dure_exchange_respond(struct dure_exchange *exchange, int status,
                           const struct dure_buf *headers, const void *body, size_t body_len);

/* The answer will be about this large: until it is there, it counts as unsent output. So a client
 * cannot ask for many large answers at once and then read none of them. */
void dure_exchange_expect(struct dure_exchange *exchange, size_t bytes);

/* Streaming body: the handler has this much of it in memory. It counts as the request's. */
void dure_exchange_keeps(struct dure_exchange *exchange, size_t bytes);

/* A streamed answer: chunked (HTTP/1.1) or until close (1.0). end frees the exchange. */
void dure_exchange_start(struct dure_exchange *exchange, int status,
                         const struct dure_buf *headers);
void dure_exchange_write(struct dure_exchange *exchange, const void *bytes, size_t len);
void dure_exchange_end(struct dure_exchange *exchange);
/* Unsent bytes of this connection: stop writing when large, go on at on_drain. */
size_t dure_exchange_pending(const struct dure_exchange *exchange);
/* Streaming body: stop and resume on_body (bytes then wait in the socket). */
void dure_exchange_pause(struct dure_exchange *exchange);
void dure_exchange_resume(struct dure_exchange *exchange);

/* Standard reason phrase (RFC 9110 section 15; 507 of RFC 4918, 428/429/431 of RFC 6585). */
const char *dure_http_reason(int status);

#endif
