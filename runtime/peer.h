/*
 * Peers: the other nodes of the cluster, each reached by frames that arrive whole, once and in
 * order, over a wire that may lose, delay, double and reorder datagrams. It lasts as long as a
 * session: when either side restarts, or hears nothing of the other for too long, what was not
 * acknowledged is dropped, `down` and (when they have met again) `up` are called, and the layers
 * above repeat what must not be lost (links) or say that they do not know (forwarded commands:
 * 503).
 *
 *   frames     ─ send ─► batch ─► datagram 1, 2, 3 … ─ wire ─► put in order ─► frame(from, bytes)
 *                                 kept until ◄────── cumulative ack, missing range ──────┘
 *
 *   session    Each side draws a random number for each peer; a datagram carries the sender's and,
 *              as far as known, the receiver's. Only a datagram that names both rightly is of the
 *              session. One that names ours beside an unknown one of theirs is fresh (they have
 *              heard us) and begins a new session; all others are answered with ours, and ignored.
 *   loss       A gap is reported with the next datagram back; the missing ones are sent again. What
 *              is not acknowledged for DURE_PEER_RESEND_MS is sent again anyway.
 *   window     Up to DURE_PEER_WINDOW_BYTES and DURE_PEER_WINDOW_DATAGRAMS a peer are on their way;
 *              then dure_peer_send refuses (DURE_EBUSY) and calls `room` when there is some again.
 *   batching   Frames gather until dure_peer_run (once a loop round) or DURE_PEER_DATAGRAM_BYTES;
 *              a larger frame travels in pieces.
 *   heartbeat  Every DURE_PEER_HEARTBEAT_MS when nothing else was sent; DURE_PEER_SILENCE_MS
 *              without a word, or the wire's hint, and the peer is down.
 *
 * Loop thread. It sees io.h (time, random) and the wire, nothing else.
 */
#ifndef DURE_RUNTIME_PEER_H
#define DURE_RUNTIME_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/bounds.h"
#include "runtime/errors.h"
#include "runtime/io.h"

/* Under the peers: carries datagrams of up to DURE_PEER_DATAGRAM_BYTES_MAX, unreliably. proto/bus.c
 * does it by nng, tests/sim by a simulated one. */
struct dure_wire {
    /* Lends the bytes: copy what must be kept. Never blocks, never fails visibly; must not call
     * dure_peer_* before it returns. */
    void (*send)(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len);
};

/*
 * The head of a datagram; pieces of frames follow. Native byte order: nodes of one cluster run on
 * machines of one kind (the version says so, else it is ignored). `to` comes first so that a wire
 * with topics (PUB/SUB) can use its two bytes as the topic and needs no head of its own.
 */
struct dure_datagram {
    uint16_t to, from;    /* Node numbers. */
    uint16_t nodes;       /* Of the cluster: another number is another cluster. */
    uint16_t version;     /* DURE_PEER_VERSION */
    uint64_t session;     /* The sender's. */
    uint64_t to_session;  /* The receiver's, 0: not known. */
    uint64_t seq;         /* From 1 in each session; 0: no pieces follow (heartbeat, ack). */
    uint64_t ack;         /* All up to here have come. */
    uint64_t missing;     /* ack + 1 … missing have not, though later ones have; 0: no gap. */
};
_Static_assert(sizeof(struct dure_datagram) == 48, "wire size");
#define DURE_PEER_VERSION 1

struct dure_peer_piece { /* `len` bytes follow, padded to 8. */
    uint32_t len;
    uint16_t kind;
    uint16_t more;        /* 1: the frame goes on in the next piece. */
};
_Static_assert(sizeof(struct dure_peer_piece) == 8, "wire size");

/* What a frame is for: who gets it at the other end. */
enum dure_peer_kind {
    DURE_PEER_LINK = 1,   /* runtime/links.h */
    DURE_PEER_FORWARD,    /* A request for the node that owns the shard … */
    DURE_PEER_REPLY,      /* … and its answer. */
    DURE_PEER_GATHER,     /* A part of a list is asked for … */
    DURE_PEER_PART,       /* … and given. */
    DURE_PEER_LOOK,       /* An actor's state is asked for (runtime/look_peer.h) … */
    DURE_PEER_SEEN,       /* … and told. */
    DURE_PEER_IDS,        /* How far the ids have come (runtime/ids_peer.h). */
    DURE_PEER_KINDS       /* Count. */
};

