/*
 * A circuit breaker: who asks something that fails again and again stops asking for a while, so that
 * neither side is kept busy by questions that nobody answers.
 *
 *   CLOSED     all may ask; DURE_BREAKER_FAILURES failures in a row open it
 *   OPEN       nobody may ask, for DURE_BREAKER_OPEN_MS
 *   HALF_OPEN  one at a time may try: success closes it, failure opens it again
 *
 * (M. Nygard, Release It!, "Circuit Breaker".) In memory only: a restart begins CLOSED. Time is given;
 * nothing here can fail. A zeroed struct is a closed breaker.
 */
#ifndef DURE_RUNTIME_BREAKER_H
#define DURE_RUNTIME_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum dure_breaker_phase { DURE_BREAKER_CLOSED, DURE_BREAKER_HALF_OPEN, DURE_BREAKER_OPEN };

struct dure_breaker {
    enum dure_breaker_phase phase;
    uint32_t failures;       /* In a row. */
    int64_t until_ms;        /* OPEN: then it half-opens. */
    bool trying;             /* HALF_OPEN: somebody asks. */
    uint64_t opened, denied; /* How often it opened; how many it did not let ask. */
};

/* True: ask, and tell the outcome by `succeeded` or `failed`. */
bool dure_breaker_allow(struct dure_breaker *breaker, int64_t now_ms);
void dure_breaker_succeeded(struct dure_breaker *breaker);
void dure_breaker_failed(struct dure_breaker *breaker, int64_t now_ms);
/* Allowed, but given up before there was an outcome. */
void dure_breaker_forgone(struct dure_breaker *breaker);

#endif
