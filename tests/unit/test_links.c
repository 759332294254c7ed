/*
 * Links: exactly once between two journals over a transport that loses, doubles and reorders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/links.h"

/* ---- A system: a ticket at id n is passed on to the counter n + 1, in the other shard. ---------- */

struct count { int64_t id, sum; };
struct add { int64_t amount; };
static const struct dure_field count_fields[] = {
    DURE_FIELD(struct count, id, "id", DURE_INT, .flags = DURE_ID),
    DURE_FIELD(struct count, sum, "sum", DURE_INT, .has_start = true),
};
static const struct dure_schema count_schema = DURE_SCHEMA("Count", struct count, count_fields);
static const struct dure_field add_fields[] = {
    DURE_FIELD(struct add, amount, "amount", DURE_INT, .flags = DURE_REQUIRED),
};
static const struct dure_schema add_schema = DURE_SCHEMA("Add", struct add, add_fields);

static void apply_added(void *state, const struct dure_event *event)
{
    ((struct count *)state)->id = event->id;
    ((struct count *)state)->sum += ((const struct add *)event->data)->amount;
}
static struct dure_event_type added = {.name = "Added", .schema = &add_schema, .apply = apply_added};
static struct dure_event_type *const events[] = {&added, NULL};

static struct dure_aggregate counter;
static int on_add(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    memcpy(dure_emit(out, &added), in->data, sizeof(struct add));
    return 0;
}
static const struct dure_command add_command = {
    .name = "add", .aggregate = &counter, .schema = &add_schema, .flags = DURE_CREATES,
    .handle = on_add};
static int on_pass(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    on_add(state, in, out);
    *(struct add *)dure_send(out, &add_command, in->id + 1) = *(const struct add *)in->data;
    return 0;
}
static const struct dure_command pass_command = {
    .name = "pass", .aggregate = &counter, .schema = &add_schema, .flags = DURE_CREATES,
    .handle = on_pass};
static const struct dure_command *const commands[] = {&add_command, &pass_command, NULL};
static struct dure_aggregate counter = {
    .system = "test", .name = "counter", .collection = "counters", .schema = &count_schema,
    .commands = commands, .events = events, .create = &add_command};
static struct dure_aggregate *const aggregates[] = {&counter, NULL};
static const struct dure_system test_system = {.name = "test", .aggregates = aggregates};
static const struct dure_system *const systems[] = {&test_system, NULL};

/* ---- Two nodes and a bad wire ---------------------------------------------------------------------- */

static int64_t now_ms = 1000;
static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}
static int64_t wall_ms(struct dure_io *io) { (void)io; return now_ms; }
static uint64_t mono_ns(struct dure_io *io) { (void)io; return (uint64_t)now_ms * 1000000; }
static uint64_t random_u64(struct dure_io *io) { (void)io; return next_random(); }
static void soon(struct dure_io *io) { (void)io; }
static void alarm_at(struct dure_io *io, int64_t due) { (void)io; (void)due; }
static void work(struct dure_io *io, struct dure_work *job) { (void)io; job->run(job); job->done(job); }
static struct dure_io io = {wall_ms, mono_ns, random_u64, soon, alarm_at, work};

struct frame { void *bytes; size_t len; };
struct node {
    struct dure_transport transport;
    struct dure_runtime *rt;
    struct dure_journal *journal;
    struct dure_rows *rows;
    struct dure_links *links;
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
    size_t other = next_random() % node->frames; /* Out of order. */
    struct frame swap = node->inbox[other];
    node->inbox[other] = *frame;
    *frame = swap;
}

static void send_frame(struct dure_transport *transport, uint16_t shard, const void *bytes, size_t len)
{
    struct node *node = (struct node *)transport;
    (void)shard;
    uint64_t dice = node->bad_wire ? next_random() % 10 : 9;
    if (dice < 3) return; /* Lost. */
    deliver(node->peer, bytes, len);
    if (dice < 5) deliver(node->peer, bytes, len); /* Doubled. */
}

static void open_node(struct node *node, int number)
{
    const bool owned[2] = {number == 0, number == 1};
    struct dure_options options = {.shards = 2, .memory_bytes = 64 << 20, .asks_max = 10000,
                                   .owner = (uint64_t)number};
    const char *message = NULL;
    node->transport.send = send_frame;
    node->peer = &nodes[1 - number];
    assert_int_equal(dure_links_open(&node->links, 2, owned, &node->transport), 0);
    options.links = node->links;
    assert_int_equal(dure_runtime_open(&node->rt, &options, &io, node->journal, node->rows,
                                       &message), 0);
}

