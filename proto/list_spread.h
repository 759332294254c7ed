/*
 * A list over all nodes, in one order: sort keys, then ids, whatever node a row lies on. A node
 * that is down lacks: the answer is 200 with what is there, `"partial":true` in its page and a
 * header `Dure-Partial: nodes 2`.
 */
#ifndef DURE_PROTO_LIST_SPREAD_H
#define DURE_PROTO_LIST_SPREAD_H

#include "proto/list_query.h"

/* Answers the call. Takes the list, whose query has not been started. */
void dure_list_spread(struct dure_call *call, struct dure_list *list);

#endif
