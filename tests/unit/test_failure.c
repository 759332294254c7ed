/*
 * A record that cannot be written never was: nobody has seen what it held, and everything it took
 * (states, sequences, keys, mail, timers) is given back. UNKNOWN is cleared up in silence; what cannot
 * be cleared up stops the node.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 2);
    world_do(&world, &village_add, 1, &(struct village_add){100}, 200);
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

static void add(struct world_ask *ask, int64_t id, int64_t amount)
{
    world_ask(&world, ask, &village_add, id, &(struct village_add){amount});
}

/* Two groups in flight, one at the journal and one forming. */
static void two_groups(struct world_ask asks[2])
{
    dure_journal_memory_hold(world.journal, true);
    add(&asks[0], 1, 1);
    dure_turn_run(world.rt);
    add(&asks[1], 1, 2);
    dure_turn_run(world.rt);
    assert_non_null(world.rt->writing);
    assert_int_equal(asks[0].decided + asks[1].decided, 2);
    assert_int_equal(asks[0].released + asks[1].released, 0);
}

static char *printed(void)
{
    struct dure_buf text = {0};
    world_print(&world, &text);
    dure_buf_byte(&text, '\0');
    return text.data;
}

/* Takes the memory of both. */
static void assert_same(char *a, char *b)
{
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* 507 for both groups in flight; afterwards all is as it was, and the next command works. */
static void test_no_space(void **state)
{
    (void)state;
    struct world_ask asks[2];
    char *before = printed();
    uint64_t head = world_head(&world);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    two_groups(asks);
    assert_int_equal(sum_of(1), 103); /* Seen by the turns, not yet by readers. */
    dure_journal_memory_hold(world.journal, false);
    world.journal->ops->poll(world.journal);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(asks[i].released, 1);
        assert_int_equal(asks[i].rv, DURE_ENOSPC);
        assert_int_equal(dure_error_info(asks[i].rv)->http_status, 507);
    }
    assert_same(before, printed());
    assert_int_equal(world_head(&world), head);
    assert_int_equal(world.fatal, 0);
    assert_int_equal(world.rt->metrics.nospace, 1);
    world_do(&world, &village_add, 1, &(struct village_add){5}, 200);
    assert_int_equal(sum_of(1), 105);
    assert_int_equal(world_head(&world), head + 1);
    char *live = printed();
    world_crash(&world);
    assert_same(live, printed());
}

/* New actors, the ids they got, views, policies' effects: as if they had never been. */
static void test_no_space_new_actors(void **state)
{
    (void)state;
    char *before = printed();
    struct world_ask made, told;
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_ask(&world, &made, &village_add, DURE_NEW, &(struct village_add){1});
    world_ask(&world, &told, &village_tell, 3, &(struct village_add){1});
    world_run(&world);
    assert_int_equal(made.rv, DURE_ENOSPC);
    assert_int_equal(told.rv, DURE_ENOSPC);
    assert_same(before, printed());
    assert_int_equal(world_do(&world, &village_add, DURE_NEW, &(struct village_add){1}, 200), 2);
}

struct reader {
    struct dure_hold hold;
    int called, rv;
};

static void held(struct dure_hold *hold, int rv)
{
    ((struct reader *)hold)->called++;
    ((struct reader *)hold)->rv = rv;
}

/* A reader who looked at a state that was then undone is told so, before anything is shown. */
static void test_readers(void **state)
{
    (void)state;
    for (int space = 0; space < 2; space++) {
        struct world_ask asks[2];
        struct reader reader = {.hold.cb = held};
        int64_t before = sum_of(1);
        if (!space) dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
        two_groups(asks);
        assert_int_equal(sum_of(1), before + 3);
        dure_turn_hold(world.rt, &reader.hold);
        world_round(&world);
        assert_int_equal(reader.called, 0);
        dure_journal_memory_hold(world.journal, false);
        world_run(&world);
        assert_int_equal(reader.called, 1);
        assert_int_equal(reader.rv, space ? 0 : DURE_ENOSPC);
        assert_int_equal(sum_of(1), space ? before + 3 : before);
    }
    struct reader reader = {.hold.cb = held};
    dure_turn_hold(world.rt, &reader.hold); /* Nothing is in flight. */
    assert_int_equal(reader.called, 1);
}

/* A timer that fired into a full disk fires again when there is space, once. */
static void test_timer(void **state)
{
    (void)state;
    world_do(&world, &village_alarm, 1, &(struct village_add){world_now_ms + 1000}, 200);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_pass(&world, 1000);
    const struct village_counter *counter = world_state(&world, &village_counter, 1);
    assert_int_equal(counter->wakes, 0);
    assert_int_equal(world.rt->timers_count, 1);
    world_pass(&world, 1);
    assert_int_equal(counter->wakes, 0); /* Not in a busy circle: a little later. */
    world_pass(&world, 1000);
    assert_int_equal(counter->wakes, 1);
    world_pass(&world, 100000);
    assert_int_equal(counter->wakes, 1);
}

