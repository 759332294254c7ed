/*
 * Demand response interrupted at every record: a list of several pages, answers, the end, readings.
 * The node crashes behind the n-th record or before it is written, or the disk is full just then, for
 * each n; whoever asked asks again. Afterwards each user has one response, each accepted one has been
 * settled once, and everybody has what the readings were worth.
 *
 * And: what the meter answers, in any order and however often.
 */
#include "actors/dr/dr.h"
#include "tests/unit/world.h"

#define USERS 300 /* More than two pages of a round. */
#define ACCEPTED 12
#define CAPACITY 100

static struct world world;

/* ---- A meter that the test is ---------------------------------------------------------------- */

static int64_t questions[4 * USERS]; /* Kepcos that have asked. */
static size_t questions_count;

static void on_asked(void *arg, const struct dure_port *port, const struct dure_event *event,
                     const struct dure_trace *trace)
{
    (void)trace;
    (void)arg;
    assert_ptr_equal(port, &dr_meter);
    assert_true(questions_count < sizeof questions / sizeof questions[0]);
    questions[questions_count++] = event->id;
}

static void listen(void)
{
    world.rt->on_asked = on_asked;
    assert_int_equal(dure_port_resume(world.rt, &dr_meter), 0);
}

/* ---- Interruptions --------------------------------------------------------------------------- */

enum how { CRASH_BEHIND, CRASH_BEFORE, DISK_FULL, HOW_COUNT };
static enum how how;
static uint64_t at; /* The record. 0: none. */
static bool interrupted;

static void one_round(void)
{
    bool now = at != 0 && !interrupted && world_head(&world) + 1 >= at;
    if (now && how == DISK_FULL) dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    dure_turn_run(world.rt);
    uint64_t head = world_head(&world);
    if (at != 0 && !interrupted && head >= at && how != DISK_FULL) {
        interrupted = true;
        questions_count = 0;
        world_stop(&world, how == CRASH_BEHIND, true);
        world_reopen(&world);
        listen();
        return;
    }
    if (now && how == DISK_FULL) interrupted = true;
    world.journal->ops->poll(world.journal);
    dure_checkpoint_step(world.rt);
    world.rows->ops->poll(world.rows);
}

/* Long enough for whatever is due, the pause after a full disk included. */
static void run(void)
{
    for (int i = 0; i < 20; i++) one_round();
    world_now_ms += DURE_ROUND_PAUSE_MS;
}

/* Asks; what comes of it is looked for in the state, since it may have been interrupted. */
static void ask(const struct dure_command *command, int64_t id, const void *payload)
{
    static struct world_ask asked; /* The runtime may keep it until the world stops. */
    world_ask(&world, &asked, command, id, payload);
    run();
    world_now_ms += 300; /* Behind the pause after a full disk. */
    run();
}

/* ---- The story ------------------------------------------------------------------------------- */

static void register_users(void)
{
    static struct world_ask asks[USERS];
    struct dr_user user;
    dure_schema_init(dr_user.create->schema, &user);
    for (size_t i = 0; i < USERS; i++) {
        user.capacity = CAPACITY;
        world_ask(&world, &asks[i], dr_user.create, DURE_NEW, &user);
    }
    world_run(&world);
    assert_non_null(world_state(&world, &dr_user, USERS));
}

static size_t count_of(struct dure_aggregate *aggregate)
{
    return (size_t)world.rt->counters[aggregate->type->index].count;
}

static void start(void)
{
    while (world_state(&world, &dr_demand, 1) == NULL) ask(dr_demand.create, DURE_NEW, NULL);
    for (int i = 0; count_of(&dr_response) < USERS; i++) {
        assert_true(i < 1000);
        run();
    }
}

static void accept(void)
{
    for (int64_t id = 1; id <= ACCEPTED; id++) {
        const struct dr_response *response;
        while (response = world_state(&world, &dr_response, id * (USERS / ACCEPTED)),
               response->answer != DR_ACCEPT) {
            ask(&dr_response_accept, response->id, NULL);
        }
    }
}

