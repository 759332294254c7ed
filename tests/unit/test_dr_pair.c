/*
 * Demand response on two nodes with a bad wire between them, full disks and crashes at any moment:
 * two demands at once, one on each node, each user answers each of them once at most, the ends come in
 * between. When all is quiet:
 *
 *   lists        each user has one response to each demand, and it is closed
 *   answers      who was told that the answer was taken is settled by it, who was refused is not, and
 *                who answers when the end has been answered is refused
 *   settlements  each accepted response has one, and the users have what these are worth
 *
 * One seed is one run; the first is printed, and the one that failed.
 */
#include "actors/dr/dr.h"
#include "tests/unit/pair.h"

#define RUNS 100
#define USERS 140 /* 70 on each node: more than a page of a round. */
#define RESPONSES (2 * USERS)
#define ASKS_MAX 160

static uint64_t seed;

static struct world *world_of(int node)
{
    return &pair[node].world;
}

/* ---- The meter ----------------------------------------------------------------------------------- */

static struct { int64_t kepcos[8 * RESPONSES]; size_t count; } questions[2];

static void on_asked(void *arg, const struct dure_port *port, const struct dure_event *event,
                     const struct dure_trace *trace)
{
    (void)trace;
    (void)port;
    size_t node = (size_t)(uintptr_t)arg;
    if (questions[node].count == sizeof questions[node].kepcos / sizeof(int64_t)) return;
    questions[node].kepcos[questions[node].count++] = event->id;
}

static void listen(int node)
{
    struct world *world = world_of(node);
    world->rt->on_asked = on_asked;
    world->rt->asked_arg = (void *)(uintptr_t)node;
    assert_int_equal(dure_port_resume(world->rt, &dr_meter), 0);
}

/* Everybody else's asks: kept until the run ends, since a crash forgets who asked. */
static struct world_ask others[4000];
static size_t others_count;

static struct world_ask *another(void)
{
    assert_true(others_count < sizeof others / sizeof others[0]);
    return &others[others_count++];
}

/* What a kepco is worth: its user's number, so that nobody can be taken for somebody else. */
static void answer_one(int node)
{
    if (questions[node].count == 0) return;
    int64_t id = questions[node].kepcos[--questions[node].count];
    const struct dr_kepco *kepco = world_state(world_of(node), &dr_kepco, id);
    if (kepco == NULL) return; /* Of a record that a crash has taken back. */
    struct dr_meter_answer answer;
    dure_schema_init(dr_kepco_answer.schema, &answer);
    answer.outcome = world_random(4) == 0 ? DR_METER_FAILED : DR_METER_READ;
    answer.adjust_point = kepco->user_id;
    answer.is_real = kepco->response_id % 5 != 0;
    world_ask(world_of(node), another(), &dr_kepco_answer, id, &answer);
}

/* ---- The users' answers --------------------------------------------------------------------------- */

struct asked {
    struct world_ask ask;
    int64_t response;
    int node; /* -1: it crashed before the answer. */
    bool accepts;
    bool late; /* The end of the demand had been answered before. */
};
static bool ended[3]; /* By demand: its end was answered. */
static struct asked asks[ASKS_MAX];
static size_t asks_count;

static void ask_any(void)
{
    int64_t id = 1 + (int64_t)world_random(RESPONSES);
    int node = (int)(id % 2);
    if (asks_count == ASKS_MAX || world_state(world_of(node), &dr_response, id) == NULL) return;
    for (size_t i = 0; i < asks_count; i++) {
        if (asks[i].response == id) return;
    }
    struct asked *asked = &asks[asks_count++];
    const struct dr_response *response = world_state(world_of(node), &dr_response, id);
    *asked = (struct asked){.response = id, .node = node, .accepts = world_random(4) != 0,
                            .late = ended[response->dr_id]};
    world_ask(world_of(node), &asked->ask,
              asked->accepts ? &dr_response_accept : &dr_response_deny, id, NULL);
}

/* ---- What happens ---------------------------------------------------------------------------------- */

static void crash(int node)
{
    struct world *world = world_of(node);
    for (size_t i = 0; i < asks_count; i++) {
        if (asks[i].node == node && !asks[i].ask.released) asks[i].node = -1;
    }
    dure_journal_memory_hold(world->journal, false);
    world_stop(world, world_random(2) == 0, world_random(2) == 0);
    dure_journal_memory_fault(world->journal, DURE_FAULT_NONE);
    world_reopen(world);
    listen(node);
}

