/*
 * What an SSE stream says besides events: GET /events?also=changes. A notice has no id, so that it does
 * not move a client's place among the events; what it would say and cannot yet is one set.
 *
 *   event: changes
 *   data: {"collections":["/shop/inventories","/sagas"],"events":3}
 *
 * Read these again. `events`: so many were published since the notice before, of all types.
 *
 * ?also=samples is told how the nodes do, every DURE_SAMPLE_MS: live_samples.h.
 */
#ifndef DURE_PROTO_NOTICES_H
#define DURE_PROTO_NOTICES_H

#include "proto/changes.h"
#include "proto/route.h"

enum dure_also { DURE_ALSO_CHANGES = 1, DURE_ALSO_SAMPLES = 2 };

/* The words of ?also=, separated by commas; none when it is not there. False: there are no such. */
bool dure_also_read(struct dure_span query, uint32_t *also);
#define DURE_ALSO_REFUSED "also must be a list of: changes, samples"
#define DURE_ALSO_PATTERN "changes|samples" /* The words as alternatives of a regular expression. */

/* Appends the notice; nothing when it would name nothing. */
void dure_notice_write(const struct dure_routes *routes, const struct dure_news *news,
                       struct dure_buf *out);

#endif