static void end_it(void)
{
    const struct dr_demand *demand;
    while (demand = world_state(&world, &dr_demand, 1), demand->status == DR_RUNNING) {
        ask(&dr_demand_end, 1, NULL);
    }
    for (int i = 0; count_of(&dr_kepco) < ACCEPTED; i++) {
        assert_true(i < 1000);
        run();
    }
}

/* The reading of kepco n is 10 × n; every third is not real. */
static void answer(int64_t kepco)
{
    struct dr_meter_answer answer;
    dure_schema_init(dr_kepco_answer.schema, &answer);
    answer.outcome = DR_METER_READ;
    answer.adjust_point = 10 * kepco;
    answer.is_real = kepco % 3 != 0;
    ask(&dr_kepco_answer, kepco, &answer);
}

static bool all_settled(void)
{
    for (int64_t id = 1; id <= ACCEPTED; id++) {
        const struct dr_kepco *kepco = world_state(&world, &dr_kepco, id);
        if (kepco->is_real < 0) return false;
    }
    return true;
}

static void read_meters(void)
{
    for (int i = 0; !all_settled(); i++) {
        assert_true(i < 1000);
        size_t count = questions_count;
        for (size_t j = 0; j < count && j < questions_count; j++) answer(questions[j]);
        run();
    }
}

/* ---- What must be ---------------------------------------------------------------------------- */

static void check_responses(void)
{
    static bool listed[USERS + 1];
    memset(listed, 0, sizeof listed);
    assert_int_equal(count_of(&dr_response), USERS);
    for (int64_t id = 1; id <= USERS; id++) {
        const struct dr_response *response = world_state(&world, &dr_response, id);
        assert_non_null(response);
        assert_in_range(response->user_id, 1, USERS);
        assert_false(listed[response->user_id]);
        listed[response->user_id] = true;
        assert_true(response->closed);
        assert_int_equal(response->asking, 0);
        assert_int_equal(response->owed, id % (USERS / ACCEPTED) == 0);
    }
}

static void check_settlements(void)
{
    static int64_t points[USERS + 1];
    memset(points, 0, sizeof points);
    assert_int_equal(count_of(&dr_kepco), ACCEPTED);
    for (int64_t id = 1; id <= ACCEPTED; id++) {
        const struct dr_kepco *kepco = world_state(&world, &dr_kepco, id);
        const struct dr_response *response =
            world_state(&world, &dr_response, kepco->response_id);
        assert_true(response->owed);
        assert_int_equal(response->answer, kepco->is_real ? DR_ACCEPT : DR_DENY);
        if (kepco->is_real) points[kepco->user_id] += kepco->adjust_point;
    }
    for (int64_t id = 1; id <= USERS; id++) {
        const struct dr_user *user = world_state(&world, &dr_user, id);
        assert_int_equal(user->point, points[id]);
        const struct dr_user_info *info = world_state(&world, &dr_user_info, id);
        assert_int_equal(info->point, points[id]);
    }
}

/* Returns the number of records that it took. */
static uint64_t story(enum how by, uint64_t record)
{
    how = by;
    at = 0;
    interrupted = false;
    questions_count = 0;
    world_make(&world, 4);
    listen();
    register_users();
    uint64_t before = world_head(&world);
    if (record != 0) at = before + record;
    start();
    accept();
    end_it();
    read_meters();
    for (int i = 0; i < 10; i++) run();
    uint64_t took = world_head(&world) - before;
    check_responses();
    check_settlements();
    assert_int_equal(world.rt->timers_count, 0);
    assert_int_equal(world.rt->counters[dr_list_round.type->index].count, 0);
    struct world bare;
    char *live = world_printed(&world);
    world_rebuild(&world, &bare);
    char *rebuilt = world_printed(&bare);
    world_assert_same(rebuilt, live);
    free(live);
    free(rebuilt);
    world_end(&bare);
    assert_true(record == 0 || interrupted);
    world_end(&world);
    return took;
}

