/*
 * The last minutes of the cluster: GET /metrics/history, and whoever else shows them.
 *
 *   {"interval_ms":2000,
 *    "nodes":[{"node":0,"up":true,…},{"node":1,"up":false}],   proto/node_state.h; all there are
 *    "samples":[{"time":…,…}]}                                 proto/samples.h; the oldest first
 *
 * Of the last DURE_SAMPLES_MAX slots. A sample appears DURE_SAMPLE_SETTLE_MS after its slot, and
 * never changes but that a node's part of it is away while the node is.
 */
#ifndef DURE_PROTO_HISTORY_PAGE_H
#define DURE_PROTO_HISTORY_PAGE_H

#include "proto/gather.h"

/*
 * Answers the call. ?since=MS: only what ended later, milliseconds since 1970. 400 for what is no
 * such number; 503 before the node samples itself. Who cannot be asked is in Dure-Partial.
 */
void dure_history_page_get(struct dure_call *call);
/* Answerer of DURE_GATHER_HISTORY. */
void dure_history_page_part(struct dure_gather_question *question);

struct dure_history {          /* Embedded by who asks, zeroed, with the first members set. */
    struct dure_gather gather; /* Of it, the gateway; it samples itself. */
    int64_t since_ms;
    void (*done)(struct dure_history *history); /* Maybe within start. May free it after fini. */
    int64_t since_slot, until_slot;
    struct dure_buf body, missing; /* As above; "nodes 1" or nothing. */
};
/* DURE_ENOMEM: done will not be called. */
DURE_MUST_CHECK int dure_history_start(struct dure_history *history);
void dure_history_fini(struct dure_history *history);

#endif
