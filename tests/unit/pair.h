/*
 * Two worlds that share the shards, and a wire between them that can lose, double and reorder.
 */
#ifndef DURE_TESTS_PAIR_H
#define DURE_TESTS_PAIR_H

#include "tests/unit/world.h"

#define PAIR_FRAMES_MAX 20000

struct pair_frame { void *bytes; size_t len; };
struct pair_node {
    struct world world; /* First: a frame's transport is its node. */
    struct pair_node *peer;
    struct pair_frame inbox[PAIR_FRAMES_MAX];
    size_t frames;
    bool narrow, full; /* narrow: takes `room` frames, then DURE_EBUSY until there is room again. */
    int room;
    bool bad_wire; /* What it sends: a third is lost, a fifth doubled, all shuffled. */
};

extern struct pair_node pair[2]; /* Shard s is of pair[s % 2]. */

void pair_make(uint32_t shards);
struct world *pair_home(int64_t id); /* The one that owns the id's shard. */
void pair_end(void);
/* One frame, then one round. */
void pair_step(struct pair_node *node);
/* Nothing is on its way or waits for an acknowledgement. */
bool pair_quiet(void);
void pair_run(void); /* Until quiet. */
/* The same over narrow wires, without a tick of the clock: nothing may wait for a time-out. */
void pair_run_narrow(void);
/* Loses what has come for this node beyond `kept` frames. */
void pair_lose(struct pair_node *node, size_t kept);

#endif
