/*
 * List queries.
 *
 *   1. loop    the overlay is taken: of every actor of this type that differs from its row, its id,
 *              whether it exists and matches, and its sort keys
 *   2. pool    the rows are walked in id order (or those that an index names), actors of the
 *              overlay are put in where they belong, and the page is cut out. Without filters and
 *              sorts nothing is unpacked; with a sort a bounded heap keeps the best (page + 1) x
 * size
 *   3. loop    done
 *
 * A row that a checkpoint writes meanwhile is seen old or new; its actor was in the overlay, which
 * counts. A record that fails meanwhile makes the result void. Fails with DURE_EIO, DURE_ECORRUPT; refuses when too many run or the page is too deep.
 */
#include "runtime/query.h"

#include <stdlib.h>

#include "runtime/best.h"

/* The heap of a sorted query: bounds what a deep page may take. */
#define SORT_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define INDEX_BATCH 512

static unsigned running; /* Loop thread only. */

struct dure_query_overlay {
    int64_t id;
    bool shown;   /* Exists and matches. */
    int64_t value; /* Of the field to sum. */
    size_t entry; /* Its sort keys, in scan->overlay_keys. */
};

/* A candidate of a sorted query: its id, then the sort keys, at the offsets of `keys`. */
struct entry {
    int64_t id;
    _Alignas(8) char keys[];
};

struct dure_query_scan {
    struct dure_query *query;
    struct dure_field keys[DURE_QUERY_SORTS_MAX]; /* The sort fields, moved into an entry. */
    struct dure_best best;                        /* Entries. */
    char *overlay_keys;                           /* Entries, one per overlay item, when sorted. */
    char *probe;                                  /* One entry. */
    size_t overlay_at;                            /* Merging: the next of the overlay. */
    size_t skip, seen;       /* Unsorted: ranks before the page; matches so far. */
    size_t cap;              /* Of query->ids. */
    bool descending, counts; /* Unsorted: by falling id; go on behind the page to count. */
    char *state;             /* A row, unpacked. */
    int64_t batch[INDEX_BATCH];
    size_t batch_count;
    int64_t wanted_id;
    int rv;
};

/* ---- Shared --------------------------------------------------------------------------------- */

static bool sorted(const struct dure_query *query)
{
    return query->sorts_count > 0 && !query->by_after;
}

static bool plain(const struct dure_query *query)
{
    return query->filters_count == 0 && query->near == NULL && query->sum == NULL &&
           !sorted(query);
}

int64_t dure_query_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a < 0 ? INT64_MIN + 1 : INT64_MAX;
}

static int64_t value_of(const struct dure_query *query, const void *state)
{
    int64_t value = 0;
    if (query->sum == NULL) return 0;
    memcpy(&value, (const char *)state + query->sum->offset, sizeof value);
    return value == DURE_NULL ? 0 : value;
}

static bool matches(const struct dure_query *query, const void *state)
{
    for (size_t i = 0; i < query->filters_count; i++) {
        if (!dure_field_equal(query->filters[i], state, query->wanted)) return false;
    }
    if (query->near == NULL) return true;
    const char *text = (const char *)state + query->near->offset;
    return strncmp(text, query->near_text, strlen(query->near_text)) == 0;
}

static void take_keys(const struct dure_query *query, const void *state, int64_t id,
                      struct entry *entry)
{
    const struct dure_query_scan *scan = query->scan;
    entry->id = id;
    for (size_t i = 0; i < query->sorts_count; i++) {
        const struct dure_field *from = query->sorts[i].field;
        memcpy(entry->keys + scan->keys[i].offset, (const char *)state + from->offset, from->size);
    }
}

int dure_query_compare(const struct dure_query *query, const void *keys_a, int64_t id_a,
                       const void *keys_b, int64_t id_b)
{
    for (size_t i = 0; sorted(query) && i < query->sorts_count; i++) {
        int order = dure_field_compare(&query->scan->keys[i], keys_a, keys_b);
        if (order != 0) return query->sorts[i].descending ? -order : order;
    }
    int order = id_a < id_b ? -1 : id_a > id_b;
    return query->scan->descending ? -order : order;
}

static int compare(const void *arg, const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return dure_query_compare(arg, a->keys, a->id, b->keys, b->id);
}

/* ---- 1: the overlay ------------------------------------------------------------------------- */

