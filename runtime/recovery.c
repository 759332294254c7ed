/*
 * Recovery: the rows, plus the journal behind them.
 *
 *   1. every record from the checkpoint's position on: checksum, hash chain, epoch, index
 *   2. its entries in order; an actor whose row already includes the record is passed over
 *   3. views are fed by the same events; deferred mail that nobody took goes on
 *
 * Fails with DURE_ECORRUPT and a message (a checksum, a broken chain, a head behind the rows: the
 * journal has lost records) or DURE_EFORMAT (written by a newer version). Loop thread, before it runs.
 */
#include "runtime/recovery.h"

#include <stdio.h>
#include <stdlib.h>

/* Dirty actors cannot be passivated: a long replay writes checkpoints of its own. */
#define FLUSH_DIRTY 50000
#define PROGRESS_RECORDS 64

struct replay {
    struct dure_runtime *rt;
    struct dure_buf record; /* Copy: the journal's bytes are lent, and flushing needs no reader. */
    char message[200];
    struct dure_record_chain chain;
    uint64_t next;
    size_t flush_at;
    uint64_t head; /* Of the journal, when replay began. */
};

int dure_recovery_decode(const struct dure_event_type *type, const struct dure_entry_event *head,
                         void *data)
{
    const char *bytes = (const char *)(head + 1);
    size_t used;
    if (type->schema == NULL) return 0;
    dure_schema_init(type->schema, data);
    if (head->sequence == 0) {
        return dure_schema_unpack(type->schema, data, bytes, head->data_len, &used);
    }
    struct dure_field_errors errors = {0};
    int rv = dure_schema_read_json(type->schema, data, bytes, head->data_len, NULL, &errors);
    return rv == 0 ? 0 : DURE_ECORRUPT;
}

/* True when the record's effects on this actor are still to come; the first look decides. */
static bool to_apply(struct dure_runtime *rt, struct dure_actor *actor, uint64_t index)
{
    if (actor->group == index) return true;
    if (actor->head.lsn >= index) return false;
    actor->group = index;
    actor->head.lsn = index;
    dure_actor_set_dirty(rt, actor, index);
    return true;
}

static int replay_event(struct replay *replay, uint64_t index, size_t at, int64_t time_ms,
                        const struct dure_entry_event *head)
{
    static _Alignas(16) char data[64 * 1024];
    struct dure_runtime *rt = replay->rt;
    struct dure_type *type = dure_registry_type_by_code(head->type_code);
    struct dure_event_type *event_type =
        type != NULL ? dure_registry_event(type, head->event_code) : NULL;
    if (event_type == NULL) {
        snprintf(replay->message, sizeof replay->message,
                 "record %llu holds an event this version does not know",
                 (unsigned long long)index);
        return DURE_EFORMAT;
    }
    if (event_type->schema != NULL) DURE_ASSERT(event_type->schema->size <= sizeof data);
    int rv = dure_recovery_decode(event_type, head, data);
    if (rv != 0) return rv;
    uint64_t *sequence = &rt->sequences[dure_shard_of(rt, head->id)];
    if (head->sequence > *sequence) *sequence = head->sequence;
    if (type->kind == DURE_KIND_DIRECTORY) {
        const struct dure_directory_state *binding = (const void *)data;
        dure_shard_given(rt, type->aggregate->type, binding->target);
    }
    struct dure_event event = {
        .type = event_type, .data = data, .id = head->id, .time_ms = time_ms};
    struct dure_actor *actor = dure_actor_get(rt, type, head->id, false, &rv);
    if (actor == NULL) return rv;
    if (to_apply(rt, actor, index)) {
        if (head->flags & DURE_EVENT_FIRST) actor->head.version++;
        actor->head.event_lsn = index;
        actor->head.event_at = (uint32_t)at;
        if (event_type->apply != NULL) event_type->apply(actor->state, &event);
        if (event_type->removes) dure_actor_removed(rt, actor);
        else dure_actor_set_exists(rt, actor, true);
    }
    dure_projection_event(rt, &event, index);
    return 0;
}

static int replay_actor(struct replay *replay, uint64_t index, bool saga,
                        const struct dure_entry_actor *head)
{
    struct dure_runtime *rt = replay->rt;
    struct dure_type *type = dure_registry_type_by_code(head->type_code);
    if (type == NULL) return DURE_EFORMAT;
    int rv;
    struct dure_actor *actor = dure_actor_get(rt, type, head->id, false, &rv);
    if (actor == NULL) return rv;
    if (!to_apply(rt, actor, index)) return 0;
    dure_saga_count(rt, actor, -1);
    if (saga && head->data_len > 0) {
        rv = dure_row_unpack_state(type, actor->state, head + 1, head->data_len);
        if (rv != 0) return rv;
    }
    if (saga) {
        dure_actor_set_exists(rt, actor, head->data_len > 0);
        actor->head.version = head->version;
    }
    dure_saga_count(rt, actor, +1);
    dure_timer_set(rt, actor, head->due_ms);
    return 0;
}

