/*
 * What the checks share: looking at actors wherever they are, and walking all journals.
 */
#include "runtime/recovery.h"
#include "tests/sim/sim.h"

const void *sim_look(struct sim *sim, const struct dure_aggregate *aggregate, int64_t id)
{
    struct dure_runtime *any = sim->nodes[0].rt;
    struct dure_runtime *rt = sim->nodes[dure_shard_node(any, dure_shard_of(any, id))].rt;
    struct dure_view view;
    return dure_runtime_view(rt, aggregate->type, id, &view) == 0 ? view.state : NULL;
}

void sim_each(struct sim *sim, struct dure_type *type,
              void (*visit)(struct sim *sim, void *arg, int64_t id, const void *state), void *arg)
{
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        struct dure_runtime *rt = sim->nodes[i].rt;
        int64_t max_id = rt->counters[type->index].max_id;
        for (int64_t id = 1; id <= max_id; id++) {
            struct dure_view view;
            if (!dure_shard_is_mine(rt, dure_shard_of(rt, id))) continue;
            if (dure_runtime_view(rt, type, id, &view) == 0) visit(sim, arg, id, view.state);
        }
    }
}

struct walk {
    struct sim *sim;
    sim_event_visit *visit;
    void *arg;
};

static int walk_record(void *arg, uint64_t index, const void *record, size_t len)
{
    static _Alignas(16) char data[64 * 1024];
    const struct walk *walk = arg;
    size_t at = sizeof(struct dure_record_header);
    int64_t time_ms = ((const struct dure_record_header *)record)->time_ms;
    const struct dure_entry *entry;
    const void *body;
    (void)index;
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
        if (entry->kind != DURE_ENTRY_EVENT) continue;
        const struct dure_entry_event *head = body;
        const struct dure_type *type = dure_registry_type_by_code(head->type_code);
        DURE_ASSERT(type != NULL);
        struct dure_event_type *event_type = dure_registry_event(type, head->event_code);
        DURE_ASSERT(event_type != NULL);
        int rv = dure_recovery_decode(event_type, head, data);
        DURE_ASSERT(rv == 0);
        struct dure_event event = {
            .type = event_type, .data = data, .id = head->id, .time_ms = time_ms};
        walk->visit(walk->sim, walk->arg, type, &event, head);
    }
    return 0;
}

void sim_each_event(struct sim *sim, sim_event_visit *visit, void *arg)
{
    struct walk walk = {sim, visit, arg};
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        struct dure_journal *journal = sim->nodes[i].journal;
        (void)journal->ops->tail(journal, 1, walk_record, &walk);
    }
}
