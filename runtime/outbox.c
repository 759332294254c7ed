/*
 * The sending half of links (links.h has the picture).
 *
 *   1. send      the mail becomes an OUTBOX entry of the open record, and a parcel
 *   2. durable   parcels of that record are sent
 *   3. ACK       parcels up to its number are freed
 *   4. GAP, tick parcels are sent again: at once, or RESEND_MS after the last time
 *
 * A failed group takes its parcels and their numbers back. More than DURE_OUTBOX_MSGS_MAX parcels:
 * new commands are refused (dure_links_full), nothing is dropped. Loop thread.
 */
#include <stdlib.h>

#include "runtime/links.h"
#include "runtime/record.h"

#define RESEND_MS 200
/* Sent again of one channel at a time: the receiver takes them in order anyway. */
#define RESEND_BURST 256

int dure_links_open(struct dure_links **out, uint32_t shards, const bool *owned,
                    struct dure_transport *transport)
{
    DURE_ASSERT(shards >= 1 && shards <= DURE_SHARDS_MAX);
    struct dure_links *links = calloc(1, sizeof *links);
    if (links == NULL) return DURE_ENOMEM;
    links->transport = transport;
    links->shards = shards;
    links->owned = calloc(shards, sizeof(bool));
    links->out = calloc((size_t)shards * shards, sizeof(struct dure_channel));
    links->in = calloc((size_t)shards * shards, sizeof(struct dure_channel));
    if (links->owned == NULL || links->out == NULL || links->in == NULL) {
        dure_links_close(links);
        return DURE_ENOMEM;
    }
    memcpy(links->owned, owned, shards * sizeof(bool));
    for (size_t i = 0; i < (size_t)shards * shards; i++) links->out[i].last = &links->out[i].first;
    *out = links;
    return 0;
}

void dure_links_close(struct dure_links *links)
{
    if (links == NULL) return;
    for (size_t i = 0; links->out != NULL && i < (size_t)links->shards * links->shards; i++) {
        for (struct dure_parcel *parcel = links->out[i].first, *next; parcel; parcel = next) {
            next = parcel->next;
            free(parcel);
        }
    }
    free(links->owned);
    free(links->out);
    free(links->in);
    free(links);
}

bool dure_links_owns(const struct dure_links *links, uint32_t shard)
{
    DURE_ASSERT(shard < links->shards);
    return links->owned[shard];
}

bool dure_links_full(const struct dure_links *links)
{
    return links->parcels >= DURE_OUTBOX_MSGS_MAX;
}

static void add_parcel(struct dure_links *links, uint16_t src, uint16_t dst, uint64_t seq,
                       uint64_t lsn, const void *bytes, size_t len)
{
    struct dure_parcel *parcel = malloc(sizeof *parcel + len);
    DURE_ASSERT(parcel != NULL);
    *parcel = (struct dure_parcel){
        .seq = seq, .lsn = lsn, .len = sizeof parcel->frame + len,
        .frame = {.kind = DURE_FRAME_MSG, .src = src, .dst = dst, .seq = seq}};
    memcpy((char *)&parcel->frame + sizeof parcel->frame, bytes, len);
    struct dure_channel *channel = dure_links_channel(links, links->out, src, dst);
    *channel->last = parcel;
    channel->last = &parcel->next;
    links->parcels++;
}

