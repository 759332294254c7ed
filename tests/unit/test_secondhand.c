/*
 * Each way of a reservation through the second-hand trade, on one node and on two that own every other
 * id, with a crash at every single step of it: whichever node stops, whether or not what it was writing
 * was written, reservation, trade, stock and notices end as they would have without, once each.
 *
 * On two nodes the reservation is node 0's, and its product's stock and listings are node 1's, so every
 * step of its saga goes over the wire.
 */
#include "actors/notify/notify.h"
#include "actors/secondhand/secondhand.h"
#include "tests/unit/ways.h"

/* Odd: inventory and shelf are on node 1. */
#define PRODUCT 101
#define UNKNOWN_PRODUCT 103
#define IDS_MAX 16

static int64_t stock_id; /* Of the product's inventory. */

static void fill_name(char *to, const char *name)
{
    strcpy(to, name);
}

static void prepare(void)
{
    struct secondhand_inventory stock;
    dure_schema_init(secondhand_inventory.create->schema, &stock);
    stock.product_id = PRODUCT;
    stock.qty = 1;
    fill_name(stock.product_name, "애플워치");
    ways_asked = ways_owner(PRODUCT);
    ways_ask = (struct world_ask){0};
    assert_int_equal(world_ask_try(ways_asked, &ways_ask, secondhand_inventory.create, PRODUCT,
                                   &stock, true), 0);
    ways_settle();
    stock_id = ways_ask.id;
    if (ways_nodes == 2) assert_int_equal(stock_id % 2, 1);
}

/* ---- Ways ----------------------------------------------------------------------------------- */

enum act { END, RESERVE, RESERVE_TWO, RESERVE_UNKNOWN, LIST, TAKE_DOWN, CANCEL, COMPLETE };

struct way {
    const char *name;
    enum act acts[6];
    uint8_t reserve, trade;
    int8_t listed; /* 1: the trade is the listing; -1: it is not. */
    int64_t stock, notices, trades;
};
static const struct way ways[] = {
    {"reserved", {RESERVE}, SECONDHAND_RESERVE_DONE, SECONDHAND_TRADE_IN_PROGRESS, 0, 0, 3, 1},
    {"not enough", {RESERVE_TWO}, SECONDHAND_RESERVE_CANCELED, SECONDHAND_TRADE_CANCELED, 0, 1, 4,
     1},
    {"unknown", {RESERVE_UNKNOWN}, SECONDHAND_RESERVE_CANCELED, SECONDHAND_TRADE_CANCELED, 0, 1, 4,
     1},
    {"cancelled", {RESERVE, CANCEL}, SECONDHAND_RESERVE_CANCELED, SECONDHAND_TRADE_CANCELED, 0, 1,
     5, 1},
    {"cancelled twice", {RESERVE, CANCEL, CANCEL}, SECONDHAND_RESERVE_CANCELED,
     SECONDHAND_TRADE_CANCELED, 0, 1, 5, 1},
    {"handed over", {RESERVE, COMPLETE}, SECONDHAND_RESERVE_DONE, SECONDHAND_TRADE_DONE, 0, 0, 3, 1},
    {"cancelled too late", {RESERVE, COMPLETE, CANCEL}, SECONDHAND_RESERVE_DONE,
     SECONDHAND_TRADE_DONE, 0, 0, 3, 1},
    {"listed", {LIST, RESERVE}, SECONDHAND_RESERVE_DONE, SECONDHAND_TRADE_IN_PROGRESS, 1, 0, 3, 1},
    {"listed, cancelled", {LIST, RESERVE, CANCEL}, SECONDHAND_RESERVE_CANCELED,
     SECONDHAND_TRADE_CANCELED, 1, 1, 5, 1},
    {"listed, not enough", {LIST, RESERVE_TWO}, SECONDHAND_RESERVE_CANCELED,
     SECONDHAND_TRADE_CANCELED, 1, 1, 4, 1},
    {"taken down", {LIST, TAKE_DOWN, RESERVE}, SECONDHAND_RESERVE_DONE,
     SECONDHAND_TRADE_IN_PROGRESS, -1, 0, 3, 1},
};

static bool reserved(void)
{
    return ways_state(&secondhand_reserve, ways_first_id()) != NULL;
}

static bool listed(void)
{
    return ways_state(&secondhand_trade, ways_first_id()) != NULL;
}

static bool taken_down(void)
{
    return !listed();
}

