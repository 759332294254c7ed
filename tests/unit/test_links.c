/*
 * Links: exactly once between two journals over a transport that loses, doubles and reorders.
 */
#include "tests/unit/village.h"
#include "tests/unit/world.h"

/* ---- Two nodes and a bad wire: `pass` at counter n reaches n + 1, in the other shard. ------------ */

struct frame { void *bytes; size_t len; };
struct node {
    struct world world; /* First: a frame's transport is its node. */
    struct node *peer;
    struct frame inbox[20000];
    size_t frames;
    bool bad_wire;
};
static struct node nodes[2];

static void deliver(struct node *node, const void *bytes, size_t len)
{
    if (node->frames == 20000) return;
    struct frame *frame = &node->inbox[node->frames++];
    *frame = (struct frame){malloc(len), len};
    memcpy(frame->bytes, bytes, len);
    if (!node->bad_wire || node->frames < 2) return;
    size_t other = world_random(node->frames); /* Out of order. */
    struct frame swap = node->inbox[other];
    node->inbox[other] = *frame;
    *frame = swap;
}

static void send_frame(struct dure_transport *transport, uint16_t shard, const void *bytes, size_t len)
{
    struct node *node = (struct node *)transport;
    (void)shard;
    uint64_t dice = node->bad_wire ? world_random(10) : 9;
    if (dice < 3) return; /* Lost. */
    deliver(node->peer, bytes, len);
    if (dice < 5) deliver(node->peer, bytes, len); /* Doubled. */
}

static void step(struct node *node)
{
    if (node->frames > 0) {
        struct frame frame = node->inbox[--node->frames];
        dure_links_receive(node->world.rt, frame.bytes, frame.len);
        free(frame.bytes);
    }
    world_round(&node->world);
}

static bool quiet(void)
{
    for (int i = 0; i < 2; i++) {
        if (nodes[i].frames > 0 || nodes[i].world.links->parcels > 0) return false;
        if (!world_idle(&nodes[i].world)) return false;
    }
    return true;
}

static void run_until_quiet(void)
{
    for (int i = 0; i < 400000 && !quiet(); i++) {
        step(&nodes[0]);
        step(&nodes[1]);
        if (i % 4 == 0) world_now_ms += 5;
    }
    assert_true(quiet());
}

static struct world_ask asks[500];
static void submit(int i, int64_t id)
{
    world_ask(&nodes[id % 2].world, &asks[i], &village_pass, id, &(struct village_add){1});
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
        world_state(&nodes[id % 2].world, &village_counter, id);
    return counter != NULL ? counter->sum : 0;
}

static int setup(void **state)
{
    (void)state;
    static const bool owned[2][2] = {{true, false}, {false, true}};
    memset(nodes, 0, sizeof nodes);
    for (int i = 0; i < 2; i++) {
        nodes[i].peer = &nodes[1 - i];
        world_make_linked(&nodes[i].world, 2, owned[i], (uint64_t)i, send_frame);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        while (nodes[i].frames > 0) free(nodes[i].inbox[--nodes[i].frames].bytes);
        world_end(&nodes[i].world);
    }
    return 0;
}

/* Each message takes effect exactly once, though a third of the frames is lost, a fifth doubled and
 * all are shuffled. */
static void test_bad_wire(void **state)
{
    (void)state;
    nodes[0].bad_wire = nodes[1].bad_wire = true;
    for (int i = 0; i < 500; i++) submit(i, 11 + i % 2); /* 11 → 12 and 12 → 13: both ways. */
    run_until_quiet();
    assert_int_equal(answered(500), 500);
    assert_int_equal(sum_of(11), 250);
    assert_int_equal(sum_of(12), 500); /* 250 of its own, 250 passed on by 11. */
    assert_int_equal(sum_of(13), 250);
    assert_true(nodes[0].world.links->resent + nodes[1].world.links->resent > 0);
    assert_true(nodes[0].world.links->doubles + nodes[1].world.links->doubles > 0);
}

/* What was not acknowledged when the sender crashed is sent by its next life, and still counts once. */
static void test_sender_restarts(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) submit(i, 21);
    for (int i = 0; i < 6; i++) step(&nodes[1]); /* Durable and sent; the peer has heard nothing. */
    assert_int_equal(answered(100), 100);
    while (nodes[0].frames > 50) free(nodes[0].inbox[--nodes[0].frames].bytes);
    world_crash(&nodes[1].world);
    run_until_quiet();
    assert_int_equal(sum_of(21), 100);
    assert_int_equal(sum_of(22), 100);
}

/* Numbers go on where they were when both sides restart from a checkpoint with nothing to replay. */
static void test_restart_from_checkpoint(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) submit(round * 10 + i, 41);
        run_until_quiet();
        for (int i = 0; i < 2; i++) {
            world_checkpoint(&nodes[i].world);
            world_crash(&nodes[i].world);
        }
    }
    assert_int_equal(sum_of(42), 30);
}

/* A receiver whose record fails for want of space takes the message again later, once. */
static void test_receiver_full(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) submit(i, 31);
    for (int i = 0; i < 4; i++) step(&nodes[1]);
    dure_journal_memory_fault(nodes[0].world.journal, DURE_FAULT_NOSPC);
    run_until_quiet();
    assert_int_equal(nodes[0].world.rt->metrics.nospace, 1);
    assert_int_equal(sum_of(32), 10);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
