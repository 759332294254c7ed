/*
 * W3C Trace Context (w3.org/TR/trace-context-1, section 3.2): which request led to what. A trace is
 * carried by messages and told by events when a client has sent one, or it was chosen as a sample
 * (proto/tracing.h): else nothing of it is written.
 */
#ifndef DURE_RUNTIME_TRACE_H
#define DURE_RUNTIME_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/buf.h"

#define DURE_TRACE_SAMPLED 1u /* In flags. */
#define DURE_TRACE_BYTES 55   /* "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" */

struct dure_trace {       /* On disk and between nodes as it is. */
    uint8_t trace_id[16]; /* Not all zero. */
    uint8_t span_id[8];   /* Not all zero. Of the request here: the parent of what comes of it. */
    uint8_t flags;
};
_Static_assert(sizeof(struct dure_trace) == 25, "wire size");

/* The value of a traceparent header. False: it is none, and *trace is undefined. Of a version to
 * come only what version 00 has is read, as section 3.2.4 wants it. */
bool dure_trace_read(struct dure_trace *trace, const char *text, size_t len);
/* Appends DURE_TRACE_BYTES bytes, of version 00. */
void dure_trace_write(const struct dure_trace *trace, struct dure_buf *out);
/* The same trace, in a span of our own. */
void dure_trace_enter(struct dure_trace *trace, uint64_t random);
/* A new trace, of three random numbers. */
void dure_trace_begin(struct dure_trace *trace, const uint64_t random[3], bool sampled);
/* Is it one, or all zero? */
static inline bool dure_trace_is(const struct dure_trace *trace)
{
    uint64_t halves[2];
    memcpy(halves, trace->trace_id, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}
/* Appends `len` bytes, a multiple of 4, as lower-case hex digits. */
void dure_trace_hex(const uint8_t *bytes, size_t len, struct dure_buf *out);

#endif
