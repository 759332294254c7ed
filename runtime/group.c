/*
 * A group: the turns that become one journal record, and what it takes to undo them.
 *
 *   1. begin   an empty record at the next index, the shards' sequences noted
 *   2. touch   the actor as it was is copied, before its first change in the group
 *   3. event   written to the record, applied to the state, policies run
 *   4. close   (turn.c) sagas' states, timers and deferred mail are written once, then the header
 *
 * Cannot fail: everything is memory within bounds.h. Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"
#include "runtime/record.h"

void dure_group_begin(struct dure_runtime *rt, struct dure_group *group)
{
    dure_arena_reset(&group->arena);
    group->number = ++rt->groups_total;
    /* Its first turn looks again; asks may be decided before that (failure.c). */
    group->time_ms = rt->io->wall_ms(rt->io);
    group->lsn = (rt->writing != NULL ? rt->writing->lsn : rt->lsn_durable) + 1;
    group->record.len = 0;
    memset(dure_buf_reserve(&group->record, sizeof(struct dure_record_header)), 0,
           sizeof(struct dure_record_header));
    group->record.len = sizeof(struct dure_record_header);
    group->entries = group->turns = 0;
    group->undo = NULL;
    group->snapshots_count = 0;
    group->timers = false;
    group->trace_at = 0;
    group->events = NULL;
    group->events_last = &group->events;
    group->holds = NULL;
    group->holds_last = &group->holds;
    group->handled = NULL;
    group->taken = NULL;
    memcpy(group->sequences, rt->sequences, rt->options.shards * sizeof(uint64_t));
    memcpy(group->counters, rt->counters, dure_registry_count() * sizeof rt->counters[0]);
    rt->open = group;
}

void *dure_group_alloc(struct dure_runtime *rt, size_t size)
{
    return dure_arena_alloc(&rt->open->arena, size);
}

struct dure_mail *dure_group_mail(struct dure_runtime *rt)
{
    struct dure_mail *mail = dure_group_alloc(rt, sizeof *mail);
    *mail = (struct dure_mail){.trace = rt->trace};
    return mail;
}

/* Sagas and rounds are journaled by their state, once a group, however many steps they took in it. */
static void list_saga(struct dure_group *group, struct dure_undo *undo)
{
    if (group->snapshots_count == group->snapshots_cap) {
        group->snapshots_cap = group->snapshots_cap ? group->snapshots_cap * 2 : 256;
        group->snapshots =
            realloc(group->snapshots, group->snapshots_cap * sizeof(struct dure_undo *));
        DURE_ASSERT(group->snapshots != NULL);
    }
    group->snapshots[group->snapshots_count++] = undo;
}

void dure_group_touch(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_group *group = rt->open;
    if (actor->group == group->number) return;
    struct dure_undo *undo = dure_group_alloc(rt, sizeof *undo + actor->type->state_size);
    undo->actor = actor;
    undo->head = actor->head;
    memcpy(undo->state, actor->state, actor->type->state_size);
    undo->next = group->undo;
    undo->older = actor->undo;
    actor->undo = undo;
    group->undo = undo;
    actor->group = group->number;
    actor->head.lsn = group->lsn;
    dure_actor_set_dirty(rt, actor, group->lsn);
    if (dure_type_by_state(actor->type)) list_saga(group, undo); /* Counts when it is written. */
    else rt->changes[actor->type->index]++;
}

void dure_group_entry_begin(struct dure_runtime *rt, uint8_t kind, size_t *at)
{
    struct dure_buf *record = &rt->open->record;
    struct dure_entry entry = {.kind = kind};
    *at = record->len;
    dure_buf_add(record, &entry, sizeof entry);
}

void dure_group_entry_end(struct dure_runtime *rt, size_t at)
{
    static const char zeros[8];
    struct dure_buf *record = &rt->open->record;
    dure_buf_add(record, zeros, (8 - record->len % 8) % 8);
    uint32_t len = (uint32_t)(record->len - at - sizeof(struct dure_entry));
    memcpy(record->data + at, &len, sizeof len);
    rt->open->entries++;
}

/* The data of a published event is the very JSON that subscribers get. */
static void write_json(struct dure_group *group, const struct dure_event *event,
                       struct dure_buf *out)
{
    if (group->stamp.ms != event->time_ms || group->stamp.len == 0) {
        group->stamp.ms = event->time_ms;
        group->stamp.len = (size_t)(dure_decimal(group->stamp.digits, (uint64_t)event->time_ms) -
                                    group->stamp.digits);
    }
    dure_buf_lit(out, "{\"eventType\":\"");
    dure_buf_text(out, event->type->name);
    dure_buf_lit(out, "\",\"timestamp\":");
    dure_buf_add(out, group->stamp.digits, group->stamp.len);
    if (event->type->schema != NULL && event->type->schema->fields_count > 0) {
        dure_buf_byte(out, ',');
        dure_schema_write_json(event->type->schema, event->data, out);
    }
    dure_buf_byte(out, '}');
}

