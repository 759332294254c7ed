/*
 * What a node counts, sampled: the last minutes of each node for charts, and those of a cluster
 * merged. GET /metrics/history answers it, /events?also=samples goes on with it.
 *
 * A sample is one node's, of one slot: DURE_SAMPLE_MS of wall time, the same on all nodes, so that
 * samples of several nodes add up. Percentiles of a cluster cannot be made of the nodes' own, so a
 * sample has the counts of each histogram bucket instead: they add up, too, and the percentiles of
 * the sum are those that one node would have that had answered everything. Pure; any one thread.
 *
 * As JSON, a slot of the cluster is
 *   {"time":1700000002000,        its end, milliseconds since 1970
 *    "nodes":[0,2],               whose numbers are in it
 *    "requests":12.5, "events":…, "commits":…, "turns":…, "sagas":…, "bulk_lines":…,  a second
 *    "http_p50":0.000123, "http_p95":…, "http_p99":…, "commit_p50":…, "commit_p99":…,
 *                                 seconds; null: nothing came
 *    "in_flight":0, "queued":0, "mail":0, "unacknowledged":0,   commands, messages, at its end
 *    "actors_bytes":…, "http_bytes":…, "journal_bytes":…, "rows_bytes":…}
 * A slot in which no node took a sample is left out.
 */
#ifndef DURE_PROTO_SAMPLES_H
#define DURE_PROTO_SAMPLES_H

#include <stdbool.h>

#include "proto/metrics.h"
#include "runtime/core.h"

/* Counted within the slot. */
enum dure_sample_rate {
    DURE_SAMPLE_REQUESTS,
    DURE_SAMPLE_EVENTS,
    DURE_SAMPLE_COMMITS,
    DURE_SAMPLE_TURNS, /* Of these commits. */
    DURE_SAMPLE_SAGAS, /* Begun. */
    DURE_SAMPLE_BULK_LINES,
    DURE_SAMPLE_RATES
};

/* As it is at the end of the slot. */
enum dure_sample_gauge {
    DURE_SAMPLE_IN_FLIGHT,
    DURE_SAMPLE_QUEUED,
    DURE_SAMPLE_MAIL,
    DURE_SAMPLE_UNACKNOWLEDGED,
    DURE_SAMPLE_ACTORS_BYTES,
    DURE_SAMPLE_HTTP_BYTES,
    DURE_SAMPLE_JOURNAL_BYTES,
    DURE_SAMPLE_ROWS_BYTES,
    DURE_SAMPLE_GAUGES
};

#define DURE_SAMPLE_COMMIT_BUCKETS 24 /* Those of struct dure_metrics. */

/* Goes from node to node, and to the disk, as it is. */
struct dure_sample {
    int64_t slot;     /* Ends at slot × DURE_SAMPLE_MS. */
    uint64_t took_ns; /* What it covers: a slot, or more after a stall. Not 0. */
    uint64_t counted[DURE_SAMPLE_RATES];
    int64_t gauges[DURE_SAMPLE_GAUGES];
    uint32_t http[DURE_METRICS_BUCKETS]; /* Bucket i: answered in less than 2^i × 64 µs. */
    uint32_t commit[DURE_SAMPLE_COMMIT_BUCKETS]; /* Durable in less than 2^i × 16 µs. */
};

/* ---- One node's ------------------------------------------------------------------------------ */

/* Zeroed: none. The oldest make room. */
struct dure_samples {
    struct dure_sample ring[DURE_SAMPLES_MAX];
    size_t first, count;
};
/* The i-th, the oldest first; i < count. */
const struct dure_sample *dure_samples_at(const struct dure_samples *samples, size_t i);
/* How many are of no later slot: index of the first behind it. */
size_t dure_samples_behind(const struct dure_samples *samples, int64_t slot);
/* Those of its slot and later go: a clock that was set back comes to their times again. */
void dure_samples_push(struct dure_samples *samples, const struct dure_sample *sample);

/* ---- The cluster's --------------------------------------------------------------------------- */

struct dure_samples_slot { /* Zeroed but for `slot`: nobody's. */
    int64_t slot;
    uint64_t nodes;                  /* Bit 1 << node. */
    double rates[DURE_SAMPLE_RATES]; /* A second. */
    int64_t gauges[DURE_SAMPLE_GAUGES];
    uint64_t http[DURE_METRICS_BUCKETS], commit[DURE_SAMPLE_COMMIT_BUCKETS];
};
void dure_samples_add(struct dure_samples_slot *slot, unsigned node,
                      const struct dure_sample *sample);

/*
 * The q-th quantile (0 to 1) of a histogram whose bucket i holds what is less than first × 2^i and
 * whose last one is open; linear within a bucket, as Prometheus' histogram_quantile. In the open
 * one: where it begins. Negative: nothing was counted.
 */
double dure_samples_quantile(const uint64_t *buckets, size_t count, double first, double q);

/* Of one node, by rising slot; lent. */
struct dure_samples_part {
    const struct dure_sample *samples;
    size_t count;
};
/* "[{…},…]": slots up to `until` of all parts, at most DURE_NODES_MAX, by their nodes. */
void dure_samples_write(const struct dure_samples_part *parts, size_t count, int64_t until,
                        struct dure_buf *out);

#endif
