/*
 * A batch of rows is cut out of the dirty actors slice by slice, while they go on being changed: each
 * of them is in it once at most, and what a crash leaves is what was there.
 */
#include "tests/unit/journey.h"
#include "tests/unit/world.h"

#define BASE 100000 /* Of the parties. */
#define MANY (DURE_CHECKPOINT_SLICE + 100)
#define FEW 50

static struct world world;
static struct world_ask asks[MANY];

static int setup(void **state)
{
    (void)state;
    world_make(&world, 2);
    world.no_checkpoints = true;
    for (int64_t i = 0; i < 4; i++) {
        world_do(&world, &journey_mood, BASE + i, &(struct journey_mood){0}, 200);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

/* Travellers first … first + count - 1 begin their trips. */
static void start(int64_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        world_ask(&world, &asks[i], &journey_start, first + (int64_t)i,
                  &(struct journey_start){JOURNEY_TRIP, BASE, 1});
    }
}

/* Sagas that end before they have ever been written leave the dirty actors, while actors that the
 * batch has already are changed again: it must not go on into these. (The rows assert that no key
 * stands in a batch twice.) */
static void test_once(void **state)
{
    (void)state;
    start(1, MANY);
    world_run(&world);
    dure_journal_memory_hold(world.journal, true);
    start(1 + MANY, FEW); /* Their sagas begin and end in a record that is not on disk yet. */
    dure_turn_run(world.rt);
    assert_non_null(world.rt->writing);
    world_now_ms += DURE_CHECKPOINT_INTERVAL_MS;
    dure_turn_run(world.rt); /* Its time is the checkpoint's. */
    dure_checkpoint_step(world.rt); /* The first slice. */
    size_t dirty = world.rt->dirty_count;
    assert_true(dirty > FEW);
    dure_journal_memory_hold(world.journal, false);
    world_run(&world); /* The sagas go. */
    assert_true(world.rt->dirty_count <= dirty - FEW);
    start(1, 2 * FEW); /* These are in the batch. */
    world_run(&world);
    world.no_checkpoints = false;
    for (int i = 0; i < 10; i++) world_round(&world);
    assert_int_equal(world.rt->metrics.checkpoints, 1);
    assert_true(world.rt->dirty_count >= 2 * FEW);

    char *before = world_printed(&world);
    world_crash(&world);
    char *after = world_printed(&world);
    world_assert_same(after, before);
    free(before);
    free(after);
}

static int init(void **state)
{
    (void)state;
    return dure_registry_init(journey_systems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_once, setup, teardown)};
    return cmocka_run_group_tests(tests, init, NULL);
}
