/*
 * The turn: the heart of dure, and the file to read first.
 *
 *   1. Take     what is ready: messages first, then the next command from outside (an ask), until
 *               the group is full. A command's whole cascade runs before the next one is taken.
 *   2. Dedupe   happened at the door: idempotency keys in idem.c, messages of other journals in
 *               inbox.c as it arrives, deferred mail by the TAKEN entry that is written here.
 *   3. Handle   handle(state, message) gives effects as values, collected in struct dure_out.
 *   4. Apply    effects become events (group.c: written to the record and applied), mail, timers.
 *   5. Commit   the group is closed into one record (closing.c: what has to outlive it) and handed
 *               to the journal. Meanwhile the next group forms: there are two, one open and one
 *               being written.
 *   6. Release  when the record is durable: projections, streams, then the answers. Not one byte
 *               before. Reads wait in the same line (dure_turn_hold).
 *
 * How it fails (failure.c): a full disk undoes both groups and answers 507, and the next command
 * tries again; UNKNOWN sends the same bytes again; REFUSED by somebody else, or a failed sync, is
 * fatal: nothing is acknowledged any more and the node exits.
 *
 * The round, dure_turn_run, comes first; the steps follow in their order. Loop thread.
 */
#include "runtime/history.h"
#include "runtime/out.h"
#include "runtime/record.h"

/* A cascade may exceed the group's soft bound by this factor before its mail is deferred. */
#define CASCADE_FACTOR 2
/* Actors whose memory is asked for before it is needed. */
#define AHEAD 8

static void command_turn(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail);
static void run_ready(struct dure_runtime *rt);
static void take_ask(struct dure_runtime *rt);
static void close_group(struct dure_runtime *rt);

/* ---- The round ------------------------------------------------------------------------------- */

static bool group_full(const struct dure_runtime *rt, uint32_t factor)
{
    const struct dure_group *group = rt->open;
    return group->turns >= rt->options.group_turns_max * factor ||
           group->record.len >= (size_t)DURE_GROUP_BYTES_MAX * factor;
}

static bool group_empty(const struct dure_group *group)
{
    return group->entries == 0 && group->undo == NULL;
}

/* While durable mail waits for space, nothing newer may overtake it. */
static bool waits_for_space(const struct dure_runtime *rt)
{
    return rt->retry != NULL && rt->io->wall_ms(rt->io) < rt->retry_at_ms;
}

static void retry_mail(struct dure_runtime *rt)
{
    struct dure_mail *mail = rt->retry;
    rt->retry = NULL;
    while (mail != NULL) { /* The newest first, each before what its actor has. */
        struct dure_mail *next = mail->next;
        dure_mailbox_push_first(rt, mail);
        mail = next;
    }
}

static void set_alarm(struct dure_runtime *rt)
{
    int64_t due = rt->wait_next_ms;
    if (rt->timers_count > 0) {
        int64_t timer = rt->timers[0]->head.due_ms;
        if (timer < rt->retry_at_ms) timer = rt->retry_at_ms;
        if (timer < due) due = timer;
    }
    if (rt->retry != NULL && rt->retry_at_ms < due) due = rt->retry_at_ms;
    if (dure_look_due(rt) < due) due = dure_look_due(rt);
    if (rt->links != NULL && dure_links_due(rt->links) < due) due = dure_links_due(rt->links);
    if (due != INT64_MAX) rt->io->alarm(rt->io, due);
}

void dure_turn_run(struct dure_runtime *rt)
{
    DURE_ASSERT(!rt->in_turn);
    rt->in_turn = true;
    if (rt->open->turns == 0) rt->open->time_ms = rt->io->wall_ms(rt->io);
    if (rt->links != NULL) dure_links_tick(rt);
    bool turns = !waits_for_space(rt);
    if (turns) {
        retry_mail(rt);
        dure_timer_due(rt);
    }
    dure_look_tick(rt);
    dure_ask_expire(rt);
    if (turns) run_ready(rt);
    bool room = turns && !dure_ask_held_back(rt); /* Else the checkpoint's end calls the next round. */
    if (turns && !room && rt->stopping) dure_ask_drop_intake(rt);
    while (room && rt->intake != NULL && rt->ready == NULL && !group_full(rt, 1)) {
        take_ask(rt);
    }
    bool waits = rt->open->holds != NULL || !group_empty(rt->open) || rt->ready != NULL;
    if (waits && rt->writing == NULL && rt->fatal == 0) close_group(rt);
    rt->in_turn = false;
    /* More to do, and nothing else will call: a full group whose record is being written is called
     * by its completion. */
    bool more = (room && rt->intake != NULL) || rt->ready != NULL ||
                (rt->links != NULL && dure_links_waiting(rt->links));
    if (turns && more && !group_full(rt, 1)) {
        rt->io->soon(rt->io);
    }
    set_alarm(rt);
    dure_actor_passivate(rt);
}

