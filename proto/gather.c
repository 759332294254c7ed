/*
 * Gathering.
 *
 *   1. begin, ask   a frame goes to each node that takes part
 *   2. answers      come in any order; a session that ends makes its node missing
 *   3. done         when nothing is pending any more
 *
 * and on the other side a question is kept, with its bytes, until its answerer is done with it. A
 * node that refuses for overload fails the whole: half a list would look like a whole one. Loop
 * thread.
 */
#include "proto/gather.h"

#include <stdlib.h>

#include "proto/history_page.h"
#include "proto/list_part.h"
#include "proto/metrics_spread.h"
#include "proto/saga_list.h"

#define READS_MAX 3

struct question_head {
    uint32_t kind;
    uint32_t zero;
};

struct answer_head {
    int32_t rv;
    uint32_t zero;
};

/* ---- Asking --------------------------------------------------------------------------------- */

int dure_gather_init(struct dure_gather *gather)
{
    uint16_t nodes = dure_remote_nodes(gather->gateway->remotes);
    gather->failed_appends = gather->gateway->rt->metrics.failed_appends;
    gather->parts = calloc(nodes, sizeof *gather->parts);
    if (gather->parts == NULL) return DURE_ENOMEM;
    for (uint16_t i = 0; i < nodes; i++) gather->parts[i].gather = gather;
    return 0;
}

void dure_gather_fini(struct dure_gather *gather)
{
    if (gather->parts == NULL) return;
    DURE_ASSERT(gather->pending == 0);
    uint16_t nodes = dure_remote_nodes(gather->gateway->remotes);
    for (uint16_t i = 0; i < nodes; i++) dure_buf_fini(&gather->parts[i].bytes);
    free(gather->parts);
    gather->parts = NULL;
}

static void on_part(struct dure_remote *remote, int rv, const void *bytes, size_t len)
{
    struct dure_gather_part *part =
        (struct dure_gather_part *)((char *)remote - offsetof(struct dure_gather_part, remote));
    struct answer_head head = {.rv = rv != 0 ? rv : DURE_EUNAVAILABLE};
    if (rv == 0 && len >= sizeof head) memcpy(&head, bytes, sizeof head);
    /* What makes no sense is as good as no answer. */
    if (head.rv > 0 || head.rv < DURE_ERROR_LAST) head.rv = DURE_EUNAVAILABLE;
    part->rv = head.rv;
    part->missing = head.rv == DURE_EUNAVAILABLE || head.rv == DURE_ESHUTDOWN;
    if (head.rv == 0)
        dure_buf_add(&part->bytes, (const char *)bytes + sizeof head, len - sizeof head);
    dure_gather_release(part->gather);
}

void dure_gather_begin(struct dure_gather *gather)
{
    DURE_ASSERT(gather->pending == 0);
    gather->pending = 1;
}

struct dure_buf *dure_gather_frame(struct dure_gather *gather, enum dure_gather_kind kind)
{
    DURE_ASSERT(gather->pending > 0);
    struct dure_buf *frame = &gather->gateway->frame;
    struct question_head head = {.kind = kind};
    frame->len = 0;
    dure_remote_begin(frame);
    dure_buf_add(frame, &head, sizeof head);
    return frame;
}

void dure_gather_ask(struct dure_gather *gather, uint16_t node)
{
    struct dure_gather_part *part = &gather->parts[node];
    if (part->missing) return;
    part->bytes.len = 0;
    part->remote.done = on_part;
    part->rv = dure_remote_ask(gather->gateway->remotes, &part->remote, node, DURE_PEER_GATHER,
                               &gather->gateway->frame);
    part->missing = part->rv == DURE_EUNAVAILABLE;
    if (part->rv == 0) gather->pending++;
}

void dure_gather_ask_all(struct dure_gather *gather)
{
    uint16_t nodes = dure_remote_nodes(gather->gateway->remotes);
    uint16_t self = dure_remote_self(gather->gateway->remotes);
    for (uint16_t i = 0; i < nodes; i++) {
        if (i != self) dure_gather_ask(gather, i);
    }
}

void dure_gather_hold(struct dure_gather *gather)
{
    gather->pending++;
}

void dure_gather_release(struct dure_gather *gather)
{
    DURE_ASSERT(gather->pending > 0);
    if (--gather->pending == 0) gather->done(gather);
}

void dure_gather_end(struct dure_gather *gather)
{
    dure_gather_release(gather);
}

