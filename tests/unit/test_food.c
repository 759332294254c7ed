/*
 * Each way of an order through the delivery system, on one node and on two that own every other id,
 * with a crash at every single step of it: whichever node stops, whether or not what it was writing was
 * written, the order ends as it would have without, and everything about it is there once.
 *
 * On two nodes the order, its payment and its kitchen are node 0's and the food is node 1's, which the
 * order cannot look at: so every order is checked afterwards, by messages.
 */
#include "actors/food/food.h"
#include "actors/notify/notify.h"
#include "tests/unit/ways.h"

#define FOOD 1

static void prepare(void)
{
    struct food_added added;
    dure_schema_init(food_food.create->schema, &added);
    strcpy(added.name, "Pizza");
    added.store_id = 3;
    ways_asked = ways_owner(FOOD);
    world_ask(ways_asked, &ways_ask, food_food.create, DURE_NEW, &added);
    ways_settle();
    assert_int_equal(ways_ask.id, FOOD);
}

/* ---- Ways ----------------------------------------------------------------------------------- */

enum act { END, PLACE, PLACE_UNKNOWN, ACCEPT, COOK, COOKED, REJECT, PICK, CONFIRM, EVALUATE, CANCEL };

struct way {
    const char *name;
    enum act acts[10];
    uint8_t order, payment, store, delivery; /* Statuses at the end; 0: there is none. */
    int64_t notices, ratings;
};
static const struct way ways[] = {
    {"placed", {PLACE}, FOOD_ORDER_PAID, FOOD_PAYMENT_DONE, FOOD_STORE_WAITING, 0, 3, 0},
    {"rejected", {PLACE, REJECT}, FOOD_ORDER_REJECTED, FOOD_PAYMENT_REJECTED, FOOD_STORE_REJECTED,
     0, 4, 0},
    {"cancelled", {PLACE, CANCEL}, FOOD_ORDER_CANCELED, FOOD_PAYMENT_CANCELED, FOOD_STORE_CANCELED,
     0, 4, 0},
    {"cancelled when accepted", {PLACE, ACCEPT, CANCEL}, FOOD_ORDER_CANCELED,
     FOOD_PAYMENT_CANCELED, FOOD_STORE_CANCELED, 0, 5, 0},
    {"cancelled too late", {PLACE, ACCEPT, COOK, CANCEL}, FOOD_ORDER_COOKING, FOOD_PAYMENT_DONE,
     FOOD_STORE_COOKING, 0, 5, 0},
    {"rated", {PLACE, ACCEPT, COOK, COOKED, PICK, CONFIRM, EVALUATE}, FOOD_ORDER_DELIVERED,
     FOOD_PAYMENT_DONE, FOOD_STORE_COOKED, FOOD_DELIVERY_DONE, 8, 1},
};
/* Only where the store is another node's: else it is refused at once. */
static const struct way unknown_food = {
    "unknown food", {PLACE_UNKNOWN}, FOOD_ORDER_REJECTED, FOOD_PAYMENT_REJECTED,
    FOOD_STORE_REJECTED, 0, 4, 0};

static const struct {
    struct dure_aggregate *aggregate;
    const char *command;
} table[] = {
    [ACCEPT] = {&food_store_order, "accept"}, [COOK] = {&food_store_order, "start-cook"},
    [COOKED] = {&food_store_order, "finish-cook"}, [REJECT] = {&food_store_order, "reject"},
    [PICK] = {&food_delivery, "accept"}, [CONFIRM] = {&food_delivery, "confirm"},
    [EVALUATE] = {&food_order, "evaluate"}, [CANCEL] = {&food_order, "cancel"},
};

static bool placed(void)
{
    return ways_state(&food_order, ways_first_id()) != NULL;
}

static void fill_place(struct food_place *place, int64_t food_id)
{
    dure_schema_init(food_order.create->schema, place);
    place->food_id = food_id;
    place->customer_id = 7;
}

static void perform(enum act act)
{
    struct food_place place;
    struct food_score score = {5};
    if (act == PLACE || act == PLACE_UNKNOWN) {
        fill_place(&place, act == PLACE ? FOOD : 99);
        ways_do(food_order.create, DURE_NEW, &place, placed);
    } else {
        ways_do(ways_command(table[act].aggregate, table[act].command), ways_first_id(),
                act == EVALUATE ? &score : NULL, NULL);
    }
}

/* ---- What must be there afterwards ---------------------------------------------------------- */

static int64_t sagas(void)
{
    return ways_count(food_order_saga.type) + ways_count(food_check_saga.type) +
           ways_count(food_cancel_saga.type);
}

