/*
 * What server.c (listener, deadlines, drain) and connection.c (one client) share.
 */
#ifndef DURE_PROTO_CONNECTION_H
#define DURE_PROTO_CONNECTION_H

#include <uv.h>

#include "proto/http.h"

struct dure_exchange {
    struct dure_connection *connection;
    struct dure_exchange *next;     /* In request order; in the pool when free. */
    struct dure_request request;
    struct dure_header *headers;
    size_t headers_cap;
    struct dure_buf head;           /* The request's head: spans point into it. */
    struct dure_buf body;           /* Its body, when buffered. */
    struct dure_buf out;            /* Response bytes while an earlier one is unanswered. */
    void *data;
    bool keep_alive, http10, chunked;
    bool answered;                  /* Complete: may leave once it is first. */
    bool started;                   /* A streamed answer is under way. */
    bool body_done;                 /* Streaming request: its end was handed over. */
    bool paused, aborted;
};

struct dure_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct dure_server *server;
    struct dure_connection *next, *prev; /* Of the server. */
    struct dure_connection *flush_next;
    struct dure_http http;
    struct dure_exchange *receiving;     /* Whose body is being received, buffered or streamed. */
    struct dure_exchange *first, **last; /* Unanswered or unsent, in request order. */
    uint32_t pending;                    /* Exchanges in the list. */
    struct dure_buf in;                  /* Read but not parsed yet. */
    struct dure_buf out, writing;        /* To send; being sent by libuv. */
    uint64_t since_ms;                   /* Last progress, for the deadline of the phase. */
    uint64_t write_since_ms;
    bool reading, flush_listed, write_on, last_answer, lingering, eof, in_feed, in_body;
    bool closing, closed; /* uv_close was called; has called back. */
};

struct dure_server {
    uv_tcp_t listener;
    uv_timer_t timer;   /* Deadlines. */
    uv_prepare_t prepare; /* Sends what the round has gathered, before the poll waits. */
    uv_loop_t *loop;
    struct dure_server_options options;
    struct dure_server_handler handler;
    struct dure_server_stats stats;
    struct dure_connection *connections;
    struct dure_connection *flush;       /* With something to send. */
    struct dure_exchange *pool;
    char read_buf[64 * 1024];
    char date[64];
    size_t date_len;
    time_t date_at;
    bool draining, closing;
    int handles; /* Open: the server is freed at 0 connections and 0 handles. */
    uint64_t drain_until_ms;
    void (*drain_cb)(void *arg);
    void *drain_arg;
};

struct dure_connection *dure_connection_new(struct dure_server *server);
void dure_connection_start(struct dure_connection *connection);
void dure_connection_close(struct dure_connection *connection);
void dure_connection_flush(struct dure_connection *connection);
/* Answers an error by the server itself and closes behind it. */
void dure_connection_refuse(struct dure_connection *connection, int status, const char *detail);
/* Closes or refuses when the deadline of its phase has passed. */
void dure_connection_tick(struct dure_connection *connection, uint64_t now_ms);
void dure_server_forget(struct dure_connection *connection);
const char *dure_server_date(struct dure_server *server, size_t *len);

#endif
