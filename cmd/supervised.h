/*
 * The node's end of the leash (leash.h): tells its supervisor how far it is, answers how it is, and
 * learns when to leave. Everything is a no-op for a node without a supervisor (fd -1).
 */
#ifndef DURE_CMD_SUPERVISED_H
#define DURE_CMD_SUPERVISED_H

#include "cmd/leash.h"
#include "runtime/core.h"

struct dure_supervised { /* Embedded and zeroed; set before open: */
    int fd;                     /* -1: no supervisor. */
    void (*stop)(void *arg);    /* The supervisor is gone: stop cleanly. */
    uint32_t (*unreachable)(void *arg); /* How many other nodes cannot be reached now. */
    void *arg;
    /* Private. */
    struct dure_leash leash;
    uv_timer_t joining;         /* Until all are reached for the first time. */
    const struct dure_runtime *rt;
    bool told_to_leave;
};

/* Recovery has come so far; for dure_options.progress. Before open, without the loop. */
void dure_supervised_progress(void *supervised, uint64_t done, uint64_t total);
/* Listens to the supervisor. rt is kept until close. DURE_ESYSTEM: fd is no such socket. */
DURE_MUST_CHECK int dure_supervised_open(struct dure_supervised *supervised, uv_loop_t *loop,
                                         const struct dure_runtime *rt);
void dure_supervised_ready(struct dure_supervised *supervised, uint16_t port, double took_ms);
/* No client waits any more; other nodes may still want something of this one. */
void dure_supervised_drained(struct dure_supervised *supervised);
/* True when nobody keeps it: told to, or without a supervisor. */
bool dure_supervised_may_leave(const struct dure_supervised *supervised);
/* Safe on one that was never opened. */
void dure_supervised_close(struct dure_supervised *supervised);

#endif