static void overlay_add(void *arg, struct dure_actor *actor)
{
    struct dure_query *query = arg;
    if (actor->type != query->type || query->rv != 0) return;
    if (query->by_after && actor->id <= query->after) return;
    if (query->overlay_count == query->overlay_cap) {
        size_t cap = query->overlay_cap == 0 ? 64 : query->overlay_cap * 2;
        void *more = realloc(query->overlay, cap * sizeof *query->overlay);
        char *keys = NULL;
        if (more != NULL) query->overlay = more;
        if (more != NULL && sorted(query)) {
            keys = realloc(query->scan->overlay_keys, cap * query->scan->best.entry_bytes);
            if (keys != NULL) query->scan->overlay_keys = keys;
        }
        if (more == NULL || (sorted(query) && keys == NULL)) {
            query->rv = DURE_ENOMEM;
            return;
        }
        query->overlay_cap = cap;
    }
    struct dure_query_overlay *item = &query->overlay[query->overlay_count];
    *item =
        (struct dure_query_overlay){.id = actor->id,
                                    .entry = query->overlay_count,
                                    .shown = actor->head.exists && matches(query, actor->state)};
    if (sorted(query) && item->shown) {
        char *at = query->scan->overlay_keys + item->entry * query->scan->best.entry_bytes;
        take_keys(query, actor->state, actor->id, (struct entry *)(void *)at);
    }
    if (item->shown) item->value = value_of(query, actor->state);
    query->overlay_count++;
}

static int by_id(const void *a, const void *b)
{
    int64_t left = ((const struct dure_query_overlay *)a)->id;
    int64_t right = ((const struct dure_query_overlay *)b)->id;
    return left < right ? -1 : left > right;
}

static int by_falling_id(const void *a, const void *b)
{
    return by_id(b, a);
}

static void take_overlay(struct dure_runtime *rt, struct dure_query *query)
{
    for (struct dure_actor *actor = rt->dirty; actor != NULL; actor = actor->dirty_next)
        overlay_add(query, actor);
    dure_checkpoint_writing(rt, overlay_add, query);
    if (query->overlay_count == 0) return;
    qsort(query->overlay, query->overlay_count, sizeof *query->overlay,
          query->scan->descending ? by_falling_id : by_id);
    /* One that is dirty again while its copy is written came twice, and is the same both times. */
    size_t kept = 1;
    for (size_t i = 1; i < query->overlay_count; i++) {
        if (query->overlay[i].id != query->overlay[kept - 1].id)
            query->overlay[kept++] = query->overlay[i];
    }
    query->overlay_count = kept;
}

/* ---- 2: the page ---------------------------------------------------------------------------- */

/* Unsorted: all that is wanted has been found. A walk wants to know whether there is a next page. */
static bool enough(const struct dure_query *query)
{
    if (query->by_after) return query->more;
    return query->ids_count == query->scan->cap && !query->scan->counts;
}

/* A match, on whatever page. Returns how many there were before. */
static size_t count(struct dure_query *query, int64_t value)
{
    query->summed = dure_query_add(query->summed, value);
    return query->scan->seen++;
}

/* Unsorted: the next match in the order of ids. True: enough. */
static bool emit(struct dure_query *query, int64_t id, int64_t value)
{
    struct dure_query_scan *scan = query->scan;
    size_t rank = count(query, value);
    if (query->ids_count == scan->cap)
        query->more = true;
    else if (rank >= scan->skip)
        query->ids[query->ids_count++] = id;
    return enough(query);
}

/* Sorted: keeps the best (page + 1) x size. */
static void offer(struct dure_query *query, const struct entry *entry, int64_t value)
{
    struct dure_query_scan *scan = query->scan;
    count(query, value);
    scan->rv = dure_best_offer(&scan->best, entry);
}

static void cut_page(struct dure_query *query)
{
    struct dure_best *best = &query->scan->best;
    dure_best_sort(best);
    for (size_t i = query->scan->skip; i < best->count && query->ids_count < query->scan->cap; i++) {
        const struct entry *entry = dure_best_at(best, i);
        if (query->keys != NULL)
            memcpy(query->keys + query->ids_count * query->key_bytes, entry->keys,
                   query->key_bytes);
        query->ids[query->ids_count++] = entry->id;
    }
}

/* The overlay's share up to (in the order of the walk) `id`; *covered: it has a say about it. */
static bool merge_overlay(struct dure_query *query, int64_t id, bool to_end, bool *covered)
{
    struct dure_query_scan *scan = query->scan;
    *covered = false;
    while (scan->overlay_at < query->overlay_count) {
        const struct dure_query_overlay *item = &query->overlay[scan->overlay_at];
        bool later = scan->descending ? item->id < id : item->id > id;
        if (!to_end && later) return false;
        scan->overlay_at++;
        *covered = !to_end && item->id == id;
        if (item->shown && emit(query, item->id, item->value)) return true;
        if (*covered) return false;
    }
    return false;
}

/* Sorted: the overlay is in the heap already; its rows do not count. */
static bool is_covered(const struct dure_query *query, int64_t id)
{
    struct dure_query_overlay key = {.id = id};
    return query->overlay_count > 0 &&
           bsearch(&key, query->overlay, query->overlay_count, sizeof key, by_id) != NULL;
}

