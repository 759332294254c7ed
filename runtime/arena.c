/*
 * Chunks of 64 KiB in a list that is walked again after each reset, so a busy runtime stops asking
 * malloc. A request larger than a chunk gets a chunk of its own size.
 */
#include "runtime/arena.h"

#include <stdlib.h>

#include "runtime/errors.h"

#define CHUNK_BYTES ((size_t)64 * 1024)

static struct dure_arena_chunk *chunk_after(struct dure_arena *arena, size_t size)
{
    struct dure_arena_chunk **link = arena->current ? &arena->current->next : &arena->first;
    if (*link == NULL || (*link)->cap < size) {
        size_t cap = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        struct dure_arena_chunk *chunk = malloc(sizeof *chunk + cap);
        DURE_ASSERT(chunk != NULL);
        chunk->cap = cap;
        arena->bytes += cap;
        chunk->next = *link;
        *link = chunk;
    }
    return *link;
}

void *dure_arena_alloc_slow(struct dure_arena *arena, size_t size)
{
    arena->current = chunk_after(arena, size);
    arena->used = size;
    return arena->current->bytes;
}

void dure_arena_reset(struct dure_arena *arena)
{
    arena->current = NULL;
    arena->used = 0;
}

void dure_arena_fini(struct dure_arena *arena)
{
    struct dure_arena_chunk *chunk = arena->first;
    while (chunk != NULL) {
        struct dure_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *arena = (struct dure_arena){0};
}
