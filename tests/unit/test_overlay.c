/*
 * Lists see every durable change, whether its row has been written or not, and never show one that is
 * not durable: who waits as readers do hears in time that it was taken back.
 */
#include "runtime/query.h"
#include "tests/unit/village.h"
#include "tests/unit/world.h"

#define IDS 60

static struct world world;

/* Queries run when the test says so. */
static struct dure_work *queued;
static void keep(struct dure_io *io, struct dure_work *work)
{
    (void)io;
    assert_null(queued);
    queued = work;
}

static int setup(void **state)
{
    (void)state;
    world_io.work = keep;
    world_make(&world, 2);
    world.no_checkpoints = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

/* ---- Reading as the gateway does ------------------------------------------------------------------ */

struct reader {
    struct dure_query query; /* First. */
    struct dure_hold hold;
    struct village_counter wanted;
    bool filtered, finished, held;
    int rv;
    int64_t ids[IDS + 1], sums[IDS + 1]; /* What would be shown, if rv is 0. */
    size_t count;
};

static void held(struct dure_hold *hold, int rv)
{
    struct reader *reader = (struct reader *)((char *)hold - offsetof(struct reader, hold));
    reader->held = true;
    reader->rv = rv;
}

static void done(struct dure_query *query)
{
    struct reader *reader = (struct reader *)query;
    assert_int_equal(query->rv, 0);
    reader->finished = true;
    for (size_t i = 0; i < query->ids_count; i++) {
        const struct village_counter *counter =
            world_state(&world, &village_counter, query->ids[i]);
        if (counter == NULL) continue;
        reader->ids[reader->count] = query->ids[i];
        reader->sums[reader->count++] = counter->sum;
    }
    if (query->outdated) {
        reader->held = true;
        reader->rv = DURE_ENOSPC;
    } else {
        reader->hold.cb = held;
        dure_turn_hold(world.rt, &reader->hold);
    }
}

/* `sum`: only those; -1: all. */
static void begin(struct reader *reader, int64_t sum)
{
    const struct dure_schema *schema = village_counter.schema;
    *reader = (struct reader){.query = {.type = village_counter.type, .size = IDS, .done = done}};
    dure_schema_init(schema, &reader->wanted);
    reader->wanted.sum = sum;
    if (sum >= 0) {
        reader->query.filters[reader->query.filters_count++] = dure_schema_find(schema, "sum", 3);
        reader->query.wanted = &reader->wanted;
    }
    assert_int_equal(dure_query_start(world.rt, &reader->query), 0);
    assert_false(reader->finished);
}

static void walk(void)
{
    struct dure_work *work = queued;
    work->run(work);
}

static void finish(void)
{
    struct dure_work *work = queued;
    queued = NULL;
    work->done(work);
}

static void end(struct reader *reader)
{
    assert_true(reader->finished && reader->held);
    dure_query_fini(&reader->query);
}

static void add(int64_t id, int64_t amount)
{
    world_do(&world, &village_add, id, &(struct village_add){amount}, 200);
}

static void add_only(struct world_ask *ask, int64_t id, int64_t amount)
{
    world_ask(&world, ask, &village_add, id, &(struct village_add){amount});
    dure_turn_run(world.rt);
}

/* ---- The tests ---------------------------------------------------------------------------------------- */

/* One actor in each place where its newest state can lie: seen once, as it is. */
static void test_everywhere(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 6; id++) add(id, id);
    world_checkpoint(&world);
    add(2, 100);                                    /* Row and newer. */
    world_remove(&world, &village_counter, 3, 200); /* Row, and gone. */
    dure_rows_memory_hold(world.rows, true);
    world_now_ms += DURE_CHECKPOINT_INTERVAL_MS;
    world.rt->open->time_ms = world_now_ms;
    dure_checkpoint_step(world.rt); /* Those two in a batch under way, … */
    add(4, 100);                    /* … this one and these behind it. */
    add(2, 1000);
    add(7, 7);
    static const int64_t ids[] = {1, 2, 4, 5, 6, 7}, sums[] = {1, 1102, 104, 5, 6, 7};
    for (int written = 0; written < 3; written++) {
        struct reader reader;
        begin(&reader, -1);
        if (written == 1) { /* The rows change under the walk. */
            dure_rows_memory_hold(world.rows, false);
            world.rows->ops->poll(world.rows);
        }
        if (written == 2) world_checkpoint(&world);
        walk();
        finish();
        assert_int_equal(reader.rv, 0);
        assert_int_equal(reader.query.total, 6);
        assert_int_equal(reader.count, 6);
        assert_memory_equal(reader.ids, ids, sizeof ids);
        assert_memory_equal(reader.sums, sums, sizeof sums);
        end(&reader);
    }
}

