/*
 * A binary heap with the worst entry on top: a new one either is worse than that, or takes its
 * place. Sorting takes the worst to the end, one after the other. Any thread.
 */
#include "runtime/best.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

void *dure_best_at(const struct dure_best *best, size_t i)
{
    DURE_ASSERT(i < best->count);
    return best->entries + i * best->entry_bytes;
}

static bool worse(const struct dure_best *best, size_t a, size_t b)
{
    return best->compare(best->arg, dure_best_at(best, a), dure_best_at(best, b)) > 0;
}

static void swap(struct dure_best *best, size_t a, size_t b)
{
    char *x = dure_best_at(best, a), *y = dure_best_at(best, b);
    for (size_t i = 0; i < best->entry_bytes; i++) {
        char c = x[i];
        x[i] = y[i];
        y[i] = c;
    }
}

static void up(struct dure_best *best, size_t i)
{
    while (i > 0 && worse(best, i, (i - 1) / 2)) {
        swap(best, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void down(struct dure_best *best, size_t count)
{
    for (size_t i = 0;;) {
        size_t worst = i, left = 2 * i + 1;
        for (size_t child = left; child < left + 2 && child < count; child++) {
            if (worse(best, child, worst)) worst = child;
        }
        if (worst == i) return;
        swap(best, i, worst);
        i = worst;
    }
}

int dure_best_offer(struct dure_best *best, const void *entry)
{
    DURE_ASSERT(best->max > 0 && best->entry_bytes > 0);
    if (best->count == best->max) {
        if (best->compare(best->arg, entry, dure_best_at(best, 0)) >= 0) return 0;
        memcpy(dure_best_at(best, 0), entry, best->entry_bytes);
        down(best, best->count);
        return 0;
    }
    if (best->count == best->cap) {
        size_t cap = best->cap == 0 ? FIRST_CAP : best->cap * 2;
        char *more = realloc(best->entries, cap * best->entry_bytes);
        if (more == NULL) return DURE_ENOMEM;
        best->entries = more;
        best->cap = cap;
    }
    best->count++;
    memcpy(dure_best_at(best, best->count - 1), entry, best->entry_bytes);
    up(best, best->count - 1);
    return 0;
}

void dure_best_sort(struct dure_best *best)
{
    for (size_t count = best->count; count > 1; count--) {
        swap(best, 0, count - 1);
        down(best, count - 1);
    }
}

void dure_best_fini(struct dure_best *best)
{
    free(best->entries);
    best->entries = NULL;
    best->count = best->cap = 0;
}
