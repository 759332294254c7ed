/*
 * Fuzzy checkpoints: dirty actors are copied out a slice a round, and written by the store's thread.
 *
 *   1. begin   a batch is opened; the oldest changes go first, at most DURE_CHECKPOINT_ROWS_MAX
 *   2. slice   copies of dirty actors, as they are on disk already: one that an unwritten group has
 *              changed is copied from that group's undo image
 *   3. fill    idempotency keys, messages under way, and the META row that moves the position
 *   4. write   by the store's thread, while the next batch is filled
 *   5. done    its copies are in the rows
 *
 * A batch that fails (full disk) leaves everything dirty and is tried again after RETRY_MS. Loop
 * thread; a batch belongs to the store until its callback.
 */
#include "runtime/checkpoint.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/record.h"

#define RETRY_MS 1000
#define AHEAD 8 /* Actors whose memory is asked for before it is needed. */

void dure_checkpoint_add(struct dure_checkpoint *cp, struct dure_row_write write)
{
    struct dure_checkpoint_batch *batch = cp->filling;
    if (batch->count == batch->cap) {
        batch->cap = batch->cap ? batch->cap * 2 : 4096;
        batch->writes = realloc(batch->writes, batch->cap * sizeof write);
        DURE_ASSERT(batch->writes != NULL);
    }
    batch->writes[batch->count++] = write;
}

void dure_checkpoint_add_copy(struct dure_checkpoint *cp, enum dure_table table, uint32_t type,
                              int64_t id, const void *bytes, size_t len)
{
    void *copy = NULL;
    if (bytes != NULL) copy = memcpy(dure_arena_alloc(&cp->filling->arena, len), bytes, len);
    dure_checkpoint_add(cp, (struct dure_row_write){.table = table, .type = type, .id = id,
                                                    .value = copy, .value_len = len});
}

/* ---- Copying one actor ----------------------------------------------------------------------- */

struct image {
    const struct dure_actor_head *head;
    const void *state;
};

/* The newest image of the actor that is on disk: its own, or as it was before the open group, or
 * before the one that is being written. */
static struct image durable_image(const struct dure_runtime *rt, const struct dure_actor *actor)
{
    if (actor->head.lsn <= rt->lsn_durable) return (struct image){&actor->head, actor->state};
    const struct dure_undo *undo = actor->undo;
    if (undo->head.lsn > rt->lsn_durable) undo = undo->older;
    DURE_ASSERT(undo->actor == actor && undo->head.lsn <= rt->lsn_durable);
    return (struct image){&undo->head, undo->state};
}

static void note_copied(struct dure_checkpoint_batch *batch, struct dure_actor *actor,
                        uint64_t number)
{
    if (batch->actors_count == batch->actors_cap) {
        batch->actors_cap = batch->actors_cap ? batch->actors_cap * 2 : 4096;
        batch->actors = realloc(batch->actors, batch->actors_cap * sizeof batch->actors[0]);
        DURE_ASSERT(batch->actors != NULL);
    }
    batch->actors[batch->actors_count++] =
        (struct dure_copied){actor, actor->dirty_lsn, actor->stored};
    actor->copies++;
    actor->batch = number;
}

static void copy_actor(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    struct image from = durable_image(rt, actor);
    uint32_t code = actor->type->code;
    bool exists = from.head->exists;
    if (exists) {
        struct dure_row_image *image =
            dure_arena_alloc(&cp->filling->arena, sizeof *image + actor->type->state_size);
        image->type = actor->type;
        image->head = *from.head;
        memcpy(image->state, from.state, actor->type->state_size);
        dure_checkpoint_add(cp, (struct dure_row_write){.table = DURE_TABLE_ROW,
                                                        .type = code,
                                                        .id = actor->id,
                                                        .value = image,
                                                        .value_len = 1,
                                                        .encode = true,
                                                        .fresh = !actor->stored});
        if (from.head->due_ms != DURE_NULL) {
            dure_checkpoint_add_copy(cp, DURE_TABLE_TIMER, code, actor->id, &from.head->due_ms,
                                     sizeof(int64_t));
        }
    } else if (actor->stored) {
        dure_checkpoint_add(cp, (struct dure_row_write){.table = DURE_TABLE_ROW, .type = code,
                                              .id = actor->id});
    }
    if (actor->stored && (!exists || from.head->due_ms == DURE_NULL)) {
        dure_checkpoint_add(cp, (struct dure_row_write){.table = DURE_TABLE_TIMER, .type = code,
                                              .id = actor->id});
    }
    cp->counts_next[actor->type->index] += (int64_t)exists - (int64_t)actor->stored;
    note_copied(cp->filling, actor, cp->number);
    actor->stored = exists;
    /* Newer changes keep it dirty: behind the others, for the next batch. */
    dure_actor_set_clean(rt, actor);
    if (from.head != &actor->head) dure_actor_set_dirty(rt, actor, rt->lsn_durable + 1);
}

