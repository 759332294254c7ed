/*
 * The index: (type, field, value, id) of every row and indexed field, in one tree and up to 64 runs.
 *
 * The entries of new rows belong all over the index. Put into a tree at once, nearly each dirties a
 * page of its own, and a batch writes many times its rows. So they are gathered (a log-structured
 * merge tree of two components: O'Neil, Cheng, Gawlick, O'Neil, Acta Informatica 33, 1996):
 *
 *   1. append   a batch's changes, sorted, fill a database of their own, page after page: a run
 *   2. join     many small runs become one: a store that keeps up has small batches
 *   3. freeze   when there are many runs, or much in them, and no others are being merged, they are
 *   4. merge    each batch moves some of their entries into the tree, in key order, so that those
 *               that share a page share its writing; of one key the newest entry holds
 *   5. empty    at the end of the last one the frozen runs go, all at once
 *   6. scan     the tree and the runs as one, the newest entry of a key first; removed ones hide
 *
 * All of it belongs to the batch's transaction, so that a crash leaves whole batches. What a batch
 * does is bounded (struct dure_index_bounds): it merges twice what it brings, or merge_min entries, or
 * what there is divided by the slots that are free, so that there always is one for the next batch.
 *
 * Databases, and what is in them:
 *
 *   index             key → nothing
 *   run-0 … run-63    key → 1: added, 0: removed. Empty: a free slot
 *   the record        "runs" → struct dure_runs: which slots are runs, their order, how far the merge is
 *
 * A key is big-endian, so that LMDB's byte order is its own: type (4 bytes), field (2), value (8), id
 * with its sign bit flipped (8). The record holds numbers as this machine has them, as LMDB does.
 */
#include "store/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/env.h"

/* The default bounds. A million entries are some 30 MB, and a tenth of a large index. */
#define RUNS_MAX 32
#define ENTRIES_MAX 1000000
#define SMALL_RUNS 16
#define SMALL_MAX 32768
#define MERGE_MIN 65536

#define SIGN (UINT64_C(1) << 63)
#define PREFIX_BYTES 14 /* Type, field, value. */

_Static_assert(DURE_INDEX_TABLES <= DURE_WALK_SOURCES_MAX, "a scan walks all of it");
_Static_assert(RUNS_MAX * 2 <= DURE_INDEX_SLOTS, "runs gather while others are merged");

static void put_big(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) to[i] = (unsigned char)value;
}

static void make_key(unsigned char *key, uint32_t type, uint16_t field, uint64_t value, int64_t id)
{
    put_big(key, type, 4);
    put_big(key + 4, field, 2);
    put_big(key + 6, value, 8);
    put_big(key + PREFIX_BYTES, (uint64_t)id ^ SIGN, 8);
}

static int64_t id_of(const unsigned char *key)
{
    uint64_t id = 0;
    for (int i = PREFIX_BYTES; i < DURE_INDEX_KEY_BYTES; i++) id = id << 8 | key[i];
    return (int64_t)(id ^ SIGN);
}

void dure_index_set_change(struct dure_index_change *change, uint32_t type,
                           const struct dure_index_key *key, int64_t id, bool add)
{
    make_key(change->key, type, key->field, key->value, id);
    change->add = add;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static int count_entries(const struct dure_index *index, MDB_txn *txn, size_t slot, uint64_t *count)
{
    MDB_stat stat;
    int code = mdb_stat(txn, index->slots[slot], &stat);
    if (code == 0) *count = stat.ms_entries;
    return code;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct dure_index_change *)a)->key,
                  ((const struct dure_index_change *)b)->key, DURE_INDEX_KEY_BYTES);
}

static int fill_slot(MDB_txn *txn, MDB_dbi dbi, struct dure_index_change *changes, size_t count)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, dbi, &cursor);
    if (code != 0) return code;
    for (size_t i = 0; code == 0 && i < count; i++) {
        MDB_val key = {DURE_INDEX_KEY_BYTES, changes[i].key}, value = {1, &changes[i].add};
        code = mdb_cursor_put(cursor, &key, &value, MDB_APPEND);
    }
    mdb_cursor_close(cursor);
    DURE_ASSERT(code != MDB_KEYEXIST); /* No key twice, and the slot was empty. */
    return code;
}

static int empty_slot(const struct dure_index *index, MDB_txn *txn, struct dure_runs *runs, size_t slot)
{
    runs->numbers[slot] = 0;
    return mdb_drop(txn, index->slots[slot], 0);
}

static int append_run(const struct dure_index *index, MDB_txn *txn, struct dure_runs *runs,
                      struct dure_index_change *changes, size_t count)
{
    if (count == 0) return 0;
    qsort(changes, count, sizeof changes[0], by_key);
    size_t slot = dure_runs_take(runs);
    /* The batch before has left one, or the record is damaged. */
    return slot < DURE_INDEX_SLOTS ? fill_slot(txn, index->slots[slot], changes, count)
                                   : MDB_CORRUPTED;
}