/* ---- 1: take --------------------------------------------------------------------------------- */

/* Heap mail lives until its group is durable: a failed group gives it back. */
static void keep_taken(struct dure_runtime *rt, struct dure_mail *mail)
{
    if (mail->durable_lsn != 0) {
        size_t at;
        struct {
            uint64_t lsn;
            uint32_t at, zero;
        } taken = {mail->durable_lsn, mail->durable_at, 0};
        dure_group_entry_begin(rt, DURE_ENTRY_TAKEN, &at);
        dure_buf_add(&rt->open->record, &taken, sizeof taken);
        dure_group_entry_end(rt, at);
    }
    mail->next = rt->open->taken;
    rt->open->taken = mail;
}

/* What the turn follows from: the request that its mail came of, or that began the saga or round. A
 * timer goes on with what its actor did last. */
static const struct dure_trace *trace_of(struct dure_runtime *rt, struct dure_actor *actor,
                                         const struct dure_mail *mail)
{
    if (mail->trace != NULL) return mail->trace;
    const struct dure_trace *trace = NULL;
    if (actor->type->kind == DURE_KIND_SAGA)
        trace = &((const struct dure_saga_state *)actor->state)->trace;
    else if (actor->type->kind == DURE_KIND_ROUND)
        trace = &((const struct dure_round_state *)actor->state)->trace;
    else if (mail->kind == DURE_MAIL_WAKE)
        trace = dure_history_trace(rt, actor);
    return trace != NULL && dure_trace_is(trace) ? trace : NULL;
}

static void mail_turn(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail)
{
    rt->open->turns++;
    rt->metrics.turns++;
    rt->acting = actor;
    rt->trace = trace_of(rt, actor, mail);
    bool passed_on = false;
    switch (actor->type->kind) {
    case DURE_KIND_SAGA:
        if (mail->kind == DURE_MAIL_START) rt->metrics.sagas_started++;
        dure_saga_handle(rt, actor, mail);
        break;
    case DURE_KIND_DIRECTORY:
        /* Passed on, the mail is still on its way: it is counted off where it ends. */
        passed_on = dure_directory_handle(rt, actor, mail);
        break;
    case DURE_KIND_VIEW: dure_projection_take(rt, actor, mail); break;
    case DURE_KIND_ROUND: dure_round_handle(rt, actor, mail); break;
    default:
        if (mail->kind == DURE_MAIL_WAKE) {
            mail->command = actor->type->aggregate->wake;
            if (mail->command == NULL || !actor->head.exists) break;
        }
        command_turn(rt, actor, mail);
        break;
    }
    rt->acting = NULL;
    rt->trace = NULL;
    if (mail->heap && !passed_on) keep_taken(rt, mail);
}

/* Runs actors until none is ready. A cascade that does not end here goes on in the next record. */
static void run_ready(struct dure_runtime *rt)
{
    while (rt->ready != NULL && !group_full(rt, CASCADE_FACTOR)) {
        struct dure_actor *actor = rt->ready;
        for (int burst = 0; burst < DURE_MAILBOX_BURST && actor->mail_first != NULL; burst++) {
            struct dure_mail *mail = actor->mail_first;
            actor->mail_first = mail->next;
            if (actor->mail_first == NULL) actor->mail_last = &actor->mail_first;
            actor->mail_count--;
            rt->ready_mail--;
            mail_turn(rt, actor, mail);
        }
        rt->ready = actor->ready_next;
        if (rt->ready == NULL) rt->ready_last = &rt->ready;
        actor->ready = actor->mail_first != NULL;
        if (actor->ready) {
            actor->ready_next = NULL;
            *rt->ready_last = actor;
            rt->ready_last = &actor->ready_next;
        }
    }
}

static void take_resumed(struct dure_runtime *rt, struct dure_ask *ask)
{
    ask->view_type = ask->type;
    ask->view_id = ask->id;
    ask->group = 0; /* What it began is durable already: it cannot fail with this group. */
    dure_ask_go_on(rt, ask);
}

