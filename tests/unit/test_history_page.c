/*
 * The history of one node, on a virtual clock: what was counted stands in the slot in which it was,
 * once that has settled, whatever the clock does.
 */
#include <jansson.h>

#include "proto/call.h"
#include "proto/sampler.h"
#include "tests/unit/gateway_toy.h"

#define BEGAN_MS 1700000000000 /* Of a slot, too. */

static json_t *page;

static size_t history(const char *query)
{
    char target[64];
    snprintf(target, sizeof target, "/metrics/history%s", query);
    assert_int_equal(call(DURE_GET, target, NULL, NULL), 200);
    json_decref(page);
    page = json_loads(exchange.body.data, 0, NULL);
    assert_non_null(page);
    return json_array_size(json_object_get(page, "samples"));
}

static const json_t *sample(size_t i)
{
    return json_array_get(json_object_get(page, "samples"), i);
}

static double number(size_t i, const char *name)
{
    return json_number_value(json_object_get(sample(i), name));
}

/* So many ms after the start, as the timer would. */
static void at(int64_t ms)
{
    now_ms = BEGAN_MS + ms;
    dure_sampler_take(gateway->sampler);
}

static int open_history(void **state)
{
    int rv = open_node(state);
    const struct dure_sampler_options by_hand = {0};
    return rv == 0 ? dure_gateway_open_history(gateway, &by_hand) : rv;
}

static int close_history(void **state)
{
    json_decref(page);
    page = NULL;
    return close_node(state);
}

/* Before the node samples itself there is a 503, not an empty history. */
static void test_not_open(void **state)
{
    (void)state;
    assert_int_equal(call(DURE_GET, "/metrics/history", NULL, NULL), 503);
    has_header("Retry-After: ");
}

/* What is done in a slot stands there, a second, and nowhere else; none comes before it settles. */
static void test_slots(void **state)
{
    (void)state;
    assert_int_equal(history(""), 0);
    at(2000);
    for (int i = 0; i < 5; i++)
        assert_int_equal(call(DURE_POST, "/accounts", "{\"name\":\"a\"}", NULL), 201);
    at(4000);
    at(4001); /* Nothing has ended since. */
    at(6000);
    now_ms = BEGAN_MS + 6000 + DURE_SAMPLE_SETTLE_MS - 1;
    assert_int_equal(history(""), 2);
    now_ms++;
    assert_int_equal(history(""), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(number(i, "time") == BEGAN_MS + 2000 * (double)(i + 1));
    assert_true(number(1, "requests") == 2.5 && number(2, "requests") == 0);
    assert_true(number(1, "commits") == 2.5 && number(0, "commits") == 0);
    assert_true(number(1, "commit_p50") > 0);
    assert_true(json_is_null(json_object_get(sample(2), "commit_p50")));
    assert_int_equal(history("?since=1700000002000"), 2);
    assert_int_equal(history("?since=1700000001999"), 3);
    assert_int_equal(history("?since=1700000006000"), 0);
}

/* Ten minutes, and what is older goes, also when nothing new comes. */
static void test_bounded(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= DURE_SAMPLES_MAX + 20; i++) at(2000 * i);
    now_ms += DURE_SAMPLE_SETTLE_MS;
    assert_int_equal(history(""), DURE_SAMPLES_MAX);
    assert_true(number(0, "time") == BEGAN_MS + 2000.0 * 21);
    now_ms += 100 * 2000;
    assert_int_equal(history(""), DURE_SAMPLES_MAX - 100);
    now_ms += DURE_SAMPLES_MAX * 2000;
    assert_int_equal(history(""), 0);
}

/* A loop that was kept from it leaves slots out; what it counted meanwhile is in the one it ends
 * in. */
static void test_stall(void **state)
{
    (void)state;
    at(2000);
    at(8000);
    now_ms += DURE_SAMPLE_SETTLE_MS;
    assert_int_equal(history(""), 2);
    assert_true(number(1, "time") == BEGAN_MS + 8000);
}

/* A clock that is set back shows its times once, and goes on. */
static void test_clock_set_back(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= 10; i++) at(2000 * i);
    at(6000);
    at(8000);
    now_ms += DURE_SAMPLE_SETTLE_MS;
    assert_int_equal(history(""), 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(number(i, "time") == BEGAN_MS + 2000 * (double)(i + 1));
}

int main(void)
{
    if (dure_registry_init(systems) != 0) return 1;
    node_root = "toy";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_not_open, open_node, close_node),
        cmocka_unit_test_setup_teardown(test_slots, open_history, close_history),
        cmocka_unit_test_setup_teardown(test_bounded, open_history, close_history),
        cmocka_unit_test_setup_teardown(test_stall, open_history, close_history),
        cmocka_unit_test_setup_teardown(test_clock_set_back, open_history, close_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
