/*
 * Events as CloudEvents 1.0 JSON (SPEC B; cloudevents.io spec v1.0.2, JSON format). One with a trace
 * has the attribute traceparent of the extension "Distributed Tracing" (cloudevents/spec,
 * extensions/distributed-tracing.md): what made it, however late it is read.
 */
#ifndef DURE_RUNTIME_CLOUDEVENT_H
#define DURE_RUNTIME_CLOUDEVENT_H

#include "runtime/core.h"
#include "runtime/record.h"

/* Appends one event that is published (sequence not 0), and lies in its record. The data are the very
 * bytes of the journal. Nothing is appended for an unknown type. */
void dure_cloudevent_write(const struct dure_entry_event *head, int64_t time_ms, uint32_t shards,
                           struct dure_buf *out);

#endif
