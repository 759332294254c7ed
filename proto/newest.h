/*
 * The newest events of several nodes, put together by their time.
 */
#ifndef DURE_PROTO_NEWEST_H
#define DURE_PROTO_NEWEST_H

#include "proto/stream.h"

/*
 * Appends the newest `max` of all lines to out, the oldest of them first: at each step the latest of
 * what the parts end with, so the lines of one part stay in their order whatever its clock did.
 * Returns how many there are. The parts hold lines of events, with ends of line.
 */
uint32_t dure_newest_merge(const struct dure_buf *parts, size_t count, uint32_t max,
                           struct dure_buf *out);

#endif
