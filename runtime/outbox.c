/*
 * The sending half of links (links.h has the picture).
 *
 *   1. send      the mail becomes an OUTBOX entry of the open record, and a parcel
 *   2. durable   parcels of that record are sent, as far as the transport takes them
 *   3. ACK       parcels up to its number are freed
 *   4. GAP, up   parcels are sent again from there on; tick: the oldest, RESEND_MS after the last
 *                time
 *
 * A failed group takes its parcels and their numbers back. More than DURE_OUTBOX_MSGS_MAX parcels:
 * new commands are refused (dure_links_full), nothing is dropped. Loop thread.
 */
#include <stdlib.h>

#include "runtime/links.h"
#include "runtime/record.h"

/* Losses within a session are mended below (peer.c) and a new session sends all again, so this is
 * for what the receiver had no room for, and for acks that were lost with a session. */
#define RESEND_MS 1000
/* Sent again of one channel at a time: the receiver takes them in order anyway. */
#define RESEND_BURST 64

bool dure_links_full(const struct dure_links *links)
{
    return links->parcels >= DURE_OUTBOX_MSGS_MAX;
}

void dure_outbox_add(struct dure_links *links, struct dure_channel *channel, uint64_t seq,
                     uint64_t lsn, const void *bytes, size_t len)
{
    struct dure_parcel *parcel = malloc(sizeof *parcel + len);
    DURE_ASSERT(parcel != NULL);
    *parcel = (struct dure_parcel){
        .seq = seq, .lsn = lsn, .len = sizeof parcel->frame + len,
        .frame = {.kind = DURE_FRAME_MSG, .src = channel->src, .dst = channel->dst, .seq = seq}};
    memcpy((char *)&parcel->frame + sizeof parcel->frame, bytes, len);
    parcel->check = dure_crc32c(0, &parcel->frame, parcel->len);
    *channel->last = parcel;
    channel->last = &parcel->next;
    if (channel->unsent == NULL) channel->unsent = parcel;
    links->parcels++;
    dure_links_set_busy(&links->busy_out, channel);
}

void dure_links_send(struct dure_runtime *rt, struct dure_mail *mail)
{
    struct dure_links *links = rt->links;
    uint16_t dst = (uint16_t)dure_shard_of(rt, mail->id);
    /* Mail of nobody's turn leaves by our first shard. */
    uint16_t src = rt->acting != NULL ? (uint16_t)dure_shard_of(rt, rt->acting->id) : links->node;
    struct dure_channel *channel = dure_links_channel_out(links, src, dst);
    struct dure_entry_link head = {.src = src, .dst = dst, .seq = ++channel->seq};
    struct dure_buf *record = &rt->open->record;
    size_t at;
    channel->saved = false;
    dure_group_entry_begin(rt, DURE_ENTRY_OUTBOX, &at);
    size_t head_at = record->len;
    dure_buf_add(record, &head, sizeof head);
    dure_mail_encode(mail, record);
    head.data_len = (uint32_t)(record->len - head_at - sizeof head);
    memcpy(record->data + head_at, &head, sizeof head);
    dure_outbox_add(links, channel, head.seq, rt->open->lsn, record->data + head_at + sizeof head,
                    head.data_len);
    dure_group_entry_end(rt, at);
}

static int transmit(struct dure_runtime *rt, struct dure_parcel *parcel)
{
    struct dure_links *links = rt->links;
    int rv = links->transport->send(links->transport, parcel->frame.dst, &parcel->frame,
                                    parcel->len);
    if (rv != 0) return rv;
    links->sent++;
    if (parcel->sent_ms != 0) links->resent++;
    parcel->sent_ms = rt->io->wall_ms(rt->io);
    return 0;
}

/* Sends what is durable and unsent. False: the rest waits for the transport. */
static bool flush(struct dure_runtime *rt, struct dure_channel *channel)
{
    struct dure_parcel *parcel;
    while ((parcel = channel->unsent) != NULL && parcel->lsn <= rt->lsn_durable) {
        if (transmit(rt, parcel) != 0) return false;
        channel->unsent = parcel->next;
    }
    return true;
}

void dure_outbox_durable(struct dure_runtime *rt)
{
    struct dure_channel **at = &rt->links->busy_out;
    while (*at != NULL) {
        struct dure_channel *channel = *at;
        (void)flush(rt, channel);
        if (channel->unsent != NULL) { /* Of the open group, or the transport is full. */
            at = &channel->next_busy;
            continue;
        }
        channel->busy = false;
        *at = channel->next_busy;
    }
}

