/*
 * Proves that every page of every query is what sorting and filtering all actors at once gives,
 * wherever they lie: in rows, changed since, or both. The seed is printed first; a failing run is
 * repeated by giving it as the argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/query.h"

#define IDS 300
#define ROUNDS 400

struct thing {
    int64_t id;
    int64_t price;
    char name[16];
    uint8_t status;
};

static const char *const statuses[] = {NULL, "new", "done", NULL};
static const struct dure_field fields[] = {
    DURE_FIELD(struct thing, id, "id", DURE_INT, .flags = DURE_ID),
    DURE_FIELD(struct thing, price, "price", DURE_INT, .flags = DURE_INDEXED),
    DURE_FIELD(struct thing, name, "name", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct thing, status, "status", DURE_ENUM, .texts = statuses),
};
static const struct dure_schema schema = DURE_SCHEMA("Thing", struct thing, fields);
static struct dure_type type = {.kind = DURE_KIND_AGGREGATE,
                                .code = 7,
                                .schema = &schema,
                                .state_size = sizeof(struct thing),
                                .name = "test.thing"};

static uint64_t seed;

static size_t below(size_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX. */
    return (size_t)(seed >> 33) % limit;
}

/* ---- A runtime of which only queries see anything ------------------------------------------- */

static struct dure_work *queued;

static void queue_work(struct dure_io *io, struct dure_work *work)
{
    (void)io;
    assert_null(queued);
    queued = work;
}

static struct dure_io io = {.work = queue_work};
static struct dure_runtime rt = {.io = &io};
static struct dure_actor *actors[IDS];
static struct thing things[IDS]; /* As they are; id 0: does not exist. */

/* Half of the changed ones are in a checkpoint that is being written. */
void dure_checkpoint_writing(struct dure_runtime *runtime,
                             void (*visit)(void *arg, struct dure_actor *actor), void *arg)
{
    (void)runtime;
    for (int i = 0; i < IDS; i++) {
        if (actors[i] != NULL && actors[i]->copies) visit(arg, actors[i]);
    }
}

static void pack(void *arg, const struct dure_row_write *write, struct dure_buf *out)
{
    (void)arg;
    struct dure_actor_head head = {.exists = 1, .due_ms = DURE_NULL};
    dure_row_pack(&type, &head, write->value, out);
}

static size_t list_keys(void *arg, uint32_t code, const void *row, size_t len,
                        struct dure_index_key *keys)
{
    (void)arg;
    (void)code;
    struct thing thing;
    struct dure_actor_head head;
    assert_int_equal(dure_row_unpack(&type, &head, &thing, row, len), 0);
    keys[0] = (struct dure_index_key){1, dure_field_index_value(&fields[1], &thing)};
    return 1;
}

static void written(void *arg, int rv)
{
    (void)arg;
    assert_int_equal(rv, 0);
}

static void random_thing(struct thing *thing, int64_t id)
{
    dure_schema_init(&schema, thing);
    thing->id = id;
    if (below(5) > 0) thing->price = (int64_t)below(6) - 2;
    snprintf(thing->name, sizeof thing->name, "n%zu", below(8));
    thing->status = (uint8_t)below(3);
}

static void fill(void)
{
    struct dure_store_options options = {.codec = {.pack = pack, .index = list_keys}};
    assert_int_equal(dure_rows_memory_open(&rt.rows, &options), 0);
    struct dure_row_write writes[IDS];
    struct thing rows[IDS];
    size_t count = 0;
    memset(things, 0, sizeof things);
    rt.counters[0].count = 0;
    rt.dirty = NULL;
    rt.dirty_last = &rt.dirty;
    for (int i = 0; i < IDS; i++) {
        bool stored = below(3) > 0, changed = below(3) == 0;
        if (stored) {
            random_thing(&rows[i], i + 1);
            writes[count++] = (struct dure_row_write){.table = DURE_TABLE_ROW,
                                                      .type = type.code,
                                                      .id = i + 1,
                                                      .value = &rows[i],
                                                      .value_len = 1,
                                                      .encode = true};
            things[i] = rows[i];
        }
        if (changed) {
            struct dure_actor *actor = actors[i] = calloc(1, sizeof *actor + sizeof(struct thing));
            *actor = (struct dure_actor){.type = &type, .id = i + 1};
            actor->head.exists = below(3) > 0;
            actor->copies = below(2) == 0;
            random_thing((struct thing *)(void *)actor->state, i + 1);
            if (!actor->copies || below(2) == 0) {
                *rt.dirty_last = actor;
                rt.dirty_last = &actor->dirty_next;
            }
            memset(&things[i], 0, sizeof things[i]);
            if (actor->head.exists) memcpy(&things[i], actor->state, sizeof things[i]);
        }
        if (things[i].id != 0) rt.counters[0].count++;
    }
    rt.rows->ops->write(rt.rows, writes, count, written, NULL);
    rt.rows->ops->poll(rt.rows);
}

static void empty(void)
{
    for (int i = 0; i < IDS; i++) {
        free(actors[i]);
        actors[i] = NULL;
    }
    rt.rows->ops->close(rt.rows);
}

/* ---- The model ------------------------------------------------------------------------------ */

