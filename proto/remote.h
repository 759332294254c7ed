/*
 * Asking another node something, and being asked: pairs of frames over the peers. What was asked is
 * answered once, or fails when the session with that node ends: then it is unknown whether the
 * other side has done it, and nobody repeats it here. Loop thread.
 */
#ifndef DURE_PROTO_REMOTE_H
#define DURE_PROTO_REMOTE_H

#include "runtime/buf.h"
#include "runtime/peer.h"

struct dure_remotes;

/* Embedded by who asks, who keeps it until done. */
struct dure_remote {
    /* 0 and the answer's bytes, lent; DURE_EUNAVAILABLE: the node has gone away; DURE_ESHUTDOWN: we
     * stop (cut). Not within ask. */
    void (*done)(struct dure_remote *remote, int rv, const void *bytes, size_t len);
    uint16_t node;
    /* Private. */
    uint32_t place;
    struct dure_buf answer; /* Its pieces so far. */
};

/* Where an answer goes. */
struct dure_remote_origin {
    uint64_t id;
    uint64_t session; /* Ours with the node: an answer to one that has ended is dropped. */
    uint16_t node;
    uint16_t kind;
};

/* Somebody asks: bytes are lent, 8-byte aligned. Each must be answered once, at any later time. */
typedef void dure_remote_handler(void *arg, const struct dure_remote_origin *origin,
                                 const void *bytes, size_t len);

/* Uses the kinds FORWARD to PART of the peers, before their first run. The peers are kept. 0 or
 * DURE_ENOMEM. */
DURE_MUST_CHECK int dure_remote_open(struct dure_remotes **remotes, struct dure_peers *peers);
/* `kind` is DURE_PEER_FORWARD or DURE_PEER_GATHER. */
void dure_remote_serve(struct dure_remotes *remotes, enum dure_peer_kind kind,
                       dure_remote_handler *handler, void *arg);
/* Waits no longer for what was asked of anybody. */
void dure_remote_cut(struct dure_remotes *remotes);
/* Nothing asked may be outstanding. NULL: nothing. */
void dure_remote_close(struct dure_remotes *remotes);

const struct dure_peers *dure_remote_peers(const struct dure_remotes *remotes);
uint16_t dure_remote_nodes(const struct dure_remotes *remotes);
uint16_t dure_remote_self(const struct dure_remotes *remotes);
/* How many of the other nodes cannot be asked now; *first is the first of them, if any. */
uint16_t dure_remote_down(const struct dure_remotes *remotes, uint16_t *first);

/* Room for the head of a frame: to be called on an empty buffer before what is asked or answered.
 */
void dure_remote_begin(struct dure_buf *frame);
/*
 * Asks another node; remote->done is set. 0, and done follows. Refused, nothing was sent:
 * DURE_EUNAVAILABLE (no session), DURE_EBUSY (its window, or ours, is full), DURE_ETOOBIG.
 */
DURE_MUST_CHECK int dure_remote_ask(struct dure_remotes *remotes, struct dure_remote *remote,
                                    uint16_t node, enum dure_peer_kind kind,
                                    struct dure_buf *frame);
/* Answers; of any size. What finds no room now is copied and sent later. */
void dure_remote_answer(struct dure_remotes *remotes, const struct dure_remote_origin *origin,
                        struct dure_buf *frame);

#endif
