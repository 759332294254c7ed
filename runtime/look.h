/*
 * Looks (look.c): what a command from outside must have seen of another actor before it is handled.
 */
#ifndef DURE_RUNTIME_LOOK_H
#define DURE_RUNTIME_LOOK_H

#include "runtime/ask.h"
#include "runtime/breaker.h"

/* Carries questions to the other nodes; dure_look_answered is called with what comes back. */
struct dure_look_wire {
    /* 0, or DURE_EUNAVAILABLE, DURE_EBUSY: it did not go. */
    int (*send)(struct dure_look_wire *wire, uint16_t node, uint64_t number,
                const struct dure_type *type, int64_t id);
};

/* True: the ask can be handled now. False: it waits for its look, and comes by the intake again. */
bool dure_look_ready(struct dure_runtime *rt, struct dure_ask *ask);
/* Fills in->seen and in->other. 0, or why the other's row cannot be read. */
DURE_MUST_CHECK int dure_look_fill(struct dure_runtime *rt, const struct dure_ask *ask,
                                   struct dure_msg *in);
/* What another node says: STATE with its packed state, NOBODY, or UNKNOWN. An answer that nobody waits
 * for any more, or of a node that was not asked, is dropped. */
void dure_look_answered(struct dure_runtime *rt, uint16_t node, uint64_t number, enum dure_seen seen,
                        const void *bytes, size_t len);
/* The node will not answer what it was asked. */
void dure_look_lost(struct dure_runtime *rt, uint16_t node);
/* Its limit has passed, the node stops, or the type is out of order no longer. Each round. */
void dure_look_tick(struct dure_runtime *rt);
int64_t dure_look_due(const struct dure_runtime *rt); /* Of the next tick; INT64_MAX: none. */
/* The breaker of a look at a node's shards. */
struct dure_breaker *dure_look_breaker(const struct dure_runtime *rt, const struct dure_look *look,
                                       uint16_t node);

#endif
