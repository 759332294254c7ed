/*
 * The circuit breaker's three phases; see breaker.h. Answers may come late: one that was asked for
 * while the breaker was closed counts as it comes, whatever the phase is by then. Pure.
 */
#include "runtime/breaker.h"

#include "runtime/bounds.h"

bool dure_breaker_allow(struct dure_breaker *breaker, int64_t now_ms)
{
    if (breaker->phase == DURE_BREAKER_OPEN && now_ms >= breaker->until_ms) {
        breaker->phase = DURE_BREAKER_HALF_OPEN;
        breaker->trying = false;
    }
    bool allowed = breaker->phase == DURE_BREAKER_CLOSED ||
                   (breaker->phase == DURE_BREAKER_HALF_OPEN && !breaker->trying);
    if (!allowed) breaker->denied++;
    else if (breaker->phase == DURE_BREAKER_HALF_OPEN) breaker->trying = true;
    return allowed;
}

void dure_breaker_succeeded(struct dure_breaker *breaker)
{
    breaker->failures = 0;
    breaker->trying = false;
    breaker->phase = DURE_BREAKER_CLOSED;
}

void dure_breaker_failed(struct dure_breaker *breaker, int64_t now_ms)
{
    if (breaker->phase == DURE_BREAKER_OPEN) return; /* Of before: it knows. */
    breaker->failures++;
    breaker->trying = false;
    if (breaker->phase == DURE_BREAKER_CLOSED && breaker->failures < DURE_BREAKER_FAILURES) return;
    breaker->phase = DURE_BREAKER_OPEN;
    breaker->until_ms = now_ms + DURE_BREAKER_OPEN_MS;
    breaker->opened++;
}

void dure_breaker_forgone(struct dure_breaker *breaker)
{
    breaker->trying = false;
}
