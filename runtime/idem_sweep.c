/*
 * Expired idempotency keys leave the rows.
 *
 *   1. noted    with each key that a checkpoint writes goes a small row under the hour it was written
 *   2. sweep    between checkpoints, a few rows a round: hours that lie DURE_KEY_TTL_MS back are read
 *               from the cursor on, and their keys listed
 *   3. collect  the next checkpoint deletes what is listed, and moves the cursor
 *
 * A key that was used again since has a newer row, which stays. Nothing is read while a checkpoint is
 * written, so that what is listed is what the rows hold. A row that cannot be read is met by the next
 * command that needs it; the sweep only tries again. Loop thread.
 */
#include <stdlib.h>

#include "runtime/idem.h"

/* Keys looked at in one round of the loop: some 0.1 ms. */
#define ROUND_KEYS 32
/* Keys deleted by one checkpoint. */
#define CHECKPOINT_KEYS 8192

struct scan {
    struct dure_idem *idem;
    size_t found;
    int64_t last;
};

static int note_expired(void *arg, uint32_t hour, int64_t id, const void *row, size_t len)
{
    struct scan *scan = arg;
    struct dure_idem *idem = scan->idem;
    struct dure_idem_expired *expired = &idem->expired[idem->expired_count];
    *expired = (struct dure_idem_expired){.key = {(uint64_t)id, 0}, .hour = hour};
    if (len == sizeof expired->key) memcpy(expired->key, row, sizeof expired->key);
    idem->expired_count++;
    scan->last = id;
    return ++scan->found == ROUND_KEYS || idem->expired_count == CHECKPOINT_KEYS;
}

/* True when the key's own row is there and of this very hour. */
static bool row_is_of(struct dure_runtime *rt, const struct dure_idem_expired *expired)
{
    struct dure_buf row = {0};
    struct dure_idem_wire wire;
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_KEY, dure_idem_row_type(expired->key),
                                dure_idem_row_id(expired->key), &row);
    bool same = rv == 0 && row.len >= sizeof wire;
    if (same) memcpy(&wire, row.data, sizeof wire);
    dure_buf_fini(&row);
    return same && memcmp(wire.key, expired->key, sizeof wire.key) == 0 &&
           dure_idem_hour(wire.time_ms) == expired->hour;
}

static bool load_cursor(struct dure_runtime *rt)
{
    struct dure_idem *idem = rt->idem;
    struct dure_buf row = {0};
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_META, 0, DURE_IDEM_META_CURSOR, &row);
    uint32_t cursor = 0;
    if (rv == 0 && row.len == sizeof cursor) memcpy(&cursor, row.data, sizeof cursor);
    dure_buf_fini(&row);
    if (rv != 0 && rv != DURE_ENOTFOUND) return false;
    if (cursor != 0 && (idem->cursor == 0 || cursor < idem->cursor)) idem->cursor = cursor;
    idem->cursor_known = true;
    idem->scan_from = INT64_MIN;
    return true;
}

void dure_idem_sweep(struct dure_runtime *rt)
{
    struct dure_idem *idem = dure_idem_table(rt);
    if (rt->options.read_only || (!idem->cursor_known && !load_cursor(rt))) return;
    if (idem->cursor == 0 || idem->hour_done || idem->expired_count == CHECKPOINT_KEYS) return;
    int64_t end_ms = ((int64_t)idem->cursor + 1) * DURE_IDEM_HOUR_MS;
    if (!dure_idem_expired(rt, end_ms)) return;
    if (idem->expired == NULL) {
        idem->expired = malloc(CHECKPOINT_KEYS * sizeof idem->expired[0]);
        DURE_ASSERT(idem->expired != NULL);
    }
    struct scan scan = {.idem = idem};
    size_t before = idem->expired_count;
    int rv = rt->rows->ops->scan(rt->rows, DURE_TABLE_META, idem->cursor, idem->scan_from, false,
                                 note_expired, &scan);
    for (size_t i = before; i < idem->expired_count; i++) {
        idem->expired[i].row = row_is_of(rt, &idem->expired[i]);
    }
    if (scan.found > 0 && scan.last < INT64_MAX) idem->scan_from = scan.last + 1;
    if (rv != 0) return; /* There are more, or it could not be read: the next round. */
    idem->hour_done = true;
    if (idem->expired_count > 0) return;
    /* An empty hour: no need to wait for a checkpoint. */
    idem->cursor++;
    idem->hour_done = false;
    idem->scan_from = INT64_MIN;
}

void dure_idem_sweep_noted(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                           dure_idem_add *add, const struct dure_idem_wire *wire)
{
    struct dure_idem *idem = rt->idem;
    uint32_t hour = dure_idem_hour(wire->time_ms);
    if (!idem->cursor_known) (void)load_cursor(rt);
    add(checkpoint, DURE_TABLE_META, hour, dure_idem_row_id(wire->key), wire->key,
        sizeof wire->key);
    if (idem->cursor != 0 && hour >= idem->cursor) return;
    idem->cursor = hour; /* The first one ever, or the clock was set back. */
    idem->hour_done = false;
    idem->scan_from = INT64_MIN;
}

void dure_idem_sweep_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                             dure_idem_add *add, uint8_t batch)
{
    struct dure_idem *idem = rt->idem;
    if (idem->cursor != 0) {
        add(checkpoint, DURE_TABLE_META, 0, DURE_IDEM_META_CURSOR, &idem->cursor,
            sizeof idem->cursor);
    }
    if (idem->sweeping != 0) return; /* All of them are in the batch before. */
    for (size_t i = 0; i < idem->expired_count; i++) {
        const struct dure_idem_expired *expired = &idem->expired[i];
        add(checkpoint, DURE_TABLE_META, expired->hour, dure_idem_row_id(expired->key), NULL, 0);
        /* In use again: its new row is in this batch or will be in a later one. */
        if (!expired->row || dure_idem_find(rt, expired->key) != NULL) continue;
        add(checkpoint, DURE_TABLE_KEY, dure_idem_row_type(expired->key),
            dure_idem_row_id(expired->key), NULL, 0);
    }
    idem->sweeping = batch;
}

void dure_idem_sweep_written(struct dure_runtime *rt, int rv, uint8_t batch)
{
    struct dure_idem *idem = rt->idem;
    if (idem->sweeping != batch) return;
    idem->sweeping = 0;
    if (rv != 0) return; /* All of it again with the next one. */
    idem->expired_count = 0;
    if (!idem->hour_done) return;
    idem->cursor++;
    idem->hour_done = false;
    idem->scan_from = INT64_MIN;
}