static int freeze(const struct dure_index *index, MDB_txn *txn, struct dure_runs *runs)
{
    uint64_t sum = 0;
    if (runs->frozen != 0) return 0;
    for (size_t i = 0; i < DURE_INDEX_SLOTS; i++) {
        uint64_t count;
        if (runs->numbers[i] == 0) continue;
        int code = count_entries(index, txn, i, &count);
        if (code != 0) return code;
        sum += count;
    }
    size_t count = DURE_INDEX_SLOTS - dure_runs_count_free(runs);
    if (count < index->bounds.runs_max && sum < index->bounds.entries_max) return 0;
    dure_runs_freeze(runs);
    return 0;
}

/* ---- Joining ---------------------------------------------------------------------------------- */

/* The newest runs as long as they are small, newest first. They follow each other, so that what they
 * become can take their place in the order. */
static int find_small(const struct dure_index *index, MDB_txn *txn, const struct dure_runs *runs,
                      size_t slots[DURE_INDEX_SLOTS], size_t *count)
{
    uint64_t number = UINT64_MAX, entries;
    for (*count = 0; *count < DURE_INDEX_SLOTS; number = runs->numbers[slots[*count]], ++*count) {
        slots[*count] = dure_runs_older(runs, number);
        if (slots[*count] == DURE_INDEX_SLOTS) break;
        int code = count_entries(index, txn, slots[*count], &entries);
        if (code != 0) return code;
        if (entries >= index->bounds.small_max) break;
    }
    return 0;
}

/* Removed entries stay: the key may be in the tree, or in an older run. */
static int copy_walk(MDB_txn *txn, MDB_dbi dbi, struct dure_walk *walk)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, dbi, &cursor);
    if (code != 0) return code;
    while ((code = dure_walk_next(walk)) == 0) {
        unsigned char add = walk->add;
        MDB_val key = {DURE_INDEX_KEY_BYTES, walk->key}, value = {1, &add};
        code = mdb_cursor_put(cursor, &key, &value, MDB_APPEND);
        if (code != 0) break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int join(const struct dure_index *index, MDB_txn *txn, struct dure_runs *runs)
{
    static const unsigned char first[DURE_INDEX_KEY_BYTES];
    struct dure_walk walk = {0};
    size_t slots[DURE_INDEX_SLOTS], count;
    int code = find_small(index, txn, runs, slots, &count);
    if (code != 0 || count < index->bounds.small_runs) return code;
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = dure_walk_open(&walk, txn, index->slots[slots[i]], runs->numbers[slots[i]], first);
    }
    size_t into = dure_runs_take(runs);
    if (code == 0 && into == DURE_INDEX_SLOTS) code = MDB_CORRUPTED;
    if (code == 0) code = copy_walk(txn, index->slots[into], &walk);
    dure_walk_close(&walk);
    for (size_t i = 0; code == 0 && i < count; i++) code = empty_slot(index, txn, runs, slots[i]);
    return code;
}

/* ---- Merging ---------------------------------------------------------------------------------- */

static int put_entry(MDB_cursor *tree, unsigned char *bytes, bool add)
{
    MDB_val key = {DURE_INDEX_KEY_BYTES, bytes}, none = {0, NULL};
    if (add) { /* Removed and added again while it was in runs, it is in the tree already. */
        int code = mdb_cursor_put(tree, &key, &none, MDB_NOOVERWRITE);
        return code == MDB_KEYEXIST ? 0 : code;
    }
    int code = mdb_cursor_get(tree, &key, &none, MDB_SET);
    if (code == 0) return mdb_cursor_del(tree, 0);
    return code == MDB_NOTFOUND ? 0 : code; /* It has only been in runs. */
}

/* Moves `most` entries of the walk, or some more; MDB_NOTFOUND at its end. */
static int move_entries(const struct dure_index *index, MDB_txn *txn, struct dure_walk *walk,
                        size_t most)
{
    MDB_cursor *tree;
    int code = mdb_cursor_open(txn, index->tree, &tree);
    if (code != 0) return code;
    while (code == 0 && walk->taken < most) {
        code = dure_walk_next(walk);
        if (code == 0) code = put_entry(tree, walk->key, walk->add);
    }
    mdb_cursor_close(tree);
    if (code == 0 && dure_walk_ahead(walk) == NULL) code = MDB_NOTFOUND;
    return code;
}

static int empty_frozen(const struct dure_index *index, MDB_txn *txn, struct dure_runs *runs)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < DURE_INDEX_SLOTS; i++) {
        if (dure_runs_is_frozen(runs, i)) code = empty_slot(index, txn, runs, i);
    }
    runs->frozen = 0;
    return code;
}

static int open_frozen(const struct dure_index *index, MDB_txn *txn, const struct dure_runs *runs,
                       struct dure_walk *walk, uint64_t *entries)
{
    int code = 0;
    *entries = 0;
    for (size_t i = 0; code == 0 && i < DURE_INDEX_SLOTS; i++) {
        if (!dure_runs_is_frozen(runs, i)) continue;
        uint64_t count;
        code = count_entries(index, txn, i, &count);
        if (code != 0) break;
        *entries += count;
        code = dure_walk_open(walk, txn, index->slots[i], runs->numbers[i], runs->from);
    }
    return code;
}

