/*
 * What the gateway counts about requests, and /metrics: Prometheus text format 0.0.4 of everything
 * that the node counts.
 */
#ifndef DURE_PROTO_METRICS_H
#define DURE_PROTO_METRICS_H

#include "proto/server.h"

#define DURE_METRICS_METHODS 8
#define DURE_METRICS_STATUSES 600
/* Bucket i holds requests of less than 2^i × 64 µs: up to 134 s. */
#define DURE_METRICS_BUCKETS 22

struct dure_http_metrics {
    uint64_t requests[DURE_METRICS_METHODS][DURE_METRICS_STATUSES];
    uint64_t latency[DURE_METRICS_BUCKETS];
    uint64_t latency_ns_sum, latency_count;
    uint64_t bulk_lines[DURE_METRICS_STATUSES / 100]; /* By hundreds of their status. */
};

struct dure_gateway;
struct dure_options;

void dure_metrics_count(struct dure_http_metrics *metrics, enum dure_method method, int status,
                        uint64_t took_ns);
/* The whole page. */
void dure_metrics_write(const struct dure_gateway *gateway, struct dure_buf *out);
/* Shards that the node serves. */
int64_t dure_metrics_shards(const struct dure_options *options);
/* "parked": the name of an enum dure_saga_state. */
const char *dure_metrics_saga_state(size_t state);

#endif
