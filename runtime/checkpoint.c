/*
 * Fuzzy checkpoints: dirty actors are copied out a slice a round, and written by the store's thread.
 *
 *   1. start   noted: everything up to this record (start_lsn) will be in the rows afterwards
 *   2. slice   copies of dirty actors, as they are on disk already: one that an unwritten group has
 *              changed is copied from that group's undo image
 *   3. write   one batch: rows, timers, idempotency keys, and the META row that moves the position
 *   4. done    copied actors are clean if nothing changed them since
 *
 * A batch that fails (full disk) leaves everything dirty and is tried again after RETRY_MS. Loop
 * thread; the batch belongs to the store until its callback.
 */
#include <stdlib.h>
#include <time.h>

#include "runtime/core.h"
#include "runtime/record.h"

#define RETRY_MS 1000
#define META_FORMAT 1
#define META_POSITION 0
#define META_COUNTERS 1
#define META_SEQUENCES 2

struct meta {
    uint32_t format, zero;
    uint64_t lsn, hash;
};

struct counter_row {
    uint32_t code, zero;
    int64_t next_id, max_id, count;
};

struct dure_checkpoint {
    uint64_t lsn;       /* Replay begins behind it. */
    uint64_t start_lsn; /* Of the running one. */
    uint64_t start_hash;
    uint64_t bytes_at;  /* metrics.record_bytes when the last one began. */
    int64_t last_ms, retry_ms;
    enum { IDLE, SLICING, WRITING } state;
    struct dure_arena arena;
    struct dure_row_write *writes;
    size_t count, cap;
    struct copied { struct dure_actor *actor; bool was_stored; } *actors; /* In the batch. */
    size_t actors_count, actors_cap;
    size_t left;                /* Dirty actors still to copy. */
    int64_t counts[DURE_TYPES_MAX];     /* Persisted rows by type. */
    int64_t counts_next[DURE_TYPES_MAX];
    int rv;
};

static void add_write(struct dure_checkpoint *cp, struct dure_row_write write)
{
    if (cp->count == cp->cap) {
        cp->cap = cp->cap ? cp->cap * 2 : 4096;
        cp->writes = realloc(cp->writes, cp->cap * sizeof write);
        DURE_ASSERT(cp->writes != NULL);
    }
    cp->writes[cp->count++] = write;
}

static void add_copy(struct dure_checkpoint *cp, enum dure_table table, uint32_t type, int64_t id,
                     const void *bytes, size_t len)
{
    void *copy = dure_arena_alloc(&cp->arena, len);
    memcpy(copy, bytes, len);
    add_write(cp, (struct dure_row_write){.table = table, .type = type, .id = id, .value = copy,
                                          .value_len = len});
}

/* ---- Copying one actor ------------------------------------------------------------------------------ */

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

static void copy_actor(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    struct image from = durable_image(rt, actor);
    uint32_t code = actor->type->code;
    bool exists = from.head->exists;
    if (exists) {
        struct dure_row_image *image =
            dure_arena_alloc(&cp->arena, sizeof *image + actor->type->state_size);
        image->type = actor->type;
        image->head = *from.head;
        memcpy(image->state, from.state, actor->type->state_size);
        add_write(cp, (struct dure_row_write){.table = DURE_TABLE_ROW, .type = code, .id = actor->id,
                                              .value = image, .value_len = 1, .encode = true,
                                              .fresh = !actor->stored});
        if (from.head->due_ms != DURE_NULL) {
            add_copy(cp, DURE_TABLE_TIMER, code, actor->id, &from.head->due_ms, sizeof(int64_t));
        }
    } else if (actor->stored) {
        add_write(cp, (struct dure_row_write){.table = DURE_TABLE_ROW, .type = code,
                                              .id = actor->id});
    }
    if (actor->stored && (!exists || from.head->due_ms == DURE_NULL)) {
        add_write(cp, (struct dure_row_write){.table = DURE_TABLE_TIMER, .type = code,
                                              .id = actor->id});
    }
    cp->counts_next[actor->type->index] += (int64_t)exists - (int64_t)actor->stored;
    bool was_stored = actor->stored;
    actor->stored = exists;
    /* Newer changes keep it dirty: behind the others, for the next checkpoint. */
    dure_actor_set_clean(rt, actor);
    if (from.head != &actor->head) dure_actor_set_dirty(rt, actor);
    actor->writing = true;
    if (cp->actors_count == cp->actors_cap) {
        cp->actors_cap = cp->actors_cap ? cp->actors_cap * 2 : 4096;
        cp->actors = realloc(cp->actors, cp->actors_cap * sizeof cp->actors[0]);
        DURE_ASSERT(cp->actors != NULL);
    }
    cp->actors[cp->actors_count++] = (struct copied){actor, was_stored};
}

