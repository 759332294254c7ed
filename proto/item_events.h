/*
 * GET /c/{id}/events: one aggregate's history (SPEC A2).
 */
#ifndef DURE_PROTO_ITEM_EVENTS_H
#define DURE_PROTO_ITEM_EVENTS_H

#include "proto/call.h"

void dure_item_events_get(struct dure_call *call);

#endif
