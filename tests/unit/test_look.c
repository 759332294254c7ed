/*
 * A look: the handler is lent the state of another aggregate, at once when it is ours, from its node
 * when it is not; when it is not to be had in time, the command is handled all the same, and a breaker
 * keeps the next ones from waiting.
 */
#include "actors/food/food.h"
#include "actors/notify/notify.h"
#include "runtime/look_peer.h"
#include "tests/unit/pair.h"

#define SHARDS 4
#define FOOD 1 /* Of node 1, as all odd ids. */

/* ---- A wire that remembers what it was to carry --------------------------------------------- */

struct question { uint16_t node; uint64_t number; const struct dure_type *type; int64_t id; };
static struct question asked[64];
static size_t asked_count;
static int wire_says;

static int remember(struct dure_look_wire *wire, uint16_t node, uint64_t number,
                    const struct dure_type *type, int64_t id)
{
    (void)wire;
    assert_true(asked_count < 64);
    if (wire_says == 0) asked[asked_count++] = (struct question){node, number, type, id};
    return wire_says;
}
static struct dure_look_wire memory = {.send = remember};

static struct world *make(struct dure_look_wire *wire)
{
    pair_make(SHARDS);
    asked_count = 0;
    wire_says = 0;
    struct world *world = &pair[0].world;
    world->look_wire = world->rt->options.look_wire = wire;
    return world;
}

static void place(struct world *world, struct world_ask *ask, int64_t food_id)
{
    struct food_place wanted;
    dure_schema_init(food_order.create->schema, &wanted);
    wanted.food_id = food_id;
    wanted.customer_id = 7;
    world_ask(world, ask, food_order.create, DURE_NEW, &wanted);
    world_run(world);
}

static struct dure_breaker *breaker(struct world *world)
{
    return dure_look_breaker(world->rt, food_order.create->look, 1);
}

static void packed(struct dure_buf *out, int64_t store_id, int8_t available)
{
    struct food_food food;
    dure_schema_init(food_food.schema, &food);
    food.store_id = store_id;
    food.available = available;
    dure_row_pack_state(food_food.type, &food, out);
}

static const struct food_order *order(struct world *world, int64_t id)
{
    return world_state(world, &food_order, id);
}

/* ---- On one node ---------------------------------------------------------------------------- */

/* What is ours is seen at once, as it is now; a refused creation leaves no gap in the ids. */
static void test_ours(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, SHARDS);
    struct food_added added;
    dure_schema_init(food_food.create->schema, &added);
    strcpy(added.name, "Pizza");
    added.store_id = 3;
    assert_int_equal(world_do(&world, food_food.create, DURE_NEW, &added, 200), FOOD);
    struct world_ask no, yes;
    place(&world, &no, 99);
    assert_int_equal(no.status, 409);
    assert_string_equal(no.detail, FOOD_UNAVAILABLE);
    place(&world, &yes, FOOD);
    assert_int_equal(yes.id, 1);
    assert_int_equal(order(&world, 1)->store_id, 3);
    world_remove(&world, &food_food, FOOD, 200);
    place(&world, &no, FOOD);
    assert_int_equal(no.status, 409);
    assert_int_equal(world.rt->metrics.looks_unknown, 0);
    world_end(&world);
}

/* An outage on purpose: looks have their limit, messages wait on disk through a full disk and a crash,
 * and come once when it is over. */
static void test_outage(void **state)
{
    (void)state;
    static struct world world;
    world_make(&world, SHARDS);
    assert_int_equal(dure_outage_read("food.food=down", &world.outage), 0);
    struct food_added added;
    dure_schema_init(food_food.create->schema, &added);
    strcpy(added.name, "Pizza");
    added.store_id = 3;
    assert_int_equal(world_do(&world, food_food.create, DURE_NEW, &added, 200), FOOD);
    world_crash(&world); /* From here on it is down. */
    struct world_ask failed, taken;
    place(&world, &failed, FOOD);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_pass(&world, DURE_LOOK_MS);
    assert_int_equal(failed.rv, DURE_ENOSPC);
    assert_null(order(&world, 1));
    assert_null(world.rt->held);
    place(&world, &taken, FOOD);
    world_pass(&world, DURE_LOOK_MS);
    assert_int_equal(taken.status, 200);
    assert_int_equal(order(&world, 1)->unchecked, 1);
    /* What is held already stays when a later record fails. */
    place(&world, &failed, FOOD);
    dure_journal_memory_fault(world.journal, DURE_FAULT_NOSPC);
    world_pass(&world, DURE_LOOK_MS);
    assert_int_equal(failed.rv, DURE_ENOSPC);
    assert_non_null(world.rt->held);
    assert_null(world.rt->held->next);
    for (int i = 0; i < 3; i++) {
        world_crash(&world);
        if (i == 1) world_checkpoint(&world);
        world_run(&world);
        assert_non_null(world.rt->held);
        assert_null(world.rt->held->next);
    }
    dure_outage_set(world.rt, false);
    world_run(&world);
    assert_null(world.rt->held);
    assert_int_equal(order(&world, 1)->store_id, 3);
    assert_int_equal(order(&world, 1)->unchecked, 0);
    place(&world, &taken, FOOD);
    assert_int_equal(order(&world, taken.id)->unchecked, 0);
    dure_outage_set(world.rt, true);
    place(&world, &taken, FOOD);
    assert_int_equal(taken.released, 0);
    dure_outage_set(world.rt, false);
    world_run(&world);
    assert_int_equal(order(&world, taken.id)->unchecked, 0);
    world_end(&world);
}

