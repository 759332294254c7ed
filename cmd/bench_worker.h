/*
 * A thread of the load generator: one loop, its connections, one tally. Workers share nothing but
 * the number of orders that may still be sent.
 */
#ifndef DURE_CMD_BENCH_WORKER_H
#define DURE_CMD_BENCH_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "cmd/bench_options.h"
#include "cmd/bench_source.h"
#include "cmd/bench_tally.h"

struct dure_bench_conn;

#define DURE_BENCH_READ_BYTES (256 * 1024)

struct dure_bench_target {
    struct sockaddr_storage address;
    char host[280]; /* Value of the Host header. */
    char path[512];
};

/* Zero the struct, fill in the first part, run. */
struct dure_bench_worker {
    /* Lent until run returns. */
    const struct dure_bench_target *target;
    struct dure_bench_source *source;
    enum dure_bench_mode mode;
    uint32_t connections;
    uint32_t depth;
    uint64_t measure_from_ns; /* uv_hrtime; what comes before is warm-up. */
    uint64_t stop_ns; /* Nothing is sent from here on; UINT64_MAX: the quota ends the run. */
    const char *doing; /* What the progress line says; NULL: this one shows none. */
    int64_t quota_total; /* What *quota began with. */
    atomic_int_fast64_t *quota; /* Commands still to be sent after the warm-up; NULL: no bound. */

    struct dure_bench_tally tally;

    /* Private. */
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct dure_bench_conn *conns;
    uint32_t conns_open;  /* Not yet closed for good. */
    uint64_t began_ns;
    uint64_t progress_ns; /* When the last answer came. */
    bool giving_up;
    char read_bytes[DURE_BENCH_READ_BYTES]; /* One connection is read at a time. */
};

/* Blocks until every answer is in, or until nothing has come for 30 s. */
void dure_bench_worker_run(struct dure_bench_worker *worker);

/* For connections. True: one more command may be sent now. False: never again. */
bool dure_bench_worker_may_send(struct dure_bench_worker *worker, uint64_t now_ns);
void dure_bench_worker_answered(struct dure_bench_worker *worker, struct dure_bench_verdict verdict,
                                uint64_t sent_ns, uint64_t now_ns);
void dure_bench_worker_closed(struct dure_bench_worker *worker);

#endif
