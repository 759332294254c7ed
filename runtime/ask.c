/*
 * Asks: commands from outside, and who waits for what.
 *
 *   submit → intake → (turn.c) handled → decided, or waiting for a saga's end → released
 *
 * A limit that passes decides PENDING; the saga goes on. A decision whose record fails, while the
 * command's own is durable, is taken back, and the ask waits again. Refused at once when a queue is full
 * (DURE_EBUSY), the rows' disk is full and memory with it (DURE_ENOSPC), or the node stops. Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"

static void wait_unlink(struct dure_ask *ask)
{
    if (ask->link == NULL) return;
    *ask->link = ask->next;
    if (ask->next != NULL) ask->next->link = ask->link;
    ask->link = NULL;
}

static void ask_released(struct dure_hold *hold, int rv)
{
    struct dure_ask *ask = (struct dure_ask *)((char *)hold - offsetof(struct dure_ask, hold));
    struct dure_runtime *rt = ask->rt;
    /* Only the decision was in the record that failed: nobody must hear that nothing happened. */
    if (rv == DURE_ENOSPC && ask->failed == 0 && ask->group < rt->failed_group) {
        if (ask->has_key) dure_idem_go_on(rt, ask);
        dure_ask_go_on(rt, ask);
        return;
    }
    rt->asks_count--;
    ask->released(ask, ask->failed != 0 ? ask->failed : rv);
}

void dure_ask_decide(struct dure_runtime *rt, struct dure_ask *ask, struct dure_answer *answer)
{
    DURE_ASSERT(ask->state != DURE_ASK_DECIDED);
    ask->state = DURE_ASK_DECIDED;
    free(ask->other);
    ask->other = NULL;
    wait_unlink(ask);
    if (ask->mail_at != NULL) ask->mail_at->ask = NULL;
    ask->mail_at = NULL;
    if (ask->waits_on != NULL) {
        struct dure_ask **at = &ask->waits_on->asks;
        while (*at != ask) at = &(*at)->same;
        *at = ask->same;
        ask->waits_on = NULL;
    }
    answer->created = ask->created;
    if (ask->view_type != NULL) {
        /* A refused command keeps its aggregate: the answer shows it. Cannot fail: in memory. */
        if (dure_runtime_view(rt, ask->view_type, ask->view_id, &answer->view) != 0) {
            answer->view = (struct dure_view){.aggregate = ask->view_type->aggregate,
                                              .id = ask->view_id};
        }
    }
    ask->decided(ask, answer);
    ask->hold.cb = ask_released;
    /* Nothing becomes durable any more: who was never taken hears it at once. */
    if (rt->fatal != 0 && ask->failed != 0) ask_released(&ask->hold, rt->fatal);
    else dure_turn_hold(rt, &ask->hold);
}

void dure_ask_fail(struct dure_runtime *rt, struct dure_ask *ask, int rv)
{
    const struct dure_error_info *info = dure_error_info(rv);
    struct dure_answer answer = {.verdict = DURE_FAILED, .rv = rv, .status = info->http_status,
                                 .detail = info->text};
    ask->failed = rv;
    ask->view_type = NULL;
    dure_ask_decide(rt, ask, &answer);
}

void dure_turn_refuse_ask(struct dure_runtime *rt, struct dure_ask *ask, int status,
                          const char *reason)
{
    if (ask == NULL) return;
    struct dure_answer answer = {.verdict = DURE_REFUSED, .status = status, .detail = reason};
    dure_ask_decide(rt, ask, &answer);
}

void dure_ask_wait(struct dure_runtime *rt, struct dure_ask *ask)
{
    if (ask->wait_until_ms == 0 || ask->link != NULL) return;
    ask->state = DURE_ASK_WAITING;
    ask->next = rt->waiting;
    ask->link = &rt->waiting;
    if (ask->next != NULL) ask->next->link = &ask->next;
    rt->waiting = ask;
    if (ask->wait_until_ms < rt->wait_next_ms) rt->wait_next_ms = ask->wait_until_ms;
    if (rt->stopping) rt->wait_next_ms = 0;
}

