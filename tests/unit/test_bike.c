/*
 * Each way of a reservation, on one node and on two that own every other id, with a crash at every
 * single step of it: whichever node stops, whether or not what it was writing was written, the
 * reservation ends as it would have without, and bikes, points and dashboard say the same.
 *
 * On two nodes the reservation is node 0's, its bike is node 1's, and its user's points are node
 * 1's (an odd user) or node 0's (an even one): so each step is taken within a node and between.
 */
#include "actors/bike/bike.h"
#include "tests/unit/pair.h"

#define SHARDS 4
#define BIKE 1
#define UNKNOWN 99
#define TICKS_MAX 20000

/* ---- A cluster of one or two ----------------------------------------------------------------- */

static int nodes;
static int64_t user;       /* 11 or 10: of node 1 or of node 0. */
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

/* What is made on node 0 of two has even ids. */
static int64_t nth(int64_t n)
{
    return nodes == 2 ? 2 * n : n;
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
        if (ticks % 4 == 3) world_now_ms += 100; /* What the wire lost is sent again. */
    } while (!quiet() && ++ticks < TICKS_MAX);
    assert_true(ticks < TICKS_MAX);
}

static const struct dure_command *named(const struct dure_aggregate *aggregate, const char *name)
{
    const struct dure_command *const *command = aggregate->commands;
    while (strcmp((*command)->name, name) != 0) command++;
    return *command;
}

static void make(void)
{
    if (nodes == 2) pair_make(SHARDS);
    else world_make(&single, SHARDS);
    if (turns_max != 0) {
        single.group_turns_max = turns_max;
        world_crash(&single);
    }
    struct bike_management bike;
    dure_schema_init(bike_management.create->schema, &bike);
    crash.at = 0;
    asked = owner_of(BIKE);
    world_ask(asked, &ask, bike_management.create, DURE_NEW, &bike);
    settle();
    assert_int_equal(ask.id, BIKE);
}

static void end(void)
{
    if (nodes == 2) pair_end();
    else world_end(&single);
}

/* ---- Ways ------------------------------------------------------------------------------------ */

enum act { END, BUY, OPEN, RESERVE, RESERVE_UNKNOWN, CANCEL, GIVE_BACK };

struct way {
    const char *name;
    enum act acts[8];
    int64_t points;        /* At the end; -1: there is no row. */
    uint8_t statuses[3];   /* Of the reservations, in their order. */
    int64_t purchases;
    int64_t holder;        /* Which of them has the bike; 0: none. */
    int64_t used, returned;
    const char *reason;    /* Of the last reservation; NULL: none. */
};
static const struct way ways[] = {
    {"bought", {BUY, BUY}, 5000, {0}, 2, 0, 0, 0, NULL},
    {"opened, and bought", {OPEN, BUY}, 3200, {0}, 1, 0, 0, 0, NULL},
    {"reserved", {BUY, RESERVE}, 1500, {BIKE_RESERVED}, 1, 1, 1000, 0, NULL},
    {"cancelled", {BUY, RESERVE, CANCEL}, 2500, {BIKE_CANCELED}, 1, 0, 1000, 1000, NULL},
    {"returned", {BUY, RESERVE, GIVE_BACK}, 1500, {BIKE_RETURNED}, 1, 0, 1000, 0, NULL},
    {"cancelled, and reserved again", {BUY, RESERVE, CANCEL, RESERVE}, 1500,
     {BIKE_CANCELED, BIKE_RESERVED}, 1, 2, 2000, 1000, NULL},
    {"unknown bike", {BUY, RESERVE_UNKNOWN}, 2500, {BIKE_CANCELED}, 1, 0, 0, 0, "없는 자전거"},
    {"no row", {RESERVE}, -1, {BIKE_CANCELED}, 0, 0, 0, 0, "포인트가 없습니다"},
    {"too few points", {OPEN, RESERVE}, 700, {BIKE_CANCELED}, 0, 0, 0, 0, "1000 중 700"},
    {"bike in use", {BUY, RESERVE, RESERVE}, 1500, {BIKE_RESERVED, BIKE_CANCELED}, 1, 1, 1000, 0,
     "이미 예약"},
};
#define WAYS (sizeof ways / sizeof ways[0])

static int64_t reservations; /* Made by now. */

static void submit_by_key(const struct dure_aggregate *aggregate, const void *payload)
{
    asked = owner_of(user);
    assert_int_equal(world_ask_try(asked, &ask, aggregate->create, user, payload, true), 0);
}

