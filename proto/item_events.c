/*
 * The history of an item.
 *
 *   1. the place of its last event is taken from the actor
 *   2. the answer waits until that event is on disk
 *   3. a pool thread walks back from there through the journal (runtime/history.h)
 *
 * 404 for what does not exist; 503 when too many are being read. Loop thread.
 */
#include "proto/item_events.h"

#include <stdlib.h>

#include "proto/item.h"
#include "runtime/history.h"

#define READS_MAX 3
/* Of the history of an aggregate that has seen much. */
#define EXPECTED_BYTES (256 * 1024)

struct past {
    struct dure_history history;
    struct dure_hold hold;
    struct dure_call *call;
};

_Static_assert(offsetof(struct past, history) == 0, "a history is its past");

static unsigned running; /* Loop thread only. */

static void forget(struct past *past)
{
    running--;
    dure_buf_fini(&past->history.json);
    free(past);
}

static void done(struct dure_history *history)
{
    struct past *past = (struct past *)history;
    struct dure_call *call = past->call;
    int rv = history->rv;
    if (rv == 0) {
        struct dure_origin origin = dure_item_origin(call);
        dure_call_clear(call);
        call->status = 200;
        dure_buf_lit(&call->headers, "Content-Type: application/json\r\n");
        dure_buf_lit(&call->body, "{\"_embedded\":{\"events\":");
        dure_buf_add(&call->body, history->json.data, history->json.len);
        dure_buf_lit(&call->body, "},\"_links\":{\"self\":{\"href\":\"");
        dure_buf_add(&call->body, origin.base, origin.base_len);
        dure_item_path(origin.path, call->route.id, &call->body);
        dure_buf_lit(&call->body, "/events\"}}}");
    }
    forget(past);
    if (rv == 0)
        dure_call_respond(call);
    else
        dure_call_fail(call, rv);
}

static void held(struct dure_hold *hold, int rv)
{
    struct past *past = (struct past *)((char *)hold - offsetof(struct past, hold));
    struct dure_call *call = past->call;
    if (rv == 0) {
        past->history.done = done;
        dure_history_read(call->gateway->rt->io, &past->history);
        return;
    }
    forget(past);
    if (++call->reads < READS_MAX)
        dure_item_events_get(call); /* The event was taken back. */
    else
        dure_call_fail(call, rv);
}

void dure_item_events_get(struct dure_call *call)
{
    struct dure_runtime *rt = call->gateway->rt;
    struct dure_type *type = call->route.collection->type;
    int rv;
    struct dure_actor *actor = dure_actor_get(rt, type, call->route.id, false, &rv);
    if (actor != NULL && !actor->head.exists) {
        dure_call_refuse(call, 404, "there is no %s %lld", type->aggregate->name,
                         (long long)call->route.id);
        return;
    }
    struct past *past =
        actor != NULL && running < DURE_QUERIES_MAX ? calloc(1, sizeof *past) : NULL;
    if (past == NULL) {
        dure_call_fail(call, actor == NULL ? rv : DURE_EBUSY);
        return;
    }
    running++;
    dure_call_expect(call, EXPECTED_BYTES);
    past->call = call;
    bool view = type->kind == DURE_KIND_VIEW; /* Its events are others'. */
    past->history = (struct dure_history){.journal = rt->journal,
                                          .shards = rt->options.shards,
                                          .lsn = view ? 0 : actor->head.event_lsn,
                                          .at = actor->head.event_at};
    past->hold.cb = held;
    dure_turn_hold(rt, &past->hold);
}