/* ---- META ----------------------------------------------------------------------------------------------- */

static uint64_t replay_from(const struct dure_runtime *rt, uint64_t lsn)
{
    for (const struct dure_mail *mail = rt->deferred; mail != NULL; mail = mail->durable_next) {
        if (mail->durable_lsn <= lsn) lsn = mail->durable_lsn - 1;
    }
    if (rt->links != NULL) {
        uint64_t oldest = dure_links_oldest_lsn(rt->links);
        if (oldest <= lsn) lsn = oldest - 1;
    }
    return lsn;
}

static void add_meta(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    struct meta meta = {.format = META_FORMAT, .lsn = replay_from(rt, cp->start_lsn)};
    if (meta.lsn == cp->start_lsn) meta.hash = cp->start_hash; /* Else 0: not compared. */
    if (meta.lsn < cp->lsn) {
        meta.lsn = cp->lsn;
    }
    cp->start_lsn = meta.lsn;
    add_copy(cp, DURE_TABLE_META, 0, META_POSITION, &meta, sizeof meta);
    size_t types = dure_registry_count();
    struct counter_row counters[DURE_TYPES_MAX];
    for (size_t i = 0; i < types; i++) {
        counters[i] = (struct counter_row){
            .code = dure_registry_type(i)->code, .next_id = rt->counters[i].next_id,
            .max_id = rt->counters[i].max_id, .count = cp->counts_next[i]};
    }
    add_copy(cp, DURE_TABLE_META, 0, META_COUNTERS, counters, types * sizeof counters[0]);
    /* What is durable: as before the oldest group that is not. */
    const uint64_t *sequences = rt->writing != NULL ? rt->writing->sequences : rt->open->sequences;
    add_copy(cp, DURE_TABLE_META, 0, META_SEQUENCES, sequences,
             rt->options.shards * sizeof(uint64_t));
}

static int read_meta(struct dure_runtime *rt, struct dure_buf *buf)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    struct meta meta;
    buf->len = 0;
    int rv = rt->rows->ops->get(rt->rows, DURE_TABLE_META, 0, META_POSITION, buf);
    if (rv == DURE_ENOTFOUND) return 0;
    if (rv != 0) return rv;
    if (buf->len < sizeof meta) return DURE_ECORRUPT;
    memcpy(&meta, buf->data, sizeof meta);
    if (meta.format > META_FORMAT) return DURE_EFORMAT;
    cp->lsn = meta.lsn;
    rt->lsn_durable = meta.lsn;
    rt->last_hash = meta.hash;
    buf->len = 0;
    rv = rt->rows->ops->get(rt->rows, DURE_TABLE_META, 0, META_COUNTERS, buf);
    for (size_t at = 0; rv == 0 && at + sizeof(struct counter_row) <= buf->len;
         at += sizeof(struct counter_row)) {
        struct counter_row row;
        memcpy(&row, buf->data + at, sizeof row);
        const struct dure_type *type = dure_registry_type_by_code(row.code);
        if (type == NULL) continue;
        rt->counters[type->index] = (struct dure_type_counter){row.next_id, row.max_id, row.count};
        cp->counts[type->index] = row.count;
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

int dure_checkpoint_open(struct dure_runtime *rt)
{
    rt->checkpoint = calloc(1, sizeof *rt->checkpoint);
    if (rt->checkpoint == NULL) return DURE_ENOMEM;
    rt->checkpoint->last_ms = rt->io->wall_ms(rt->io);
    struct dure_buf buf = {0};
    int rv = read_meta(rt, &buf);
    dure_buf_fini(&buf);
    if (rv == 0 && rt->links != NULL) rv = dure_links_load(rt);
    return rv == 0 ? load_timers(rt) : rv;
}

uint64_t dure_checkpoint_lsn(const struct dure_runtime *rt)
{
    return rt->checkpoint->lsn;
}

/* ---- The rounds ---------------------------------------------------------------------------------------- */

static void finish(struct dure_runtime *rt, int rv)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    for (size_t i = 0; i < cp->actors_count; i++) {
        struct dure_actor *actor = cp->actors[i].actor;
        actor->writing = false;
        if (rv == 0) continue;
        actor->stored = cp->actors[i].was_stored;
        dure_actor_set_dirty(rt, actor);
    }
    if (rv == 0) {
        cp->lsn = cp->start_lsn;
        memcpy(cp->counts, cp->counts_next, sizeof cp->counts);
        rt->metrics.checkpoints++;
        rt->metrics.checkpoint_rows += cp->actors_count;
    } else {
        cp->retry_ms = rt->io->wall_ms(rt->io) + RETRY_MS;
    }
    dure_idem_written(rt, rv);
    cp->rv = rv;
    cp->count = cp->actors_count = 0;
    dure_arena_reset(&cp->arena);
    cp->state = IDLE;
    if (rv != 0 && rv != DURE_ENOSPC && rt->fatal == 0) {
        rt->fatal = rv;
        if (rt->on_fatal != NULL) rt->on_fatal(rt->arg, rv);
    }
}

