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

static void note_written(void *arg, int rv)
{
    *(int *)arg = rv;
}

static uint64_t rows_of(const struct world *world, uint16_t src, uint16_t dst)
{
    const struct dure_channel *channel = &world->links->out[src][dst];
    const struct dure_stowed *stowed = &channel->stowed[channel->newest];
    return stowed->end - stowed->first;
}

/* A peer that stays away holds back neither the checkpoint nor a restart: its messages wait in the
 * rows, over several lives and batches, and each counts once when it is back. */
static void test_peer_away(void **state)
{
    (void)state;
    struct world *sender = &pair[1].world;
    int asked = 0;
    for (int life = 0; life < 4; life++) {
        for (int batch = 0; batch < 3; batch++) {
            for (int i = 0; i < 10; i++) submit(asked++, 61);
            world_run(sender);
            pair_lose(&pair[0], 0);
            world_checkpoint(sender);
            assert_int_equal(dure_checkpoint_lsn(sender->rt), world_head(sender));
            assert_int_equal(rows_of(sender, 1, 0), asked);
        }
        for (int i = 0; i < 10; i++) submit(asked++, 61); /* In the journal only. */
        world_run(sender);
        pair_lose(&pair[0], 0);
        world_crash(sender);
        assert_int_equal(sender->links->parcels, asked);
    }
    assert_int_equal(answered(asked), asked);
    pair_run();
    assert_int_equal(sum_of(61), asked);
    assert_int_equal(sum_of(62), asked);
    world_checkpoint(sender);
    assert_int_equal(rows_of(sender, 1, 0), 0);
    world_crash(sender);
    assert_int_equal(sender->links->parcels, 0);
}

/* Some are acknowledged and some new when a batch of the checkpoint fails, or is lost with the node:
 * nothing of it counts, and the next one has it all. */
static void test_batch_fails(void **state)
{
    for (int how = 0; how < 3; how++) {
        teardown(state);
        setup(state);
        struct world *sender = &pair[1].world;
        for (int i = 0; i < 10; i++) submit(i, 71);
        world_run(sender);
        pair_lose(&pair[0], 5);
        world_checkpoint(sender);
        for (int i = 0; i < 5; i++) pair_step(&pair[0]);
        for (int i = 10; i < 20; i++) submit(i, 71);
        while (pair[1].frames > 0) pair_step(&pair[1]);
        world_run(sender);
        pair_lose(&pair[0], 0);
        if (how == 0) {
            dure_rows_memory_fail(sender->rows, DURE_ENOSPC);
            assert_int_equal(dure_checkpoint_flush(sender->rt), DURE_ENOSPC);
            dure_rows_memory_fail(sender->rows, 0);
            world_checkpoint(sender);
            assert_int_equal(rows_of(sender, 1, 0), sender->links->parcels);
        } else {
            dure_rows_memory_hold(sender->rows, true);
            world_now_ms += DURE_CHECKPOINT_INTERVAL_MS;
            sender->rt->open->time_ms = world_now_ms;
            dure_checkpoint_step(sender->rt);
            assert_true(dure_rows_memory_busy(sender->rows));
            world_stop(sender, true, how == 1);
            dure_rows_memory_hold(sender->rows, false);
            world_reopen(sender);
        }
        pair_run();
        world_crash(sender);
        pair_run();
        assert_int_equal(sum_of(71), 20);
        assert_int_equal(sum_of(72), 20);
    }
}

