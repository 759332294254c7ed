/*
 * What both halves of links share: the channels, and their way through restarts (links.h has the
 * picture).
 *
 *   journal     OUTBOX entries are parcels again, INBOX entries are marks again
 *   checkpoint  the numbers of each channel that moved, and its parcels (stow.c), as rows
 *
 * Fails with DURE_ECORRUPT for rows that cannot be its own. Loop thread.
 */
#include "runtime/links.h"

#include <stdlib.h>

#include "runtime/record.h"

/* Types of rows. */
#define ROW_OUT 0u
#define ROW_IN 1u
#define ROW_PARCELS 2u

int dure_links_open(struct dure_links **out, uint32_t shards, uint16_t node, uint16_t nodes,
                    struct dure_transport *transport)
{
    DURE_ASSERT(shards >= 1 && shards <= DURE_SHARDS_MAX && node < nodes && nodes <= shards);
    struct dure_links *links = calloc(1, sizeof *links);
    if (links == NULL) return DURE_ENOMEM;
    *links = (struct dure_links){
        .transport = transport, .shards = shards, .node = node, .nodes = nodes};
    links->out = calloc(shards, sizeof(struct dure_channel *));
    links->in = calloc(shards, sizeof(struct dure_channel *));
    if (links->out == NULL || links->in == NULL) {
        dure_links_close(links);
        return DURE_ENOMEM;
    }
    *out = links;
    return 0;
}

void dure_links_close(struct dure_links *links)
{
    if (links == NULL) return;
    for (struct dure_channel *channel = links->all_out; channel != NULL; channel = channel->next) {
        for (struct dure_parcel *parcel = channel->first, *next; parcel != NULL; parcel = next) {
            next = parcel->next;
            free(parcel);
        }
    }
    for (uint32_t i = 0; i < links->shards; i++) {
        if (links->out != NULL) free(links->out[i]);
        if (links->in != NULL) free(links->in[i]);
    }
    dure_buf_fini(&links->backlog);
    free(links->out);
    free(links->in);
    free(links);
}

bool dure_links_mine(const struct dure_links *links, uint32_t shard)
{
    DURE_ASSERT(shard < links->shards);
    return shard % links->nodes == links->node;
}

static struct dure_channel *channel_of(const struct dure_links *links, struct dure_channel **side,
                                       struct dure_channel **all, uint16_t ours, uint16_t other)
{
    DURE_ASSERT(dure_links_mine(links, ours) && !dure_links_mine(links, other));
    if (side[ours] == NULL) {
        side[ours] = calloc(links->shards, sizeof(struct dure_channel));
        DURE_ASSERT(side[ours] != NULL);
    }
    struct dure_channel *channel = &side[ours][other];
    if (channel->last == NULL) {
        channel->last = &channel->first;
        channel->saved = true; /* Nothing has moved. */
        channel->next = *all;
        *all = channel;
    }
    return channel;
}

struct dure_channel *dure_links_channel_out(struct dure_links *links, uint16_t src, uint16_t dst)
{
    struct dure_channel *channel = channel_of(links, links->out, &links->all_out, src, dst);
    channel->src = src;
    channel->dst = dst;
    return channel;
}

struct dure_channel *dure_links_channel_in(struct dure_links *links, uint16_t src, uint16_t dst)
{
    struct dure_channel *channel = channel_of(links, links->in, &links->all_in, dst, src);
    channel->src = src;
    channel->dst = dst;
    return channel;
}

