/*
 * A node that crashes at any record, at any point of a checkpoint, comes back as the one that never
 * crashed: states, versions, histories, ids, sequences, counters. What it cannot read it refuses by
 * name, and touches nothing.
 *
 * The workload is the shop's and the village's, by a seed; DURE_TEST_SEED replays one.
 */
#include "actors/shop/shop.h"
#include "tests/unit/village.h"
#include "tests/unit/world.h"

#define TICKS 36
#define ASKS_MAX 5

static uint64_t seed;

/* ---- The workload: what is asked at a tick depends on the seed and the tick alone. ------------------ */

struct request {
    const struct dure_command *command;
    int64_t id;
    bool by_key;
    _Alignas(16) char payload[WORLD_PAYLOAD_MAX];
};

static void request_json(struct request *request, const struct dure_aggregate *aggregate,
                         int64_t id, const char *fmt, ...)
{
    char json[256];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(json, sizeof json, fmt, args);
    va_end(args);
    struct dure_field_errors errors = {0};
    *request = (struct request){.command = aggregate->create, .id = id,
                                .by_key = aggregate->key != NULL};
    dure_schema_init(request->command->schema, request->payload);
    assert_int_equal(dure_schema_read_json(request->command->schema, request->payload, json,
                                           (size_t)len, NULL, &errors), 0);
}

static void request_counter(struct request *request, const struct dure_command *command,
                            int64_t amount)
{
    *request = (struct request){.command = command, .id = 1 + (int64_t)world_random(5)};
    *(struct village_add *)(void *)request->payload = (struct village_add){amount};
}

static void make_request(struct request *request, int tick, int64_t now_ms)
{
    int number = 1 + (int)world_random(9);
    switch (tick < 3 ? world_random(3) : world_random(9)) { /* First something to sell and pay. */
    case 0:
        request_json(request, &shop_inventory, DURE_NEW,
                     "{\"stockName\":\"TV %d\",\"stockCount\":%d,\"price\":%d}", number,
                     number * 9, number);
        break;
    case 1:
    case 2: {
        int user = 1 + (int)world_random(4);
        request_json(request, &shop_pay, user, "{\"userId\":%d,\"payAmount\":%d}", user, number * 90);
        break;
    }
    case 3:
    case 4:
    case 5:
        request_json(request, &shop_order, DURE_NEW,
                     "{\"productId\":%d,\"quantity\":%d,\"userId\":%d}", 1 + (int)world_random(4),
                     number, 1 + (int)world_random(5));
        break;
    case 6:
        *request = (struct request){.command = shop_order.remove,
                                    .id = 1 + (int64_t)world_random(20)};
        break;
    case 7: request_counter(request, &village_tell, number - 2); break;
    default:
        request_counter(request, &village_alarm, now_ms + 200 * number);
        break;
    }
}

static size_t make_requests(int tick, int64_t now_ms, struct request *requests)
{
    world_seed_set(seed * 1000 + (uint64_t)tick);
    for (int i = 0; i < 8; i++) (void)world_random(2); /* Neighbouring seeds begin alike. */
    size_t count = 1 + world_random(ASKS_MAX);
    for (size_t i = 0; i < count; i++) make_request(&requests[i], tick, now_ms);
    return count;
}

/* ---- One run --------------------------------------------------------------------------------------- */

struct run {
    struct world world;
    struct world_ask asks[ASKS_MAX];
    size_t asks_count;
    int64_t began;
};

static void begin(struct run *run, int64_t began)
{
    *run = (struct run){.began = began};
    world_now_ms = began;
    world_make(&run->world, 4);
}

static void submit(struct run *run, int tick)
{
    struct request requests[ASKS_MAX];
    run->asks_count = make_requests(tick, world_now_ms, requests);
    for (size_t i = 0; i < run->asks_count; i++) {
        run->asks[i] = (struct world_ask){0};
        assert_int_equal(world_ask_try(&run->world, &run->asks[i], requests[i].command,
                                       requests[i].id, requests[i].payload, requests[i].by_key), 0);
    }
}

/* The time of a tick; every fourth one a checkpoint becomes due. The rows are slow for two of seven
 * ticks: records pass while a batch is on its way. */
static void begin_tick(struct run *run, int tick)
{
    world_now_ms = run->began + tick * 600;
    bool slow = tick % 7 == 3 || tick % 7 == 4;
    dure_rows_memory_hold(run->world.rows, slow);
}

static void tick_to_end(struct run *run, int tick)
{
    begin_tick(run, tick);
    submit(run, tick);
    world_run(&run->world);
    for (size_t i = 0; i < run->asks_count; i++) {
        assert_int_equal(run->asks[i].released, 1);
        assert_int_equal(run->asks[i].rv, 0);
    }
}

/* ---- The reference that never crashes ---------------------------------------------------------------- */

#define RECORDS_MAX (TICKS * 4)
static char *after[RECORDS_MAX]; /* What is printed after record i; [0]: of the empty node. */
static uint64_t records;

