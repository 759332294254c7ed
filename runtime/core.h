/*
 * The private structs of the runtime core, shared by its .c files and by nobody else but the node
 * (which opens one) and tests. The picture:
 *
 *   ask (HTTP, bulk) ─┐
 *   timer ────────────┤→ mail → actor's mailbox → ready list → turn → effects in the open group
 *   another journal ──┘              ↑──────────── messages ──────────┘        │ close
 *                                                           one record → journal → release
 *
 * One thread runs all of it. Everything of one group lives in that group's arena.
 */
#ifndef DURE_RUNTIME_CORE_H
#define DURE_RUNTIME_CORE_H

#include "runtime/actor_table.h"
#include "runtime/arena.h"
#include "runtime/breaker.h"
#include "runtime/dure.h"
#include "runtime/io.h"
#include "runtime/trace.h"
#include "store/store.h"

struct dure_runtime;
struct dure_actor;
struct dure_checkpoint;
struct dure_ask;

/* ---- Types (registry.c): one per aggregate, key directory, saga or view; global, fixed at start  */

enum dure_type_kind { DURE_KIND_AGGREGATE, DURE_KIND_DIRECTORY, DURE_KIND_SAGA, DURE_KIND_VIEW,
                      DURE_KIND_ROUND };

struct dure_type {
    enum dure_type_kind kind;
    uint16_t index;          /* In the registry: 0 … count - 1. */
    uint32_t code;           /* On disk: xxh64 of name, low 32 bits; collisions refused at start. */
    char name[64];           /* "shop.order", "shop.pay#key", "shop.order-saga" */
    const char *system;
    const struct dure_schema *schema;  /* Whole state; for a saga: of the data behind the header. */
    size_t state_size;                 /* Bytes of the state, header included. */
    struct dure_aggregate *aggregate;  /* AGGREGATE and VIEW, and DIRECTORY (the one it serves). */
    const struct dure_saga *saga;      /* SAGA */
    const struct dure_round *round;    /* ROUND */
    struct dure_type *directory;       /* AGGREGATE with a natural key. */
    /* Made by the registry: every aggregate has them. Internal; payload = the whole state. Edited's
     * apply copies the editable fields; Removed removes. */
    struct dure_event_type edited, removed;
    /* Of sagas: a person has left a step out; payload = the saga's data. Only audits look at it. */
    struct dure_event_type skipped;
};

/* Sagas and rounds are journaled by their state, once a group, their timer with it. */
static inline bool dure_type_by_state(const struct dure_type *type)
{
    return type->kind == DURE_KIND_SAGA || type->kind == DURE_KIND_ROUND;
}

struct dure_event_rules {
    const struct dure_policy *policies[DURE_RULES_MAX];
    const struct dure_projection *projections[DURE_RULES_MAX];
    const struct dure_round *rounds[DURE_RULES_MAX], *thens[DURE_RULES_MAX];
    const struct dure_port *ports[DURE_RULES_MAX];
    size_t policies_count, projections_count, rounds_count, thens_count, ports_count;
};

/* Registers the systems (NULL-terminated). Once per process. Prints and returns DURE_EINVAL when a
 * table contradicts itself. */
DURE_MUST_CHECK int dure_registry_init(const struct dure_system *const *systems);
const struct dure_system *const *dure_registry_systems(void);
size_t dure_registry_count(void);
struct dure_type *dure_registry_type(size_t index);
size_t dure_registry_looks(void); /* How many; their indexes are 0 … count - 1. */
const struct dure_look *dure_registry_look(size_t index);
struct dure_type *dure_registry_type_by_code(uint32_t code);               /* NULL: unknown. */
struct dure_event_type *dure_registry_event(const struct dure_type *type, uint32_t code);
const struct dure_command *dure_registry_command(const struct dure_type *type, uint32_t code);
uint32_t dure_registry_code(const char *name); /* The hash used for types, events, commands. */

/* ---- State headers -------------------------------------------------------------------------- */

struct dure_directory_state { int64_t key, target; }; /* target: id of the aggregate; 0: none. */

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

/* ---- Actors (actor.c) ------------------------------------------------------------------------ */

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

/* ---- Mail ------------------------------------------------------------------------------------ */

enum dure_mail_kind { DURE_MAIL_COMMAND, DURE_MAIL_START, DURE_MAIL_OUTCOME, DURE_MAIL_WAKE,
                      DURE_MAIL_RETRY, DURE_MAIL_SKIP, DURE_MAIL_FEED, DURE_MAIL_THEN };

