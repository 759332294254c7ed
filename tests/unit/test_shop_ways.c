/*
 * Each way of an order through the shop, on one node and on two that own every other id, with a
 * crash at every single step of it: whichever node stops, whether or not what it was writing was
 * written, order, account, stock, delivery and page end as they would have without, and whatever
 * was taken and is not kept has been given back once, by the count of its events.
 *
 * On two nodes the order and its delivery are node 0's, the product is node 1's, and so is the
 * account of an odd user.
 */
#include "actors/shop/shop.h"
#include "tests/unit/ways.h"

#define PRODUCT 1
#define PRICE 1000
#define STOCK 10
#define MONEY 12000
#define ODD 11
#define EVEN 10
#define POOR 12 /* Has no account. */
#define UNKNOWN 99

/* ---- Ways ----------------------------------------------------------------------------------- */

enum act { END, PLACE, PLACE_UNKNOWN, PLACE_OTHER_PRICE, CANCEL };

struct way {
    const char *name;
    enum act acts[4];
    int64_t user, quantity;
    uint8_t order;
    int money, stock, delivery; /* How often it was taken, or begun … */
    int undone; /* … and how many of the three were undone, the first ones first. */
    bool fails; /* The very last step is refused. */
};
static const struct way ways[] = {
    {"completed", {PLACE}, ODD, 4, SHOP_ORDER_COMPLETED, 1, 1, 1, 0, false},
    {"completed, account here", {PLACE}, EVEN, 4, SHOP_ORDER_COMPLETED, 1, 1, 1, 0, false},
    {"too little money", {PLACE}, ODD, 13, SHOP_ORDER_NO_MONEY, 0, 0, 0, 0, false},
    {"no account", {PLACE}, POOR, 1, SHOP_ORDER_NO_MONEY, 0, 0, 0, 0, false},
    {"too little stock", {PLACE}, ODD, 11, SHOP_ORDER_NO_STOCK, 1, 0, 0, 1, false},
    {"too little stock, account here", {PLACE}, EVEN, 11, SHOP_ORDER_NO_STOCK, 1, 0, 0, 1, false},
    {"unknown product", {PLACE_UNKNOWN}, ODD, 4, SHOP_ORDER_NO_PRODUCT, 0, 0, 0, 0, false},
    {"another price", {PLACE_OTHER_PRICE}, ODD, 4, SHOP_ORDER_NO_PRICE, 0, 0, 0, 0, false},
    {"cancelled", {PLACE, CANCEL}, ODD, 4, SHOP_ORDER_CANCELED, 1, 1, 1, 3, false},
    {"cancelled, account here", {PLACE, CANCEL}, EVEN, 4, SHOP_ORDER_CANCELED, 1, 1, 1, 3, false},
    {"cancelled twice", {PLACE, CANCEL, CANCEL}, ODD, 4, SHOP_ORDER_CANCELED, 1, 1, 1, 3, false},
    {"a refused one cancelled", {PLACE, CANCEL}, ODD, 11, SHOP_ORDER_NO_STOCK, 1, 0, 0, 1, false},
    {"undone from the end", {PLACE}, ODD, 4, SHOP_ORDER_NO_STOCK, 1, 1, 1, 3, true},
};

/* No order of the shop's own is refused behind its delivery. For the undoing of all steps the last
 * one finds nobody, if the way says so. */
static int64_t (*finish_target)(const void *data);
static bool fails;

static int64_t finish_or_nobody(const void *data)
{
    return fails ? UNKNOWN : finish_target(data);
}

static void let_the_last_step_fail(void)
{
    static struct dure_saga_step steps[DURE_SAGA_STEPS_MAX];
    size_t count = shop_order_saga.steps_count;
    memcpy(steps, shop_order_saga.steps, count * sizeof steps[0]);
    finish_target = steps[count - 1].target;
    steps[count - 1].target = finish_or_nobody;
    shop_order_saga.steps = steps;
}

static int64_t product; /* Its id. */

static int64_t make(struct world *world, const struct dure_aggregate *aggregate, int64_t key,
                    const void *payload)
{
    ways_asked = world;
    ways_ask = (struct world_ask){0};
    assert_int_equal(
        world_ask_try(world, &ways_ask, aggregate->create, key, payload, key != DURE_NEW), 0);
    ways_settle();
    assert_int_equal(ways_ask.status, 200);
    return ways_ask.id;
}

static void prepare(void)
{
    fails = false;
    struct shop_inventory goods;
    dure_schema_init(shop_inventory.create->schema, &goods);
    strcpy(goods.stock_name, "TV");
    goods.price = PRICE;
    goods.stock_count = STOCK;
    product = make(ways_owner(PRODUCT), &shop_inventory, DURE_NEW, &goods);
    assert_int_equal(product, PRODUCT);
    for (int64_t user = EVEN; user <= ODD; user++) {
        struct shop_pay pay;
        dure_schema_init(shop_pay.create->schema, &pay);
        pay.user_id = user;
        pay.pay_amount = MONEY;
        make(ways_owner(user), &shop_pay, user, &pay);
    }
}

static bool placed(void)
{
    return ways_state(&shop_order, ways_first_id()) != NULL;
}

