/*
 * A group: the turns that become one journal record (group.c, closing.c). It keeps what takes it back,
 * should the record fail.
 */
#ifndef DURE_RUNTIME_GROUP_H
#define DURE_RUNTIME_GROUP_H

#include "runtime/actor.h"
#include "runtime/arena.h"
#include "runtime/mail.h"

struct dure_hold;

struct dure_undo { /* An actor as it was before the group. */
    struct dure_undo *next;
    struct dure_undo *older; /* Of the actor, in the group before; valid while that is written. */
    struct dure_actor *actor;
    struct dure_actor_head head;
    char state[];
};

struct dure_group_event { /* For policies, projections and the streams. */
    struct dure_group_event *next;
    struct dure_type *type;
    struct dure_event event;
    uint64_t sequence;   /* Within its shard; 0: not published. */
    uint32_t shard;
    bool fed;            /* Of another node's shard, for … */
    int64_t target;      /* … this row of a view. */
    uint32_t at;         /* Offset of the entry in the record. */
};

struct dure_hold { /* Somebody who waits for a record: reads, answers. Embedded; caller keeps until cb. */
    struct dure_hold *next;
    void (*cb)(struct dure_hold *hold, int rv); /* 0: durable. Else why not: nothing was kept. */
};

struct dure_type_counter { int64_t next_id; int64_t max_id; int64_t count; /* existing */ };

struct dure_group {
    uint64_t number;             /* Counts up; never reused. */
    uint64_t lsn;                /* The index its record will have. */
    struct dure_arena arena;
    struct dure_buf record;      /* Header space, then entries. */
    uint32_t entries;
    uint32_t turns;
    struct dure_undo *undo;      /* Newest first. */
    struct dure_undo **snapshots; size_t snapshots_count, snapshots_cap; /* Sagas touched. */
    uint32_t trace_at;           /* Of the last dure_entry_trace in the record; 0: none yet. */
    bool timers;                 /* Of others than sagas and rounds: some were set. */
    struct dure_group_event *events, **events_last;
    struct dure_hold *holds, **holds_last;
    struct dure_ask *handled;    /* Asks with a key, handled and undecided (KEY started entries). */
    struct dure_mail *taken;     /* Durable mail handled here: given back if the group fails. */
    uint64_t *sequences;         /* Of the shards, as they were before. */
    struct dure_type_counter *counters; /* Of the types, as they were before. */
    int64_t time_ms;
    struct { int64_t ms; size_t len; char digits[DURE_DECIMAL_MAX]; } stamp; /* As events tell it. */
};

void dure_group_begin(struct dure_runtime *rt, struct dure_group *group);
/* Copies the actor as it is, once a group, before its first change. */
void dure_group_touch(struct dure_runtime *rt, struct dure_actor *actor);
/* Writes the event, applies it, runs its policies. `first`: of this turn (the version counts up). */
void dure_group_event(struct dure_runtime *rt, struct dure_actor *actor,
                      struct dure_event_type *type, const void *data, bool first);
/* A touched saga's state is written by itself, once, at close. */
void dure_group_timer(struct dure_runtime *rt, struct dure_actor *actor, int64_t due_ms);
/* Room for an entry of this kind in the open record; finish by entry_end. */
void dure_group_entry_begin(struct dure_runtime *rt, uint8_t kind, size_t *at);
void dure_group_entry_end(struct dure_runtime *rt, size_t at);
void *dure_group_alloc(struct dure_runtime *rt, size_t size);
struct dure_mail *dure_group_mail(struct dure_runtime *rt); /* Zeroed, in the arena. */

/* closing.c: adds to the record what has to outlive the group; it is the open one. */
void dure_closing_write(struct dure_runtime *rt, struct dure_group *group);

#endif