static void submit(enum act act)
{
    struct bike_approval approval;
    struct bike_points points = {.user_id = user, .total_point = 700};
    struct bike_place place;
    dure_schema_init(bike_approval.create->schema, &approval);
    dure_schema_init(bike_reservation.create->schema, &place);
    approval.user_id = place.user_id = user;
    approval.price = 2500;
    place.bike_id = act == RESERVE_UNKNOWN ? UNKNOWN : BIKE;
    asked = node_at(0);
    switch (act) {
    case BUY: world_ask(asked, &ask, bike_approval.create, DURE_NEW, &approval); break;
    case OPEN: submit_by_key(&bike_point, &points); break;
    case CANCEL:
        world_ask(asked, &ask, named(&bike_reservation, "cancel"), nth(reservations), NULL);
        break;
    case GIVE_BACK:
        world_ask(asked, &ask, named(&bike_reservation, "return"), nth(reservations), NULL);
        break;
    default: world_ask(asked, &ask, bike_reservation.create, DURE_NEW, &place); break;
    }
}

static int64_t count_of(const struct dure_type *type)
{
    int64_t count = 0;
    for (int i = 0; i < nodes; i++) count += node_at(i)->rt->counters[type->index].count;
    return count;
}

/* As a client does it: no answer, so it looks whether that was done, and if not asks again. */
static void perform(enum act act)
{
    bool makes = act == BUY || act == RESERVE || act == RESERVE_UNKNOWN;
    const struct dure_type *type = act == BUY ? bike_approval.type : bike_reservation.type;
    int64_t before = count_of(type);
    submit(act);
    settle();
    if (asked == NULL && !(makes && count_of(type) > before)) {
        submit(act);
        settle();
        assert_true(ask.status == 200 || ask.status == 409);
    } else if (asked != NULL) {
        assert_int_equal(ask.released, 1);
    }
    if (makes) assert_int_equal(count_of(type), before + 1);
    if (type == bike_reservation.type) reservations = count_of(type);
}

/* ---- What must be there afterwards ----------------------------------------------------------- */

static void check_reservation(const struct way *way, int64_t n)
{
    const struct bike_reservation *reservation =
        world_state(owner_of(nth(n)), &bike_reservation, nth(n));
    const struct bike_dashboard *row = world_state(owner_of(nth(n)), &bike_dashboard, nth(n));
    bool last = n == reservations;
    assert_int_equal(reservation->status, way->statuses[n - 1]);
    assert_int_equal(row->status, reservation->status);
    assert_int_equal(strtoll(row->reserve_no, NULL, 10), nth(n));
    assert_int_equal(row->user_id, user);
    assert_int_equal(reservation->return_ms != DURE_NULL, reservation->status == BIKE_RETURNED);
    if (last && way->reason != NULL) assert_non_null(strstr(reservation->reason, way->reason));
    else assert_int_equal(reservation->reason[0], 0);
}

static void check(const struct way *way)
{
    const struct bike_management *bike = world_state(owner_of(BIKE), &bike_management, BIKE);
    const struct bike_point *point = world_state(owner_of(user), &bike_point, user);
    assert_int_equal(bike->reservation_id, way->holder != 0 ? nth(way->holder) : DURE_NULL);
    assert_int_equal(count_of(bike_point.type), way->points >= 0);
    if (way->points >= 0) {
        assert_int_equal(point->total_point, way->points);
        assert_int_equal(point->user_id, user);
        assert_int_equal(point->used, way->used);
        assert_int_equal(point->returned, way->returned);
        assert_int_equal(point->bought, 2500 * way->purchases);
    }
    assert_int_equal(count_of(bike_approval.type), way->purchases);
    int64_t expected = 0;
    while (expected < 3 && way->statuses[expected] != 0) expected++;
    assert_int_equal(count_of(bike_reservation.type), expected);
    assert_int_equal(count_of(bike_dashboard.type), expected);
    for (int64_t n = 1; n <= expected; n++) check_reservation(way, n);
    const struct dure_saga *sagas[] = {&bike_approval_saga, &bike_reserve_saga, &bike_cancel_saga,
                                       &bike_return_saga};
    for (size_t i = 0; i < 4; i++) assert_int_equal(count_of(sagas[i]->type), 0);
}

/* ---- A crash at every step ------------------------------------------------------------------- */

