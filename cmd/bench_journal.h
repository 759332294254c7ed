/*
 * The journal's limit on this machine: appends through the store interface, with nothing else.
 */
#ifndef DURE_CMD_BENCH_JOURNAL_H
#define DURE_CMD_BENCH_JOURNAL_H

#include "cmd/bench_options.h"

/* Blocks. Returns the exit status; what went wrong is said on standard error. */
int dure_bench_journal_run(const struct dure_bench_options *options);

#endif
