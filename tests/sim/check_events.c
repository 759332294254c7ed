/*
 * The published events of each shard are numbered 1, 2, 3 … without a gap or a double, and what a
 * subscriber saw live is what the journal holds: no event that was published is taken back, or
 * becomes another one, by a crash.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <xxhash.h>

static uint64_t hash_of(const struct dure_entry_event *head)
{
    return XXH3_64bits(head, sizeof *head + head->data_len) | 1;
}

/* Live: on the loop, when the record is durable. */
void sim_stream_record(void *arg, const struct dure_group *group)
{
    struct sim_node *node = arg;
    struct sim *sim = node->sim;
    for (const struct dure_group_event *event = group->events; event; event = event->next) {
        if (event->sequence == 0) continue;
        struct sim_stream *stream = &sim->streams[event->shard];
        const struct dure_entry_event *head =
            (const void *)(group->record.data + event->at + sizeof(struct dure_entry));
        if (event->sequence <= stream->last) {
            sim_fail(sim, "shard %u: event %llu was published twice", event->shard,
                     (unsigned long long)event->sequence);
            return;
        }
        while (event->sequence >= stream->cap) {
            uint64_t cap = stream->cap ? stream->cap * 2 : 64;
            stream->hashes = realloc(stream->hashes, cap * sizeof(uint64_t));
            DURE_ASSERT(stream->hashes != NULL);
            memset(stream->hashes + stream->cap, 0, (cap - stream->cap) * sizeof(uint64_t));
            stream->cap = cap;
        }
        stream->hashes[event->sequence] = hash_of(head);
        stream->last = event->sequence;
    }
}

static void check_event(struct sim *sim, void *arg, const struct dure_type *type,
                        const struct dure_event *event, const struct dure_entry_event *head)
{
    (void)type;
    uint64_t *last = arg;
    if (head->sequence == 0) return;
    uint32_t shard = dure_shard_of(sim->nodes[0].rt, event->id);
    if (head->sequence != last[shard] + 1) {
        sim_fail(sim, "shard %u: event %llu follows %llu", shard,
                 (unsigned long long)head->sequence, (unsigned long long)last[shard]);
    }
    last[shard] = head->sequence;
    const struct sim_stream *stream = &sim->streams[shard];
    bool seen = head->sequence < stream->cap && stream->hashes[head->sequence] != 0;
    if (seen && stream->hashes[head->sequence] != hash_of(head)) {
        sim_fail(sim, "shard %u: event %llu was published as another one", shard,
                 (unsigned long long)head->sequence);
    }
}

void sim_check_events(struct sim *sim)
{
    uint64_t last[SIM_SHARDS_MAX] = {0};
    sim_each_event(sim, check_event, last);
    for (uint32_t shard = 0; shard < sim->settings.shards; shard++) {
        const struct dure_runtime *rt = sim->nodes[shard % sim->settings.nodes].rt;
        if (last[shard] == rt->sequences[shard] && last[shard] >= sim->streams[shard].last)
            continue;
        sim_fail(sim, "shard %u: the journal ends at event %llu, live at %llu, the stream at %llu",
                 shard, (unsigned long long)last[shard],
                 (unsigned long long)rt->sequences[shard],
                 (unsigned long long)sim->streams[shard].last);
    }
}
