/*
 * Durable timers: one per actor, kept in its head (and so in the journal and its row). In memory a
 * binary heap by due time; each actor knows its place, so setting it again is O(log n). One that
 * fell due while the system was down fires once at start, since the heap is filled by recovery.
 * Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"

static bool before(const struct dure_actor *a, const struct dure_actor *b)
{
    if (a->head.due_ms != b->head.due_ms) return a->head.due_ms < b->head.due_ms;
    if (a->type->index != b->type->index) return a->type->index < b->type->index;
    return a->id < b->id; /* A total order, so that equal runs fire equally. */
}

static void place(struct dure_runtime *rt, size_t at, struct dure_actor *actor)
{
    rt->timers[at] = actor;
    actor->timer_at = at + 1;
}

static void sift(struct dure_runtime *rt, size_t at)
{
    struct dure_actor *actor = rt->timers[at];
    while (at > 0 && before(actor, rt->timers[(at - 1) / 2])) {
        place(rt, at, rt->timers[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= rt->timers_count) break;
        if (child + 1 < rt->timers_count && before(rt->timers[child + 1], rt->timers[child])) {
            child++;
        }
        if (!before(rt->timers[child], actor)) break;
        place(rt, at, rt->timers[child]);
        at = child;
    }
    place(rt, at, actor);
}

static void take_out(struct dure_runtime *rt, struct dure_actor *actor)
{
    size_t at = actor->timer_at - 1;
    struct dure_actor *last = rt->timers[--rt->timers_count];
    actor->timer_at = 0;
    if (last != actor) {
        place(rt, at, last);
        sift(rt, at);
    }
}

void dure_timer_set(struct dure_runtime *rt, struct dure_actor *actor, int64_t due_ms)
{
    /* Out first: while it is in the heap its key must not change. */
    if (actor->timer_at != 0) take_out(rt, actor);
    actor->head.due_ms = due_ms;
    if (due_ms == DURE_NULL) return;
    if (rt->timers_count == rt->timers_cap) {
        rt->timers_cap = rt->timers_cap ? rt->timers_cap * 2 : 1024;
        rt->timers = realloc(rt->timers, rt->timers_cap * sizeof(struct dure_actor *));
        DURE_ASSERT(rt->timers != NULL);
    }
    place(rt, rt->timers_count++, actor);
    sift(rt, rt->timers_count - 1);
}

void dure_timer_due(struct dure_runtime *rt)
{
    int64_t now = rt->open->time_ms;
    if (now < rt->retry_at_ms) return;
    while (rt->timers_count > 0 && rt->timers[0]->head.due_ms <= now) {
        struct dure_actor *actor = rt->timers[0];
        struct dure_mail *mail = dure_group_mail(rt);
        mail->kind = DURE_MAIL_WAKE;
        mail->type = actor->type;
        mail->id = actor->id;
        dure_group_timer(rt, actor, DURE_NULL);
        dure_mailbox_push(rt, mail);
    }
}
