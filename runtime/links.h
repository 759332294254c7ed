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
 * outbox.c is the sending half, stow.c its rows, inbox.c the receiving half, links.c what all share;
 * links_peer.c carries frames by peers (peer.h). Loop thread.
 *
 * Rows (DURE_TABLE_OUTBOX): (0, channel) → the last number given; (1, channel) → the last one taken;
 * (2 + channel, number) → a message that was not acknowledged. A channel is source * shards +
 * destination. So a peer that stays away holds back neither the checkpoint nor a restart.
 */
#ifndef DURE_RUNTIME_LINKS_H
#define DURE_RUNTIME_LINKS_H

#include <stddef.h>

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
    uint64_t check;  /* CRC-32C of the frame; it and the frame are the row. */
    struct dure_frame frame;
};
_Static_assert(offsetof(struct dure_parcel, frame) == offsetof(struct dure_parcel, check) + 8,
               "a row is one piece");

struct dure_stowed { uint64_t first, end; }; /* Parcels first … end - 1 have rows. */

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
    struct dure_stowed stowed[3];      /* Now, and once batch 1 or 2 of the checkpoint is written. */
    uint8_t newest;                    /* Of these. */
    /* In. */
    uint64_t taken;               /* Last number whose mark is durable. */
    struct dure_mark older, newer; /* Marks of the record being written, and of the open one. */
    uint64_t gap_seq;             /* The gap that was reported last … */
    int64_t gap_ms;               /* … and when. */
    bool refused;                 /* One was dropped for want of room: asked for again later. */
    bool ack_due;                 /* `taken` has not been told. */
};

struct dure_links {
    struct dure_transport *transport;
    uint32_t shards;
    uint16_t node, nodes;
    struct dure_channel **out, **in; /* By our own shard: an array by the other's, on demand. */
    struct dure_channel *all_out, *all_in;
    struct dure_channel *busy_out, *busy_in;
    struct dure_buf backlog; /* Frames of messages that wait for a group with room, oldest first … */
    size_t backlog_at;       /* … from here on. */
    size_t parcels;
    bool stowed;     /* Parcels up to the numbers in the rows are rows themselves, or acknowledged. */
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
    struct dure_ids_peer *ids; /* Told first; NULL: nobody. */
};
/* Registers with the peers. Set ->rt when the runtime is open; until then frames are ignored. */
void dure_links_peer_init(struct dure_links_peer *link, struct dure_peers *peers);

/* ---- For each other's file ------------------------------------------------------------------- */

struct dure_stow { /* Where to. */
    struct dure_checkpoint *checkpoint;
    dure_idem_add *add;
    uint32_t type; /* Of the channel's rows; their id is the number. */
    uint8_t batch;
};

/* The channel of two shards; exactly one of them must be ours. */
struct dure_channel *dure_links_channel_out(struct dure_links *links, uint16_t src, uint16_t dst);
struct dure_channel *dure_links_channel_in(struct dure_links *links, uint16_t src, uint16_t dst);
bool dure_links_mine(const struct dure_links *links, uint32_t shard);
void dure_links_set_busy(struct dure_channel **list, struct dure_channel *channel);

/* Another parcel, the last of its channel. */
void dure_outbox_add(struct dure_links *links, struct dure_channel *channel, uint64_t seq,
                     uint64_t lsn, const void *bytes, size_t len);
void dure_outbox_durable(struct dure_runtime *rt);
void dure_outbox_failed(struct dure_runtime *rt, uint64_t lsn);
void dure_outbox_acked(struct dure_runtime *rt, const struct dure_frame *frame);
void dure_outbox_gap(struct dure_runtime *rt, const struct dure_frame *frame);
void dure_outbox_recover(struct dure_links *links, const struct dure_entry_link *head,
                         const void *bytes, uint64_t lsn);
/* The last number of a channel whose record is on disk. */
uint64_t dure_outbox_durable_seq(const struct dure_runtime *rt, const struct dure_channel *channel);
/* Of one channel: the rows of a batch of the checkpoint, how that one went, and a row back. */
void dure_outbox_stow(struct dure_channel *channel, uint64_t durable_seq,
                      const struct dure_stow *stow);
void dure_outbox_stowed(struct dure_channel *channel, int rv, uint8_t batch);
DURE_MUST_CHECK int dure_outbox_load(struct dure_links *links, struct dure_channel *channel,
                                     uint64_t seq, const void *row, size_t len);
void dure_inbox_message(struct dure_runtime *rt, const struct dure_frame *frame, const void *bytes,
                        size_t len);
/* Takes what waits for room, as far as there is some. */
void dure_inbox_take(struct dure_runtime *rt);
void dure_inbox_durable(struct dure_runtime *rt, uint64_t lsn);
void dure_inbox_failed(struct dure_runtime *rt, uint64_t lsn);
/* The transport takes frames for this node again. */
void dure_inbox_room(struct dure_runtime *rt, uint16_t node);

#endif