static void any_step(void)
{
    int node = (int)world_random(2);
    struct world *world = world_of(node);
    switch (world_random(40)) {
    case 0: crash(node); break;
    case 1: dure_journal_memory_fault(world->journal, DURE_FAULT_NOSPC); break;
    case 2: dure_journal_memory_hold(world->journal, world_random(2) == 0); break;
    case 3: world_now_ms += (int64_t)world_random(1500); break;
    case 4:
    case 5: ask_any(); break;
    case 6: answer_one(node); break;
    case 7: world_now_ms += DURE_ROUND_PAUSE_MS; break;
    default: pair_step(&pair[node]); break;
    }
}

static void calm(void)
{
    for (int node = 0; node < 2; node++) {
        dure_journal_memory_hold(world_of(node)->journal, false);
        dure_journal_memory_fault(world_of(node)->journal, DURE_FAULT_NONE);
    }
    world_now_ms += 300;
    for (int node = 0; node < 2; node++) pair_step(&pair[node]); /* What is due is no quiet. */
    pair_run();
}

static size_t count_of(const struct dure_type *type)
{
    size_t count = 0;
    for (int node = 0; node < 2; node++) {
        count += (size_t)world_of(node)->rt->counters[type->index].count;
    }
    return count;
}

static void begin(void)
{
    struct dr_user user;
    memset(ended, 0, sizeof ended);
    asks_count = others_count = questions[0].count = questions[1].count = 0;
    pair_make(8); /* Several channels between the nodes: no order between them. */
    listen(0);
    listen(1);
    dure_schema_init(dr_user.create->schema, &user);
    user.capacity = 100;
    for (int i = 0; i < USERS; i++) {
        world_ask(world_of(i % 2), another(), dr_user.create, DURE_NEW, &user);
    }
    pair_run();
    assert_int_equal(count_of(dr_user.type), USERS);
    pair[0].bad_wire = pair[1].bad_wire = true;
}

/* Demand 2 is node 0's, demand 1 is node 1's; asked again until it is as wanted. */
static void command_demand(int64_t demand, uint8_t status)
{
    struct world *world = pair_home(demand);
    for (int tries = 0; tries < 100; tries++) {
        const struct dr_demand *there = world_state(world, &dr_demand, demand);
        if (there != NULL && there->status == status) return;
        struct world_ask *ask = another();
        if (there == NULL) world_ask(world, ask, dr_demand.create, DURE_NEW, NULL);
        else world_ask(world, ask, &dr_demand_end, demand, NULL);
        for (int i = 0; i < 40; i++) {
            any_step();
            ended[demand] |= there != NULL && ask->released && ask->rv == 0 &&
                             ask->verdict == DURE_DONE;
        }
        if (tries > 0 || seed % 2 == 0) calm();
    }
    fail_msg("demand %lld does not change", (long long)demand);
}

static bool all_settled(void)
{
    for (int node = 0; node < 2; node++) {
        int64_t last = world_of(node)->rt->counters[dr_kepco.type->index].max_id;
        for (int64_t id = 1; id <= last; id++) {
            const struct dr_kepco *kepco = world_state(world_of(node), &dr_kepco, id);
            if (kepco != NULL && kepco->is_real < 0) return false;
        }
    }
    return count_of(dr_list_round.type) == 0;
}

static void settle(void)
{
    for (int i = 0; i < 3000; i++) {
        if (all_settled() && pair_quiet()) return;
        for (int node = 0; node < 2; node++) answer_one(node);
        calm();
        if (i % 20 == 19) world_now_ms += 60000;
    }
    fail_msg("something is not settled");
}

/* ---- What must be true ------------------------------------------------------------------------------ */

static void check(void)
{
    static int lists[USERS + 2][3];
    static int64_t points[USERS + 2];
    memset(lists, 0, sizeof lists);
    memset(points, 0, sizeof points);
    size_t owed = 0;
    for (int64_t id = 1; id <= RESPONSES; id++) {
        const struct dr_response *response = world_state(pair_home(id), &dr_response, id);
        assert_non_null(response);
        assert_true(response->closed == 1 && response->asking == 0);
        lists[response->user_id][response->dr_id]++;
        owed += response->owed == 1;
        if (response->owed == 1 && id % 5 != 0) points[response->user_id] += response->user_id;
        if (response->owed == 1) {
            assert_int_equal(response->answer, id % 5 != 0 ? DR_ACCEPT : DR_DENY);
        }
    }
    assert_int_equal(count_of(dr_response.type), RESPONSES);
    assert_int_equal(count_of(dr_kepco.type), owed);
    for (int64_t id = 1; id <= USERS; id++) {
        const struct dr_user *user = world_state(pair_home(id), &dr_user, id);
        assert_int_equal(lists[id][1], 1);
        assert_int_equal(lists[id][2], 1);
        assert_int_equal(user->point, points[id]);
    }
}

