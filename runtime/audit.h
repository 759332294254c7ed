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

/*
 * For report: ends a line with the verdict. What does not fit is DURE_ECORRUPT when it is `exact`;
 * while sagas are under way, or after something was left out or removed, it is only said.
 */
DURE_MUST_CHECK int dure_audit_judge(struct dure_buf *out, bool fits, bool exact);

/* "NAME: here = there", and the verdict. */
DURE_MUST_CHECK int dure_audit_line(struct dure_buf *out, const char *name, int64_t here,
                                    int64_t there, bool exact);

#endif