struct dure_mail {
    struct dure_mail *next;
    enum dure_mail_kind kind;
    struct dure_type *type;              /* Whom: this actor … */
    int64_t id;
    bool fresh;                          /* … which is new (id just given). */
    struct dure_type *directory;         /* That has passed it on, here and now, or NULL … */
    int64_t key;                         /* … from this key of it. */
    const struct dure_command *command;  /* COMMAND; OUTCOME: the one answered. */
    const struct dure_event_type *event; /* FEED: for this row, an event of another node's shard … */
    int64_t event_time_ms;               /* … that happened then, to the actor `from`. */
    const void *data;                    /* Payload; START: saga or round data; OUTCOME: reply or NULL;
                                            FEED: the event's. */
    struct dure_type *from_type;         /* Saga or round that wants the outcome; NULL: nobody. */
    int64_t from_id;
    uint8_t step;                        /* Of that saga. */
    bool undo;                           /* It is that step's compensation. */
    bool done;                           /* OUTCOME */
    int64_t answered_id;                 /* OUTCOME: who answers. */
    const char *reason;                  /* OUTCOME refused. */
    struct dure_ask *ask;                /* Whose answer hangs on it, or NULL. */
    const struct dure_trace *trace;      /* Of the request that led to it; NULL: none. */
    uint64_t durable_lsn;                /* Deferred or from another journal: 0 when not. Where … */
    uint32_t durable_at;                 /* … the DEFERRED entry stands. */
    bool heap;                           /* By malloc, with its payload: deferred, or received. */
    struct dure_mail *durable_next;      /* In the runtime's list of deferred mail. */
    struct dure_mail *durable_prev;
};

/* ---- Groups (group.c): what becomes one journal record --------------------------------------- */

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

/* ---- Asks: commands from outside ------------------------------------------------------------- */

struct dure_view { /* A look at an actor, valid until the call returns. */
    const struct dure_aggregate *aggregate;
    int64_t id;
    uint64_t version;
    bool exists;
    const void *state;
};

enum dure_verdict { DURE_DONE, DURE_REFUSED, DURE_PENDING, DURE_FAILED };
struct dure_answer {
    enum dure_verdict verdict;
    int status;            /* REFUSED: 409 …; FAILED: of the error row. */
    int rv;                /* FAILED: DURE_E*. */
    const char *detail;    /* REFUSED, FAILED. */
    bool created;          /* The actor did not exist before this command. */
    struct dure_view view; /* Of the actor that was asked (the aggregate, also by key). */
};

struct dure_ask { /* Embedded in the gateway's request. The caller keeps it until released. */
    /* Set by the caller. */
    struct dure_type *type;
    const struct dure_command *command; /* NULL: edit (PATCH, PUT) or remove; see dure_edit. */
    int64_t id;               /* DURE_NEW for POST /c. With by_key: the key. */
    bool by_key;
    const void *data;
    uint64_t if_match;        /* 0: none; else the version that must be. */
    int64_t wait_until_ms;    /* Undecided then: PENDING. 0: answer once handled. */
    bool has_key;             /* Idempotency-Key. */
    uint64_t key[2];          /* Its 128-bit hash. */
    uint64_t fingerprint;     /* Of method, path and body. */
    struct dure_type *saga;   /* Resumed: the one it waits for. NULL: whichever runs for its actor. */
    const struct dure_trace *trace; /* What comes of it carries it; kept by the caller. NULL: none. */
    /* In the turn: make the reply's bytes now (the view dies with the call); with a key, hand them
     * to dure_idem_finish before returning. Called once; once more when the record that was to hold the
     * decision failed and the command's own was durable before (the earlier bytes are void). */
    void (*decided)(struct dure_ask *ask, const struct dure_answer *answer);
    /* Durable (0) or failed (negative: nothing happened; `decided` bytes are void). Called once,
     * after decided. Never within dure_ask_submit. */
    void (*released)(struct dure_ask *ask, int rv);
    /* Private. */
    struct dure_ask *next, **link;      /* In the wait list. */
    struct dure_ask *handled_next;
    struct dure_mail *mail_at;          /* The mail that carries it on, or NULL. */
    struct dure_actor *waits_on;        /* The saga whose end it waits for, or NULL. */
    struct dure_ask *same;              /* Next ask of the same saga. */
    struct dure_mail mail;              /* Its command on the way to the actor. */
    struct dure_runtime *rt;
    uint64_t group;                     /* Number of the group that handled it; UINT64_MAX: none. */
    int failed;                         /* Negative: never taken, this is why. */
    struct dure_hold hold;
    enum { DURE_ASK_QUEUED, DURE_ASK_WAITING, DURE_ASK_DECIDED } state;
    struct dure_type *view_type; int64_t view_id; bool created;
    struct dure_ask *look_next;         /* In the list of those that wait for their look. */
    enum dure_seen seen;                /* NOT_ASKED: it has not looked yet. */
    void *other;                        /* The state that another node sent; NULL: ours is looked at. */
    uint64_t look_number;               /* Of the question to another node; 0: it has not gone there. */
    int64_t look_until_ms;              /* Then it goes on without. */
};

