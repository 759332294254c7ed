/*
 * Proves that a sum fits when both sides are equal, that one that has to fit and does not is told
 * in capitals, and that what is under way is only remarked on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/audit.h"

static void check_text(const struct dure_audit_report *report, const char *expected)
{
    struct dure_buf text = {0};
    dure_audit_text(report, "shop", &text);
    dure_buf_byte(&text, '\0');
    assert_string_equal(text.data, expected);
    dure_buf_fini(&text);
}

static struct dure_audit_report books(int64_t in, int64_t held, bool exact)
{
    struct dure_audit_report report = {0};
    const struct dure_audit_sum sum = {.name = "shop money",
                                       .left = {"in", in},
                                       .right = {{"there", 2}, {"in orders", held}},
                                       .right_count = 2,
                                       .exact = exact};
    dure_audit_count(&report, "orders", 3);
    dure_audit_count(&report, "sagas under way", exact ? 0 : 1);
    dure_audit_add(&report, &sum);
    dure_audit_line(&report, "notices", 5, 5, exact);
    return report;
}

static void test_fits(void **state)
{
    (void)state;
    struct dure_audit_report report = books(9, 7, true);
    assert_true(dure_audit_fits(&report));
    assert_int_equal(dure_audit_right(&report.sums[0]), 9);
    check_text(&report, "shop: 3 orders, 0 sagas under way\n"
                        "shop money: 9 in = 2 there + 7 in orders\nnotices: 5 = 5\n");
}

static void test_does_not_fit(void **state)
{
    (void)state;
    struct dure_audit_report report = books(9, 8, true);
    assert_false(dure_audit_fits(&report));
    check_text(&report, "shop: 3 orders, 0 sagas under way\n"
                        "shop money: 9 in = 2 there + 8 in orders: DOES NOT FIT\n"
                        "notices: 5 = 5\n");
}

static void test_under_way(void **state)
{
    (void)state;
    struct dure_audit_report report = books(9, 8, false);
    assert_true(dure_audit_fits(&report));
    assert_false(dure_audit_sum_fits(&report.sums[0]));
    check_text(&report, "shop: 3 orders, 1 sagas under way\n"
                        "shop money: 9 in = 2 there + 8 in orders + sagas under way, left out or "
                        "removed\nnotices: 5 = 5\n");
}

/* Equal numbers of different things. */
static void test_differs(void **state)
{
    (void)state;
    struct dure_audit_report report = books(9, 7, true);
    report.sums[1].differs = true;
    assert_false(dure_audit_fits(&report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_does_not_fit),
        cmocka_unit_test(test_under_way),
        cmocka_unit_test(test_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
