/*
 * List queries over one type: rows on disk with the not yet checkpointed actors laid over them.
 * The result is ids in the order of the page; whoever shows them looks each up (dure_runtime_view)
 * and waits by dure_turn_hold: what it saw may not be durable yet. If that failed before done was
 * called, the hold would not tell; the query does (outdated).
 */
#ifndef DURE_RUNTIME_QUERY_H
#define DURE_RUNTIME_QUERY_H

#include "runtime/core.h"

struct dure_query_sort {
    const struct dure_field *field; /* Of the type's schema. */
    bool descending;
};

/* Embedded or allocated by the caller, who zeroes it, fills in the first part, and keeps it until
 * done. */
struct dure_query {
    struct dure_type *type;
    const struct dure_field *filters[DURE_QUERY_FILTERS_MAX]; /* All must be equal to … */
    size_t filters_count;
    const struct dure_field *near; /* A TEXT that must begin so; or NULL. */
    const char *near_text;         /* Lent until done, like wanted. */
    void *wanted; /* … these: a struct of the schema; lent until done. */
    struct dure_query_sort sorts[DURE_QUERY_SORTS_MAX]; /* Then by ascending id. */
    size_t sorts_count;
    const struct dure_field *sum; /* A DURE_INT: summed over all that match; or NULL. Not by_after. */
    bool by_after; /* Ids greater than `after`, ascending; sorts and page are ignored. */
    int64_t after;
    size_t size;                            /* 1 … DURE_PAGE_SIZE_MAX */
    size_t page;                            /* From 0. */
    bool whole; /* All ids up to the end of that page, with their sort keys: to be merged with those
                   of other nodes. */
    void (*done)(struct dure_query *query); /* On the loop. Never within start. */

    /* The result. ids are freed by fini. */
    int rv; /* 0, or DURE_EIO, DURE_ECORRUPT, DURE_ENOMEM. */
    int64_t *ids;
    size_t ids_count;
    bool more;     /* by_after: there are matches behind these. */
    int64_t total; /* How many there are on all pages; -1: not counted (by_after). */
    int64_t summed; /* The sum; absent values count 0, what is beyond an int64_t is cut off. */
    char *keys;    /* Whole: key_bytes per id; freed by fini. NULL when key_bytes is 0. */
    size_t key_bytes;
    bool outdated; /* A record failed meanwhile whose changes it may have seen: ask again. */

    /* Private. */
    struct dure_work work;
    struct dure_rows *rows;
    const struct dure_runtime *rt;
    uint64_t failed_appends; /* At the start. */
    struct dure_query_overlay *overlay; /* By id. */
    size_t overlay_count, overlay_cap;
    struct dure_query_scan *scan;
};

/*
 * Begins. 0, DURE_EINVAL (the page lies deeper than DURE_PAGE_DEPTH_MAX, or sorting that deep
 * would take too much memory), DURE_EBUSY (DURE_QUERIES_MAX are running), DURE_ENOMEM. done is
 * called only after 0; fini is to be called in every case.
 */
DURE_MUST_CHECK int dure_query_start(struct dure_runtime *rt, struct dure_query *query);
void dure_query_fini(struct dure_query *query);
/* a + b, cut off at the ends. */
int64_t dure_query_add(int64_t a, int64_t b);
/* Whole, from start until fini: the order of two results by their sort keys and ids. */
int dure_query_compare(const struct dure_query *query, const void *keys_a, int64_t id_a,
                       const void *keys_b, int64_t id_b);

#endif