static bool read_row(struct dure_query *query, const void *row, size_t len)
{
    struct dure_query_scan *scan = query->scan;
    struct dure_actor_head head = {0};
    scan->rv = dure_row_unpack(query->type, &head, scan->state, row, len);
    return scan->rv == 0 && head.exists && matches(query, scan->state);
}

static int visit_row(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct dure_query *query = arg;
    struct dure_query_scan *scan = query->scan;
    (void)type;
    if (sorted(query)) {
        if (is_covered(query, id) || !read_row(query, row, len)) return scan->rv;
        struct entry *probe = (struct entry *)(void *)scan->probe;
        take_keys(query, scan->state, id, probe);
        offer(query, probe, value_of(query, scan->state));
        return scan->rv;
    }
    bool covered;
    if (merge_overlay(query, id, false, &covered)) return 1;
    if (covered || (!plain(query) && !read_row(query, row, len))) return scan->rv;
    return emit(query, id, value_of(query, scan->state)) ? 1 : 0;
}

/* ---- By index ------------------------------------------------------------------------------- */

/* The first filter on an indexed field, as a field number; -1: none. */
static int indexed_filter(const struct dure_query *query)
{
    for (size_t i = 0; i < query->filters_count; i++) {
        if (query->filters[i]->flags & DURE_INDEXED)
            return (int)(query->filters[i] - query->type->schema->fields);
    }
    return -1;
}

static int visit_index(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct dure_query_scan *scan = ((struct dure_query *)arg)->scan;
    (void)type;
    (void)row;
    (void)len;
    scan->batch[scan->batch_count++] = id;
    return scan->batch_count == INDEX_BATCH;
}

static int visit_one(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct dure_query *query = arg;
    if (id != query->scan->wanted_id) return 1; /* It has gone meanwhile. */
    int rv = visit_row(query, type, id, row, len);
    return rv != 0 ? rv : 1;
}

/* Ids come from the index in batches; each row is looked at again, since texts are hashed and
 * there may be more filters. No scan runs within another one's visit. */
static int walk_index(struct dure_query *query, int field)
{
    struct dure_query_scan *scan = query->scan;
    const struct dure_field *indexed = &query->type->schema->fields[field];
    uint64_t value = dure_field_index_value(indexed, query->wanted);
    int64_t from = query->by_after ? query->after + 1 : INT64_MIN;
    bool done = false;
    do {
        scan->batch_count = 0;
        int rv = query->rows->ops->scan_index(query->rows, query->type->code, (uint16_t)field,
                                              value, from, visit_index, query);
        if (rv < 0) return rv;
        for (size_t i = 0; i < scan->batch_count && !done; i++) {
            scan->wanted_id = scan->batch[i];
            rv = query->rows->ops->scan(query->rows, DURE_TABLE_ROW, query->type->code,
                                        scan->wanted_id, false, visit_one, query);
            if (rv < 0) return rv;
            done = !sorted(query) && enough(query);
        }
        if (scan->batch_count > 0) from = scan->batch[scan->batch_count - 1] + 1;
    } while (scan->batch_count == INDEX_BATCH && !done);
    return 0;
}

/* A filter on the id itself names the one row. */
static bool one_id(const struct dure_query *query, int64_t *id)
{
    for (size_t i = 0; i < query->filters_count; i++) {
        const struct dure_field *field = query->filters[i];
        if (!(field->flags & DURE_ID) || field->kind != DURE_INT) continue;
        memcpy(id, (const char *)query->wanted + field->offset, sizeof *id);
        return true;
    }
    return false;
}

static int walk_rows(struct dure_query *query)
{
    struct dure_query_scan *scan = query->scan;
    if (one_id(query, &scan->wanted_id)) {
        if (query->by_after && scan->wanted_id <= query->after) return 0;
        return query->rows->ops->scan(query->rows, DURE_TABLE_ROW, query->type->code,
                                      scan->wanted_id, false, visit_one, query);
    }
    int64_t from = scan->descending ? INT64_MAX : INT64_MIN;
    if (query->by_after) from = query->after + 1;
    return query->rows->ops->scan(query->rows, DURE_TABLE_ROW, query->type->code, from,
                                  scan->descending, visit_row, query);
}