void dure_ask_attach(struct dure_runtime *rt, struct dure_actor *saga, struct dure_ask *ask)
{
    (void)rt;
    if (ask == NULL) return;
    if (ask->mail_at != NULL) ask->mail_at->ask = NULL;
    ask->mail_at = NULL;
    ask->waits_on = saga;
    ask->saga = saga->type;
    ask->same = saga->asks;
    saga->asks = ask;
}

static bool may_be_its(const struct dure_ask *ask, const struct dure_type *type)
{
    if (ask->saga != NULL) return type == ask->saga;
    return type->kind == DURE_KIND_SAGA && strcmp(type->system, ask->view_type->system) == 0;
}

/* It runs under the id of its aggregate. */
static struct dure_actor *running_saga(struct dure_runtime *rt, const struct dure_ask *ask)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        if (!may_be_its(ask, type)) continue;
        int rv;
        struct dure_actor *saga = dure_actor_get(rt, type, ask->view_id, false, &rv);
        if (saga != NULL && saga->head.exists) return saga;
    }
    return NULL;
}

/* It was to begin in a record that failed: it will when there is space. */
static struct dure_mail *start_to_come(struct dure_runtime *rt, const struct dure_ask *ask)
{
    for (struct dure_mail *mail = rt->retry; mail != NULL; mail = mail->next) {
        bool starts = mail->kind == DURE_MAIL_START && mail->id == ask->view_id;
        if (starts && may_be_its(ask, mail->type)) return mail;
    }
    return NULL;
}

static void wait_for_start(struct dure_runtime *rt, struct dure_ask *ask, struct dure_mail *start)
{
    if (ask->wait_until_ms == 0 || start->ask != NULL) {
        struct dure_answer answer = {.verdict = DURE_PENDING, .status = 201};
        dure_ask_decide(rt, ask, &answer);
        return;
    }
    start->ask = ask;
    ask->mail_at = start;
    dure_ask_wait(rt, ask);
}

/* The saga is over, and what it decided shows in what it was about. */
static const char *why_refused(struct dure_runtime *rt, const struct dure_ask *ask)
{
    int rv;
    struct dure_type *type = ask->view_type;
    if (type == NULL || type->aggregate == NULL || type->aggregate->refused == NULL) return NULL;
    struct dure_actor *actor = dure_actor_get(rt, type, ask->view_id, false, &rv);
    if (actor == NULL || !actor->head.exists) return NULL;
    return type->aggregate->refused(actor->state);
}

void dure_ask_go_on(struct dure_runtime *rt, struct dure_ask *ask)
{
    struct dure_actor *saga = ask->view_type != NULL ? running_saga(rt, ask) : NULL;
    ask->state = DURE_ASK_WAITING;
    if (saga != NULL && ask->wait_until_ms != 0) {
        dure_ask_attach(rt, saga, ask);
        dure_ask_wait(rt, ask);
        return;
    }
    struct dure_mail *start = NULL;
    if (saga == NULL && ask->view_type != NULL) start = start_to_come(rt, ask);
    if (start != NULL) {
        wait_for_start(rt, ask, start);
        return;
    }
    struct dure_answer answer = {.verdict = saga != NULL ? DURE_PENDING : DURE_DONE,
                                 .status = saga != NULL ? 201 : 200};
    if (saga == NULL) answer.detail = why_refused(rt, ask);
    if (answer.detail != NULL) answer.verdict = DURE_REFUSED, answer.status = 409;
    dure_ask_decide(rt, ask, &answer);
}

void dure_turn_saga_ended(struct dure_runtime *rt, struct dure_actor *saga, bool done,
                          const char *reason)
{
    if (done) rt->metrics.sagas_done++;
    else rt->metrics.sagas_refused++;
    while (saga->asks != NULL) {
        struct dure_answer answer = {.verdict = done ? DURE_DONE : DURE_REFUSED,
                                     .status = done ? 200 : 409, .detail = reason};
        dure_ask_decide(rt, saga->asks, &answer);
    }
}