static void test_every_record(void **state)
{
    (void)state;
    uint64_t records = story(CRASH_BEHIND, 0);
    printf("%llu records\n", (unsigned long long)records);
    assert_true(records > 20);
    for (int by = 0; by < HOW_COUNT; by++) {
        for (uint64_t n = 1; n <= records; n++) story((enum how)by, n);
    }
}

/* ---- What the meter says --------------------------------------------------------------------- */

static void one_accepted(void)
{
    world_make(&world, 4);
    how = CRASH_BEHIND;
    at = 0;
    questions_count = 0;
    listen();
    struct dr_user user;
    dure_schema_init(dr_user.create->schema, &user);
    user.capacity = CAPACITY;
    world_do(&world, dr_user.create, DURE_NEW, &user, 200);
    world_do(&world, dr_demand.create, DURE_NEW, NULL, 200);
    world_do(&world, &dr_response_accept, 1, NULL, 200);
    world_do(&world, &dr_demand_end, 1, NULL, 200);
    assert_int_equal(questions_count, 1);
}

static void tell(enum dr_meter_outcome outcome, int64_t retry_ms)
{
    struct dr_meter_answer answer;
    dure_schema_init(dr_kepco_answer.schema, &answer);
    answer.outcome = (uint8_t)outcome;
    answer.retry_ms = retry_ms;
    answer.adjust_point = 7;
    answer.is_real = 1;
    ask(&dr_kepco_answer, 1, &answer);
}

/* A failure is asked again after a second, then two, … and not before what the meter wishes. */
static void test_back_off(void **state)
{
    (void)state;
    one_accepted();
    int64_t wait_ms = 1000;
    for (size_t n = 1; n <= 5; n++, wait_ms *= 2) {
        int64_t asked_ms = world_now_ms;
        tell(DR_METER_FAILED, DURE_NULL);
        while (questions_count == n) world_pass(&world, 10);
        assert_in_range(world_now_ms - asked_ms, wait_ms / 2, wait_ms + 20);
    }
    int64_t asked_ms = world_now_ms;
    tell(DR_METER_FAILED, 3600000);
    while (questions_count == 6) world_pass(&world, 1000);
    assert_in_range(world_now_ms - asked_ms, 3600000, 3602000);
    world_end(&world);
}

/* Silence is asked again, and the second answer of two changes nothing. */
static void test_silence_and_doubles(void **state)
{
    (void)state;
    one_accepted();
    world_pass(&world, 5 * 60 * 1000);
    assert_true(questions_count >= 2);
    tell(DR_METER_READ, DURE_NULL);
    tell(DR_METER_READ, DURE_NULL);
    tell(DR_METER_FAILED, DURE_NULL);
    const struct dr_user *user = world_state(&world, &dr_user, 1);
    assert_int_equal(user->point, 7);
    size_t asked = questions_count;
    world_pass(&world, 24 * 3600 * 1000);
    assert_int_equal(questions_count, asked);
    world_end(&world);
}

/* A restart asks at once what was not answered, and only that. */
static void test_restart(void **state)
{
    (void)state;
    one_accepted();
    questions_count = 0;
    world_crash(&world);
    listen();
    world_run(&world);
    assert_int_equal(questions_count, 1);
    tell(DR_METER_FAILED, 3600000);
    questions_count = 0;
    world_crash(&world);
    listen();
    world_run(&world);
    assert_int_equal(questions_count, 0);
    world_end(&world);
}

int main(void)
{
    static const struct dure_system *const systems[] = {&dr_system, NULL};
    assert_int_equal(dure_registry_init(systems), 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_record),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_silence_and_doubles),
        cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