/* A change that is not durable when the query begins: shown only once it is. */
static void test_waits(void **state)
{
    (void)state;
    add(1, 1);
    for (int lost = 0; lost < 2; lost++) {
        struct world_ask ask;
        struct reader reader;
        if (lost) dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
        dure_journal_memory_hold(world.journal, true);
        add_only(&ask, 1, 10);
        begin(&reader, -1);
        walk();
        finish();
        assert_false(reader.held); /* Nothing is shown yet. */
        dure_journal_memory_hold(world.journal, false);
        world.journal->ops->poll(world.journal);
        assert_true(reader.held);
        assert_int_equal(reader.rv, lost ? DURE_ENOSPC : 0);
        if (!lost) assert_int_equal(reader.sums[0], 11);
        end(&reader);
    }
    const struct village_counter *counter = world_state(&world, &village_counter, 1);
    assert_int_equal(counter->sum, 11);
}

/* The record fails while the rows are walked: the result is void, though nothing is in flight when it
 * is done. */
static void test_fails_meanwhile(void **state)
{
    (void)state;
    add(1, 1);
    struct world_ask ask;
    struct reader reader;
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    dure_journal_memory_hold(world.journal, true);
    add_only(&ask, 1, 41); /* Sum 42, for now. */
    begin(&reader, 42);
    dure_journal_memory_hold(world.journal, false);
    world.journal->ops->poll(world.journal);
    assert_int_equal(ask.rv, DURE_ENOSPC);
    walk();
    finish();
    assert_int_equal(reader.rv, DURE_ENOSPC); /* Else 1 would be shown as one of 42. */
    end(&reader);
    begin(&reader, 42);
    walk();
    finish();
    assert_int_equal(reader.rv, 0);
    assert_int_equal(reader.count, 0);
    end(&reader);
}

/* Adds, removals, checkpoints, failures and queries in any order: what is shown is what was acknowledged
 * when the query began, or later. Amounts only grow, so a sum tells when. */
static void test_any_order(void **state)
{
    (void)state;
    static int64_t acknowledged[IDS + 1];
    memset(acknowledged, 0, sizeof acknowledged);
    int shown = 0, taken_back = 0;
    for (int round = 0; round < 3000; round++) {
        int64_t id = 1 + (int64_t)world_random(IDS), least[IDS + 1];
        struct world_ask ask;
        struct reader reader;
        dure_journal_memory_hold(world.journal, true);
        if (world_random(6) == 0) dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
        add_only(&ask, id, 1 + (int64_t)world_random(5));
        memcpy(least, acknowledged, sizeof least);
        begin(&reader, -1);
        uint64_t when = world_random(3);
        for (uint64_t at = 0; at < 3; at++) {
            if (at == when) {
                dure_journal_memory_hold(world.journal, false);
                world_run(&world);
            }
            if (at == 0) walk();
            if (at == 1) finish();
        }
        assert_int_equal(ask.released, 1);
        const struct village_add *amount = (const void *)ask.payload;
        if (ask.rv == 0) acknowledged[id] += amount->amount;
        assert_true(reader.held);
        shown += reader.rv == 0;
        taken_back += reader.rv != 0;
        for (size_t i = 0; reader.rv == 0 && i < reader.count; i++) {
            int64_t one = reader.ids[i];
            assert_true(reader.sums[i] >= least[one] && reader.sums[i] <= acknowledged[one]);
            least[one] = 0;
        }
        for (int64_t one = 1; reader.rv == 0 && one <= IDS; one++) assert_int_equal(least[one], 0);
        end(&reader);
        if (world_random(5) == 0) world_checkpoint(&world);
        if (world_random(50) == 0) world_crash(&world);
        world_now_ms += 300;
    }
    assert_true(shown > 1000 && taken_back > 100);
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(village_systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fails_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