static void check(const struct way *way)
{
    int64_t id = ways_first_id();
    const struct food_order *order = ways_state(&food_order, id);
    const struct food_payment *payment = ways_state(&food_payment, id);
    const struct food_store_order *store = ways_state(&food_store_order, id);
    const struct food_delivery *delivery = ways_state(&food_delivery, id);
    const struct food_food *food = ways_state(&food_food, FOOD);
    const struct food_top *top = ways_state(&food_top, FOOD);
    const struct food_order_view *view = ways_state(&food_order_view, id);
    assert_int_equal(order->status, way->order);
    assert_int_equal(view->status, way->order);
    assert_int_equal(payment->status, way->payment);
    assert_int_equal(store->status, way->store);
    assert_int_equal(order->payment_id, id);
    assert_int_equal(order->canceling, 0);
    assert_int_equal(order->unchecked, 0);
    assert_int_equal(store->order_id, id);
    if (way != &unknown_food) assert_int_equal(store->store_id, 3);
    assert_int_equal(delivery != NULL ? delivery->status : 0, way->delivery);
    assert_int_equal(ways_count(food_order.type), 1);
    assert_int_equal(ways_count(food_payment.type), 1);
    assert_int_equal(ways_count(food_store_order.type), 1);
    assert_int_equal(ways_count(food_delivery.type), way->delivery != 0);
    assert_int_equal(ways_count(food_notice.type), way->notices);
    assert_int_equal(ways_count(notify_notification.type), way->notices);
    assert_int_equal(ways_count(food_order_view.type), 1);
    assert_int_equal(food->count, way->ratings);
    assert_int_equal(top->eval_count, way->ratings);
    assert_int_equal(top->order_count, way->store == FOOD_STORE_COOKED);
    assert_int_equal(sagas(), 0);
}

/* ---- A crash at every step ------------------------------------------------------------------ */

static void walk(const void *arg)
{
    const struct way *way = arg;
    for (size_t i = 0; way->acts[i] != END; i++) perform(way->acts[i]);
    ways_settle();
    check(way);
}

static const struct ways_table all_ways = {
    .ways = ways, .count = sizeof ways / sizeof ways[0], .size = sizeof ways[0],
    .prepare = prepare, .walk = walk,
};

static void test_one_node(void **state)
{
    (void)state;
    ways_on_one_node(&all_ways, 4);
}

static void test_one_turn_a_record(void **state)
{
    (void)state;
    ways_turn_by_turn(&all_ways, 16);
}

static void test_two_nodes(void **state)
{
    (void)state;
    ways_on_two_nodes(&all_ways, 21);
    assert_true(ways_run_all(unknown_food.name, prepare, walk, &unknown_food) > 20);
}

/* ---- What happens at once ------------------------------------------------------------------- */

/* A customer who cancels before the store has said whether it serves the order, whatever that says:
 * the kitchen never sees it, and the money is back. Both orders of the messages, at every step. */
static void test_cancel_before_the_check(void **state)
{
    (void)state;
    ways_nodes = 2;
    int seen[2] = {0};
    for (int after = 0; after < 60; after++) {
        for (int unknown = 0; unknown < 2; unknown++) {
            struct food_place place;
            ways_make();
            prepare();
            fill_place(&place, unknown ? 99 : FOOD);
            ways_submit(food_order.create, DURE_NEW, &place);
            for (int i = 0; i < after; i++) ways_step(i % 2);
            if (!placed()) {
                ways_settle();
                ways_end();
                continue;
            }
            static struct world_ask cancel;
            world_ask(ways_owner(2), &cancel, ways_command(&food_order, "cancel"), 2, NULL);
            ways_settle();
            const struct food_order *order = ways_state(&food_order, 2);
            const struct food_payment *payment = ways_state(&food_payment, 2);
            const struct food_store_order *store = ways_state(&food_store_order, 2);
            if (cancel.status == 200) {
                assert_int_equal(order->status, FOOD_ORDER_CANCELED);
                assert_int_equal(payment->status, FOOD_PAYMENT_CANCELED);
                assert_true(store == NULL || store->status == FOOD_STORE_CANCELED);
                if (store == NULL) seen[0]++;
            } else {
                assert_int_equal(cancel.status, 409);
                assert_int_equal(order->status, FOOD_ORDER_REJECTED);
                assert_int_equal(payment->status, FOOD_PAYMENT_REJECTED);
                seen[1]++;
            }
            assert_int_equal(sagas(), 0);
            ways_end();
        }
    }
    assert_true(seen[0] > 0 && seen[1] > 0);
}

/* ---- A payment that comes too late ---------------------------------------------------------- */

/* Payments are cut off. */
static void prepare_unpaid(void)
{
    prepare();
    assert_int_equal(dure_outage_read("food.payment=down", &ways_node(0)->outage), 0);
    world_crash(ways_node(0));
}

static bool canceled(void)
{
    const struct food_order *order = ways_state(&food_order, 1);
    return order->canceling == 1 || order->status == FOOD_ORDER_CANCELED;
}

/* The customer cancels while the payment is cut off. When it is there again the order's saga pays,
 * finds the order cancelled and undoes the payment; that of the cancel gives nothing back again. */
