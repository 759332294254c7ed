/*
 * Prints what was measured: a table for people or one JSON line for scripts, on standard output.
 */
#ifndef DURE_CMD_BENCH_REPORT_H
#define DURE_CMD_BENCH_REPORT_H

#include "cmd/bench_options.h"
#include "cmd/bench_tally.h"

struct dure_bench_load_result {
    struct dure_bench_tally tally;
    double seconds;     /* Of the measured window. */
    double cpu_seconds; /* What the generator itself used, warm-up included. */
};

struct dure_bench_journal_result {
    uint64_t records;
    double seconds;
    struct dure_bench_histogram latency; /* Of one append, made durable. */
};

void dure_bench_report_load(const struct dure_bench_options *options,
                            const struct dure_bench_load_result *result);
void dure_bench_report_journal(const struct dure_bench_options *options,
                               const struct dure_bench_journal_result *result);

#endif
