/*
 * Sagas as seen from outside: which are under way, where they stand, and a push for a parked one.
 */
#ifndef DURE_PROTO_SAGAS_H
#define DURE_PROTO_SAGAS_H

#include "proto/call.h"

/* GET /sagas: at most DURE_PAGE_SIZE_MAX of each type, by id. */
void dure_sagas_get(struct dure_call *call);
/* PUT or POST /sagas/{type}/{id}/retry|skip: 202; 404; 409 when it is not parked. */
void dure_sagas_push(struct dure_call *call);

#endif