static void forget_reference(void)
{
    for (uint64_t i = 0; i < RECORDS_MAX; i++) {
        free(after[i]);
        after[i] = NULL;
    }
}

static void run_reference(struct run *run, int64_t began)
{
    forget_reference();
    begin(run, began);
    after[world_head(&run->world)] = world_printed(&run->world);
    for (int tick = 0; tick < TICKS; tick++) {
        begin_tick(run, tick);
        submit(run, tick);
        do {
            world_round(&run->world);
            uint64_t head = world_head(&run->world);
            assert_true(head < RECORDS_MAX);
            if (after[head] == NULL) after[head] = world_printed(&run->world);
        } while (!world_idle(&run->world));
    }
    records = world_head(&run->world);
}

/* Runs to the record `crash_at`, crashes there, compares, goes on to the end, compares. */
static void run_with_crash(int64_t began, uint64_t crash_at, bool append_written,
                           bool rows_written)
{
    static struct run run;
    begin(&run, began);
    bool crashed = false;
    for (int tick = 0; tick < TICKS; tick++) {
        if (crashed) {
            tick_to_end(&run, tick);
            continue;
        }
        begin_tick(&run, tick);
        submit(&run, tick);
        do {
            dure_turn_run(run.world.rt);
            if (run.world.rt->writing != NULL && run.world.rt->writing->lsn == crash_at) {
                crashed = true;
                /* Let a checkpoint that is due begin, while this record is on its way. */
                dure_checkpoint_step(run.world.rt);
                world_stop(&run.world, append_written, rows_written);
                world_reopen(&run.world);
                char *now = world_printed(&run.world);
                world_assert_same(now, after[append_written ? crash_at : crash_at - 1]);
                free(now);
                begin_tick(&run, tick);
                /* Nobody was told anything: the clients ask again. */
                if (!append_written && run.asks_count > 0) submit(&run, tick);
                world_run(&run.world);
                break;
            }
            world_round(&run.world);
        } while (!world_idle(&run.world));
    }
    assert_true(crashed);
    char *end = world_printed(&run.world);
    world_assert_same(end, after[records]);
    free(end);
    world_end(&run.world);
}

static void test_every_index(void **state)
{
    (void)state;
    static struct run reference;
    uint64_t first_seed = seed;
    int64_t began = world_now_ms;
    for (; seed < first_seed + 3; seed++) {
        run_reference(&reference, began);
        assert_true(records > TICKS / 2 && reference.world.rt->metrics.checkpoints >= 4);
        assert_true(reference.world.rt->metrics.sagas_done > 0);
        assert_true(reference.world.rt->metrics.sagas_refused > 0);
        for (uint64_t index = 1; index <= records; index++) {
            for (int how = 0; how < 4; how++) {
                run_with_crash(began, index, (how & 1) != 0, (how & 2) != 0);
            }
        }
        world_end(&reference.world);
    }
    seed = first_seed;
    forget_reference();
}

/* ---- Replay ---------------------------------------------------------------------------------------------- */

/* Replaying is idempotent: again and again, from the rows or from the journal alone. */
static void test_idempotent(void **state)
{
    (void)state;
    static struct run run;
    begin(&run, world_now_ms);
    for (int tick = 0; tick < TICKS; tick++) tick_to_end(&run, tick);
    char *live = world_printed(&run.world);
    for (int i = 0; i < 6; i++) {
        world_crash(&run.world);
        if (i % 2 == 1) world_checkpoint(&run.world);
        char *again = world_printed(&run.world);
        world_assert_same(again, live);
        free(again);
    }
    struct world bare;
    world_rebuild(&run.world, &bare);
    char *rebuilt = world_printed(&bare);
    world_assert_same(rebuilt, live);
    free(rebuilt);
    free(live);
    world_end(&bare);
    world_end(&run.world);
}

/* ---- What cannot be read ------------------------------------------------------------------------------- */

/* A node with a few records, stopped, whose journal can be damaged. */
static void make_stopped(struct run *run, int ticks)
{
    begin(run, world_now_ms);
    run->world.no_checkpoints = true;
    for (int tick = 0; tick < ticks; tick++) tick_to_end(run, tick);
    world_stop(&run->world, true, true);
}

static void refused(struct world *world, int rv, uint64_t index)
{
    const char *message = NULL;
    char name[64];
    uint64_t head = world_head(world);
    assert_int_equal(world_open(world, &message), rv);
    snprintf(name, sizeof name, "record %llu ", (unsigned long long)index);
    assert_non_null(message);
    assert_non_null(strstr(message, name));
    assert_int_equal(world_head(world), head); /* Nothing was touched. */
}

