/*
 * Looks: what a command from outside must have seen of another aggregate before it is handled.
 *
 *   ours       nothing to wait for: the handler is lent the state as it is in its own turn
 *   another's  a question goes to that node, and the ask waits, DURE_LOOK_MS at most
 *   UNKNOWN    no answer by then, no way to ask, or the breaker is open: handled all the same
 *
 * The breaker counts a limit that passed and a question that could not go; it is one per look and
 * node. A look writes nothing, so a node that is down has nothing to catch up with afterwards. What
 * another node answers is durable there; what is ours is in this record or before it. Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"

struct dure_breaker *dure_look_breaker(const struct dure_runtime *rt, const struct dure_look *look,
                                       uint16_t node)
{
    DURE_ASSERT(look->index < DURE_LOOKS_MAX && node < DURE_NODES_MAX);
    return &rt->breakers[look->index * DURE_NODES_MAX + node];
}

static int64_t target_of(const struct dure_ask *ask)
{
    return ask->command->look->target(ask->data);
}

static uint16_t node_of(const struct dure_runtime *rt, const struct dure_ask *ask)
{
    return dure_shard_node(rt, dure_shard_of(rt, target_of(ask)));
}

static struct dure_breaker *breaker_of(const struct dure_runtime *rt, const struct dure_ask *ask)
{
    return dure_look_breaker(rt, ask->command->look, node_of(rt, ask));
}

/* Back to the head of the intake: it came before those that are there. */
static void go_on(struct dure_runtime *rt, struct dure_ask *ask, enum dure_seen seen)
{
    ask->seen = seen;
    if (seen == DURE_SEEN_UNKNOWN) rt->metrics.looks_unknown++;
    ask->handled_next = rt->intake;
    if (rt->intake == NULL) rt->intake_last = &ask->handled_next;
    rt->intake_count++;
    rt->intake = ask;
}

static void wait(struct dure_runtime *rt, struct dure_ask *ask)
{
    ask->look_next = NULL;
    *rt->looking_last = ask;
    rt->looking_last = &ask->look_next;
}

/* Ours, but treated as another node's: --outage, also while that is mended. */
static bool is_set_apart(const struct dure_runtime *rt, const struct dure_ask *ask)
{
    return rt->options.outage.type == ask->command->look->aggregate->type;
}

static int ask_node(struct dure_runtime *rt, struct dure_ask *ask)
{
    struct dure_look_wire *wire = rt->options.look_wire;
    if (wire == NULL) return DURE_EUNAVAILABLE;
    ask->look_number = ++rt->looks_sent;
    return wire->send(wire, node_of(rt, ask), ask->look_number,
                      ask->command->look->aggregate->type, target_of(ask));
}

bool dure_look_ready(struct dure_runtime *rt, struct dure_ask *ask)
{
    if (ask->command == NULL || ask->command->look == NULL || ask->seen != DURE_SEEN_NOT_ASKED) {
        return true;
    }
    int64_t now = rt->open->time_ms;
    bool mine = dure_shard_is_mine(rt, dure_shard_of(rt, target_of(ask)));
    ask->seen = DURE_SEEN_STATE; /* Or nobody: dure_look_fill finds out. */
    if (mine && !is_set_apart(rt, ask)) return true;
    struct dure_breaker *breaker = breaker_of(rt, ask);
    bool asked = dure_breaker_allow(breaker, now);
    if (asked && mine && !rt->outage_on) {
        dure_breaker_succeeded(breaker);
        return true;
    }
    ask->look_number = 0;
    if (asked && !mine && ask_node(rt, ask) != 0) {
        dure_breaker_failed(breaker, now);
        asked = false;
    }
    if (!asked) {
        ask->seen = DURE_SEEN_UNKNOWN;
        rt->metrics.looks_unknown++;
        return true;
    }
    ask->seen = DURE_SEEN_NOT_ASKED;
    ask->look_until_ms = now + DURE_LOOK_MS;
    wait(rt, ask);
    return false;
}

int dure_look_fill(struct dure_runtime *rt, const struct dure_ask *ask, struct dure_msg *in)
{
    in->seen = ask->seen;
    in->other = ask->other;
    if (ask->seen != DURE_SEEN_STATE || ask->other != NULL) return 0;
    int rv;
    struct dure_actor *actor =
        dure_actor_get(rt, ask->command->look->aggregate->type, target_of(ask), false, &rv);
    if (actor == NULL) return rv;
    in->seen = actor->head.exists ? DURE_SEEN_STATE : DURE_SEEN_NOBODY;
    in->other = actor->head.exists ? actor->state : NULL;
    return 0;
}