void dure_links_send(struct dure_runtime *rt, struct dure_mail *mail)
{
    struct dure_links *links = rt->links;
    uint16_t dst = (uint16_t)dure_shard_of(rt, mail->id);
    uint16_t src = 0; /* Mail of nobody's turn (a directory's, a timer's) leaves by the first. */
    if (rt->acting != NULL) src = (uint16_t)dure_shard_of(rt, rt->acting->id);
    else while (!links->owned[src]) src++;
    struct dure_channel *channel = dure_links_channel(links, links->out, src, dst);
    struct dure_entry_link head = {.src = src, .dst = dst, .seq = ++channel->seq};
    struct dure_buf *record = &rt->open->record;
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_OUTBOX, &at);
    size_t head_at = record->len;
    dure_buf_add(record, &head, sizeof head);
    dure_mail_encode(mail, record);
    head.data_len = (uint32_t)(record->len - head_at - sizeof head);
    memcpy(record->data + head_at, &head, sizeof head);
    add_parcel(links, src, dst, head.seq, rt->open->lsn, record->data + head_at + sizeof head,
               head.data_len);
    dure_group_entry_end(rt, at);
}

static void transmit(struct dure_runtime *rt, struct dure_parcel *parcel)
{
    if (parcel->sent_ms != 0) rt->links->resent++;
    parcel->sent_ms = rt->io->wall_ms(rt->io);
    rt->links->transport->send(rt->links->transport, parcel->frame.dst, &parcel->frame, parcel->len);
}

void dure_links_durable(struct dure_runtime *rt, const struct dure_group *group)
{
    const char *record = group->record.data;
    size_t at = sizeof(struct dure_record_header);
    const void *body;
    const struct dure_entry *entry;
    struct dure_links *links = rt->links;
    while ((entry = dure_record_next(record, group->record.len, &at, &body)) != NULL) {
        if (entry->kind != DURE_ENTRY_OUTBOX) continue;
        const struct dure_entry_link *head = body;
        struct dure_parcel *parcel =
            dure_links_channel(links, links->out, head->src, head->dst)->first;
        while (parcel != NULL && parcel->seq != head->seq) parcel = parcel->next;
        if (parcel != NULL) transmit(rt, parcel);
    }
    dure_inbox_durable(rt, group->lsn);
}

static void free_parcels(struct dure_links *links, struct dure_channel *channel,
                         struct dure_parcel **from, const struct dure_parcel *until)
{
    while (*from != until) {
        struct dure_parcel *parcel = *from;
        *from = parcel->next;
        links->parcels--;
        free(parcel);
    }
    if (*from == NULL) channel->last = from;
}

void dure_links_failed(struct dure_runtime *rt, uint64_t lsn)
{
    struct dure_links *links = rt->links;
    for (size_t i = 0; i < (size_t)links->shards * links->shards; i++) {
        struct dure_channel *channel = &links->out[i];
        struct dure_parcel **at = &channel->first;
        while (*at != NULL && (*at)->lsn < lsn) at = &(*at)->next;
        if (*at == NULL) continue;
        channel->seq = (*at)->seq - 1;
        free_parcels(links, channel, at, NULL);
    }
    dure_inbox_failed(rt, lsn);
}

static void acked(struct dure_runtime *rt, const struct dure_frame *frame)
{
    struct dure_channel *channel =
        dure_links_channel(rt->links, rt->links->out, frame->src, frame->dst);
    struct dure_parcel *until = channel->first;
    /* Only what was sent can be acknowledged; anything else is a stray frame. */
    while (until != NULL && until->seq <= frame->seq && until->sent_ms != 0) until = until->next;
    free_parcels(rt->links, channel, &channel->first, until);
}

static void resend(struct dure_runtime *rt, struct dure_channel *channel, uint64_t from)
{
    int burst = 0;
    for (struct dure_parcel *parcel = channel->first; parcel && burst < RESEND_BURST;
         parcel = parcel->next) {
        if (parcel->lsn > rt->lsn_durable) return;
        if (parcel->seq < from) continue;
        transmit(rt, parcel);
        burst++;
    }
}

void dure_links_tick(struct dure_runtime *rt)
{
    struct dure_links *links = rt->links;
    int64_t now = rt->io->wall_ms(rt->io);
    if (links->parcels == 0) return;
    if (now >= links->tick_ms) {
        links->tick_ms = now + RESEND_MS;
        for (size_t i = 0; i < (size_t)links->shards * links->shards; i++) {
            struct dure_channel *channel = &links->out[i];
            if (channel->first != NULL && channel->first->sent_ms + RESEND_MS <= now) {
                resend(rt, channel, 0);
            }
        }
    }
    rt->io->alarm(rt->io, links->tick_ms);
}