/* Limits of SPEC A6: what is still undecided now is answered with the pending state. At a stop
 * every limit has passed: the sagas go on at the next start. */
void dure_ask_expire(struct dure_runtime *rt)
{
    int64_t now = rt->open->time_ms;
    if (now < rt->wait_next_ms) return;
    rt->wait_next_ms = INT64_MAX;
    struct dure_ask *next;
    for (struct dure_ask *ask = rt->waiting; ask != NULL; ask = next) {
        next = ask->next;
        if (rt->stopping || ask->wait_until_ms <= now) {
            struct dure_answer answer = {.verdict = DURE_PENDING, .status = 201};
            dure_ask_decide(rt, ask, &answer);
        } else if (ask->wait_until_ms < rt->wait_next_ms) {
            rt->wait_next_ms = ask->wait_until_ms;
        }
    }
}

void dure_ask_drop_intake(struct dure_runtime *rt)
{
    while (rt->intake != NULL) {
        struct dure_ask *ask = rt->intake;
        rt->intake = ask->handled_next;
        if (rt->intake == NULL) rt->intake_last = &rt->intake;
        rt->intake_count--;
        dure_ask_fail(rt, ask, DURE_ESHUTDOWN);
    }
}

/* Dirty actors cannot leave before a checkpoint: new commands wait for it in the bounded intake. */
bool dure_ask_memory_short(const struct dure_runtime *rt)
{
    return rt->memory_bytes > rt->memory_max + rt->memory_max / 4 &&
           rt->dirty_count > DURE_CHECKPOINT_SLICE;
}

bool dure_ask_held_back(const struct dure_runtime *rt)
{
    if (dure_ask_memory_short(rt)) return true;
    return dure_checkpoint_tail_bytes(rt) > DURE_JOURNAL_TAIL_BYTES_MAX &&
           !dure_checkpoint_failing(rt);
}

int dure_ask_submit(struct dure_runtime *rt, struct dure_ask *ask)
{
    if (rt->stopping || rt->fatal != 0) return DURE_ESHUTDOWN;
    bool elsewhere = ask->id != DURE_NEW && !dure_shard_is_mine(rt, dure_shard_of(rt, ask->id));
    if (elsewhere) return DURE_EUNAVAILABLE;
    if (dure_ask_memory_short(rt) && dure_checkpoint_failing(rt)) return DURE_ENOSPC;
    bool outbox_full = rt->links != NULL && dure_links_full(rt->links);
    if (rt->asks_count >= rt->options.asks_max || outbox_full) {
        rt->metrics.asks_refused++;
        return DURE_EBUSY;
    }
    ask->rt = rt;
    ask->state = DURE_ASK_QUEUED;
    ask->link = NULL;
    ask->mail_at = NULL;
    ask->waits_on = NULL;
    ask->view_type = NULL;
    ask->saga = NULL;
    ask->failed = 0;
    ask->created = false;
    ask->group = UINT64_MAX;
    ask->handled_next = NULL;
    ask->seen = DURE_SEEN_NOT_ASKED;
    ask->other = NULL;
    *rt->intake_last = ask;
    rt->intake_last = &ask->handled_next;
    rt->asks_count++;
    rt->intake_count++;
    rt->metrics.asks++;
    rt->io->soon(rt->io);
    return 0;
}

int dure_ask_resume(struct dure_runtime *rt, struct dure_ask *ask)
{
    struct dure_type *saga = ask->saga;
    int rv = dure_ask_submit(rt, ask);
    ask->saga = saga;
    /* A mail of kind WAKE marks it: take_ask then only looks which saga it belongs to. */
    if (rv == 0) ask->mail.kind = DURE_MAIL_WAKE;
    return rv;
}
