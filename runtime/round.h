/*
 * Rounds (round.c): what is kept of one that runs. Its command's payload follows.
 */
#ifndef DURE_RUNTIME_ROUND_H
#define DURE_RUNTIME_ROUND_H

#include "runtime/actor.h"
#include "runtime/mail.h"

struct dure_round_state { /* The command's payload follows, 16-byte aligned. */
    int64_t next, last;             /* Ids of this pass: up to `next` they have been given it. */
    int64_t made_first, made_last;  /* Ids of what the first pass has made. */
    int64_t visited;                /* Did it, in both passes. */
    int64_t waiting;                /* Have not answered yet. */
    uint8_t pass;                   /* 1, 2; 0: between them. */
    uint8_t then;                   /* The second one is wanted. */
    uint8_t zero[6];
    struct dure_trace trace;        /* Of what began this pass; zero: none. Packed apart (row.c). */
};
#define DURE_ROUND_DATA(state)                                                                     \
    ((void *)((char *)(state) + ((sizeof(struct dure_round_state) + 15u) & ~15u)))

/* round.c: begins the rounds of an event, or their second passes; handles START, THEN, OUTCOME and
 * WAKE for a round. */
void dure_round_begin(struct dure_runtime *rt, const struct dure_event *event);
void dure_round_handle(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail);

#endif
