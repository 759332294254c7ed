/*
 * What a group adds to its record as it closes: whatever has to outlive it.
 *
 *   deferred   mail that nobody has handled yet, when the cascade was longer than a record, and
 *              mail that is held (outage.c)
 *   sagas      the state of each that this group touched, once; not of those begun and ended in it
 *   timers     of other actors, where they changed
 *   keys       idempotency keys of commands that still wait for their outcome
 *
 * Cannot fail. Loop thread.
 */
#include "runtime/core.h"
#include "runtime/record.h"

static void write_sagas(struct dure_runtime *rt, struct dure_group *group)
{
    for (size_t i = 0; i < group->snapshots_count; i++) {
        const struct dure_undo *undo = group->snapshots[i];
        struct dure_actor *saga = undo->actor;
        if (!saga->head.exists && !undo->head.exists) continue; /* Begun and ended in this record. */
        if (saga->head.exists) saga->head.version++;
        rt->changes[saga->type->index]++;
        if (saga->timer_at == 0) dure_timer_set(rt, saga, saga->head.due_ms);
        size_t at;
        dure_group_entry_begin(rt, DURE_ENTRY_SAGA, &at);
        struct dure_entry_actor entry = {.type_code = saga->type->code, .id = saga->id,
                                         .due_ms = saga->head.due_ms,
                                         .version = saga->head.version};
        size_t entry_at = group->record.len;
        dure_buf_add(&group->record, &entry, sizeof entry);
        if (saga->head.exists) dure_row_pack_state(saga->type, saga->state, &group->record);
        entry.data_len = (uint32_t)(group->record.len - entry_at - sizeof entry);
        memcpy(group->record.data + entry_at, &entry, sizeof entry);
        dure_group_entry_end(rt, at);
    }
}

static void write_timers(struct dure_runtime *rt, struct dure_group *group)
{
    if (!group->timers) return;
    for (const struct dure_undo *undo = group->undo; undo != NULL; undo = undo->next) {
        const struct dure_actor *actor = undo->actor;
        if (dure_type_by_state(actor->type)) continue; /* Its entry carries it. */
        if (actor->head.due_ms == undo->head.due_ms) continue;
        size_t at;
        dure_group_entry_begin(rt, DURE_ENTRY_TIMER, &at);
        struct dure_entry_actor entry = {.type_code = actor->type->code, .id = actor->id,
                                         .due_ms = actor->head.due_ms};
        dure_buf_add(&group->record, &entry, sizeof entry);
        dure_group_entry_end(rt, at);
    }
}

/* A mail that outlives its group: its bytes go into the record, itself to the heap. */
static struct dure_mail *defer(struct dure_runtime *rt, struct dure_mail *mail)
{
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_DEFERRED, &at);
    size_t bytes_at = rt->open->record.len;
    dure_mail_encode(mail, &rt->open->record);
    struct dure_mail *kept = dure_mail_decode(rt->open->record.data + bytes_at,
                                              rt->open->record.len - bytes_at);
    DURE_ASSERT(kept != NULL);
    dure_group_entry_end(rt, at);
    kept->durable_lsn = rt->open->lsn;
    kept->durable_at = (uint32_t)at;
    kept->ask = mail->ask;
    if (kept->ask != NULL) kept->ask->mail_at = kept;
    kept->durable_next = rt->deferred;
    if (rt->deferred != NULL) rt->deferred->durable_prev = kept;
    rt->deferred = kept;
    rt->metrics.deferred++;
    return kept;
}

/* All of a FIFO list. */
static void defer_list(struct dure_runtime *rt, struct dure_mail **at, struct dure_mail ***last)
{
    for (; *at != NULL; at = &(*at)->next) {
        struct dure_mail *mail = *at;
        if (mail->durable_lsn != 0) continue;
        if (mail->ask != NULL && mail == &mail->ask->mail) continue; /* Not begun yet. */
        struct dure_mail *kept = defer(rt, mail);
        kept->next = mail->next;
        *at = kept;
        if (*last == &mail->next) *last = &kept->next;
        if (mail->heap) {
            mail->next = rt->open->taken;
            rt->open->taken = mail;
        }
    }
}

static void write_deferred(struct dure_runtime *rt)
{
    for (struct dure_actor *actor = rt->ready; actor != NULL; actor = actor->ready_next) {
        defer_list(rt, &actor->mail_first, &actor->mail_last);
    }
    defer_list(rt, &rt->held, &rt->held_last);
}

static void write_keys_started(struct dure_runtime *rt, struct dure_group *group)
{
    for (struct dure_ask *ask = group->handled; ask != NULL; ask = ask->handled_next) {
        if (ask->has_key && ask->state == DURE_ASK_WAITING) dure_idem_write_started(rt, ask);
    }
    group->handled = NULL;
}

void dure_closing_write(struct dure_runtime *rt, struct dure_group *group)
{
    write_deferred(rt);
    write_sagas(rt, group);
    write_timers(rt, group);
    write_keys_started(rt, group);
}
