/*
 * Reading the stream from any place gives exactly what comes behind it, with waypoints or without,
 * and says so when the journal does not reach back that far; positions survive their texts.
 */
#include <stdlib.h>

#include "proto/stream.h"
#include "runtime/replay.h"
#include "runtime/waypoint.h"
#include "tests/unit/village.h"
#include "tests/unit/world.h"

#define SHARDS 8

static struct world world;
static struct dure_replayer replayer;

static int setup(void **state)
{
    (void)state;
    world_make(&world, SHARDS);
    dure_replayer_init(&replayer, world.journal, world.rows, SHARDS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dure_replayer_fini(&replayer);
    world_end(&world);
    return 0;
}

static void add(int64_t id)
{
    world_do(&world, &village_add, id, &(struct village_add){1}, 200);
}

static void ends(struct dure_positions *at)
{
    at->shards = SHARDS;
    memcpy(at->last, world.rt->open->sequences, SHARDS * sizeof at->last[0]);
}

/* One answer; the caller frees its lines. */
static int read_from(struct dure_replay *replay, const struct dure_positions *from, uint32_t max)
{
    static struct dure_positions end;
    ends(&end);
    *replay = (struct dure_replay){.until = world.rt->lsn_durable, .ends = &end, .topic = "",
                                   .max = max, .bytes_max = 1 << 20, .at = *from};
    return dure_replay_read(&replayer, replay);
}

/* Reads to the end in answers of `max`: each event must follow on. Returns how many. */
static uint64_t read_all(struct dure_positions *at, uint32_t max)
{
    uint64_t count = 0;
    struct dure_replay replay;
    do {
        assert_int_equal(read_from(&replay, at, max), 0);
        const char *line = replay.lines.data;
        struct dure_stream_line event;
        for (uint32_t i = 0; i < replay.count; i++, count++) {
            assert_int_equal(
                dure_stream_line(&line, replay.lines.data + replay.lines.len, &event), 0);
            assert_int_equal(event.sequence, at->last[event.shard] + 1);
            at->last[event.shard]++;
        }
        assert_true(dure_positions_equal(at, &replay.at));
        assert_true(replay.count > 0 || replay.end);
        dure_buf_fini(&replay.lines);
    } while (!replay.end);
    return count;
}

/* From every place that the stream ever had, in answers of any size, whatever checkpoints there were. */
static void test_every_place(void **state)
{
    (void)state;
    struct dure_positions places[120];
    for (int i = 0; i < 120; i++) {
        ends(&places[i]);
        add((int64_t)world_random(20) + 1);
        if (world_random(5) == 0) world_checkpoint(&world);
        if (world_random(30) == 0) world_crash(&world);
        replayer.journal = world.journal;
        replayer.rows = world.rows;
    }
    for (int i = 0; i < 120; i++) {
        struct dure_positions at = places[i];
        assert_int_equal(read_all(&at, (uint32_t)world_random(9) + 1), (uint64_t)(120 - i));
    }
}

/* Shards that are not read stay NONE, and their events are not shown. */
static void test_some_shards(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 2 * SHARDS; id++) add(id);
    struct dure_positions from;
    dure_positions_fill(&from, SHARDS, DURE_POSITION_NONE);
    from.last[3] = 1;
    struct dure_replay replay;
    assert_int_equal(read_from(&replay, &from, 100), 0);
    assert_int_equal(replay.count, 1);
    assert_true(replay.end);
    assert_int_equal(replay.at.last[3], 2);
    assert_int_equal(replay.at.last[4], DURE_POSITION_NONE);
    dure_buf_fini(&replay.lines);
}

/* The newest ones, however many are asked for and whatever the topic: what reading all of it ends
 * with, and a place that goes on behind them. */
static void test_the_newest(void **state)
{
    (void)state;
    struct dure_positions start = {0}, end;
    for (int i = 0; i < 60; i++) {
        add((int64_t)world_random(20) + 1);
        if (world_random(10) == 0) world_checkpoint(&world);
    }
    start.shards = SHARDS;
    struct dure_replay all, newest;
    assert_int_equal(read_from(&all, &start, 1000), 0);
    assert_int_equal(all.count, 60);
    ends(&end);
    for (uint32_t max = 1; max <= 70; max++) {
        newest = (struct dure_replay){.until = world.rt->lsn_durable, .ends = &end, .topic = "",
                                      .max = max, .bytes_max = 1 << 20};
        assert_int_equal(dure_replay_last(&replayer, &newest), 0);
        assert_int_equal(newest.count, max < 60 ? max : 60);
        assert_true(newest.lines.len <= all.lines.len && newest.end);
        assert_memory_equal(newest.lines.data,
                            all.lines.data + all.lines.len - newest.lines.len, newest.lines.len);
        assert_true(dure_positions_equal(&newest.at, &end));
        dure_buf_fini(&newest.lines);
    }
    /* Bounded by bytes as well: at least one, and not much more. */
    newest = (struct dure_replay){.until = world.rt->lsn_durable, .ends = &end, .topic = "",
                                  .max = 1000, .bytes_max = 1};
    assert_int_equal(dure_replay_last(&replayer, &newest), 0);
    assert_int_equal(newest.count, 1);
    dure_buf_fini(&newest.lines);
    newest = (struct dure_replay){.until = world.rt->lsn_durable, .ends = &end,
                                  .topic = "village.nothing.", .max = 10, .bytes_max = 1 << 20};
    assert_int_equal(dure_replay_last(&replayer, &newest), 0);
    assert_int_equal(newest.count, 0);
    dure_buf_fini(&newest.lines);
    dure_buf_fini(&all.lines);
}

