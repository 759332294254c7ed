/*
 * Opening and closing a runtime, and looks at its actors.
 *
 *   1. open    memory from bounds.h, then the checkpoint's positions, then the journal's tail
 *   2. view    an actor as it is now; whoever shows it waits by dure_turn_hold
 *   3. stop    no new asks; those that wait for sagas are answered
 *   4. close   frees all; the owner has waited for dure_runtime_idle and flushed a checkpoint
 *
 * open fails with DURE_ENOMEM and what recovery finds (DURE_ECORRUPT, DURE_EFORMAT, DURE_EIO); the
 * half-built runtime is closed by the same close. Loop thread.
 */
#include <stdlib.h>

#include "runtime/out.h"

static int init(struct dure_runtime *rt)
{
    rt->memory_max = rt->options.memory_bytes;
    if (dure_actor_table_init(&rt->actors, rt->options.memory_bytes / DURE_ACTOR_BYTES_MEAN) != 0) {
        return DURE_ENOMEM;
    }
    rt->sequences = calloc(rt->options.shards, sizeof(uint64_t));
    rt->groups[0].sequences = calloc(rt->options.shards, sizeof(uint64_t));
    rt->groups[1].sequences = calloc(rt->options.shards, sizeof(uint64_t));
    rt->groups[0].counters = calloc(DURE_TYPES_MAX, sizeof(struct dure_type_counter));
    rt->groups[1].counters = calloc(DURE_TYPES_MAX, sizeof(struct dure_type_counter));
    rt->out = dure_out_new(rt);
    rt->breakers = calloc((size_t)DURE_LOOKS_MAX * DURE_NODES_MAX, sizeof *rt->breakers);
    if (rt->sequences == NULL || rt->groups[0].sequences == NULL ||
        rt->groups[1].sequences == NULL || rt->groups[0].counters == NULL ||
        rt->groups[1].counters == NULL || rt->out == NULL || rt->breakers == NULL) {
        return DURE_ENOMEM;
    }
    rt->dirty_last = &rt->dirty;
    rt->ready_last = &rt->ready;
    rt->intake_last = &rt->intake;
    rt->looking_last = &rt->looking;
    rt->held_last = &rt->held;
    rt->outage_on = rt->options.outage.type != NULL;
    rt->wait_next_ms = INT64_MAX;
    rt->epoch = 1;
    return 0;
}

int dure_runtime_open(struct dure_runtime **out, const struct dure_options *options,
                      struct dure_io *io, struct dure_journal *journal, struct dure_rows *rows,
                      const char **message)
{
    DURE_ASSERT(options->links == NULL || options->nodes > 1);
    DURE_ASSERT(options->shards >= 1 && options->shards <= DURE_SHARDS_MAX);
    struct dure_runtime *rt = calloc(1, sizeof *rt);
    if (rt == NULL) return DURE_ENOMEM;
    rt->options = *options;
    if (rt->options.group_turns_max == 0) rt->options.group_turns_max = DURE_GROUP_TURNS_MAX;
    if (rt->options.saga_deadline_ms == 0) {
        rt->options.saga_deadline_ms = DURE_SAGA_DEADLINE_MS_DEFAULT;
    }
    rt->io = io;
    rt->journal = journal;
    rt->rows = rows;
    rt->links = options->links;
    int rv = init(rt);
    if (rv == 0) {
        dure_group_begin(rt, &rt->groups[0]);
        rt->open->time_ms = io->wall_ms(io);
        rv = dure_checkpoint_open(rt);
    }
    if (rv == 0) rv = dure_recovery_run(rt, message);
    if (rv != 0) {
        dure_runtime_close(rt);
        return rv;
    }
    int64_t now = rt->open->time_ms;
    /* Recovery marked actors with record indexes: group numbers go on above them. */
    rt->groups_total = rt->lsn_durable + 1;
    dure_group_begin(rt, &rt->groups[0]); /* At the index behind the recovered head. */
    rt->open->time_ms = now;
    *out = rt;
    return 0;
}

void dure_runtime_stop(struct dure_runtime *rt)
{
    rt->stopping = true;
    rt->wait_next_ms = 0;
    rt->io->soon(rt->io);
}

bool dure_runtime_idle(const struct dure_runtime *rt)
{
    return rt->writing == NULL && rt->ready == NULL && rt->intake == NULL &&
           rt->open->holds == NULL && rt->open->entries == 0;
}

int dure_runtime_view(struct dure_runtime *rt, struct dure_type *type, int64_t id,
                      struct dure_view *view)
{
    int rv;
    struct dure_actor *actor = dure_actor_get(rt, type, id, false, &rv);
    if (actor == NULL) return rv;
    if (!actor->head.exists) return DURE_ENOTFOUND;
    *view = (struct dure_view){.aggregate = type->aggregate, .id = id,
                               .version = actor->head.version, .exists = true,
                               .state = actor->state};
    return 0;
}

static void free_mail(struct dure_mail *mail)
{
    while (mail != NULL) {
        struct dure_mail *next = mail->durable_next;
        dure_mail_free(mail);
        mail = next;
    }
}

/* Received mail that was not handled, or whose record never came about: its sender has it still. */
static void free_received(struct dure_mail *mail)
{
    while (mail != NULL) {
        struct dure_mail *next = mail->next;
        if (mail->durable_lsn == 0) dure_mail_free(mail);
        mail = next;
    }
}

void dure_runtime_close(struct dure_runtime *rt)
{
    DURE_ASSERT(rt->writing == NULL);
    /* By the table: the list has only those that are clean. */
    struct dure_actor *actor;
    for (uint64_t at = 0; (actor = dure_actor_table_next(&rt->actors, &at)) != NULL;) {
        free_received(actor->mail_first);
    }
    free_received(rt->held);
    free_received(rt->groups[0].taken);
    free_received(rt->groups[1].taken);
    dure_checkpoint_close(rt);
    dure_idem_fini(rt);
    free_mail(rt->deferred);
    for (uint64_t at = 0; (actor = dure_actor_table_next(&rt->actors, &at)) != NULL;) free(actor);
    for (int i = 0; i < 2; i++) {
        dure_arena_fini(&rt->groups[i].arena);
        dure_buf_fini(&rt->groups[i].record);
        free(rt->groups[i].snapshots);
        free(rt->groups[i].sequences);
        free(rt->groups[i].counters);
    }
    dure_actor_table_fini(&rt->actors);
    free(rt->sequences);
    free(rt->timers);
    free(rt->out);
    free(rt->breakers);
    free(rt);
}
