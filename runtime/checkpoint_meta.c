/*
 * Positions of the checkpoints: the META rows, which move in the same transaction as the rows.
 *
 *   POSITION   every change up to this record is in the rows: replay begins behind it
 *   COUNTERS   per type: next id, largest id, number of rows
 *   SEQUENCES  per shard: the last number given to a published event
 *   WAYPOINTS  the same, kept for each checkpoint under the record it belongs to (waypoint.h)
 *
 * Fails with DURE_EFORMAT for rows of a newer version and DURE_ECORRUPT for unreadable ones.
 */
#include <stdlib.h>

#include "runtime/checkpoint.h"
#include "runtime/waypoint.h"

/* 1: messages to other nodes were only in the journal, and the position stayed before the oldest. */
#define META_FORMAT 2
#define META_FORMAT_PARCELS 2
#define META_POSITION 0
#define META_COUNTERS 1
#define META_SEQUENCES 2

/* Dirty actors are listed oldest first, but for this many records: an actor copied while a group is
 * open or being written is listed anew by its oldest unwritten change. */
#define DIRTY_SKEW 3

struct meta {
    uint32_t format, zero;
    uint64_t lsn, hash;
};

struct counter_row {
    uint32_t code, zero;
    int64_t next_id, max_id, count;
};

static uint64_t replay_from(const struct dure_runtime *rt, uint64_t lsn)
{
    for (const struct dure_mail *mail = rt->deferred; mail != NULL; mail = mail->durable_next) {
        if (mail->durable_lsn <= lsn) lsn = mail->durable_lsn - 1;
    }
    return lsn;
}

/* Changes up to here are in the rows or in a batch under way. */
static uint64_t position(const struct dure_runtime *rt)
{
    uint64_t lsn = rt->lsn_durable;
    if (rt->dirty != NULL && rt->dirty->dirty_lsn < lsn + DIRTY_SKEW) {
        lsn = rt->dirty->dirty_lsn > DIRTY_SKEW ? rt->dirty->dirty_lsn - DIRTY_SKEW : 0;
    }
    return replay_from(rt, lsn);
}

void dure_checkpoint_add_meta(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    uint64_t before = cp->writing != NULL ? cp->writing->lsn : cp->lsn;
    struct meta meta = {.format = META_FORMAT, .lsn = position(rt)};
    if (meta.lsn < before) meta.lsn = before;
    /* Out of the trail, 0: not compared. */
    if (meta.lsn + DURE_TRAIL_RECORDS > rt->lsn_durable) {
        meta.hash = cp->trail[meta.lsn % DURE_TRAIL_RECORDS].hash;
    }
    cp->filling->lsn = meta.lsn;
    memcpy(cp->filling->counts, cp->counts_next, sizeof cp->counts);
    dure_checkpoint_add_copy(cp, DURE_TABLE_META, 0, META_POSITION, &meta, sizeof meta);
    size_t types = dure_registry_count();
    struct counter_row counters[DURE_TYPES_MAX];
    /* What is durable: as before the oldest group that is not. Views are fed by durable ones only. */
    const struct dure_group *group = rt->writing != NULL ? rt->writing : rt->open;
    for (size_t i = 0; i < types; i++) {
        const struct dure_type *type = dure_registry_type(i);
        const struct dure_type_counter *counter =
            type->kind == DURE_KIND_VIEW ? &rt->counters[i] : &group->counters[i];
        counters[i] = (struct counter_row){.code = type->code, .next_id = counter->next_id,
                                           .max_id = counter->max_id, .count = cp->counts_next[i]};
    }
    dure_checkpoint_add_copy(cp, DURE_TABLE_META, 0, META_COUNTERS, counters,
                             types * sizeof counters[0]);
    dure_checkpoint_add_copy(cp, DURE_TABLE_META, 0, META_SEQUENCES, group->sequences,
                             rt->options.shards * sizeof(uint64_t));
    if (rt->lsn_durable > 0) {
        dure_checkpoint_add_copy(cp, DURE_TABLE_META, DURE_WAYPOINT_TYPE, (int64_t)rt->lsn_durable,
                                 group->sequences, rt->options.shards * sizeof(uint64_t));
    }
}

static int read_meta(struct dure_runtime *rt, struct dure_buf *buf)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    struct meta meta;
    buf->len = 0;
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_META, 0, META_POSITION, buf);
    cp->parcels = rv == DURE_ENOTFOUND;
    if (rv == DURE_ENOTFOUND) return 0;
    if (rv != 0) return rv;
    if (buf->len < sizeof meta) return DURE_ECORRUPT;
    memcpy(&meta, buf->data, sizeof meta);
    if (meta.format > META_FORMAT) return DURE_EFORMAT;
    cp->parcels = meta.format >= META_FORMAT_PARCELS;
    cp->lsn = meta.lsn;
    rt->lsn_durable = meta.lsn;
    rt->last_hash = meta.hash;
    dure_checkpoint_trail(rt);
    buf->len = 0;
    rv = rt->rows->ops->get(rt->rows, DURE_TABLE_META, 0, META_COUNTERS, buf);
    for (size_t at = 0; rv == 0 && at + sizeof(struct counter_row) <= buf->len;
         at += sizeof(struct counter_row)) {
        struct counter_row row;
        memcpy(&row, buf->data + at, sizeof row);
        const struct dure_type *type = dure_registry_type_by_code(row.code);
        if (type == NULL) continue;
        rt->counters[type->index] = (struct dure_type_counter){row.next_id, row.max_id, row.count};
        cp->counts[type->index] = cp->counts_next[type->index] = row.count;
    }
    if (rv == 0) {
        buf->len = 0;
        rv = rt->rows->ops->get(rt->rows, DURE_TABLE_META, 0, META_SEQUENCES, buf);
    }
    if (rv == 0 && buf->len != rt->options.shards * sizeof(uint64_t)) rv = DURE_ECORRUPT;
    if (rv == 0) memcpy(rt->sequences, buf->data, buf->len);
    return rv;
}

struct due_list {
    struct { uint32_t code; int64_t id; } *items;
    size_t count, cap;
};

static int note_timer(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    (void)row;
    (void)len;
    struct due_list *list = arg;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 256;
        list->items = realloc(list->items, list->cap * sizeof list->items[0]);
        DURE_ASSERT(list->items != NULL);
    }
    list->items[list->count].code = type;
    list->items[list->count++].id = id;
    return 0;
}

static int load_timers(struct dure_runtime *rt)
{
    struct due_list list = {0};
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < dure_registry_count(); i++) {
        rv = rt->rows->ops->scan(rt->rows, DURE_TABLE_TIMER, dure_registry_type(i)->code, INT64_MIN,
                                 false, note_timer, &list);
    }
    for (size_t i = 0; rv == 0 && i < list.count; i++) {
        struct dure_type *type = dure_registry_type_by_code(list.items[i].code);
        struct dure_actor *actor = dure_actor_get(rt, type, list.items[i].id, false, &rv);
        if (actor != NULL && actor->head.exists) dure_timer_set(rt, actor, actor->head.due_ms);
    }
    free(list.items);
    return rv;
}

int dure_checkpoint_load(struct dure_runtime *rt)
{
    struct dure_buf buf = {0};
    int rv = read_meta(rt, &buf);
    dure_buf_fini(&buf);
    if (rv == 0) rv = dure_saga_load_counts(rt);
    return rv == 0 ? load_timers(rt) : rv;
}