/* Takes the command, or refuses at once: DURE_EBUSY (queues full), DURE_ESHUTDOWN. */
DURE_MUST_CHECK int dure_ask_submit(struct dure_runtime *rt, struct dure_ask *ask);
/* Waits again for the saga of a command that began before a restart (its key is "started"):
 * decides as if the command had just been handled. type, id of the aggregate, and saga. */
DURE_MUST_CHECK int dure_ask_resume(struct dure_runtime *rt, struct dure_ask *ask);

/* Payload of the command NULL: what PATCH and PUT bring. Governed fields must be equal or a legal
 * transition, which is then that command. */
struct dure_edit { const void *state; dure_field_set named; bool replace; bool remove; };

/* ---- Looks (look.c): what a command from outside must have seen first ------------------------ */

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

/* ---- Outage (outage.c): for tests, one type as if its node were slow or down ----------------- */

struct dure_outage {
    const struct dure_type *type; /* NULL: none. */
    int64_t delay_ms;             /* Until a look at it is answered; INT64_MAX: never, and messages to
                                     it wait as they would for a node that is down. */
};
/* "food.food=down", "food.food=700"; "": none. 0 or DURE_EINVAL. */
DURE_MUST_CHECK int dure_outage_read(const char *text, struct dure_outage *outage);
/* On or off; what has waited comes in order. Not within a turn. */
void dure_outage_set(struct dure_runtime *rt, bool on);
/* True: the mail is held. */
bool dure_outage_hold(struct dure_runtime *rt, struct dure_mail *mail);
/* A group failed: what of the held mail is not on disk goes with it. */
void dure_outage_failed(struct dure_runtime *rt, uint64_t failed_lsn);

/* ---- Idempotency keys (idem.c) --------------------------------------------------------------- */

enum dure_idem_result { DURE_IDEM_NEW, DURE_IDEM_REPLY, DURE_IDEM_STARTED };
struct dure_idem_reply {
    int status;
    struct dure_buf headers, body;
    struct dure_type *type, *saga;
    int64_t id;
};
/* Looks the key up and marks it running. REPLY: *reply holds copies (caller fini's). STARTED: an
 * earlier process began it; resume with reply->type, id, saga. Errors: DURE_EKEYREUSED, DURE_EKEYRUNNING,
 * DURE_EBUSY. After NEW or STARTED exactly one of finish or cancel must follow. */
DURE_MUST_CHECK int dure_idem_begin(struct dure_runtime *rt, const uint64_t key[2],
                                    uint64_t fingerprint, enum dure_idem_result *result,
                                    struct dure_idem_reply *reply);
/* Writes the reply into the open group (it becomes durable with it). Within `decided`. */
void dure_idem_finish(struct dure_runtime *rt, const struct dure_ask *ask, int status,
                      const struct dure_buf *headers, const struct dure_buf *body);
/* The command was never taken (submit failed) or its group failed. */
void dure_idem_cancel(struct dure_runtime *rt, const uint64_t key[2]);
/* The reply was in a record that failed, the command was not: it runs still. */
void dure_idem_go_on(struct dure_runtime *rt, const struct dure_ask *ask);
/* Used by group.c (started entry), recovery.c and the checkpoint. */
void dure_idem_write_started(struct dure_runtime *rt, const struct dure_ask *ask);
void dure_idem_recover(struct dure_runtime *rt, const void *entry, size_t len);
void dure_idem_durable(struct dure_runtime *rt, uint64_t lsn);
void dure_idem_failed(struct dure_runtime *rt, uint64_t lsn);
void dure_idem_fini(struct dure_runtime *rt);
/* For the checkpoint: adds each durable entry that is in no other batch as a row, and notes the
 * batch (1 …); afterwards says how that one went. bytes NULL: the row goes. */
