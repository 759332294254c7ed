/*
 * Adds answers to a tally and tallies to each other. No failures. One thread each tally.
 */
#include "cmd/bench_tally.h"

void dure_bench_tally_add(struct dure_bench_tally *tally, struct dure_bench_verdict verdict,
                          uint64_t sent_ns, uint64_t now_ns)
{
    if (tally->first_ns == 0) tally->first_ns = now_ns;
    tally->last_ns = now_ns;
    switch (verdict.kind) {
    case DURE_BENCH_COMPLETED:
        /* Only completed work has a latency: a refusal is fast and would flatter the numbers. */
        tally->completed++;
        dure_bench_histogram_add(&tally->latency, now_ns - sent_ns);
        break;
    case DURE_BENCH_PENDING: tally->pending++; break;
    case DURE_BENCH_REFUSED: {
        int status = verdict.status;
        tally->refused[status > 0 && status < DURE_BENCH_STATUS_END ? status : 0]++;
        break;
    }
    }
}

void dure_bench_tally_merge(struct dure_bench_tally *into, const struct dure_bench_tally *from)
{
    into->completed += from->completed;
    into->pending += from->pending;
    for (int i = 0; i < DURE_BENCH_STATUS_END; i++) into->refused[i] += from->refused[i];
    into->unanswered += from->unanswered;
    into->malformed += from->malformed;
    into->connects_failed += from->connects_failed;
    if (from->first_ns != 0 && (into->first_ns == 0 || from->first_ns < into->first_ns))
        into->first_ns = from->first_ns;
    if (from->last_ns > into->last_ns) into->last_ns = from->last_ns;
    dure_bench_histogram_merge(&into->latency, &from->latency);
}

uint64_t dure_bench_tally_refused(const struct dure_bench_tally *tally)
{
    uint64_t sum = 0;
    for (int i = 0; i < DURE_BENCH_STATUS_END; i++) sum += tally->refused[i];
    return sum;
}
