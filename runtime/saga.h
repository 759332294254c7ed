/*
 * Sagas (saga.c): what is kept of one that runs. Its data follows.
 */
#ifndef DURE_RUNTIME_SAGA_H
#define DURE_RUNTIME_SAGA_H

#include "runtime/actor.h"
#include "runtime/mail.h"

enum dure_saga_phase {
    DURE_SAGA_NONE, DURE_SAGA_FORWARD, DURE_SAGA_UNDOING, DURE_SAGA_REFUSING, DURE_SAGA_LATE,
    DURE_SAGA_ENDED,
};
/* What /metrics calls a saga's state: its phase, or parked. */
#define DURE_SAGA_PARKED DURE_SAGA_NONE
#define DURE_SAGA_STATES DURE_SAGA_ENDED
struct dure_saga_state { /* The saga's data follows, 16-byte aligned. */
    uint8_t phase;       /* enum dure_saga_phase */
    uint8_t step;        /* Its answer is awaited (forward, or its undo). */
    uint8_t parked;      /* Waits for a person (or for the late answer). */
    uint8_t refused_step;
    int64_t answered[DURE_SAGA_STEPS_MAX]; /* Per step: id of the actor that did it; 0: not done. */
    int64_t started_ms, since_ms;
    char reason[DURE_SAGA_REASON_BYTES];   /* Why refused or parked. */
    struct dure_trace trace;               /* Of what began it; zero: none. */
};
#define DURE_SAGA_DATA(state)                                                                      \
    ((void *)((char *)(state) + ((sizeof(struct dure_saga_state) + 15u) & ~15u)))

/* saga.c: handles START, OUTCOME, WAKE, RETRY, SKIP for a saga actor. */
void dure_saga_handle(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail);
/* A saga that exists enters (+1) or leaves (-1) the count of the state it is in. Whoever changes the
 * state of one calls it before and afterwards; of other actors it takes no notice. */
void dure_saga_count(struct dure_runtime *rt, const struct dure_actor *actor, int by);
/* At start: counts those that have rows. */
DURE_MUST_CHECK int dure_saga_load_counts(struct dure_runtime *rt);

#endif
