/*
 * Rows plus the journal behind their position are the state, at any point of any checkpoint: also while
 * an actor changes whose copy is in one batch and in the next, and after batches that failed.
 */
#include "runtime/checkpoint.h"

#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 3);
    world.no_checkpoints = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void add(int64_t id, int64_t amount)
{
    world_do(&world, &village_add, id, &(struct village_add){amount}, 200);
}

static int64_t sum_of(int64_t id)
{
    const struct village_counter *counter = world_state(&world, &village_counter, id);
    return counter != NULL ? counter->sum : -1;
}

/* What its row says; -1: there is none. */
static int64_t row_of(int64_t id)
{
    struct dure_buf row = {0};
    struct dure_actor_head head;
    struct village_counter counter;
    int rv = world.rows->ops->get(world.rows, DURE_TABLE_ROW, village_counter.type->code, id, &row);
    if (rv == DURE_ENOTFOUND) return -1;
    assert_int_equal(rv, 0);
    assert_int_equal(dure_row_unpack(village_counter.type, &head, &counter, row.data, row.len), 0);
    dure_buf_fini(&row);
    return counter.sum;
}

/* The recovered node is what the journal alone gives. */
static void assert_rebuilt(void)
{
    struct world bare;
    world_rebuild(&world, &bare);
    char *is = world_printed(&world), *should = world_printed(&bare);
    world_assert_same(is, should);
    free(is);
    free(should);
    world_end(&bare);
}

static struct dure_checkpoint *checkpoint(void)
{
    return world.rt->checkpoint;
}

/* Begins a batch and fills it. */
static void fill(void)
{
    world_now_ms += DURE_CHECKPOINT_INTERVAL_MS;
    world.rt->open->time_ms = world_now_ms;
    dure_checkpoint_step(world.rt);
}

/* What must hold between any two steps: the position on disk lies before every change that is not. */
static void check_invariants(void)
{
    const struct dure_checkpoint *cp = checkpoint();
    size_t dirty = 0;
    for (struct dure_actor *actor = world.rt->dirty; actor != NULL; actor = actor->dirty_next) {
        assert_true(actor->dirty && *actor->dirty_link == actor);
        assert_true(actor->dirty_lsn > cp->lsn);
        if (cp->writing != NULL) assert_true(actor->dirty_lsn > cp->writing->lsn);
        dirty++;
    }
    assert_int_equal(dirty, world.rt->dirty_count);
    assert_true(cp->lsn <= world.rt->lsn_durable);
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < cp->batches[i].actors_count; j++) {
            const struct dure_copied *copied = &cp->batches[i].actors[j];
            assert_true(copied->actor->copies > 0);
            assert_true(copied->dirty_lsn > cp->lsn);
        }
    }
}

/* ---- Two batches ------------------------------------------------------------------------------------- */

/* Counter 1 changes while its copy is in the first batch, and again while one is in the second. After
 * `steps` of what follows the node crashes. Returns the number of steps there are. */
static int pipeline(int steps, bool rows_written)
{
    int step = 0;
#define STEP(what)                                                                                 \
    do {                                                                                           \
        if (step++ == steps) goto crash;                                                           \
        what;                                                                                      \
        check_invariants();                                                                        \
    } while (0)
    struct dure_checkpoint *cp = checkpoint();
    add(1, 1);
    add(2, 1);
    dure_rows_memory_hold(world.rows, true);
    STEP(fill());
    assert_true(cp->writing != NULL && cp->filling == NULL);
    STEP(add(1, 10));
    assert_int_equal(cp->writing->actors_count, 4); /* With the tallies of both. */
    STEP(fill());
    assert_true(cp->writing != NULL && cp->filling != NULL && cp->filled);
    STEP(add(1, 100));
    STEP(add(3, 5));
    STEP(fill()); /* Both are in use: nothing happens. */
    assert_int_equal(row_of(1), -1);
    dure_rows_memory_hold(world.rows, false);
    STEP(world.rows->ops->poll(world.rows));
    assert_int_equal(row_of(1), 1);
    assert_true(cp->writing != NULL && cp->filling == NULL);
    STEP(world.rows->ops->poll(world.rows));
    assert_int_equal(row_of(1), 11);
    assert_int_equal(row_of(3), -1);
    STEP(fill());
    STEP(world.rows->ops->poll(world.rows));
    assert_int_equal(row_of(1), 111);
    assert_int_equal(row_of(3), 5);
    assert_int_equal(world.rt->dirty_count, 0);
    assert_int_equal(cp->lsn, world_head(&world));
crash:
    world_stop(&world, true, rows_written);
    world_reopen(&world);
    check_invariants();
    assert_rebuilt();
    return step;
#undef STEP
}

