/*
 * The actor table finds exactly those that are in it, under any run of adding, removing and adding
 * again, through every growth, and removing leaves no trace that makes look-ups longer.
 */
#include "runtime/actor_table.h"

#include "tests/unit/world.h"

#define TYPES 3
#define IDS 4000

static struct dure_type types[TYPES] = {{.index = 0}, {.index = 1}, {.index = 127}};

/* The model: who is in it, by type and place in the list of ids. */
static struct dure_actor *model[TYPES][IDS];
static int64_t ids[IDS];

static struct dure_actor *make(struct dure_type *type, int64_t id)
{
    struct dure_actor *actor = calloc(1, sizeof *actor);
    actor->type = type;
    actor->id = id;
    return actor;
}

/* Each kind of ids that there are: in sequence, of one shard of many, of one shard from the top,
 * natural keys at random, negative ones and the ends of the range. */
static void make_ids(int kind)
{
    for (int64_t i = 0; i < IDS; i++) {
        switch (kind) {
        case 0: ids[i] = i + 1; break;
        case 1: ids[i] = 7 + i * 64; break;
        case 2: ids[i] = INT64_MAX - i * 1024; break;
        case 3: ids[i] = (int64_t)(world_random(1u << 30) << 20) + i; break;
        default: ids[i] = -i * 16; break;
        }
    }
}

static void check_all(const struct dure_actor_table *table, uint64_t count)
{
    assert_int_equal(table->count, count);
    for (int type = 0; type < TYPES; type++) {
        for (int i = 0; i < IDS; i++) {
            struct dure_actor *found = dure_actor_table_find(table, &types[type], ids[i]);
            assert_ptr_equal(found, model[type][i]);
        }
    }
    const struct dure_actor *actor;
    uint64_t at = 0, walked = 0;
    for (; (actor = dure_actor_table_next(table, &at)) != NULL; walked++) {
        assert_ptr_equal(dure_actor_table_find(table, actor->type, actor->id), actor);
    }
    assert_int_equal(walked, count);
}

static void assert_no_trace(const struct dure_actor_table *table)
{
    for (uint64_t i = 0; i <= table->mask; i++) {
        assert_int_equal(table->lines[i].passed, 0);
        for (int slot = 0; slot < DURE_ACTOR_LINE_SLOTS; slot++) {
            assert_null(table->lines[i].slots[slot]);
        }
    }
}

static uint64_t toggle(struct dure_actor_table *table, int type, int i, uint64_t count)
{
    struct dure_actor **there = &model[type][i];
    if (*there == NULL) {
        *there = make(&types[type], ids[i]);
        dure_actor_table_add(table, *there);
        return count + 1;
    }
    dure_actor_table_remove(table, *there);
    free(*there);
    *there = NULL;
    return count - 1;
}

static void run(int kind, int64_t made_for)
{
    struct dure_actor_table table;
    uint64_t count = 0;
    make_ids(kind);
    assert_int_equal(dure_actor_table_init(&table, made_for), 0);
    uint64_t lines = table.mask + 1;
    check_all(&table, 0);
    for (int step = 0; step < 30000; step++) {
        int type = (int)world_random(TYPES), i = (int)world_random(IDS);
        count = toggle(&table, type, i, count);
        assert_ptr_equal(dure_actor_table_find(&table, &types[type], ids[i]), model[type][i]);
        if (step % 6000 == 0) check_all(&table, count);
    }
    check_all(&table, count);
    if (made_for == 0) assert_true(table.mask + 1 > lines); /* It had to grow. */
    else assert_int_equal(table.mask + 1, lines);           /* It was made for them. */
    for (int type = 0; type < TYPES; type++) {
        for (int i = 0; i < IDS; i++) {
            if (model[type][i] != NULL) count = toggle(&table, type, i, count);
        }
    }
    check_all(&table, 0);
    assert_no_trace(&table);
    dure_actor_table_fini(&table);
}

static void test_against_model(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        run(kind, 0);
        run(kind, (int64_t)TYPES * IDS);
    }
}

/* Ids in a row, as they are given, take neighbouring lines: none of a full table has to go on. */
static void test_in_sequence(void **state)
{
    (void)state;
    struct dure_actor_table table;
    enum { ACTORS = 20000 };
    static struct dure_actor *actors[ACTORS];
    assert_int_equal(dure_actor_table_init(&table, ACTORS), 0);
    for (int64_t i = 0; i < ACTORS; i++) {
        actors[i] = make(&types[0], i + 1);
        dure_actor_table_add(&table, actors[i]);
    }
    uint64_t passed = 0;
    for (uint64_t i = 0; i <= table.mask; i++) passed += table.lines[i].passed;
    assert_true(passed < ACTORS / 10);
    for (int64_t i = 0; i < ACTORS; i++) {
        assert_ptr_equal(dure_actor_table_find(&table, &types[0], i + 1), actors[i]);
        assert_null(dure_actor_table_find(&table, &types[1], i + 1));
        free(actors[i]);
    }
    dure_actor_table_fini(&table);
}

int main(void)
{
    world_seed(20261121);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_in_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