/* ---- Opening --------------------------------------------------------------------------------- */

int dure_checkpoint_open(struct dure_runtime *rt)
{
    rt->checkpoint = calloc(1, sizeof *rt->checkpoint);
    if (rt->checkpoint == NULL) return DURE_ENOMEM;
    rt->checkpoint->last_ms = rt->io->wall_ms(rt->io);
    int rv = dure_checkpoint_load(rt);
    if (rv == 0 && rt->links != NULL) rv = dure_links_load(rt, rt->checkpoint->parcels);
    return rv;
}

uint64_t dure_checkpoint_lsn(const struct dure_runtime *rt)
{
    return rt->checkpoint->lsn;
}

void dure_checkpoint_trail(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    cp->trail[rt->lsn_durable % DURE_TRAIL_RECORDS].hash = rt->last_hash;
    cp->trail[rt->lsn_durable % DURE_TRAIL_RECORDS].bytes = rt->metrics.record_bytes;
}

uint64_t dure_checkpoint_tail_bytes(const struct dure_runtime *rt)
{
    const struct dure_checkpoint *cp = rt->checkpoint;
    uint64_t from = cp->lsn; /* Older than the trail: its oldest record stands for it. */
    if (from + DURE_TRAIL_RECORDS <= rt->lsn_durable) {
        from = rt->lsn_durable - DURE_TRAIL_RECORDS + 1;
    }
    return rt->metrics.record_bytes - cp->trail[from % DURE_TRAIL_RECORDS].bytes;
}

/* ---- The rounds ------------------------------------------------------------------------------ */

static uint8_t number_of(const struct dure_checkpoint *cp,
                         const struct dure_checkpoint_batch *batch)
{
    return (uint8_t)(batch - cp->batches + 1);
}

static void empty(struct dure_checkpoint_batch *batch)
{
    batch->count = batch->actors_count = 0;
    dure_arena_reset(&batch->arena);
}

/* Its rows were not written: its actors are dirty again, as before, and first in line. */
static void take_back(struct dure_runtime *rt, struct dure_checkpoint_batch *batch)
{
    for (size_t i = batch->actors_count; i-- > 0;) {
        struct dure_copied *copied = &batch->actors[i];
        copied->actor->copies--;
        copied->actor->stored = copied->was_stored;
        dure_actor_set_dirty_first(rt, copied->actor, copied->dirty_lsn);
    }
    empty(batch);
}

static void failed(struct dure_runtime *rt, int rv)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    if (cp->filling != NULL) take_back(rt, cp->filling);
    take_back(rt, cp->writing);
    cp->filling = cp->writing = NULL;
    cp->filled = false;
    memcpy(cp->counts_next, cp->counts, sizeof cp->counts);
    cp->retry_ms = rt->io->wall_ms(rt->io) + RETRY_MS;
    for (uint8_t number = 1; number <= 2; number++) {
        dure_idem_written(rt, rv, number);
        if (rt->links != NULL) dure_links_written(rt, rv, number);
    }
    if (rv != DURE_ENOSPC && rt->fatal == 0) {
        rt->fatal = rv;
        if (rt->on_fatal != NULL) rt->on_fatal(rt->arg, rv);
    }
}

static void submit(struct dure_runtime *rt);

static void written(void *arg, int rv)
{
    struct dure_runtime *rt = arg;
    struct dure_checkpoint *cp = rt->checkpoint;
    cp->rv = rv;
    if (rv != 0) {
        failed(rt, rv);
        return;
    }
    struct dure_checkpoint_batch *batch = cp->writing;
    for (size_t i = 0; i < batch->actors_count; i++) {
        if (i + AHEAD < batch->actors_count) dure_actor_prefetch(batch->actors[i + AHEAD].actor);
        dure_actor_written(rt, batch->actors[i].actor);
    }
    rt->metrics.checkpoints++;
    rt->metrics.checkpoint_rows += batch->actors_count;
    cp->lsn = batch->lsn;
    memcpy(cp->counts, batch->counts, sizeof cp->counts);
    dure_idem_written(rt, 0, number_of(cp, batch));
    if (rt->links != NULL) dure_links_written(rt, 0, number_of(cp, batch));
    empty(batch);
    cp->writing = NULL;
    if (cp->filled) submit(rt);
}

static bool wanted(struct dure_runtime *rt)
{
    const struct dure_checkpoint *cp = rt->checkpoint;
    if ((rt->dirty_count == 0 && !dure_idem_wants(rt)) || rt->fatal != 0) return false;
    if (cp->retry_ms != 0 && rt->io->wall_ms(rt->io) < cp->retry_ms) return false;
    return dure_checkpoint_tail_bytes(rt) >= DURE_CHECKPOINT_JOURNAL_BYTES ||
           rt->dirty_count >= DURE_CHECKPOINT_ROWS_MAX / 2 ||
           rt->memory_dirty ||
           rt->open->time_ms - cp->last_ms >= DURE_CHECKPOINT_INTERVAL_MS;
}

