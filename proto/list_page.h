/*
 * A list as the client sees it.
 */
#ifndef DURE_PROTO_LIST_PAGE_H
#define DURE_PROTO_LIST_PAGE_H

#include "proto/item.h"
#include "proto/list_query.h"

/* Appends one item. 0, DURE_ENOTFOUND (it has gone meanwhile, and is left out), or what loading it
 * met. */
typedef int dure_list_item(void *arg, int64_t id, struct dure_buf *out);

/* Makes the answer of the query's ids and totals. `missing` names the nodes that are not in it:
 * "nodes 1, 2"; empty: none. 0, or what an item met. */
DURE_MUST_CHECK int dure_list_write(const struct dure_list *list, struct dure_call *call,
                                    const struct dure_buf *missing, dure_list_item *item,
                                    void *arg);
/* An item of our own; arg is the call. */
int dure_list_own_item(void *call, int64_t id, struct dure_buf *out);

#endif