void dure_links_set_busy(struct dure_channel **list, struct dure_channel *channel)
{
    if (channel->busy) return;
    channel->busy = true;
    channel->next_busy = *list;
    *list = channel;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

void dure_links_receive(struct dure_runtime *rt, const void *bytes, size_t len)
{
    struct dure_frame frame;
    struct dure_links *links = rt->links;
    if (links == NULL || len < sizeof frame || rt->fatal != 0) return;
    memcpy(&frame, bytes, sizeof frame);
    if (frame.src >= links->shards || frame.dst >= links->shards) return;
    bool to_us = dure_links_mine(links, frame.kind == DURE_FRAME_MSG ? frame.dst : frame.src);
    bool from_us = dure_links_mine(links, frame.kind == DURE_FRAME_MSG ? frame.src : frame.dst);
    if (!to_us || from_us) return;
    switch (frame.kind) {
    case DURE_FRAME_MSG:
        dure_inbox_message(rt, &frame, (const char *)bytes + sizeof frame, len - sizeof frame);
        break;
    case DURE_FRAME_ACK: dure_outbox_acked(rt, &frame); break;
    case DURE_FRAME_GAP: dure_outbox_gap(rt, &frame); break;
    default: break;
    }
}

bool dure_links_waiting(const struct dure_links *links)
{
    return links->backlog.len > 0;
}

void dure_links_durable(struct dure_runtime *rt, const struct dure_group *group)
{
    dure_outbox_durable(rt);
    dure_inbox_durable(rt, group->lsn);
}

void dure_links_failed(struct dure_runtime *rt, uint64_t lsn)
{
    dure_outbox_failed(rt, lsn);
    dure_inbox_failed(rt, lsn);
}

/* ---- Restarts -------------------------------------------------------------------------------- */

void dure_links_recover(struct dure_runtime *rt, uint8_t kind, const void *body, size_t len,
                        uint64_t lsn)
{
    struct dure_links *links = rt->links;
    struct dure_entry_link head;
    if (links == NULL || len < sizeof head) return;
    memcpy(&head, body, sizeof head);
    if (head.src >= links->shards || head.dst >= links->shards) return;
    if (dure_links_mine(links, head.src) == dure_links_mine(links, head.dst)) return;
    if (kind == DURE_ENTRY_OUTBOX) {
        if (len < sizeof head + head.data_len || !dure_links_mine(links, head.src)) return;
        dure_outbox_recover(links, &head, (const char *)body + sizeof head, lsn);
    } else if (dure_links_mine(links, head.dst)) {
        struct dure_channel *channel = dure_links_channel_in(links, head.src, head.dst);
        if (head.seq <= channel->taken) return;
        channel->taken = head.seq;
        channel->older = channel->newer = (struct dure_mark){head.seq, lsn};
        channel->saved = false;
    }
}

static uint32_t number_of(const struct dure_links *links, const struct dure_channel *channel)
{
    return channel->src * links->shards + channel->dst;
}

void dure_links_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                        dure_idem_add *add, uint8_t batch)
{
    struct dure_links *links = rt->links;
    for (struct dure_channel *channel = links->all_out; channel != NULL; channel = channel->next) {
        uint32_t number = number_of(links, channel);
        uint64_t seq = dure_outbox_durable_seq(rt, channel);
        dure_outbox_stow(channel, seq, &(struct dure_stow){checkpoint, add, ROW_PARCELS + number,
                                                           batch});
        if (channel->saved) continue;
        add(checkpoint, DURE_TABLE_OUTBOX, ROW_OUT, number, &seq, sizeof seq);
        channel->saved = seq == channel->seq;
    }
    for (struct dure_channel *channel = links->all_in; channel != NULL; channel = channel->next) {
        if (channel->saved) continue;
        add(checkpoint, DURE_TABLE_OUTBOX, ROW_IN, number_of(links, channel), &channel->taken,
            sizeof channel->taken);
        channel->saved = channel->taken == channel->newer.seq;
    }
}

void dure_links_written(struct dure_runtime *rt, int rv, uint8_t batch)
{
    struct dure_channel *channel;
    for (channel = rt->links->all_out; channel != NULL; channel = channel->next) {
        dure_outbox_stowed(channel, rv, batch);
        if (rv != 0) channel->saved = false;
    }
    for (channel = rt->links->all_in; rv != 0 && channel != NULL; channel = channel->next) {
        channel->saved = false;
    }
}

static int load_number(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct dure_links *links = arg;
    uint64_t seq;
    int64_t src = id / links->shards, dst = id % links->shards;
    if (len != sizeof seq || src < 0 || src >= links->shards || dst < 0) return DURE_ECORRUPT;
    bool from_us = dure_links_mine(links, (uint32_t)src);
    bool to_us = dure_links_mine(links, (uint32_t)dst);
    if (from_us == to_us || from_us != (type == ROW_OUT)) return DURE_ECORRUPT;
    memcpy(&seq, row, sizeof seq);
    if (type == ROW_OUT) {
        dure_links_channel_out(links, (uint16_t)src, (uint16_t)dst)->seq = seq;
    } else {
        struct dure_channel *channel = dure_links_channel_in(links, (uint16_t)src, (uint16_t)dst);
        channel->taken = channel->older.seq = channel->newer.seq = seq;
    }
    return 0;
}

struct load {
    struct dure_links *links;
    struct dure_channel *channel;
};

static int load_parcel(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)type;
    const struct load *load = arg;
    return dure_outbox_load(load->links, load->channel, (uint64_t)id, row, len);
}

int dure_links_load(struct dure_runtime *rt, bool parcels)
{
    struct dure_links *links = rt->links;
    links->stowed = parcels;
    int rv = 0;
    for (uint32_t side = ROW_OUT; rv == 0 && side <= ROW_IN; side++) {
        rv = rt->rows->ops->scan(rt->rows, DURE_TABLE_OUTBOX, side, INT64_MIN, false, load_number,
                                 links);
    }
    for (struct dure_channel *channel = links->all_out; rv == 0 && parcels && channel != NULL;
         channel = channel->next) {
        rv = rt->rows->ops->scan(rt->rows, DURE_TABLE_OUTBOX,
                                 ROW_PARCELS + number_of(links, channel), 0, false, load_parcel,
                                 &(struct load){links, channel});
    }
    return rv;
}