static void take_ask(struct dure_runtime *rt)
{
    struct dure_ask *ask = rt->intake;
    rt->intake = ask->handled_next;
    if (rt->intake == NULL) rt->intake_last = &rt->intake;
    rt->intake_count--;
    if (rt->fatal != 0) {
        dure_ask_fail(rt, ask, DURE_ESHUTDOWN);
        return;
    }
    if (ask->mail.kind == DURE_MAIL_WAKE) {
        take_resumed(rt, ask);
        return;
    }
    if (!dure_look_ready(rt, ask)) return;
    ask->mail = (struct dure_mail){.kind = DURE_MAIL_COMMAND, .command = ask->command,
                                   .type = ask->by_key ? ask->type->directory : ask->type,
                                   .id = ask->id, .data = ask->data, .ask = ask, .trace = ask->trace};
    if (ask->id == DURE_NEW) {
        ask->mail.id = dure_shard_new_id(rt, ask->type);
        ask->mail.fresh = true;
    }
    ask->mail_at = &ask->mail;
    dure_mailbox_push(rt, &ask->mail);
    run_ready(rt);
}

/* ---- 3 and 4: one command at one actor ------------------------------------------------------- */

void dure_turn_outcome(struct dure_runtime *rt, const struct dure_mail *in, bool done, int64_t id,
                       const void *reply, const char *reason)
{
    if (in->from_type == NULL) return;
    struct dure_mail *mail = dure_group_mail(rt);
    mail->kind = DURE_MAIL_OUTCOME;
    mail->type = in->from_type;
    mail->id = in->from_id;
    mail->command = in->command;
    mail->data = reply;
    mail->step = in->step;
    mail->undo = in->undo;
    mail->done = done;
    mail->answered_id = id;
    mail->reason = reason;
    mail->trace = NULL; /* Who asked knows it. */
    dure_mailbox_push(rt, mail);
}

static void send_effect(struct dure_runtime *rt, const struct dure_effect *effect,
                        struct dure_ask **ask)
{
    struct dure_mail *mail = dure_group_mail(rt);
    mail->data = effect->data;
    mail->id = effect->id;
    if (effect->kind == DURE_EFFECT_START) {
        const struct dure_saga *saga = effect->what;
        mail->kind = DURE_MAIL_START;
        mail->type = saga->type;
        mail->ask = *ask; /* The answer waits for the saga from here on. */
        if (*ask != NULL) {
            (*ask)->mail_at = mail;
            (*ask)->saga = saga->type;
        }
        *ask = NULL;
    } else {
        mail->kind = DURE_MAIL_COMMAND;
        mail->command = effect->what;
        mail->type = effect->by_key ? mail->command->aggregate->type->directory
                                    : mail->command->aggregate->type;
        if (mail->id == DURE_NEW) {
            mail->id = dure_shard_new_id(rt, mail->type);
            mail->fresh = true;
        }
    }
    dure_mailbox_push(rt, mail);
}

static void apply_effects(struct dure_runtime *rt, struct dure_actor *actor, struct dure_out *out,
                          struct dure_ask **ask)
{
    bool first = true;
    for (size_t i = 0; i < out->count; i++) {
        struct dure_effect *effect = &out->effects[i];
        if (effect->kind == DURE_EFFECT_EVENT) {
            dure_group_event(rt, actor, (struct dure_event_type *)effect->what, effect->data,
                             first);
            first = false;
        }
    }
    if (out->timer_set) dure_group_timer(rt, actor, out->due_ms);
    for (size_t i = 0; i < out->count; i++) {
        if (out->effects[i].kind != DURE_EFFECT_EVENT) send_effect(rt, &out->effects[i], ask);
    }
}

static void refuse_missing(struct dure_out *out, const struct dure_actor *actor)
{
    dure_refuse(out, 404, "there is no %s %lld", actor->type->aggregate->name,
                (long long)actor->id);
}

/* A record may have been open for a while: what is handled now may have been asked after what others
 * have recorded since. */
static int64_t now_ms(const struct dure_runtime *rt)
{
    int64_t now = rt->io->wall_ms(rt->io);
    return now > rt->open->time_ms ? now : rt->open->time_ms;
}