static void close_node(struct node *node)
{
    for (int i = 0; i < 3 && node->rt->writing != NULL; i++) node->journal->ops->poll(node->journal);
    dure_runtime_close(node->rt);
    dure_links_close(node->links);
}

static void step(struct node *node)
{
    if (node->frames > 0) {
        struct frame frame = node->inbox[--node->frames];
        dure_links_receive(node->rt, frame.bytes, frame.len);
        free(frame.bytes);
    }
    dure_turn_run(node->rt);
    node->journal->ops->poll(node->journal);
    dure_checkpoint_step(node->rt);
    node->rows->ops->poll(node->rows);
}

static bool quiet(void)
{
    for (int i = 0; i < 2; i++) {
        if (nodes[i].frames > 0 || nodes[i].links->parcels > 0) return false;
        if (!dure_runtime_idle(nodes[i].rt)) return false;
    }
    return true;
}

static void run_until_quiet(void)
{
    for (int i = 0; i < 400000 && !quiet(); i++) {
        step(&nodes[0]);
        step(&nodes[1]);
        if (i % 4 == 0) now_ms += 5;
    }
    assert_true(quiet());
}

static int answered;
static void decided(struct dure_ask *ask, const struct dure_answer *answer)
{
    (void)ask;
    assert_int_equal(answer->verdict, DURE_DONE);
}
static void released(struct dure_ask *ask, int rv)
{
    (void)ask;
    assert_int_equal(rv, 0);
    answered++;
}

static struct dure_ask asks[500];
static struct add payloads[500];
static void submit(int i, int64_t id)
{
    payloads[i].amount = 1;
    asks[i] = (struct dure_ask){.type = counter.type, .command = &pass_command, .id = id,
                                .data = &payloads[i], .decided = decided, .released = released};
    assert_int_equal(dure_ask_submit(nodes[id % 2].rt, &asks[i]), 0);
}

static int64_t sum_of(int64_t id)
{
    struct dure_view view;
    if (dure_runtime_view(nodes[id % 2].rt, counter.type, id, &view) != 0) return 0;
    return ((const struct count *)view.state)->sum;
}

static int setup(void **state)
{
    (void)state;
    struct dure_store_options options = {.codec = dure_row_codec()};
    memset(nodes, 0, sizeof nodes);
    answered = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dure_journal_memory_open(&nodes[i].journal, &options), 0);
        assert_int_equal(dure_rows_memory_open(&nodes[i].rows, &options), 0);
        open_node(&nodes[i], i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        close_node(&nodes[i]);
        while (nodes[i].frames > 0) free(nodes[i].inbox[--nodes[i].frames].bytes);
        nodes[i].rows->ops->close(nodes[i].rows);
        nodes[i].journal->ops->close(nodes[i].journal);
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
    assert_int_equal(answered, 500);
    assert_int_equal(sum_of(11), 250);
    assert_int_equal(sum_of(12), 500); /* 250 of its own, 250 passed on by 11. */
    assert_int_equal(sum_of(13), 250);
    assert_true(nodes[0].links->resent + nodes[1].links->resent > 0);
    assert_true(nodes[0].links->doubles + nodes[1].links->doubles > 0);
}

/* What was not acknowledged when the sender crashed is sent by its next life, and still counts once. */
static void test_sender_restarts(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) submit(i, 21);
    for (int i = 0; i < 6; i++) step(&nodes[1]); /* Durable and sent; the peer has heard nothing. */
    assert_int_equal(answered, 100);
    while (nodes[0].frames > 50) free(nodes[0].inbox[--nodes[0].frames].bytes);
    close_node(&nodes[1]);
    open_node(&nodes[1], 1);
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
            assert_int_equal(dure_checkpoint_flush(nodes[i].rt), 0);
            close_node(&nodes[i]);
        }
        for (int i = 0; i < 2; i++) open_node(&nodes[i], i);
    }
    assert_int_equal(sum_of(42), 30);
}

/* A receiver whose record fails for want of space takes the message again later, once. */
static void test_receiver_full(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) submit(i, 31);
    for (int i = 0; i < 4; i++) step(&nodes[1]);
    dure_journal_memory_fault(nodes[0].journal, DURE_FAULT_NOSPC);
    run_until_quiet();
    assert_int_equal(nodes[0].rt->metrics.nospace, 1);
    assert_int_equal(sum_of(32), 10);
}

int main(void)
{
    const char *given = getenv("DURE_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : 20261121;
    printf("seed %llu (DURE_TEST_SEED replays another)\n", (unsigned long long)seed);
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sender_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_from_checkpoint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receiver_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