/* UNKNOWN: the same bytes are sent again; nobody notices, and it counts once. */
static void test_unknown(void **state)
{
    (void)state;
    const enum dure_fault faults[] = {DURE_FAULT_UNKNOWN_DONE, DURE_FAULT_UNKNOWN_LOST};
    for (int i = 0; i < 2; i++) {
        uint64_t head = world_head(&world);
        int64_t before = sum_of(1);
        struct world_ask asks[2];
        dure_journal_memory_fault(world.journal, faults[i]);
        two_groups(asks);
        dure_journal_memory_hold(world.journal, false);
        world_run(&world);
        assert_int_equal(asks[0].rv, 0);
        assert_int_equal(asks[1].rv, 0);
        assert_int_equal(asks[0].released + asks[1].released, 2);
        assert_int_equal(sum_of(1), before + 3);
        assert_int_equal(world_head(&world), head + 2);
        world_crash(&world);
        assert_int_equal(sum_of(1), before + 3);
    }
    assert_int_equal(world.fatal, 0);
}

/* A failed sync, or somebody else's record: nothing is acknowledged any more, and the node says why.
 * What was acknowledged before is there in the next life. */
static void test_fatal(void **state)
{
    (void)state;
    const struct { enum dure_fault fault; int rv; } cases[] = {
        {DURE_FAULT_IO, DURE_EIO}, {DURE_FAULT_REFUSE, DURE_EREFUSED}};
    for (int i = 0; i < 2; i++) {
        teardown(NULL);
        setup(NULL);
        struct world_ask asks[2], queued, late;
        char *before = printed();
        dure_journal_memory_fault(world.journal, cases[i].fault);
        two_groups(asks);
        add(&queued, 1, 4); /* In the queue when it happens. */
        dure_journal_memory_hold(world.journal, false);
        world.journal->ops->poll(world.journal);
        assert_int_equal(world.fatal, cases[i].rv);
        assert_int_equal(world.rt->fatal, cases[i].rv);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(asks[j].released, 1);
            assert_int_equal(asks[j].rv, cases[i].rv);
        }
        assert_same(before, printed());
        for (int j = 0; j < 5; j++) world_round(&world);
        assert_int_equal(queued.released, 1);
        assert_int_equal(queued.rv, DURE_ESHUTDOWN);
        late = (struct world_ask){0};
        assert_int_equal(world_ask_try(&world, &late, &village_add, 1, NULL, false),
                         DURE_ESHUTDOWN);
        if (cases[i].rv == DURE_EREFUSED) continue; /* The journal is another's now. */
        world_crash(&world);
        assert_int_equal(sum_of(1), 100);
        world_do(&world, &village_add, 1, &(struct village_add){5}, 200);
    }
}

/* Somebody else's record at our index is found at the next start: it does not fit the chain. */
static void test_foreign_record(void **state)
{
    (void)state;
    struct world_ask ask;
    const char *message = NULL;
    dure_journal_memory_fault(world.journal, DURE_FAULT_REFUSE);
    add(&ask, 1, 1);
    world_run(&world);
    world_stop(&world, true, true);
    assert_int_equal(world_open(&world, &message), DURE_ECORRUPT);
    assert_non_null(message);
    dure_journal_memory_crash(world.journal, world_head(&world) - 1);
    world_reopen(&world);
}

/* Faults of every kind at random, between commands at random: what is acknowledged is there, what is
 * not is not, now and after a restart. */
static void test_any_fault(void **state)
{
    (void)state;
    int64_t expected = 100;
    for (int round = 0; round < 2000; round++) {
        static const enum dure_fault faults[] = {
            DURE_FAULT_NOSPC, DURE_FAULT_UNKNOWN_DONE, DURE_FAULT_UNKNOWN_LOST, DURE_FAULT_IO};
        uint64_t dice = world_random(12);
        if (dice < 4) dure_journal_memory_fault(world.journal, faults[dice]);
        bool slow = world_random(2) == 0;
        dure_journal_memory_hold(world.journal, slow);
        struct world_ask asks[6];
        bool taken[6];
        for (int i = 0; i < 6; i++) {
            asks[i] = (struct world_ask){0};
            const struct village_add one = {1 + (int64_t)world_random(9)};
            int rv = world_ask_try(&world, &asks[i], &village_add, 1, &one, false);
            taken[i] = rv == 0;
            if (world_random(2) == 0) world_round(&world);
        }
        dure_journal_memory_hold(world.journal, false);
        for (int i = 0; i < 10; i++) world_round(&world);
        for (int i = 0; i < 6; i++) {
            if (!taken[i]) continue;
            assert_int_equal(asks[i].released, 1);
            if (asks[i].rv != 0) continue;
            expected += ((const struct village_add *)(const void *)asks[i].payload)->amount;
        }
        assert_int_equal(sum_of(1), expected);
        if (world.fatal != 0 || world_random(20) == 0) world_crash(&world);
        assert_int_equal(sum_of(1), expected);
        world_now_ms += 50;
    }
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_space_new_actors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fatal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_fault, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
