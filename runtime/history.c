/*
 * History: the records are read newest first, the events written oldest first. Pool thread, but for
 * the trace of the last one.
 */
#include "runtime/history.h"

#include <stdlib.h>

struct part { /* One event in the scratch buffer. */
    size_t at, len;
};

static int walk(struct dure_history *history, struct dure_buf *scratch, struct part *parts,
                size_t *count)
{
    struct dure_buf record = {0};
    uint64_t lsn = history->lsn, loaded = 0;
    uint32_t at = history->at;
    int rv = 0;
    while (lsn != 0 && *count < DURE_HISTORY_EVENTS_MAX) {
        if (loaded != lsn) {
            record.len = 0;
            rv = history->journal->ops->get(history->journal, lsn, &record);
            if (rv == DURE_ENOTFOUND) rv = 0, lsn = 0; /* Trimmed: the history begins here. */
            if (rv == 0 && lsn != 0) rv = dure_record_check(record.data, record.len, lsn);
            if (rv != 0 || lsn == 0) break;
            loaded = lsn;
        }
        size_t entry_at = at;
        const void *body;
        const struct dure_entry *entry =
            dure_record_next(record.data, record.len, &entry_at, &body);
        const struct dure_entry_event *head = body;
        if (entry == NULL || entry->kind != DURE_ENTRY_EVENT || head->prev_lsn > lsn) {
            rv = DURE_ECORRUPT;
            break;
        }
        size_t from = scratch->len;
        int64_t time_ms = ((const struct dure_record_header *)(const void *)record.data)->time_ms;
        dure_cloudevent_write(head, time_ms, history->shards, scratch);
        if (scratch->len > from) parts[(*count)++] = (struct part){from, scratch->len - from};
        lsn = head->prev_lsn;
        at = head->prev_at;
    }
    dure_buf_fini(&record);
    return rv;
}

static void run(struct dure_work *work)
{
    struct dure_history *history = (struct dure_history *)work;
    struct dure_buf scratch = {0};
    struct part *parts = malloc(DURE_HISTORY_EVENTS_MAX * sizeof *parts);
    DURE_ASSERT(parts != NULL);
    size_t count = 0;
    history->rv = walk(history, &scratch, parts, &count);
    dure_buf_byte(&history->json, '[');
    for (size_t i = count; i > 0; i--) {
        if (i < count) dure_buf_byte(&history->json, ',');
        dure_buf_add(&history->json, scratch.data + parts[i - 1].at, parts[i - 1].len);
    }
    dure_buf_byte(&history->json, ']');
    free(parts);
    dure_buf_fini(&scratch);
}

static void done(struct dure_work *work)
{
    struct dure_history *history = (struct dure_history *)work;
    history->done(history);
}

void dure_history_read(struct dure_io *io, struct dure_history *history)
{
    history->work = (struct dure_work){.run = run, .done = done};
    io->work(io, &history->work);
}

/* ---- The last one's trace -------------------------------------------------------------------- */

/* One that is not on disk yet is in its group. */
static int last_record(struct dure_runtime *rt, uint64_t lsn, struct dure_buf *record)
{
    const struct dure_group *group = lsn == rt->open->lsn ? rt->open : rt->writing;
    if (group == NULL || group->lsn != lsn) {
        int rv = rt->journal->ops->get(rt->journal, lsn, record);
        return rv != 0 ? rv : dure_record_check(record->data, record->len, lsn);
    }
    dure_buf_add(record, group->record.data, group->record.len);
    return 0;
}

const struct dure_trace *dure_history_trace(struct dure_runtime *rt, const struct dure_actor *actor)
{
    struct dure_trace *trace = NULL, found;
    struct dure_buf record = {0};
    if (actor->head.event_lsn == 0) return NULL;
    size_t at = actor->head.event_at;
    const void *body;
    if (last_record(rt, actor->head.event_lsn, &record) == 0) {
        const struct dure_entry *entry = dure_record_next(record.data, record.len, &at, &body);
        if (entry != NULL && entry->kind == DURE_ENTRY_EVENT && dure_record_trace(body, &found)) {
            trace = dure_group_alloc(rt, sizeof *trace);
            *trace = found;
        }
    }
    dure_buf_fini(&record);
    return trace;
}
