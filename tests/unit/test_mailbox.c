/*
 * Mail is handled in the order of its arrival, actors take turns in bursts, and nobody is queued twice.
 * What does not fit one record goes on in the next, also through crashes; a full mailbox or intake
 * refuses. Mail as bytes is read back or refused, whatever the bytes.
 */
#include "tests/unit/journey.h"
#include "tests/unit/pair.h"
#include "tests/unit/village.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void push(struct dure_runtime *rt, int64_t id, int64_t amount)
{
    struct dure_mail *mail = dure_group_mail(rt);
    struct village_add *add = dure_group_alloc(rt, sizeof *add);
    add->amount = amount;
    mail->kind = DURE_MAIL_COMMAND;
    mail->type = village_counter.type;
    mail->id = id;
    mail->command = &village_add;
    mail->data = add;
    dure_mailbox_push(rt, mail);
}

static int64_t sum_of(int64_t id)
{
    const struct village_counter *counter = world_state(&world, &village_counter, id);
    return counter != NULL ? counter->sum : 0;
}

/* The ids of all Added, and their amounts, in the order of the journal. */
struct handled { int64_t id, amount; };
static size_t handled(struct handled *list, size_t max)
{
    size_t count = 0;
    for (uint64_t index = 1; index <= world_head(&world); index++) {
        size_t len, at = sizeof(struct dure_record_header);
        const char *record = dure_journal_memory_bytes(world.journal, index, &len);
        const struct dure_entry *entry;
        const void *body;
        while ((entry = dure_record_next(record, len, &at, &body)) != NULL) {
            const struct dure_entry_event *event = body;
            if (entry->kind != DURE_ENTRY_EVENT || event->event_code != village_added.code) continue;
            const char *amount = strstr((const char *)(event + 1), "\"amount\":");
            assert_non_null(amount);
            assert_true(count < max);
            list[count++] = (struct handled){event->id, strtoll(amount + 9, NULL, 10)};
        }
    }
    return count;
}

/* A crowd for one does not keep the others waiting longer than a burst each; for each it is the order
 * of arrival. */
static void test_bursts(void **state)
{
    (void)state;
    enum { CROWD = 5 * DURE_MAILBOX_BURST + 3, ALL = CROWD + 4 };
    for (int64_t i = 0; i < CROWD; i++) push(world.rt, 1, i);
    push(world.rt, 2, 0);
    push(world.rt, 3, 0);
    push(world.rt, 2, 1);
    push(world.rt, 3, 1);
    size_t queued = 0;
    for (struct dure_actor *actor = world.rt->ready; actor; actor = actor->ready_next) queued++;
    assert_int_equal(queued, 3);
    world_run(&world);
    struct handled list[ALL];
    assert_int_equal(handled(list, ALL), ALL);
    int64_t next[4] = {0};
    for (size_t i = 0; i < ALL; i++) {
        assert_int_equal(list[i].amount, next[list[i].id]++);
        int64_t due = i < DURE_MAILBOX_BURST ? 1 : i < DURE_MAILBOX_BURST + 2 ? 2
                      : i < DURE_MAILBOX_BURST + 4 ? 3 : 1;
        assert_int_equal(list[i].id, due);
    }
    assert_null(world.rt->ready);
}

/* Any arrivals: the same order as a model of bursts and a queue. */
static void test_order(void **state)
{
    (void)state;
    enum { ACTORS = 7, MAILS = 3000 };
    static struct handled expected[MAILS], got[MAILS];
    static int64_t boxes[ACTORS][MAILS];
    size_t counts[ACTORS] = {0}, taken[ACTORS] = {0}, done = 0;
    int queue[MAILS + ACTORS], first = 0, last = 0;
    for (int64_t i = 0; i < MAILS; i++) {
        int actor = world_random(3) ? (int)world_random(2) : (int)world_random(ACTORS);
        if (counts[actor] == 0) queue[last++] = actor;
        boxes[actor][counts[actor]++] = i;
        push(world.rt, 10 + actor, i);
    }
    while (first < last) {
        int actor = queue[first++];
        for (int burst = 0; burst < DURE_MAILBOX_BURST && taken[actor] < counts[actor]; burst++) {
            expected[done++] = (struct handled){10 + actor, boxes[actor][taken[actor]++]};
        }
        if (taken[actor] < counts[actor]) queue[last++] = actor;
    }
    world_run(&world);
    assert_int_equal(handled(got, MAILS), MAILS);
    assert_memory_equal(got, expected, sizeof got);
}