static void begin(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    cp->filling = cp->writing == &cp->batches[0] ? &cp->batches[1] : &cp->batches[0];
    cp->number++;
    cp->filling->left = rt->dirty_count < DURE_CHECKPOINT_ROWS_MAX ? rt->dirty_count
                                                                   : DURE_CHECKPOINT_ROWS_MAX;
    cp->last_ms = rt->io->wall_ms(rt->io);
    cp->retry_ms = 0;
}

static void submit(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    cp->writing = cp->filling;
    cp->filling = NULL;
    cp->filled = false;
    rt->rows->ops->write(rt->rows, cp->writing->writes, cp->writing->count, written, rt);
}

/* All that was dirty when the batch was begun is in it: what comes next in the list has been changed
 * again since. (`left` alone does not tell: actors that end unwritten leave the list.) */
static bool has_all(const struct dure_runtime *rt)
{
    return rt->dirty == NULL || rt->dirty->batch == rt->checkpoint->number;
}

static void slice(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    size_t *left = &cp->filling->left;
    size_t most = *left < DURE_CHECKPOINT_SLICE ? *left : DURE_CHECKPOINT_SLICE;
    for (; most > 0 && !has_all(rt); most--, --*left) {
        const struct dure_actor *next = rt->dirty->dirty_next;
        if (next != NULL && next->dirty_next != NULL) dure_actor_prefetch(next->dirty_next);
        copy_actor(rt, rt->dirty);
    }
    if (has_all(rt)) *left = 0;
    if (*left > 0) {
        rt->io->soon(rt->io);
        return;
    }
    dure_idem_collect(rt, cp, dure_checkpoint_add_copy, number_of(cp, cp->filling));
    if (rt->links != NULL)
        dure_links_collect(rt, cp, dure_checkpoint_add_copy, number_of(cp, cp->filling));
    dure_checkpoint_add_meta(rt);
    cp->filled = true;
    if (cp->writing == NULL) submit(rt);
}

void dure_checkpoint_step(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    if (cp->filling == NULL && cp->writing == NULL) dure_idem_sweep(rt);
    if (cp->filling == NULL && wanted(rt)) begin(rt);
    if (cp->filling != NULL && !cp->filled) slice(rt);
}

static void await_written(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    const struct dure_checkpoint_batch *batch = cp->writing;
    while (batch != NULL && cp->writing == batch) {
        rt->rows->ops->poll(rt->rows);
        if (cp->writing == batch) nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
}

int dure_checkpoint_flush(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    DURE_ASSERT(rt->writing == NULL && !rt->in_turn);
    /* One batch at least, also without dirty actors: keys and positions move too. */
    bool clean;
    do {
        await_written(rt);
        clean = rt->dirty_count <= DURE_CHECKPOINT_ROWS_MAX;
        if (cp->filling == NULL) begin(rt);
        while (cp->filling != NULL && !cp->filled) slice(rt);
        await_written(rt);
        if (cp->rv != 0) return cp->rv;
    } while (!clean);
    await_written(rt);
    return cp->rv;
}

int64_t dure_checkpoint_memory(const struct dure_runtime *rt)
{
    size_t bytes = sizeof *rt->checkpoint;
    for (int which = 0; which < 2; which++) {
        const struct dure_checkpoint_batch *batch = &rt->checkpoint->batches[which];
        bytes += batch->arena.bytes + batch->cap * sizeof batch->writes[0] +
                 batch->actors_cap * sizeof batch->actors[0];
    }
    return (int64_t)bytes;
}

bool dure_checkpoint_failing(const struct dure_runtime *rt)
{
    return rt->checkpoint->rv != 0;
}

void dure_checkpoint_writing(struct dure_runtime *rt,
                             void (*visit)(void *arg, struct dure_actor *actor), void *arg)
{
    const struct dure_checkpoint *cp = rt->checkpoint;
    for (int which = 0; which < 2; which++) {
        const struct dure_checkpoint_batch *batch = &cp->batches[which];
        for (size_t i = 0; i < batch->actors_count; i++) visit(arg, batch->actors[i].actor);
    }
}

void dure_checkpoint_close(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    if (cp == NULL) return;
    while (cp->writing != NULL) await_written(rt);
    for (int which = 0; which < 2; which++) {
        dure_arena_fini(&cp->batches[which].arena);
        free(cp->batches[which].writes);
        free(cp->batches[which].actors);
    }
    free(cp);
    rt->checkpoint = NULL;
}
