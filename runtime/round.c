/*
 * Rounds: one command to every actor of a type, in bounded records.
 *
 *   START     the ids to visit are those up to the largest that was given on this node by now
 *   page      DURE_ROUND_PAGE commands go out; each is answered by an OUTCOME, done or refused
 *   pause     all of a page have answered: a timer of DURE_ROUND_PAUSE_MS, in which others go on
 *   between   the first pass is over: the range of ids it has made is known; it waits for THEN
 *   second    the same over that range; then nothing is left of the round
 *
 * Each node has a round of its own, under the id of the event's actor times the shards, plus the
 * node's number: so it is in a shard of that node. Its state is journaled as a saga's is, once a
 * record, so a page and its commands stand or fall together. Loop thread.
 */
#include "runtime/core.h"

static struct dure_round_state *state_of(struct dure_actor *actor)
{
    return (struct dure_round_state *)actor->state;
}

/* ---- Begin ----------------------------------------------------------------------------------- */

static void tell_nodes(struct dure_runtime *rt, const struct dure_round *round,
                       enum dure_mail_kind kind, const struct dure_event *event)
{
    struct dure_event now = *event; /* Its record may have begun long before. */
    now.time_ms = rt->io->wall_ms(rt->io);
    if (now.time_ms < event->time_ms) now.time_ms = event->time_ms;
    uint16_t nodes = rt->options.nodes > 1 ? rt->options.nodes : 1;
    for (uint16_t node = 0; node < nodes; node++) {
        struct dure_mail *mail = dure_group_mail(rt);
        mail->kind = kind;
        mail->type = round->type;
        mail->id = event->id * (int64_t)rt->options.shards + node;
        if (kind == DURE_MAIL_START) {
            void *data = dure_group_alloc(rt, round->type->schema->size);
            dure_schema_init(round->type->schema, data);
            if (round->fill != NULL) round->fill(&now, data);
            mail->data = data;
        }
        dure_mailbox_push(rt, mail);
    }
}

void dure_round_begin(struct dure_runtime *rt, const struct dure_event *event)
{
    const struct dure_event_rules *rules = event->type->rules;
    for (size_t i = 0; i < rules->rounds_count; i++) {
        tell_nodes(rt, rules->rounds[i], DURE_MAIL_START, event);
    }
    for (size_t i = 0; i < rules->thens_count; i++) {
        tell_nodes(rt, rules->thens[i], DURE_MAIL_THEN, event);
    }
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static const struct dure_command *command_of(const struct dure_actor *actor)
{
    const struct dure_round *round = actor->type->round;
    return ((const struct dure_round_state *)actor->state)->pass == 2 ? round->then_command
                                                                      : round->command;
}

static void send_page(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_round_state *state = state_of(actor);
    const struct dure_command *command = command_of(actor);
    void *data = dure_group_alloc(rt, command->schema->size); /* One for all: it is only read. */
    memcpy(data, DURE_ROUND_DATA(actor->state), command->schema->size);
    while (state->next < state->last && state->waiting < DURE_ROUND_PAGE) {
        int64_t id = ++state->next;
        if (!dure_shard_is_mine(rt, dure_shard_of(rt, id))) continue;
        struct dure_mail *mail = dure_group_mail(rt);
        mail->kind = DURE_MAIL_COMMAND;
        mail->command = command;
        mail->type = command->aggregate->type;
        mail->id = id;
        mail->data = data;
        mail->from_type = actor->type;
        mail->from_id = actor->id;
        state->waiting++;
        dure_mailbox_push(rt, mail);
    }
}

static void begin_pass(struct dure_runtime *rt, struct dure_actor *actor, uint8_t pass);

static void end_pass(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_round_state *state = state_of(actor);
    const struct dure_round *round = actor->type->round;
    bool first = state->pass == 1 && round->then != NULL;
    state->pass = 0;
    if (!first) {
        dure_actor_set_exists(rt, actor, false);
        return;
    }
    state->made_last = dure_shard_next_id(rt, round->then_command->aggregate->type) - 1;
    if (state->then) begin_pass(rt, actor, 2);
}

/* A page is under way, or the pass is over. */
static void go_on(struct dure_runtime *rt, struct dure_actor *actor)
{
    struct dure_round_state *state = state_of(actor);
    send_page(rt, actor);
    if (state->waiting == 0) end_pass(rt, actor);
}

static void begin_pass(struct dure_runtime *rt, struct dure_actor *actor, uint8_t pass)
{
    struct dure_round_state *state = state_of(actor);
    const struct dure_round *round = actor->type->round;
    state->pass = pass;
    if (pass == 1) {
        state->next = 0;
        state->last = dure_shard_next_id(rt, round->command->aggregate->type) - 1;
        if (round->then != NULL) {
            state->made_first = dure_shard_newest_id(rt, round->then_command->aggregate->type);
        }
    } else {
        state->next = state->made_first - 1;
        state->last = state->made_last;
    }
    go_on(rt, actor);
}

static void on_start(struct dure_runtime *rt, struct dure_actor *actor, const struct dure_mail *mail)
{
    DURE_ASSERT(!actor->head.exists);
    dure_row_init_state(actor->type, actor->state);
    memcpy(DURE_ROUND_DATA(actor->state), mail->data, actor->type->schema->size);
    if (mail->trace != NULL) state_of(actor)->trace = *mail->trace;
    dure_actor_set_exists(rt, actor, true);
    begin_pass(rt, actor, 1);
}

static void on_then(struct dure_runtime *rt, struct dure_actor *actor, const struct dure_mail *mail)
{
    struct dure_round_state *state = state_of(actor);
    if (state->then) return;
    state->then = 1;
    /* What the first pass still does, if it does, is told as the second one's. */
    if (mail->trace != NULL) state->trace = *mail->trace;
    if (state->pass == 0) begin_pass(rt, actor, 2);
}

static void on_outcome(struct dure_runtime *rt, struct dure_actor *actor,
                       const struct dure_mail *mail)
{
    struct dure_round_state *state = state_of(actor);
    DURE_ASSERT(state->waiting > 0);
    if (mail->done) state->visited++;
    if (--state->waiting > 0) return;
    if (state->next < state->last) {
        dure_group_timer(rt, actor, rt->open->time_ms + DURE_ROUND_PAUSE_MS);
    } else {
        end_pass(rt, actor);
    }
}

void dure_round_handle(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail)
{
    if (mail->kind != DURE_MAIL_START && !actor->head.exists) return;
    dure_group_touch(rt, actor);
    switch (mail->kind) {
    case DURE_MAIL_START: on_start(rt, actor, mail); break;
    case DURE_MAIL_THEN: on_then(rt, actor, mail); break;
    case DURE_MAIL_OUTCOME: on_outcome(rt, actor, mail); break;
    case DURE_MAIL_WAKE:
        if (state_of(actor)->pass != 0 && state_of(actor)->waiting == 0) go_on(rt, actor);
        break;
    default: DURE_ASSERT(false);
    }
}
