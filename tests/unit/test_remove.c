/*
 * What was removed is gone, and what is made under its id afterwards is new: its state, version,
 * history and timer begin anew, whether the old one is still in memory, was passivated, or is replayed.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 2);
    world.no_checkpoints = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void add(int64_t amount)
{
    world_do(&world, &village_add, 1, &(struct village_add){amount}, 200);
}

static void remove_it(void)
{
    world_remove(&world, &village_counter, 1, 200);
    assert_null(world_state(&world, &village_counter, 1));
    assert_int_equal(world.rt->counters[village_counter.type->index].count, 0);
}

static const struct village_counter *counter(void)
{
    const struct village_counter *state = world_state(&world, &village_counter, 1);
    assert_non_null(state);
    return state;
}

static size_t events(void)
{
    struct dure_buf json = {0};
    size_t count = 0;
    world_history(&world, &village_counter, 1, &json);
    for (size_t i = 0; i < json.len; i++) count += json.data[i] == '{' && json.data[i + 1] == '"';
    dure_buf_fini(&json);
    return count / 2; /* Envelope and data. */
}

/* What happens between two steps: nothing, the actor is written back, its memory goes, the node
 * crashes, or both in either order. */
#define BETWEEN 6
static void between(int what)
{
    int64_t budget = world.rt->options.memory_bytes;
    switch (what) {
    case 0: break;
    case 1: world_checkpoint(&world); break;
    case 2:
        world_checkpoint(&world);
        world.rt->options.memory_bytes = 0;
        dure_actor_passivate(world.rt);
        world.rt->options.memory_bytes = budget;
        break;
    case 3: world_crash(&world); break;
    case 4: world_checkpoint(&world); world_crash(&world); break;
    default: world_crash(&world); world_checkpoint(&world); break;
    }
}

/* Two lives; everything about the second one is the same, whatever lies between and before. */
static void test_second_life(void **state)
{
    (void)state;
    for (int one = 0; one < BETWEEN * BETWEEN * BETWEEN; one++) {
        teardown(NULL);
        setup(NULL);
        add(5);
        add(6);
        world_do(&world, &village_alarm, 1, &(struct village_add){world_now_ms + 1000}, 200);
        between(one % BETWEEN);
        assert_int_equal(counter()->sum, 11);
        remove_it();
        between(one / BETWEEN % BETWEEN);
        add(3);
        between(one / BETWEEN / BETWEEN);
        assert_int_equal(counter()->sum, 3);
        assert_int_equal(world_version(&world, &village_counter, 1), 1);
        assert_int_equal(events(), 1);
        world_pass(&world, 5000);
        assert_int_equal(counter()->wakes, 0);
        assert_int_equal(world.rt->timers_count, 0);
        assert_int_equal(world.rt->counters[village_counter.type->index].count, 1);
    }
}

/* A removal that could not be written gives everything back: state, version, history and timer. */
static void test_undone(void **state)
{
    (void)state;
    add(5);
    world_do(&world, &village_alarm, 1, &(struct village_add){world_now_ms + 1000}, 200);
    uint64_t version = world_version(&world, &village_counter, 1);
    struct world_ask ask = {0};
    struct dure_edit edit = {.remove = true};
    struct dure_command none = {.name = "remove", .aggregate = &village_counter};
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    assert_int_equal(world_ask_try(&world, &ask, &none, 1, NULL, false), 0);
    ask.ask.command = NULL;
    ask.ask.data = &edit;
    world_run(&world);
    assert_int_equal(ask.rv, DURE_ENOSPC);
    assert_int_equal(counter()->sum, 5);
    assert_int_equal(world_version(&world, &village_counter, 1), version);
    assert_int_equal(events(), 1);
    assert_int_equal(world.rt->timers_count, 1);
    world_pass(&world, 1000);
    assert_int_equal(counter()->wakes, 1);
}

/* Nobody is left to remove or to command; the id of a removed one is not given again. */
static void test_gone(void **state)
{
    (void)state;
    world_remove(&world, &village_counter, 1, 404);
    for (int crash = 0; crash < 2; crash++) {
        int64_t id = world_do(&world, &village_add, DURE_NEW, &(struct village_add){1}, 200);
        world_remove(&world, &village_counter, id, 200);
        if (crash) world_checkpoint(&world);
        if (crash) world_crash(&world);
        world_remove(&world, &village_counter, id, 404);
        world_do(&world, &village_alarm, id, &(struct village_add){1}, 404);
        assert_int_equal(world_do(&world, &village_add, DURE_NEW, &(struct village_add){1}, 200),
                         id + 1);
    }
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_second_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
