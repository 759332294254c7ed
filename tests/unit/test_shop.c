/*
 * The shop under random commands, full disks and crashes, on one node and on two with a bad wire
 * between them: when all is quiet again,
 *
 *   money   all accounts and all that completed orders cost are what was paid in
 *   stock   every product and all that completed orders hold is what was put in
 *   orders  each acknowledged one is there once and says what was answered, each refused for want of
 *           space is not, and nobody else's is
 *   sagas   all have ended; each completed order has one delivery under way, and its page says so
 *
 * One seed is one run; the first is printed, and the one that failed.
 */
#include "actors/shop/shop.h"
#include "tests/unit/pair.h"

#define RUNS 200
#define ASKS_MAX 40
#define PRODUCTS 3
#define USERS 3
#define MONEY 3000
#define STOCK 150

static uint64_t seed;
static struct world single;
static struct world *worlds[2];
static int nodes;

static struct world *owner_of(int64_t id)
{
    return worlds[nodes == 2 ? id % 2 : 0];
}

/* ---- What was asked ----------------------------------------------------------------------------------- */

struct asked {
    struct world_ask ask;
    struct world *world; /* NULL: it crashed before the answer. */
    bool order;          /* Else a cancellation of order `id`. */
    bool counted;        /* Its answer has been looked at. */
};
static struct asked asks[ASKS_MAX];
static size_t asks_count;

/* An order's quantity is its mark: no two are alike. */
static int64_t mark_of(size_t i)
{
    return (int64_t)i + 1;
}

static void ask_order(void)
{
    struct asked *asked = &asks[asks_count];
    *asked = (struct asked){.order = true, .world = worlds[world_random((uint64_t)nodes)]};
    struct shop_place place;
    dure_schema_init(shop_order.create->schema, &place);
    place.product_id = (int64_t)world_random(PRODUCTS + 2); /* 0 and the last: unknown. */
    place.user_id = 1 + (int64_t)world_random(USERS + 1);
    place.quantity = mark_of(asks_count);
    if (world_random(8) == 0) place.price = 1 + (int64_t)world_random(3);
    asks_count++;
    world_ask(asked->world, &asked->ask, shop_order.create, DURE_NEW, &place);
}

static void ask_cancel(void)
{
    struct asked *asked = &asks[asks_count];
    int64_t id = 1 + (int64_t)world_random(asks_count + 2);
    *asked = (struct asked){.world = owner_of(id)};
    asks_count++;
    world_ask(asked->world, &asked->ask, &shop_order_cancel, id, NULL);
}

/* ---- What happens ------------------------------------------------------------------------------------- */

static void crash(struct world *world)
{
    for (size_t i = 0; i < asks_count; i++) {
        if (asks[i].world == world && !asks[i].ask.released) asks[i].world = NULL;
    }
    dure_journal_memory_hold(world->journal, false);
    world_stop(world, world_random(2) == 0, world_random(2) == 0);
    dure_journal_memory_fault(world->journal, DURE_FAULT_NONE);
    world_reopen(world);
}

static void any_fault(struct world *world)
{
    static const enum dure_fault faults[] = {
        DURE_FAULT_NOSPC, DURE_FAULT_UNKNOWN_DONE, DURE_FAULT_UNKNOWN_LOST};
    dure_journal_memory_fault(world->journal, faults[world_random(3)]);
}

static void any_step(void)
{
    struct world *world = worlds[world_random((uint64_t)nodes)];
    switch (world_random(24)) {
    case 0: crash(world); break;
    case 1: any_fault(world); break;
    case 2: dure_journal_memory_hold(world->journal, world_random(2) == 0); break;
    case 3: world_now_ms += (int64_t)world_random(3000); break;
    case 4: dure_turn_run(world->rt); break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        if (asks_count < ASKS_MAX) ask_order();
        break;
    case 10:
    case 11:
        if (asks_count < ASKS_MAX) ask_cancel();
        break;
    default:
        if (nodes == 2) pair_step((struct pair_node *)world);
        else world_round(world);
        break;
    }
}

