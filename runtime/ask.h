/*
 * Asks: commands from outside (ask.c). Taken, handled in a turn, decided, and released when that is
 * durable.
 */
#ifndef DURE_RUNTIME_ASK_H
#define DURE_RUNTIME_ASK_H

#include "runtime/group.h"

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

/* ask.c and turn.c, for sagas and directories: */
/* Its command is durable: waits for the saga that this began, or decides. */
void dure_ask_go_on(struct dure_runtime *rt, struct dure_ask *ask);
/* The ask waits for this saga's end. */
void dure_ask_attach(struct dure_runtime *rt, struct dure_actor *saga, struct dure_ask *ask);

#endif