static size_t share(const struct dure_index *index, const struct dure_runs *runs, uint64_t entries,
                    size_t count)
{
    size_t most = 2 * count > index->bounds.merge_min ? 2 * count : index->bounds.merge_min;
    size_t left = (size_t)(entries > runs->merged ? entries - runs->merged : 0);
    size_t slots = dure_runs_count_free(runs);
    /* With the last slot taken all of it has to go. */
    size_t due = slots > 0 ? left / slots + 1 : SIZE_MAX;
    return most > due ? most : due;
}

static int merge(const struct dure_index *index, MDB_txn *txn, struct dure_runs *runs, size_t count)
{
    struct dure_walk walk = {0};
    uint64_t entries;
    if (runs->frozen == 0) return 0;
    int code = open_frozen(index, txn, runs, &walk, &entries);
    if (code == 0) code = move_entries(index, txn, &walk, share(index, runs, entries, count));
    if (code == 0) memcpy(runs->from, dure_walk_ahead(&walk), sizeof runs->from);
    runs->merged += walk.taken;
    dure_walk_close(&walk);
    return code == MDB_NOTFOUND ? empty_frozen(index, txn, runs) : code;
}

int dure_index_write(const struct dure_index *index, MDB_txn *txn,
                     struct dure_index_change *changes, size_t count)
{
    struct dure_runs runs, before;
    int code = dure_runs_read(&runs, txn, index->record);
    if (code != 0) return code;
    before = runs;
    /* First, when the run of this batch is not yet among them. */
    code = join(index, txn, &runs);
    if (code == 0) code = freeze(index, txn, &runs);
    if (code == 0) code = append_run(index, txn, &runs, changes, count);
    if (code == 0) code = merge(index, txn, &runs, count);
    if (code != 0 || memcmp(&runs, &before, sizeof runs) == 0) return code;
    return dure_runs_write(&runs, txn, index->record);
}

/* ---- Scanning --------------------------------------------------------------------------------- */

static int open_all(const struct dure_index *index, MDB_txn *txn, struct dure_walk *walk,
                    const unsigned char *from)
{
    struct dure_runs runs;
    int code = dure_runs_read(&runs, txn, index->record);
    if (code == 0) code = dure_walk_open(walk, txn, index->tree, 0, from);
    for (size_t i = 0; code == 0 && i < DURE_INDEX_SLOTS; i++) {
        if (runs.numbers[i] == 0) continue;
        /* What the tree has already need not be looked at again. */
        bool later = dure_runs_is_frozen(&runs, i) && memcmp(runs.from, from, sizeof runs.from) > 0;
        code = dure_walk_open(walk, txn, index->slots[i], runs.numbers[i],
                              later ? runs.from : from);
    }
    return code;
}

int dure_index_scan(const struct dure_index *index, MDB_txn *txn, uint32_t type, uint16_t field,
                    uint64_t value, int64_t from, dure_row_visit *visit, void *arg)
{
    struct dure_walk walk = {.prefix_len = PREFIX_BYTES};
    unsigned char key[DURE_INDEX_KEY_BYTES];
    make_key(key, type, field, value, from);
    memcpy(walk.prefix, key, PREFIX_BYTES);
    int rv = 0, code = open_all(index, txn, &walk, key);
    while (code == 0 && rv == 0) {
        code = dure_walk_next(&walk);
        if (code == 0 && walk.add) rv = visit(arg, type, id_of(walk.key), NULL, 0);
    }
    dure_walk_close(&walk);
    if (rv != 0) return rv;
    return code == 0 || code == MDB_NOTFOUND ? 0 : dure_env_error(code);
}

/* ---- Opening ---------------------------------------------------------------------------------- */

int dure_index_open(struct dure_index *index, MDB_txn *txn, unsigned flags, MDB_dbi record,
                    const struct dure_store_options *options)
{
    struct dure_index_bounds bounds = options->index;
    if (bounds.runs_max == 0) bounds.runs_max = RUNS_MAX;
    if (bounds.entries_max == 0) bounds.entries_max = ENTRIES_MAX;
    if (bounds.small_runs == 0) bounds.small_runs = SMALL_RUNS;
    if (bounds.small_max == 0) bounds.small_max = SMALL_MAX;
    if (bounds.merge_min == 0) bounds.merge_min = MERGE_MIN;
    DURE_ASSERT(bounds.runs_max <= DURE_INDEX_SLOTS / 2 && bounds.small_runs > 1);
    *index = (struct dure_index){.record = record, .bounds = bounds};
    int code = mdb_dbi_open(txn, "index", flags, &index->tree);
    for (int i = 0; code == 0 && i < DURE_INDEX_SLOTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "run-%d", i);
        code = mdb_dbi_open(txn, name, flags, &index->slots[i]);
    }
    return code;
}
