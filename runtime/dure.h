/*
 * All that an author of actors needs: how to describe aggregates, commands, events, sagas, policies
 * and projections, and how a handler says what shall happen.
 *
 * The rules of the game:
 *   1. handle() is a function of (state, message): no I/O, no clock, no random, no memory of its
 *      own. Now and a seed come with the message.
 *   2. handle() changes nothing. It emits events, sends messages, sets the timer, or refuses.
 *   3. apply() is the only writer of state. Live run and recovery share it.
 *   4. What is lent to you (state, message, payloads) is yours until the call returns; what you
 *      fill in (emitted events, sent payloads) belongs to the turn.
 *
 * Descriptors are static objects that live as long as the process; the registry completes their
 * private members once, at start.
 */
#ifndef DURE_RUNTIME_DURE_H
#define DURE_RUNTIME_DURE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/bounds.h"
#include "runtime/errors.h"
#include "runtime/schema.h"

struct dure_aggregate;
struct dure_command;
struct dure_out;
struct dure_round;
struct dure_saga;
struct dure_type;

/* As a target: a new actor, whose id the runtime gives. */
#define DURE_NEW INT64_MIN

/* ---- Events: what happened ---------------------------------------------------------------- */

struct dure_event {
    const struct dure_event_type *type;
    const void *data; /* A struct of type->schema. */
    int64_t id;       /* The actor it happened to. */
    int64_t time_ms;
};

struct dure_event_type {
    const char *name;                 /* "OrderPlaced": past tense, as the originals spell it. */
    const struct dure_schema *schema; /* The listed fields; eventType and timestamp come first by
                                         themselves. */
    bool internal;                    /* Kept in the journal, published to nobody. */
    bool removes;                     /* Afterwards the actor does not exist any more. */
    void (*apply)(void *state, const struct dure_event *event);
    struct dure_event_rules *rules;   /* Private. */
    uint32_t code;                    /* Private. */
};

/* ---- Commands: what is asked for ------------------------------------------------------------ */

/*
 * A look at another aggregate before a command from outside is handled ("does this food exist?"):
 * its state is lent to the handler. Nothing is written, nobody is locked: the other may change a
 * moment later. One that cannot be reached within DURE_LOOK_MS, or whose breaker is open, is UNKNOWN:
 * the handler decides what to do without. Messages from other aggregates do not look.
 */
enum dure_seen {
    DURE_SEEN_NOT_ASKED, /* The command has no look, or did not come from outside. */
    DURE_SEEN_STATE,
    DURE_SEEN_NOBODY,    /* There is no such aggregate. */
    DURE_SEEN_UNKNOWN,   /* It was not to be reached. */
};

struct dure_look {
    const char *name;                    /* In /metrics: "food.store". */
    struct dure_aggregate *aggregate;    /* Of any system. */
    int64_t (*target)(const void *data); /* From the command's payload: whom. */
    size_t index;                        /* Private. */
};

struct dure_msg {
    const struct dure_command *command;
    const void *data;  /* A struct of command->schema; NULL when it has none. */
    int64_t id;        /* Of the actor that is asked. */
    bool exists;       /* False: the state is a fresh one. */
    int64_t now_ms;    /* Milliseconds since the epoch, of this very turn: never before the time_ms
                          of its events, which is when their record began. */
    uint64_t seed;     /* Differs from message to message; replayed runs see the same. */
    enum dure_seen seen; /* What the command's look found … */
    const void *other;   /* … and the state of that aggregate, if it was STATE. */
};

/*
 * For the documents (/openapi.json) and whoever tries things out: what to send to a new node, on which
 * ids begin at 1. Made from the schema where a table gives none.
 */
struct dure_example {
    const char *body;  /* JSON; NULL: made from the schema. */
    /* Examples that come first, each with those that it needs itself: "shop.pay.deposit" (system,
     * aggregate, command); and settings of the node: "--meter=manual". With blanks between; or NULL. */
    const char *after;
    int status; /* What comes of it; 0: a success; 204: one that takes the aggregate away. */
};

enum dure_command_flags {
    DURE_CREATES = 1, /* May be asked of an actor that does not exist; all others get 404. */
};

struct dure_command {
    const char *name;                 /* Imperative; the route and link name when public. */
    struct dure_aggregate *aggregate; /* Whose command it is. */
    const struct dure_schema *schema; /* Payload, or NULL. */
    const struct dure_schema *reply;  /* What dure_reply gives back, or NULL. */
    uint32_t flags;
    /* Public commands only: whether the present state allows it, for links; NULL: not public. */
    bool (*allowed)(const void *state);
    struct dure_look *look; /* What it must have seen first, or NULL. */
    /* 0, or a negative DURE_E* when something operational went wrong (all effects are dropped). */
    int (*handle)(const void *state, const struct dure_msg *in, struct dure_out *out);
    struct dure_example example; /* Public commands, and create. */
};

