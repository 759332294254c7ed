/*
 * The table of actors in memory: find, load on first use, passivate by memory budget.
 *
 *   1. get finds the actor in its bucket, or makes it: from its row, or fresh when there is none.
 *   2. What a turn changes is put on the dirty list; the checkpoint takes it off again, and when the
 *      row is written the actor joins the list of those that may go.
 *   3. passivate frees idle ones of that list that have not been used for long: by second chance, as a
 *      page cache does (Corbato, "A paging experiment with the Multics system", 1968), so that use
 *      sets a bit and moves nothing.
 *
 * Fails when a row cannot be read (DURE_EIO, DURE_ECORRUPT). Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"

/* Looked at in one call of passivate, so that a round of the loop stays short. */
#define PASSIVATE_STEPS_MAX 512
#define MALLOC_OVERHEAD 16

static void unlist(struct dure_runtime *rt, struct dure_actor *actor)
{
    if (!actor->listed) return;
    actor->listed = false;
    if (actor->newer != NULL) actor->newer->older = actor->older;
    else rt->newest = actor->older;
    if (actor->older != NULL) actor->older->newer = actor->newer;
    else rt->oldest = actor->newer;
}

static void list(struct dure_runtime *rt, struct dure_actor *actor)
{
    actor->listed = true;
    actor->used = false;
    actor->newer = NULL;
    actor->older = rt->newest;
    if (rt->newest != NULL) rt->newest->newer = actor;
    else rt->oldest = actor;
    rt->newest = actor;
}

static int64_t footprint(const struct dure_actor *actor)
{
    return (int64_t)(sizeof *actor + actor->type->state_size + MALLOC_OVERHEAD);
}

struct dure_actor *dure_actor_peek(struct dure_runtime *rt, struct dure_type *type, int64_t id)
{
    return dure_actor_table_find(&rt->actors, type, id);
}

/* Reads the row into a new actor. An id beyond the largest ever seen needs no look. */
static int load(struct dure_runtime *rt, struct dure_actor *actor, bool fresh)
{
    if (fresh || actor->id > rt->counters[actor->type->index].max_id) return 0;
    struct dure_buf row = {0};
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_ROW, actor->type->code, actor->id, &row);
    if (rv == 0) {
        rv = dure_row_unpack(actor->type, &actor->head, actor->state, row.data, row.len);
        actor->stored = true;
        rt->metrics.loaded++;
    } else if (rv == DURE_ENOTFOUND) {
        rv = 0;
    }
    dure_buf_fini(&row);
    return rv;
}

struct dure_actor *dure_actor_get(struct dure_runtime *rt, struct dure_type *type, int64_t id,
                                  bool fresh, int *rv)
{
    *rv = 0;
    struct dure_actor *actor = dure_actor_peek(rt, type, id);
    if (actor != NULL) {
        actor->used = true;
        return actor;
    }
    actor = malloc(sizeof *actor + type->state_size);
    if (actor == NULL) {
        *rv = DURE_ENOMEM;
        return NULL;
    }
    *actor = (struct dure_actor){.type = type, .id = id, .head.due_ms = DURE_NULL};
    actor->mail_last = &actor->mail_first;
    dure_row_init_state(type, actor->state);
    *rv = load(rt, actor, fresh);
    if (*rv != 0) {
        free(actor);
        return NULL;
    }
    dure_actor_table_add(&rt->actors, actor);
    list(rt, actor);
    rt->actors_count++;
    rt->memory_bytes += footprint(actor);
    return actor;
}

void dure_actor_set_exists(struct dure_runtime *rt, struct dure_actor *actor, bool exists)
{
    struct dure_type_counter *counter = &rt->counters[actor->type->index];
    if (actor->head.exists != exists) counter->count += exists ? 1 : -1;
    actor->head.exists = exists;
    if (exists && actor->id > counter->max_id) counter->max_id = actor->id;
}

void dure_actor_removed(struct dure_runtime *rt, struct dure_actor *actor)
{
    dure_actor_set_exists(rt, actor, false);
    dure_row_init_state(actor->type, actor->state);
    if (actor->head.due_ms != DURE_NULL) rt->open->timers = true;
    dure_timer_set(rt, actor, DURE_NULL);
    actor->head.version = 0;
    actor->head.event_lsn = 0;
    actor->head.event_at = 0;
}