static void unlink_ask(struct dure_runtime *rt, struct dure_ask **at)
{
    struct dure_ask *ask = *at;
    *at = ask->look_next;
    if (rt->looking_last == &ask->look_next) rt->looking_last = at;
}

/* Of its own type, as a row holds it; NULL: it makes no sense. */
static void *unpack(const struct dure_type *type, const void *bytes, size_t len)
{
    void *state = aligned_alloc(16, (type->state_size + 15) & ~(size_t)15);
    DURE_ASSERT(state != NULL);
    dure_row_init_state(type, state);
    if (dure_row_unpack_state(type, state, bytes, len) == 0) return state;
    free(state);
    return NULL;
}

static void answered_at(struct dure_runtime *rt, struct dure_ask **at, enum dure_seen seen,
                        const void *bytes, size_t len)
{
    struct dure_ask *ask = *at;
    struct dure_breaker *breaker = breaker_of(rt, ask);
    if (seen == DURE_SEEN_STATE) {
        ask->other = unpack(ask->command->look->aggregate->type, bytes, len);
        if (ask->other == NULL) seen = DURE_SEEN_UNKNOWN;
    }
    if (seen == DURE_SEEN_UNKNOWN) dure_breaker_failed(breaker, rt->open->time_ms);
    else dure_breaker_succeeded(breaker);
    unlink_ask(rt, at);
    go_on(rt, ask, seen);
    rt->io->soon(rt->io);
}

void dure_look_answered(struct dure_runtime *rt, uint16_t node, uint64_t number, enum dure_seen seen,
                        const void *bytes, size_t len)
{
    struct dure_ask **at = &rt->looking;
    while (*at != NULL && (*at)->look_number != number) at = &(*at)->look_next;
    if (*at == NULL || number == 0 || node_of(rt, *at) != node) return;
    answered_at(rt, at, seen, bytes, len);
}

void dure_look_lost(struct dure_runtime *rt, uint16_t node)
{
    struct dure_ask **at = &rt->looking;
    while (*at != NULL) {
        bool lost = (*at)->look_number != 0 && node_of(rt, *at) == node;
        if (lost) answered_at(rt, at, DURE_SEEN_UNKNOWN, NULL, 0);
        else at = &(*at)->look_next;
    }
}

/* When the outage lets it be answered; INT64_MAX: it does not. */
static int64_t answer_ms(const struct dure_runtime *rt, const struct dure_ask *ask)
{
    if (ask->look_number != 0) return INT64_MAX;
    if (!rt->outage_on) return 0;
    int64_t delay = rt->options.outage.delay_ms;
    return delay >= DURE_LOOK_MS ? INT64_MAX : ask->look_until_ms - DURE_LOOK_MS + delay;
}

int64_t dure_look_due(const struct dure_runtime *rt)
{
    const struct dure_ask *ask = rt->looking;
    if (ask == NULL) return INT64_MAX;
    int64_t answered = answer_ms(rt, ask);
    return answered < ask->look_until_ms ? answered : ask->look_until_ms;
}

/* The list is by limit, and all have waited for the same reason: the first is due first. */
void dure_look_tick(struct dure_runtime *rt)
{
    int64_t now = rt->open->time_ms;
    while (rt->looking != NULL) {
        struct dure_ask *ask = rt->looking;
        bool ends = rt->stopping || rt->fatal != 0;
        bool answered = answer_ms(rt, ask) <= now;
        if (!ends && !answered && ask->look_until_ms > now) return;
        struct dure_breaker *breaker = breaker_of(rt, ask);
        unlink_ask(rt, &rt->looking);
        if (ends) {
            dure_breaker_forgone(breaker);
            dure_ask_fail(rt, ask, DURE_ESHUTDOWN);
        } else if (answered) {
            dure_breaker_succeeded(breaker);
            go_on(rt, ask, DURE_SEEN_STATE);
        } else {
            dure_breaker_failed(breaker, now);
            go_on(rt, ask, DURE_SEEN_UNKNOWN);
        }
    }
}
