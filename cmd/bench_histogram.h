/*
 * Latencies, counted in buckets that grow with the value: 128 linear steps for each power of two,
 * so any percentile is within 0.8 % (the idea of HdrHistogram). Fixed size, no allocation, one
 * increment a sample. Not thread-safe: one each thread, added up at the end.
 */
#ifndef DURE_CMD_BENCH_HISTOGRAM_H
#define DURE_CMD_BENCH_HISTOGRAM_H

#include <stdint.h>

#define DURE_BENCH_STEP_BITS 7
#define DURE_BENCH_POWERS 34 /* Values up to 2^41 ns, 36 minutes; longer ones count as that. */
#define DURE_BENCH_BUCKETS ((DURE_BENCH_POWERS + 1) << DURE_BENCH_STEP_BITS)

/* A zeroed struct is an empty histogram. */
struct dure_bench_histogram {
    uint64_t counts[DURE_BENCH_BUCKETS];
    uint64_t total;
    uint64_t sum_ns;
    uint64_t max_ns;
};

void dure_bench_histogram_add(struct dure_bench_histogram *histogram, uint64_t ns);
void dure_bench_histogram_merge(struct dure_bench_histogram *into,
                                const struct dure_bench_histogram *from);
/* The value that `percent` (0 … 100) of the samples do not exceed; 0 when there are none. */
uint64_t dure_bench_histogram_percentile(const struct dure_bench_histogram *histogram,
                                         double percent);

#endif