static void run_all(void)
{
    for (int i = 0; i < nodes; i++) {
        dure_journal_memory_hold(worlds[i]->journal, false);
        dure_journal_memory_fault(worlds[i]->journal, DURE_FAULT_NONE);
    }
    for (int i = 0; i < 3; i++) { /* What a full disk has put off comes again a little later. */
        if (nodes == 2) pair_run();
        else world_run(worlds[0]);
        world_now_ms += 1000;
    }
}

static void open_shop(void)
{
    nodes = 1 + (int)(seed % 2);
    if (nodes == 2) pair_make(2);
    else world_make(&single, 4);
    worlds[0] = nodes == 2 ? &pair[0].world : &single;
    worlds[1] = &pair[1].world;
    for (int64_t product = 1; product <= PRODUCTS; product++) {
        struct shop_inventory goods;
        dure_schema_init(shop_inventory.create->schema, &goods);
        goods.price = product;
        goods.stock_count = STOCK;
        snprintf(goods.stock_name, sizeof goods.stock_name, "product %d", (int)product);
        world_do(owner_of(product), shop_inventory.create, product, &goods, 200);
    }
    for (int64_t user = 1; user <= USERS; user++) {
        struct shop_pay pay;
        struct world_ask ask = {0};
        dure_schema_init(shop_pay.create->schema, &pay);
        pay.user_id = user;
        pay.pay_amount = MONEY;
        struct world *world = owner_of(user);
        assert_int_equal(world_ask_try(world, &ask, shop_pay.create, user, &pay, true), 0);
        world_run(world);
        assert_int_equal(ask.status, 200);
    }
    if (nodes == 2) pair[0].bad_wire = pair[1].bad_wire = true;
}

/* ---- What must be true ---------------------------------------------------------------------------------- */

struct found {
    int64_t money, spent, stock[PRODUCTS + 1], held[PRODUCTS + 1];
    int orders[ASKS_MAX + 1]; /* By mark. */
    int completed, shipping, pages;
};

static void look_at_order(const struct shop_order *order, struct found *found)
{
    assert_true(order->quantity >= 1 && order->quantity <= (int64_t)asks_count);
    assert_true(asks[order->quantity - 1].order);
    found->orders[order->quantity]++;
    assert_true(order->status != SHOP_ORDER_RECEIVED && order->status != SHOP_ORDER_CANCELING);
    if (order->status != SHOP_ORDER_COMPLETED) return;
    found->completed++;
    found->spent += order->quantity * order->price;
    found->held[order->product_id] += order->quantity;
    const struct shop_delivery *delivery =
        world_state(owner_of(order->delivery_id), &shop_delivery, order->delivery_id);
    assert_non_null(delivery);
    assert_int_equal(delivery->order_id, order->id);
    assert_int_equal(delivery->quantity, order->quantity);
    assert_int_equal(delivery->status, SHOP_DELIVERY_STARTED);
}

static void look_at(struct world *world, struct found *found)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        const struct dure_type_counter *counter = &world->rt->counters[i];
        if (type->kind == DURE_KIND_SAGA) assert_int_equal(counter->count, 0);
        if (type->kind == DURE_KIND_SAGA || type->kind == DURE_KIND_DIRECTORY) continue;
        for (int64_t id = 1; id <= counter->max_id; id++) {
            const void *state = world_state(world, type->aggregate, id);
            if (state == NULL) continue;
            if (type == shop_order.type) look_at_order(state, found);
            if (type == shop_pay.type) {
                found->money += ((const struct shop_pay *)state)->pay_amount;
                assert_true(((const struct shop_pay *)state)->pay_amount >= 0);
            }
            if (type == shop_inventory.type) {
                found->stock[id] = ((const struct shop_inventory *)state)->stock_count;
                assert_true(found->stock[id] >= 0);
            }
            if (type == shop_delivery.type) {
                found->shipping +=
                    ((const struct shop_delivery *)state)->status == SHOP_DELIVERY_STARTED;
            }
            if (type == shop_mypage.type) {
                found->pages +=
                    ((const struct shop_mypage *)state)->delivery_status == SHOP_DELIVERY_STARTED;
            }
        }
    }
}

