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
#include "tests/unit/pair.h"

#define SHARDS 4
#define FOOD 1
#define TICKS_MAX 20000

/* ---- A cluster of one or two ---------------------------------------------------------------- */

static int nodes;
static uint32_t turns_max; /* Of one record; 0: as ever, so that a whole cascade stands in one. */
static struct world single;

static struct world *node_at(int i)
{
    return nodes == 2 ? &pair[i].world : &single;
}

static struct world *owner_of(int64_t id)
{
    return node_at(nodes == 2 ? (int)(id % 2) : 0);
}

/* The step at which a node stops: counted over a whole way; 0: none. */
static struct { int at, node; bool written; int count; bool happened; } crash;

static struct world_ask ask;
static struct world *asked; /* NULL: its node has crashed before the answer. */

static void step(int i)
{
    if (nodes == 2) pair_step(&pair[i]);
    else world_round(&single);
    if (++crash.count != crash.at) return;
    struct world *world = node_at(crash.node);
    if (asked == world && !ask.released) asked = NULL;
    world_stop(world, crash.written, crash.written);
    world_reopen(world);
    crash.happened = true;
}

static bool quiet(void)
{
    return nodes == 2 ? pair_quiet() : world_idle(&single);
}

static void settle(void)
{
    int ticks = 0;
    do {
        for (int i = 0; i < nodes; i++) step(i);
        if (ticks % 4 == 3) world_now_ms += 100; /* The wire reorders: what it lost is sent again. */
    } while (!quiet() && ++ticks < TICKS_MAX);
    assert_true(ticks < TICKS_MAX);
}

static void make(void)
{
    if (nodes == 2) pair_make(SHARDS);
    else world_make(&single, SHARDS);
    if (turns_max != 0) {
        single.group_turns_max = turns_max;
        world_crash(&single);
    }
    struct food_added added;
    dure_schema_init(food_food.create->schema, &added);
    strcpy(added.name, "Pizza");
    added.store_id = 3;
    crash.at = 0;
    asked = owner_of(FOOD);
    world_ask(asked, &ask, food_food.create, DURE_NEW, &added);
    settle();
    assert_int_equal(ask.id, FOOD);
}