int dure_gather_error(const struct dure_gather *gather)
{
    uint16_t nodes = dure_remote_nodes(gather->gateway->remotes);
    for (uint16_t i = 0; i < nodes; i++) {
        if (gather->parts[i].rv != 0 && !gather->parts[i].missing) return gather->parts[i].rv;
    }
    return 0;
}

bool dure_gather_outdated(const struct dure_gather *gather)
{
    return gather->gateway->rt->metrics.failed_appends != gather->failed_appends;
}

void dure_gather_missing(const struct dure_gather *gather, struct dure_buf *out)
{
    uint16_t nodes = dure_remote_nodes(gather->gateway->remotes);
    for (uint16_t i = 0; i < nodes; i++) {
        if (!gather->parts[i].missing) continue;
        dure_buf_printf(out, out->len == 0 ? "nodes %u" : ", %u", i);
    }
}

void dure_gather_write_missing(const struct dure_buf *missing, struct dure_buf *headers)
{
    if (missing->len == 0) return;
    dure_buf_lit(headers, "Dure-Partial: ");
    dure_buf_add(headers, missing->data, missing->len);
    dure_buf_lit(headers, "\r\n");
}

/* ---- Answering ------------------------------------------------------------------------------ */

static void finish(struct dure_gather_question *question)
{
    question->gateway->calls_count--;
    dure_buf_fini(&question->answer);
    free(question);
}

static void send_answer(struct dure_gather_question *question, int rv)
{
    struct dure_buf *frame = &question->gateway->frame;
    struct answer_head head = {.rv = rv};
    frame->len = 0;
    dure_remote_begin(frame);
    dure_buf_add(frame, &head, sizeof head);
    if (rv == 0) dure_buf_add(frame, question->answer.data, question->answer.len);
    dure_remote_answer(question->gateway->remotes, &question->origin, frame);
}

void dure_gather_answer(struct dure_gather_question *question, int rv)
{
    if (!question->gateway->closed) send_answer(question, rv);
    finish(question);
}

/* What it shows was taken back. */
static void try_again(struct dure_gather_question *question, int rv)
{
    if (++question->reads >= READS_MAX) {
        dure_gather_answer(question, rv);
        return;
    }
    question->answer.len = 0;
    question->failed_appends = question->gateway->rt->metrics.failed_appends;
    question->again(question);
}

static void held(struct dure_hold *hold, int rv)
{
    struct dure_gather_question *question =
        (struct dure_gather_question *)((char *)hold - offsetof(struct dure_gather_question, hold));
    if (rv == 0)
        dure_gather_answer(question, 0);
    else
        try_again(question, rv);
}

void dure_gather_answer_durable(struct dure_gather_question *question,
                                void (*again)(struct dure_gather_question *question))
{
    struct dure_runtime *rt = question->gateway->rt;
    question->again = again;
    question->hold.cb = held;
    if (rt->metrics.failed_appends != question->failed_appends)
        try_again(question, DURE_ENOSPC);
    else
        dure_turn_hold(rt, &question->hold);
}

void dure_gather_receive(void *arg, const struct dure_remote_origin *origin, const void *bytes,
                         size_t len)
{
    static void (*const answerers[DURE_GATHER_KINDS])(struct dure_gather_question *) = {
        [DURE_GATHER_IDS] = dure_list_part_ids,
        [DURE_GATHER_ITEMS] = dure_list_part_items,
        [DURE_GATHER_SAGAS] = dure_saga_list_part,
        [DURE_GATHER_METRICS] = dure_metrics_part,
        [DURE_GATHER_HISTORY] = dure_history_page_part,
    };
    struct dure_gateway *gateway = arg;
    struct question_head head = {.kind = DURE_GATHER_KINDS};
    struct dure_gather_question *question = calloc(1, sizeof *question + len);
    DURE_ASSERT(question != NULL); /* Bounded by the window of the node that asks. */
    question->gateway = gateway;
    question->failed_appends = gateway->rt->metrics.failed_appends;
    question->origin = *origin;
    gateway->calls_count++;
    if (len >= sizeof head) {
        memcpy(&head, bytes, sizeof head);
        question->len = len - sizeof head;
        memcpy(question->bytes, (const char *)bytes + sizeof head, question->len);
    }
    if (gateway->stopping)
        dure_gather_answer(question, DURE_ESHUTDOWN);
    else if (head.kind >= DURE_GATHER_KINDS || answerers[head.kind] == NULL)
        dure_gather_answer(question, DURE_EUNAVAILABLE);
    else
        answerers[head.kind](question);
}
