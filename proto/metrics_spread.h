/*
 * /metrics of a cluster: what each node counts, with a label that says which.
 */
#ifndef DURE_PROTO_METRICS_SPREAD_H
#define DURE_PROTO_METRICS_SPREAD_H

#include "proto/gather.h"

/* Answers the call. A node that is not reachable lacks; dure_node_up says so. */
void dure_metrics_spread(struct dure_call *call);
/* Answerer of DURE_GATHER_METRICS. */
void dure_metrics_part(struct dure_gather_question *question);
/*
 * Merges pages of count nodes (NULL: missing), family by family in the order of `own`: each sample
 * gets the label node="0", "1" … before its others.
 */
void dure_metrics_merge(const struct dure_buf *const *pages, size_t count,
                        const struct dure_buf *own, struct dure_buf *out);

#endif
