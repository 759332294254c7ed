/*
 * What the files of the server share; nobody else includes it.
 *
 *   server.c      life of the server: listener, drain, close, the stages of a loop round
 *   connection.c  the bytes, the time and the end of one connection
 *   receive.c     from bytes to exchanges
 *   exchange.c    the order of answers; the handler's side of server.h
 *   output.c      one write per connection and round; buffers
 *   held.c        the memory of requests, and who makes room
 *   response.c    the bytes of a response head
 *   deadline.c    all time-outs on one timer
 *
 * Everything runs on the loop thread.
 */
#ifndef DURE_PROTO_SERVING_H
#define DURE_PROTO_SERVING_H

#include <uv.h>

#include "proto/http.h"
#include "proto/ring.h"
#include "proto/server.h"

#define DURE_SERVING_INPUT_BYTES (64 * 1024)
#define DURE_SERVING_SPARES_MAX 64
#define DURE_SERVING_NO_ROOM "requests take too much memory at present"
/* A buffer larger than this is not kept for reuse. */
#define DURE_SERVING_KEPT_BYTES (64 * 1024)

enum dure_deadline_kind {
    DURE_DEADLINE_NONE,
    DURE_DEADLINE_HEADER,
    DURE_DEADLINE_BODY,
    DURE_DEADLINE_IDLE,
    DURE_DEADLINE_WRITE,
    DURE_DEADLINE_LINGER,
    DURE_DEADLINE_KINDS,
};

/* All deadlines of one kind are equally long, so a ring in order of insertion is in order of time.
 */
struct dure_deadline {
    struct dure_ring link;
    uint64_t due_ms;
    enum dure_deadline_kind kind;
};

struct dure_exchange {
    struct dure_request request;
    struct dure_server *server;
    struct dure_connection *connection; /* NULL when the client is gone. */
    struct dure_ring link;      /* Of the connection, of the orphans, or of the free ones. */
    void *data;                 /* The handler's. */
    struct dure_buf head, body; /* What request points into. */
    struct dure_buf out;        /* Answer bytes that wait for earlier answers. */
    struct dure_header *headers;
    size_t headers_cap;
    bool http11;
    bool keep_alive; /* The connection goes on after this answer. */
    bool given;      /* The handler has it and has to answer. */
    bool received;   /* The request has come to its end. */
    bool started;    /* dure_exchange_start was called. */
    bool chunked;    /* The answer is. */
    bool bodiless;   /* HEAD, 204, 304: body bytes of the answer are dropped. */
    bool answered;
    bool paused;
    bool skipped;     /* Refused; its request body is read and dropped. */
    size_t expected;  /* Bytes of the answer that is to come. */
    size_t counted;   /* What connection->behind_bytes holds of this. */
    size_t kept_bytes; /* Of a streamed body, by the handler. */
    size_t held_bytes; /* What stats.request_bytes holds of this. */
    bool wants_drain; /* The handler saw unsent bytes and may wait for on_drain. */
};

enum dure_connection_state {
    DURE_CONNECTION_OPEN,   /* Requests are read. */
    DURE_CONNECTION_LAST,   /* No further request is read; answers still go out. */
    DURE_CONNECTION_LINGER, /* All is sent; what the client still sends is dropped. */
    DURE_CONNECTION_CLOSED, /* Waits for libuv's close callback. */
};

struct dure_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct dure_server *server;
    struct dure_ring link;  /* server->connections */
    struct dure_ring dirty; /* server->dirty */
    enum dure_connection_state state;
    struct dure_http http;
    struct dure_buf in;         /* Bytes that could not be parsed yet … */
    size_t in_at;               /* … from here on. */
    size_t held_bytes;          /* What stats.request_bytes holds of them. */
    struct dure_ring exchanges; /* In request order. */
    size_t exchanges_count;
    struct dure_exchange *receiving; /* Its body is being read; the last of exchanges. */
    uint64_t receiving_until_ms;     /* The latest end of a buffered body. */
    struct dure_buf out;             /* Answers in order, not yet handed to the kernel. */
    struct dure_buf sending;         /* What libuv is writing. */
    size_t sending_left;             /* At the last look of the write deadline. */
    size_t behind_bytes;             /* Answers that wait for one before them, or are expected. */
    size_t counted_bytes;            /* What stats.unsent_bytes holds of this. */
    struct dure_deadline read_deadline, write_deadline;
    size_t dropped_bytes; /* Read and thrown away at the end. */
    bool reading;         /* uv_read_start is in force. */
    bool body_ended;      /* Received while paused: on_body(0) is still due. */
    bool feeding;
    bool writing; /* A uv_write is under way. */
    bool lingers; /* Ends with a lingering close. */
    bool eof;     /* The client has shut down its side. */
    bool heard;   /* More of a streamed body came since the last look of the write deadline. */
};

