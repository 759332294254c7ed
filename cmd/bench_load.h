/*
 * A load run: prepares products and accounts, drives orders from several threads, reports.
 */
#ifndef DURE_CMD_BENCH_LOAD_H
#define DURE_CMD_BENCH_LOAD_H

#include "cmd/bench_options.h"

/* Blocks. Returns the exit status; what went wrong is said on standard error. */
int dure_bench_load_run(const struct dure_bench_options *options);

#endif