/* Effects, valid only within handle. Each returned payload is initialised (all absent, or at its
 * start values) and is to be filled in. More than DURE_EFFECTS_MAX of them is a bug (asserted). */
void *dure_emit(struct dure_out *out, const struct dure_event_type *type);
void *dure_send(struct dure_out *out, const struct dure_command *command, int64_t id);
/* To the actor of an aggregate that has a natural key, by that key. */
void *dure_send_by_key(struct dure_out *out, const struct dure_command *command, int64_t key);
/* Begins a saga under `id`; the answer to the present command waits for its outcome. */
void *dure_start(struct dure_out *out, const struct dure_saga *saga, int64_t id);
/* What the asker gets back; the command must declare `reply`. */
void *dure_reply(struct dure_out *out);
/* The one timer of this actor: its aggregate's `wake` command comes at due_ms; DURE_NULL: never. */
void dure_timer(struct dure_out *out, int64_t due_ms);
/*
 * Says no: the asker gets `status` (409 mostly) and the sentence. Events emitted besides still
 * happen (OutOfStock is such a one); without any, nothing changes at all.
 */
void dure_refuse(struct dure_out *out, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Aggregates ------------------------------------------------------------------------------ */

/* A governed field may be set by PATCH or PUT to `value`: that is this command. */
struct dure_transition {
    const char *field;
    uint8_t value; /* Index of the ENUM text. */
    const struct dure_command *command;
};

struct dure_aggregate {
    const char *system;     /* "shop" */
    const char *name;       /* "order": second part of an event's type, and the singular rel. */
    const char *collection; /* "orders": the path; NULL: not reachable from outside. */
    const char *alias;      /* A second path, or NULL. */
    /* Hand-written route of the originals, or NULL: POST /drs/startdr and POST /startdr are POST /drs,
     * answered with 200; with the system before it as well. */
    const char *create_as;
    const struct dure_schema *schema;                /* Of the state. */
    const struct dure_command *const *commands;      /* All of them, NULL at the end. */
    struct dure_event_type *const *events;           /* All of them, NULL at the end. */
    const struct dure_command *create;  /* POST /c, or NULL: not created from outside. */
    const struct dure_command *remove;  /* DELETE /c/{id}, or NULL: see removable. */
    const struct dure_command *wake;    /* What a timer brings, or NULL. */
    bool editable;                      /* PATCH and PUT change its editable fields. */
    bool put_keeps;                     /* Fields that a PUT leaves out stay, as with PATCH. */
    bool removable;                     /* Plain data: DELETE takes it away. */
    bool (*may_remove)(const void *state); /* NULL: always. False: 409. */
    const struct dure_transition *transitions; /* Until field is NULL; or NULL. */
    /* JSON name of a field that is unique (the user of an account): an INT of state and of the
     * create payload. create is then asked of the one actor of that key, new or not. Without create,
     * the first message by key that creates makes it. */
    const char *key;
    /* The key is the id itself: /points/10 is user 10's. It is the ID field of the state; payloads bound
     * it from below by 1. No directory, and nothing to guess: who knows the key knows the id. */
    bool key_is_id;
    /* Why a saga has refused it ("재고부족"), by what it is now; NULL: it has not. For a request that
     * is repeated after a crash took its answer along: the saga is no longer there to ask. NULL: no
     * saga refuses it. */
    const char *(*refused)(const void *state);
    /* JSON name of an INT of the create payload that is the id of another aggregate; or NULL. A new
     * one is made on the node of that one, while it is reached: they will have much to say to each
     * other, and between journals each word costs a record. Only where it is made; nothing else
     * depends on it. */
    const char *beside;
    /* JSON name of a TEXT field; or NULL. GET /c?near=TEXT lists those in which it begins so. */
    const char *near;
    /*
     * With a key: what is asked instead of `create`, without a payload, of the actor that has the key as
     * its id, when nobody has the key; it says why not. create then needs no DURE_CREATES: what it
     * acts on is made by others. NULL: create makes it.
     */
    const struct dure_command *unkeyed;
    /* After which examples there is the item 1, as in dure_example.after; NULL: after that of
     * `create`, if there is one. */
    const char *made_by;
    const char *remove_after; /* Further examples after which DELETE works; NULL: none. */
    struct dure_type *type; /* Private. */
};

/* ---- Sagas ----------------------------------------------------------------------------------- */

/* What a participant answered. */
struct dure_outcome {
    bool done;          /* False: refused. */
    int64_t id;         /* The actor that answered. */
    const void *reply;  /* A struct of command->reply, or NULL. */
    const char *reason; /* Refused: the sentence. */
};

struct dure_saga_step {
    const char *name;
    const struct dure_command *command;
    bool by_key;                            /* target is the natural key. */
    int64_t (*target)(const void *data);    /* NULL: a new actor. */
    void (*fill)(const void *data, void *payload); /* NULL: nothing to fill in. */
    /* Notes in the saga's data what the answer taught; called for both outcomes; may be NULL. */
    void (*learn)(void *data, const struct dure_outcome *outcome);
    const struct dure_event_type *done;     /* The event that completes it, for the reader. */
    const struct dure_event_type *refused;  /* The event that refuses it; NULL: a plain no. */
    const char *missing; /* The sentence when there is nobody to do it; NULL: a general one. */
    const struct dure_command *undo;        /* Compensation, at the actor that answered, or NULL. */
    void (*fill_undo)(const void *data, void *payload);
    int64_t deadline_ms; /* 0: DURE_SAGA_DEADLINE_MS_DEFAULT. Then: parked, or undone. */
    bool must;           /* Refused, it parks (retry, skip) instead of undoing what went before. */
    bool unless_gone;    /* Also done when there is nobody any more to do it (it was removed). */
    bool undo_late;      /* At the deadline give up and undo; else park and wait on. */
};

struct dure_saga {
    const char *system, *name; /* "shop", "order-saga" */
    const struct dure_schema *data;
    const struct dure_saga_step *steps;
    size_t steps_count;
    /* Told to its owner when everything is undone: a command that cannot be refused. The owner is
     * the actor whose id is the saga's own. */
    const struct dure_command *refuse;
    void (*fill_refuse)(const void *data, size_t step, const char *reason, void *payload);
    struct dure_type *type; /* Private. */
};

/* ---- Policies: whenever event, then command -------------------------------------------------- */

struct dure_policy {
    const char *name;
    struct dure_event_type *event;
    const struct dure_command *command;
    bool by_key;
    int64_t (*target)(const struct dure_event *event); /* NULL, or DURE_NEW: a new actor. */
    void (*fill)(const struct dure_event *event, void *payload);
};

/* ---- Projections: read models fed by committed events ---------------------------------------- */

struct dure_projection {
    struct dure_event_type *event;
    /* Instead of event: PATCH and PUT of plain data, whose event's data is the whole state … */
    struct dure_aggregate *edits;
    /* … or its DELETE, by which the row goes (no apply). */
    struct dure_aggregate *removals;
    struct dure_aggregate *view;  /* Its rows; no commands, no events. */
    int64_t (*target)(const struct dure_event *event); /* The row's id; NULL: the event's. */
    bool creates;                 /* False: an event without a row is passed over. */
    void (*apply)(void *row, const struct dure_event *event);
};

/* ---- Rounds: a command to every actor of a type ---------------------------------------------- */

/*
 * Whenever `event` happens, each node gives `command` to each actor of its aggregate that exists there
 * by then: a page at a time, the next one when all of a page have answered, with pauses in which
 * others get their turns. Refusals pass unnoticed.
 *
 * A second pass may follow: whenever `then` happens to the actor of `event`, `then_command` goes to
 * what the first pass has made. That is a range of ids: others that were made meanwhile get it too,
 * and refuse by the payload, which is that of the first pass. It begins when the first one has ended.
 *
 * The event that `fill` sees has as its time_ms the moment itself, as a handler's now_ms.
 */
struct dure_round {
    const char *system, *name; /* "dr", "list-round" */
    struct dure_event_type *event;
    const struct dure_command *command;
    void (*fill)(const struct dure_event *event, void *payload);
    struct dure_event_type *then;             /* NULL: one pass. */
    const struct dure_command *then_command;  /* Its schema is command's. */
    struct dure_type *type;                   /* Private. */
};

/* ---- Ports: what only the outside can answer ------------------------------------------------- */

/*
 * Each time `asked` is durable, this node's adapter of the port gets a copy of it. What comes of it is
 * told by `answer`, asked of the same actor, perhaps much later, perhaps never: a node may stop in
 * between. So the actor that emits `asked` sets its timer with it, and asks again when that fires
 * (dure_backoff_ms); an adapter that has the question still passes over the second one. The actor
 * decides by its state whether an answer still counts: it takes effect at most once.
 */
struct dure_port {
    const char *system, *name; /* "dr", "meter" */
    struct dure_event_type *asked; /* Internal. */
    const struct dure_command *answer;
    /* By its state: it has asked and heard nothing. After a start these ask again at once, whatever
     * their timer says: who had the question was the node before. */
    bool (*unanswered)(const void *state);
};

/* How long to wait after attempt n (1 …): first_ms doubled each time, at most max_ms, spread by the
 * seed over the upper half, so that many do not come together again. */
int64_t dure_backoff_ms(int64_t attempt, int64_t first_ms, int64_t max_ms, uint64_t seed);

/* ---- A system -------------------------------------------------------------------------------- */

struct dure_system {
    const char *name;
    struct dure_aggregate *const *aggregates;   /* Each list ends with NULL and may be NULL. */
    struct dure_saga *const *sagas;
    const struct dure_policy *const *policies;
    const struct dure_projection *const *projections;
    struct dure_round *const *rounds;
    const struct dure_port *const *ports;
    /* The book-keeping check of `dure verify`; see runtime/audit.h. May be NULL. */
    const struct dure_audit *audit;
};

#endif
