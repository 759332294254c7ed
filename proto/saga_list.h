/*
 * The list of sagas under way, on all nodes.
 */
#ifndef DURE_PROTO_SAGA_LIST_H
#define DURE_PROTO_SAGA_LIST_H

#include "proto/gather.h"

/* GET /sagas: at most DURE_PAGE_SIZE_MAX of each type and node, by type and id; and all served
 * types with their steps. When a node is down it says so as a list does. */
void dure_saga_list_get(struct dure_call *call);
/* Answerer of DURE_GATHER_SAGAS. */
void dure_saga_list_part(struct dure_gather_question *question);

#endif
