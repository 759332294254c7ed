/*
 * A merged walk: a heap of cursors, one a database, the one with the least key on top.
 *
 *   next   the top's entry is it; every cursor that stands on this key goes on
 *   end    a cursor that has left the prefix, or has no more keys, is closed and leaves the heap
 *
 * No memory but LMDB's cursors. The thread of the transaction.
 */
#include "store/walk.h"

#include <string.h>

static bool before(const struct dure_walk_source *a, const struct dure_walk_source *b)
{
    int order = memcmp(a->key, b->key, DURE_INDEX_KEY_BYTES);
    return order != 0 ? order < 0 : a->number > b->number;
}

static void swap(struct dure_walk_source *a, struct dure_walk_source *b)
{
    struct dure_walk_source held = *a;
    *a = *b;
    *b = held;
}

static void sink(struct dure_walk *walk)
{
    struct dure_walk_source *heap = walk->heap;
    for (size_t at = 0;;) {
        size_t child = 2 * at + 1;
        if (child >= walk->count) break;
        if (child + 1 < walk->count && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &heap[at])) break;
        swap(&heap[child], &heap[at]);
        at = child;
    }
}

static void rise(struct dure_walk *walk, size_t at)
{
    for (; at > 0 && before(&walk->heap[at], &walk->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        swap(&walk->heap[at], &walk->heap[(at - 1) / 2]);
    }
}

/* Takes in what the cursor stands on. MDB_NOTFOUND: it is not the walk's any more. */
static int look(const struct dure_walk *walk, struct dure_walk_source *source, const MDB_val *key,
                const MDB_val *data)
{
    if (key->mv_size != DURE_INDEX_KEY_BYTES || data->mv_size > 1) return MDB_CORRUPTED;
    if (memcmp(key->mv_data, walk->prefix, walk->prefix_len) != 0) return MDB_NOTFOUND;
    source->key = key->mv_data;
    source->add = data->mv_size == 0 || *(const unsigned char *)data->mv_data != 0;
    return 0;
}

int dure_walk_open(struct dure_walk *walk, MDB_txn *txn, MDB_dbi dbi, uint64_t number,
                   const unsigned char *from)
{
    DURE_ASSERT(walk->count < DURE_WALK_SOURCES_MAX);
    struct dure_walk_source *source = &walk->heap[walk->count];
    *source = (struct dure_walk_source){.number = number};
    int code = mdb_cursor_open(txn, dbi, &source->cursor);
    if (code != 0) return code;
    MDB_val key = {DURE_INDEX_KEY_BYTES, (void *)(uintptr_t)from}, data;
    code = mdb_cursor_get(source->cursor, &key, &data, MDB_SET_RANGE);
    if (code == 0) code = look(walk, source, &key, &data);
    if (code == 0) {
        rise(walk, walk->count++);
        return 0;
    }
    mdb_cursor_close(source->cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* The top goes on. */
static int advance(struct dure_walk *walk)
{
    struct dure_walk_source *top = &walk->heap[0];
    MDB_val key, data;
    int code = mdb_cursor_get(top->cursor, &key, &data, MDB_NEXT);
    if (code == 0) code = look(walk, top, &key, &data);
    if (code == MDB_NOTFOUND) {
        mdb_cursor_close(top->cursor);
        *top = walk->heap[--walk->count];
        code = 0;
    }
    if (code == 0) sink(walk);
    return code;
}

int dure_walk_next(struct dure_walk *walk)
{
    if (walk->count == 0) return MDB_NOTFOUND;
    memcpy(walk->key, walk->heap[0].key, DURE_INDEX_KEY_BYTES);
    walk->add = walk->heap[0].add;
    int code = 0;
    do {
        walk->taken++;
        code = advance(walk);
    } while (code == 0 && walk->count > 0 &&
             memcmp(walk->heap[0].key, walk->key, DURE_INDEX_KEY_BYTES) == 0);
    return code;
}

const unsigned char *dure_walk_ahead(const struct dure_walk *walk)
{
    return walk->count > 0 ? walk->heap[0].key : NULL;
}

void dure_walk_close(struct dure_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) mdb_cursor_close(walk->heap[i].cursor);
    walk->count = 0;
}