static void fill_place(struct secondhand_place *place, enum act act)
{
    dure_schema_init(secondhand_reserve.create->schema, place);
    place->product_id = act == RESERVE_UNKNOWN ? UNKNOWN_PRODUCT : PRODUCT;
    place->qty = act == RESERVE_TWO ? 2 : 1;
    place->price = 50000;
    fill_name(place->user_id, "abc");
}

/* The trade of the reservation. */
static const struct secondhand_trade *find_trade(void)
{
    const struct secondhand_trade *found = NULL;
    for (int64_t id = 1; id < IDS_MAX; id++) {
        const struct secondhand_trade *trade = ways_state(&secondhand_trade, id);
        if (trade == NULL || trade->reserve_id != ways_first_id()) continue;
        assert_null(found);
        found = trade;
    }
    return found;
}

static void perform(enum act act)
{
    struct secondhand_place place;
    struct secondhand_deal deal;
    switch (act) {
    case LIST:
        dure_schema_init(secondhand_trade.create->schema, &deal);
        deal.product_id = PRODUCT;
        fill_name(deal.user_id, "seller");
        ways_do(secondhand_trade.create, DURE_NEW, &deal, listed);
        break;
    case TAKE_DOWN: ways_do(secondhand_trade.remove, ways_first_id(), NULL, taken_down); break;
    case CANCEL: ways_do(secondhand_reserve.remove, ways_first_id(), NULL, NULL); break;
    case COMPLETE:
        ways_do(ways_command(&secondhand_trade, "complete"), find_trade()->id, NULL, NULL);
        break;
    default:
        fill_place(&place, act);
        ways_do(secondhand_reserve.create, DURE_NEW, &place, reserved);
    }
}

/* ---- What must be there afterwards ---------------------------------------------------------- */

static int64_t sagas(void)
{
    return ways_count(secondhand_reserve_saga.type) + ways_count(secondhand_cancel_saga.type) +
           ways_count(secondhand_list_saga.type);
}

static int64_t stock(void)
{
    return ((const struct secondhand_inventory *)ways_state(&secondhand_inventory, stock_id))->qty;
}

static void check(const struct way *way)
{
    const struct secondhand_reserve *reserve = ways_state(&secondhand_reserve, ways_first_id());
    const struct secondhand_trade *trade = find_trade();
    assert_int_equal(reserve->status, way->reserve);
    assert_int_equal(reserve->canceling, 0);
    assert_int_equal(trade->status, way->trade);
    if (way->listed != 0) assert_int_equal(trade->id == ways_first_id(), way->listed == 1);
    if (way->trade == SECONDHAND_TRADE_IN_PROGRESS) assert_int_equal(trade->settled, 1);
    assert_int_equal(stock(), way->stock);
    assert_int_equal(ways_count(secondhand_reserve.type), 1);
    assert_int_equal(ways_count(secondhand_trade.type), way->trades);
    assert_int_equal(ways_count(secondhand_inventory.type), 1);
    assert_int_equal(ways_count(secondhand_notice.type), way->notices);
    assert_int_equal(ways_count(notify_notification.type), way->notices);
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
    ways_on_two_nodes(&all_ways, 20);
}

/* ---- What happens at once ------------------------------------------------------------------- */

#define STEPS_MAX 40

/* A buyer who cancels while the saga runs, at every step of it: the reservation is cancelled, the trade
 * as well, and the stock is back, whether it had been taken or not. */
static void test_cancel_while_the_saga_runs(void **state)
{
    (void)state;
    ways_nodes = 2;
    int at_once = 0, by_saga = 0, too_late = 0, short_of_stock = 0;
    for (int after = 0; after < STEPS_MAX; after++) {
        for (int two = 0; two < 2; two++) {
            struct secondhand_place place;
            ways_make();
            prepare();
            fill_place(&place, two ? RESERVE_TWO : RESERVE);
            ways_submit(secondhand_reserve.create, DURE_NEW, &place);
            for (int i = 0; i < after; i++) ways_step(i % 2);
            const struct secondhand_reserve *reserve = ways_state(&secondhand_reserve, 2);
            if (reserve == NULL) {
                ways_settle();
                ways_end();
                continue;
            }
            bool confirmed = reserve->trade_id != DURE_NULL;
            static struct world_ask cancel;
            world_ask(ways_owner(2), &cancel, secondhand_reserve.remove, 2, NULL);
            ways_settle();
            reserve = ways_state(&secondhand_reserve, 2);
            assert_int_equal(cancel.status, reserve->refused ? 409 : 200);
            assert_int_equal(reserve->status, SECONDHAND_RESERVE_CANCELED);
            assert_int_equal(find_trade()->status, SECONDHAND_TRADE_CANCELED);
            assert_int_equal(stock(), 1);
            assert_int_equal(ways_count(secondhand_notice.type), two ? 4 : 5);
            assert_int_equal(sagas(), 0);
            if (two) *(cancel.status == 200 ? &short_of_stock : &too_late) += 1;
            else *(confirmed ? &by_saga : &at_once) += 1;
            ways_end();
        }
    }
    printf("cancelled: %d before it was confirmed, %d after; without stock %d before, %d after\n",
           at_once, by_saga, short_of_stock, too_late);
    assert_true(at_once > 0 && by_saga > 0 && short_of_stock > 0 && too_late > 0);
}

