/*
 * Proves that every path form of SPEC A1 and A2 leads where it should, and that nothing else leads
 * anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/route.h"

static bool always(const void *state)
{
    (void)state;
    return true;
}

static const struct dure_schema schema = {.name = "Thing", .size = 8};
static const struct dure_command place = {.name = "place", .schema = &schema};
static const struct dure_command cancel = {.name = "cancel", .allowed = always};
static const struct dure_command *const commands[] = {&place, &cancel, NULL};
static struct dure_aggregate shop_order = {.system = "shop",
                                           .name = "order",
                                           .collection = "orders",
                                           .commands = commands,
                                           .create = &place,
                                           .remove = &cancel,
                                           .editable = true};
static struct dure_aggregate shop_mypage = {
    .system = "shop", .name = "mypage", .collection = "mypages", .alias = "pages"};
static struct dure_aggregate food_order = {
    .system = "food", .name = "order", .collection = "orders"};
static struct dure_aggregate food_food = {.system = "food", .name = "food", .collection = "foods"};
static struct dure_aggregate *const shop_list[] = {&shop_order, &shop_mypage, NULL};
static struct dure_aggregate *const food_list[] = {&food_order, &food_food, NULL};
static const struct dure_system shop = {.name = "shop", .aggregates = shop_list};
static const struct dure_system food = {.name = "food", .aggregates = food_list};
static const struct dure_system *const both[] = {&food, &shop, NULL};
static const struct dure_system *const alone[] = {&food, NULL};

static struct dure_routes routes;

static struct dure_route find(const char *path)
{
    return dure_route_find(&routes, (struct dure_span){path, strlen(path)});
}

static int open_both(void **state)
{
    (void)state;
    return dure_route_init(&routes, both, "shop");
}

static int fini(void **state)
{
    (void)state;
    dure_route_fini(&routes);
    return 0;
}

static void test_prefixed_and_bare(void **state)
{
    (void)state;
    struct dure_route route = find("/food/orders");
    assert_int_equal(route.kind, DURE_ROUTE_COLLECTION);
    assert_ptr_equal(route.collection->aggregate, &food_order);
    assert_string_equal(route.path, "/food/orders");
    route = find("/orders/");
    assert_ptr_equal(route.collection->aggregate, &shop_order); /* The root's. */
    assert_string_equal(route.path, "/orders");
    assert_ptr_equal(find("/foods/7").collection->aggregate, &food_food); /* Nobody else's. */
    assert_ptr_equal(find("/pages").collection->aggregate, &shop_mypage);
    assert_int_equal(find("/f%6Fods/%37").id, 7);
}

static void test_below_an_item(void **state)
{
    (void)state;
    struct dure_route route = find("/shop/orders/12/cancel");
    assert_int_equal(route.kind, DURE_ROUTE_COMMAND);
    assert_ptr_equal(route.command, &cancel);
    assert_int_equal(route.id, 12);
    assert_int_equal(find("/orders/12/events").kind, DURE_ROUTE_HISTORY);
    assert_int_equal(find("/orders/12/place").kind, DURE_ROUTE_NONE); /* Not public. */
    assert_int_equal(find("/profile/shop/orders").kind, DURE_ROUTE_PROFILE);
    assert_int_equal(find("/").kind, DURE_ROUTE_HOME);
    assert_int_equal(find("/console/app-1.js").kind, DURE_ROUTE_CONSOLE);
    assert_int_equal(find("/console").kind, DURE_ROUTE_NONE); /* Its files have names. */
    assert_int_equal(find("/console/app-1.js/x").kind, DURE_ROUTE_NONE);
    assert_int_equal(find("*").kind, DURE_ROUTE_SERVER);
}

static void test_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {"",
                                        "nosuch",
                                        "/nosuch",
                                        "/shop",
                                        "/shop/nosuch",
                                        "/shop//orders",
                                        "/shop/orders//",
                                        "//",
                                        "/shop/orders/abc",
                                        "/shop/orders/-1",
                                        "/shop/orders/01",
                                        "/shop/orders/1.5",
                                        "/shop/Orders",
                                        "/shop/orders/9223372036854775808",
                                        "/shop/orders/99999999999999999999",
                                        "/shop/orders/%00",
                                        "/shop/orders/1/events/2",
                                        "/shop/foods",
                                        "/%",
                                        "/%2",
                                        "/..%2f",
                                        "/shop/orders%00",
                                        "/shop/orders/1/cancel/x",
                                        "/sagas/x/1/retry",
                                        "/sagas/1",
                                        ("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_int_equal(find(paths[i]).kind, DURE_ROUTE_NONE);
    assert_int_equal(find("/shop/orders/9223372036854775807").kind, DURE_ROUTE_ITEM);
}

static void check_methods(const char *path, const char *expected)
{
    struct dure_route route = find(path);
    struct dure_buf out = {0};
    dure_route_write_methods(dure_route_methods(&route), &out);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    dure_buf_fini(&out);
}

static void test_methods(void **state)
{
    (void)state;
    check_methods("/shop/orders", "GET, HEAD, POST, OPTIONS");
    check_methods("/shop/orders/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    check_methods("/shop/orders/1/cancel", "POST, PUT, OPTIONS");
    check_methods("/shop/mypages", "GET, HEAD, OPTIONS");
    check_methods("/shop/mypages/1", "GET, HEAD, OPTIONS");
    check_methods("/livez", "GET, HEAD, OPTIONS");
}

static void test_a_subset_of_systems(void **state)
{
    (void)state;
    struct dure_routes few;
    assert_int_equal(dure_route_init(&few, alone, "shop"), 0);
    struct dure_route route = dure_route_find(&few, (struct dure_span){"/orders", 7});
    assert_ptr_equal(route.collection->aggregate, &food_order);
    dure_route_fini(&few);
}

static void test_decode(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(dure_route_decode((struct dure_span){"a%20b+c%", 8}, true, out, 16), 6);
    assert_memory_equal(out, "a b c%", 6);
    assert_int_equal(dure_route_decode((struct dure_span){"%zz", 3}, false, out, 16), 3);
    assert_true(dure_route_decode((struct dure_span){"abc", 3}, false, out, 2) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_prefixed_and_bare, open_both, fini),
        cmocka_unit_test_setup_teardown(test_below_an_item, open_both, fini),
        cmocka_unit_test_setup_teardown(test_nothing, open_both, fini),
        cmocka_unit_test_setup_teardown(test_methods, open_both, fini),
        cmocka_unit_test(test_a_subset_of_systems),
        cmocka_unit_test(test_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