/* More than a record's share: the rest is deferred, in order, and each is handled once, whichever
 * record is lost. */
static void test_deferred(void **state)
{
    enum { MAILS = 3 * DURE_GROUP_TURNS_MAX, ACTORS = 5 };
    static struct handled list[MAILS];
    for (int crash = 0; crash < 4; crash++) {
        teardown(state);
        setup(state);
        world.no_checkpoints = true;
        for (int64_t i = 0; i < MAILS; i++) push(world.rt, 1 + i % ACTORS, i);
        dure_turn_run(world.rt);
        assert_non_null(world.rt->writing);
        assert_true(world.rt->metrics.deferred >= DURE_GROUP_TURNS_MAX);
        if (crash > 0) {
            world.journal->ops->poll(world.journal);
            if (crash == 2) world_checkpoint(&world); /* Its position waits for what is deferred. */
            if (crash == 3) dure_turn_run(world.rt);  /* The next is on its way, and lost. */
            world_stop(&world, false, true);
            world_reopen(&world);
        }
        world_run(&world);
        assert_null(world.rt->deferred);
        assert_int_equal(handled(list, MAILS), MAILS);
        int64_t next[ACTORS + 1], sum = 0;
        for (int64_t id = 1; id <= ACTORS; id++) next[id] = id - 1;
        for (size_t i = 0; i < MAILS; i++) {
            assert_int_equal(list[i].amount, next[list[i].id]);
            next[list[i].id] += ACTORS;
        }
        for (int64_t id = 1; id <= ACTORS; id++) sum += sum_of(id);
        assert_int_equal(sum, (int64_t)MAILS * (MAILS - 1) / 2);
        world_crash(&world); /* Nothing is taken again. */
        world_run(&world);
        assert_int_equal(handled(list, MAILS), MAILS);
    }
}

/* Commands in flight: the bound refuses, and what has been answered makes room. */
static void test_asks_max(void **state)
{
    (void)state;
    enum { MOST = 5 };
    struct world_ask asks[MOST + 1];
    world.rt->options.asks_max = MOST;
    for (int round = 0; round < 3; round++) {
        dure_journal_memory_hold(world.journal, true);
        for (int i = 0; i < MOST; i++) {
            world_ask(&world, &asks[i], &village_add, 1, &(struct village_add){1});
            if (round > 0) dure_turn_run(world.rt); /* Handled, but not on disk: still in flight. */
        }
        uint64_t refused = world.rt->metrics.asks_refused;
        asks[MOST] = (struct world_ask){0};
        assert_int_equal(world_ask_try(&world, &asks[MOST], &village_add, 1, NULL, false),
                         DURE_EBUSY);
        assert_int_equal(world.rt->metrics.asks_refused, refused + 1);
        dure_journal_memory_hold(world.journal, false);
        world_run(&world);
        for (int i = 0; i < MOST; i++) assert_int_equal(asks[i].released, 1);
        assert_int_equal(world.rt->asks_count, 0);
    }
    assert_int_equal(sum_of(1), 3 * MOST);
}

/* A mailbox that is full takes nothing from another journal; its sender keeps it. */
static void test_full_mailbox(void **state)
{
    (void)state;
    pair_make(2);
    struct world *receiver = &pair[0].world;
    struct world_ask ask;
    world_ask(&pair[1].world, &ask, &village_pass, 1, &(struct village_add){1});
    for (int i = 0; i < 4; i++) pair_step(&pair[1]);
    assert_int_equal(pair[0].frames, 1);
    struct pair_frame frame = pair[0].inbox[0];
    for (int i = 0; i < DURE_MAILBOX_MSGS_MAX; i++) push(receiver->rt, 2, 1);
    dure_links_receive(receiver->rt, frame.bytes, frame.len);
    const struct dure_actor *actor = dure_actor_peek(receiver->rt, village_counter.type, 2);
    assert_int_equal(actor->mail_count, DURE_MAILBOX_MSGS_MAX);
    assert_int_equal(pair[1].world.links->parcels, 1);
    pair_run();
    const struct village_counter *counter = world_state(receiver, &village_counter, 2);
    assert_int_equal(counter->sum, DURE_MAILBOX_MSGS_MAX + 1);
    assert_int_equal(pair[1].world.links->parcels, 0);
    pair_end();
}

