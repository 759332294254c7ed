/*
 * A world for unit tests: a node of the runtime core over stores in memory, on a virtual clock, run
 * round by round in the test's thread. Its stores outlive a crash, as a disk would.
 *
 *   world_make      empty stores, a node over them
 *   world_ask       a command from outside; world_run lets everything happen that is due by now
 *   world_crash     the node is gone in the middle of what it did; the next one opens over what was
 *                   on disk
 *
 * Several worlds share the clock and the registry (once per process). Everything asserts.
 */
#ifndef DURE_TESTS_WORLD_H
#define DURE_TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/links.h"
#include "runtime/record.h"

extern int64_t world_now_ms;
extern struct dure_io world_io;

/* Prints the seed and how to replay it; DURE_TEST_SEED wins over `otherwise`. */
uint64_t world_seed(uint64_t otherwise);
void world_seed_set(uint64_t seed);
uint64_t world_random(uint64_t below); /* 0 … below - 1 */

struct world {
    struct dure_transport transport; /* First: a frame names its sender by it. */
    struct dure_runtime *rt;
    struct dure_journal *journal;
    struct dure_rows *rows;
    struct dure_links *links;  /* NULL: all shards are this node's. */
    uint32_t shards;
    uint16_t node, nodes;      /* Of several; nodes 0: all shards are this node's. */
    uint32_t group_turns_max;  /* For the next opening; 0: the default. */
    int fatal;                 /* What on_fatal said; 0: nothing. */
    bool no_checkpoints;       /* world_round makes none. */
    struct dure_look_wire *look_wire; /* For the next open: as in dure_options. */
    struct dure_outage outage;
};

/* A node that owns every shard. */
void world_make(struct world *world, uint32_t shards);
/* A node of several: `send` carries its frames. */
void world_make_linked(struct world *world, uint32_t shards, uint16_t node, uint16_t nodes,
                       int (*send)(struct dure_transport *transport, uint16_t shard,
                                   const void *frame, size_t len));
void world_end(struct world *world); /* Crashes it, then frees the stores. */

/* Opens over the stores as they are: 0 or what recovery says, with its sentence. */
int world_open(struct world *world, const char **message);
void world_reopen(struct world *world); /* Opens; must succeed. */
/* The node stops where it is. What of the outstanding append and the outstanding checkpoint is on
 * disk: as the arguments say. Asks that it held are forgotten. */
void world_stop(struct world *world, bool append_written, bool rows_written);
/* Stops, with everything handed to the disk on it, and opens. */
void world_crash(struct world *world);

/* One round: turn, journal, checkpoint, rows. */
void world_round(struct world *world);
bool world_idle(const struct world *world);
/* Rounds until nothing is left to do at this time. */
void world_run(struct world *world);
/* Moves the clock, then runs. */
void world_pass(struct world *world, int64_t ms);
/* Makes a checkpoint now. */
void world_checkpoint(struct world *world);

#define WORLD_PAYLOAD_MAX 2048
struct world_ask { /* Kept by the test until released, or the world is stopped. */
    struct dure_ask ask;
    _Alignas(16) char payload[WORLD_PAYLOAD_MAX];
    int decided, released; /* How often. */
    enum dure_verdict verdict;
    int status, rv;        /* rv: of released. */
    int64_t id;            /* Of the actor asked. */
    uint64_t version;
    char detail[256];
};

/* Submits; payload may be NULL. Limit of waiting: 30 s from now. Returns what submit said. */
int world_ask_try(struct world *world, struct world_ask *ask, const struct dure_command *command,
                  int64_t id, const void *payload, bool by_key);
void world_ask(struct world *world, struct world_ask *ask, const struct dure_command *command,
               int64_t id, const void *payload);
/* Asks, runs, and asserts the status (200 done, 201 pending, 409 …) and that it is durable. Returns
 * the actor's id. */
int64_t world_do(struct world *world, const struct dure_command *command, int64_t id,
                 const void *payload, int status);
/* PATCH, PUT or DELETE of plain data: asks, runs, and asserts that it was released as durable. Returns
 * the status. `edit` is lent. */
int world_edit(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
               const struct dure_edit *edit);
/* DELETE of plain data, asserting the status. */
void world_remove(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
                  int status);

/* The state as it is now; NULL: it does not exist. */
const void *world_state(struct world *world, const struct dure_aggregate *aggregate, int64_t id);
uint64_t world_version(struct world *world, const struct dure_aggregate *aggregate, int64_t id);
/* The saga's header; NULL: it is not under way. */
const struct dure_saga_state *world_saga(struct world *world, const struct dure_saga *saga,
                                         int64_t id);
/* Pushes a parked saga, as PUT /sagas/…/retry and skip do. */
void world_push(struct world *world, const struct dure_saga *saga, int64_t id,
                enum dure_mail_kind kind);
/* Published events of an actor, oldest first, as a JSON array. */
void world_history(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
                   struct dure_buf *json);
/* How often an event of this name has happened to the actor. */
int world_happened(struct world *world, const struct dure_aggregate *aggregate, int64_t id,
                   const char *name);
/* Everything that shall be equal between a run that crashed and one that never did, as text: every
 * actor (state, version, timer), counters, sequences, the history of aggregates. */
void world_print(struct world *world, struct dure_buf *out);
/* The same, as a string to be freed. */
char *world_printed(struct world *world);
/* Fails, and says where they part, unless they are equal: both are long. */
void world_assert_same(const char *is, const char *should);
uint64_t world_head(const struct world *world); /* Index of the journal's last record. */
/* Makes `bare` a node over a copy of the journal, and nothing else: what a rebuild gives. */
void world_rebuild(struct world *world, struct world *bare);

#endif
