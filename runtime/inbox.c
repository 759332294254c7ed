/*
 * The receiving half of links (links.h has the picture).
 *
 *   1. message  exactly the next number of its channel: the mark goes into the open record, the
 *               mail into the mailbox; what is not handled in this group is deferred by turn.c
 *               like any other mail, so mark and effects stand or fall together
 *   2. backlog  what the open group has no room for waits as it came, and is taken by a later one:
 *               deferring would write it twice. It is its sender's still, so nothing is lost with it
 *   3. durable  the marks of that record are acknowledged
 *   4. failed   the numbers go back to the last mark that stands
 *
 * An older number is a double: acknowledged again. A later one is a gap: reported, but not once for
 * each that follows. When the backlog is full, too, a message is dropped, which is back-pressure: the
 * sender keeps it, and is asked for it after the next record. Loop thread.
 */
#include "runtime/links.h"
#include "runtime/record.h"

/* The same gap is reported again after this. */
#define GAP_MS 100

/* False: the transport is full; there will be room. */
static bool reply(struct dure_runtime *rt, const struct dure_channel *channel, uint32_t kind,
                  uint64_t seq)
{
    struct dure_frame frame = {
        .kind = kind, .src = channel->src, .dst = channel->dst, .seq = seq};
    int rv = rt->links->transport->send(rt->links->transport, channel->src, &frame, sizeof frame);
    return rv != DURE_EBUSY; /* Without a session it is as good as lost: the next one repeats all. */
}

/* The open group takes one more, together with what waits in the mailboxes. */
static bool group_has_room(const struct dure_runtime *rt)
{
    const struct dure_group *group = rt->open;
    size_t waiting = rt->ready_mail;
    return group->turns + waiting < rt->options.group_turns_max &&
           group->record.len + waiting * DURE_MAIL_BYTES_MEAN < DURE_GROUP_BYTES_MAX;
}

static void report_gap(struct dure_runtime *rt, struct dure_channel *channel)
{
    uint64_t next = channel->newer.seq + 1;
    int64_t now = rt->io->wall_ms(rt->io), since = now - channel->gap_ms;
    rt->links->gaps++;
    if (channel->refused || (channel->gap_seq == next && since >= 0 && since < GAP_MS)) return;
    channel->gap_seq = next;
    channel->gap_ms = now;
    if (reply(rt, channel, DURE_FRAME_GAP, next)) return;
    channel->refused = true; /* Asked for when there is room. */
    dure_links_set_busy(&rt->links->busy_in, channel);
}

static void mark(struct dure_runtime *rt, struct dure_channel *channel, uint64_t seq)
{
    struct dure_entry_link entry = {.src = channel->src, .dst = channel->dst, .seq = seq};
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_INBOX, &at);
    dure_buf_add(&rt->open->record, &entry, sizeof entry);
    dure_group_entry_end(rt, at);
    if (channel->newer.lsn != rt->open->lsn) channel->older = channel->newer;
    channel->newer = (struct dure_mark){seq, rt->open->lsn};
    channel->saved = false;
    dure_links_set_busy(&rt->links->busy_in, channel);
}

/* ---- 1: message ------------------------------------------------------------------------------ */

static void take(struct dure_runtime *rt, const struct dure_frame *frame, const void *bytes,
                 size_t len)
{
    struct dure_channel *channel = dure_links_channel_in(rt->links, frame->src, frame->dst);
    if (frame->seq <= channel->newer.seq) {
        rt->links->doubles++;
        if (frame->seq <= channel->taken)
            (void)reply(rt, channel, DURE_FRAME_ACK, channel->taken);
        return;
    }
    if (frame->seq != channel->newer.seq + 1) {
        report_gap(rt, channel);
        return;
    }
    struct dure_mail *mail = dure_mail_decode(bytes, len);
    /* Of a newer version: kept by its sender until we know it. */
    if (mail == NULL || dure_shard_of(rt, mail->id) != frame->dst) {
        if (mail != NULL) dure_mail_free(mail);
        return;
    }
    mark(rt, channel, frame->seq);
    dure_mailbox_push(rt, mail);
}

/* ---- 2: backlog ------------------------------------------------------------------------------ */

struct kept { /* In the backlog; the mail's bytes follow, padded to 8. */
    size_t len; /* Of these. */
    struct dure_frame frame;
};
_Static_assert(sizeof(struct kept) % 8 == 0, "the next one is aligned");