typedef void dure_idem_add(struct dure_checkpoint *checkpoint, enum dure_table table, uint32_t type,
                           int64_t id, const void *bytes, size_t len);
void dure_idem_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                       dure_idem_add *add, uint8_t batch);
void dure_idem_written(struct dure_runtime *rt, int rv, uint8_t batch);
/* Something waits for a checkpoint: new replies, or expired ones. */
bool dure_idem_wants(const struct dure_runtime *rt);
/* Looks for a few expired keys. Each round in which no checkpoint runs (idem_sweep.c). */
void dure_idem_sweep(struct dure_runtime *rt);
struct dure_idem;

/* ---- The runtime ----------------------------------------------------------------------------- */

struct dure_options {
    uint32_t shards;          /* Of the data directory. */
    int64_t memory_bytes;
    uint32_t asks_max;
    uint32_t group_turns_max; /* 0: DURE_GROUP_TURNS_MAX. */
    int64_t saga_deadline_ms; /* Of steps that name none; 0: DURE_SAGA_DEADLINE_MS_DEFAULT. */
    uint64_t owner;           /* Id of this node. */
    bool read_only;           /* The rows are: recovery keeps everything in memory (verify). */
    uint16_t node, nodes;     /* Shard s is ours when s % nodes is node; nodes 0: all are. */
    struct dure_links *links; /* Needed to run turns when there are other nodes. Closed by its owner. */
    /* Recovery is at record `done`, and ends with `total`. Now and then; NULL: nobody wants to know. */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
    struct dure_look_wire *look_wire; /* Looks at other nodes' actors; NULL: they are unknown. */
    struct dure_outage outage; /* On from the start. */
};

struct dure_metrics { /* Plain counters; the gateway prints them. */
    uint64_t asks, asks_refused, turns, events, records, record_bytes, failed_appends, checkpoints,
        checkpoint_rows, passivated, loaded, deferred, sagas_started, sagas_done, sagas_refused,
        sagas_parked, nospace, projections, looks_unknown;
    uint64_t append_ns_sum, append_ns_buckets[24]; /* Bucket i: < 2^i × 16 µs. */
    uint64_t batch_turns_buckets[16];              /* Bucket i: < 2^i turns in a record. */
};

struct dure_runtime {
    struct dure_io *io;
    struct dure_journal *journal;
    struct dure_rows *rows;
    struct dure_options options;
    struct dure_metrics metrics;
    /* Actors. */
    struct dure_actor_table actors;
    struct dure_actor *newest, *oldest;
    int64_t actors_count, memory_bytes;
    int64_t memory_max; /* For actors: what the budget leaves them now. */
    bool memory_dirty;  /* The budget is exceeded, and only rows that are written can change that. */
    struct dure_actor *dirty, **dirty_last;
    size_t dirty_count;
    struct dure_type_counter counters[DURE_TYPES_MAX];
    int64_t sagas[DURE_TYPES_MAX][DURE_SAGA_STATES]; /* Those that exist, by state. */
    /* Ready actors, FIFO. */
    struct dure_actor *ready, **ready_last;
    uint32_t ready_mail;              /* Messages in their mailboxes. */
    /* Two groups: one open, one at the journal. */
    struct dure_group groups[2];
    struct dure_group *open;          /* Always one. */
    struct dure_group *writing;       /* NULL: the journal is idle. */
    uint64_t groups_total;
    uint64_t lsn_durable;
    uint64_t last_hash, epoch;
    uint64_t append_began_ns;
    uint64_t *sequences;              /* Per shard: last given. */
    bool in_turn, stopping;
    int fatal;                        /* Negative: stopped acking; the node must exit. */
    void (*on_fatal)(void *arg, int rv);
    /* Every durable record, before answers leave: streams hang here. May be NULL. */
    void (*on_record)(void *arg, const struct dure_group *group);
    void *arg;
    /* A port's `asked` is durable; the event is lent. May be NULL: nobody answers. */
    void (*on_asked)(void *arg, const struct dure_port *port, const struct dure_event *event,
                     const struct dure_trace *trace); /* NULL: none. */
    void *asked_arg;
    uint64_t failed_group;            /* Number of the first group of the last failure. */
    int64_t retry_at_ms;              /* After a full disk: durable mail waits until then. */
    /* Asks. */
    uint32_t asks_count;
    struct dure_ask *intake, **intake_last; /* Not taken yet, FIFO; linked by handled_next. */
    uint32_t intake_count;
    int64_t wait_next_ms;                   /* Earliest limit in `waiting`; INT64_MAX: none. */
    struct dure_actor *acting;              /* Whose turn it is; NULL: nobody's. */
    struct dure_out *out;                   /* Effects of the handler that runs. */
    struct dure_mail *retry;                /* Durable mail of failed groups, until retry_at_ms; the
                                               newest first. */
    const struct dure_trace *trace;         /* Of what is handled: what comes of it inherits it. */
    struct dure_ask *waiting;         /* With a limit; unordered. */
    /* Timers: a heap by due_ms of actors. */
    struct dure_actor **timers; size_t timers_count, timers_cap;
    struct dure_mail *deferred;       /* Durable mail not handled yet, for replay_from. */
    struct dure_breaker *breakers;    /* By look, then by node. */
    struct dure_ask *looking, **looking_last; /* Wait for their look, by limit. */
    uint64_t looks_sent;
    bool outage_on;
    struct dure_mail *held, **held_last; /* For the type that is out of order, FIFO. */
    struct dure_idem *idem;
    struct dure_checkpoint *checkpoint;
    struct dure_links *links;         /* To other nodes' journals (links.h), or NULL. */
};

