/*
 * A projection gets every committed event of its kinds, in order and exactly once, and a rebuild from
 * nothing gives the same rows byte for byte.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

/* What the view must show, kept by the test: in the order in which commands were acknowledged. */
static struct village_tally expected[10];

static void expect_added(int64_t id, int64_t amount)
{
    struct village_tally *tally = &expected[id % 10];
    tally->count++;
    tally->sum += amount;
    tally->order = (int64_t)((uint64_t)tally->order * 31 + (uint64_t)amount) % 1000000007;
}

static void check_tallies(void)
{
    for (int64_t id = 0; id < 10; id++) {
        const struct village_tally *row = world_state(&world, &village_tally, id);
        if (row == NULL) {
            assert_int_equal(expected[id].count, 0);
            continue;
        }
        assert_int_equal(row->count, expected[id].count);
        assert_int_equal(row->sum, expected[id].sum);
        assert_int_equal(row->order, expected[id].order);
    }
}

static void ask_something(struct world_ask *ask)
{
    int64_t id = 1 + (int64_t)world_random(30), amount = 1 + (int64_t)world_random(1000);
    world_ask(&world, ask, world_random(3) == 0 ? &village_pass : &village_add, id,
              &(struct village_add){amount});
}

static void note(const struct world_ask *ask)
{
    int64_t amount = ((const struct village_add *)(const void *)ask->payload)->amount;
    expect_added(ask->id, amount);
    if (ask->ask.command == &village_pass) expect_added(ask->id + 1, amount);
}

/* Many events of one record and of many records, crashes between and within them, with and without
 * the append on disk, checkpoints at random: no event is missing, doubled or out of order. */
static void test_exactly_once(void **state)
{
    (void)state;
    memset(expected, 0, sizeof expected);
    for (int round = 0; round < 300; round++) {
        struct world_ask asks[8];
        size_t count = 1 + world_random(8);
        for (size_t i = 0; i < count; i++) ask_something(&asks[i]);
        bool crash = world_random(3) == 0, written = world_random(2) == 0;
        if (crash) dure_journal_memory_hold(world.journal, true);
        if (crash) {
            dure_turn_run(world.rt); /* One group takes them all. */
            for (size_t i = 0; i < count; i++) assert_int_equal(asks[i].decided, 1);
            if (world_random(2) == 0) dure_checkpoint_step(world.rt);
            world_stop(&world, written, world_random(2) == 0);
            world_reopen(&world);
        } else {
            world_run(&world);
        }
        for (size_t i = 0; (!crash || written) && i < count; i++) note(&asks[i]);
        check_tallies();
        if (world_random(10) == 0) world_checkpoint(&world);
        world_now_ms += (int64_t)world_random(1500);
    }
}

/* A crash at every record of a run, each replayed to its end. */
static void test_every_record(void **state)
{
    (void)state;
    enum { ASKS = 40 };
    for (uint64_t crash_at = 1; crash_at <= ASKS; crash_at++) {
        teardown(NULL);
        setup(NULL);
        world_seed_set(crash_at);
        memset(expected, 0, sizeof expected);
        for (uint64_t i = 1; i <= ASKS; i++) {
            struct world_ask ask;
            ask_something(&ask);
            world_run(&world);
            note(&ask);
            if (i % 16 == 8) world_checkpoint(&world);
            if (i == crash_at) world_crash(&world);
        }
        check_tallies();
    }
}

/* An event without a row is passed over where the projection does not create; once there is a row,
 * it counts. */
static void test_creates(void **state)
{
    (void)state;
    world_do(&world, &village_add, 7, &(struct village_add){1}, 200);
    assert_null(world_state(&world, &village_echo, 7));
    world_do(&world, &village_tell, 7, &(struct village_add){1}, 200);
    world_do(&world, &village_add, 7, &(struct village_add){1}, 200);
    world_do(&world, &village_add, 7, &(struct village_add){1}, 200);
    const struct village_echo *row = world_state(&world, &village_echo, 7);
    assert_int_equal(row->told, 1);
    assert_int_equal(row->added, 2);
    /* The policy's add at 1007 has no row either. */
    assert_null(world_state(&world, &village_echo, 7 + VILLAGE_TOLD));
    world_crash(&world);
    row = world_state(&world, &village_echo, 7);
    assert_int_equal(row->told, 1);
    assert_int_equal(row->added, 2);
}

/* What the disk does not take, no view shows. */
static void test_full_disk(void **state)
{
    (void)state;
    struct world_ask ask;
    world_do(&world, &village_add, 1, &(struct village_add){5}, 200);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_ask(&world, &ask, &village_add, 1, &(struct village_add){8});
    world_run(&world);
    assert_int_equal(ask.rv, DURE_ENOSPC);
    assert_int_equal(((const struct village_tally *)world_state(&world, &village_tally, 1))->sum, 5);
}

static int dump_row(void *arg, uint32_t type, int64_t id, const void *row, size_t len)
{
    struct dure_buf *out = arg;
    dure_buf_add(out, &type, sizeof type);
    dure_buf_add(out, &id, sizeof id);
    dure_buf_add(out, &len, sizeof len);
    dure_buf_add(out, row, len);
    return 0;
}

/* Every byte of every row of every type. */
static void dump_rows(struct world *from, struct dure_buf *out)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        uint32_t code = dure_registry_type(i)->code;
        assert_int_equal(from->rows->ops->scan(from->rows, DURE_TABLE_ROW, code, INT64_MIN, false,
                                               dump_row, out), 0);
    }
}

static void appended(void *arg, int rv)
{
    *(int *)arg = rv;
}

static int copy_record(void *arg, uint64_t index, const void *record, size_t len)
{
    struct dure_journal *to = arg;
    int rv = 1;
    to->ops->append(to, index - 1, record, len, appended, &rv);
    to->ops->poll(to);
    return rv;
}

/* The rows of a long run with crashes, and those made anew from its journal alone, are the same
 * bytes: aggregates and views, heads and states. */
static void test_rebuild(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct world_ask ask;
        ask_something(&ask);
        if (world_random(5) == 0) world_do(&world, &village_tell, i, &(struct village_add){i}, 200);
        world_run(&world);
        if (world_random(20) == 0) world_checkpoint(&world);
        if (world_random(20) == 0) world_crash(&world);
        world_now_ms += 100;
    }
    world_checkpoint(&world);
    struct world anew;
    world_make(&anew, 4);
    world_stop(&anew, true, true);
    assert_int_equal(world.journal->ops->tail(world.journal, 1, copy_record, anew.journal), 0);
    world_reopen(&anew);
    world_checkpoint(&anew);
    struct dure_buf live = {0}, rebuilt = {0};
    dump_rows(&world, &live);
    dump_rows(&anew, &rebuilt);
    assert_true(live.len > 1000);
    assert_int_equal(live.len, rebuilt.len);
    assert_memory_equal(live.data, rebuilt.data, live.len);
    dure_buf_fini(&live);
    dure_buf_fini(&rebuilt);
    world_end(&anew);
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exactly_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_creates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rebuild, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
