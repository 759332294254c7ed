/*
 * What a handler's call produces: effects as values, gathered here and applied by turn.c.
 */
#ifndef DURE_RUNTIME_OUT_H
#define DURE_RUNTIME_OUT_H

#include "runtime/core.h"

enum dure_effect_kind { DURE_EFFECT_EVENT, DURE_EFFECT_SEND, DURE_EFFECT_START };

struct dure_effect {
    enum dure_effect_kind kind;
    const void *what; /* Event type, command, or saga. */
    void *data;
    int64_t id;
    bool by_key;
};

struct dure_out {
    struct dure_runtime *rt;
    const struct dure_command *command;
    size_t count;
    void *reply;
    bool timer_set;
    int64_t due_ms;
    int status; /* 0: not refused. */
    char reason[DURE_SAGA_REASON_BYTES];
    struct dure_effect effects[DURE_EFFECTS_MAX];
};

/* For one runtime; NULL: no memory. free() it. */
struct dure_out *dure_out_new(struct dure_runtime *rt);
/* Empty, before a call of this command's handler (NULL: the built-in edit). */
void dure_out_begin(struct dure_out *out, const struct dure_command *command);

#endif
