/*
 * Links: exactly-once messages between journals over a transport that may lose, delay, double and
 * reorder. Per (source shard, destination shard) one channel, numbered from 1 without gaps:
 *
 *   sender    the message stands in the record of its cause (OUTBOX); it is sent once that record
 *             is durable, and again until it is acknowledged
 *   receiver  takes exactly the next number: its INBOX mark stands in the same record as its
 *             effects; older ones are doubles, later ones are a gap and are reported
 *   ack       cumulative, sent when the record of the mark is durable
 *
 * outbox.c is the sending half, inbox.c the receiving one, links.c what both share; links_peer.c
 * carries frames by peers (peer.h). Loop thread.
 */
#ifndef DURE_RUNTIME_LINKS_H
#define DURE_RUNTIME_LINKS_H

#include "runtime/core.h"
#include "runtime/peer.h"

/* Carries frames to the node that owns a shard. May do anything with them but change them. */
struct dure_transport {
    /* Lends the frame. 0: on its way, or lost. DURE_EBUSY, DURE_EUNAVAILABLE: not taken;
     * dure_links_room or dure_links_up follows. */
    int (*send)(struct dure_transport *transport, uint16_t shard, const void *frame, size_t len);
};

enum dure_frame_kind { DURE_FRAME_MSG = 1, DURE_FRAME_ACK = 2, DURE_FRAME_GAP = 3 };

struct dure_frame { /* The mail's bytes follow a MSG. */
    uint32_t kind;
    uint16_t src, dst; /* Of the channel, also in ACK and GAP, which travel dst → src. */
    uint64_t seq;      /* MSG: its number. ACK: all up to here. GAP: send again from here. */
};
_Static_assert(sizeof(struct dure_frame) == 16, "wire size");

/* Head of OUTBOX (mail follows) and INBOX entries. */
struct dure_entry_link {
    uint16_t src, dst;
    uint32_t data_len;
    uint64_t seq;
};
_Static_assert(sizeof(struct dure_entry_link) == 16, "wire size");

struct dure_parcel { /* A message that is not acknowledged. */
    struct dure_parcel *next;
    uint64_t seq, lsn;
    int64_t sent_ms; /* 0: never. */
    size_t len;      /* Of the frame. */
    struct dure_frame frame;
};

struct dure_mark { uint64_t seq, lsn; }; /* Taken up to here, by this record. */

struct dure_channel {
    uint16_t src, dst;
    struct dure_channel *next;      /* All that were ever used. */
    struct dure_channel *next_busy; /* Those with something to do once a record is durable … */
    bool busy;                      /* … of which it is one. */
    bool saved;                     /* Its numbers are in the rows, or in a batch under way. */
    /* Out. */
    uint64_t seq;                      /* Last number given. */
    struct dure_parcel *first, **last; /* Oldest first. */
    struct dure_parcel *unsent;        /* The next to send; NULL: all were. */
    /* In. */
    uint64_t taken;               /* Last number whose mark is durable. */
    struct dure_mark older, newer; /* Marks of the record being written, and of the open one. */
    uint64_t gap_seq;             /* The gap that was reported last … */
    int64_t gap_ms;               /* … and when. */
    bool refused;                 /* One was not taken for want of room: asked for again later. */
    bool ack_due;                 /* `taken` has not been told. */
};

struct dure_links {
    struct dure_transport *transport;
    uint32_t shards;
    uint16_t node, nodes;
    struct dure_channel **out, **in; /* By our own shard: an array by the other's, on demand. */
    struct dure_channel *all_out, *all_in;
    struct dure_channel *busy_out, *busy_in;
    size_t parcels;
    int64_t tick_ms; /* Next look for what to send again; 0: now. */
    uint64_t sent, resent, doubles, gaps;
};

/* Before dure_recovery_run replays: pass it through dure_options. Shard s is ours when s % nodes is
 * node. */
DURE_MUST_CHECK int dure_links_open(struct dure_links **links, uint32_t shards, uint16_t node,
                                    uint16_t nodes, struct dure_transport *transport);
void dure_links_close(struct dure_links *links);

/* A frame has come. Malformed ones are ignored (the transport is not trusted). */
void dure_links_receive(struct dure_runtime *rt, const void *frame, size_t len);
/* A session with the node has begun: all that it has not acknowledged is sent. */
void dure_links_up(struct dure_runtime *rt, uint16_t node);
/* It takes frames again. */
void dure_links_room(struct dure_runtime *rt, uint16_t node);

/* ---- By peers (links_peer.c) ----------------------------------------------------------------- */

struct dure_links_peer { /* Embedded by its owner, who keeps it as long as links and peers. */
    struct dure_transport transport; /* For dure_links_open. */
    struct dure_peers *peers;
    struct dure_peer_user user;
    struct dure_runtime *rt;
};
/* Registers with the peers. Set ->rt when the runtime is open; until then frames are ignored. */
void dure_links_peer_init(struct dure_links_peer *link, struct dure_peers *peers);

/* ---- For each other's file ------------------------------------------------------------------- */

/* The channel of two shards; exactly one of them must be ours. */
struct dure_channel *dure_links_channel_out(struct dure_links *links, uint16_t src, uint16_t dst);
struct dure_channel *dure_links_channel_in(struct dure_links *links, uint16_t src, uint16_t dst);
bool dure_links_mine(const struct dure_links *links, uint32_t shard);
void dure_links_set_busy(struct dure_channel **list, struct dure_channel *channel);

void dure_outbox_durable(struct dure_runtime *rt);
void dure_outbox_failed(struct dure_runtime *rt, uint64_t lsn);
void dure_outbox_acked(struct dure_runtime *rt, const struct dure_frame *frame);
void dure_outbox_gap(struct dure_runtime *rt, const struct dure_frame *frame);
void dure_outbox_recover(struct dure_links *links, const struct dure_entry_link *head,
                         const void *bytes, uint64_t lsn);
/* The last number of a channel whose record is on disk. */
uint64_t dure_outbox_durable_seq(const struct dure_runtime *rt, const struct dure_channel *channel);
void dure_inbox_message(struct dure_runtime *rt, const struct dure_frame *frame, const void *bytes,
                        size_t len);
void dure_inbox_durable(struct dure_runtime *rt, uint64_t lsn);
void dure_inbox_failed(struct dure_runtime *rt, uint64_t lsn);
/* The transport takes frames for this node again. */
void dure_inbox_room(struct dure_runtime *rt, uint16_t node);

#endif
