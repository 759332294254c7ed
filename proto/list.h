/*
 * GET /c: pages of a collection (SPEC A4).
 */
#ifndef DURE_PROTO_LIST_H
#define DURE_PROTO_LIST_H

#include "proto/call.h"

void dure_list_get(struct dure_call *call);
/* Answers with what a query met. */
void dure_list_fail(struct dure_call *call, int rv);

#endif