/* Only TYPE=down and TYPE=MS of an aggregate. */
static void test_outage_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {"food.food", "food.nobody=1", "=down", "food.food=",
                                      "food.food=1x", "food.food=-1", "food.topFood=down"};
    struct dure_outage outage;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(dure_outage_read(bad[i], &outage), DURE_EINVAL);
    }
    assert_int_equal(dure_outage_read("", &outage), 0);
    assert_null(outage.type);
    assert_int_equal(dure_outage_read("food.food=700", &outage), 0);
    assert_ptr_equal(outage.type, food_food.type);
    assert_int_equal(outage.delay_ms, 700);
}

/* ---- On another ----------------------------------------------------------------------------- */

/* The question goes to the owner; its answer decides. */
static void test_answered(void **state)
{
    (void)state;
    struct world *world = make(&memory);
    struct world_ask asks[4];
    for (int i = 0; i < 4; i++) place(world, &asks[i], FOOD);
    assert_int_equal(asked_count, 4);
    assert_int_equal(asked[0].node, 1);
    assert_ptr_equal(asked[0].type, food_food.type);
    assert_int_equal(asked[0].id, FOOD);
    struct dure_buf yes = {0}, no = {0};
    packed(&yes, 3, 1);
    packed(&no, 3, 0);
    /* In any order; by the node that was asked; once. */
    dure_look_answered(world->rt, 1, asked[2].number, DURE_SEEN_STATE, yes.data, yes.len);
    dure_look_answered(world->rt, 0, asked[0].number, DURE_SEEN_STATE, yes.data, yes.len);
    dure_look_answered(world->rt, 1, 0, DURE_SEEN_NOBODY, NULL, 0);
    dure_look_answered(world->rt, 1, 12345, DURE_SEEN_NOBODY, NULL, 0);
    world_run(world);
    assert_int_equal(asks[0].released + asks[1].released + asks[3].released, 0);
    assert_int_equal(asks[2].released, 1);
    assert_int_equal(order(world, asks[2].id)->store_id, 3);
    dure_look_answered(world->rt, 1, asked[2].number, DURE_SEEN_NOBODY, NULL, 0);
    dure_look_answered(world->rt, 1, asked[3].number, DURE_SEEN_NOBODY, NULL, 0);
    dure_look_answered(world->rt, 1, asked[0].number, DURE_SEEN_STATE, no.data, no.len);
    /* What cannot be read is as good as none. */
    dure_look_answered(world->rt, 1, asked[1].number, DURE_SEEN_STATE, "\xff\x7f\x7f", 3);
    world_run(world);
    assert_int_equal(asks[3].status, 409);
    assert_int_equal(asks[0].status, 409);
    assert_int_equal(asks[1].status, 200);
    assert_int_equal(order(world, asks[1].id)->unchecked, 1);
    assert_int_equal(asks[1].id, asks[2].id + 2); /* No gap: ours are the even ones. */
    dure_buf_fini(&yes);
    dure_buf_fini(&no);
    pair_end();
}

/* No answer within the limit: handled without, and not a moment before. */
static void test_limit(void **state)
{
    (void)state;
    struct world *world = make(&memory);
    struct world_ask ask;
    place(world, &ask, FOOD);
    world_pass(world, DURE_LOOK_MS - 1);
    assert_int_equal(ask.released, 0);
    world_pass(world, 1);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.status, 200);
    const struct food_order *taken = order(world, ask.id);
    assert_int_equal(taken->unchecked, 1);
    assert_int_equal(taken->status, FOOD_ORDER_PAID);
    assert_int_equal(breaker(world)->failures, 1);
    struct dure_buf late = {0};
    packed(&late, 3, 1);
    dure_look_answered(world->rt, 1, asked[0].number, DURE_SEEN_STATE, late.data, late.len);
    world_run(world);
    assert_int_equal(order(world, ask.id)->unchecked, 1);
    dure_buf_fini(&late);
    pair_end();
}

