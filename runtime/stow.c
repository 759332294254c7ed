/*
 * Messages under way as rows: the sending half of links, in checkpoints and back (links.h).
 *
 *   1. stow     with each batch: parcels that are durable and new become rows, those that were
 *               acknowledged since lose theirs. Both are runs of numbers, as parcels are
 *   2. stowed   the batch is in the rows; or it failed, and what the rows held before counts again
 *   3. load     at a restart rows are parcels again; the journal behind them adds the later ones
 *
 * Fails with DURE_ECORRUPT for a row that does not fit. Loop thread.
 */
#include "runtime/links.h"
#include "store/store.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void dure_outbox_stow(struct dure_channel *channel, uint64_t durable_seq,
                      const struct dure_stow *stow)
{
    const struct dure_stowed before = channel->stowed[channel->newest];
    const struct dure_parcel *parcel = channel->first;
    uint64_t first = parcel != NULL ? parcel->seq : channel->seq + 1;
    for (uint64_t seq = before.first; seq < before.end && seq < first; seq++) {
        stow->add(stow->checkpoint, DURE_TABLE_OUTBOX, stow->type, (int64_t)seq, NULL, 0);
    }
    for (; parcel != NULL && parcel->seq <= durable_seq; parcel = parcel->next) {
        if (parcel->seq < before.end) continue;
        stow->add(stow->checkpoint, DURE_TABLE_OUTBOX, stow->type, (int64_t)parcel->seq,
                  &parcel->check, sizeof parcel->check + parcel->len);
    }
    channel->stowed[stow->batch] =
        (struct dure_stowed){first, larger(first, larger(before.end, durable_seq + 1))};
    channel->newest = stow->batch;
}

void dure_outbox_stowed(struct dure_channel *channel, int rv, uint8_t batch)
{
    if (rv == 0) channel->stowed[0] = channel->stowed[batch];
    if (rv != 0 || channel->newest == batch) channel->newest = 0;
}

int dure_outbox_load(struct dure_links *links, struct dure_channel *channel, uint64_t seq,
                     const void *row, size_t len)
{
    struct dure_frame frame;
    uint64_t check;
    if (len < sizeof check + sizeof frame) return DURE_ECORRUPT;
    memcpy(&check, row, sizeof check);
    const char *bytes = (const char *)row + sizeof check;
    memcpy(&frame, bytes, sizeof frame);
    struct dure_stowed *stowed = &channel->stowed[0];
    bool follows = stowed->end == 0 || stowed->end == seq;
    if (check != dure_crc32c(0, bytes, len - sizeof check) || !follows || seq > channel->seq ||
        frame.kind != DURE_FRAME_MSG || frame.seq != seq || frame.src != channel->src ||
        frame.dst != channel->dst) return DURE_ECORRUPT;
    if (stowed->end == 0) stowed->first = seq;
    stowed->end = seq + 1;
    dure_outbox_add(links, channel, seq, 0, bytes + sizeof frame,
                    len - sizeof check - sizeof frame);
    return 0;
}