void dure_actor_set_dirty(struct dure_runtime *rt, struct dure_actor *actor, uint64_t lsn)
{
    if (actor->dirty) return;
    unlist(rt, actor);
    actor->dirty = true;
    actor->dirty_lsn = lsn;
    actor->dirty_next = NULL;
    actor->dirty_link = rt->dirty_last;
    *rt->dirty_last = actor;
    rt->dirty_last = &actor->dirty_next;
    rt->dirty_count++;
}

void dure_actor_set_dirty_first(struct dure_runtime *rt, struct dure_actor *actor, uint64_t lsn)
{
    dure_actor_set_clean(rt, actor);
    actor->dirty = true;
    actor->dirty_lsn = lsn;
    actor->dirty_next = rt->dirty;
    actor->dirty_link = &rt->dirty;
    if (rt->dirty != NULL) rt->dirty->dirty_link = &actor->dirty_next;
    else rt->dirty_last = &actor->dirty_next;
    rt->dirty = actor;
    rt->dirty_count++;
}

void dure_actor_set_clean(struct dure_runtime *rt, struct dure_actor *actor)
{
    if (!actor->dirty) return;
    actor->dirty = false;
    *actor->dirty_link = actor->dirty_next;
    if (actor->dirty_next != NULL) actor->dirty_next->dirty_link = actor->dirty_link;
    else rt->dirty_last = actor->dirty_link;
    rt->dirty_count--;
}

void dure_actor_written(struct dure_runtime *rt, struct dure_actor *actor)
{
    actor->copies--;
    if (!actor->dirty && actor->copies == 0) list(rt, actor);
}

static bool idle(const struct dure_runtime *rt, const struct dure_actor *actor)
{
    return !actor->ready && actor->mail_first == NULL &&
           actor->asks == NULL && actor->timer_at == 0 && actor->head.lsn <= rt->lsn_durable;
}

void dure_actor_drop(struct dure_runtime *rt, struct dure_actor *actor)
{
    dure_actor_table_remove(&rt->actors, actor);
    unlist(rt, actor);
    dure_actor_set_clean(rt, actor);
    rt->actors_count--;
    rt->memory_bytes -= footprint(actor);
    free(actor);
}

/* What the budget leaves for actors; half of it at least, so that a small one can be worked with. */
static int64_t memory_max(const struct dure_runtime *rt)
{
    int64_t working = dure_actor_table_bytes(&rt->actors);
    for (int i = 0; i < 2; i++) {
        const struct dure_group *group = &rt->groups[i];
        working += (int64_t)(group->arena.bytes + group->record.cap);
    }
    /* The store holds a batch a second time while it writes it. */
    if (rt->checkpoint != NULL) working += 2 * dure_checkpoint_memory(rt);
    int64_t budget = rt->options.memory_bytes;
    working += budget / 12; /* Connections' buffers, pages of the store, the allocator's slack. */
    return working < budget / 2 ? budget - working : budget / 2;
}

/* Of the next to go, its line of the table; of the one after it, what leads there. */
static void prefetch_next(const struct dure_runtime *rt, const struct dure_actor *actor)
{
    const struct dure_actor *next = actor->newer;
    if (next == NULL) return;
    dure_actor_table_prefetch(&rt->actors, next->type, next->id);
    if (next->newer != NULL) dure_actor_prefetch(next->newer);
}

void dure_actor_passivate(struct dure_runtime *rt)
{
    DURE_ASSERT(!rt->in_turn);
    uint64_t before = rt->metrics.passivated;
    rt->memory_max = memory_max(rt);
    rt->memory_dirty = false;
    for (int step = 0; step < PASSIVATE_STEPS_MAX; step++) {
        struct dure_actor *actor = rt->oldest;
        if (rt->memory_bytes <= rt->memory_max) return;
        if (actor == NULL) break;
        prefetch_next(rt, actor);
        if (!actor->used && idle(rt, actor)) {
            dure_actor_drop(rt, actor);
            rt->metrics.passivated++;
        } else { /* Its next chance is behind the others'. */
            unlist(rt, actor);
            list(rt, actor);
        }
    }
    rt->memory_dirty =
        rt->dirty_count > 0 && (rt->oldest == NULL || rt->metrics.passivated == before);
}