struct dure_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t timer;
    int handles_open; /* Of these four. */
    bool closing;     /* dure_server_close was called. */
    bool draining;
    int sweep_rounds; /* Loop rounds until idle connections are closed by a drain. */
    bool listening;
    uint16_t port;
    struct dure_server_options options;
    struct dure_server_handler handler;
    struct dure_server_stats stats;
    struct dure_ring connections;
    struct dure_ring dirty;    /* Have something to do before the loop polls again. */
    struct dure_ring orphans;  /* Exchanges without a client that the handler still has. */
    struct dure_ring aborting; /* Orphans of which the handler has not been told. */
    struct dure_ring free_exchanges;
    size_t free_exchanges_count;
    size_t streams_count; /* Exchanges with a streamed body, from on_request until their answer. */
    size_t exchanges_count; /* Not free, those of orphans included. */
    struct dure_ring deadlines[DURE_DEADLINE_KINDS];
    uint64_t spans_ms[DURE_DEADLINE_KINDS];
    uint64_t timer_due_ms; /* 0: not running. */
    uint64_t drain_due_ms; /* 0: none. */
    void (*drain_cb)(void *arg);
    void *drain_arg;
    struct dure_buf spares[DURE_SERVING_SPARES_MAX];
    size_t spares_count;
    struct dure_buf error_headers, error_body;
    int64_t date_s;
    char date[40]; /* "Date: …\r\n" */
    size_t date_len;
    char input[DURE_SERVING_INPUT_BYTES]; /* What a read fills; empty again when it returns. */
};

/* server.c */
void dure_server_connection_gone(struct dure_server *server);
void dure_server_exchange_gone(struct dure_server *server);

/* connection.c */
void dure_connection_accept(struct dure_server *server);
/* Sends what is there, goes on with what had to wait, ends what is finished. */
void dure_connection_work(struct dure_connection *connection);
void dure_connection_expired(struct dure_connection *connection, enum dure_deadline_kind kind);
/* Work for this connection before the loop polls again. */
void dure_connection_mark(struct dure_connection *connection);
/* No further request is read. */
void dure_connection_last(struct dure_connection *connection);
/* Closes at once; the handler is told of exchanges that it has not answered. */
void dure_connection_abort(struct dure_connection *connection);
/* The request that is arriving is refused with 503 and its memory freed: there is no room. */
void dure_connection_give_up(struct dure_connection *connection);
/* Nothing is going on and nothing has been received. */
bool dure_connection_idle(const struct dure_connection *connection);

/* receive.c */
/* More may be parsed now: the pipeline and the output have room, nobody has paused. */
bool dure_receive_wanted(const struct dure_connection *connection);
/* Parses while wanted. Returns the bytes used up. */
size_t dure_receive_feed(struct dure_connection *connection, const char *data, size_t len);
/* Answers in place of a request that cannot be read. */
void dure_receive_refuse(struct dure_connection *connection, int status, const char *detail);
/* The request in the middle of whose body we are comes to nothing. */
void dure_receive_fail(struct dure_connection *connection, int status, const char *detail);

/* exchange.c */
struct dure_exchange *dure_exchange_new(struct dure_connection *connection);
void dure_exchange_give(struct dure_exchange *exchange);
void dure_exchange_continue(struct dure_exchange *exchange);
/* The server's own answer to an exchange that the handler does not have. */
void dure_exchange_refuse(struct dure_exchange *exchange, int status, const char *detail,
                          bool keep_alive);
/* Takes all exchanges from a connection that is gone. */
void dure_exchange_orphan_all(struct dure_connection *connection);
/* Takes one that the handler has from its connection. */
void dure_exchange_orphan(struct dure_exchange *exchange);
/* Tells the handler of orphans. */
void dure_exchange_tell_orphans(struct dure_server *server);
void dure_exchange_free_pool(struct dure_server *server);

/* output.c */
void dure_output_flush(struct dure_server *server);
void dure_output_send(struct dure_connection *connection);
size_t dure_output_unsent(const struct dure_connection *connection);
/* Brings the server's count of unsent bytes up to date. */
void dure_output_count(struct dure_connection *connection);
/* An empty buffer with memory from last time, if there is one; and back. */
struct dure_buf dure_output_take_spare(struct dure_server *server);
void dure_output_give_spare(struct dure_server *server, struct dure_buf *buf);

/* held.c: memory of requests */
/* Bring the count up to date: what an exchange holds; what a connection cannot parse yet. */
void dure_held_exchange(struct dure_exchange *exchange);
void dure_held_input(struct dure_connection *connection);
/* Whether there is room, which other connections make by losing what they were sending. False:
 * there is none, and `own` has to be refused. */
bool dure_held_room(struct dure_connection *own);

/* response.c */
enum dure_response_framing { DURE_RESPONSE_LENGTH, DURE_RESPONSE_CHUNKED, DURE_RESPONSE_CLOSE };
void dure_response_head(struct dure_server *server, struct dure_buf *out, int status,
                        const struct dure_buf *headers, enum dure_response_framing framing,
                        size_t body_len);

/* deadline.c */
void dure_deadline_set(struct dure_server *server, struct dure_deadline *deadline,
                       enum dure_deadline_kind kind);
void dure_deadline_clear(struct dure_deadline *deadline);
/* Runs the timer no later than this. */
void dure_deadline_arm(struct dure_server *server, uint64_t due_ms);
void dure_deadline_on_timer(uv_timer_t *timer);

#endif
