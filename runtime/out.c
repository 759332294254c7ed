/*
 * The functions by which a handler says what shall happen (dure.h). Payloads come from the open
 * group's arena. Cannot fail within bounds: more effects than DURE_EFFECTS_MAX are a bug. Loop thread.
 */
#include "runtime/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct dure_out *dure_out_new(struct dure_runtime *rt)
{
    struct dure_out *out = malloc(sizeof *out);
    if (out != NULL) out->rt = rt;
    return out;
}

void dure_out_begin(struct dure_out *out, const struct dure_command *command)
{
    out->command = command;
    out->count = 0;
    out->reply = NULL;
    out->timer_set = false;
    out->status = 0;
}

static void *payload(struct dure_runtime *rt, const struct dure_schema *schema)
{
    if (schema == NULL) return NULL;
    void *data = dure_group_alloc(rt, schema->size);
    dure_schema_init(schema, data);
    return data;
}

static void *effect(struct dure_out *out, enum dure_effect_kind kind, const void *what,
                    const struct dure_schema *schema, int64_t id, bool by_key)
{
    DURE_ASSERT(out->count < DURE_EFFECTS_MAX);
    void *data = payload(out->rt, schema);
    out->effects[out->count++] = (struct dure_effect){kind, what, data, id, by_key};
    return data;
}

void *dure_emit(struct dure_out *out, const struct dure_event_type *type)
{
    return effect(out, DURE_EFFECT_EVENT, type, type->schema, 0, false);
}

void *dure_send(struct dure_out *out, const struct dure_command *command, int64_t id)
{
    return effect(out, DURE_EFFECT_SEND, command, command->schema, id, false);
}

void *dure_send_by_key(struct dure_out *out, const struct dure_command *command, int64_t key)
{
    return effect(out, DURE_EFFECT_SEND, command, command->schema, key, true);
}

void *dure_start(struct dure_out *out, const struct dure_saga *saga, int64_t id)
{
    return effect(out, DURE_EFFECT_START, saga, saga->data, id, false);
}

void *dure_reply(struct dure_out *out)
{
    DURE_ASSERT(out->command != NULL && out->command->reply != NULL);
    out->reply = payload(out->rt, out->command->reply);
    return out->reply;
}

void dure_timer(struct dure_out *out, int64_t due_ms)
{
    out->timer_set = true;
    out->due_ms = due_ms;
}

void dure_refuse(struct dure_out *out, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(out->reason, sizeof out->reason, fmt, args);
    va_end(args);
    out->status = status;
}
