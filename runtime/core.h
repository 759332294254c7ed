/*
 * The runtime core, shared by its .c files and by nobody else but the node (which opens one) and tests.
 * What is spoken of has a header each: registry.h, actor.h, mail.h, group.h, ask.h, look.h, keys.h,
 * saga.h, round.h, directory.h, row.h; here is what holds them together. The picture:
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

#include "runtime/ask.h"
#include "runtime/directory.h"
#include "runtime/io.h"
#include "runtime/keys.h"
#include "runtime/look.h"
#include "runtime/outage.h"
#include "runtime/round.h"
#include "runtime/row.h"
#include "runtime/saga.h"
#include "store/store.h"

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
    /* Of each aggregate, view and saga: counts up when what can be read of one has changed, perhaps a
     * little before that is durable (a read waits for it). Begins anew with the process. */
    uint64_t changes[DURE_TYPES_MAX];
    int64_t ids_seen[DURE_TYPES_MAX]; /* Other nodes' ids are lower, as far as heard. */
    uint64_t ids_changes;             /* Counts what was given and heard. */
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
/* failure.c: takes the open and the writing group back. */
void dure_failure_undo(struct dure_runtime *rt, int rv);
/* turn.c: tells the group's holds. */
void dure_turn_release(struct dure_group *group, int rv);

/* Tells the saga that sent `in` how it went; nothing when nobody asked. */
void dure_turn_outcome(struct dure_runtime *rt, const struct dure_mail *in, bool done, int64_t id,
                       const void *reply, const char *reason);
/* The saga has ended: decides the asks that wait for it. */
void dure_turn_saga_ended(struct dure_runtime *rt, struct dure_actor *saga, bool done,
                          const char *reason);
/* Answers the ask with a refusal; nothing when ask is NULL. */
void dure_turn_refuse_ask(struct dure_runtime *rt, struct dure_ask *ask, int status,
                          const char *reason);

/* ---- Other nodes: outbox and inbox; see links.h ----------------------------------------------- */

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

/* ---- Open, look, close ------------------------------------------------------------------------ */

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

/* ---- Shards and timers (shard.c, timer.c) ----------------------------------------------------- */

int64_t dure_shard_new_id(struct dure_runtime *rt, struct dure_type *type);
/* From recovery: a record names this id, though perhaps nobody exists under it yet. */
void dure_shard_given(struct dure_runtime *rt, const struct dure_type *type, int64_t id);
/* The id that was given last was not used: it is given again. */
void dure_shard_unused_id(struct dure_runtime *rt, const struct dure_type *type, int64_t id);
/* Every id that was given here is lower. */
int64_t dure_shard_next_id(const struct dure_runtime *rt, const struct dure_type *type);
/* Every id that was given anywhere, as far as heard, is lower: the next one is this or higher. */
int64_t dure_shard_newest_id(const struct dure_runtime *rt, const struct dure_type *type);
/* Another node has given ids up to here. */
void dure_shard_seen(struct dure_runtime *rt, const struct dure_type *type, int64_t next);
uint32_t dure_shard_of(const struct dure_runtime *rt, int64_t id);
/* The node that owns a shard, and whether it is this one. */
uint16_t dure_shard_node(const struct dure_runtime *rt, uint32_t shard);
bool dure_shard_is_mine(const struct dure_runtime *rt, uint32_t shard);
void dure_timer_set(struct dure_runtime *rt, struct dure_actor *actor, int64_t due_ms);
void dure_timer_due(struct dure_runtime *rt);  /* Makes WAKE mail of what is due. */

/* ---- What follows from events ----------------------------------------------------------------- */

/* projection.c: feeds a durable group's events to the views. */
void dure_projection_feed(struct dure_runtime *rt, const struct dure_group *group);
void dure_projection_event(struct dure_runtime *rt, const struct dure_event *event, uint64_t lsn);
/* To the views whose rows are another node's: as messages, which come there as FEED mail. */
void dure_projection_send(struct dure_runtime *rt, struct dure_type *type,
                          const struct dure_event *event);
void dure_projection_take(struct dure_runtime *rt, struct dure_actor *row, struct dure_mail *mail);
void dure_projection_fed(struct dure_runtime *rt, const struct dure_event *event, int64_t target,
                         uint64_t lsn);
/* port.c: tells the adapters what a durable group asks of them. */
void dure_port_feed(struct dure_runtime *rt, const struct dure_group *group);
/* After open: lets the timers of those that are unanswered fire, some at a time. DURE_ENOMEM. */
DURE_MUST_CHECK int dure_port_resume(struct dure_runtime *rt, const struct dure_port *port);
/* policy.c */
void dure_policy_run(struct dure_runtime *rt, const struct dure_event *event);
/* edit.c: the handler of ask->command NULL. */
int dure_edit_handle(const struct dure_actor *actor, const struct dure_edit *edit,
                     const struct dure_msg *in, struct dure_out *out);

/* ---- Checkpoint and recovery ------------------------------------------------------------------ */

/* Called each round; starts, slices, finishes checkpoints. */
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