/* False: the way was over before the crash. */
static bool run(const struct way *way, int at, int node, bool written)
{
    make();
    asked = NULL;
    reservations = 0;
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
    printf("%d node%s, user %d, %s: right after each of %d crashes\n", nodes, nodes > 1 ? "s" : "",
           (int)user, way->name, crashes);
    return crashes;
}

static void test_one_node(void **state)
{
    (void)state;
    nodes = 1;
    user = 11;
    for (size_t i = 0; i < WAYS; i++) assert_true(run_all(&ways[i]) >= 4);
}

/* A record for every message or two: the sagas are cut between their steps. */
static void test_one_turn_a_record(void **state)
{
    (void)state;
    nodes = 1;
    user = 11;
    turns_max = 1;
    for (size_t i = 0; i < WAYS; i++) assert_true(run_all(&ways[i]) >= 8);
    turns_max = 0;
}

static void test_two_nodes(void **state)
{
    (void)state;
    nodes = 2;
    for (user = 10; user <= 11; user++) {
        for (size_t i = 0; i < WAYS; i++) assert_true(run_all(&ways[i]) >= 16);
    }
}

/* ---- Both at once ---------------------------------------------------------------------------- */

/* A user at each node wants the bike, the second one any number of steps after the first: whoever
 * has it pays, the other pays nothing. */
static void test_two_users(void **state)
{
    (void)state;
    nodes = 2;
    int won[2] = {0};
    for (int first = 0; first < 2; first++) {
        for (int after = 0; after < 40; after++) {
            static struct world_ask asks[2];
            make();
            for (user = 10; user <= 11; user++) {
                submit(BUY);
                settle();
            }
            for (int i = 0; i < 2; i++) {
                int who = i == 0 ? first : 1 - first;
                struct bike_place place;
                dure_schema_init(bike_reservation.create->schema, &place);
                place.user_id = 10 + who;
                place.bike_id = BIKE;
                world_ask(node_at(who), &asks[who], bike_reservation.create, DURE_NEW, &place);
                for (int j = 0; i == 0 && j < after; j++) step(j % 2);
            }
            settle();
            int winner = asks[0].status == 200 ? 0 : 1;
            assert_int_equal(asks[winner].status, 200);
            assert_int_equal(asks[1 - winner].status, 409);
            won[winner]++;
            for (int who = 0; who < 2; who++) {
                const struct bike_point *point =
                    world_state(owner_of(10 + who), &bike_point, 10 + who);
                assert_int_equal(point->total_point, who == winner ? 1500 : 2500);
            }
            const struct bike_management *bike =
                world_state(owner_of(BIKE), &bike_management, BIKE);
            assert_int_equal(bike->reservation_id, asks[winner].id);
            end();
        }
    }
    assert_true(won[0] > 0 && won[1] > 0);
}

/* ---- Which compensations ran ----------------------------------------------------------------- */

/* It counts up when the bike is held, and when it is released. */
static uint64_t bike_version(void)
{
    return world_version(&single, &bike_management, BIKE);
}

/* Each way back, by count: a refused payment frees the bike, a cancel frees it and gives the fare
 * back, a return frees it only. */
static void test_compensations(void **state)
{
    (void)state;
    nodes = 1;
    user = 11;
    make();
    reservations = 0;
    uint64_t before = bike_version();
    perform(RESERVE); /* No row. */
    assert_int_equal(bike_version(), before + 2); /* Held, and released. */
    assert_null(world_state(&single, &bike_point, user));
    perform(RESERVE_UNKNOWN);
    assert_int_equal(bike_version(), before + 2);
    perform(BUY);
    for (int i = 1; i <= 2; i++) {
        perform(RESERVE);
        perform(CANCEL);
        assert_int_equal(world_happened(&single, &bike_point, user, "PointUsed"), i);
        assert_int_equal(world_happened(&single, &bike_point, user, "PointReturned"), i);
        assert_int_equal(bike_version(), before + 2 + 2 * (uint64_t)i);
    }
    perform(RESERVE);
    perform(GIVE_BACK);
    assert_int_equal(world_happened(&single, &bike_point, user, "PointReturned"), 2);
    assert_int_equal(bike_version(), before + 8);
    end();
}

static int setup(void **state)
{
    (void)state;
    static const struct dure_system *const systems[] = {&bike_system, NULL};
    world_seed_set(world_seed(1));
    return dure_registry_init(systems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_one_turn_a_record),
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_two_users),
        cmocka_unit_test(test_compensations),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
