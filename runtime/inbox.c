/*
 * The receiving half of links (links.h has the picture).
 *
 *   1. message  exactly the next number of its channel: the mark goes into the open record, the mail
 *               into the mailbox; what is not handled in this group is deferred by turn.c like any
 *               other mail, so mark and effects stand or fall together
 *   2. durable  the mark is acknowledged
 *
 * An older number is a double: acknowledged again. A later one is a gap: reported. A mailbox that is
 * full takes nothing, which is back-pressure: the sender keeps it. Loop thread.
 */
#include "runtime/links.h"
#include "runtime/record.h"

static void reply(struct dure_runtime *rt, uint32_t kind, uint16_t src, uint16_t dst, uint64_t seq)
{
    struct dure_frame frame = {.kind = kind, .src = src, .dst = dst, .seq = seq};
    rt->links->transport->send(rt->links->transport, src, &frame, sizeof frame);
}

static bool room_for(struct dure_runtime *rt, const struct dure_mail *mail)
{
    const struct dure_actor *actor = dure_actor_peek(rt, mail->type, mail->id);
    return (actor == NULL || actor->mail_count < DURE_MAILBOX_MSGS_MAX) &&
           rt->open->record.len < DURE_GROUP_BYTES_MAX;
}

void dure_inbox_message(struct dure_runtime *rt, const struct dure_frame *frame, const void *bytes,
                        size_t len)
{
    struct dure_links *links = rt->links;
    if (!dure_links_owns(links, frame->dst) || rt->fatal != 0) return;
    struct dure_channel *channel = dure_links_channel(links, links->in, frame->src, frame->dst);
    if (frame->seq <= channel->seq) {
        links->doubles++;
        if (frame->seq <= channel->seq_durable) {
            reply(rt, DURE_FRAME_ACK, frame->src, frame->dst, channel->seq_durable);
        }
        return;
    }
    if (frame->seq != channel->seq + 1) {
        links->gaps++;
        reply(rt, DURE_FRAME_GAP, frame->src, frame->dst, channel->seq + 1);
        return;
    }
    struct dure_mail *mail = dure_mail_decode(bytes, len);
    if (mail == NULL) return; /* Of a newer version: kept by its sender until we know it. */
    if (!room_for(rt, mail)) {
        dure_mail_free(mail);
        return;
    }
    struct dure_entry_link mark = {.src = frame->src, .dst = frame->dst, .seq = frame->seq};
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_INBOX, &at);
    dure_buf_add(&rt->open->record, &mark, sizeof mark);
    dure_group_entry_end(rt, at);
    if (channel->lsn != rt->open->lsn) channel->seq_before = channel->seq;
    channel->lsn = rt->open->lsn;
    channel->seq = frame->seq;
    dure_mailbox_push(rt, mail);
    rt->io->soon(rt->io);
}

void dure_inbox_durable(struct dure_runtime *rt, uint64_t lsn)
{
    struct dure_links *links = rt->links;
    for (uint16_t src = 0; src < links->shards; src++) {
        for (uint16_t dst = 0; dst < links->shards; dst++) {
            struct dure_channel *channel = dure_links_channel(links, links->in, src, dst);
            /* The next record may hold marks of this channel already. */
            uint64_t seq = channel->lsn <= lsn ? channel->seq : channel->seq_before;
            if (seq <= channel->seq_durable) continue;
            channel->seq_durable = seq;
            reply(rt, DURE_FRAME_ACK, src, dst, seq);
        }
    }
}

void dure_inbox_failed(struct dure_runtime *rt, uint64_t lsn)
{
    struct dure_links *links = rt->links;
    for (size_t i = 0; i < (size_t)links->shards * links->shards; i++) {
        if (links->in[i].lsn < lsn) continue;
        links->in[i].seq = links->in[i].seq_durable;
        links->in[i].lsn = 0;
    }
}