/* Runs what is ready and hands a record to the journal if it is idle. The loop calls it each round.*/
void dure_turn_run(struct dure_runtime *rt);
/* Calls hold->cb once everything applied so far is durable; at once if it is. */
void dure_turn_hold(struct dure_runtime *rt, struct dure_hold *hold);
/* Puts mail into the mailbox of its actor (mailbox.c). */
void dure_mailbox_push(struct dure_runtime *rt, struct dure_mail *mail);
/* Before all that its actor has, and its actor before all others. */
void dure_mailbox_push_first(struct dure_runtime *rt, struct dure_mail *mail);

/* ask.c, for turn.c and failure.c: */
/* Makes the answer (`decided`) and lets it out when everything so far is durable. */
void dure_ask_decide(struct dure_runtime *rt, struct dure_ask *ask, struct dure_answer *answer);
void dure_ask_fail(struct dure_runtime *rt, struct dure_ask *ask, int rv);
void dure_ask_wait(struct dure_runtime *rt, struct dure_ask *ask); /* Until its limit. */
void dure_ask_expire(struct dure_runtime *rt);                     /* Limits that have passed. */
/* At a stop, what cannot be taken any more: refused with DURE_ESHUTDOWN. */
void dure_ask_drop_intake(struct dure_runtime *rt);
bool dure_ask_memory_short(const struct dure_runtime *rt);
/* True while asks are not taken because the checkpoint is behind; its progress calls the turn. */
bool dure_ask_held_back(const struct dure_runtime *rt);
/* failure.c: takes the open and the writing group back. */
void dure_failure_undo(struct dure_runtime *rt, int rv);
/* turn.c: tells the group's holds. */
void dure_turn_release(struct dure_group *group, int rv);

/* ask.c and turn.c, for sagas and directories: */
/* Its command is durable: waits for the saga that this began, or decides. */
void dure_ask_go_on(struct dure_runtime *rt, struct dure_ask *ask);
/* The ask waits for this saga's end. */
void dure_ask_attach(struct dure_runtime *rt, struct dure_actor *saga, struct dure_ask *ask);
/* Tells the saga that sent `in` how it went; nothing when nobody asked. */
void dure_turn_outcome(struct dure_runtime *rt, const struct dure_mail *in, bool done, int64_t id,
                       const void *reply, const char *reason);
/* Answers the ask with a refusal; nothing when ask is NULL. */
void dure_turn_refuse_ask(struct dure_runtime *rt, struct dure_ask *ask, int status,
                          const char *reason);
