/*
 * One line of a bulk request: where it is asked, and its result. And the body of the request, which
 * bulk.c and bulk_line.c share.
 */
#ifndef DURE_PROTO_BULK_LINE_H
#define DURE_PROTO_BULK_LINE_H

#include "proto/bulk_slots.h"
#include "proto/call.h"
#include "proto/streamed.h"

/* No group has this number. */
#define DURE_BULK_NO_GROUP UINT64_MAX

struct bulk {
    struct dure_streamed streamed;
    struct dure_gateway *gateway;
    struct dure_exchange *exchange;
    const struct dure_collection *collection;
    const struct dure_command *create;
    const char *path;
    int64_t wait_ms, now_ms;
    struct dure_bulk_slots slots;
    struct dure_buf line; /* The beginning of a line whose end has not come. */
    struct dure_buf rest; /* Bytes that came but could not be taken yet … */
    size_t rest_at;       /* … from here on. */
    struct dure_buf out;
    bool skipping; /* Within a line that is too long and has been answered. */
    bool ended, aborted, paused, feeding;
    struct dure_tracing tracing; /* Of the request: all its lines share it. */
    uint64_t began_ns;
    size_t base_len;
    char base[DURE_BASE_BYTES];
};

/* Asks the line that was read into the slot: of our runtime, or of the node that has its key. 0:
 * the slot gets its result, and dure_bulk_ready is called. DURE_EBUSY: there is no room now. Any
 * error: not taken; its result line says so. */
DURE_MUST_CHECK int dure_bulk_line_ask(struct dure_bulk_slot *slot, const char *line, size_t len);
/* Make the result line. id 0: there is no resource. */
void dure_bulk_line_problem(struct dure_bulk_slot *slot, int status, const char *detail, int64_t id,
                            const struct dure_field_errors *errors);
void dure_bulk_line_error(struct dure_bulk_slot *slot, int rv);
/* The slot has its result, and may go out (bulk.c). */
void dure_bulk_ready(struct dure_bulk_slot *slot);

#endif
