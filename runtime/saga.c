/*
 * The saga engine: walks a step table forward, and back when a step is refused.
 *
 *   FORWARD   the step's command is out; done → the next step, or ENDED after the last
 *   UNDOING   a step was refused: compensations of the steps before it, last first
 *   REFUSING  all is undone: the owner is told
 *   LATE      the deadline of a step passed and it gave up (undo_late): it waits for the outstanding
 *             answer only to undo that step too
 *   ENDED     nothing is left of it but its effects
 *
 * What cannot go on is parked, never dropped: a compensation or the owner's command that is itself
 * refused, or a deadline. RETRY sends again what was refused; SKIP counts it as done, and leaves an
 * event that says so; a late answer unparks by itself, since messages are delivered exactly once.
 * Loop thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/core.h"

/* Why it is parked: an answer is owed, or one came that was a no. */
#define PARKED_WAITING 1
#define PARKED_REFUSED 2

static struct dure_saga_state *state_of(struct dure_actor *actor)
{
    return (struct dure_saga_state *)actor->state;
}

static const struct dure_saga_step *step_of(const struct dure_actor *actor, size_t step)
{
    DURE_ASSERT(step < actor->type->saga->steps_count);
    return &actor->type->saga->steps[step];
}

static struct dure_mail *command_mail(struct dure_runtime *rt, struct dure_actor *actor,
                                      const struct dure_command *command, int64_t id)
{
    struct dure_mail *mail = dure_group_mail(rt);
    mail->kind = DURE_MAIL_COMMAND;
    mail->command = command;
    mail->type = command->aggregate->type;
    mail->id = id;
    mail->from_type = actor->type;
    mail->from_id = actor->id;
    mail->step = state_of(actor)->step;
    if (command->schema != NULL) {
        void *payload = dure_group_alloc(rt, command->schema->size);
        dure_schema_init(command->schema, payload);
        mail->data = payload;
    }
    return mail;
}

static void send_step(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_saga_state *state = state_of(actor);
    const struct dure_saga_step *step = step_of(actor, state->step);
    const void *data = DURE_SAGA_DATA(actor->state);
    int64_t id = step->target != NULL ? step->target(data) : DURE_NEW;
    struct dure_mail *mail = command_mail(rt, actor, step->command, id);
    if (step->by_key) mail->type = mail->type->directory;
    if (id == DURE_NEW) {
        mail->id = dure_shard_new_id(rt, mail->type);
        mail->fresh = true;
    }
    if (step->fill != NULL) step->fill(data, (void *)(uintptr_t)mail->data);
    state->since_ms = rt->open->time_ms;
    int64_t deadline = step->deadline_ms ? step->deadline_ms : rt->options.saga_deadline_ms;
    dure_group_timer(rt, actor, state->since_ms + deadline);
    dure_mailbox_push(rt, mail);
}

static void send_undo(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_saga_state *state = state_of(actor);
    const struct dure_saga_step *step = step_of(actor, state->step);
    struct dure_mail *mail = command_mail(rt, actor, step->undo, state->answered[state->step]);
    mail->undo = true;
    if (step->fill_undo != NULL) {
        step->fill_undo(DURE_SAGA_DATA(actor->state), (void *)(uintptr_t)mail->data);
    }
    state->since_ms = rt->open->time_ms;
    dure_group_timer(rt, actor, state->since_ms + rt->options.saga_deadline_ms);
    dure_mailbox_push(rt, mail);
}

static void park(struct dure_runtime *rt, struct dure_actor *actor, uint8_t how, const char *why)
{
    struct dure_saga_state *state = state_of(actor);
    if (!state->parked) rt->metrics.sagas_parked++;
    state->parked = how;
    if (state->reason[0] == '\0') snprintf(state->reason, sizeof state->reason, "%s", why);
    dure_group_timer(rt, actor, DURE_NULL);
}

static void end(struct dure_runtime *rt, struct dure_actor *actor, bool done)
{
    struct dure_saga_state *state = state_of(actor);
    state->phase = DURE_SAGA_ENDED;
    dure_group_timer(rt, actor, DURE_NULL);
    dure_actor_set_exists(rt, actor, false);
    dure_turn_saga_ended(rt, actor, done, state->reason);
}

static void tell_owner(struct dure_runtime *rt, struct dure_actor *actor)
{
    const struct dure_saga *saga = actor->type->saga;
    struct dure_saga_state *state = state_of(actor);
    if (saga->refuse == NULL) {
        end(rt, actor, false);
        return;
    }
    struct dure_mail *mail = command_mail(rt, actor, saga->refuse, actor->id);
    mail->step = (uint8_t)saga->steps_count; /* The owner's answer is told from the steps' by it. */
    if (saga->fill_refuse != NULL) {
        saga->fill_refuse(DURE_SAGA_DATA(actor->state), state->refused_step, state->reason,
                          (void *)(uintptr_t)mail->data);
    }
    dure_mailbox_push(rt, mail);
}