static void written(void *arg, int rv)
{
    finish(arg, rv);
}

static bool wanted(struct dure_runtime *rt)
{
    const struct dure_checkpoint *cp = rt->checkpoint;
    if (rt->dirty_count == 0 || rt->fatal != 0) return false;
    int64_t now = rt->open->time_ms;
    if (cp->retry_ms != 0 && rt->io->wall_ms(rt->io) < cp->retry_ms) return false;
    return rt->metrics.record_bytes - cp->bytes_at >= DURE_CHECKPOINT_JOURNAL_BYTES ||
           rt->dirty_count >= DURE_CHECKPOINT_ROWS_MAX / 2 ||
           rt->memory_bytes > rt->options.memory_bytes ||
           now - cp->last_ms >= DURE_CHECKPOINT_INTERVAL_MS;
}

static void start(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    cp->state = SLICING;
    cp->start_lsn = rt->lsn_durable;
    cp->start_hash = rt->last_hash;
    cp->bytes_at = rt->metrics.record_bytes;
    cp->last_ms = rt->io->wall_ms(rt->io);
    cp->left = rt->dirty_count;
    cp->retry_ms = 0;
    memcpy(cp->counts_next, cp->counts, sizeof cp->counts);
}

static void slice(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    size_t most = cp->left < DURE_CHECKPOINT_SLICE ? cp->left : DURE_CHECKPOINT_SLICE;
    for (; most > 0 && rt->dirty != NULL; most--, cp->left--) copy_actor(rt, rt->dirty);
    if (rt->dirty == NULL) cp->left = 0;
    if (cp->left > 0) {
        rt->io->soon(rt->io);
        return;
    }
    dure_idem_collect(rt, cp, add_copy);
    if (rt->links != NULL) dure_links_collect(rt, cp, add_copy);
    add_meta(rt);
    cp->state = WRITING;
    rt->rows->ops->write(rt->rows, cp->writes, cp->count, written, rt);
}

void dure_checkpoint_step(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    if (cp->state == IDLE && wanted(rt)) start(rt);
    if (cp->state == SLICING) slice(rt);
}

int dure_checkpoint_flush(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    DURE_ASSERT(rt->writing == NULL && !rt->in_turn);
    for (int again = 0; again < 2; again++) {
        bool was_running = cp->state != IDLE;
        if (cp->state == IDLE) start(rt);
        while (cp->state == SLICING) slice(rt);
        while (cp->state == WRITING) {
            rt->rows->ops->poll(rt->rows);
            if (cp->state == WRITING) nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        }
        if (cp->rv != 0) return cp->rv;
        if (!was_running) break;
    }
    return 0;
}

bool dure_checkpoint_failing(const struct dure_runtime *rt)
{
    return rt->checkpoint->rv != 0;
}

void dure_checkpoint_writing(struct dure_runtime *rt,
                             void (*visit)(void *arg, struct dure_actor *actor), void *arg)
{
    const struct dure_checkpoint *cp = rt->checkpoint;
    for (size_t i = 0; i < cp->actors_count; i++) visit(arg, cp->actors[i].actor);
}

void dure_checkpoint_close(struct dure_runtime *rt)
{
    struct dure_checkpoint *cp = rt->checkpoint;
    if (cp == NULL) return;
    while (cp->state == WRITING) {
        rt->rows->ops->poll(rt->rows);
        if (cp->state == WRITING) nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    dure_arena_fini(&cp->arena);
    free(cp->writes);
    free(cp->actors);
    free(cp);
    rt->checkpoint = NULL;
}