/* What is trimmed is not missed: the newest are those that are left. */
static void test_the_newest_of_a_trimmed_journal(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) add(1);
    world_checkpoint(&world);
    uint64_t first = world.rt->lsn_durable - 4;
    assert_int_equal(world.journal->ops->trim(world.journal, first), 0);
    struct dure_positions end;
    ends(&end);
    struct dure_replay newest = {.until = world.rt->lsn_durable, .ends = &end, .topic = "",
                                 .max = 100, .bytes_max = 1 << 20};
    assert_int_equal(dure_replay_last(&replayer, &newest), 0);
    assert_true(newest.count > 0 && newest.count <= 5);
    dure_buf_fini(&newest.lines);
}

/* A waypoint never lies behind the place, and is the nearest of them. */
static void test_waypoints(void **state)
{
    (void)state;
    struct dure_positions at[40];
    for (int i = 0; i < 40; i++) {
        add(i % 5 + 1);
        world_checkpoint(&world);
        ends(&at[i]);
    }
    uint64_t head = world.rt->lsn_durable, lsn, before = 0;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(dure_waypoint_find(world.rows, &at[i], head, &lsn), 0);
        assert_true(lsn > before && lsn <= head);
        before = lsn;
    }
    assert_int_equal(before, head);
    struct dure_positions start;
    dure_positions_fill(&start, SHARDS, 0);
    assert_int_equal(dure_waypoint_find(world.rows, &start, head, &lsn), 0);
    assert_int_equal(lsn, 0);
}

/* What was trimmed away is refused, not skipped; the oldest place left is told, and can be read. */
static void test_trimmed(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) add(i % 3 + 1);
    struct dure_positions start, middle, end, oldest;
    ends(&middle);
    uint64_t upto = world.rt->lsn_durable;
    for (int i = 0; i < 12; i++) add(i % 2 + 1);
    world_checkpoint(&world);
    assert_int_equal(world.journal->ops->trim(world.journal, upto), 0);
    dure_positions_fill(&start, SHARDS, 0);
    struct dure_replay replay;
    assert_int_equal(read_from(&replay, &start, 100), DURE_ENOTFOUND);
    dure_buf_fini(&replay.lines);
    ends(&end);
    assert_int_equal(dure_replay_oldest(&replayer, world.rt->lsn_durable, &end, &oldest), 0);
    assert_true(dure_positions_equal(&oldest, &middle));
    assert_int_equal(read_all(&oldest, 5), 12);
    /* A shard without any event left: its place is behind, and that is noticed. */
    middle.last[3]--;
    assert_int_equal(read_from(&replay, &middle, 100), DURE_ENOTFOUND);
    dure_buf_fini(&replay.lines);
}

/* A place that the journal has not reached belongs to another one. */
static void test_ahead(void **state)
{
    (void)state;
    add(1);
    struct dure_positions at;
    ends(&at);
    at.last[1]++;
    struct dure_replay replay;
    assert_int_equal(read_from(&replay, &at, 1), DURE_EPRECONDITION);
    dure_buf_fini(&replay.lines);
}

/* Compact texts give back what was written; a byte more, less or wrong is refused or another place. */
static void test_texts(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct dure_positions at, back;
        at.shards = (uint32_t)world_random(round < 10 ? DURE_SHARDS_MAX : 70) + 1;
        uint64_t base = world_random(2) ? world_random(UINT64_MAX / 2) : world_random(1000);
        for (uint32_t i = 0; i < at.shards; i++) {
            at.last[i] = world_random(9) == 0 ? DURE_POSITION_NONE : base + world_random(300);
        }
        struct dure_buf text = {0};
        dure_positions_write(&at, &text);
        assert_int_equal(dure_positions_read(&back, text.data, text.len), 0);
        assert_true(dure_positions_equal(&at, &back));
        assert_int_equal(dure_positions_read(&back, text.data, text.len - 1), DURE_EINVAL);
        text.data[1 + world_random(text.len - 1)] = '!';
        assert_int_equal(dure_positions_read(&back, text.data, text.len), DURE_EINVAL);
        text.len = 1 + world_random(40);
        for (size_t i = 1; i < text.len && i < text.cap; i++) text.data[i] = (char)('A' + world_random(26));
        if (text.len <= text.cap) (void)(dure_positions_read(&back, text.data, text.len) == 0);
        dure_buf_fini(&text);
    }
}

/* Prefixes, several of them, and none. */
static void test_topics(void **state)
{
    (void)state;
    static const char type[] = "shop.order.OrderPlaced";
    size_t len = sizeof type - 1;
    assert_true(dure_topic_match("", type, len));
    assert_true(dure_topic_match("shop.", type, len));
    assert_true(dure_topic_match("food.,shop.order.OrderPlaced", type, len));
    assert_false(dure_topic_match("shop.order.OrderPlacedX", type, len));
    assert_false(dure_topic_match("food.,bike.", type, len));
}

int main(void)
{
    assert_int_equal(dure_registry_init(village_systems), 0);
    world_seed(27);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_some_shards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_newest_of_a_trimmed_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waypoints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trimmed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ahead, setup, teardown),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