struct dure_peers;

/* A layer above. Any callback may be NULL; all may call dure_peer_send. Kept by its owner until
 * dure_peer_close. None is called within dure_peer_send, dure_peer_use or dure_peer_close. */
struct dure_peer_user {
    /* Bytes are lent, 8-byte aligned. */
    void (*frame)(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                  size_t len);
    void (*up)(void *arg, uint16_t node);   /* A session has begun: frames can be sent. */
    void (*down)(void *arg, uint16_t node); /* It is over: what was on its way may have come. */
    void (*room)(void *arg, uint16_t node); /* After DURE_EBUSY: send again. */
    void *arg;
};

struct dure_peer_options {
    uint16_t node, nodes;     /* Ours; all together. 0 ≤ node < nodes ≤ DURE_NODES_MAX. */
    struct dure_io *io;       /* Of it: mono_ns, random. */
    struct dure_wire *wire;   /* Kept until dure_peer_close. */
    uint32_t window_bytes;    /* 0: DURE_PEER_WINDOW_BYTES. */
};

/* What is known of a peer; counters since open. */
struct dure_peer_status {
    bool up;
    int64_t heard_ms_ago;     /* -1: never. */
    uint64_t sessions;        /* Begun. */
    uint64_t datagrams_sent, datagrams_resent, datagrams_received, datagrams_ignored, gaps;
    uint64_t frames_sent, frames_received, bytes_sent, bytes_received;
    size_t bytes_unacked;
};

/* DURE_ENOMEM. The peers begin to meet with the first dure_peer_run. */
DURE_MUST_CHECK int dure_peer_open(struct dure_peers **peers,
                                   const struct dure_peer_options *options);
void dure_peer_close(struct dure_peers *peers); /* NULL: nothing. Says nothing to the peers. */
/* `user` gets frames of `kind`, and up, down and room of all. One a kind; a user of several kinds
 * hears up, down and room once for each. Before the first dure_peer_run. */
void dure_peer_use(struct dure_peers *peers, enum dure_peer_kind kind,
                   const struct dure_peer_user *user);

bool dure_peer_is_up(const struct dure_peers *peers, uint16_t node);
uint16_t dure_peer_nodes(const struct dure_peers *peers);
uint16_t dure_peer_self(const struct dure_peers *peers);
/* True: dure_peer_send would take a frame of any size. */
bool dure_peer_room(const struct dure_peers *peers, uint16_t node);
/*
 * Takes a frame of up to DURE_PEER_FRAME_BYTES_MAX for another node (never ourselves); copies it.
 * 0: it arrives once and in order, or the session ends. Refused, nothing taken: DURE_EUNAVAILABLE
 * (no session), DURE_EBUSY (the window is full; `room` follows), DURE_ETOOBIG.
 */
DURE_MUST_CHECK int dure_peer_send(struct dure_peers *peers, uint16_t node,
                                   enum dure_peer_kind kind, const void *bytes, size_t len);

/* From the wire. A datagram has come: lent, any alignment; anything malformed is ignored. */
void dure_peer_received(struct dure_peers *peers, const void *bytes, size_t len);
/* From the wire: a connection with the node was made (they meet at once), or broke (down at
 * once). */
void dure_peer_hint(struct dure_peers *peers, uint16_t node, bool connected);
/*
 * Once a round of the loop, after the turn: sends what has gathered, what must be sent again, acks
 * and heartbeats; notices silence. Returns in how many milliseconds (> 0) it wants to be called at
 * the latest though nothing happens.
 */
int64_t dure_peer_run(struct dure_peers *peers);

void dure_peer_status(const struct dure_peers *peers, uint16_t node,
                      struct dure_peer_status *status);

#endif
