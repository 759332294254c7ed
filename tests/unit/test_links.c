/*
 * Links: exactly once between two journals over a transport that loses, doubles and reorders.
 */
#include "tests/unit/pair.h"
#include "tests/unit/village.h"

/* `pass` at counter n reaches n + 1, in the other shard. */
static struct world_ask asks[500];
static void submit(int i, int64_t id)
{
    world_ask(&pair[id % 2].world, &asks[i], &village_pass, id, &(struct village_add){1});
}

static int answered(int asked)
{
    int count = 0;
    for (int i = 0; i < asked; i++) {
        count += asks[i].released;
        if (asks[i].released) assert_int_equal(asks[i].status, 200);
        if (asks[i].released) assert_int_equal(asks[i].rv, 0);
    }
    return count;
}

static int64_t sum_of(int64_t id)
{
    const struct village_counter *counter =
        world_state(&pair[id % 2].world, &village_counter, id);
    return counter != NULL ? counter->sum : 0;
}

static int setup(void **state)
{
    (void)state;
    pair_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_end();
    return 0;
}

/* Each message takes effect exactly once, though a third of the frames is lost, a fifth doubled and
 * all are shuffled. */
static void test_bad_wire(void **state)
{
    (void)state;
    pair[0].bad_wire = pair[1].bad_wire = true;
    for (int i = 0; i < 500; i++) submit(i, 11 + i % 2); /* 11 → 12 and 12 → 13: both ways. */
    pair_run();
    assert_int_equal(answered(500), 500);
    assert_int_equal(sum_of(11), 250);
    assert_int_equal(sum_of(12), 500); /* 250 of its own, 250 passed on by 11. */
    assert_int_equal(sum_of(13), 250);
    assert_true(pair[0].world.links->resent + pair[1].world.links->resent > 0);
    assert_true(pair[0].world.links->doubles + pair[1].world.links->doubles > 0);
}

/* What was not acknowledged when the sender crashed is sent by its next life, and still counts once. */
static void test_sender_restarts(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) submit(i, 21);
    for (int i = 0; i < 6; i++) pair_step(&pair[1]); /* Durable and sent; the peer has heard nothing. */
    assert_int_equal(answered(100), 100);
    pair_lose(&pair[0], 50);
    world_crash(&pair[1].world);
    pair_run();
    assert_int_equal(sum_of(21), 100);
    assert_int_equal(sum_of(22), 100);
}

/* Numbers go on where they were when both sides restart from a checkpoint with nothing to replay. */
static void test_restart_from_checkpoint(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) submit(round * 10 + i, 41);
        pair_run();
        for (int i = 0; i < 2; i++) {
            world_checkpoint(&pair[i].world);
            world_crash(&pair[i].world);
        }
    }
    assert_int_equal(sum_of(42), 30);
}

/* A receiver whose record fails for want of space takes the message again later, once. */
static void test_receiver_full(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) submit(i, 31);
    for (int i = 0; i < 4; i++) pair_step(&pair[1]);
    dure_journal_memory_fault(pair[0].world.journal, DURE_FAULT_NOSPC);
    pair_run();
    assert_int_equal(pair[0].world.rt->metrics.nospace, 1);
    assert_int_equal(sum_of(32), 10);
}

/* One message is on disk when the record of the next one fails, or is lost by a crash behind a
 * checkpoint: the first is not taken again. */
static void test_next_record_fails(void **state)
{
    for (int crash = 0; crash < 2; crash++) {
        teardown(state);
        setup(state);
        struct world *receiver = &pair[0].world;
        for (int i = 0; i < 2; i++) submit(i, 51);
        for (int i = 0; i < 4; i++) pair_step(&pair[1]);
        assert_int_equal(pair[0].frames, 2);
        struct pair_frame frames[2] = {pair[0].inbox[0], pair[0].inbox[1]};
        pair[0].frames = 0;
        dure_journal_memory_hold(receiver->journal, true);
        for (int i = 0; i < 2; i++) { /* The first goes to the journal, the second forms behind it. */
            dure_links_receive(receiver->rt, frames[i].bytes, frames[i].len);
            dure_turn_run(receiver->rt);
            free(frames[i].bytes);
        }
        dure_journal_memory_hold(receiver->journal, false);
        receiver->journal->ops->poll(receiver->journal);
        assert_int_equal(sum_of(52), 2);
        if (!crash) dure_journal_memory_fault(receiver->journal, DURE_FAULT_NOSPC);
        if (crash) {
            world_now_ms += DURE_CHECKPOINT_INTERVAL_MS;
            receiver->rt->open->time_ms = world_now_ms;
            dure_checkpoint_step(receiver->rt);
            receiver->rows->ops->poll(receiver->rows);
            assert_int_equal(receiver->rt->metrics.checkpoints, 1);
            world_stop(receiver, true, true); /* The second was still in the open group. */
            world_reopen(receiver);
        }
        pair_run();
        assert_int_equal(sum_of(51), 2);
        assert_int_equal(sum_of(52), 2);
    }
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sender_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_from_checkpoint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receiver_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_record_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
