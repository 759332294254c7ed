/*
 * The four sockets of the event stream, on nng: PUB, SUB, REP, REQ. Its .c, listening.c and hangup.c
 * are the only files of the stream that know nng.
 *
 * URLs are nng's: inproc://name, ipc:///path, tcp://host:port. Everything is thread-safe but for
 * open and close; close waits for nobody else's call, so stop those first or let them end by
 * DURE_ESHUTDOWN.
 */
#ifndef DURE_PROTO_SOCK_H
#define DURE_PROTO_SOCK_H

#include <stdint.h>

#include "runtime/buf.h"
#include "runtime/errors.h"

#define DURE_SOCK_URL_BYTES 128
/* Addresses of one SUB. */
#define DURE_SOCK_DIALS_MAX 64

/* ---- PUB: never blocks, never fails; a subscriber that is too slow loses messages ------------- */

struct dure_pub;
/* Keeps up to `buffer` messages a subscriber. `peers` is called on a thread of nng's whenever one
 * comes or goes. DURE_ENOMEM, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_pub_open(struct dure_pub **pub, int buffer, void (*peers)(void *arg),
                                  void *arg);
/* *port (may be NULL): of a tcp URL with port 0, the one that was given. DURE_ESYSTEM: no address. */
DURE_MUST_CHECK int dure_pub_listen(struct dure_pub *pub, const char *url, uint16_t *port);
unsigned dure_pub_peers(const struct dure_pub *pub);
void dure_pub_send(struct dure_pub *pub, const void *bytes, size_t len);
void dure_pub_close(struct dure_pub *pub);

/* ---- SUB ------------------------------------------------------------------------------------- */

struct dure_sub;
/* Of messages that begin with `topic`; keeps up to `buffer`, then loses the oldest. */
DURE_MUST_CHECK int dure_sub_open(struct dure_sub **sub, const char *topic, int buffer);
/* Of those that begin with this topic as well. DURE_ENOMEM. */
DURE_MUST_CHECK int dure_sub_add(struct dure_sub *sub, const char *topic);
/* Connects now or later, and again after a loss. DURE_EINVAL: the URL is none. */
DURE_MUST_CHECK int dure_sub_dial(struct dure_sub *sub, const char *url);
/* Puts the next message into *out (emptied first). DURE_EBUSY: none came in time; DURE_ESHUTDOWN. */
DURE_MUST_CHECK int dure_sub_recv(struct dure_sub *sub, int timeout_ms, struct dure_buf *out);
/* Waits for a message of everybody who is connected, but not long. */
void dure_sub_close(struct dure_sub *sub);

/* ---- REQ ------------------------------------------------------------------------------------- */

struct dure_req;
DURE_MUST_CHECK int dure_req_open(struct dure_req **req, const char *url);
/* Waits for the reply, appended to *reply. DURE_EUNAVAILABLE: the connection is gone (the very first
 * one is waited for), or no reply came in time; DURE_ESHUTDOWN. */
DURE_MUST_CHECK int dure_req_ask(struct dure_req *req, const void *bytes, size_t len,
                                 int timeout_ms, struct dure_buf *reply);
void dure_req_close(struct dure_req *req);

/* ---- REP: some threads, each with one request at a time ---------------------------------------- */

struct dure_rep;
/* Answers into *reply (empty). Called on the threads of the socket. */
typedef void dure_rep_answer(void *arg, const char *request, size_t len, struct dure_buf *reply);
DURE_MUST_CHECK int dure_rep_open(struct dure_rep **rep, unsigned threads, dure_rep_answer *answer,
                                  void *arg);
DURE_MUST_CHECK int dure_rep_listen(struct dure_rep *rep, const char *url, uint16_t *port);
/* Waits for answers that are being made. */
void dure_rep_close(struct dure_rep *rep);

#endif