/* The next compensation below state->step, or the owner when none is left. */
static void undo_next(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_saga_state *state = state_of(actor);
    while (state->step > 0) {
        state->step--;
        if (state->answered[state->step] != 0 && step_of(actor, state->step)->undo != NULL) {
            send_undo(rt, actor);
            return;
        }
    }
    state->phase = DURE_SAGA_REFUSING;
    dure_group_timer(rt, actor, DURE_NULL);
    tell_owner(rt, actor);
}

static void begin_undo(struct dure_runtime *rt, struct dure_actor *actor, const char *reason)
{
    struct dure_saga_state *state = state_of(actor);
    state->phase = DURE_SAGA_UNDOING;
    state->parked = 0;
    state->refused_step = state->step;
    snprintf(state->reason, sizeof state->reason, "%s", reason != NULL ? reason : "");
    undo_next(rt, actor);
}

static void learn(struct dure_actor *actor, const struct dure_mail *mail)
{
    const struct dure_saga_step *step = step_of(actor, mail->step);
    struct dure_outcome outcome = {.done = mail->done, .id = mail->answered_id, .reply = mail->data,
                                   .reason = mail->reason};
    if (step->learn != NULL) step->learn(DURE_SAGA_DATA(actor->state), &outcome);
}

static void step_done(struct dure_runtime *rt, struct dure_actor *actor, int64_t answered_id);

static void on_step(struct dure_runtime *rt, struct dure_actor *actor, const struct dure_mail *mail)
{
    struct dure_saga_state *state = state_of(actor);
    learn(actor, mail);
    bool gone = !mail->done && mail->answered_id == 0;
    if (gone && step_of(actor, state->step)->unless_gone) {
        step_done(rt, actor, 0);
        return;
    }
    if (!mail->done && step_of(actor, state->step)->must) {
        state->reason[0] = '\0'; /* It may have waited long: the refusal is the news. */
        park(rt, actor, PARKED_REFUSED, mail->reason);
        return;
    }
    if (!mail->done) {
        const char *missing = step_of(actor, state->step)->missing;
        begin_undo(rt, actor, gone && missing != NULL ? missing : mail->reason);
        return;
    }
    step_done(rt, actor, mail->answered_id);
}

static void step_done(struct dure_runtime *rt, struct dure_actor *actor, int64_t answered_id)
{
    struct dure_saga_state *state = state_of(actor);
    state->answered[state->step] = answered_id;
    state->parked = 0;
    state->reason[0] = '\0';
    if (++state->step == actor->type->saga->steps_count) end(rt, actor, true);
    else send_step(rt, actor);
}

/* The answer that a given-up step still owed: now everything can be undone, it included. */
static void on_late(struct dure_runtime *rt, struct dure_actor *actor, const struct dure_mail *mail)
{
    struct dure_saga_state *state = state_of(actor);
    learn(actor, mail);
    state->answered[state->step] = mail->done ? mail->answered_id : 0;
    state->refused_step = state->step;
    state->phase = DURE_SAGA_UNDOING;
    if (mail->done) state->step++;
    undo_next(rt, actor);
}

static void on_owner(struct dure_runtime *rt, struct dure_actor *actor,
                     const struct dure_mail *mail)
{
    if (!mail->done) {
        park(rt, actor, PARKED_REFUSED, mail->reason);
        return;
    }
    end(rt, actor, false);
}

static void on_outcome(struct dure_runtime *rt, struct dure_actor *actor,
                       const struct dure_mail *mail)
{
    struct dure_saga_state *state = state_of(actor);
    if (mail->step == actor->type->saga->steps_count) {
        if (state->phase == DURE_SAGA_REFUSING) on_owner(rt, actor, mail);
        return;
    }
    bool current = mail->step == state->step;
    if (!mail->undo && state->phase == DURE_SAGA_FORWARD && current) {
        on_step(rt, actor, mail);
    } else if (mail->undo && current && state->phase == DURE_SAGA_UNDOING) {
        if (!mail->done) {
            park(rt, actor, PARKED_REFUSED, mail->reason);
            return;
        }
        state->parked = 0;
        state->answered[state->step] = 0;
        undo_next(rt, actor);
    } else if (!mail->undo && current && state->phase == DURE_SAGA_LATE) {
        on_late(rt, actor, mail);
    } /* Anything else is an answer to a question that RETRY or SKIP has settled. */
}

static void on_deadline(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_saga_state *state = state_of(actor);
    char why[DURE_SAGA_REASON_BYTES];
    /* The answer came in the same moment and was handled first: this is no deadline any more. */
    bool stale = actor->head.due_ms != DURE_NULL || state->parked ||
                 (state->phase != DURE_SAGA_FORWARD && state->phase != DURE_SAGA_UNDOING);
    if (stale) return;
    const struct dure_saga_step *step = step_of(actor, state->step);
    snprintf(why, sizeof why, "step %s: no answer within %lld s", step->name,
             (long long)((rt->open->time_ms - state->since_ms) / 1000));
    if (state->phase != DURE_SAGA_FORWARD || !step->undo_late) {
        park(rt, actor, PARKED_WAITING, why);
        return;
    }
    /* Whether there is something to undo here only the answer tells: it will come, since messages
     * are delivered exactly once. */
    snprintf(state->reason, sizeof state->reason, "%s", why);
    state->phase = DURE_SAGA_LATE;
    dure_group_timer(rt, actor, DURE_NULL);
}

