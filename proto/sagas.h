/*
 * Sagas as seen from outside: which are under way, where they stand, and a push for a parked one.
 */
#ifndef DURE_PROTO_SAGAS_H
#define DURE_PROTO_SAGAS_H

#include "proto/call.h"

/* One as JSON. */
void dure_sagas_write(const struct dure_type *type, const struct dure_view *view,
                      struct dure_buf *out);
/* GET /sagas/{type}/{id}: 404 when it is not under way (any more). */
void dure_sagas_get_one(struct dure_call *call);
/* PUT or POST /sagas/{type}/{id}/retry|skip: 202 with the saga's path as Location, where one sees
 * what has become of it; 404; 409 when it is not parked. */
void dure_sagas_push(struct dure_call *call);

#endif
