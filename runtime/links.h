/*
 * Links: exactly-once messages between journals over a transport that may lose, delay, double and
 * reorder. Per (source shard, destination shard) one channel, numbered from 1 without gaps:
 *
 *   sender    the message stands in the record of its cause (OUTBOX); it is sent once that record is
 *             durable, and again until it is acknowledged
 *   receiver  takes exactly the next number: its INBOX mark stands in the same record as its effects;
 *             older ones are doubles, later ones are a gap and are reported
 *   ack       cumulative, sent when the record of the mark is durable
 *
 * outbox.c is the sending half, inbox.c the receiving one. Loop thread.
 */
#ifndef DURE_RUNTIME_LINKS_H
#define DURE_RUNTIME_LINKS_H

#include "runtime/core.h"

/* Carries frames to the journal that owns a shard. May do anything with them but change them. */
struct dure_transport {
    void (*send)(struct dure_transport *transport, uint16_t shard, const void *frame, size_t len);
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

struct dure_channel {
    uint64_t seq;              /* Out: last number given. In: last number taken. */
    uint64_t seq_durable;      /* In: of the last durable mark. */
    uint64_t lsn;              /* In: record of the last mark … */
    uint64_t seq_before;       /* … and the last mark of the records before that one. */
    struct dure_parcel *first, **last; /* Out: oldest first. */
};

struct dure_links {
    struct dure_transport *transport;
    uint32_t shards;
    bool *owned;
    struct dure_channel *out, *in; /* shards × shards each: [src * shards + dst]. */
    size_t parcels;
    int64_t tick_ms;           /* Next look for what to send again. */
    uint64_t resent, doubles, gaps;
};

/* Before dure_recovery_run replays: pass it through dure_options. owned: one bool per shard. */
DURE_MUST_CHECK int dure_links_open(struct dure_links **links, uint32_t shards, const bool *owned,
                                    struct dure_transport *transport);
void dure_links_close(struct dure_links *links);

/* A frame has come. Malformed ones are ignored (the transport is not trusted). */
void dure_links_receive(struct dure_runtime *rt, const void *frame, size_t len);

/* For each other's file. */
void dure_inbox_message(struct dure_runtime *rt, const struct dure_frame *frame, const void *bytes,
                        size_t len);
void dure_inbox_durable(struct dure_runtime *rt, uint64_t lsn);
void dure_inbox_failed(struct dure_runtime *rt, uint64_t lsn);
static inline struct dure_channel *dure_links_channel(const struct dure_links *links,
                                                      struct dure_channel *side, uint16_t src,
                                                      uint16_t dst)
{
    return &side[(size_t)src * links->shards + dst];
}

#endif
