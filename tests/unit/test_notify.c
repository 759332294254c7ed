/*
 * Proves that a notification is told again after each time of the schedule, over hours and restarts,
 * and then has failed; that 410 disables it; and that silence does not use up an attempt.
 */
#include "actors/notify/notify.h"
#include "tests/unit/world.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define ID 1

static struct world world;

/* ---- An adapter that the test is -------------------------------------------------------------- */

static int asked; /* How often. */

static void on_asked(void *arg, const struct dure_port *port, const struct dure_event *event,
                     const struct dure_trace *trace)
{
    (void)arg;
    (void)trace;
    assert_ptr_equal(port, &notify_port);
    assert_int_equal(event->id, ID);
    asked++;
}

static void listen(void)
{
    world.rt->on_asked = on_asked;
    assert_int_equal(dure_port_resume(world.rt, &notify_port), 0);
    world_run(&world);
}

static const struct dure_command *command(const char *name)
{
    const struct dure_command *const *found = notify_notification.commands;
    while (strcmp((*found)->name, name) != 0) found++;
    return *found;
}

static void begin(void)
{
    struct notify_send what;
    world_make(&world, 4);
    asked = 0;
    listen();
    dure_schema_init(notify_send.schema, &what);
    strcpy(what.type, "food.notification");
    strcpy(what.customer, "7");
    strcpy(what.message, "배달시작");
    world_do(&world, &notify_send, DURE_NEW, &what, 200);
    assert_int_equal(asked, 1);
}

static void answer(enum notify_outcome outcome, int64_t retry_ms)
{
    struct notify_answer told;
    dure_schema_init(command("answer")->schema, &told);
    told.outcome = (uint8_t)outcome;
    told.retry_ms = retry_ms;
    told.endpoint_id = outcome == NOTIFY_GONE ? 9 : DURE_NULL;
    strcpy(told.reason, "status 500");
    world_do(&world, command("answer"), ID, &told, 200);
}

static const struct notify_notification *notification(void)
{
    return world_state(&world, &notify_notification, ID);
}

/* How long until it is asked once more. */
static int64_t wait_for_the_next(int64_t step_ms)
{
    int64_t began_ms = world_now_ms;
    int before = asked;
    while (asked == before) world_pass(&world, step_ms);
    assert_int_equal(asked, before + 1);
    return world_now_ms - began_ms;
}

/* A crash in the middle of the wait: the timer is on disk. Nobody is asked before it is due. */
static void crash_on_the_way(int64_t wait_ms)
{
    int before = asked;
    world_pass(&world, wait_ms / 2);
    world_crash(&world);
    listen();
    assert_int_equal(asked, before);
}

/* ---- Tests ------------------------------------------------------------------------------------ */

/* What the Standard Webhooks specification recommends, and a tenth more at most. */
static void test_schedule(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                       10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
    const int count = sizeof waits_ms / sizeof waits_ms[0];
    begin();
    for (int i = 0; i < count; i++) {
        assert_int_equal(notification()->attempts, i + 1);
        answer(NOTIFY_MISSED, DURE_NULL);
        assert_int_equal(notification()->status, NOTIFY_WAITING);
        int64_t began_ms = world_now_ms;
        if (i % 2 == 1) crash_on_the_way(waits_ms[i]);
        wait_for_the_next(waits_ms[i] / 100);
        assert_in_range(world_now_ms - began_ms, waits_ms[i], waits_ms[i] * 112 / 100);
    }
    answer(NOTIFY_MISSED, DURE_NULL);
    assert_int_equal(notification()->status, NOTIFY_FAILED);
    assert_string_equal(notification()->reason, "status 500");
    world_pass(&world, 100 * HOUR);
    assert_int_equal(asked, count + 1);
    world_do(&world, command("retry"), ID, NULL, 200);
    assert_int_equal(asked, count + 2);
    assert_int_equal(notification()->attempts, 1);
    answer(NOTIFY_SENT, DURE_NULL);
    assert_null(notification());
    world_end(&world);
}

/* An endpoint that wishes to be left alone for longer is. */
static void test_retry_after(void **state)
{
    (void)state;
    begin();
    answer(NOTIFY_MISSED, 3 * HOUR);
    assert_in_range(wait_for_the_next(MINUTE), 3 * HOUR, 3 * HOUR + MINUTE);
    world_end(&world);
}

/* 410: disabled for good, also over a restart, and its endpoint, too. */
static void test_gone(void **state)
{
    (void)state;
    begin();
    answer(NOTIFY_GONE, DURE_NULL);
    assert_int_equal(notification()->status, NOTIFY_DISABLED);
    assert_non_null(world_state(&world, &notify_endpoint, 9));
    world_crash(&world);
    listen();
    world_pass(&world, 100 * HOUR);
    assert_int_equal(asked, 1);
    world_end(&world);
}

/* An adapter that never says what came of it is asked again: the same attempt. */
static void test_silence(void **state)
{
    (void)state;
    begin();
    assert_in_range(wait_for_the_next(SECOND), 2 * MINUTE, 4 * MINUTE + SECOND);
    assert_int_equal(notification()->attempts, 1);
    world_crash(&world);
    listen();
    assert_int_equal(asked, 3);
    assert_int_equal(notification()->attempts, 1);
    world_end(&world);
}

int main(void)
{
    static const struct dure_system *const systems[] = {&notify_system, NULL};
    world_seed_set(world_seed(1));
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