static int replay_deferred(struct replay *replay, uint64_t index, size_t at, const void *body,
                           size_t len)
{
    struct dure_runtime *rt = replay->rt;
    struct dure_mail *mail = dure_mail_decode(body, len);
    if (mail == NULL) return DURE_EFORMAT;
    if (mail->fresh) dure_shard_given(rt, mail->type, mail->id);
    mail->durable_lsn = index;
    mail->durable_at = (uint32_t)at;
    mail->durable_next = rt->deferred;
    if (rt->deferred != NULL) rt->deferred->durable_prev = mail;
    rt->deferred = mail;
    return 0;
}

static int replay_feed(struct replay *replay, uint64_t index, const struct dure_entry_feed *head)
{
    static _Alignas(16) char data[64 * 1024];
    const struct dure_type *type = dure_registry_type_by_code(head->type_code);
    struct dure_event_type *event_type =
        type != NULL ? dure_registry_event(type, head->event_code) : NULL;
    if (event_type == NULL) return DURE_EFORMAT;
    if (event_type->schema != NULL) {
        size_t used;
        DURE_ASSERT(event_type->schema->size <= sizeof data);
        dure_schema_init(event_type->schema, data);
        int rv = dure_schema_unpack(event_type->schema, data, head + 1, head->data_len, &used);
        if (rv != 0) return rv;
    }
    struct dure_event event = {
        .type = event_type, .data = data, .id = head->id, .time_ms = head->time_ms};
    dure_projection_fed(replay->rt, &event, head->target, index);
    return 0;
}

static void replay_taken(struct dure_runtime *rt, const void *body)
{
    struct { uint64_t lsn; uint32_t at, zero; } taken;
    memcpy(&taken, body, sizeof taken);
    for (struct dure_mail *mail = rt->deferred; mail != NULL; mail = mail->durable_next) {
        if (mail->durable_lsn != taken.lsn || mail->durable_at != taken.at) continue;
        if (mail->durable_prev != NULL) mail->durable_prev->durable_next = mail->durable_next;
        else rt->deferred = mail->durable_next;
        if (mail->durable_next != NULL) mail->durable_next->durable_prev = mail->durable_prev;
        dure_mail_free(mail);
        return;
    }
}

static int replay_entries(struct replay *replay, uint64_t index)
{
    const char *record = replay->record.data;
    size_t len = replay->record.len, at = sizeof(struct dure_record_header);
    int64_t time_ms = ((const struct dure_record_header *)record)->time_ms;
    const void *body;
    int rv = 0;
    for (;;) {
        size_t entry_at = at;
        const struct dure_entry *entry = dure_record_next(record, len, &at, &body);
        if (entry == NULL || rv != 0) return rv;
        switch (entry->kind) {
        case DURE_ENTRY_EVENT: rv = replay_event(replay, index, entry_at, time_ms, body); break;
        case DURE_ENTRY_SAGA: rv = replay_actor(replay, index, true, body); break;
        case DURE_ENTRY_TIMER: rv = replay_actor(replay, index, false, body); break;
        case DURE_ENTRY_KEY: dure_idem_recover(replay->rt, body, entry->len); break;
        case DURE_ENTRY_DEFERRED:
            rv = replay_deferred(replay, index, entry_at, body, entry->len);
            break;
        case DURE_ENTRY_TAKEN: replay_taken(replay->rt, body); break;
        case DURE_ENTRY_OUTBOX:
        case DURE_ENTRY_INBOX:
            dure_links_recover(replay->rt, (uint8_t)entry->kind, body, entry->len, index);
            break;
        case DURE_ENTRY_TRACE: /* Its events point to it. */
        case DURE_ENTRY_ACKED: break;
        case DURE_ENTRY_FEED: rv = replay_feed(replay, index, body); break;
        default: rv = DURE_EFORMAT; break;
        }
    }
}

static void describe(struct replay *replay, uint64_t index, const char *what)
{
    snprintf(replay->message, sizeof replay->message, "record %llu of the journal %s",
             (unsigned long long)index, what);
}

static int check(struct replay *replay, uint64_t index, const void *record, size_t len)
{
    const char *why = NULL;
    int rv = dure_record_follow(&replay->chain, record, len, index, &why);
    if (rv == 0 && index != replay->next) {
        index = replay->next;
        why = "is missing";
        rv = DURE_ECORRUPT;
    }
    if (rv != 0) describe(replay, index, why);
    return rv;
}