static void free_parcels(struct dure_links *links, struct dure_channel *channel,
                         struct dure_parcel **from, const struct dure_parcel *until)
{
    while (*from != until) {
        struct dure_parcel *parcel = *from;
        *from = parcel->next;
        if (channel->unsent == parcel) channel->unsent = parcel->next;
        links->parcels--;
        free(parcel);
    }
    if (*from == NULL) channel->last = from;
}

void dure_outbox_failed(struct dure_runtime *rt, uint64_t lsn)
{
    struct dure_links *links = rt->links;
    for (struct dure_channel *channel = links->busy_out; channel != NULL;
         channel = channel->next_busy) {
        struct dure_parcel **at = &channel->first;
        while (*at != NULL && (*at)->lsn < lsn) at = &(*at)->next;
        if (*at == NULL) continue;
        channel->seq = (*at)->seq - 1;
        free_parcels(links, channel, at, NULL);
    }
}

void dure_outbox_acked(struct dure_runtime *rt, const struct dure_frame *frame)
{
    struct dure_channel *channel = dure_links_channel_out(rt->links, frame->src, frame->dst);
    struct dure_parcel *until = channel->first;
    /* Only what is durable can have been sent, by this life or the one before. */
    while (until != NULL && until->seq <= frame->seq && until->lsn <= rt->lsn_durable) {
        until = until->next;
    }
    free_parcels(rt->links, channel, &channel->first, until);
}

static void send_from(struct dure_runtime *rt, struct dure_channel *channel, uint64_t seq)
{
    struct dure_parcel *parcel = channel->first;
    while (parcel != NULL && parcel->seq < seq) parcel = parcel->next;
    if (parcel == NULL) return;
    channel->unsent = parcel;
    dure_links_set_busy(&rt->links->busy_out, channel);
    (void)flush(rt, channel);
}

void dure_outbox_gap(struct dure_runtime *rt, const struct dure_frame *frame)
{
    send_from(rt, dure_links_channel_out(rt->links, frame->src, frame->dst), frame->seq);
}

void dure_links_up(struct dure_runtime *rt, uint16_t node)
{
    for (struct dure_channel *channel = rt->links->all_out; channel; channel = channel->next) {
        if (channel->dst % rt->links->nodes == node) send_from(rt, channel, 0);
    }
}

void dure_links_room(struct dure_runtime *rt, uint16_t node)
{
    dure_inbox_room(rt, node);
    for (struct dure_channel *channel = rt->links->busy_out; channel;
         channel = channel->next_busy) {
        if (channel->dst % rt->links->nodes == node && !flush(rt, channel)) return;
    }
}

/* What lies before `unsent` was sent, or passed over by a GAP: its receiver had it, but may since have
 * lost it with a record of its own. */
static void probe(struct dure_runtime *rt, struct dure_channel *channel, int64_t now)
{
    int burst = 0;
    for (struct dure_parcel *parcel = channel->first; parcel != channel->unsent;
         parcel = parcel->next) {
        if (parcel->sent_ms + RESEND_MS > now || burst++ == RESEND_BURST) return;
        if (transmit(rt, parcel) != 0) return;
    }
}

void dure_links_tick(struct dure_runtime *rt)
{
    struct dure_links *links = rt->links;
    dure_inbox_take(rt);
    if (links->parcels == 0) return;
    int64_t now = rt->io->wall_ms(rt->io);
    /* A clock that was set back must not stop it. */
    if (now < links->tick_ms && links->tick_ms - now <= RESEND_MS) return;
    links->tick_ms = now + RESEND_MS;
    for (struct dure_channel *channel = links->all_out; channel; channel = channel->next) {
        if (channel->first == NULL) continue;
        probe(rt, channel, now);
        (void)flush(rt, channel);
    }
}

int64_t dure_links_due(const struct dure_links *links)
{
    return links->parcels > 0 ? links->tick_ms : INT64_MAX;
}

void dure_outbox_recover(struct dure_links *links, const struct dure_entry_link *head,
                         const void *bytes, uint64_t lsn)
{
    struct dure_channel *channel = dure_links_channel_out(links, head->src, head->dst);
    if (links->stowed && head->seq <= channel->seq) return; /* Its row tells, or it has none. */
    dure_outbox_add(links, channel, head->seq, lsn, bytes, head->data_len);
    if (head->seq <= channel->seq) return;
    channel->seq = head->seq;
    channel->saved = false;
}

uint64_t dure_outbox_durable_seq(const struct dure_runtime *rt, const struct dure_channel *channel)
{
    for (const struct dure_parcel *parcel = channel->first; parcel; parcel = parcel->next) {
        if (parcel->lsn > rt->lsn_durable) return parcel->seq - 1;
    }
    return channel->seq;
}
