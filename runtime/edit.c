/*
 * PATCH and PUT as one built-in command: editable fields change freely, governed ones only by the
 * command that a legal transition names. Also DELETE of plain data.
 *
 * Refusals: 409 for a governed field, 400 for a required one that would become null. Pure.
 */
#include "runtime/out.h"

#define STATE_BYTES_MAX (8 * 1024) /* Of every state and payload: registry.c. */

static const struct dure_command *transition(const struct dure_aggregate *aggregate,
                                             const struct dure_field *field, const void *wanted)
{
    if (aggregate->transitions == NULL || field->kind != DURE_ENUM) return NULL;
    for (const struct dure_transition *row = aggregate->transitions; row->field != NULL; row++) {
        uint8_t value = *((const uint8_t *)wanted + field->offset);
        if (strcmp(row->field, field->name) == 0 && row->value == value) return row->command;
    }
    return NULL;
}

static int remove_plain(const struct dure_actor *actor, struct dure_out *out)
{
    const struct dure_aggregate *aggregate = actor->type->aggregate;
    if (aggregate->may_remove != NULL && !aggregate->may_remove(actor->state)) {
        dure_refuse(out, 409, "%s %lld is in use", aggregate->name, (long long)actor->id);
        return 0;
    }
    memcpy(dure_emit(out, &actor->type->removed), actor->state, actor->type->state_size);
    return 0;
}

static bool wants(const struct dure_edit *edit, size_t field)
{
    return edit->named >> field & 1;
}

/* NULL: nothing of the kind. *refused names the first field that may not change so. */
static const struct dure_command *find_command(const struct dure_actor *actor,
                                               const struct dure_edit *edit, const char **refused)
{
    const struct dure_schema *schema = actor->type->schema;
    const struct dure_command *found = NULL;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (!(field->flags & DURE_GOVERNED) || !wants(edit, i)) continue;
        const struct dure_command *command = transition(actor->type->aggregate, field, edit->state);
        /* The same value again is no change, unless PATCH names it alone for what it commands: the
         * second cancel is refused like any other. PUT sends back what it has read. */
        bool same = dure_field_equal(field, actor->state, edit->state);
        if (same && (edit->replace || command == NULL)) continue;
        if (command == NULL || (found != NULL && found != command)) *refused = field->name;
        found = command;
    }
    return found;
}

/* As if it had been asked for, with its payload as it starts. */
static int run_command(const struct dure_actor *actor, const struct dure_command *command,
                       const struct dure_msg *in, struct dure_out *out)
{
    _Alignas(16) char payload[STATE_BYTES_MAX];
    struct dure_msg as_command = *in;
    as_command.command = command;
    as_command.data = NULL;
    if (command->schema != NULL) {
        DURE_ASSERT(command->schema->size <= sizeof payload);
        dure_schema_init(command->schema, payload);
        as_command.data = payload;
    }
    out->command = command; /* It may reply. */
    return command->handle(actor->state, &as_command, out);
}

/* The state as the command's events leave it. What the command has set stays so, unless the
 * document changes it: the date of a return is not undone by a PUT that brings back what was read
 * before. */
static void follow_command(const struct dure_actor *actor, const struct dure_edit *edit,
                           const struct dure_msg *in, const struct dure_out *out, char *commanded,
                           char *fresh)
{
    const struct dure_schema *schema = actor->type->schema;
    memcpy(commanded, actor->state, schema->size);
    for (size_t i = 0; i < out->count; i++) {
        const struct dure_event_type *type = out->effects[i].what;
        if (out->effects[i].kind != DURE_EFFECT_EVENT || type->apply == NULL) continue;
        struct dure_event event = {type, out->effects[i].data, actor->id, in->now_ms};
        type->apply(commanded, &event);
    }
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        bool set = !dure_field_equal(field, commanded, actor->state);
        bool same = !wants(edit, i) || dure_field_equal(field, fresh, actor->state);
        if (set && same) dure_field_copy(field, fresh, commanded);
    }
}

static bool differs(const struct dure_schema *schema, const void *a, const void *b)
{
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & (DURE_GOVERNED | DURE_ID | DURE_HIDDEN)) continue;
        if (!dure_field_equal(field, a, b)) return true;
    }
    return false;
}

int dure_edit_handle(const struct dure_actor *actor, const struct dure_edit *edit,
                     const struct dure_msg *in, struct dure_out *out)
{
    if (edit->remove) return remove_plain(actor, out);
    const struct dure_schema *schema = actor->type->schema;
    _Alignas(16) char fresh[STATE_BYTES_MAX], empty[STATE_BYTES_MAX],
        commanded[STATE_BYTES_MAX];
    DURE_ASSERT(schema->size <= sizeof fresh);
    const char *refused = NULL;
    const struct dure_command *command = find_command(actor, edit, &refused);
    if (refused != NULL) {
        dure_refuse(out, 409, "%s changes only by commands", refused);
        return 0;
    }
    memcpy(fresh, actor->state, schema->size);
    dure_schema_init(schema, empty);
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & (DURE_GOVERNED | DURE_ID | DURE_HIDDEN)) continue;
        if (!wants(edit, i) && !edit->replace) continue;
        dure_field_copy(field, fresh, wants(edit, i) ? edit->state : empty);
        if ((field->flags & DURE_REQUIRED) && dure_field_is_null(field, fresh)) {
            dure_refuse(out, 400, "%s is required", field->name);
            return 0;
        }
    }
    const void *before = actor->state;
    if (command != NULL) {
        int rv = run_command(actor, command, in, out);
        if (rv != 0 || out->status != 0) return rv; /* Refused: nothing is edited either. */
        follow_command(actor, edit, in, out, commanded, fresh);
        before = commanded;
    }
    if (differs(schema, fresh, before)) {
        memcpy(dure_emit(out, &actor->type->edited), fresh, schema->size);
    }
    return 0;
}