/* Mail as bytes (deferred, between journals). decode gives heap mail, or NULL for unknown codes. */
void dure_mail_encode(const struct dure_mail *mail, struct dure_buf *out);
struct dure_mail *dure_mail_decode(const void *bytes, size_t len);
void dure_mail_free(struct dure_mail *mail); /* Heap mail only; others belong to their group. */
/* Outbox and inbox: see runtime/links.h. */
bool dure_links_full(const struct dure_links *links);
void dure_links_send(struct dure_runtime *rt, struct dure_mail *mail);
void dure_links_durable(struct dure_runtime *rt, const struct dure_group *group);
void dure_links_failed(struct dure_runtime *rt, uint64_t lsn);
void dure_links_tick(struct dure_runtime *rt);
/* True: there are messages that wait for room in a group; the next tick takes some. */
bool dure_links_waiting(const struct dure_links *links);
int64_t dure_links_due(const struct dure_links *links); /* Of the next tick; INT64_MAX: none. */
/* From recovery: entries OUTBOX and INBOX. Ignored when rt->links is NULL. */
void dure_links_recover(struct dure_runtime *rt, uint8_t kind, const void *body, size_t len,
                        uint64_t lsn);
/* For the checkpoint: adds what has changed of the channels' numbers and of the messages that are not
 * acknowledged as rows of this batch (1 …); afterwards says how that one went. */
void dure_links_collect(struct dure_runtime *rt, struct dure_checkpoint *checkpoint,
                        dure_idem_add *add, uint8_t batch);
void dure_links_written(struct dure_runtime *rt, int rv, uint8_t batch);
/* And back. `parcels`: the rows have the messages, too; without, they are all behind the position. */
DURE_MUST_CHECK int dure_links_load(struct dure_runtime *rt, bool parcels);

/* A look at an actor for reading; loads it. DURE_ENOTFOUND when it does not exist. Answer only after
 * dure_turn_hold's cb. */
DURE_MUST_CHECK int dure_runtime_view(struct dure_runtime *rt, struct dure_type *type, int64_t id,
                                      struct dure_view *view);
/* Opens: recovers from the rows and the journal's tail. *progress may be NULL. */
DURE_MUST_CHECK int dure_runtime_open(struct dure_runtime **rt, const struct dure_options *options,
                                      struct dure_io *io, struct dure_journal *journal,
                                      struct dure_rows *rows, const char **message);
void dure_runtime_close(struct dure_runtime *rt); /* No append may be outstanding. */
/* Takes no new asks (DURE_ESHUTDOWN), and answers those that wait for a saga with what there is. */
void dure_runtime_stop(struct dure_runtime *rt);
/* True when nothing is queued, forming or being written. */
bool dure_runtime_idle(const struct dure_runtime *rt);

/* ---- group.c: forming the record ------------------------------------------------------------- */

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

/* ---- others ---------------------------------------------------------------------------------- */

int64_t dure_shard_new_id(struct dure_runtime *rt, struct dure_type *type);
/* From recovery: a record names this id, though perhaps nobody exists under it yet. */
void dure_shard_given(struct dure_runtime *rt, const struct dure_type *type, int64_t id);
/* The id that was given last was not used: it is given again. */
void dure_shard_unused_id(struct dure_runtime *rt, const struct dure_type *type, int64_t id);
/* The next id that dure_shard_new_id would give, at least. */
int64_t dure_shard_next_id(const struct dure_runtime *rt, const struct dure_type *type);
uint32_t dure_shard_of(const struct dure_runtime *rt, int64_t id);
/* The node that owns a shard, and whether it is this one. */
uint16_t dure_shard_node(const struct dure_runtime *rt, uint32_t shard);
bool dure_shard_is_mine(const struct dure_runtime *rt, uint32_t shard);
/* timer.c */
void dure_timer_set(struct dure_runtime *rt, struct dure_actor *actor, int64_t due_ms);
void dure_timer_due(struct dure_runtime *rt);  /* Makes WAKE mail of what is due. */
/* saga.c: handles START, OUTCOME, WAKE, RETRY, SKIP for a saga actor. */
void dure_saga_handle(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail);
/* A saga that exists enters (+1) or leaves (-1) the count of the state it is in. Whoever changes the
 * state of one calls it before and afterwards; of other actors it takes no notice. */
void dure_saga_count(struct dure_runtime *rt, const struct dure_actor *actor, int by);
/* At start: counts those that have rows. */
DURE_MUST_CHECK int dure_saga_load_counts(struct dure_runtime *rt);
/* turn.c: the saga has ended; decides the asks that wait for it. */
void dure_turn_saga_ended(struct dure_runtime *rt, struct dure_actor *saga, bool done,
                          const char *reason);
