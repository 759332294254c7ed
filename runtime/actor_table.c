/* Look-up of actors; see actor_table.h for the idea. */
#include "runtime/actor_table.h"

#include <stdlib.h>

#include "runtime/core.h"

_Static_assert(sizeof(struct dure_actor_line) == DURE_CACHE_LINE, "a line of slots is a cache line");

#define RUN_BITS 4
#define RUN_MASK ((1u << RUN_BITS) - 1)
/* Slots used of a line, on average, when the table holds what it was made for, and before it grows. */
#define LINE_LOAD 4
#define LINE_LOAD_MAX 5

struct place {
    uint64_t line;
    uint16_t tag;
};

static struct place place_of(const struct dure_actor_table *table, const struct dure_type *type,
                             int64_t id)
{
    uint64_t run = ((uint64_t)id >> RUN_BITS) ^ ((uint64_t)(type->index + 1u) << 56);
    uint64_t hash = run * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
    uint64_t low = (uint64_t)id & RUN_MASK;
    /* The tag is of the whole id: neighbours that overflow into one line differ in it. */
    return (struct place){.line = ((hash >> 8 << RUN_BITS) ^ low) & table->mask,
                          .tag = (uint16_t)((hash >> 48) ^ low << 12)};
}

static int make_lines(struct dure_actor_table *table, uint64_t lines)
{
    table->lines = aligned_alloc(DURE_CACHE_LINE, lines * DURE_CACHE_LINE);
    if (table->lines == NULL) return DURE_ENOMEM;
    memset(table->lines, 0, lines * DURE_CACHE_LINE);
    table->mask = lines - 1;
    table->count = 0;
    return 0;
}

int dure_actor_table_init(struct dure_actor_table *table, int64_t actors)
{
    uint64_t lines = 64;
    while (lines * LINE_LOAD < (uint64_t)actors) lines *= 2;
    return make_lines(table, lines);
}

void dure_actor_table_fini(struct dure_actor_table *table)
{
    free(table->lines);
    table->lines = NULL;
}

struct dure_actor *dure_actor_table_find(const struct dure_actor_table *table,
                                         const struct dure_type *type, int64_t id)
{
    struct place place = place_of(table, type, id);
    /* Once around at most: actors come and go until every line has been passed by some. */
    for (uint64_t seen = 0; seen <= table->mask; seen++) {
        const struct dure_actor_line *line = &table->lines[place.line];
        for (int i = 0; i < DURE_ACTOR_LINE_SLOTS; i++) {
            if (line->tags[i] != place.tag) continue;
            struct dure_actor *actor = line->slots[i];
            if (actor != NULL && actor->id == id && actor->type == type) return actor;
        }
        if (line->passed == 0) return NULL;
        place.line = (place.line + 1) & table->mask;
    }
    return NULL;
}

void dure_actor_table_prefetch(const struct dure_actor_table *table, const struct dure_type *type,
                               int64_t id)
{
    __builtin_prefetch(&table->lines[place_of(table, type, id).line], 1);
}

struct dure_actor *dure_actor_table_next(const struct dure_actor_table *table, uint64_t *at)
{
    if (table->lines == NULL) return NULL;
    while (*at < (table->mask + 1) * DURE_ACTOR_LINE_SLOTS) {
        uint64_t i = (*at)++;
        const struct dure_actor_line *line = &table->lines[i / DURE_ACTOR_LINE_SLOTS];
        struct dure_actor *actor = line->slots[i % DURE_ACTOR_LINE_SLOTS];
        if (actor != NULL) return actor;
    }
    return NULL;
}

static void add(struct dure_actor_table *table, struct dure_actor *actor)
{
    struct place place = place_of(table, actor->type, actor->id);
    table->count++;
    for (;;) {
        struct dure_actor_line *line = &table->lines[place.line];
        for (int i = 0; i < DURE_ACTOR_LINE_SLOTS; i++) {
            if (line->slots[i] != NULL) continue;
            line->slots[i] = actor;
            line->tags[i] = place.tag;
            return;
        }
        line->passed++;
        place.line = (place.line + 1) & table->mask;
    }
}

static void grow(struct dure_actor_table *table)
{
    struct dure_actor_table larger;
    if (make_lines(&larger, 2 * (table->mask + 1)) != 0) return; /* Slower, and tried again. */
    for (uint64_t i = 0; i <= table->mask; i++) {
        for (int k = 0; k < DURE_ACTOR_LINE_SLOTS; k++) {
            if (table->lines[i].slots[k] != NULL) add(&larger, table->lines[i].slots[k]);
        }
    }
    free(table->lines);
    *table = larger;
}

void dure_actor_table_add(struct dure_actor_table *table, struct dure_actor *actor)
{
    if (table->count >= LINE_LOAD_MAX * (table->mask + 1)) grow(table);
    DURE_ASSERT(table->count < DURE_ACTOR_LINE_SLOTS * (table->mask + 1));
    add(table, actor);
}

void dure_actor_table_remove(struct dure_actor_table *table, const struct dure_actor *actor)
{
    struct place place = place_of(table, actor->type, actor->id);
    for (;;) {
        struct dure_actor_line *line = &table->lines[place.line];
        for (int i = 0; i < DURE_ACTOR_LINE_SLOTS; i++) {
            if (line->slots[i] != actor) continue;
            line->slots[i] = NULL;
            line->tags[i] = 0;
            table->count--;
            return;
        }
        DURE_ASSERT(line->passed > 0); /* Or it was never in the table. */
        line->passed--;
        place.line = (place.line + 1) & table->mask;
    }
}