static const struct dure_query *asked;

static int model_order(const void *a, const void *b)
{
    const struct thing *left = a, *right = b;
    for (size_t i = 0; !asked->by_after && i < asked->sorts_count; i++) {
        int order = dure_field_compare(asked->sorts[i].field, left, right);
        if (order != 0) return asked->sorts[i].descending ? -order : order;
    }
    return left->id < right->id ? -1 : left->id > right->id;
}

static size_t model(struct thing found[IDS])
{
    size_t count = 0;
    for (int i = 0; i < IDS; i++) {
        bool fits = things[i].id != 0 && (!asked->by_after || things[i].id > asked->after);
        for (size_t j = 0; fits && j < asked->filters_count; j++)
            fits = dure_field_equal(asked->filters[j], &things[i], asked->wanted);
        if (fits) found[count++] = things[i];
    }
    qsort(found, count, sizeof found[0], model_order);
    return count;
}

static int64_t model_sum(const struct thing found[IDS], size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; asked->sum != NULL && i < count; i++)
        sum += found[i].price == DURE_NULL ? 0 : found[i].price;
    return sum;
}

static bool finished;

static void done(struct dure_query *query)
{
    (void)query;
    finished = true;
}

static void run(struct dure_query *query)
{
    finished = false;
    assert_int_equal(dure_query_start(&rt, query), 0);
    assert_false(finished);
    struct dure_work *work = queued;
    queued = NULL;
    work->run(work);
    work->done(work);
    assert_true(finished);
    assert_int_equal(query->rv, 0);
}

static void check(const struct dure_query *proto)
{
    struct thing found[IDS];
    struct dure_query query = *proto;
    asked = proto;
    size_t count = model(found);
    run(&query);
    size_t from = proto->by_after ? 0 : proto->page * proto->size;
    size_t expected = from >= count ? 0 : count - from < proto->size ? count - from : proto->size;
    assert_int_equal(query.ids_count, expected);
    for (size_t i = 0; i < expected; i++) assert_int_equal(query.ids[i], found[from + i].id);
    if (!proto->by_after) assert_int_equal(query.total, count);
    assert_int_equal(query.summed, model_sum(found, count));
    dure_query_fini(&query);
}

/* A part of a list over several nodes: all up to the end of the page, with keys that sort them. */
static void check_whole(const struct dure_query *proto)
{
    struct thing found[IDS];
    struct dure_query query = *proto;
    query.whole = true;
    asked = proto;
    size_t count = model(found);
    run(&query);
    size_t end = proto->by_after ? proto->size : (proto->page + 1) * proto->size;
    assert_int_equal(query.ids_count, count < end ? count : end);
    for (size_t i = 0; i < query.ids_count; i++) assert_int_equal(query.ids[i], found[i].id);
    for (size_t i = 1; i < query.ids_count; i++) {
        const char *before = query.keys + (i - 1) * query.key_bytes;
        const char *keys = query.keys + i * query.key_bytes;
        int order = dure_query_compare(&query, before, query.ids[i - 1], keys, query.ids[i]);
        assert_true(order < 0);
        assert_true(dure_query_compare(&query, keys, query.ids[i], before, query.ids[i - 1]) > 0);
    }
    if (!proto->by_after) assert_int_equal(query.total, count);
    assert_int_equal(query.summed, model_sum(found, count));
    dure_query_fini(&query);
}

static void test_against_model(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 20 == 0) fill();
        struct thing wanted;
        random_thing(&wanted, (int64_t)below(IDS) + 1);
        struct dure_query query = {.type = &type, .wanted = &wanted, .done = done};
        query.size = below(4) == 0 ? 1000 : 1 + below(20);
        query.page = below(6);
        query.by_after = below(4) == 0;
        if (!query.by_after && below(2) == 0) query.sum = &fields[1];
        query.after = (int64_t)below(IDS + 10);
        for (size_t i = 1 - below(8) / 7; i < 4; i++) {
            if (below(3) == 0) query.filters[query.filters_count++] = &fields[i];
        }
        for (size_t i = below(4); i > 0; i--)
            query.sorts[query.sorts_count++] =
                (struct dure_query_sort){&fields[below(4)], below(2) == 0};
        check(&query);
        check_whole(&query);
        if (round % 20 == 19) empty();
    }
}

static void test_sums_end(void **state)
{
    (void)state;
    assert_int_equal(dure_query_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(dure_query_add(INT64_MIN + 1, -5), INT64_MIN + 1); /* The lowest is NULL. */
    assert_int_equal(dure_query_add(INT64_MAX, -1), INT64_MAX - 1);
}

static void test_limits(void **state)
{
    (void)state;
    fill();
    struct dure_query deep = {.type = &type, .size = 1000, .page = 1001, .done = done};
    assert_int_equal(dure_query_start(&rt, &deep), DURE_EINVAL);
    dure_query_fini(&deep);
    struct dure_query last = {
        .type = &type, .by_after = true, .after = INT64_MAX, .size = 1, .done = done};
    run(&last);
    assert_int_equal(last.ids_count, 0);
    dure_query_fini(&last);
    empty();
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu: test_query %llu\n", (unsigned long long)seed, (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_sums_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
