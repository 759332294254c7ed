/*
 * Mailboxes: what waits for an actor, in order of arrival.
 *
 *   1. push finds the actor, appends the mail, and puts the actor in the ready list if its ready bit
 *      is not set yet: an actor is queued at most once and never runs twice at a time.
 *   2. turn.c takes actors from the ready list and their mail from here.
 *
 * Mail for a shard of another journal goes to the outbox instead. Mail that outlives its group is
 * encoded into the record and lives on the heap from then on. An actor that cannot be loaded is a
 * failing disk: the node stops (fatal). Loop thread.
 */
#include <stdlib.h>

#include "runtime/core.h"

/* NULL: the disk fails. */
static struct dure_actor *actor_of(struct dure_runtime *rt, const struct dure_mail *mail)
{
    int rv;
    struct dure_actor *actor = dure_actor_get(rt, mail->type, mail->id, mail->fresh, &rv);
    if (actor != NULL || rt->fatal != 0) return actor;
    rt->fatal = rv;
    if (rt->on_fatal != NULL) rt->on_fatal(rt->arg, rv);
    return NULL;
}

void dure_mailbox_push_first(struct dure_runtime *rt, struct dure_mail *mail)
{
    DURE_ASSERT(dure_shard_is_mine(rt, dure_shard_of(rt, mail->id)));
    if (rt->outage_on && dure_outage_hold(rt, mail)) return;
    struct dure_actor *actor = actor_of(rt, mail);
    if (actor == NULL) return;
    mail->next = actor->mail_first;
    actor->mail_first = mail;
    if (mail->next == NULL) actor->mail_last = &mail->next;
    actor->mail_count++;
    rt->ready_mail++;
    if (actor->ready) return;
    actor->ready = true;
    actor->ready_next = rt->ready;
    if (rt->ready == NULL) rt->ready_last = &actor->ready_next;
    rt->ready = actor;
}

void dure_mailbox_push(struct dure_runtime *rt, struct dure_mail *mail)
{
    if (!dure_shard_is_mine(rt, dure_shard_of(rt, mail->id))) {
        DURE_ASSERT(rt->links != NULL && mail->ask == NULL); /* An answer cannot wait there. */
        dure_links_send(rt, mail);
        return;
    }
    if (rt->outage_on && dure_outage_hold(rt, mail)) return;
    struct dure_actor *actor = actor_of(rt, mail);
    if (actor == NULL) return;
    mail->next = NULL;
    *actor->mail_last = mail;
    actor->mail_last = &mail->next;
    actor->mail_count++;
    rt->ready_mail++;
    if (actor->ready) return;
    actor->ready = true;
    actor->ready_next = NULL;
    *rt->ready_last = actor;
    rt->ready_last = &actor->ready_next;
}

/* ---- Mail as bytes --------------------------------------------------------------------------- */

struct wire {
    uint32_t type_code, command_type_code, command_code, from_type_code;
    int64_t id, from_id, answered_id; /* FEED: its command is the event, of the type `from`, and
                                         what is answered the time. */
    uint8_t kind, step, undo, done, fresh, has_data;
    uint16_t reason_len;
};

static const char trailer_mark[4] = {'t', 'r', 'c', '1'};

static const struct dure_schema *payload_schema(const struct dure_mail *mail)
{
    switch (mail->kind) {
    case DURE_MAIL_COMMAND: return mail->command->schema;
    case DURE_MAIL_START: return mail->type->schema; /* Of the data behind the header. */
    case DURE_MAIL_OUTCOME: return mail->command->reply;
    case DURE_MAIL_FEED: return mail->event->schema;
    default: return NULL;
    }
}

void dure_mail_encode(const struct dure_mail *mail, struct dure_buf *out)
{
    const struct dure_schema *schema = payload_schema(mail);
    struct wire wire = {
        .type_code = mail->type->code, .id = mail->id, .from_id = mail->from_id,
        .answered_id = mail->answered_id, .kind = (uint8_t)mail->kind, .step = mail->step,
        .undo = mail->undo, .done = mail->done, .fresh = mail->fresh,
        .has_data = schema != NULL && mail->data != NULL,
        .reason_len = (uint16_t)(mail->reason ? strlen(mail->reason) : 0),
    };
    if (mail->command != NULL) {
        wire.command_type_code = mail->command->aggregate->type->code;
        wire.command_code = dure_registry_code(mail->command->name);
    }
    if (mail->from_type != NULL) wire.from_type_code = mail->from_type->code;
    if (mail->kind == DURE_MAIL_FEED) {
        wire.command_code = mail->event->code;
        wire.answered_id = mail->event_time_ms;
    }
    dure_buf_add(out, &wire, sizeof wire);
    dure_buf_add(out, mail->reason, wire.reason_len);
    if (wire.has_data) dure_schema_pack(schema, mail->data, out);
    if (mail->trace == NULL) return;
    dure_buf_add(out, trailer_mark, sizeof trailer_mark);
    dure_buf_add(out, mail->trace, sizeof *mail->trace);
}

