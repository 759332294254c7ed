/*
 * nng counts how each attempt of a dialer ended: what counts on is alive. Any thread; costs a copy of
 * all counters of the process.
 */
#include "proto/dialling.h"

#include <string.h>

static const char *const ends[] = {"connect", "refused", "disconnect", "canceled", "other",
                                   "timeout", "proto",   "auth",       "oom",      "reject"};

static bool is_end(const char *name)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (strcmp(name, ends[i]) == 0) return true;
    }
    return false;
}

/* UINT64_MAX: of another one. */
static uint64_t attempts_of(nng_stat *scope, uint64_t id)
{
    uint64_t sum = 0, own = 0;
    for (nng_stat *stat = nng_stat_child(scope); stat != NULL; stat = nng_stat_next(stat)) {
        if (strcmp(nng_stat_name(stat), "id") == 0) own = nng_stat_value(stat);
        if (is_end(nng_stat_name(stat))) sum += nng_stat_value(stat);
    }
    return own == id ? sum : UINT64_MAX;
}

bool dure_dialling_goes_on(nng_dialer dialer, uint64_t *attempts)
{
    nng_stat *root;
    uint64_t now = UINT64_MAX, id = (uint64_t)nng_dialer_id(dialer);
    if (nng_stats_get(&root) != 0) return false;
    /* nng_stat_find_dialer of 1.5 finds any dialer. */
    for (nng_stat *stat = nng_stat_child(root); stat != NULL && now == UINT64_MAX;
         stat = nng_stat_next(stat)) {
        if (strcmp(nng_stat_name(stat), "dialer") == 0) now = attempts_of(stat, id);
    }
    nng_stats_free(root);
    bool goes_on = now != UINT64_MAX && now != *attempts;
    *attempts = now;
    return goes_on;
}