static void run_handler(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail,
                        struct dure_out *out)
{
    const struct dure_command *command = mail->command;
    const struct dure_ask *ask = mail->ask;
    struct dure_msg in = {.command = command, .data = mail->data, .id = actor->id,
                          .exists = actor->head.exists, .now_ms = now_ms(rt),
                          .seed = rt->io->random(rt->io)};
    if (!in.exists && (command == NULL || !(command->flags & DURE_CREATES))) {
        refuse_missing(out, actor);
        return;
    }
    if (ask != NULL && ask->if_match != 0 && ask->if_match != actor->head.version) {
        dure_refuse(out, 412, "the version is %llu by now",
                    (unsigned long long)actor->head.version);
        return;
    }
    int rv = 0;
    if (ask != NULL && command != NULL && command->look != NULL) rv = dure_look_fill(rt, ask, &in);
    if (rv == 0)
        rv = command != NULL ? command->handle(actor->state, &in, out)
                             : dure_edit_handle(actor, mail->data, &in, out);
    if (rv != 0) {
        const struct dure_error_info *info = dure_error_info(rv);
        out->count = 0;
        out->timer_set = false;
        dure_refuse(out, info->http_status, "%s", info->text);
    }
}

static void command_turn(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail)
{
    struct dure_out *out = rt->out;
    dure_out_begin(out, mail->command);
    struct dure_ask *ask = mail->ask;
    bool existed = actor->head.exists;
    run_handler(rt, actor, mail, out);
    if (ask != NULL) {
        ask->mail_at = NULL;
        mail->ask = NULL;
    }
    struct dure_ask *undecided = ask;
    apply_effects(rt, actor, out, &undecided);

    if (ask != NULL) {
        ask->view_type = actor->head.exists || existed ? actor->type : NULL;
        ask->view_id = actor->id;
        ask->created = !existed && actor->head.exists;
        ask->group = rt->open->number;
    }
    bool done = out->status == 0;
    /* A creation that was refused has left no trace, so it leaves no gap in the ids either. */
    if (ask != NULL && ask->id == DURE_NEW && out->count == 0 && !actor->head.exists) {
        dure_shard_unused_id(rt, actor->type, actor->id);
    }
    const char *reason = NULL;
    if (!done && mail->from_type != NULL) {
        size_t len = strlen(out->reason) + 1;
        reason = memcpy(dure_group_alloc(rt, len), out->reason, len);
    }
    /* 0 tells that there is nobody under this id. */
    bool anybody = existed || actor->head.exists;
    dure_turn_outcome(rt, mail, done, anybody ? actor->id : 0, out->reply, reason);
    if (undecided != NULL) {
        struct dure_answer answer = {.verdict = done ? DURE_DONE : DURE_REFUSED,
                                     .status = done ? 200 : out->status,
                                     .detail = done ? NULL : out->reason};
        dure_ask_decide(rt, undecided, &answer);
    } else if (ask != NULL) {
        ask->handled_next = rt->open->handled;
        rt->open->handled = ask;
        if (ask->wait_until_ms == 0) {
            struct dure_answer answer = {.verdict = DURE_PENDING, .status = 201};
            dure_ask_decide(rt, ask, &answer);
        } else {
            dure_ask_wait(rt, ask);
        }
    }
}

/* ---- 5: commit ------------------------------------------------------------------------------- */

static void append_done(void *arg, int rv);

static void append(struct dure_runtime *rt)
{
    struct dure_group *group = rt->writing;
    rt->append_began_ns = rt->io->mono_ns(rt->io);
    rt->journal->ops->append(rt->journal, group->lsn - 1, group->record.data, group->record.len,
                             append_done, rt);
}

static void close_group(struct dure_runtime *rt)
{
    struct dure_group *group = rt->open;
    dure_closing_write(rt, group);
    struct dure_group *other = group == &rt->groups[0] ? &rt->groups[1] : &rt->groups[0];
    if (group->entries == 0) {
        /* It looked and changed nothing that lasts: nothing to write. */
        for (struct dure_undo *undo = group->undo; undo != NULL; undo = undo->next) {
            undo->actor->head.lsn = undo->head.lsn;
        }
        dure_group_begin(rt, other);
        dure_turn_release(group, 0);
        return;
    }
    struct dure_record_header head = {
        .magic = DURE_RECORD_MAGIC, .version = DURE_RECORD_VERSION, .kind = DURE_RECORD_BATCH,
        .epoch = rt->epoch, .index = group->lsn, .owner = rt->options.owner,
        .prev_hash = rt->last_hash, .time_ms = group->time_ms, .entries = group->entries,
    };
    memcpy(group->record.data, &head, sizeof head);
    dure_record_seal(group->record.data, group->record.len);
    rt->writing = group;
    dure_group_begin(rt, other);
    append(rt);
}