/* What stands behind the payload, and older versions pass over. */
static const char *find_trace(const char *at, const char *end)
{
    size_t left = (size_t)(end - at);
    if (left < sizeof trailer_mark + sizeof(struct dure_trace)) return NULL;
    return memcmp(at, trailer_mark, sizeof trailer_mark) == 0 ? at + sizeof trailer_mark : NULL;
}

static bool resolve(struct dure_mail *mail, const struct wire *wire)
{
    mail->type = dure_registry_type_by_code(wire->type_code);
    if (mail->type == NULL) return false;
    if (wire->from_type_code != 0) {
        mail->from_type = dure_registry_type_by_code(wire->from_type_code);
        if (mail->from_type == NULL) return false;
    }
    if (mail->kind == DURE_MAIL_FEED) {
        if (mail->from_type == NULL) return false;
        mail->event = dure_registry_event(mail->from_type, wire->command_code);
        mail->event_time_ms = wire->answered_id;
        return mail->event != NULL;
    }
    if (wire->command_type_code != 0) {
        const struct dure_type *owner = dure_registry_type_by_code(wire->command_type_code);
        if (owner != NULL) mail->command = dure_registry_command(owner, wire->command_code);
        if (mail->command == NULL) return false;
    }
    return true;
}

/* Codes that are known each, but do not belong together: whoever handles it must not find that out. */
static bool makes_sense(const struct dure_mail *mail, const struct wire *wire)
{
    const struct dure_type *type = mail->type;
    bool saga = type->kind == DURE_KIND_SAGA, round = type->kind == DURE_KIND_ROUND;
    if (mail->kind == DURE_MAIL_FEED) return type->kind == DURE_KIND_VIEW;
    if (type->kind == DURE_KIND_VIEW) return false;
    if (mail->from_type != NULL && mail->from_type->kind != DURE_KIND_SAGA &&
        mail->from_type->kind != DURE_KIND_ROUND) {
        return false;
    }
    switch (mail->kind) {
    case DURE_MAIL_COMMAND: {
        const struct dure_command *command = mail->command;
        if (command == NULL || wire->has_data != (command->schema != NULL)) return false;
        const struct dure_type *owner = command->aggregate->type;
        return type == owner || (type == owner->directory && owner->directory != NULL);
    }
    case DURE_MAIL_START: return (saga || round) && wire->has_data == 1;
    case DURE_MAIL_OUTCOME:
        return (round || (saga && mail->step <= type->saga->steps_count)) && mail->command != NULL &&
               (!wire->has_data || mail->command->reply != NULL);
    case DURE_MAIL_THEN: return round;
    case DURE_MAIL_WAKE: return true;
    case DURE_MAIL_RETRY:
    case DURE_MAIL_SKIP: return saga;
    case DURE_MAIL_FEED: break; /* Above. */
    }
    return false;
}

struct dure_mail *dure_mail_decode(const void *bytes, size_t len)
{
    struct wire wire;
    if (len < sizeof wire) return NULL;
    memcpy(&wire, bytes, sizeof wire);
    if (len - sizeof wire < wire.reason_len) return NULL;
    struct dure_mail head = {.kind = wire.kind, .id = wire.id, .from_id = wire.from_id,
                             .answered_id = wire.answered_id, .step = wire.step, .undo = wire.undo,
                             .done = wire.done, .fresh = wire.fresh, .heap = true};
    if (wire.kind > DURE_MAIL_THEN || !resolve(&head, &wire) || !makes_sense(&head, &wire)) {
        return NULL;
    }
    const struct dure_schema *schema = wire.has_data ? payload_schema(&head) : NULL;
    size_t data_at = (sizeof head + 15) & ~(size_t)15;
    size_t trace_at = data_at + (schema ? schema->size : 0);
    size_t reason_at = trace_at + sizeof(struct dure_trace);
    struct dure_mail *mail = malloc(reason_at + wire.reason_len + 1u);
    DURE_ASSERT(mail != NULL);
    *mail = head;
    const char *at = (const char *)bytes + sizeof wire, *end = (const char *)bytes + len;
    if (wire.reason_len > 0) {
        char *reason = (char *)mail + reason_at;
        memcpy(reason, at, wire.reason_len);
        reason[wire.reason_len] = '\0';
        mail->reason = reason;
    }
    at += wire.reason_len;
    if (schema != NULL) {
        void *data = (char *)mail + data_at;
        size_t used;
        dure_schema_init(schema, data);
        if (dure_schema_unpack(schema, data, at, (size_t)(end - at), &used) != 0) {
            free(mail);
            return NULL;
        }
        at += used;
        mail->data = data;
    }
    const char *trace = find_trace(at, end);
    if (trace != NULL) {
        mail->trace = memcpy((char *)mail + trace_at, trace, sizeof *mail->trace);
    }
    return mail;
}

void dure_mail_free(struct dure_mail *mail)
{
    if (mail->heap) free(mail);
}
