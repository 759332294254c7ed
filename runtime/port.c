/*
 * Ports: what a durable group asks of the outside is told to the adapters (dure.h: dure_port). Nothing
 * is kept here: an actor that gets no answer asks again. Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"
#include "runtime/record.h"

void dure_port_feed(struct dure_runtime *rt, const struct dure_group *group)
{
    if (rt->on_asked == NULL) return;
    for (const struct dure_group_event *kept = group->events; kept != NULL; kept = kept->next) {
        const struct dure_event_rules *rules = kept->event.type->rules;
        for (size_t i = 0; rules != NULL && !kept->fed && i < rules->ports_count; i++) {
            struct dure_trace trace;
            const struct dure_entry_event *entry = (const void *)(
                group->record.data + kept->at + sizeof(struct dure_entry));
            bool traced = dure_record_trace(entry, &trace);
            rt->on_asked(rt->asked_arg, rules->ports[i], &kept->event, traced ? &trace : NULL);
        }
    }
}

/* At the beginning, and not all at once. */
#define RESUME_PER_MS 4

int dure_port_resume(struct dure_runtime *rt, const struct dure_port *port)
{
    const struct dure_type *type = port->answer->aggregate->type;
    /* Setting a timer moves others: who is meant is noted first. */
    struct dure_actor **meant = malloc((rt->timers_count + 1) * sizeof(struct dure_actor *));
    if (meant == NULL) return DURE_ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < rt->timers_count; i++) {
        struct dure_actor *actor = rt->timers[i];
        if (actor->type == type && port->unanswered(actor->state)) meant[count++] = actor;
    }
    int64_t now_ms = rt->io->wall_ms(rt->io);
    for (size_t i = 0; i < count; i++) {
        int64_t due_ms = now_ms + (int64_t)(i / RESUME_PER_MS);
        if (meant[i]->head.due_ms > due_ms) dure_timer_set(rt, meant[i], due_ms);
    }
    free(meant);
    return 0;
}

int64_t dure_backoff_ms(int64_t attempt, int64_t first_ms, int64_t max_ms, uint64_t seed)
{
    DURE_ASSERT(attempt >= 1 && first_ms > 1 && first_ms <= max_ms);
    int64_t wait_ms = first_ms;
    for (int64_t i = 1; i < attempt && wait_ms < max_ms; i++) wait_ms *= 2;
    if (wait_ms > max_ms) wait_ms = max_ms;
    int64_t half = wait_ms / 2;
    return wait_ms - half + (int64_t)(seed % (uint64_t)(half + 1));
}
