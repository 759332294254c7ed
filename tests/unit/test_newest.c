/*
 * The newest events of several nodes: by time over the nodes, of each node in its own order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/newest.h"

#define NODES 3

static struct dure_buf parts[NODES];

static int setup(void **state)
{
    (void)state;
    memset(parts, 0, sizeof parts);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < NODES; i++) dure_buf_fini(&parts[i]);
    return 0;
}

static void add(int node, int ms, const char *id)
{
    dure_buf_printf(&parts[node],
                    "toy.thing.Done {\"id\":\"%s\",\"time\":\"2026-11-21T10:00:00.%03d+00:00\","
                    "\"data\":{\"time\":\"9999\"}}\n",
                    id, ms);
}

/* The ids, in a row. */
static void check(uint32_t max, const char *ids)
{
    struct dure_buf out = {0};
    uint32_t count = dure_newest_merge(parts, NODES, max, &out);
    assert_int_equal(count, strlen(ids));
    const char *from = out.data;
    for (uint32_t i = 0; i < count; i++) {
        const char *id = strstr(from, "\"id\":\"") + 6;
        assert_int_equal(*id, ids[i]);
        from = strchr(from, '\n') + 1;
    }
    assert_ptr_equal(from, out.len > 0 ? out.data + out.len : NULL);
    dure_buf_fini(&out);
}

static void test_by_time(void **state)
{
    (void)state;
    add(0, 1, "a");
    add(0, 5, "d");
    add(2, 2, "b");
    add(2, 4, "c");
    add(2, 9, "e");
    check(0, "");
    check(1, "e");
    check(3, "cde");
    check(5, "abcde");
    check(100, "abcde");
}

/* A clock that went back disturbs the order between nodes, never that within one. */
static void test_a_clock_that_went_back(void **state)
{
    (void)state;
    add(1, 7, "a");
    add(1, 3, "b");
    add(0, 5, "c");
    check(3, "abc");
    check(2, "bc");
}

static void test_nothing(void **state)
{
    (void)state;
    check(10, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_went_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