/* Rows of a version that kept messages in the journal only are read, and the next checkpoint has them. */
static void test_rows_of_format_1(void **state)
{
    (void)state;
    struct world *sender = &pair[1].world;
    for (int i = 0; i < 10; i++) submit(i, 81);
    world_run(sender);
    pair_lose(&pair[0], 0);
    /* As it left them: a channel's number, and a position before the first message. */
    struct { uint32_t format, zero; uint64_t lsn, hash; } meta = {.format = 1};
    uint64_t seq = 10;
    struct dure_type_counter none[DURE_TYPES_MAX] = {{0}};
    struct dure_row_write writes[] = {
        {.table = DURE_TABLE_META, .id = 0, .value = &meta, .value_len = sizeof meta},
        {.table = DURE_TABLE_META, .id = 1, .value = none, .value_len = 0},
        {.table = DURE_TABLE_META, .id = 2, .value = none, .value_len = 2 * sizeof(uint64_t)},
        {.table = DURE_TABLE_OUTBOX, .type = 0, .id = 2, .value = &seq, .value_len = sizeof seq},
    };
    world_stop(sender, true, true);
    int rv = 1;
    sender->rows->ops->write(sender->rows, writes, 4, note_written, &rv);
    sender->rows->ops->poll(sender->rows);
    assert_int_equal(rv, 0);
    world_reopen(sender);
    assert_int_equal(sender->links->parcels, 10);
    world_checkpoint(sender);
    assert_int_equal(rows_of(sender, 1, 0), 10);
    world_crash(sender);
    pair_run();
    assert_int_equal(sum_of(81), 10);
    assert_int_equal(sum_of(82), 10);
}

/* A message whose row is damaged, or missing between others, is told as damage, and not lost in silence. */
static void test_damaged_row(void **state)
{
    (void)state;
    struct world *sender = &pair[1].world;
    for (int i = 0; i < 5; i++) submit(i, 91);
    world_run(sender);
    world_checkpoint(sender);
    uint32_t type = 2 + 1 * 2 + 0; /* Of the channel 1 → 0. */
    struct dure_buf row = {0};
    assert_int_equal(sender->rows->ops->get(sender->rows, DURE_TABLE_OUTBOX, type, 3, &row), 0);
    world_stop(sender, true, true);
    for (int how = 0; how < 3; how++) {
        struct dure_row_write write = {.table = DURE_TABLE_OUTBOX, .type = type, .id = 3,
                                       .value = how == 1 ? NULL : row.data, .value_len = row.len};
        row.data[row.len - 1] ^= 1; /* Damaged, removed, as it was. */
        if (how == 1) row.data[row.len - 1] ^= 1;
        int rv = 1;
        const char *message = "";
        sender->rows->ops->write(sender->rows, &write, 1, note_written, &rv);
        sender->rows->ops->poll(sender->rows);
        assert_int_equal(rv, 0);
        assert_int_equal(world_open(sender, &message), how < 2 ? DURE_ECORRUPT : 0);
    }
    assert_int_equal(sender->links->parcels, 5);
    dure_buf_fini(&row);
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

/* What comes while the group is full waits: it is taken by later ones, in order, and nothing is sent
 * again or written twice. */
static void test_burst(void **state)
{
    (void)state;
    struct world *receiver = &pair[0].world, *sender = &pair[1].world;
    receiver->group_turns_max = 4;
    world_crash(receiver);
    uint64_t records = receiver->rt->metrics.records;
    for (int i = 0; i < 200; i++) submit(i, 61);
    while (pair[0].frames < 200) pair_step(&pair[1]);
    for (size_t i = 0; i < 200; i++) {
        dure_links_receive(receiver->rt, pair[0].inbox[i].bytes, pair[0].inbox[i].len);
        free(pair[0].inbox[i].bytes);
    }
    pair[0].frames = 0;
    assert_true(dure_links_waiting(receiver->links));
    pair_run();
    assert_int_equal(sum_of(62), 200);
    assert_false(dure_links_waiting(receiver->links));
    assert_true(receiver->rt->metrics.records - records >= 200 / 4);
    assert_int_equal(receiver->rt->metrics.deferred, 0);
    assert_int_equal(receiver->links->gaps, 0);
    assert_int_equal(sender->links->resent, 0);
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
        cmocka_unit_test_setup_teardown(test_peer_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_format_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receiver_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_record_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views_and_policies, setup_crossing, teardown),
        cmocka_unit_test_setup_teardown(test_views_exact, setup_crossing, teardown),
        cmocka_unit_test_setup_teardown(test_ask_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_burst, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
