/*
 * A page of /metrics as numbers: what `dure top` shows of each node, and how two pages differ.
 */
#ifndef DURE_CMD_TOP_PAGE_H
#define DURE_CMD_TOP_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/bounds.h"

#define DURE_TOP_BUCKETS 32

struct dure_top_histogram {
    double le[DURE_TOP_BUCKETS], count[DURE_TOP_BUCKETS]; /* Cumulative, as they stand there. */
    size_t buckets;
    double sum, total;
};

struct dure_top_node {
    bool known, up;
    /* Counters. */
    double requests, lines, refused, events, records, turns, asks;
    /* Gauges. */
    double connections, in_flight, asks_queued, mail_queued, actors, actor_bytes, aggregates, sagas,
        parked, journal_bytes, behind, breakers_open;
    struct dure_top_histogram answer, commit; /* Seconds. */
};

struct dure_top_page {
    struct dure_top_node nodes[DURE_NODES_MAX];
    size_t nodes_count;
};

/* Reads a page: samples of a node, or of all with node="N" as their first label. */
void dure_top_page_read(struct dure_top_page *page, const char *text, size_t len);

/* Seconds that the fraction `q` of what came between the two took at most; NaN when nothing came.
 */
double dure_top_quantile(const struct dure_top_histogram *before,
                         const struct dure_top_histogram *after, double q);

#endif
