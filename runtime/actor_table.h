/*
 * Actors by (type, id): a hash table whose look-up reads one cache line and follows a pointer only
 * where sixteen bits of the hash agree. After F14 (Bronson and Shi, "Open-sourcing F14 for faster,
 * more memory-efficient hash tables", Facebook Engineering 2019): lines of slots with tags, and a
 * count of those that found their line full and went on to the next.
 *
 * Ids are given in sequence and used together, so a run of sixteen ids lies in sixteen neighbouring
 * lines. It is made for as many actors as the memory budget allows, and doubles should there be
 * more: a pause of some 30 ns an actor. One thread.
 */
#ifndef DURE_RUNTIME_ACTOR_TABLE_H
#define DURE_RUNTIME_ACTOR_TABLE_H

#include <stdint.h>

#include "runtime/errors.h"

struct dure_actor;
struct dure_type;

/* As of every processor this is built for; a wrong one costs speed only. */
#define DURE_CACHE_LINE 64
#define DURE_ACTOR_LINE_SLOTS 6

struct dure_actor_line { /* One cache line. */
    uint16_t tags[DURE_ACTOR_LINE_SLOTS];
    uint32_t passed; /* Actors that belong here or before and stand in a later line. */
    struct dure_actor *slots[DURE_ACTOR_LINE_SLOTS];
};

struct dure_actor_table {
    struct dure_actor_line *lines;
    uint64_t mask;  /* Lines - 1. */
    uint64_t count; /* Actors in it. */
};

/* Room for at least `actors` at a load where look-ups stay short. 0 or DURE_ENOMEM. */
DURE_MUST_CHECK int dure_actor_table_init(struct dure_actor_table *table, int64_t actors);
void dure_actor_table_fini(struct dure_actor_table *table);

static inline int64_t dure_actor_table_bytes(const struct dure_actor_table *table)
{
    return (int64_t)((table->mask + 1) * sizeof table->lines[0]);
}

struct dure_actor *dure_actor_table_find(const struct dure_actor_table *table,
                                         const struct dure_type *type, int64_t id);
/* Starts to bring in the line where a look-up will begin, for one that is known to come. */
void dure_actor_table_prefetch(const struct dure_actor_table *table, const struct dure_type *type,
                               int64_t id);
/* All of them, one a call, in no order, while none is added or removed: *at is 0 for the first. NULL
 * behind the last; so, too, when init has failed or was never called on a zeroed table. */
struct dure_actor *dure_actor_table_next(const struct dure_actor_table *table, uint64_t *at);
/* It must not be there yet. */
void dure_actor_table_add(struct dure_actor_table *table, struct dure_actor *actor);
/* It must be there. */
void dure_actor_table_remove(struct dure_actor_table *table, const struct dure_actor *actor);

#endif