static void perform(const struct way *way, enum act act)
{
    if (act == CANCEL) {
        ways_do(shop_order.remove, ways_first_id(), NULL, NULL);
        return;
    }
    struct shop_place place;
    dure_schema_init(shop_order.create->schema, &place);
    place.product_id = act == PLACE_UNKNOWN ? UNKNOWN : PRODUCT;
    place.user_id = way->user;
    place.quantity = way->quantity;
    if (act == PLACE_OTHER_PRICE) place.price = PRICE + 1;
    ways_do(shop_order.create, DURE_NEW, &place, placed);
}

/* ---- What must be there afterwards ---------------------------------------------------------- */

static int happened(const struct dure_aggregate *aggregate, int64_t id, const char *name)
{
    return world_happened(ways_owner(id), aggregate, id, name);
}

/* NULL: there is none. */
static const struct shop_pay *account_of(int64_t user)
{
    for (int64_t id = 1; id < UNKNOWN; id++) {
        const struct shop_pay *pay = ways_state(&shop_pay, id);
        if (pay != NULL && pay->user_id == user) return pay;
    }
    return NULL;
}

static void check_account(const struct way *way)
{
    const struct shop_pay *pay = account_of(way->user);
    assert_int_equal(pay == NULL, way->user == POOR);
    if (pay == NULL) return;
    int kept = way->money - (way->undone > 0);
    assert_int_equal(pay->pay_amount, MONEY - kept * way->quantity * PRICE);
    assert_int_equal(happened(&shop_pay, pay->id, "PayApproval"), way->money);
    assert_int_equal(happened(&shop_pay, pay->id, "PayCanceled"), way->undone > 0);
}

static void check_stock(const struct way *way)
{
    const struct shop_inventory *goods = ways_state(&shop_inventory, product);
    int kept = way->stock - (way->undone > 1);
    assert_int_equal(goods->stock_count, STOCK - kept * way->quantity);
    assert_int_equal(happened(&shop_inventory, product, "StockDecreased"), way->stock);
    assert_int_equal(happened(&shop_inventory, product, "StockIncreased"), way->undone > 1);
    bool out_of_stock = way->order == SHOP_ORDER_NO_STOCK && !way->fails;
    assert_int_equal(happened(&shop_inventory, product, "OutOfStock"), out_of_stock);
}

static void check_delivery(const struct way *way)
{
    int64_t id = ways_first_id();
    const struct shop_delivery *delivery = ways_state(&shop_delivery, id);
    const struct shop_mypage *page = ways_state(&shop_mypage, id);
    uint8_t status = way->undone > 2 ? SHOP_DELIVERY_CANCELED
                     : way->delivery ? SHOP_DELIVERY_STARTED
                                     : SHOP_DELIVERY_NONE;
    assert_int_equal(ways_count(shop_delivery.type), way->delivery);
    assert_int_equal(delivery != NULL ? delivery->status : SHOP_DELIVERY_NONE, status);
    assert_int_equal(ways_count(shop_mypage.type), 1);
    assert_int_equal(page->delivery_status, status);
    if (delivery == NULL) return;
    assert_int_equal(happened(&shop_delivery, id, "DeliveryStarted"), 1);
    assert_int_equal(happened(&shop_delivery, id, "DeliveryCanceled"), way->undone > 2);
}

static void check(const struct way *way)
{
    const struct shop_order *order = ways_state(&shop_order, ways_first_id());
    assert_int_equal(order->status, way->order);
    assert_int_equal(ways_count(shop_order.type), 1);
    assert_int_equal(ways_count(shop_pay.type), 2);
    assert_int_equal(happened(&shop_order, order->id, "OrderCanceled"),
                     way->order == SHOP_ORDER_CANCELED);
    check_account(way);
    check_stock(way);
    check_delivery(way);
    assert_int_equal(ways_count(shop_order_saga.type), 0);
    assert_int_equal(ways_count(shop_cancel_saga.type), 0);
}

/* ---- A crash at every step ------------------------------------------------------------------ */

static void walk(const void *arg)
{
    const struct way *way = arg;
    fails = way->fails;
    for (size_t i = 0; way->acts[i] != END; i++) perform(way, way->acts[i]);
    ways_settle();
    check(way);
}

static const struct ways_table all_ways = {
    .ways = ways,
    .count = sizeof ways / sizeof ways[0],
    .size = sizeof ways[0],
    .prepare = prepare,
    .walk = walk,
};

static void test_one_node(void **state)
{
    (void)state;
    ways_on_one_node(&all_ways, 4);
}

static void test_one_turn_a_record(void **state)
{
    (void)state;
    ways_turn_by_turn(&all_ways, 8);
}

static void test_two_nodes(void **state)
{
    (void)state;
    ways_on_two_nodes(&all_ways, 16);
}

static int setup(void **state)
{
    (void)state;
    static const struct dure_system *const systems[] = {&shop_system, NULL};
    world_seed_set(world_seed(1));
    let_the_last_step_fail();
    return dure_registry_init(systems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_one_turn_a_record),
        cmocka_unit_test(test_two_nodes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
