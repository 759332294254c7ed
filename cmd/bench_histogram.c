/*
 * The latency histogram: value → bucket, and back for percentiles. No failures. Any thread.
 */
#include "cmd/bench_histogram.h"

#include <math.h>
#include <stddef.h>

#define STEPS (1u << DURE_BENCH_STEP_BITS)

/* Values below STEPS have a bucket of their own; above, the leading bit picks the row and the next
 * STEP_BITS bits the column. */
static size_t bucket_of(uint64_t ns)
{
    if (ns < STEPS) return (size_t)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - DURE_BENCH_STEP_BITS;
    size_t bucket = ((size_t)(shift + 1) << DURE_BENCH_STEP_BITS) + ((ns >> shift) & (STEPS - 1));
    return bucket < DURE_BENCH_BUCKETS ? bucket : DURE_BENCH_BUCKETS - 1;
}

/* The largest value that falls into the bucket: a percentile never looks better than it is. */
static uint64_t upper_end_of(size_t bucket)
{
    if (bucket < STEPS) return bucket;
    unsigned shift = (unsigned)(bucket >> DURE_BENCH_STEP_BITS) - 1;
    uint64_t column = bucket & (STEPS - 1);
    return ((STEPS + column + 1) << shift) - 1;
}

void dure_bench_histogram_add(struct dure_bench_histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    histogram->total++;
    histogram->sum_ns += ns;
    if (ns > histogram->max_ns) histogram->max_ns = ns;
}

void dure_bench_histogram_merge(struct dure_bench_histogram *into,
                                const struct dure_bench_histogram *from)
{
    for (size_t i = 0; i < DURE_BENCH_BUCKETS; i++) into->counts[i] += from->counts[i];
    into->total += from->total;
    into->sum_ns += from->sum_ns;
    if (from->max_ns > into->max_ns) into->max_ns = from->max_ns;
}

uint64_t dure_bench_histogram_percentile(const struct dure_bench_histogram *histogram,
                                         double percent)
{
    if (histogram->total == 0) return 0;
    uint64_t rank = (uint64_t)ceil((double)histogram->total * percent / 100.0);
    uint64_t seen = 0;
    for (size_t i = 0; i < DURE_BENCH_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen < rank || seen == 0) continue;
        uint64_t value = upper_end_of(i);
        return value < histogram->max_ns ? value : histogram->max_ns;
    }
    return histogram->max_ns;
}
