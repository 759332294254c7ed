/*
 * Bump allocation for the effects of a turn group: everything goes at once. One thread.
 */
#ifndef DURE_RUNTIME_ARENA_H
#define DURE_RUNTIME_ARENA_H

#include <stddef.h>

struct dure_arena_chunk;

struct dure_arena {
    struct dure_arena_chunk *first, *current; /* A zeroed struct is an empty arena. */
    size_t used;                              /* Of the current chunk. */
    size_t bytes;                             /* Of all chunks. */
};

/* Uninitialised bytes aligned for any type, valid until reset. Never NULL. */
void *dure_arena_alloc(struct dure_arena *arena, size_t size);
/* Forgets all, keeps the chunks for the next use. */
void dure_arena_reset(struct dure_arena *arena);
void dure_arena_fini(struct dure_arena *arena);

#endif
