/*
 * A demand from its start to its settlement, on one node and on two that own every other id, with a
 * crash at every single step of it: whichever node stops, whether or not what it was writing was
 * written, everybody is asked once, and each accepted response is settled and paid once.
 *
 * On two nodes the demand and its first user are node 0's, the other users node 1's.
 */
#include "actors/dr/dr.h"
#include "tests/unit/ways.h"

#define USERS 3
#define IDS_MAX 20
#define WAITS_MAX 1000

/* ---- Ways ----------------------------------------------------------------------------------- */

struct way {
    const char *name;
    uint8_t answers[USERS];
    int64_t readings[USERS]; /* Of those who accept; 0: it was no reduction. */
};
static const struct way ways[] = {
    {"two of three accept", {DR_ACCEPT, DR_ACCEPT, DR_DENY}, {383, 295, 0}},
    {"one reduction was none", {DR_ACCEPT, DR_ACCEPT, DR_IGNORE}, {0, 295, 0}},
    {"nobody answers", {DR_IGNORE, DR_IGNORE, DR_IGNORE}, {0}},
};

static int64_t users[USERS];

static void prepare(void)
{
    struct dr_user user;
    dure_schema_init(dr_user.create->schema, &user);
    user.point = 1000;
    user.capacity = 400;
    for (int i = 0; i < USERS; i++) {
        ways_asked = ways_node(i == 0 ? 0 : ways_nodes - 1);
        world_ask(ways_asked, &ways_ask, dr_user.create, DURE_NEW, &user);
        ways_settle();
        assert_int_equal(ways_ask.status, 200);
        users[i] = ways_ask.id;
    }
}

static const struct dr_response *response_of(int64_t user)
{
    const struct dr_response *found = NULL;
    for (int64_t id = 1; id < IDS_MAX; id++) {
        const struct dr_response *response = ways_state(&dr_response, id);
        if (response == NULL || response->user_id != user) continue;
        assert_null(found);
        found = response;
    }
    return found;
}

static const struct dr_kepco *kepco_of(int64_t user)
{
    const struct dr_kepco *found = NULL;
    for (int64_t id = 1; id < IDS_MAX; id++) {
        const struct dr_kepco *kepco = ways_state(&dr_kepco, id);
        if (kepco == NULL || kepco->user_id != user) continue;
        assert_null(found);
        found = kepco;
    }
    return found;
}

/* Users and responses are gone through page by page, with a pause in between. */
static void wait_until(const struct way *way, bool (*met)(const struct way *way))
{
    for (int i = 0; !met(way); i++) {
        assert_true(i < WAITS_MAX);
        world_now_ms += DURE_ROUND_PAUSE_MS;
        ways_settle();
    }
}

static bool started(void)
{
    return ways_state(&dr_demand, ways_first_id()) != NULL;
}

static bool everybody_asked(const struct way *way)
{
    (void)way;
    return ways_count(dr_response.type) == USERS;
}

static int64_t accepted(const struct way *way)
{
    int64_t count = 0;
    for (int i = 0; i < USERS; i++) count += way->answers[i] == DR_ACCEPT;
    return count;
}

static bool all_closed(const struct way *way)
{
    for (int i = 0; i < USERS; i++) {
        if (response_of(users[i])->closed != 1) return false;
    }
    return ways_count(dr_kepco.type) == accepted(way);
}

static void choose(const struct way *way)
{
    for (int i = 0; i < USERS; i++) {
        if (way->answers[i] == DR_IGNORE) continue;
        ways_do(way->answers[i] == DR_ACCEPT ? &dr_response_accept : &dr_response_deny,
                response_of(users[i])->id, NULL, NULL);
    }
}

/* The meter tells each reading twice. */
static void measure(const struct way *way)
{
    struct dr_meter_answer answer;
    for (int i = 0; i < 2 * USERS; i++) {
        if (way->answers[i / 2] != DR_ACCEPT) continue;
        dure_schema_init(dr_kepco_answer.schema, &answer);
        answer.outcome = DR_METER_READ;
        answer.adjust_point = way->readings[i / 2];
        answer.is_real = way->readings[i / 2] != 0;
        ways_do(&dr_kepco_answer, kepco_of(users[i / 2])->id, &answer, NULL);
    }
}

/* ---- What must be there afterwards ---------------------------------------------------------- */

static void check_user(const struct way *way, int i)
{
    bool accepts = way->answers[i] == DR_ACCEPT;
    int64_t points = accepts ? way->readings[i] : 0;
    const struct dr_user *user = ways_state(&dr_user, users[i]);
    const struct dr_user_info *info = ways_state(&dr_user_info, users[i]);
    const struct dr_response *response = response_of(users[i]);
    const struct dr_kepco *kepco = kepco_of(users[i]);
    assert_int_equal(user->point, 1000 + points);
    assert_int_equal(info->point, 1000 + points);
    assert_int_equal(world_happened(ways_owner(user->id), &dr_user, user->id, "PointChanged"),
                     points != 0);
    assert_int_equal(response->answer, accepts && points == 0 ? DR_DENY : way->answers[i]);
    assert_int_equal(response->user_capacity, 400);
    assert_int_equal(kepco != NULL, accepts);
    if (kepco == NULL) return;
    assert_int_equal(kepco->response_id, response->id);
    assert_int_equal(kepco->is_real, points != 0);
    assert_int_equal(world_happened(ways_owner(kepco->id), &dr_kepco, kepco->id, "ReductionCheck"),
                     1);
}

static void check(const struct way *way)
{
    const struct dr_demand *demand = ways_state(&dr_demand, ways_first_id());
    assert_int_equal(demand->status, DR_ENDED);
    assert_int_equal(ways_count(dr_demand.type), 1);
    assert_int_equal(ways_count(dr_response.type), USERS);
    assert_int_equal(ways_count(dr_kepco.type), accepted(way));
    for (int i = 0; i < USERS; i++) check_user(way, i);
    assert_int_equal(ways_count(dr_answer_saga.type), 0);
    assert_int_equal(ways_count(dr_list_round.type), 0);
}

/* ---- A crash at every step ------------------------------------------------------------------ */

static void walk(const void *arg)
{
    const struct way *way = arg;
    ways_do(dr_demand.create, DURE_NEW, NULL, started);
    wait_until(way, everybody_asked);
    choose(way);
    ways_do(&dr_demand_end, ways_first_id(), NULL, NULL);
    wait_until(way, all_closed);
    measure(way);
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
    ways_on_one_node(&all_ways, 6);
}

static void test_one_turn_a_record(void **state)
{
    (void)state;
    ways_turn_by_turn(&all_ways, 16);
}

static void test_two_nodes(void **state)
{
    (void)state;
    ways_on_two_nodes(&all_ways, 32);
}

static int setup(void **state)
{
    (void)state;
    static const struct dure_system *const systems[] = {&dr_system, NULL};
    world_seed_set(world_seed(1));
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