static void end(void)
{
    if (nodes == 2) pair_end();
    else world_end(&single);
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

static const struct dure_command *named(const struct dure_aggregate *aggregate, const char *name)
{
    const struct dure_command *const *command = aggregate->commands;
    while (strcmp((*command)->name, name) != 0) command++;
    return *command;
}

static const struct {
    struct dure_aggregate *aggregate;
    const char *command;
} table[] = {
    [ACCEPT] = {&food_store_order, "accept"}, [COOK] = {&food_store_order, "start-cook"},
    [COOKED] = {&food_store_order, "finish-cook"}, [REJECT] = {&food_store_order, "reject"},
    [PICK] = {&food_delivery, "accept"}, [CONFIRM] = {&food_delivery, "confirm"},
    [EVALUATE] = {&food_order, "evaluate"}, [CANCEL] = {&food_order, "cancel"},
};

/* What is made on a node of two has its first id there. */
static int64_t first_id(void)
{
    return nodes == 2 ? 2 : 1;
}

static void submit(enum act act)
{
    struct food_place place;
    struct food_score score = {5};
    if (act == PLACE || act == PLACE_UNKNOWN) {
        dure_schema_init(food_order.create->schema, &place);
        place.food_id = act == PLACE ? FOOD : 99;
        place.customer_id = 7;
        asked = owner_of(first_id());
        world_ask(asked, &ask, food_order.create, DURE_NEW, &place);
        return;
    }
    const struct dure_command *command = named(table[act].aggregate, table[act].command);
    asked = owner_of(first_id());
    world_ask(asked, &ask, command, first_id(), act == EVALUATE ? &score : NULL);
}

static bool placed(void)
{
    return world_state(owner_of(first_id()), &food_order, first_id()) != NULL;
}

/* As a client does it: no answer, so it asks again, which may find that it was done. */
static void perform(enum act act)
{
    submit(act);
    settle();
    if (asked == NULL && ((act != PLACE && act != PLACE_UNKNOWN) || !placed())) {
        submit(act);
        settle();
        assert_true(ask.status == 200 || ask.status == 409);
    } else if (asked != NULL) {
        assert_int_equal(ask.released, 1);
    }
}

/* ---- What must be there afterwards ---------------------------------------------------------- */

static int64_t count_of(const struct dure_aggregate *aggregate)
{
    int64_t count = 0;
    for (int i = 0; i < nodes; i++) count += node_at(i)->rt->counters[aggregate->type->index].count;
    return count;
}

static int64_t sagas(void)
{
    int64_t count = 0;
    const struct dure_saga *all[] = {&food_order_saga, &food_check_saga, &food_cancel_saga};
    for (int i = 0; i < nodes; i++) {
        for (size_t j = 0; j < 3; j++) count += node_at(i)->rt->counters[all[j]->type->index].count;
    }
    return count;
}

static void check(const struct way *way)
{
    struct world *home = owner_of(first_id());
    const struct food_order *order = world_state(home, &food_order, first_id());
    const struct food_payment *payment = world_state(home, &food_payment, first_id());
    const struct food_store_order *store = world_state(home, &food_store_order, first_id());
    const struct food_delivery *delivery = world_state(home, &food_delivery, first_id());
    const struct food_food *food = world_state(owner_of(FOOD), &food_food, FOOD);
    const struct food_top *top = world_state(owner_of(FOOD), &food_top, FOOD);
    const struct food_order_view *view = world_state(home, &food_order_view, first_id());
    assert_int_equal(order->status, way->order);
    assert_int_equal(view->status, way->order);
    assert_int_equal(payment->status, way->payment);
    assert_int_equal(store->status, way->store);
    assert_int_equal(order->payment_id, first_id());
    assert_int_equal(order->canceling, 0);
    assert_int_equal(order->unchecked, 0);
    assert_int_equal(store->order_id, first_id());
    if (way != &unknown_food) assert_int_equal(store->store_id, 3);
    assert_int_equal(delivery != NULL ? delivery->status : 0, way->delivery);
    assert_int_equal(count_of(&food_order), 1);
    assert_int_equal(count_of(&food_payment), 1);
    assert_int_equal(count_of(&food_store_order), 1);
    assert_int_equal(count_of(&food_delivery), way->delivery != 0);
    assert_int_equal(count_of(&food_notice), way->notices);
    assert_int_equal(count_of(&notify_notification), way->notices);
    assert_int_equal(count_of(&food_order_view), 1);
    assert_int_equal(food->count, way->ratings);
    assert_int_equal(top->eval_count, way->ratings);
    assert_int_equal(top->order_count, way->store == FOOD_STORE_COOKED);
    assert_int_equal(sagas(), 0);
}

/* ---- A crash at every step ------------------------------------------------------------------ */

/* False: the way was over before the crash. */
static bool run(const struct way *way, int at, int node, bool written)
{
    make();
    asked = NULL;
    crash.at = at;
    crash.node = node;
    crash.written = written;
    crash.count = 0;
    crash.happened = false;
    for (size_t i = 0; way->acts[i] != END; i++) perform(way->acts[i]);
    settle();
    check(way);
    bool happened = crash.happened;
    end();
    return happened;
}

static int run_all(const struct way *way)
{
    int crashes = 0;
    for (int node = 0; node < nodes; node++) {
        for (int written = 0; written < 2; written++) {
            for (int at = 1; run(way, at, node, written != 0); at++) crashes++;
        }
    }
    printf("%d node%s, %s: right after each of %d crashes\n", nodes, nodes > 1 ? "s" : "", way->name,
           crashes);
    return crashes;
}

static void test_one_node(void **state)
{
    (void)state;
    nodes = 1;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) assert_true(run_all(&ways[i]) >= 4);
}

/* A record for every message or two: the sagas are cut between their steps. */
static void test_one_turn_a_record(void **state)
{
    (void)state;
    nodes = 1;
    turns_max = 1;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) assert_true(run_all(&ways[i]) >= 16);
    turns_max = 0;
}

static void test_two_nodes(void **state)
{
    (void)state;
    nodes = 2;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) assert_true(run_all(&ways[i]) > 20);
    assert_true(run_all(&unknown_food) > 20);
}

/* ---- What happens at once ------------------------------------------------------------------- */

/* A customer who cancels before the store has said whether it serves the order, whatever that says:
 * the kitchen never sees it, and the money is back. Both orders of the messages, at every step. */
static void test_cancel_before_the_check(void **state)
{
    (void)state;
    nodes = 2;
    int seen[2] = {0};
    for (int after = 0; after < 60; after++) {
        for (int unknown = 0; unknown < 2; unknown++) {
            make();
            crash.at = 0;
            submit(unknown ? PLACE_UNKNOWN : PLACE);
            for (int i = 0; i < after; i++) step(i % 2);
            if (!placed()) {
                settle();
                end();
                continue;
            }
            static struct world_ask cancel;
            world_ask(owner_of(2), &cancel, named(&food_order, "cancel"), 2, NULL);
            settle();
            const struct food_order *order = world_state(owner_of(2), &food_order, 2);
            const struct food_payment *payment = world_state(owner_of(2), &food_payment, 2);
            const struct food_store_order *store = world_state(owner_of(2), &food_store_order, 2);
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
            end();
        }
    }
    assert_true(seen[0] > 0 && seen[1] > 0);
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
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
