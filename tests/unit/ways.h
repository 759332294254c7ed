/*
 * Ways: what a client does, one act after the other, on one node or on two that own every other id,
 * with a crash at every single step of it. Whichever node stops, whether or not what it was writing
 * was written, everything ends as it would have without.
 *
 *   ways_run_all(name, way, arg)   runs `way` without a crash and once for each step at which a node
 *                                  may stop; the way makes its cluster's first things, acts by
 *                                  ways_do, and asserts what must be there afterwards
 */
#ifndef DURE_TESTS_WAYS_H
#define DURE_TESTS_WAYS_H

#include "tests/unit/pair.h"

#define WAYS_SHARDS 4

extern int ways_nodes;          /* 1 or 2. */
extern uint32_t ways_turns_max; /* Of one record; 0: as ever, so that a whole cascade stands in one. */

/* A fresh cluster, without a crash until ways_run_all plans one; and its end. */
void ways_make(void);
void ways_end(void);
struct world *ways_node(int i);
struct world *ways_owner(int64_t id);
/* What is made on node 0 has its first id there. */
int64_t ways_first_id(void);

/* One round of node i; the planned crash happens behind its step. */
void ways_step(int i);
void ways_settle(void); /* Until everything is quiet. */

/* The outstanding ask. ways_asked: the node that has it; NULL: it has crashed before the answer. */
extern struct world_ask ways_ask;
extern struct world *ways_asked;
/* Asks the owner of the id; of DURE_NEW that of the first id. */
void ways_submit(const struct dure_command *command, int64_t id, const void *payload);
/*
 * As a client does it: asks, waits, and without an answer asks again, which may find that it was done
 * (200 or 409), unless `done` says that it was. NULL: there is no telling.
 */
void ways_do(const struct dure_command *command, int64_t id, const void *payload,
             bool (*done)(void));

const struct dure_command *ways_command(const struct dure_aggregate *aggregate, const char *name);
const void *ways_state(const struct dure_aggregate *aggregate, int64_t id);
/* Of all nodes. */
int64_t ways_count(const struct dure_type *type);

/* Prepares (fresh cluster, without a crash), then `way` with the crash; returns how many there were. */
int ways_run_all(const char *name, void (*prepare)(void), void (*way)(const void *arg),
                 const void *arg);

/* A test's ways: rows of a size of its own, which begin with the name, a const char *. */
struct ways_table {
    const void *ways;
    size_t count, size;
    void (*prepare)(void);
    void (*walk)(const void *way);
};
/* Each of them by ways_run_all, which finds so many crashes at least: on one node; there with a
 * record for every message or two, so that sagas are cut between their steps; on two. */
void ways_on_one_node(const struct ways_table *table, int crashes_min);
void ways_turn_by_turn(const struct ways_table *table, int crashes_min);
void ways_on_two_nodes(const struct ways_table *table, int crashes_min);

#endif
