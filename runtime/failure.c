/*
 * A record that could not be written: everything of it, and of the group behind it, is taken back.
 *
 *   1. asks whose command was handled in them fail with the reason
 *   2. actors become what they were before, newest group first; sequences and ids too
 *   3. mail that these groups made is gone; durable causes come again after RETRY_MS, in the order
 *      that they had, before anything newer and to the keys that they were sent to; until then
 *      nobody has a turn
 *   4. who waited for them hears the reason; an ask whose command was durable before waits again
 *
 * A full disk ends here, and the next command tries again; everything else is fatal. Loop thread.
 */
#include "runtime/core.h"

/* After a full disk, durable mail and timers try again this much later. */
#define RETRY_MS 250

static void undo_group(struct dure_runtime *rt, struct dure_group *group)
{
    for (struct dure_undo *undo = group->undo; undo != NULL; undo = undo->next) {
        struct dure_actor *actor = undo->actor;
        dure_saga_count(rt, actor, -1);
        dure_actor_set_exists(rt, actor, undo->head.exists);
        dure_timer_set(rt, actor, undo->head.due_ms);
        actor->head = undo->head;
        actor->group = 0;
        memcpy(actor->state, undo->state, actor->type->state_size);
        dure_saga_count(rt, actor, +1);
    }
    group->undo = NULL;
    dure_idem_failed(rt, group->lsn);
}

/* What a key was bound to may have been taken back, and the id be somebody else's by then. */
static void come_again(struct dure_runtime *rt, struct dure_mail *mail)
{
    if (mail->directory != NULL) {
        mail->type = mail->directory;
        mail->id = mail->key;
        mail->fresh = false;
        mail->directory = NULL;
    }
    mail->next = rt->retry;
    rt->retry = mail;
}

/* Durable causes are still causes: they come again when there is space. */
static void undo_taken(struct dure_runtime *rt, struct dure_group *group, uint64_t failed_lsn)
{
    struct dure_mail *oldest = NULL;
    while (group->taken != NULL) {
        struct dure_mail *mail = group->taken;
        group->taken = mail->next;
        mail->next = oldest;
        oldest = mail;
    }
    while (oldest != NULL) {
        struct dure_mail *mail = oldest;
        oldest = mail->next;
        if (mail->durable_lsn == 0) {
            dure_mail_free(mail); /* Received: the sender has it and sends it again. */
        } else if (mail->durable_lsn < failed_lsn) {
            come_again(rt, mail);
        } /* Else it was deferred by this very failure: undo_mail frees it. */
    }
}

/* Mail that a failed group made is gone with it; what was durable before waits for the retry. */
static void undo_mail(struct dure_runtime *rt, uint64_t failed_lsn, int rv)
{
    while (rt->ready != NULL) {
        struct dure_actor *actor = rt->ready;
        rt->ready = actor->ready_next;
        actor->ready = false;
        while (actor->mail_first != NULL) {
            struct dure_mail *mail = actor->mail_first;
            actor->mail_first = mail->next;
            bool old = mail->durable_lsn != 0 && mail->durable_lsn < failed_lsn;
            if (old) {
                come_again(rt, mail);
            } else if (mail->ask != NULL) {
                dure_ask_fail(rt, mail->ask, rv); /* Its command had not begun. */
            }
            if (!old && mail->durable_lsn == 0) dure_mail_free(mail);
        }
        actor->mail_last = &actor->mail_first;
        rt->ready_mail -= actor->mail_count;
        actor->mail_count = 0;
    }
    rt->ready_last = &rt->ready;
    struct dure_mail *next;
    for (struct dure_mail *mail = rt->deferred; mail != NULL; mail = next) {
        next = mail->durable_next;
        if (mail->durable_lsn < failed_lsn) continue;
        if (mail->durable_prev != NULL) mail->durable_prev->durable_next = next;
        else rt->deferred = next;
        if (next != NULL) next->durable_prev = mail->durable_prev;
        dure_mail_free(mail);
    }
}

static void fail_waiting(struct dure_runtime *rt, uint64_t group, int rv)
{
    struct dure_ask *next;
    for (struct dure_ask *ask = rt->waiting; ask != NULL; ask = next) {
        next = ask->next;
        if (ask->group >= group) dure_ask_fail(rt, ask, rv);
    }
}

/* Ids that were given go back. Views are fed by durable groups only: theirs stay. */
static void undo_counters(struct dure_runtime *rt, const struct dure_group *group)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        if (dure_registry_type(i)->kind == DURE_KIND_VIEW) continue;
        rt->counters[i].next_id = group->counters[i].next_id;
        rt->counters[i].max_id = group->counters[i].max_id;
    }
}

void dure_failure_undo(struct dure_runtime *rt, int rv)
{
    struct dure_group *writing = rt->writing;
    struct dure_group *open = rt->open;
    rt->metrics.failed_appends++;
    if (rv == DURE_ENOSPC) rt->metrics.nospace++;
    rt->failed_group = writing->number;
    fail_waiting(rt, writing->number, rv);
    undo_group(rt, open);
    undo_group(rt, writing);
    undo_taken(rt, writing, writing->lsn);
    undo_taken(rt, open, writing->lsn);
    undo_counters(rt, writing);
    dure_outage_failed(rt, writing->lsn);
    undo_mail(rt, writing->lsn, rv);
    if (rt->links != NULL) dure_links_failed(rt, writing->lsn);
    memcpy(rt->sequences, writing->sequences, rt->options.shards * sizeof(uint64_t));
    /* A wait that is under way is not drawn out: failures one after the other would starve what is
     * durable, while new commands came through in between. */
    int64_t now = rt->io->wall_ms(rt->io);
    bool waits = rt->retry_at_ms > now && rt->retry_at_ms <= now + RETRY_MS;
    if (!waits) rt->retry_at_ms = now + RETRY_MS;
    rt->writing = NULL;
    /* The open group's holds move over: begin empties it. */
    struct dure_hold *more = open->holds;
    *writing->holds_last = more;
    open->holds = NULL;
    dure_group_begin(rt, open);
    dure_turn_release(writing, rv);
    if (rv != DURE_ENOSPC && rt->fatal == 0) {
        rt->fatal = rv;
        if (rt->on_fatal != NULL) rt->on_fatal(rt->arg, rv);
    }
}