static uint8_t status_of(int64_t id)
{
    const struct shop_order *order = world_state(owner_of(id), &shop_order, id);
    assert_non_null(order);
    return order->status;
}

static void check_order(size_t i, const struct found *found)
{
    const struct world_ask *ask = &asks[i].ask;
    int there = found->orders[mark_of(i)];
    assert_true(there <= 1);
    if (asks[i].world == NULL) return; /* Nobody was told: there or not. */
    assert_int_equal(ask->released, 1);
    if (ask->rv != 0) {
        assert_int_equal(ask->rv, DURE_ENOSPC);
        assert_int_equal(there, 0);
        return;
    }
    assert_int_equal(there, 1);
    const struct shop_order *order = world_state(owner_of(ask->id), &shop_order, ask->id);
    assert_non_null(order);
    assert_int_equal(order->quantity, mark_of(i));
    bool was_completed =
        order->status == SHOP_ORDER_COMPLETED || order->status == SHOP_ORDER_CANCELED;
    if (ask->verdict == DURE_DONE) assert_true(was_completed);
    if (ask->verdict == DURE_REFUSED) assert_false(was_completed);
}

static void check(void)
{
    struct found found = {0};
    for (int i = 0; i < nodes; i++) look_at(worlds[i], &found);
    assert_int_equal(found.money + found.spent, USERS * MONEY);
    for (int product = 1; product <= PRODUCTS; product++) {
        assert_int_equal(found.stock[product] + found.held[product], STOCK);
    }
    assert_int_equal(found.shipping, found.completed);
    assert_int_equal(found.pages, found.completed);
    int64_t canceled[ASKS_MAX];
    size_t canceled_count = 0;
    for (size_t i = 0; i < asks_count; i++) {
        const struct world_ask *ask = &asks[i].ask;
        if (asks[i].order) {
            check_order(i, &found);
        } else if (asks[i].world != NULL && ask->rv == 0 && ask->verdict == DURE_DONE) {
            assert_int_equal(status_of(ask->ask.id), SHOP_ORDER_CANCELED);
            for (size_t j = 0; j < canceled_count; j++) {
                assert_true(canceled[j] != ask->ask.id); /* Once. */
            }
            canceled[canceled_count++] = ask->ask.id;
        }
    }
}

static struct { int completed, refused, canceled, lost, full; } seen; /* Over all runs. */

static void count_seen(void)
{
    for (size_t i = 0; i < asks_count; i++) {
        const struct world_ask *ask = &asks[i].ask;
        if (asks[i].world == NULL) seen.lost++;
        else if (ask->rv != 0) seen.full++;
        else if (ask->verdict != DURE_DONE) seen.refused++;
        else if (asks[i].order) seen.completed++;
        else seen.canceled++;
    }
}

static void run_one(void)
{
    world_seed_set(seed);
    for (int i = 0; i < 8; i++) (void)world_random(2); /* Neighbouring seeds begin alike. */
    asks_count = 0;
    open_shop();
    for (int quiet = 0; quiet < 3; quiet++) {
        for (int step = 0; step < 80; step++) any_step();
        run_all();
        check();
    }
    for (int i = 0; i < nodes; i++) crash(worlds[i]);
    run_all();
    check();
    count_seen();
    if (nodes == 2) pair_end();
    else world_end(&single);
}

static void test_runs(void **state)
{
    (void)state;
    for (int run = 0; run < RUNS; run++, seed++) run_one();
    printf("orders: %d completed, %d canceled, %d refused; answers: %d lost, %d no space\n",
           seen.completed, seen.canceled, seen.refused, seen.lost, seen.full);
    assert_true(seen.completed > RUNS && seen.canceled > RUNS / 10 && seen.refused > RUNS);
    assert_true(seen.lost > RUNS / 2 && seen.full > RUNS / 10);
}

int main(void)
{
    static const struct dure_system *const systems[] = {&shop_system, NULL};
    seed = world_seed(20261121);
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed) printf("it failed with DURE_TEST_SEED=%llu\n", (unsigned long long)seed);
    return failed;
}