/* False: it is full. */
static bool keep(struct dure_links *links, const struct dure_frame *frame, const void *bytes,
                 size_t len)
{
    static const char zeros[8];
    struct dure_buf *backlog = &links->backlog;
    struct kept kept = {.len = len, .frame = *frame};
    if (backlog->len + sizeof kept + len > DURE_BACKLOG_BYTES_MAX) return false;
    dure_buf_add(backlog, &kept, sizeof kept);
    dure_buf_add(backlog, bytes, len);
    dure_buf_add(backlog, zeros, (8 - len % 8) % 8);
    return true;
}

void dure_inbox_take(struct dure_runtime *rt)
{
    struct dure_links *links = rt->links;
    struct dure_buf *backlog = &links->backlog;
    if (backlog->len == 0) return;
    while (links->backlog_at < backlog->len && group_has_room(rt) && rt->fatal == 0) {
        const struct kept *kept = (const void *)(backlog->data + links->backlog_at);
        links->backlog_at += sizeof *kept + ((kept->len + 7) & ~(size_t)7);
        take(rt, &kept->frame, kept + 1, kept->len);
    }
    if (links->backlog_at < backlog->len / 2) return;
    backlog->len -= links->backlog_at;
    memmove(backlog->data, backlog->data + links->backlog_at, backlog->len);
    links->backlog_at = 0;
}

void dure_inbox_message(struct dure_runtime *rt, const struct dure_frame *frame, const void *bytes,
                        size_t len)
{
    struct dure_links *links = rt->links;
    if (links->backlog.len == 0 && group_has_room(rt)) {
        take(rt, frame, bytes, len);
    } else if (!keep(links, frame, bytes, len)) {
        struct dure_channel *channel = dure_links_channel_in(links, frame->src, frame->dst);
        channel->refused = true;
        dure_links_set_busy(&links->busy_in, channel);
    }
    rt->io->soon(rt->io);
}

/* ---- 3 and 4: durable, failed ---------------------------------------------------------------- */

static void ask_again(struct dure_runtime *rt, struct dure_channel *channel)
{
    if (!channel->refused) return;
    channel->refused = false;
    channel->gap_seq = 0; /* However soon after the last time: it was sent, and not taken. */
    report_gap(rt, channel);
}

/* An ack that finds no room is said with the next record, or when there is room. */
static void acknowledge(struct dure_runtime *rt, struct dure_channel *channel)
{
    channel->ack_due = !reply(rt, channel, DURE_FRAME_ACK, channel->taken);
}

void dure_inbox_room(struct dure_runtime *rt, uint16_t node)
{
    for (struct dure_channel *channel = rt->links->busy_in; channel; channel = channel->next_busy) {
        if (channel->src % rt->links->nodes != node) continue;
        if (channel->ack_due) acknowledge(rt, channel);
        /* What was dropped for want of room waits for the next record. */
        if (rt->links->backlog.len == 0) ask_again(rt, channel);
    }
}

void dure_inbox_durable(struct dure_runtime *rt, uint64_t lsn)
{
    struct dure_channel **at = &rt->links->busy_in;
    while (*at != NULL) {
        struct dure_channel *channel = *at;
        uint64_t taken = channel->newer.lsn <= lsn ? channel->newer.seq : channel->older.seq;
        if (taken > channel->taken) {
            channel->taken = taken;
            channel->ack_due = true;
        }
        if (channel->ack_due) acknowledge(rt, channel);
        ask_again(rt, channel);
        if (channel->taken != channel->newer.seq || channel->ack_due || channel->refused) {
            at = &channel->next_busy;
            continue;
        }
        channel->busy = false;
        *at = channel->next_busy;
    }
}

/* Of the failed records nothing stands, so nothing of what they took was taken. */
void dure_inbox_failed(struct dure_runtime *rt, uint64_t lsn)
{
    struct dure_channel *next = rt->links->busy_in;
    rt->links->busy_in = NULL;
    while (next != NULL) {
        struct dure_channel *channel = next;
        next = channel->next_busy;
        channel->busy = false;
        if (channel->newer.lsn >= lsn) channel->newer = channel->older;
        if (channel->newer.lsn >= lsn) channel->newer = (struct dure_mark){channel->taken, 0};
        channel->older = channel->newer;
        channel->gap_seq = 0;
        ask_again(rt, channel);
        if (channel->ack_due) dure_links_set_busy(&rt->links->busy_in, channel);
    }
}
