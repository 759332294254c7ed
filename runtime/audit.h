/*
 * The book-keeping check of a system, for `dure verify`: sees every event of the journal in order,
 * then every row, and says whether the sums fit.
 */
#ifndef DURE_RUNTIME_AUDIT_H
#define DURE_RUNTIME_AUDIT_H

#include "runtime/core.h"

struct dure_audit {
    size_t size; /* Of its own struct; zeroed by the caller. */
    void (*event)(void *audit, const struct dure_type *type, const struct dure_event *event);
    void (*row)(void *audit, const struct dure_type *type, int64_t id, const void *state);
    /* Appends one line a sum. 0, or DURE_ECORRUPT when one does not fit. */
    int (*report)(void *audit, struct dure_buf *out);
};

#endif
