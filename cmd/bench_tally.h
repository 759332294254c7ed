/*
 * What a load run counts: outcomes by kind, and how long the completed ones took. One each thread,
 * added up at the end.
 */
#ifndef DURE_CMD_BENCH_TALLY_H
#define DURE_CMD_BENCH_TALLY_H

#include <stdint.h>

#include "cmd/bench_histogram.h"

#define DURE_BENCH_STATUS_END 600

/* How one answer is to be counted. */
struct dure_bench_verdict {
    enum {
        DURE_BENCH_COMPLETED, /* The work is done: for an order, 201 and 주문완료. */
        DURE_BENCH_PENDING,   /* Accepted, but the saga had not ended when the answer left. */
        DURE_BENCH_REFUSED,   /* Any other status. */
    } kind;
    int status; /* 0 when a result line names none. */
};

/* A zeroed struct is an empty tally. */
struct dure_bench_tally {
    uint64_t completed;
    uint64_t pending;
    uint64_t refused[DURE_BENCH_STATUS_END]; /* By status; unusable statuses under 0. */
    uint64_t unanswered;                     /* Connection lost or silent before the answer. */
    uint64_t malformed;                      /* Answers that are not HTTP. */
    uint64_t connects_failed;
    uint64_t first_ns, last_ns; /* When the first and the last counted answer came. */
    struct dure_bench_histogram latency;
};

void dure_bench_tally_add(struct dure_bench_tally *tally, struct dure_bench_verdict verdict,
                          uint64_t sent_ns, uint64_t now_ns);
void dure_bench_tally_merge(struct dure_bench_tally *into, const struct dure_bench_tally *from);
uint64_t dure_bench_tally_refused(const struct dure_bench_tally *tally);

#endif
