/*
 * Lists.
 *
 *   1. the query string becomes a dure_query (list_query.c)
 *   2. the query runs (runtime/query.h) and gives the ids of the page; in a cluster, all nodes run
 *      it, and their results are merged (list_spread.c)
 *   3. each id is looked up and shown as it is now (list_page.c); one that has gone meanwhile is
 *      left out
 *   4. the answer waits until what it shows is on disk
 *
 * A page behind the end is empty. A parameter that makes no sense is a 400, a page too deep in a
 * large collection as well; too many queries are a 503. Loop thread.
 */
#include "proto/list.h"

#include "proto/list_page.h"
#include "proto/list_spread.h"

/* An item as JSON, about. */
#define ITEM_BYTES_MEAN 512

static void done(struct dure_query *query)
{
    struct dure_list *list = (struct dure_list *)query;
    struct dure_call *call = list->owner;
    int rv = query->rv;
    bool outdated = query->outdated;
    dure_call_clear(call);
    if (rv == 0 && !outdated)
        rv = dure_list_write(list, call, &(struct dure_buf){0}, dure_list_own_item, call);
    dure_list_free(list);
    if (rv == 0 && outdated)
        dure_call_again(call, dure_list_get, DURE_ENOSPC);
    else if (rv != 0)
        dure_call_fail(call, rv);
    else
        dure_call_respond_durable(call, dure_list_get);
}

_Static_assert(offsetof(struct dure_list, query) == 0, "a query is its list");

void dure_list_fail(struct dure_call *call, int rv)
{
    if (rv == DURE_EINVAL)
        dure_call_refuse(call, 400, "this page lies too deep: walk by ?after=<id>, or filter");
    else
        dure_call_fail(call, rv);
}

void dure_list_get(struct dure_call *call)
{
    struct dure_field_errors errors;
    struct dure_list *list = dure_list_new(call->route.collection, call->request->query, &errors);
    if (list == NULL) {
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    list->owner = call;
    list->query.done = done;
    int rv = 0;
    if (errors.count > 0) {
        dure_list_free(list);
        dure_call_problem(call, 400, "some parameters are wrong, see errors", &errors);
        dure_call_respond(call);
        return;
    }
    if (list->impossible) {
        done(&list->query);
        return;
    }
    dure_call_expect(call, list->query.size * ITEM_BYTES_MEAN);
    if (call->gateway->remotes != NULL) {
        dure_list_spread(call, list);
        return;
    }
    dure_list_clamp(list, call->gateway->rt);
    rv = dure_query_start(call->gateway->rt, &list->query);
    if (rv == 0) return;
    dure_list_free(list);
    dure_list_fail(call, rv);
}