static int replay_record(void *arg, uint64_t index, const void *record, size_t len)
{
    struct replay *replay = arg;
    struct dure_runtime *rt = replay->rt;
    int rv = check(replay, index, record, len);
    if (rv != 0) return rv;
    replay->record.len = 0;
    dure_buf_add(&replay->record, record, len);
    rv = replay_entries(replay, index);
    if (rv != 0 && replay->message[0] == '\0') {
        char what[120];
        snprintf(what, sizeof what, "cannot be replayed: %s", dure_error_info(rv)->text);
        describe(replay, index, what);
    }
    rt->last_hash = replay->chain.hash;
    rt->epoch = replay->chain.epoch;
    rt->lsn_durable = index;
    rt->metrics.record_bytes += len;
    dure_checkpoint_trail(rt);
    replay->next = index + 1;
    if (index % PROGRESS_RECORDS == 0 && rt->options.progress != NULL)
        rt->options.progress(rt->options.progress_arg, index, replay->head);
    /* 1: stop here, write a checkpoint, go on. The journal lends no bytes meanwhile. */
    bool flush = rt->dirty_count >= replay->flush_at && !rt->options.read_only;
    if (flush) replay->flush_at = rt->dirty_count + FLUSH_DIRTY; /* In case it cannot. */
    return rv == 0 && flush ? 1 : rv;
}

/* The rows are of this journal: it goes as far as they do, and the record they end at is the one that
 * they were made of. It also tells the epoch. One that was trimmed away tells nothing. */
static int check_position(struct replay *replay, uint64_t head)
{
    struct dure_runtime *rt = replay->rt;
    uint64_t lsn = rt->lsn_durable;
    if (head < lsn) {
        snprintf(replay->message, sizeof replay->message,
                 "the journal ends at %llu, the rows at %llu: records have been lost",
                 (unsigned long long)head, (unsigned long long)lsn);
        return DURE_ECORRUPT;
    }
    uint64_t expected = rt->last_hash;
    replay->chain.hash = expected;
    if (lsn == 0) return 0;
    int rv = rt->journal->ops->get(rt->journal, lsn, &replay->record);
    if (rv == DURE_ENOTFOUND) return 0;
    if (rv != 0) return rv;
    const char *why = NULL;
    replay->chain.hash = 0;
    rv = dure_record_follow(&replay->chain, replay->record.data, replay->record.len, lsn, &why);
    if (rv == 0 && expected != 0 && replay->chain.hash != expected) {
        why = "is not the one that the rows were made of";
        rv = DURE_ECORRUPT;
    }
    if (rv != 0) describe(replay, lsn, why);
    rt->last_hash = replay->chain.hash;
    rt->epoch = replay->chain.epoch;
    return rv;
}

int dure_recovery_run(struct dure_runtime *rt, const char **message)
{
    static char text[200];
    struct replay replay = {.rt = rt, .next = rt->lsn_durable + 1, .flush_at = FLUSH_DIRTY};
    uint64_t head = replay.head = rt->journal->ops->head(rt->journal);
    int rv = check_position(&replay, head);
    while (rv == 0 && replay.next <= head) {
        rv = rt->journal->ops->tail(rt->journal, replay.next, replay_record, &replay);
        if (rv == 0 && replay.next <= head) {
            snprintf(replay.message, sizeof replay.message, "record %llu of the journal is missing",
                     (unsigned long long)replay.next);
            rv = DURE_ECORRUPT;
        }
        if (rv == 1) {
            memcpy(rt->open->sequences, rt->sequences, rt->options.shards * sizeof(uint64_t));
            rv = dure_checkpoint_flush(rt);
            if (rv == 0) replay.flush_at = FLUSH_DIRTY;
            if (rv == DURE_ENOSPC) rv = 0; /* A full disk must not keep the node down: more memory. */
            dure_actor_passivate(rt);
            while (rv == 0 && rt->memory_bytes > rt->memory_max && rt->dirty_count == 0 &&
                   rt->oldest != NULL) {
                int64_t before = rt->memory_bytes;
                dure_actor_passivate(rt);
                if (rt->memory_bytes == before) break;
            }
        }
    }
    dure_buf_fini(&replay.record);
    /* Deferred mail goes on with the first turn. Oldest first, as it was. */
    struct dure_mail *mail = rt->deferred;
    while (mail != NULL && mail->durable_next != NULL) mail = mail->durable_next;
    for (; rv == 0 && mail != NULL; mail = mail->durable_prev) dure_mailbox_push(rt, mail);
    if (rv != 0 && message != NULL && replay.message[0] != '\0') {
        memcpy(text, replay.message, sizeof text);
        *message = text;
    }
    return rv;
}
