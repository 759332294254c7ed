/*
 * What is live is what the journal says: a runtime that begins with no rows and replays everything
 * has the same actors and views, byte for byte, the same versions, timers and numbers.
 */
#include "tests/sim/sim.h"

static bool same(struct dure_runtime *live, struct dure_runtime *anew, struct dure_type *type,
                 int64_t id)
{
    int rv;
    const struct dure_actor *a = dure_actor_get(live, type, id, false, &rv);
    const struct dure_actor *b = dure_actor_get(anew, type, id, false, &rv);
    if (a == NULL || b == NULL || a->head.exists != b->head.exists) return false;
    if (!a->head.exists) return true;
    if (a->head.version != b->head.version || a->head.due_ms != b->head.due_ms) return false;
    struct dure_buf one = {0}, other = {0};
    dure_row_pack_state(type, a->state, &one);
    dure_row_pack_state(type, b->state, &other);
    bool equal = one.len == other.len && memcmp(one.data, other.data, one.len) == 0;
    dure_buf_fini(&one);
    dure_buf_fini(&other);
    return equal;
}

static void compare(struct sim *sim, struct dure_runtime *live, struct dure_runtime *anew)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        int64_t max_id = live->counters[i].max_id;
        if (anew->counters[i].max_id > max_id) max_id = anew->counters[i].max_id;
        if (live->counters[i].count != anew->counters[i].count) {
            sim_fail(sim, "%s: %lld live, %lld by replay", type->name,
                     (long long)live->counters[i].count, (long long)anew->counters[i].count);
        }
        for (int64_t id = 1; id <= max_id; id++) {
            if (!dure_shard_is_mine(live, dure_shard_of(live, id))) continue;
            if (same(live, anew, type, id)) continue;
            sim_fail(sim, "%s %lld is another one by replay", type->name, (long long)id);
        }
    }
    for (uint32_t shard = 0; shard < sim->settings.shards; shard++) {
        if (live->sequences[shard] == anew->sequences[shard]) continue;
        sim_fail(sim, "shard %u: the sequence is another one by replay", shard);
    }
}

static void check_node(struct sim *sim, struct sim_node *node)
{
    struct dure_store_options store = {.codec = dure_row_codec()};
    struct dure_options options = node->rt->options;
    struct dure_rows *rows;
    struct dure_runtime *anew;
    const char *message = "";
    options.links = NULL;
    DURE_ASSERT(dure_rows_memory_open(&rows, &store) == 0);
    int rv = dure_runtime_open(&anew, &options, &node->io, node->journal, rows, &message);
    if (rv == 0) compare(sim, node->rt, anew);
    else sim_fail(sim, "node %u cannot be rebuilt: %s", node->number, message);
    if (rv == 0) dure_runtime_close(anew);
    rows->ops->close(rows);
}

void sim_check_replay(struct sim *sim)
{
    for (unsigned i = 0; i < sim->settings.nodes; i++) check_node(sim, &sim->nodes[i]);
}