static void run(struct dure_work *work)
{
    struct dure_query *query =
        (struct dure_query *)((char *)work - offsetof(struct dure_query, work));
    struct dure_query_scan *scan = query->scan;
    if (sorted(query)) {
        for (size_t i = 0; i < query->overlay_count && scan->rv == 0; i++) {
            const char *at = scan->overlay_keys + query->overlay[i].entry * scan->best.entry_bytes;
            if (query->overlay[i].shown)
                offer(query, (const struct entry *)(const void *)at, query->overlay[i].value);
        }
    }
    int field = scan->descending ? -1 : indexed_filter(query);
    int rv = field >= 0 ? walk_index(query, field) : walk_rows(query);
    if (rv > 0) rv = 0;
    if (rv == 0) rv = scan->rv;
    bool covered;
    if (rv == 0 && sorted(query))
        cut_page(query);
    else if (rv == 0)
        merge_overlay(query, 0, true, &covered);
    if (rv == 0 && query->total < 0 && !query->by_after) query->total = (int64_t)scan->seen;
    query->rv = rv;
}

/* ---- Start and end -------------------------------------------------------------------------- */

static void finished(struct dure_work *work)
{
    struct dure_query *query =
        (struct dure_query *)((char *)work - offsetof(struct dure_query, work));
    running--;
    query->outdated = query->rt->metrics.failed_appends != query->failed_appends;
    query->done(query);
}

/* An id as the only sort key is the order of the walk itself. */
static void simplify(struct dure_query *query)
{
    struct dure_query_scan *scan = query->scan;
    for (size_t i = 0; i < query->sorts_count; i++) {
        if (!(query->sorts[i].field->flags & DURE_ID)) continue;
        query->sorts_count = i + 1; /* Nothing behind it decides anything. */
        if (i > 0) return;
        if (query->sorts[0].descending && indexed_filter(query) >= 0) return; /* Few: sort them. */
        scan->descending = query->sorts[0].descending && !query->by_after;
        query->sorts_count = 0;
    }
}

static int prepare(struct dure_query *query)
{
    struct dure_query_scan *scan = query->scan = calloc(1, sizeof *scan);
    if (scan == NULL) return DURE_ENOMEM;
    scan->query = query;
    simplify(query);
    size_t offset = 0;
    for (size_t i = 0; i < query->sorts_count; i++) {
        scan->keys[i] = *query->sorts[i].field;
        scan->keys[i].offset = (uint32_t)offset;
        offset += (scan->keys[i].size + 7u) & ~7u;
    }
    scan->best = (struct dure_best){.entry_bytes = sizeof(struct entry) + offset,
                                    .max = (query->page + 1) * query->size,
                                    .compare = compare,
                                    .arg = query};
    if (sorted(query) && scan->best.max * scan->best.entry_bytes > SORT_BYTES_MAX)
        return DURE_EINVAL;
    bool part = query->whole && !query->by_after;
    scan->skip = query->by_after || query->whole ? 0 : query->page * query->size;
    scan->cap = part ? (query->page + 1) * query->size : query->size;
    query->key_bytes = query->whole && sorted(query) ? offset : 0;
    bool chosen = query->filters_count > 0 || query->near != NULL || query->sum != NULL;
    scan->counts = chosen && !query->by_after;
    scan->probe = malloc(scan->best.entry_bytes);
    scan->state = aligned_alloc(16, (query->type->state_size + 15) & ~(size_t)15);
    query->ids = malloc(scan->cap * sizeof *query->ids);
    if (query->key_bytes > 0) query->keys = malloc(scan->cap * query->key_bytes);
    bool fine = scan->probe != NULL && scan->state != NULL && query->ids != NULL &&
                (query->keys != NULL || query->key_bytes == 0);
    return fine ? 0 : DURE_ENOMEM;
}

int dure_query_start(struct dure_runtime *rt, struct dure_query *query)
{
    DURE_ASSERT(query->size >= 1 && query->size <= DURE_PAGE_SIZE_MAX);
    DURE_ASSERT(query->filters_count == 0 || query->wanted != NULL);
    if (!query->by_after && query->page > DURE_PAGE_DEPTH_MAX / query->size) return DURE_EINVAL;
    if (running >= DURE_QUERIES_MAX) return DURE_EBUSY;
    if (query->by_after && query->after == INT64_MAX) query->after--;
    int rv = prepare(query);
    if (rv != 0) return rv;
    query->rows = rt->rows;
    query->rt = rt;
    query->failed_appends = rt->metrics.failed_appends;
    query->total = plain(query) ? rt->counters[query->type->index].count : -1;
    take_overlay(rt, query);
    if (query->rv != 0) return query->rv;
    query->work = (struct dure_work){.run = run, .done = finished};
    running++;
    rt->io->work(rt->io, &query->work);
    return 0;
}

void dure_query_fini(struct dure_query *query)
{
    if (query->scan != NULL) {
        dure_best_fini(&query->scan->best);
        free(query->scan->overlay_keys);
        free(query->scan->probe);
        free(query->scan->state);
        free(query->scan);
    }
    free(query->overlay);
    free(query->ids);
    free(query->keys);
    query->keys = NULL;
    query->scan = NULL;
    query->overlay = NULL;
    query->ids = NULL;
}
