/*
 * Ids carry their shard: shard = id mod shards. A node gives new ids only in its own shards; with
 * one node that is every number, so ids run 1, 2, 3 … With several, a node goes on above what the
 * others have given, as far as it has heard (ids_peer.c), so that ids are in the order of time. Pure
 * arithmetic, loop thread.
 */
#include "runtime/core.h"

#define AHEAD 4 /* Ids from now: its place in the table will be in the cache. */

uint32_t dure_shard_of(const struct dure_runtime *rt, int64_t id)
{
    int64_t shards = (int64_t)rt->options.shards;
    return (uint32_t)(((id % shards) + shards) % shards);
}

void dure_shard_given(struct dure_runtime *rt, const struct dure_type *type, int64_t id)
{
    struct dure_type_counter *counter = &rt->counters[type->index];
    if (id >= counter->next_id) counter->next_id = id + 1;
}

uint16_t dure_shard_node(const struct dure_runtime *rt, uint32_t shard)
{
    if (rt->options.nodes < 2) return rt->options.node;
    return (uint16_t)(shard % rt->options.nodes);
}

bool dure_shard_is_mine(const struct dure_runtime *rt, uint32_t shard)
{
    return dure_shard_node(rt, shard) == rt->options.node;
}

int64_t dure_shard_next_id(const struct dure_runtime *rt, const struct dure_type *type)
{
    const struct dure_type_counter *counter = &rt->counters[type->index];
    int64_t id = counter->next_id > counter->max_id ? counter->next_id : counter->max_id + 1;
    return id < 1 ? 1 : id;
}

int64_t dure_shard_newest_id(const struct dure_runtime *rt, const struct dure_type *type)
{
    int64_t next = dure_shard_next_id(rt, type), seen = rt->ids_seen[type->index];
    return next > seen ? next : seen;
}

void dure_shard_seen(struct dure_runtime *rt, const struct dure_type *type, int64_t next)
{
    if (next <= rt->ids_seen[type->index]) return;
    rt->ids_seen[type->index] = next;
    rt->ids_changes++;
}

int64_t dure_shard_new_id(struct dure_runtime *rt, struct dure_type *type)
{
    struct dure_type_counter *counter = &rt->counters[type->index];
    int64_t id = dure_shard_newest_id(rt, type);
    while (!dure_shard_is_mine(rt, dure_shard_of(rt, id))) id++;
    counter->next_id = id + 1;
    rt->ids_changes++;
    dure_actor_table_prefetch(&rt->actors, type, id + AHEAD);
    return id;
}

void dure_shard_unused_id(struct dure_runtime *rt, const struct dure_type *type, int64_t id)
{
    struct dure_type_counter *counter = &rt->counters[type->index];
    if (counter->next_id == id + 1) counter->next_id = id;
}
