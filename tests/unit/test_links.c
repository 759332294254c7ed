/*
 * Links: exactly once between two journals over a transport that loses, doubles and reorders.
 */
#include "tests/unit/pair.h"
#include "tests/unit/village.h"

/* ---- Two nodes and a bad wire ---------------------------------------------------------------- */

/* With two shards, `pass` at counter n reaches n + 1 at the other node; with three, node 0 has 0
 * and 2, and views and policies cross, too. */

static struct world_ask asks[500];
static void submit(int i, int64_t id)
{
    world_ask(pair_home(id), &asks[i], &village_pass, id, &(struct village_add){1});
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
        world_state(pair_home(id), &village_counter, id);
    return counter != NULL ? counter->sum : 0;
}

static int setup(void **state)
{
    (void)state;
    pair_make(2);
    return 0;
}

static int setup_crossing(void **state)
{
    (void)state;
    pair_make(3);
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

/* What was not acknowledged when the sender crashed is sent by its next life, and still counts
 * once. */
static void test_sender_restarts(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) submit(i, 21);
    for (int i = 0; i < 6; i++) pair_step(&pair[1]); /* Durable and sent; the peer has heard nothing. */
    assert_int_equal(answered(100), 100);
    while (pair[0].frames > 50) free(pair[0].inbox[--pair[0].frames].bytes);
    world_crash(&pair[1].world);
    pair_run();
    assert_int_equal(sum_of(21), 100);
    assert_int_equal(sum_of(22), 100);
}

/* Numbers go on where they were when both sides restart from a checkpoint with nothing to
 * replay. */
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

static void compare(struct world *world, const struct dure_buf *before)
{
    struct dure_buf after = {0};
    world_print(world, &after);
    assert_int_equal(before->len, after.len);
    assert_memory_equal(before->data, after.data, after.len);
    dure_buf_fini(&after);
}

/* Views whose rows are another node's get every event once over a bad wire, and replay gives the
 * same rows; so do policies whose target is there. */
static void test_views_and_policies(void **state)
{
    (void)state;
    pair[0].bad_wire = pair[1].bad_wire = true;
    pair[0].world.no_checkpoints = pair[1].world.no_checkpoints = true;
    int64_t sums[10] = {0}, counts[10] = {0};
    for (int i = 0; i < 300; i++) {
        int64_t id = 11 + (int64_t)world_random(50), amount = 1 + i;
        bool tell = i % 3 == 0;
        world_ask(pair_home(id), &asks[i], tell ? &village_tell : &village_add, id,
                  &(struct village_add){amount});
        int64_t added = tell ? id + VILLAGE_TOLD : id; /* It counts by its last digit. */
        counts[added % 10]++;
        sums[added % 10] += amount;
        if (i % 7 == 0) pair_step(&pair[i % 2]);
        if (i % 50 == 20) world_crash(&pair[1].world);
        if (i % 50 == 45) world_crash(&pair[0].world);
        if (i % 50 == 20 || i % 50 == 45) pair_run();
    }
    pair_run();
    int64_t told = 0;
    for (int64_t id = 0; id < 10; id++) {
        const struct village_tally *tally = world_state(pair_home(id), &village_tally, id);
        assert_non_null(tally);
        told += counts[id] - tally->count; /* Asks of a crashed node may not have happened. */
        assert_true(tally->count <= counts[id] && tally->sum <= sums[id]);
    }
    assert_true(told < 60);
    for (int i = 0; i < 2; i++) {
        struct dure_buf before = {0};
        world_print(&pair[i].world, &before);
        world_crash(&pair[i].world); /* From its journal alone: there are no rows. */
        compare(&pair[i].world, &before);
        dure_buf_fini(&before);
    }
}

/* Without crashes every one of them is there, whichever node it came from. */
static void test_views_exact(void **state)
{
    (void)state;
    pair[0].bad_wire = pair[1].bad_wire = true;
    int64_t counts[10] = {0}, sums[10] = {0};
    for (int i = 0; i < 300; i++) {
        int64_t id = 11 + (int64_t)world_random(50);
        bool tell = i % 3 == 0;
        world_ask(pair_home(id), &asks[i], tell ? &village_tell : &village_add, id,
                  &(struct village_add){1 + i});
        counts[(tell ? id + VILLAGE_TOLD : id) % 10]++;
        sums[(tell ? id + VILLAGE_TOLD : id) % 10] += 1 + i;
    }
    pair_run();
    assert_int_equal(answered(300), 300);
    for (int64_t id = 0; id < 10; id++) {
        const struct village_tally *tally = world_state(pair_home(id), &village_tally, id);
        assert_int_equal(tally->count, counts[id]);
        assert_int_equal(tally->sum, sums[id]);
    }
    assert_true(pair[0].world.links->sent > 50 && pair[1].world.links->sent > 50);
}

/* A command for a shard of another node is not taken: its answer could not wait here. */
static void test_ask_elsewhere(void **state)
{
    (void)state;
    struct world_ask ask = {0};
    assert_int_equal(world_ask_try(&pair[0].world, &ask, &village_add, 11, NULL, false),
                     DURE_EUNAVAILABLE);
}

/* A transport that is full most of the time forgets no message, no ack and no report of a gap: all
 * comes to rest as soon as there is room, without waiting for a probe. */
static void test_narrow_wire(void **state)
{
    (void)state;
    pair[0].narrow = pair[1].narrow = true;
    pair[0].room = pair[1].room = 3;
    for (int i = 0; i < 100; i++) submit(i, 1 + i % 2);
    pair_run_narrow();
    assert_int_equal(answered(100), 100);
    assert_int_equal(pair[0].world.links->parcels + pair[1].world.links->parcels, 0);
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_narrow_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sender_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_from_checkpoint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receiver_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_record_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views_and_policies, setup_crossing, teardown),
        cmocka_unit_test_setup_teardown(test_views_exact, setup_crossing, teardown),
        cmocka_unit_test_setup_teardown(test_ask_elsewhere, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