/* ---- 6: release ------------------------------------------------------------------------------ */

void dure_turn_release(struct dure_group *group, int rv)
{
    struct dure_hold *hold = group->holds;
    group->holds = NULL;
    group->holds_last = &group->holds;
    while (hold != NULL) {
        struct dure_hold *next = hold->next;
        hold->cb(hold, rv);
        hold = next;
    }
}

static void forget_taken(struct dure_runtime *rt, struct dure_group *group)
{
    while (group->taken != NULL) {
        struct dure_mail *mail = group->taken;
        group->taken = mail->next;
        if (mail->durable_lsn != 0) {
            if (mail->durable_prev != NULL) mail->durable_prev->durable_next = mail->durable_next;
            else rt->deferred = mail->durable_next;
            if (mail->durable_next != NULL) mail->durable_next->durable_prev = mail->durable_prev;
        }
        dure_mail_free(mail);
    }
}

static void count_append(struct dure_runtime *rt, const struct dure_group *group)
{
    struct dure_metrics *metrics = &rt->metrics;
    uint64_t took_ns = rt->io->mono_ns(rt->io) - rt->append_began_ns;
    size_t bucket = 0;
    while (bucket < 23 && took_ns >> bucket >= 16000) bucket++;
    metrics->append_ns_buckets[bucket]++;
    metrics->append_ns_sum += took_ns;
    bucket = 0;
    while (bucket < 15 && group->turns >> bucket != 0) bucket++;
    metrics->batch_turns_buckets[bucket]++;
    metrics->records++;
    metrics->record_bytes += group->record.len;
}

/* Sagas that began and ended without ever having had a row, which is most: nothing to write, nothing
 * to keep. */
static void drop_ended(struct dure_runtime *rt, struct dure_group *group)
{
    for (size_t i = 0; i < group->snapshots_count; i++) {
        if (i + AHEAD < group->snapshots_count) {
            __builtin_prefetch(group->snapshots[i + AHEAD]);
            dure_actor_prefetch(group->snapshots[i + AHEAD / 2]->actor);
        }
        struct dure_actor *actor = group->snapshots[i]->actor;
        bool gone = !actor->head.exists && !actor->stored && actor->copies == 0 && !actor->ready &&
                    actor->head.lsn == group->lsn && actor->asks == NULL && actor->timer_at == 0;
        if (gone) dure_actor_drop(rt, actor);
    }
    group->undo = NULL;
}

static void durable(struct dure_runtime *rt, struct dure_group *group)
{
    count_append(rt, group);
    rt->lsn_durable = group->lsn;
    drop_ended(rt, group);
    rt->last_hash = dure_record_hash(group->record.data, group->record.len);
    dure_checkpoint_trail(rt);
    dure_projection_feed(rt, group);
    dure_idem_durable(rt, group->lsn);
    if (rt->links != NULL) dure_links_durable(rt, group);
    if (rt->on_record != NULL) rt->on_record(rt->arg, group);
    dure_port_feed(rt, group);
    forget_taken(rt, group);
    rt->writing = NULL;
    dure_turn_release(group, 0);
}

static bool refused_by_myself(struct dure_runtime *rt)
{
    const struct dure_group *group = rt->writing;
    struct dure_buf record = {0};
    int rv = rt->journal->ops->get(rt->journal, group->lsn, &record);
    bool mine = rv == 0 && record.len == group->record.len &&
                memcmp(record.data, group->record.data, record.len) == 0;
    dure_buf_fini(&record);
    return mine;
}

static void append_done(void *arg, int rv)
{
    struct dure_runtime *rt = arg;
    if (rv == DURE_EUNKNOWN) {
        append(rt); /* The same bytes with the same expect: twice is as good as once. */
        return;
    }
    if (rv == DURE_EREFUSED && refused_by_myself(rt)) rv = 0;
    if (rv == 0) durable(rt, rt->writing);
    else dure_failure_undo(rt, rv);
    rt->io->soon(rt->io);
}

void dure_turn_hold(struct dure_runtime *rt, struct dure_hold *hold)
{
    struct dure_group *group = !group_empty(rt->open) || rt->in_turn ? rt->open : rt->writing;
    if (group == NULL) {
        hold->cb(hold, 0);
        return;
    }
    hold->next = NULL;
    *group->holds_last = hold;
    group->holds_last = &hold->next;
}
