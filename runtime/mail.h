/*
 * Messages to actors (mailbox.c): commands, outcomes, timers; between actors of one journal, and
 * as they come from another.
 */
#ifndef DURE_RUNTIME_MAIL_H
#define DURE_RUNTIME_MAIL_H

#include "runtime/registry.h"
#include "runtime/trace.h"

struct dure_runtime;
struct dure_ask;

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

/* Puts mail into the mailbox of its actor (mailbox.c). */
void dure_mailbox_push(struct dure_runtime *rt, struct dure_mail *mail);
/* Before all that its actor has, and its actor before all others. */
void dure_mailbox_push_first(struct dure_runtime *rt, struct dure_mail *mail);

/* Mail as bytes (deferred, between journals). decode gives heap mail, or NULL for unknown codes. */
void dure_mail_encode(const struct dure_mail *mail, struct dure_buf *out);
struct dure_mail *dure_mail_decode(const void *bytes, size_t len);
void dure_mail_free(struct dure_mail *mail); /* Heap mail only; others belong to their group. */

#endif
