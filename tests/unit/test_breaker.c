/*
 * A circuit breaker opens after failures in a row, lets one at a time try when it half-opens, and
 * closes with the first success.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/bounds.h"
#include "runtime/breaker.h"

static void open_it(struct dure_breaker *breaker, int64_t now_ms)
{
    for (int i = 0; i < DURE_BREAKER_FAILURES; i++) {
        assert_true(dure_breaker_allow(breaker, now_ms));
        dure_breaker_failed(breaker, now_ms);
    }
    assert_int_equal(breaker->phase, DURE_BREAKER_OPEN);
}

/* Failures count only in a row. */
static void test_opens_after_failures_in_a_row(void **state)
{
    (void)state;
    struct dure_breaker breaker = {0};
    for (int i = 0; i < 10 * DURE_BREAKER_FAILURES; i++) {
        assert_true(dure_breaker_allow(&breaker, 0));
        if (i % DURE_BREAKER_FAILURES == 0) dure_breaker_succeeded(&breaker);
        else dure_breaker_failed(&breaker, 0);
        assert_int_equal(breaker.phase, DURE_BREAKER_CLOSED);
    }
    dure_breaker_succeeded(&breaker);
    open_it(&breaker, 0);
    assert_int_equal(breaker.opened, 1);
}

/* While it is open nobody asks, until its time has come. */
static void test_open_denies(void **state)
{
    (void)state;
    struct dure_breaker breaker = {0};
    open_it(&breaker, 1000);
    assert_false(dure_breaker_allow(&breaker, 1000));
    assert_false(dure_breaker_allow(&breaker, 1000 + DURE_BREAKER_OPEN_MS - 1));
    assert_int_equal(breaker.denied, 2);
    assert_true(dure_breaker_allow(&breaker, 1000 + DURE_BREAKER_OPEN_MS));
    assert_int_equal(breaker.phase, DURE_BREAKER_HALF_OPEN);
}

/* Half-open, one at a time may try; a single failure opens it again, for its whole time. */
static void test_half_open_tries_once(void **state)
{
    (void)state;
    struct dure_breaker breaker = {0};
    open_it(&breaker, 0);
    int64_t now = DURE_BREAKER_OPEN_MS;
    assert_true(dure_breaker_allow(&breaker, now));
    assert_false(dure_breaker_allow(&breaker, now));
    dure_breaker_failed(&breaker, now);
    assert_int_equal(breaker.phase, DURE_BREAKER_OPEN);
    assert_int_equal(breaker.opened, 2);
    assert_false(dure_breaker_allow(&breaker, now + DURE_BREAKER_OPEN_MS - 1));
    assert_true(dure_breaker_allow(&breaker, now + DURE_BREAKER_OPEN_MS));
    dure_breaker_forgone(&breaker);
    assert_true(dure_breaker_allow(&breaker, now + DURE_BREAKER_OPEN_MS));
    dure_breaker_succeeded(&breaker);
    assert_int_equal(breaker.phase, DURE_BREAKER_CLOSED);
    assert_true(dure_breaker_allow(&breaker, now + DURE_BREAKER_OPEN_MS));
    assert_true(dure_breaker_allow(&breaker, now + DURE_BREAKER_OPEN_MS));
}

/* What failed long ago but is told only now does not prolong the time that it is open. */
static void test_late_failures_change_nothing(void **state)
{
    (void)state;
    struct dure_breaker breaker = {0};
    open_it(&breaker, 0);
    dure_breaker_failed(&breaker, DURE_BREAKER_OPEN_MS - 1);
    assert_int_equal(breaker.opened, 1);
    assert_true(dure_breaker_allow(&breaker, DURE_BREAKER_OPEN_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_after_failures_in_a_row),
        cmocka_unit_test(test_open_denies),
        cmocka_unit_test(test_half_open_tries_once),
        cmocka_unit_test(test_late_failures_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
