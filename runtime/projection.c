/*
 * Projections: read models fed by committed events, at once when their record is durable and again
 * by recovery. A row carries the index of the last record it includes; all events of one record
 * reach it together, so replaying is applying what is newer. The cursor is that index: a rebuild
 * begins with no rows at index 0, and gives the same bytes. Loop thread.
 */
#include "runtime/core.h"

void dure_projection_event(struct dure_runtime *rt, const struct dure_event *event, uint64_t lsn)
{
    const struct dure_event_rules *rules = event->type->rules;
    for (size_t i = 0; rules != NULL && i < rules->projections_count; i++) {
        const struct dure_projection *projection = rules->projections[i];
        int rv;
        struct dure_actor *row = dure_actor_get(rt, projection->view->type,
                                                projection->target(event), false, &rv);
        if (row == NULL) {
            rt->fatal = rv;
            if (rt->on_fatal != NULL) rt->on_fatal(rt->arg, rv);
            return;
        }
        if (!row->head.exists && !projection->creates) continue;
        /* event_lsn marks the record that is being applied: its other events still belong here. */
        bool started = row->head.event_lsn == lsn && row->group == lsn;
        if (row->head.lsn >= lsn && !started) continue;
        row->head.lsn = row->head.event_lsn = lsn;
        row->group = lsn;
        row->head.version++;
        projection->apply(row->state, event);
        dure_actor_set_exists(rt, row, true);
        dure_actor_set_dirty(rt, row, lsn);
        rt->metrics.projections++;
    }
}

void dure_projection_feed(struct dure_runtime *rt, const struct dure_group *group)
{
    for (const struct dure_group_event *kept = group->events; kept != NULL; kept = kept->next) {
        dure_projection_event(rt, &kept->event, group->lsn);
    }
}