/* Where the trace stands in the record: a cascade's events come one after another, and so do the
 * lines of a bulk request, so it mostly does already. */
static uint32_t write_trace(struct dure_runtime *rt)
{
    struct dure_group *group = rt->open;
    struct dure_entry_trace entry;
    memcpy(&entry, rt->trace, sizeof entry);
    if (group->trace_at != 0 &&
        memcmp(group->record.data + group->trace_at, &entry, sizeof entry) == 0)
        return group->trace_at;
    size_t at;
    dure_group_entry_begin(rt, DURE_ENTRY_TRACE, &at);
    group->trace_at = (uint32_t)group->record.len;
    dure_buf_add(&group->record, &entry, sizeof entry);
    dure_group_entry_end(rt, at);
    return group->trace_at;
}
_Static_assert(offsetof(struct dure_trace, span_id) == offsetof(struct dure_entry_trace, span_id) &&
                   offsetof(struct dure_trace, flags) == sizeof(struct dure_entry_trace),
               "an entry is the beginning of a trace");

static void write_event(struct dure_runtime *rt, const struct dure_actor *actor,
                        const struct dure_event *event, uint64_t sequence, bool first, size_t *at)
{
    struct dure_buf *record = &rt->open->record;
    uint32_t trace_at = rt->trace != NULL ? write_trace(rt) : 0;
    dure_group_entry_begin(rt, DURE_ENTRY_EVENT, at);
    struct dure_entry_event head = {
        .type_code = actor->type->code, .event_code = event->type->code, .id = actor->id,
        .sequence = sequence, .prev_lsn = actor->head.event_lsn, .prev_at = actor->head.event_at,
        .flags = first ? DURE_EVENT_FIRST : 0,
    };
    size_t head_at = record->len;
    if (trace_at != 0) {
        head.trace_back = (uint32_t)head_at - trace_at;
        if (rt->trace->flags & DURE_TRACE_SAMPLED) head.flags |= DURE_EVENT_SAMPLED;
    }
    dure_buf_add(record, &head, sizeof head);
    if (sequence != 0) write_json(rt->open, event, record);
    else if (event->type->schema != NULL)
        dure_schema_pack(event->type->schema, event->data, record);
    head.data_len = (uint32_t)(record->len - head_at - sizeof head);
    memcpy(record->data + head_at, &head, sizeof head);
    dure_group_entry_end(rt, *at);
}

void dure_group_event(struct dure_runtime *rt, struct dure_actor *actor,
                      struct dure_event_type *type, const void *data, bool first)
{
    struct dure_group *group = rt->open;
    struct dure_event event = {
        .type = type, .data = data, .id = actor->id, .time_ms = group->time_ms};
    dure_group_touch(rt, actor);
    uint32_t shard = dure_shard_of(rt, actor->id);
    uint64_t sequence = type->internal ? 0 : ++rt->sequences[shard];
    size_t at;
    write_event(rt, actor, &event, sequence, first, &at);
    actor->head.event_lsn = group->lsn;
    actor->head.event_at = (uint32_t)at;
    if (first) actor->head.version++;
    if (type->apply != NULL) type->apply(actor->state, &event);
    if (type->removes) dure_actor_removed(rt, actor);
    else dure_actor_set_exists(rt, actor, true);
    rt->metrics.events++;

    const struct dure_event_rules *rules = type->rules;
    if (!type->internal || (rules != NULL && rules->projections_count + rules->ports_count > 0)) {
        struct dure_group_event *kept = dure_group_alloc(rt, sizeof *kept);
        *kept = (struct dure_group_event){.type = actor->type, .event = event, .sequence = sequence,
                                          .shard = shard, .at = (uint32_t)at};
        *group->events_last = kept;
        group->events_last = &kept->next;
    }
    dure_policy_run(rt, &event);
    if (rt->options.nodes > 1) dure_projection_send(rt, actor->type, &event);
}

void dure_group_timer(struct dure_runtime *rt, struct dure_actor *actor, int64_t due_ms)
{
    if (actor->head.due_ms == due_ms) return;
    dure_group_touch(rt, actor);
    if (!dure_type_by_state(actor->type)) {
        rt->open->timers = true;
        dure_timer_set(rt, actor, due_ms);
    } else if (actor->timer_at != 0) {
        dure_timer_set(rt, actor, due_ms);
    } else {
        actor->head.due_ms = due_ms; /* Most end in this group: closing.c sets those that do not. */
    }
}