static void test_two_batches(void **state)
{
    int steps = 1;
    for (int at = 0; at < steps; at++) {
        for (int written = 0; written < 2; written++) {
            teardown(state);
            setup(state);
            int reached = pipeline(at, written != 0);
            if (reached > at) steps = at + 2; /* It was cut short: there is one more. */
        }
    }
    assert_true(steps > 9);
}

/* A batch that fails with a filled one behind it: both are taken back, the oldest change first, and go
 * again after a while. Nothing is asked to wait for it. */
static void test_failed(void **state)
{
    (void)state;
    struct dure_checkpoint *cp = checkpoint();
    for (int64_t id = 1; id <= 5; id++) add(id, id);
    world_checkpoint(&world);
    uint64_t before = cp->lsn;
    world_remove(&world, &village_counter, 5, 200);
    add(1, 10);
    add(6, 6);
    dure_rows_memory_hold(world.rows, true);
    dure_rows_memory_fail(world.rows, DURE_ENOSPC);
    fill();
    add(2, 20);
    add(1, 100);
    fill();
    assert_true(cp->filled);
    dure_rows_memory_hold(world.rows, false);
    world.rows->ops->poll(world.rows);
    check_invariants();
    assert_true(cp->filling == NULL && cp->writing == NULL);
    assert_true(dure_checkpoint_failing(world.rt));
    assert_int_equal(cp->lsn, before);
    assert_int_equal(world.fatal, 0);
    uint64_t last = 0;
    for (struct dure_actor *actor = world.rt->dirty; actor != NULL; actor = actor->dirty_next) {
        assert_true(actor->dirty_lsn >= last);
        assert_int_equal(actor->copies, 0);
        last = actor->dirty_lsn;
    }
    assert_int_equal(row_of(1), 1);
    assert_int_equal(row_of(5), 5);
    assert_int_equal(row_of(6), -1);
    world.rt->options.memory_bytes = 0; /* One is due at once, */
    world_now_ms += 999;
    dure_checkpoint_step(world.rt);
    assert_true(cp->filling == NULL && cp->writing == NULL);
    add(1, 1000);
    world_now_ms += 1; /* but goes only after a second. */
    dure_checkpoint_step(world.rt);
    assert_non_null(cp->writing);
    world.rows->ops->poll(world.rows);
    assert_false(dure_checkpoint_failing(world.rt));
    assert_int_equal(row_of(1), 1111);
    assert_int_equal(row_of(2), 22);
    assert_int_equal(row_of(5), -1);
    assert_int_equal(row_of(6), 6);
    assert_int_equal(world.rt->dirty_count, 0);
    assert_int_equal(cp->lsn, world_head(&world));
    world_crash(&world);
    assert_rebuilt();
}

/* A disk that fails otherwise stops the node; what was acknowledged is there in its next life. */
static void test_broken(void **state)
{
    (void)state;
    add(1, 1);
    dure_rows_memory_fail(world.rows, DURE_EIO);
    fill();
    world.rows->ops->poll(world.rows);
    assert_int_equal(world.fatal, DURE_EIO);
    struct world_ask late = {0};
    assert_int_equal(world_ask_try(&world, &late, &village_add, 1, NULL, false), DURE_ESHUTDOWN);
    world_crash(&world);
    assert_int_equal(sum_of(1), 1);
    assert_rebuilt();
}