static struct dure_mail *mail_of(int kind)
{
    static struct village_add add = {.amount = -77};
    static _Alignas(16) char start[512];
    assert_true(journey_trip.data->size <= sizeof start);
    dure_schema_init(journey_trip.data, start);
    static struct dure_mail mails[4];
    mails[0] = (struct dure_mail){
        .kind = DURE_MAIL_COMMAND, .type = village_counter.type, .id = INT64_MAX,
        .command = &village_add, .data = &add, .from_type = journey_trip.type, .from_id = -5,
        .step = 3, .undo = true, .fresh = true};
    mails[1] = (struct dure_mail){
        .kind = DURE_MAIL_OUTCOME, .type = journey_trip.type, .id = 7, .command = &journey_start,
        .step = 1, .done = true, .answered_id = 9, .reason = "재고부족"};
    mails[2] = (struct dure_mail){.kind = DURE_MAIL_START, .type = journey_trip.type, .id = 8,
                                  .data = start};
    mails[3] = (struct dure_mail){.kind = DURE_MAIL_SKIP, .type = journey_late.type, .id = -1};
    return &mails[kind];
}

static void test_bytes(void **state)
{
    (void)state;
    int taken = 0, refused = 0;
    for (int round = 0; round < 40000; round++) {
        static const struct dure_trace trace = {.trace_id = {1, 2}, .span_id = {3}, .flags = 1};
        struct dure_mail *sent = mail_of(round % 4);
        struct dure_buf bytes = {0};
        if (round % 8 >= 4) sent->trace = &trace;
        dure_mail_encode(sent, &bytes);
        struct dure_mail *got = dure_mail_decode(bytes.data, bytes.len);
        assert_non_null(got);
        assert_true(got->kind == sent->kind && got->type == sent->type && got->id == sent->id);
        assert_true(got->command == sent->command && got->from_type == sent->from_type);
        assert_true(got->from_id == sent->from_id && got->step == sent->step && got->heap);
        assert_true(got->undo == sent->undo && got->done == sent->done);
        assert_true(got->answered_id == sent->answered_id && got->fresh == sent->fresh);
        assert_true((got->trace != NULL) == (round % 8 >= 4));
        if (got->trace != NULL) assert_memory_equal(got->trace, &trace, sizeof trace);
        if (sent->reason != NULL) assert_string_equal(got->reason, sent->reason);
        if (round % 4 == 0) assert_int_equal(((const struct village_add *)got->data)->amount, -77);
        dure_mail_free(got);
        size_t len = world_random(2) ? bytes.len : world_random(bytes.len);
        char *exact = malloc(len > 0 ? len : 1);
        memcpy(exact, bytes.data, len);
        for (uint64_t n = 1 + world_random(3); n > 0 && len > 0; n--) {
            exact[world_random(len)] = (char)world_random(world_random(2) ? 256 : 8);
        }
        got = dure_mail_decode(exact, len);
        free(exact);
        taken += got != NULL;
        refused += got == NULL;
        if (got != NULL && got->kind == DURE_MAIL_COMMAND) assert_non_null(got->data);
        if (got != NULL) dure_mail_free(got);
        dure_buf_fini(&bytes);
    }
    assert_true(taken > 1000 && refused > 1000);
}

/* Known codes that do not belong together: a command to a saga, a start of an aggregate … */
static void test_nonsense(void **state)
{
    (void)state;
    const struct dure_type *types[] = {village_counter.type, village_echo.type, journey_trip.type,
                                       journey_party.type};
    int taken = 0;
    for (int kind = 0; kind < 4; kind++) {
        for (int type = 0; type < 4; type++) {
            struct dure_buf bytes = {0};
            dure_mail_encode(mail_of(kind), &bytes);
            memcpy(bytes.data, &types[type]->code, sizeof types[type]->code); /* Comes first. */
            struct dure_mail *got = dure_mail_decode(bytes.data, bytes.len);
            bool fits = kind == 0 ? type == 0 : type == 2;
            assert_int_equal(got != NULL, fits);
            taken += fits;
            if (got != NULL) dure_mail_free(got);
            dure_buf_fini(&bytes);
        }
    }
    assert_int_equal(taken, 4);
}

int main(void)
{
    const struct dure_system *const systems[] = {village_systems[0], journey_systems[0], NULL};
    world_seed(20261121);
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bursts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deferred, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asks_max, setup, teardown),
        cmocka_unit_test(test_full_mailbox),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