static void walk_paid_too_late(const void *arg)
{
    static struct world_ask cancel;
    struct food_place place;
    bool undoes = false;
    (void)arg;
    fill_place(&place, FOOD);
    do {
        ways_submit(food_order.create, DURE_NEW, &place);
        ways_settle();
    } while (!placed());
    do {
        world_ask(ways_owner(1), &cancel, ways_command(&food_order, "cancel"), 1, NULL);
        ways_settle();
    } while (!canceled());
    assert_null(ways_state(&food_payment, 1));
    ways_node(0)->outage = (struct dure_outage){0};
    dure_outage_set(ways_node(0)->rt, false);
    for (int i = 0; i < 60; i++) {
        const struct dure_saga_state *saga = world_saga(ways_owner(1), &food_order_saga, 1);
        undoes |= saga != NULL && saga->phase == DURE_SAGA_UNDOING;
        ways_step(0);
    }
    ways_settle();
    assert_true(undoes);
    assert_int_equal(((const struct food_order *)ways_state(&food_order, 1))->status,
                     FOOD_ORDER_CANCELED);
    assert_int_equal(((const struct food_payment *)ways_state(&food_payment, 1))->status,
                     FOOD_PAYMENT_CANCELED);
    assert_int_equal(world_version(ways_owner(1), &food_payment, 1), 2); /* Made, given back. */
    assert_null(ways_state(&food_store_order, 1));
    assert_int_equal(ways_count(food_order.type), 1);
    assert_int_equal(ways_count(food_payment.type), 1);
    assert_int_equal(sagas(), 0);
}

static void test_paid_too_late(void **state)
{
    (void)state;
    ways_nodes = 1;
    ways_turns_max = 1;
    assert_true(ways_run_all("paid too late", prepare_unpaid, walk_paid_too_late, NULL) >= 16);
    ways_turns_max = 0;
}

/* ---- A full disk ---------------------------------------------------------------------------- */

static void fill_disk(bool full)
{
    if (full) dure_journal_memory_fault(ways_node(0)->journal, DURE_FAULT_NOSPC);
    ways_step(0);
    world_now_ms += 20;
}

/* Until it has its answer, from a disk on which records `at` to `until` find no space. */
static void insist(const struct dure_command *command, int64_t id, const void *payload, int *step,
                   int at, int until)
{
    do {
        ways_submit(command, id, payload);
        for (int i = 0; i < 1000 && !ways_ask.released; i++, ++*step) {
            fill_disk(*step >= at && *step < until);
        }
        assert_int_equal(ways_ask.released, 1);
    } while (ways_ask.rv == DURE_ENOSPC);
    assert_int_equal(ways_ask.rv, 0);
}

static void check_hasty(int cancel_status)
{
    int64_t id = ways_first_id();
    const struct food_order *order = ways_state(&food_order, id);
    const struct food_payment *payment = ways_state(&food_payment, id);
    const struct food_store_order *store = ways_state(&food_store_order, id);
    assert_int_equal(cancel_status, 200);
    assert_int_equal(order->status, FOOD_ORDER_CANCELED);
    assert_int_equal(payment->status, FOOD_PAYMENT_CANCELED);
    assert_true(store == NULL || store->status == FOOD_STORE_CANCELED);
    assert_int_equal(ways_count(food_order.type), 1);
    assert_int_equal(ways_count(food_payment.type), 1);
    assert_int_equal(ways_count(food_store_order.type), store != NULL);
    assert_int_equal(ways_count(food_store_order.type->directory), store != NULL);
    assert_int_equal(sagas(), 0);
}

/* With a record for every message, some of which find no space: what waits for it keeps its order and its
 * keys, nothing that comes later overtakes it, and an order is not answered before its saga has ended. */
static void test_full_disk(void **state)
{
    (void)state;
    ways_nodes = 1;
    ways_turns_max = 1;
    for (int at = 0; at < 60; at++) {
        for (int records = 1; records < 30; records += 4) {
            struct food_place place;
            int step = 0;
            ways_make();
            prepare();
            fill_place(&place, FOOD);
            insist(food_order.create, DURE_NEW, &place, &step, at, at + records);
            assert_int_equal(ways_ask.status, 200);
            const struct food_order *order = ways_state(&food_order, ways_first_id());
            assert_int_equal(order->status, FOOD_ORDER_PAID);
            insist(ways_command(&food_order, "cancel"), ways_first_id(), NULL, &step, at,
                   at + records);
            ways_settle();
            check_hasty(ways_ask.status);
            ways_end();
        }
    }
    ways_turns_max = 0;
}

static int setup(void **state)
{
    (void)state;
    static const struct dure_system *const systems[] = {&food_system, &notify_system, NULL};
    world_seed_set(world_seed(1));
    return dure_registry_init(systems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_one_turn_a_record),
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_cancel_before_the_check),
        cmocka_unit_test(test_paid_too_late),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
