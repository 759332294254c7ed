/*
 * The best n of many: a bounded heap of entries of one size, for sorted pages.
 */
#ifndef DURE_RUNTIME_BEST_H
#define DURE_RUNTIME_BEST_H

#include <stddef.h>

#include "runtime/errors.h"

struct dure_best {      /* A zeroed struct with the first part filled in is empty. */
    size_t entry_bytes; /* A multiple of 8. */
    size_t max;
    int (*compare)(const void *arg, const void *a, const void *b); /* Negative: a is better. */
    const void *arg;
    char *entries; /* The worst one is first. */
    size_t count, cap;
};

/* Keeps a copy of the entry if it is among the best `max` so far. 0 or DURE_ENOMEM. */
DURE_MUST_CHECK int dure_best_offer(struct dure_best *best, const void *entry);
/* Puts the entries in order, best first. Nothing can be offered afterwards. */
void dure_best_sort(struct dure_best *best);
void *dure_best_at(const struct dure_best *best, size_t i);
void dure_best_fini(struct dure_best *best);

#endif
