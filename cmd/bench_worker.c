/*
 * Happy path: open the connections → they send and count by themselves → when nothing more may be
 * sent and every answer is in, they close, and the loop ends.
 *
 * A server that falls silent is given up after a while; what it owes is counted as unanswered.
 * Everything runs on the thread that called run.
 */
#include "cmd/bench_worker.h"

#include <stdlib.h>

#include "cmd/bench_conn.h"
#include "cmd/progress.h"
#include "runtime/errors.h"

#define SILENCE_NS (30ull * 1000 * 1000 * 1000)
#define WATCH_MS 500

/* By quota, or by time from the first millisecond of load. */
static void show_progress(struct dure_bench_worker *worker)
{
    uint64_t done, total;
    if (worker->doing == NULL) return;
    if (worker->quota != NULL) {
        int64_t left = atomic_load_explicit(worker->quota, memory_order_relaxed);
        total = (uint64_t)worker->quota_total;
        done = left > 0 ? total - (uint64_t)left : total;
    } else {
        total = (worker->stop_ns - worker->began_ns) / 1000000;
        done = (uv_hrtime() - worker->began_ns) / 1000000;
    }
    dure_progress_show(worker->doing, done, total);
}

static void watch(uv_timer_t *timer)
{
    struct dure_bench_worker *worker = timer->data;
    show_progress(worker);
    if (uv_hrtime() - worker->progress_ns < SILENCE_NS) return;
    worker->giving_up = true;
    for (uint32_t i = 0; i < worker->connections; i++) dure_bench_conn_abort(&worker->conns[i]);
}

void dure_bench_worker_run(struct dure_bench_worker *worker)
{
    DURE_ASSERT(worker->connections > 0);
    DURE_ASSERT(worker->depth > 0);
    worker->conns = calloc(worker->connections, sizeof(*worker->conns));
    DURE_ASSERT(worker->conns != NULL);
    DURE_ASSERT(uv_loop_init(&worker->loop) == 0);
    uv_timer_init(&worker->loop, &worker->watchdog);
    worker->watchdog.data = worker;
    uv_timer_start(&worker->watchdog, watch, WATCH_MS, WATCH_MS);
    worker->began_ns = worker->progress_ns = uv_hrtime();
    worker->conns_open = worker->connections;
    for (uint32_t i = 0; i < worker->connections; i++)
        dure_bench_conn_open(&worker->conns[i], worker);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    for (uint32_t i = 0; i < worker->connections; i++) dure_bench_conn_fini(&worker->conns[i]);
    DURE_ASSERT(uv_loop_close(&worker->loop) == 0);
    if (worker->doing != NULL) dure_progress_end();
    free(worker->conns);
    worker->conns = NULL;
}

bool dure_bench_worker_may_send(struct dure_bench_worker *worker, uint64_t now_ns)
{
    if (worker->giving_up || now_ns >= worker->stop_ns) return false;
    if (worker->quota == NULL || now_ns < worker->measure_from_ns) return true;
    return atomic_fetch_sub_explicit(worker->quota, 1, memory_order_relaxed) > 0;
}

/* By time, what is answered within the window counts. By quota, what was sent after the warm-up
 * counts, or the number asked for would not be the number measured. */
static bool counts(const struct dure_bench_worker *worker, uint64_t sent_ns, uint64_t now_ns)
{
    if (worker->quota != NULL) return sent_ns >= worker->measure_from_ns;
    return now_ns >= worker->measure_from_ns && now_ns < worker->stop_ns;
}

void dure_bench_worker_answered(struct dure_bench_worker *worker, struct dure_bench_verdict verdict,
                                uint64_t sent_ns, uint64_t now_ns)
{
    worker->progress_ns = now_ns;
    if (counts(worker, sent_ns, now_ns))
        dure_bench_tally_add(&worker->tally, verdict, sent_ns, now_ns);
}

void dure_bench_worker_closed(struct dure_bench_worker *worker)
{
    DURE_ASSERT(worker->conns_open > 0);
    if (--worker->conns_open == 0) uv_close((uv_handle_t *)&worker->watchdog, NULL);
}
