/*
 * Sagas as seen from outside: which are under way, where they stand, and a push for a parked one.
 */
#ifndef DURE_PROTO_SAGAS_H
#define DURE_PROTO_SAGAS_H

#include "proto/call.h"

/* GET /sagas: at most DURE_PAGE_SIZE_MAX of each type, by id. */
void dure_sagas_get(struct dure_call *call);
/* GET /sagas/{type}/{id}: 404 when it is not under way (any more). */
void dure_sagas_get_one(struct dure_call *call);
/* PUT or POST /sagas/{type}/{id}/retry|skip: 202 with the saga's path as Location, where one sees
 * what has become of it; 404; 409 when it is not parked. */
void dure_sagas_push(struct dure_call *call);

#endif