static void retry(struct dure_runtime *rt, struct dure_actor *actor, bool skip)
{
    struct dure_saga_state *state = state_of(actor);
    if (!state->parked) return;
    bool refused = state->parked == PARKED_REFUSED;
    state->parked = 0;
    /* What a person leaves out is on record: sums of money and stock need not add up after it. */
    if (skip && (refused || state->phase == DURE_SAGA_REFUSING)) {
        dure_group_event(rt, actor, &actor->type->skipped, DURE_SAGA_DATA(actor->state), false);
    }
    if (refused && state->phase == DURE_SAGA_FORWARD) {
        if (skip) step_done(rt, actor, 0);
        else send_step(rt, actor);
    } else if (refused && state->phase == DURE_SAGA_UNDOING) {
        if (skip) state->answered[state->step] = 0;
        if (skip) undo_next(rt, actor);
        else send_undo(rt, actor);
    } else if (state->phase == DURE_SAGA_REFUSING) {
        if (skip) end(rt, actor, false);
        else tell_owner(rt, actor);
    } else {
        /* The command is out and will be answered, so it can be neither sent again nor passed over:
         * only the deadline begins anew. While undoing, the reason is why: it stays. */
        if (state->phase == DURE_SAGA_FORWARD) state->reason[0] = '\0';
        state->since_ms = rt->open->time_ms;
        dure_group_timer(rt, actor, state->since_ms + rt->options.saga_deadline_ms);
    }
}

static void begin(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail)
{
    struct dure_saga_state *state = state_of(actor);
    DURE_ASSERT(!actor->head.exists);
    dure_row_init_state(actor->type, actor->state);
    memcpy(DURE_SAGA_DATA(actor->state), mail->data, actor->type->saga->data->size);
    state->phase = DURE_SAGA_FORWARD;
    state->started_ms = rt->open->time_ms;
    if (mail->trace != NULL) state->trace = *mail->trace;
    dure_actor_set_exists(rt, actor, true);
    dure_ask_attach(rt, actor, mail->ask);
    send_step(rt, actor);
}

/* ---- How many are where ---------------------------------------------------------------------- */

static int64_t *count_of(struct dure_runtime *rt, const struct dure_type *type, const void *state)
{
    const struct dure_saga_state *saga = state;
    size_t at = saga->parked ? DURE_SAGA_PARKED : saga->phase;
    DURE_ASSERT(at < DURE_SAGA_STATES);
    return &rt->sagas[type->index][at];
}

void dure_saga_count(struct dure_runtime *rt, const struct dure_actor *actor, int by)
{
    if (actor->type->kind != DURE_KIND_SAGA || !actor->head.exists) return;
    *count_of(rt, actor->type, actor->state) += by;
}

struct counting {
    struct dure_runtime *rt;
    const struct dure_type *type;
    struct dure_row_image *image;
};

static int count_row(void *arg, uint32_t code, int64_t id, const void *row, size_t len)
{
    (void)code, (void)id;
    struct counting *counting = arg;
    struct dure_row_image *image = counting->image;
    int rv = dure_row_unpack(counting->type, &image->head, image->state, row, len);
    if (rv == 0 && image->head.exists) ++*count_of(counting->rt, counting->type, image->state);
    return rv;
}

int dure_saga_load_counts(struct dure_runtime *rt)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind != DURE_KIND_SAGA) continue;
        size_t size = (sizeof(struct dure_row_image) + type->state_size + 15u) & ~(size_t)15u;
        struct counting counting = {rt, type, aligned_alloc(16, size)};
        DURE_ASSERT(counting.image != NULL);
        rv = rt->rows->ops->scan(rt->rows, DURE_TABLE_ROW, type->code, INT64_MIN, false, count_row,
                                 &counting);
        free(counting.image);
    }
    return rv;
}

/* ---- A turn of it ---------------------------------------------------------------------------- */

void dure_saga_handle(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail)
{
    if (mail->kind != DURE_MAIL_START && !actor->head.exists) return;
    dure_group_touch(rt, actor);
    dure_saga_count(rt, actor, -1);
    switch (mail->kind) {
    case DURE_MAIL_START: begin(rt, actor, mail); break;
    case DURE_MAIL_OUTCOME: on_outcome(rt, actor, mail); break;
    case DURE_MAIL_WAKE: on_deadline(rt, actor); break;
    case DURE_MAIL_RETRY: retry(rt, actor, false); break;
    case DURE_MAIL_SKIP: retry(rt, actor, true); break;
    case DURE_MAIL_FEED:
    case DURE_MAIL_THEN:
    case DURE_MAIL_COMMAND: DURE_ASSERT(actor->type->kind != DURE_KIND_SAGA); break;
    }
    dure_saga_count(rt, actor, +1);
}