/* Cancel and handover at once, in both orders and at every distance: one happens, wholly. */
static void test_cancel_against_the_handover(void **state)
{
    (void)state;
    ways_nodes = 2;
    int canceled = 0, handed_over = 0;
    for (int after = 0; after < STEPS_MAX; after++) {
        for (int first = 0; first < 2; first++) {
            static struct world_ask cancel, complete;
            ways_make();
            prepare();
            perform(LIST);
            perform(RESERVE);
            int64_t id = find_trade()->id;
            for (int i = 0; i < 2; i++) {
                if ((i ^ first) == 0) {
                    world_ask(ways_owner(2), &cancel, secondhand_reserve.remove, 2, NULL);
                } else {
                    world_ask(ways_owner(id), &complete,
                              ways_command(&secondhand_trade, "complete"), id, NULL);
                }
                for (int j = 0; i == 0 && j < after; j++) ways_step(j % 2);
            }
            ways_settle();
            const struct secondhand_reserve *reserve = ways_state(&secondhand_reserve, 2);
            bool held = reserve->status == SECONDHAND_RESERVE_DONE;
            assert_int_equal(cancel.status, held ? 409 : 200);
            assert_int_equal(complete.status, held ? 200 : 409);
            assert_int_equal(find_trade()->status,
                             held ? SECONDHAND_TRADE_DONE : SECONDHAND_TRADE_CANCELED);
            assert_int_equal(reserve->canceling, 0);
            assert_int_equal(stock(), !held);
            assert_int_equal(sagas(), 0);
            *(held ? &handed_over : &canceled) += 1;
            ways_end();
        }
    }
    assert_true(canceled > 0 && handed_over > 0);
}

/* A seller takes the listing down while a reservation picks it, at every distance: the reservation has
 * a trade all the same, and the shelf nothing that is not there. */
static void test_taken_down_while_it_is_picked(void **state)
{
    (void)state;
    ways_nodes = 2;
    int gone = 0, picked = 0;
    for (int after = 0; after < STEPS_MAX; after++) {
        struct secondhand_place place;
        static struct world_ask take_down;
        ways_make();
        prepare();
        perform(LIST);
        fill_place(&place, RESERVE);
        ways_submit(secondhand_reserve.create, DURE_NEW, &place);
        for (int i = 0; i < after; i++) ways_step(i % 2);
        world_ask(ways_owner(2), &take_down, secondhand_trade.remove, 2, NULL);
        ways_settle();
        const struct secondhand_trade *trade = find_trade();
        assert_int_equal(trade->status, SECONDHAND_TRADE_IN_PROGRESS);
        if (take_down.status != 200) assert_int_equal(take_down.status, 409);
        if (take_down.status == 409) assert_int_equal(trade->id, 2);
        *(take_down.status == 200 ? &gone : &picked) += 1;
        assert_int_equal(ways_count(secondhand_trade.type), 1);
        assert_int_equal(ways_count(secondhand_shelf.type), 1);
        for (int64_t id = 1; id < IDS_MAX; id++) {
            const struct secondhand_shelf *shelf = ways_state(&secondhand_shelf, id);
            if (shelf != NULL) assert_true(shelf->listings[0] == DURE_NULL);
        }
        assert_int_equal(stock(), 0);
        assert_int_equal(sagas(), 0);
        ways_end();
    }
    assert_true(gone > 0 && picked > 0);
}

static int setup(void **state)
{
    (void)state;
    static const struct dure_system *const systems[] = {&secondhand_system, &notify_system, NULL};
    world_seed_set(world_seed(1));
    return dure_registry_init(systems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_one_turn_a_record),
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_cancel_while_the_saga_runs),
        cmocka_unit_test(test_cancel_against_the_handover),
        cmocka_unit_test(test_taken_down_while_it_is_picked),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
