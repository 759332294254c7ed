/*
 * GET /events?from=start|end|POSITION&topic=&max=: a batch of events as JSON, and where to go on.
 */
#ifndef DURE_PROTO_EVENTS_PAGE_H
#define DURE_PROTO_EVENTS_PAGE_H

#include "proto/call.h"

void dure_events_page_get(struct dure_call *call);

#endif
