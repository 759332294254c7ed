/*
 * Under a memory budget that holds a fraction of the actors, nothing is lost and nothing is read old;
 * the budget is kept as soon as the checkpoints allow, and commands wait, or are refused, until then.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

#define IDS 3000
#define BUDGET (60 * 1024) /* Some 200 counters. */

static struct world world;
static int64_t model[IDS + 1];

static void open_small(void)
{
    world.rt->options.memory_bytes = BUDGET;
}

static int setup(void **state)
{
    (void)state;
    memset(model, 0, sizeof model);
    world_make(&world, 3);
    open_small();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static int64_t sum_of(int64_t id)
{
    const struct village_counter *counter = world_state(&world, &village_counter, id);
    return counter != NULL ? counter->sum : 0;
}

static void add(int64_t id)
{
    int64_t amount = 1 + (int64_t)world_random(9);
    world_do(&world, &village_add, id, &(struct village_add){amount}, 200);
    model[id] += amount;
}

/* Until the checkpoints have caught up. */
static void settle(void)
{
    for (int i = 0; i < 8; i++) world_pass(&world, DURE_CHECKPOINT_INTERVAL_MS);
    for (int i = 0; i < 20; i++) dure_actor_passivate(world.rt);
}

static void check_all(void)
{
    for (int64_t id = 1; id <= IDS; id++) assert_int_equal(sum_of(id), model[id]);
}

/* Adds and reads at random, crashes now and then: each read is of the last add. */
static void test_nothing_old(void **state)
{
    (void)state;
    uint64_t passivated = 0, loaded = 0;
    for (int round = 0; round < 6000; round++) {
        int64_t id = 1 + (int64_t)world_random(IDS);
        if (world_random(2)) add(id);
        else assert_int_equal(sum_of(id), model[id]);
        if (world_random(20) == 0) world_now_ms += 700;
        if (world_random(500) == 0) {
            passivated += world.rt->metrics.passivated;
            loaded += world.rt->metrics.loaded;
            world_crash(&world);
            open_small();
        }
    }
    settle();
    assert_true(world.rt->memory_bytes <= BUDGET);
    check_all();
    settle();
    assert_true(world.rt->memory_bytes <= BUDGET);
    assert_true(passivated > 1000 && loaded > 1000);
    int64_t count = 0;
    for (int64_t id = 1; id <= IDS; id++) count += model[id] > 0;
    assert_int_equal(world.rt->counters[village_counter.type->index].count, count);
}

/* The least recently used go first: who is asked all the time is never read again. */
static void test_least_recently_used(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 100; id++) add(id);
    settle();
    for (int64_t round = 0; round < 40; round++) {
        for (int64_t id = 1; id <= 20; id++) (void)sum_of(id);
        for (int64_t id = 101 + round * 50; id < 151 + round * 50; id++) add(id);
        world_pass(&world, DURE_CHECKPOINT_INTERVAL_MS);
    }
    uint64_t loaded = world.rt->metrics.loaded;
    for (int64_t id = 1; id <= 20; id++) assert_int_equal(sum_of(id), model[id]);
    assert_int_equal(world.rt->metrics.loaded, loaded);
    for (int64_t id = 21; id <= 40; id++) assert_int_equal(sum_of(id), model[id]);
    assert_int_equal(world.rt->metrics.loaded, loaded + 20);
}

/* Who has a timer stays, and wakes at its time; who is in a batch of a checkpoint, or has changes that
 * no row has, stays too. */
static void test_who_stays(void **state)
{
    (void)state;
    int64_t due = world_now_ms + 60000;
    for (int64_t id = 1; id <= 50; id++) {
        add(id);
        world_do(&world, &village_alarm, id, &(struct village_add){due}, 200);
    }
    for (int64_t id = 51; id <= 1000; id++) add(id);
    settle();
    assert_int_equal(world.rt->timers_count, 50);
    world_now_ms = due;
    world_run(&world);
    for (int64_t id = 1; id <= 50; id++) {
        const struct village_counter *counter = world_state(&world, &village_counter, id);
        assert_int_equal(counter->wakes, 1);
    }
    settle();
    dure_rows_memory_hold(world.rows, true);
    for (int64_t id = 1; id <= 400; id++) add(id);
    for (int i = 0; i < 4; i++) { /* Copied, and on the way. */
        world_pass(&world, DURE_CHECKPOINT_INTERVAL_MS);
        add(1);
    }
    for (int64_t id = 2; id <= 400; id++) {
        const struct dure_actor *actor = dure_actor_peek(world.rt, village_counter.type, id);
        assert_non_null(actor);
        assert_true(actor->copies > 0 || actor->dirty);
    }
    assert_true(world.rt->memory_bytes > BUDGET);
    dure_rows_memory_hold(world.rows, false);
    settle();
    assert_true(world.rt->memory_bytes <= BUDGET);
    check_all();
}

/* Submits up to `most`, one round each; how many were answered in the end without rows. */
static struct world_ask asks[IDS];
static int submit_until(int most, int *rv)
{
    for (int i = 0; i < most; i++) {
        asks[i] = (struct world_ask){0};
        *rv = world_ask_try(&world, &asks[i], &village_add, i + 1, &(struct village_add){1}, false);
        if (*rv != 0) return i;
        model[i + 1]++;
        world_round(&world);
    }
    return most;
}

static int answered(int count)
{
    int done = 0;
    for (int i = 0; i < count; i++) done += asks[i].released;
    return done;
}

/* Rows that are slow: commands wait in the intake, and go on as they come through. */
static void test_slow_rows(void **state)
{
    (void)state;
    int rv;
    dure_rows_memory_hold(world.rows, true);
    assert_int_equal(submit_until(2000, &rv), 2000);
    assert_true(dure_ask_held_back(world.rt));
    int before = answered(2000);
    assert_true(before > 200 && before < 2000);
    world_round(&world);
    assert_int_equal(answered(2000), before);
    assert_true(world.rt->memory_bytes < 4 * BUDGET + 1024 * 1024);
    dure_rows_memory_hold(world.rows, false);
    for (int i = 0; i < 100 && answered(2000) < 2000; i++) world_pass(&world, 500);
    assert_int_equal(answered(2000), 2000);
    check_all();
}

/* Rows whose disk is full: commands are refused with 507 at the door, reads go on, and it resumes. */
static void test_full_rows(void **state)
{
    (void)state;
    int rv = 0, count = 0;
    for (; count < 2000 && rv == 0; count++) {
        dure_rows_memory_fail(world.rows, DURE_ENOSPC);
        asks[count] = (struct world_ask){0};
        rv = world_ask_try(&world, &asks[count], &village_add, count + 1,
                           &(struct village_add){1}, false);
        if (rv == 0) model[count + 1]++;
        world_now_ms += 10;
        world_round(&world);
    }
    assert_int_equal(rv, DURE_ENOSPC);
    assert_int_equal(dure_error_info(rv)->http_status, 507);
    assert_true(dure_checkpoint_failing(world.rt));
    for (int64_t id = 1; id <= 100; id++) assert_int_equal(sum_of(id), model[id]);
    dure_rows_memory_fail(world.rows, 0);
    settle();
    assert_false(dure_checkpoint_failing(world.rt));
    assert_int_equal(answered(count - 1), count - 1);
    add(1);
    settle();
    assert_true(world.rt->memory_bytes <= BUDGET);
    check_all();
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_least_recently_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_rows, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