static struct { int taken, refused, lost; } seen;

static void check_answers(void)
{
    for (size_t i = 0; i < asks_count; i++) {
        const struct asked *asked = &asks[i];
        const struct dr_response *response =
            world_state(pair_home(asked->response), &dr_response, asked->response);
        if (asked->node < 0 || asked->ask.rv != 0 || asked->ask.verdict == DURE_PENDING) {
            seen.lost++; /* Nobody was told. */
        } else if (asked->ask.verdict == DURE_DONE) {
            seen.taken++;
            assert_int_equal(response->owed, asked->accepts);
            assert_false(asked->late);
        } else {
            seen.refused++;
            assert_int_equal(response->owed, 0);
        }
    }
}

static void run_one(void)
{
    world_seed_set(seed);
    for (int i = 0; i < 8; i++) (void)world_random(2); /* Neighbouring seeds begin alike. */
    begin();
    command_demand(1, DR_RUNNING);
    for (int i = 0; i < 100; i++) any_step();
    command_demand(2, DR_RUNNING);
    for (uint64_t i = 0; i < (seed % 3) * 200; i++) any_step(); /* It may end while it is listed. */
    command_demand(2, DR_ENDED);
    for (int i = 0; i < 200; i++) any_step();
    for (int i = 0; i < 20; i++) ask_any(); /* These race with the end. */
    command_demand(1, DR_ENDED);
    for (int i = 0; i < 200; i++) any_step();
    for (int i = 0; i < 20; i++) ask_any();
    calm();
    for (int64_t demand = 1; demand <= 2; demand++) command_demand(demand, DR_ENDED);
    settle();
    check();
    check_answers();
    for (int node = 0; node < 2; node++) crash(node);
    settle();
    check();
    pair_end();
}

static void test_runs(void **state)
{
    (void)state;
    for (int run = 0; run < RUNS; run++, seed++) run_one();
    printf("answers: %d taken, %d refused, %d lost\n", seen.taken, seen.refused, seen.lost);
    assert_true(seen.taken > RUNS && seen.refused > RUNS / 4 && seen.lost > RUNS / 4);
}

static int64_t make(int node, const struct dure_command *command)
{
    struct world_ask *ask = another();
    world_ask(world_of(node), ask, command, DURE_NEW, NULL);
    while (!ask->released) pair_step(&pair[node]);
    assert_int_equal(ask->verdict, DURE_DONE);
    return ask->id;
}

/* A start is recorded with what came long before it; whoever had registered at another node in
 * between is asked all the same. */
static void test_user_before_a_start_in_an_older_record(void **state)
{
    (void)state;
    others_count = 0;
    pair_make(8);
    struct dure_journal *journal = world_of(0)->journal;
    dure_journal_memory_hold(journal, true);
    world_ask(world_of(0), another(), dr_user.create, DURE_NEW, NULL);
    pair_step(&pair[0]); /* Is being written, so the next one begins a record that waits. */
    world_ask(world_of(0), another(), dr_user.create, DURE_NEW, NULL);
    pair_step(&pair[0]);
    world_now_ms += 20;
    int64_t user = make(1, dr_user.create);
    world_now_ms += 5;
    struct world_ask *start = another();
    world_ask(world_of(0), start, dr_demand.create, DURE_NEW, NULL);
    pair_step(&pair[0]);
    dure_journal_memory_hold(journal, false);
    pair_run();
    assert_int_equal(start->verdict, DURE_DONE);
    assert_int_equal(count_of(dr_response.type), 3);
    world_now_ms += 20;
    (void)make(0, dr_user.create);
    (void)make(1, dr_user.create);
    pair_run();
    assert_int_equal(count_of(dr_response.type), 3);
    assert_int_equal(user % 2, 1);
    pair_end();
}

int main(void)
{
    static const struct dure_system *const systems[] = {&dr_system, NULL};
    seed = world_seed(20261121);
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_before_a_start_in_an_older_record),
        cmocka_unit_test(test_runs),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed) printf("it failed with DURE_TEST_SEED=%llu\n", (unsigned long long)seed);
    return failed;
}