/* directory.c: passes COMMAND mail on to the aggregate of this key, making one for CREATES. False:
 * it refused, and the mail ends here. */
bool dure_directory_handle(struct dure_runtime *rt, struct dure_actor *actor,
                           struct dure_mail *mail);
/* projection.c: feeds a durable group's events to the views. */
void dure_projection_feed(struct dure_runtime *rt, const struct dure_group *group);
void dure_projection_event(struct dure_runtime *rt, const struct dure_event *event, uint64_t lsn);
/* To the views whose rows are another node's: as messages, which come there as FEED mail. */
void dure_projection_send(struct dure_runtime *rt, struct dure_type *type,
                          const struct dure_event *event);
void dure_projection_take(struct dure_runtime *rt, struct dure_actor *row, struct dure_mail *mail);
void dure_projection_fed(struct dure_runtime *rt, const struct dure_event *event, int64_t target,
                         uint64_t lsn);
/* round.c: begins the rounds of an event, or their second passes; handles START, THEN, OUTCOME and
 * WAKE for a round. */
void dure_round_begin(struct dure_runtime *rt, const struct dure_event *event);
void dure_round_handle(struct dure_runtime *rt, struct dure_actor *actor, struct dure_mail *mail);
/* port.c: tells the adapters what a durable group asks of them. */
void dure_port_feed(struct dure_runtime *rt, const struct dure_group *group);
/* After open: lets the timers of those that are unanswered fire, some at a time. DURE_ENOMEM. */
DURE_MUST_CHECK int dure_port_resume(struct dure_runtime *rt, const struct dure_port *port);
/* policy.c */
void dure_policy_run(struct dure_runtime *rt, const struct dure_event *event);
/* edit.c: the handler of ask->command NULL. */
int dure_edit_handle(const struct dure_actor *actor, const struct dure_edit *edit,
                     const struct dure_msg *in, struct dure_out *out);
/* row.c: packed rows. Format: "R1", head, state (two parts for a saga), CRC-32C. */
void dure_row_pack(const struct dure_type *type, const struct dure_actor_head *head,
                   const void *state, struct dure_buf *out);
DURE_MUST_CHECK int dure_row_unpack(const struct dure_type *type, struct dure_actor_head *head,
                                    void *state, const void *row, size_t len);
struct dure_row_codec dure_row_codec(void);
struct dure_row_image {
    const struct dure_type *type;
    struct dure_actor_head head;
    _Alignas(16) char state[];
};
/* packs state alone, for SNAPSHOT entries */
void dure_row_pack_state(const struct dure_type *type, const void *state, struct dure_buf *out);
DURE_MUST_CHECK int dure_row_unpack_state(const struct dure_type *type, void *state,
                                          const void *bytes, size_t len);
void dure_row_init_state(const struct dure_type *type, void *state);
/* checkpoint (runtime/checkpoint.c): called each round; starts, slices, finishes checkpoints. */
int dure_checkpoint_open(struct dure_runtime *rt); /* Reads the meta row: counters, positions. */
void dure_checkpoint_step(struct dure_runtime *rt);
uint64_t dure_checkpoint_lsn(const struct dure_runtime *rt); /* Replay begins behind it. */
/* Runs a whole checkpoint and waits for it (shutdown, rebuild). Nothing may be forming. */
DURE_MUST_CHECK int dure_checkpoint_flush(struct dure_runtime *rt);
/* The last batch failed (the disk is full) and none has succeeded since. */
bool dure_checkpoint_failing(const struct dure_runtime *rt);
/* Bytes of its batches. */
int64_t dure_checkpoint_memory(const struct dure_runtime *rt);
/* A record became durable (or was replayed): its hash and the bytes so far are remembered. */
void dure_checkpoint_trail(struct dure_runtime *rt);
/* Bytes of the records behind the position, which a restart would replay. */
uint64_t dure_checkpoint_tail_bytes(const struct dure_runtime *rt);
/* Visits the actors whose copies are in the batches under way. */
void dure_checkpoint_writing(struct dure_runtime *rt,
                             void (*visit)(void *arg, struct dure_actor *actor), void *arg);
void dure_checkpoint_close(struct dure_runtime *rt);
/* recovery.c: replays the tail. */
DURE_MUST_CHECK int dure_recovery_run(struct dure_runtime *rt, const char **message);

#endif
