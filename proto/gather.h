/*
 * One question to several nodes at once, and their answers together: lists, sagas, metrics. A node
 * that is down or goes meanwhile is missing; whoever shows the result says so.
 */
#ifndef DURE_PROTO_GATHER_H
#define DURE_PROTO_GATHER_H

#include "proto/call.h"

enum dure_gather_kind {
    DURE_GATHER_IDS,     /* list_part.c: path and query string → ids, sort keys, total. */
    DURE_GATHER_ITEMS,   /* list_part.c: path, base and ids → items. */
    DURE_GATHER_SAGAS,   /* saga_list.c: → sagas under way. */
    DURE_GATHER_METRICS, /* metrics_spread.c: → the page. */
    DURE_GATHER_HISTORY, /* history_page.c: the last slot that is known → samples and state. */
    DURE_GATHER_KINDS
};

/* ---- Asking -----------------------------------------------------------------------------------
 */

struct dure_gather_part { /* Of one node. */
    struct dure_remote remote;
    struct dure_gather *gather;
    bool asked, missing;
    int rv;                /* 0, or why it has nothing. */
    struct dure_buf bytes; /* What it answered; 8-byte aligned. */
};

struct dure_gather { /* Embedded by who asks, zeroed, with the first two members set. */
    struct dure_gateway *gateway;
    /* All that were asked have answered or are missing. Not within ask. May ask again. */
    void (*done)(struct dure_gather *gather);
    struct dure_gather_part *parts; /* One a node. */
    uint64_t failed_appends;        /* At the start. */
    uint32_t pending;
};

/* DURE_ENOMEM. fini is safe after it, and on a zeroed struct. */
DURE_MUST_CHECK int dure_gather_init(struct dure_gather *gather);
void dure_gather_fini(struct dure_gather *gather);
/* A round begins. A node that was missing before stays so. */
void dure_gather_begin(struct dure_gather *gather);
/* A question, to be filled in; valid until anything else is sent. */
struct dure_buf *dure_gather_frame(struct dure_gather *gather, enum dure_gather_kind kind);
/* Sends it to one node, or to all others. */
void dure_gather_ask(struct dure_gather *gather, uint16_t node);
void dure_gather_ask_all(struct dure_gather *gather);
/* Something of our own belongs to the round: done waits for as many releases. The round itself
 * holds, too, until dure_gather_end, which may call done. */
void dure_gather_hold(struct dure_gather *gather);
void dure_gather_release(struct dure_gather *gather);
void dure_gather_end(struct dure_gather *gather);
/* The first error of those that are not missing; 0: none. */
int dure_gather_error(const struct dure_gather *gather);
/* A record of ours has failed since init: what was seen of our own may be void, so ask anew. */
bool dure_gather_outdated(const struct dure_gather *gather);
/* "nodes 1, 2": the missing ones; nothing when all are there. */
void dure_gather_missing(const struct dure_gather *gather, struct dure_buf *out);
/* The header that says so; nothing when all are there. */
void dure_gather_write_missing(const struct dure_buf *missing, struct dure_buf *headers);

/* ---- Answering ----------------------------------------------------------------------------------
 */

/* For dure_remote_serve; arg is the gateway. */
void dure_gather_receive(void *gateway, const struct dure_remote_origin *origin, const void *bytes,
                         size_t len);

/* A question of another node. Counts as a call of the gateway until its answer. */
struct dure_gather_question {
    struct dure_hold hold;
    void (*again)(struct dure_gather_question *question);
    struct dure_gateway *gateway;
    struct dure_remote_origin origin;
    struct dure_buf answer;
    unsigned reads;          /* How often it has been tried. */
    uint64_t failed_appends; /* When it was tried last. */
    size_t len;
    _Alignas(8) char bytes[]; /* What was asked. */
};

/* Sends answer (rv 0) or an error, and frees the question. */
void dure_gather_answer(struct dure_gather_question *question, int rv);
/* The same once everything applied so far is durable; `again` when it was taken back, or may have
 * been since the question came. */
void dure_gather_answer_durable(struct dure_gather_question *question,
                                void (*again)(struct dure_gather_question *question));

#endif