void dure_links_receive(struct dure_runtime *rt, const void *bytes, size_t len)
{
    struct dure_frame frame;
    if (rt->links == NULL || len < sizeof frame) return;
    memcpy(&frame, bytes, sizeof frame);
    if (frame.src >= rt->links->shards || frame.dst >= rt->links->shards) return;
    switch (frame.kind) {
    case DURE_FRAME_MSG:
        dure_inbox_message(rt, &frame, (const char *)bytes + sizeof frame, len - sizeof frame);
        break;
    case DURE_FRAME_ACK: acked(rt, &frame); break;
    case DURE_FRAME_GAP:
        resend(rt, dure_links_channel(rt->links, rt->links->out, frame.src, frame.dst), frame.seq);
        break;
    default: break;
    }
}

void dure_links_recover(struct dure_runtime *rt, uint8_t kind, const void *body, size_t len,
                        uint64_t lsn)
{
    struct dure_entry_link head;
    if (rt->links == NULL || len < sizeof head) return;
    memcpy(&head, body, sizeof head);
    if (head.src >= rt->links->shards || head.dst >= rt->links->shards) return;
    bool out = kind == DURE_ENTRY_OUTBOX;
    struct dure_channel *channel =
        dure_links_channel(rt->links, out ? rt->links->out : rt->links->in, head.src, head.dst);
    if (out && len >= sizeof head + head.data_len) {
        add_parcel(rt->links, head.src, head.dst, head.seq, lsn, (const char *)body + sizeof head,
                   head.data_len);
    }
    if (head.seq > channel->seq) channel->seq = channel->seq_durable = head.seq;
}

/* The last number of a channel whose record is on disk. */
static uint64_t durable_seq(const struct dure_runtime *rt, const struct dure_channel *channel)
{
    for (const struct dure_parcel *parcel = channel->first; parcel; parcel = parcel->next) {
        if (parcel->lsn > rt->lsn_durable) return parcel->seq - 1;
    }
    return channel->seq;
}

void dure_links_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                        dure_idem_add *add)
{
    const struct dure_links *links = rt->links;
    for (uint32_t i = 0; i < links->shards * links->shards; i++) {
        uint64_t marks[2] = {durable_seq(rt, &links->out[i]), links->in[i].seq_durable};
        if (marks[0] + marks[1] == 0) continue;
        add(checkpoint, DURE_TABLE_OUTBOX, i, 0, marks, sizeof marks);
    }
}

int dure_links_load(struct dure_runtime *rt)
{
    struct dure_links *links = rt->links;
    struct dure_buf row = {0};
    int rv = 0;
    for (uint32_t i = 0; rv == 0 && i < links->shards * links->shards; i++) {
        uint64_t marks[2];
        row.len = 0;
        rv = rt->rows->ops->get(rt->rows, DURE_TABLE_OUTBOX, i, 0, &row);
        if (rv == 0 && row.len != sizeof marks) rv = DURE_ECORRUPT;
        if (rv == 0) {
            memcpy(marks, row.data, sizeof marks);
            links->out[i].seq = marks[0];
            links->in[i].seq = links->in[i].seq_durable = marks[1];
        }
        if (rv == DURE_ENOTFOUND) rv = 0;
    }
    dure_buf_fini(&row);
    return rv;
}

uint64_t dure_links_oldest_lsn(const struct dure_links *links)
{
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < (size_t)links->shards * links->shards; i++) {
        const struct dure_parcel *parcel = links->out[i].first;
        if (parcel != NULL && parcel->lsn < oldest) oldest = parcel->lsn;
    }
    return oldest;
}