/* The state of a record that is not durable never gets into a row, whichever group it is in. */
static void test_only_durable(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        teardown(state);
        setup(state);
        struct world_ask asks[2];
        add(1, 1);
        dure_journal_memory_hold(world.journal, true);
        for (int i = 0; i < 2; i++) { /* One group at the journal, one open. */
            world_ask(&world, &asks[i], &village_add, 1, &(struct village_add){i ? 100 : 10});
            dure_turn_run(world.rt);
        }
        assert_int_equal(sum_of(1), 111);
        fill();
        world.rows->ops->poll(world.rows);
        assert_int_equal(row_of(1), 1);
        check_invariants();
        assert_true(world.rt->dirty_count > 0);
        dure_journal_memory_hold(world.journal, false);
        world_stop(&world, !lost, true);
        world_reopen(&world);
        assert_int_equal(sum_of(1), lost ? 1 : 11);
        assert_rebuilt();
    }
}

/* ---- At random ------------------------------------------------------------------------------------------ */

#define ASKS 8

static void any_ask(struct world_ask *ask)
{
    static const struct dure_command *const commands[] = {
        &village_add, &village_add, &village_pass, &village_tell, &village_alarm};
    const struct dure_command *command = commands[world_random(5)];
    int64_t id = world_random(4) ? 1 + (int64_t)world_random(12) : DURE_NEW;
    struct village_add amount = {1 + (int64_t)world_random(9)};
    if (command == &village_alarm) amount.amount += world_now_ms + (int64_t)world_random(5000);
    world_ask(&world, ask, command, id, &amount);
}

static void any_remove(struct world_ask *ask)
{
    static struct dure_edit edit = {.remove = true};
    struct dure_command none = {.name = "remove", .aggregate = &village_counter};
    *ask = (struct world_ask){0};
    int64_t id = 1 + (int64_t)world_random(12);
    assert_int_equal(world_ask_try(&world, ask, &none, id, NULL, false), 0);
    ask->ask.command = NULL;
    ask->ask.data = &edit;
}

static void any_step(struct world_ask *ask)
{
    switch (world_random(14)) {
    case 0:
    case 1:
    case 2:
        if (ask->released || ask->ask.type == NULL) any_ask(ask);
        break;
    case 3:
        if (ask->released || ask->ask.type == NULL) any_remove(ask);
        break;
    case 4:
    case 5: dure_turn_run(world.rt); break;
    case 6:
    case 7: world.journal->ops->poll(world.journal); break;
    case 8:
    case 9: dure_checkpoint_step(world.rt); break;
    case 10: world.rows->ops->poll(world.rows); break;
    case 11: world_now_ms += 100 + (int64_t)world_random(3000); break;
    case 12:
        dure_rows_memory_hold(world.rows, world_random(3) == 0);
        dure_journal_memory_hold(world.journal, world_random(3) == 0);
        break;
    default:
        if (world_random(6) == 0) dure_rows_memory_fail(world.rows, DURE_ENOSPC);
        if (world_random(12) == 0) dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
        break;
    }
}

/* Turns, completions, checkpoints, full disks and crashes in any order. */
static void test_any_order(void **state)
{
    (void)state;
    static struct world_ask asks[ASKS];
    uint64_t checkpoints = 0;
    for (int life = 0; life < 250; life++) {
        memset(asks, 0, sizeof asks);
        /* Without memory to spare one is always due, and what is written back leaves at once. */
        if (life % 2) world.rt->options.memory_bytes = 0;
        for (uint64_t step = 20 + world_random(120); step > 0; step--) {
            any_step(&asks[world_random(ASKS)]);
            check_invariants();
        }
        checkpoints += world.rt->metrics.checkpoints;
        dure_journal_memory_hold(world.journal, false);
        dure_rows_memory_hold(world.rows, false);
        world_stop(&world, world_random(2) == 0, world_random(2) == 0);
        dure_journal_memory_fault(world.journal, DURE_FAULT_NONE);
        dure_rows_memory_fail(world.rows, 0);
        world_reopen(&world);
        check_invariants();
        assert_rebuilt();
        if (life % 10 == 9) {
            teardown(state);
            setup(state);
        }
    }
    assert_true(checkpoints > 200);
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
