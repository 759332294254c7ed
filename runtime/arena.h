/*
 * Bump allocation for the effects of a turn group: everything goes at once. One thread.
 */
#ifndef DURE_RUNTIME_ARENA_H
#define DURE_RUNTIME_ARENA_H

#include <stddef.h>

struct dure_arena_chunk {
    struct dure_arena_chunk *next;
    size_t cap;
    _Alignas(max_align_t) char bytes[];
};

struct dure_arena {
    struct dure_arena_chunk *first, *current; /* A zeroed struct is an empty arena. */
    size_t used;                              /* Of the current chunk. */
    size_t bytes;                             /* Of all chunks. */
};

/* The same from a new chunk. */
void *dure_arena_alloc_slow(struct dure_arena *arena, size_t size);

/* Uninitialised bytes aligned for any type, valid until reset. Never NULL. */
static inline void *dure_arena_alloc(struct dure_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    size = (size + align - 1) & ~(align - 1);
    if (arena->current == NULL || arena->current->cap - arena->used < size) {
        return dure_arena_alloc_slow(arena, size);
    }
    void *at = arena->current->bytes + arena->used;
    arena->used += size;
    return at;
}
/* Forgets all, keeps the chunks for the next use. */
void dure_arena_reset(struct dure_arena *arena);
void dure_arena_fini(struct dure_arena *arena);

#endif