/* Any damaged byte of a record: DURE_ECORRUPT (or a version that we do not know), naming it. */
static void test_damage(void **state)
{
    (void)state;
    static struct run run;
    make_stopped(&run, 6);
    for (uint64_t index = 1; index <= world_head(&run.world); index++) {
        size_t len;
        char *record = dure_journal_memory_bytes(run.world.journal, index, &len);
        for (size_t at = 0; at < len; at += at < 64 ? 1 : 37) {
            char bit = (char)(1 << world_random(8));
            record[at] = (char)(record[at] ^ bit);
            bool version = at == offsetof(struct dure_record_header, version) ||
                           at == offsetof(struct dure_record_header, version) + 1;
            struct dure_record_header head;
            memcpy(&head, record, sizeof head);
            bool newer = version && head.version > DURE_RECORD_VERSION;
            refused(&run.world, newer ? DURE_EFORMAT : DURE_ECORRUPT, index);
            record[at] = (char)(record[at] ^ bit);
        }
    }
    world_reopen(&run.world); /* It was the damage. */
    world_end(&run.world);
}

/* Sound in itself, but not the successor of the one before: the chain says so. */
static void test_broken_chain(void **state)
{
    (void)state;
    static struct run run;
    make_stopped(&run, 6);
    uint64_t head = world_head(&run.world);
    for (uint64_t index = 1; index < head; index++) {
        size_t len;
        char *record = dure_journal_memory_bytes(run.world.journal, index, &len);
        struct dure_record_header header;
        memcpy(&header, record, sizeof header);
        header.time_ms++; /* A rewritten past. */
        memcpy(record, &header, sizeof header);
        dure_record_seal(record, len);
        refused(&run.world, DURE_ECORRUPT, index + 1);
        header.time_ms--;
        memcpy(record, &header, sizeof header);
        dure_record_seal(record, len);
    }
    world_reopen(&run.world);
    /* Also across a checkpoint: the rows remember what they were made of. */
    world_checkpoint(&run.world);
    world_do(&run.world, &village_add, 1, &(struct village_add){1}, 200);
    world_stop(&run.world, true, true);
    size_t len;
    char *record = dure_journal_memory_bytes(run.world.journal, head + 1, &len);
    struct dure_record_header header;
    memcpy(&header, record, sizeof header);
    header.prev_hash++;
    memcpy(record, &header, sizeof header);
    dure_record_seal(record, len);
    refused(&run.world, DURE_ECORRUPT, head + 1);
    world_end(&run.world);
}

/* Written by a newer version: the record, an entry, an event, a type. Refused, nothing touched. */
static void test_newer(void **state)
{
    (void)state;
    static struct run run;
    make_stopped(&run, 6);
    uint64_t index = world_head(&run.world);
    size_t len, at = sizeof(struct dure_record_header);
    char *record = dure_journal_memory_bytes(run.world.journal, index, &len);
    struct dure_buf kept = {0};
    dure_buf_add(&kept, record, len);

    struct dure_record_header header;
    memcpy(&header, record, sizeof header);
    header.version = DURE_RECORD_VERSION + 1;
    memcpy(record, &header, sizeof header);
    dure_record_seal(record, len);
    refused(&run.world, DURE_EFORMAT, index);

    memcpy(record, kept.data, len);
    const void *body;
    const struct dure_entry *entry = dure_record_next(record, len, &at, &body);
    struct dure_entry *writable = (struct dure_entry *)(uintptr_t)entry;
    writable->kind = 99;
    dure_record_seal(record, len);
    refused(&run.world, DURE_EFORMAT, index);

    at = sizeof(struct dure_record_header);
    memcpy(record, kept.data, len);
    while ((entry = dure_record_next(record, len, &at, &body)) != NULL &&
           entry->kind != DURE_ENTRY_EVENT) {
    }
    assert_non_null(entry);
    struct dure_entry_event *event = (struct dure_entry_event *)(uintptr_t)body;
    event->event_code ^= 1;
    dure_record_seal(record, len);
    refused(&run.world, DURE_EFORMAT, index);
    event->event_code ^= 1;
    event->type_code ^= 1;
    dure_record_seal(record, len);
    refused(&run.world, DURE_EFORMAT, index);

    memcpy(record, kept.data, len);
    dure_buf_fini(&kept);
    world_reopen(&run.world);
    world_end(&run.world);
}

/* The journal ends before the rows do: it has lost records, and the node does not go on. */
static void test_lost_records(void **state)
{
    (void)state;
    static struct run run;
    begin(&run, world_now_ms);
    for (int tick = 0; tick < 6; tick++) tick_to_end(&run, tick);
    world_checkpoint(&run.world);
    uint64_t head = world_head(&run.world);
    world_stop(&run.world, true, true);
    dure_journal_memory_crash(run.world.journal, head - 1);
    const char *message = NULL;
    assert_int_equal(world_open(&run.world, &message), DURE_ECORRUPT);
    assert_non_null(strstr(message, "lost"));
    world_end(&run.world);
}

int main(void)
{
    static const struct dure_system *const systems[] = {&shop_system, &village, NULL};
    seed = world_seed(20261121);
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_index),    cmocka_unit_test(test_idempotent),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_broken_chain),
        cmocka_unit_test(test_newer),          cmocka_unit_test(test_lost_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
