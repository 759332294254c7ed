/*
 * Actors in memory (actor.c): find, load on first use, passivate by memory budget.
 */
#ifndef DURE_RUNTIME_ACTOR_H
#define DURE_RUNTIME_ACTOR_H

#include "runtime/actor_table.h"
#include "runtime/registry.h"

struct dure_runtime;
struct dure_mail;
struct dure_undo;
struct dure_ask;

struct dure_actor_head { /* What a row carries besides the state, and what undo restores. */
    uint64_t lsn;        /* Journal index of the last record that changed it. 0: never. */
    uint64_t version;    /* Turns that changed it: the ETag. */
    uint64_t event_lsn;  /* Its last event: record … */
    uint32_t event_at;   /* … and offset of the entry in it. event_lsn 0: none. */
    uint8_t exists;
    int64_t due_ms;      /* Its timer; DURE_NULL: none. */
};

struct dure_actor {
    struct dure_type *type;
    int64_t id;
    struct dure_actor *newer, *older;       /* List of the clean ones, in the order they became so. */
    struct dure_actor *dirty_next, **dirty_link; /* Dirty list of the runtime, oldest first. */
    uint64_t dirty_lsn;                     /* The record of the oldest change its row lacks. */
    struct dure_actor *ready_next;
    struct dure_mail *mail_first, **mail_last;
    uint32_t mail_count;
    bool ready;      /* The ready bit: is in the ready list (or running). */
    bool dirty;      /* Differs from its row. Then not passivated. */
    bool listed;     /* In that list: its row, if it has one, is as it is. */
    bool used;       /* Since then, or since its last second chance. */
    bool stored;     /* Has a row (kept by the checkpoint). */
    uint8_t copies;  /* In the batches of the checkpoint. Then not passivated either. */
    uint64_t batch;  /* Number of the last batch of the checkpoint that it was copied into. */
    uint64_t group;  /* Number of the last group that touched it (undo is kept once a group). */
    struct dure_undo *undo;                 /* Of that group. */
    struct dure_ask *asks;                  /* Waiting for this saga's end. */
    size_t timer_at;                        /* Place in the timer heap + 1; 0: not there. */
    struct dure_actor_head head;
    _Alignas(16) char state[];
};

/* Finds in memory or loads the row; NULL with *rv = DURE_ENOMEM/EIO/ECORRUPT. An actor without a row
 * is made with a fresh state and head.exists 0. `fresh`: the caller knows that there is no row. */
struct dure_actor *dure_actor_get(struct dure_runtime *rt, struct dure_type *type, int64_t id,
                                  bool fresh, int *rv);
struct dure_actor *dure_actor_peek(struct dure_runtime *rt, struct dure_type *type, int64_t id);
/* Starts to bring the actor's own fields and the first of its state into the cache: lists are walked
 * an actor behind this, since most of them were last used long enough ago to be in memory only. */
static inline void dure_actor_prefetch(const struct dure_actor *actor)
{
    for (size_t at = 0; at < sizeof *actor + DURE_CACHE_LINE; at += DURE_CACHE_LINE) {
        __builtin_prefetch((const char *)actor + at, 1);
    }
}
/* Keeps the count and the largest id of its type in step. */
void dure_actor_set_exists(struct dure_runtime *rt, struct dure_actor *actor, bool exists);
/* It does not exist any more, and nothing is left of it in memory: what is made under its id afterwards
 * is as new as if its row had been deleted and read again. */
void dure_actor_removed(struct dure_runtime *rt, struct dure_actor *actor);
/* The row lacks the change of record `lsn`. One that is dirty already stays where it is. */
void dure_actor_set_dirty(struct dure_runtime *rt, struct dure_actor *actor, uint64_t lsn);
/* As the oldest, also when it was dirty. */
void dure_actor_set_dirty_first(struct dure_runtime *rt, struct dure_actor *actor, uint64_t lsn);
void dure_actor_set_clean(struct dure_runtime *rt, struct dure_actor *actor);
/* A batch of the checkpoint that has it is in the rows. */
void dure_actor_written(struct dure_runtime *rt, struct dure_actor *actor);
/* Frees idle clean actors, longest unused first, until the budget holds, their table, the groups' and
 * the checkpoint's memory counted in. Not within a turn. */
void dure_actor_passivate(struct dure_runtime *rt);
void dure_actor_drop(struct dure_runtime *rt, struct dure_actor *actor); /* Frees this one. */

#endif