/* A question that cannot go is a failure at once; after a few nobody asks, until it half-opens. */
static void test_breaker(void **state)
{
    (void)state;
    struct world *world = make(&memory);
    struct world_ask ask;
    wire_says = DURE_EUNAVAILABLE;
    for (int i = 0; i < DURE_BREAKER_FAILURES; i++) {
        place(world, &ask, FOOD);
        assert_int_equal(ask.released, 1);
    }
    assert_int_equal(breaker(world)->phase, DURE_BREAKER_OPEN);
    wire_says = 0;
    place(world, &ask, FOOD);
    assert_int_equal(ask.released, 1);
    assert_int_equal(asked_count, 0);
    assert_int_equal(breaker(world)->denied, 1);
    world_pass(world, DURE_BREAKER_OPEN_MS);
    struct world_ask trial, other;
    place(world, &trial, FOOD);
    assert_int_equal(asked_count, 1);
    place(world, &other, FOOD);
    assert_int_equal(other.released, 1);
    assert_int_equal(trial.released, 0);
    dure_look_answered(world->rt, 1, asked[0].number, DURE_SEEN_NOBODY, NULL, 0);
    world_run(world);
    assert_int_equal(trial.status, 409); /* An answer all the same. */
    assert_int_equal(breaker(world)->phase, DURE_BREAKER_CLOSED);
    assert_int_equal(world->rt->metrics.looks_unknown, DURE_BREAKER_FAILURES + 2);
    pair_end();
}

/* A session that ends takes its questions along; those to others wait on. */
static void test_lost(void **state)
{
    (void)state;
    struct world *world = make(&memory);
    struct world_ask asks[3];
    for (int i = 0; i < 3; i++) place(world, &asks[i], FOOD);
    dure_look_lost(world->rt, 0);
    world_run(world);
    assert_int_equal(asks[0].released, 0);
    dure_look_lost(world->rt, 1);
    world_run(world);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(asks[i].released, 1);
        assert_int_equal(order(world, asks[i].id)->unchecked, 1);
    }
    pair_end();
}

/* A stop does not wait for answers: the command was not taken. */
static void test_stop(void **state)
{
    (void)state;
    struct world *world = make(&memory);
    struct world_ask ask;
    place(world, &ask, FOOD);
    dure_runtime_stop(world->rt);
    world_run(world);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.rv, DURE_ESHUTDOWN);
    assert_null(order(world, 2));
    pair_end();
}

/* A full disk meanwhile does not touch who only looks; the state that was sent is not lost. */
static void test_full_disk(void **state)
{
    (void)state;
    struct world *world = make(&memory);
    struct world_ask ask;
    place(world, &ask, FOOD);
    struct dure_buf yes = {0};
    packed(&yes, 3, 1);
    dure_look_answered(world->rt, 1, asked[0].number, DURE_SEEN_STATE, yes.data, yes.len);
    dure_journal_memory_fault(world->journal, DURE_FAULT_NOSPC);
    world_run(world);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.rv, DURE_ENOSPC);
    assert_null(order(world, 2));
    dure_buf_fini(&yes);
    pair_end();
}

/* ---- By peers ------------------------------------------------------------------------------- */

struct radio { /* Carries datagrams to the other one, at once but not within send. */
    struct dure_wire wire; /* First. */
    struct dure_peers *peers;
    struct dure_look_peer look;
    char bytes[64][DURE_PEER_DATAGRAM_BYTES_MAX];
    size_t lens[64], count;
};
static struct radio radios[2];
static bool cut;

static void radiate(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len)
{
    (void)wire;
    struct radio *other = &radios[node];
    assert_true(other->count < 64);
    if (cut) return;
    memcpy(other->bytes[other->count], bytes, len);
    other->lens[other->count++] = len;
}

static void radio_step(struct radio *radio, struct world *world)
{
    for (size_t i = 0; i < radio->count; i++) {
        dure_peer_received(radio->peers, radio->bytes[i], radio->lens[i]);
    }
    radio->count = 0;
    world_round(world);
    (void)dure_peer_run(radio->peers);
}

static void both(int times)
{
    for (int i = 0; i < times; i++) {
        world_now_ms += 2;
        for (int node = 0; node < 2; node++) {
            radio_step(&radios[node], &pair[node].world);
            pair_step(&pair[node]);
        }
    }
}

static void start_radios(void)
{
    cut = false;
    for (uint16_t i = 0; i < 2; i++) {
        struct radio *radio = &radios[i];
        memset(radio, 0, sizeof *radio);
        radio->wire.send = radiate;
        struct dure_peer_options options = {
            .node = i, .nodes = 2, .io = &world_io, .wire = &radio->wire};
        assert_int_equal(dure_peer_open(&radio->peers, &options), 0);
        dure_look_peer_init(&radio->look, radio->peers);
        radio->look.rt = pair[i].world.rt;
        pair[i].world.rt->options.look_wire = &radio->look.wire;
    }
    both(100);
    assert_true(dure_peer_is_up(radios[0].peers, 1));
}

