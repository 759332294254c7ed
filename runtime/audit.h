/*
 * The book-keeping check of a system, for `dure verify`: sees every event of the journal in order,
 * then every row, and says whether the sums fit.
 */
#ifndef DURE_RUNTIME_AUDIT_H
#define DURE_RUNTIME_AUDIT_H

#include "runtime/core.h"

#define DURE_AUDIT_COUNTS_MAX 8
#define DURE_AUDIT_SUMS_MAX 16
#define DURE_AUDIT_TERMS_MAX 3

struct dure_audit_term {
    const char *name; /* "in orders"; NULL: it needs none. */
    int64_t value;
};

/* A line of the books: left = right[0] + right[1] + … */
struct dure_audit_sum {
    const char *name; /* "shop money" */
    struct dure_audit_term left, right[DURE_AUDIT_TERMS_MAX];
    size_t right_count;
    bool exact;   /* It has to fit; else something is under way, was left out or removed. */
    bool differs; /* It does not fit, though the numbers are equal. */
};

/* What a system's books say. Names live as long as the program. */
struct dure_audit_report {
    struct dure_audit_term counts[DURE_AUDIT_COUNTS_MAX];
    size_t counts_count;
    struct dure_audit_sum sums[DURE_AUDIT_SUMS_MAX];
    size_t sums_count;
};

struct dure_audit {
    size_t size; /* Of its own struct; zeroed by the caller. */
    void (*event)(void *audit, const struct dure_type *type, const struct dure_event *event);
    void (*row)(void *audit, const struct dure_type *type, int64_t id, const void *state);
    void (*report)(const void *audit, struct dure_audit_report *out); /* `out` is empty. */
};

/* ---- For report ------------------------------------------------------------------------------ */

/* How many there are: "orders", "sagas under way". */
void dure_audit_count(struct dure_audit_report *out, const char *name, uint64_t value);
/* Copied. */
void dure_audit_add(struct dure_audit_report *out, const struct dure_audit_sum *sum);
/* Two numbers that should be equal. */
void dure_audit_line(struct dure_audit_report *out, const char *name, int64_t here, int64_t there,
                     bool exact);

/* ---- For whoever asked ------------------------------------------------------------------------ */

int64_t dure_audit_right(const struct dure_audit_sum *sum); /* Of its terms. */
bool dure_audit_sum_fits(const struct dure_audit_sum *sum);
/* False: some sum does not fit that has to. */
bool dure_audit_fits(const struct dure_audit_report *report);
/* Appends a line of counts, and one a sum, with what is wrong in capitals. */
void dure_audit_text(const struct dure_audit_report *report, const char *system,
                     struct dure_buf *out);

#endif
