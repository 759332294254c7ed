/*
 * Durable timers fire exactly once, in the order of their due times, whatever crashes in between.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void create(int64_t id)
{
    world_do(&world, &village_add, id, &(struct village_add){1}, 200);
}

static void alarm_in(int64_t id, int64_t ms)
{
    world_do(&world, &village_alarm, id, &(struct village_add){world_now_ms + ms}, 200);
}

static const struct village_counter *counter(int64_t id)
{
    const struct village_counter *state = world_state(&world, &village_counter, id);
    assert_non_null(state);
    return state;
}

/* A timer fires at its time, not before, and not again. */
static void test_fires_once(void **state)
{
    (void)state;
    create(1);
    alarm_in(1, 1000);
    int64_t due = world_now_ms + 1000;
    world_pass(&world, 999);
    assert_int_equal(counter(1)->wakes, 0);
    world_pass(&world, 1);
    assert_int_equal(counter(1)->wakes, 1);
    assert_int_equal(counter(1)->woken_at, due);
    world_pass(&world, 100000);
    assert_int_equal(counter(1)->wakes, 1);
}

/* Setting the timer again replaces it, earlier and later. */
static void test_replaced(void **state)
{
    (void)state;
    create(1);
    create(2);
    alarm_in(1, 5000);
    alarm_in(1, 1000);
    alarm_in(2, 1000);
    alarm_in(2, 5000);
    world_pass(&world, 1000);
    assert_int_equal(counter(1)->wakes, 1);
    assert_int_equal(counter(2)->wakes, 0);
    world_pass(&world, 4000);
    assert_int_equal(counter(1)->wakes, 1);
    assert_int_equal(counter(2)->wakes, 1);
}

/* A timer that was taken back never fires, neither in this life nor in the next. */
static void test_cancelled(void **state)
{
    (void)state;
    create(1);
    create(2);
    alarm_in(1, 1000);
    alarm_in(2, 1000);
    world_do(&world, &village_alarm, 1, &(struct village_add){DURE_NULL}, 200);
    world_checkpoint(&world); /* A row with a timer … */
    world_do(&world, &village_alarm, 2, &(struct village_add){DURE_NULL}, 200);
    world_crash(&world); /* … that the journal takes back, */
    world_checkpoint(&world);
    world_crash(&world); /* and then the row itself. */
    world_pass(&world, 5000);
    assert_int_equal(counter(1)->wakes, 0);
    assert_int_equal(counter(2)->wakes, 0);
    assert_int_equal(world.rt->timers_count, 0);
}

/* One that fell due while the node was down fires once at its start. */
static void test_due_while_down(void **state)
{
    (void)state;
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        int64_t id = 1 + checkpoint;
        create(id);
        alarm_in(id, 1000);
        if (checkpoint) world_checkpoint(&world);
        world_stop(&world, true, true);
        world_now_ms += 60000;
        world_reopen(&world);
        world_run(&world);
        assert_int_equal(counter(id)->wakes, 1);
        assert_int_equal(counter(id)->woken_at, world_now_ms);
        world_crash(&world);
        world_pass(&world, 60000);
        assert_int_equal(counter(id)->wakes, 1);
    }
}

/* The record of the firing is the only one that counts: a crash before it is durable fires again. */
static void test_crash_while_firing(void **state)
{
    (void)state;
    create(1);
    alarm_in(1, 1000);
    dure_journal_memory_hold(world.journal, true);
    world_now_ms += 1000;
    world_round(&world);
    assert_non_null(world.rt->writing);
    world_stop(&world, false, true); /* The append is lost. */
    world_reopen(&world);
    assert_int_equal(counter(1)->wakes, 0);
    world_run(&world);
    assert_int_equal(counter(1)->wakes, 1);
    world_pass(&world, 1000);
    assert_int_equal(counter(1)->wakes, 1);
}

/* A thousand timers, set in a random order, fire in the order of their times; crashes and
 * checkpoints in between change nothing. */
static void test_order(void **state)
{
    (void)state;
    enum { TIMERS = 1000 };
    int64_t start = world_now_ms, due[TIMERS];
    for (int64_t id = 1; id < TIMERS; id++) {
        create(id);
        due[id] = start + 1000 + (int64_t)world_random(5000);
        world_do(&world, &village_alarm, id, &(struct village_add){due[id]}, 200);
    }
    uint64_t first = world_head(&world) + 1;
    while (world_now_ms < start + 6000) {
        int64_t fired = world.rt->timers_count > 0 ? world.rt->timers[0]->head.due_ms : INT64_MAX;
        assert_true(fired > world_now_ms || world_now_ms == start);
        world_now_ms += (int64_t)world_random(300);
        if (world_random(4) == 0) world_checkpoint(&world);
        if (world_random(4) == 0) world_crash(&world);
        world_run(&world);
    }
    for (int64_t id = 1; id < TIMERS; id++) assert_int_equal(counter(id)->wakes, 1);

    /* The journal tells the order. */
    int64_t last = 0;
    size_t woken = 0;
    for (uint64_t index = first; index <= world_head(&world); index++) {
        size_t len, at = sizeof(struct dure_record_header);
        const char *record = dure_journal_memory_bytes(world.journal, index, &len);
        const void *body;
        const struct dure_entry *entry;
        while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
            const struct dure_entry_event *event = body;
            if (entry->kind != DURE_ENTRY_EVENT || event->event_code != village_woke.code) continue;
            assert_true(due[event->id] >= last);
            last = due[event->id];
            woken++;
        }
    }
    assert_int_equal(woken, TIMERS - 1);
}

/* A timer of an actor that was removed does not fire. */
static void test_removed(void **state)
{
    (void)state;
    create(1);
    alarm_in(1, 1000);
    world_remove(&world, &village_counter, 1, 200);
    world_checkpoint(&world);
    world_crash(&world);
    world_pass(&world, 5000);
    assert_null(world_state(&world, &village_counter, 1));
    create(1);
    world_pass(&world, 5000);
    assert_int_equal(counter(1)->wakes, 0);
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fires_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_due_while_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_while_firing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