/* Two nodes that have met: each sees the other's, durable states only; cut off, it goes on without,
 * and the order is put right when the store's node hears of it. */
static void test_two_nodes(void **state)
{
    (void)state;
    pair_make(SHARDS);
    start_radios();
    struct food_added added;
    dure_schema_init(food_food.create->schema, &added);
    strcpy(added.name, "Pizza");
    added.store_id = 3;
    struct world_ask add, ask;
    world_ask(&pair[1].world, &add, food_food.create, DURE_NEW, &added);
    both(20);
    assert_int_equal(add.id, FOOD);

    struct food_place wanted;
    dure_schema_init(food_order.create->schema, &wanted);
    wanted.food_id = FOOD;
    wanted.customer_id = 7;
    world_ask(&pair[0].world, &ask, food_order.create, DURE_NEW, &wanted);
    both(50);
    assert_int_equal(ask.status, 200);
    assert_int_equal(order(&pair[0].world, ask.id)->store_id, 3);
    wanted.food_id = 99;
    world_ask(&pair[0].world, &ask, food_order.create, DURE_NEW, &wanted);
    both(50);
    assert_int_equal(ask.status, 409);
    assert_int_equal(pair[0].world.rt->metrics.looks_unknown, 0);

    /* What the owner has not on disk yet it does not tell. */
    dure_journal_memory_hold(pair[1].world.journal, true);
    struct world_ask edit;
    struct food_food off = *(const struct food_food *)world_state(&pair[1].world, &food_food, FOOD);
    off.available = 0;
    struct dure_edit change = {.state = &off, .named = 1u << 5};
    edit = (struct world_ask){.ask = {.type = food_food.type, .id = FOOD, .data = &change,
                                      .decided = add.ask.decided, .released = add.ask.released}};
    assert_int_equal(dure_ask_submit(pair[1].world.rt, &edit.ask), 0);
    both(5);
    wanted.food_id = FOOD;
    world_ask(&pair[0].world, &ask, food_order.create, DURE_NEW, &wanted);
    both(50);
    assert_int_equal(ask.released, 0);
    dure_journal_memory_hold(pair[1].world.journal, false);
    both(50);
    assert_int_equal(edit.released, 1);
    assert_int_equal(ask.status, 409);

    cut = true;
    world_ask(&pair[0].world, &ask, food_order.create, DURE_NEW, &wanted);
    both(DURE_LOOK_MS / 2 + 5);
    assert_int_equal(ask.status, 200);
    both(50); /* Links have a wire of their own here. */
    assert_int_equal(order(&pair[0].world, ask.id)->status, FOOD_ORDER_REJECTED);
    for (int i = 0; i < 2; i++) dure_peer_close(radios[i].peers);
    pair_run();
    pair_end();
}

/* Frames that make no sense are ignored; a question for an id that is not ours is UNKNOWN. */
static void test_bad_frames(void **state)
{
    (void)state;
    pair_make(SHARDS);
    start_radios();
    struct dure_look_frame frame = {.number = 1, .id = FOOD, .type_code = 12345};
    int rv = dure_peer_send(radios[0].peers, 1, DURE_PEER_LOOK, &frame, sizeof frame);
    assert_int_equal(rv, 0);
    rv = dure_peer_send(radios[0].peers, 1, DURE_PEER_LOOK, &frame, 8);
    assert_int_equal(rv, 0);
    rv = dure_peer_send(radios[0].peers, 1, DURE_PEER_SEEN, &frame, sizeof frame);
    assert_int_equal(rv, 0);
    frame.seen = 77;
    rv = dure_peer_send(radios[0].peers, 1, DURE_PEER_SEEN, &frame, sizeof frame);
    assert_int_equal(rv, 0);
    both(20);
    struct dure_peer_status before, after;
    dure_peer_status(radios[0].peers, 1, &before);
    frame = (struct dure_look_frame){.number = 1, .id = FOOD + 1, .type_code = food_food.type->code};
    rv = dure_peer_send(radios[0].peers, 1, DURE_PEER_LOOK, &frame, sizeof frame);
    assert_int_equal(rv, 0);
    both(20);
    dure_peer_status(radios[0].peers, 1, &after);
    assert_int_equal(after.frames_received, before.frames_received + 1);
    for (int i = 0; i < 2; i++) dure_peer_close(radios[i].peers);
    pair_end();
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
        cmocka_unit_test(test_ours),      cmocka_unit_test(test_outage),
        cmocka_unit_test(test_outage_texts), cmocka_unit_test(test_answered),
        cmocka_unit_test(test_limit),     cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_lost),      cmocka_unit_test(test_stop),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_bad_frames),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
