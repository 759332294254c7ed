/*
 * io.h on libuv: the runtime's turn is run once each round of the loop, after the poll phase, so
 * that everything that arrived in one round becomes one group.
 */
#ifndef DURE_RUNTIME_LOOP_H
#define DURE_RUNTIME_LOOP_H

#include <uv.h>

#include "runtime/core.h"

struct dure_loop {
    struct dure_io io;      /* Give &loop->io to the runtime. */
    uv_loop_t *uv;
    struct dure_runtime *rt; /* NULL until dure_loop_run_with. */
    struct dure_journal *journal;
    struct dure_rows *rows;
    uv_check_t check;
    uv_idle_t idle;         /* Runs while another round is wanted: keeps the poll from waiting. */
    uv_timer_t alarm;
    uv_async_t wake;
    int64_t alarm_ms;       /* Due, on the wall clock; 0: none. */
    bool idle_on, closing;
    uint64_t seed[2];
    int handles_open;
};

/* Prepares the handles on `uv`. 0 or DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_loop_init(struct dure_loop *loop, uv_loop_t *uv);
/* From now on the rounds run this runtime and poll these stores. */
void dure_loop_attach(struct dure_loop *loop, struct dure_runtime *rt, struct dure_journal *journal,
                      struct dure_rows *rows);
/* For store options: makes the loop poll the stores soon. arg = the loop; any thread. */
void dure_loop_wake(void *loop);
/* Closes the handles; their memory is free once the loop has run on. */
void dure_loop_close(struct dure_loop *loop);

#endif
