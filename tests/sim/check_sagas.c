/*
 * Every saga ends once the faults are over; and one whose answer is owed for longer than its
 * deadline is parked, for a person to see, whatever its node has been through.
 */
#include "tests/sim/sim.h"

/* A timer may be late by what its node was stopped, down, or short of disk before. */
#define GRACE_US (3 * SIM_SECOND)

static void still_there(struct sim *sim, void *arg, int64_t id, const void *data)
{
    const struct dure_type *type = arg;
    const struct dure_saga_state *state = data;
    sim_fail(sim, "%s %lld has not ended: phase %d, step %d, %s%s", type->name, (long long)id,
             state->phase, state->step, state->parked ? "parked: " : "under way", state->reason);
}

void sim_check_sagas(struct sim *sim)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        if (type->kind == DURE_KIND_SAGA) sim_each(sim, type, still_there, type);
    }
}

static void check_node(struct sim *sim, struct sim_node *node)
{
    int64_t now_ms = node->io.wall_ms(&node->io);
    for (const struct dure_actor *actor = node->rt->newest; actor != NULL; actor = actor->older) {
        if (actor->type->kind != DURE_KIND_SAGA || !actor->head.exists) continue;
        const struct dure_saga_state *state = (const void *)actor->state;
        bool waits = state->phase == DURE_SAGA_FORWARD || state->phase == DURE_SAGA_UNDOING;
        int64_t limit = state->since_ms + sim->settings.saga_deadline_ms + GRACE_US / SIM_MS;
        if (!waits || state->parked || now_ms < limit) continue;
        sim_fail(sim, "%s %lld waits beyond its deadline, and is not parked", actor->type->name,
                 (long long)actor->id);
    }
}

void sim_check_deadlines(struct sim *sim)
{
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        struct sim_node *node = &sim->nodes[i];
        bool trouble = !node->up || sim_node_stalled(node) || node->full_until_us > sim->now_us;
        if (node->up && node->rt->metrics.failed_appends != node->failures) {
            node->failures = node->rt->metrics.failed_appends;
            trouble = true;
        }
        if (trouble) node->trouble_us = sim->now_us;
        if (sim->now_us - node->trouble_us > GRACE_US) check_node(sim, node);
    }
}
