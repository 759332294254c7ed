/*
 * An id that stands in a durable record is never given again, also when a crash comes before
 * anybody exists under it; and ids go on above what other nodes have given.
 */
#include "actors/shop/shop.h"
#include "runtime/ids_peer.h"
#include "tests/unit/world.h"

static struct world world;

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static int64_t do_json(const struct dure_aggregate *aggregate, int64_t id, const char *json,
                       int status)
{
    struct world_ask ask = {0};
    _Alignas(16) char payload[WORLD_PAYLOAD_MAX], copy[256];
    struct dure_field_errors errors = {0};
    const struct dure_command *command = aggregate->create;
    dure_schema_init(command->schema, payload);
    size_t len = strlen(json);
    memcpy(copy, json, len);
    assert_int_equal(dure_schema_read_json(command->schema, payload, copy, len, NULL, &errors), 0);
    assert_int_equal(world_ask_try(&world, &ask, command, id, payload, aggregate->key != NULL), 0);
    world_run(&world);
    assert_int_equal(ask.released, 1);
    assert_int_equal(ask.status, status);
    return ask.id;
}

static void open_shop(uint32_t group_turns_max)
{
    world = (struct world){0};
    world_make(&world, 4);
    world.no_checkpoints = true;
    do_json(&shop_inventory, DURE_NEW,
            "{\"stockName\":\"TV\",\"stockCount\":100,\"price\":1}", 200);
    do_json(&shop_pay, 1, "{\"userId\":1,\"payAmount\":1000}", 200);
    world.group_turns_max = group_turns_max; /* Small ones: an order takes several records. */
    world_crash(&world);
}

static int deferred_new;

/* Those who are about to be made have their ids already. */
static void check_deferred(void)
{
    for (const struct dure_mail *mail = world.rt->deferred; mail; mail = mail->durable_next) {
        if (!mail->fresh) continue;
        deferred_new++;
        assert_true(dure_shard_new_id(world.rt, mail->type) > mail->id);
    }
}

/* Crashes after each record of some orders, each at another step: each has its own delivery. */
static void crash_everywhere(uint32_t group_turns_max)
{
    enum { ORDERS = 5 };
    uint64_t records = 1;
    for (uint64_t crash_at = 1; crash_at <= records; crash_at++) {
        open_shop(group_turns_max);
        uint64_t before = world_head(&world);
        static struct world_ask asks[ORDERS], odd;
        struct shop_place place;
        dure_schema_init(shop_order.create->schema, &place);
        place.product_id = place.user_id = 1;
        place.quantity = 2;
        for (int i = 0; world_head(&world) < before + crash_at && i < 100; i++) {
            /* The product is one turn more: groups end between other steps than without it. */
            if (i == 0) world_ask(&world, &odd, shop_inventory.create, DURE_NEW, NULL);
            if (i < ORDERS) world_ask(&world, &asks[i], shop_order.create, DURE_NEW, &place);
            world_round(&world);
        }
        world_crash(&world);
        check_deferred();
        world_run(&world);
        if (world_head(&world) - before > records) records = world_head(&world) - before;
        for (int64_t id = 1; id <= world.rt->counters[shop_order.type->index].max_id; id++) {
            const struct shop_order *order = world_state(&world, &shop_order, id);
            assert_int_equal(order->status, SHOP_ORDER_COMPLETED);
            const struct shop_delivery *there =
                world_state(&world, &shop_delivery, order->delivery_id);
            assert_int_equal(there->order_id, id);
        }
        teardown(NULL);
    }
}

static void test_deferred(void **state)
{
    (void)state;
    for (uint32_t turns = 1; turns <= 3; turns++) crash_everywhere(turns);
    assert_true(deferred_new > 0);
}

/* A key is bound before its aggregate exists, and stays bound when the creation is refused: nobody
 * else gets that id after a crash. */
static void test_bound(void **state)
{
    (void)state;
    open_shop(1);
    struct world_ask ask = {0};
    struct shop_pay pay;
    dure_schema_init(shop_pay.create->schema, &pay);
    pay.user_id = 7;
    pay.pay_amount = SHOP_AMOUNT_MAX + 1;
    assert_int_equal(world_ask_try(&world, &ask, shop_pay.create, 7, &pay, true), 0);
    world_run(&world);
    assert_int_equal(ask.status, 409);
    world_crash(&world);
    int64_t other = do_json(&shop_pay, 8, "{\"userId\":8,\"payAmount\":5}", 200);
    int64_t seventh = do_json(&shop_pay, 7, "{\"userId\":7,\"payAmount\":5}", 200);
    assert_int_not_equal(other, seventh);
    assert_int_equal(((const struct shop_pay *)world_state(&world, &shop_pay, other))->user_id, 8);
}

/* ---- Of other nodes ------------------------------------------------------------------------- */

static struct dure_ids_peer ids;

static void hear(uint32_t code, int64_t next, size_t len)
{
    const struct dure_ids_entry entries[2] = {{.type_code = code, .next = next}};
    ids.user.frame(ids.user.arg, 1, DURE_PEER_IDS, entries, len);
}

static void wire_nothing(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len)
{
    (void)wire, (void)node, (void)bytes, (void)len;
}

static int frame_nothing(struct dure_transport *transport, uint16_t shard, const void *frame,
                         size_t len)
{
    (void)transport, (void)shard, (void)frame, (void)len;
    return 0;
}

/* Higher than the other node's, of a shard of ours; and what makes no sense changes nothing. */
static void test_heard(void **state)
{
    (void)state;
    struct dure_type *type = shop_order.type;
    const size_t whole = sizeof(struct dure_ids_entry);
    struct dure_wire wire = {.send = wire_nothing};
    struct dure_peers *peers;
    world = (struct world){0};
    world_make_linked(&world, 4, 0, 2, frame_nothing);
    const struct dure_peer_options options = {
        .node = 0, .nodes = 2, .io = &world_io, .wire = &wire};
    assert_int_equal(dure_peer_open(&peers, &options), 0);
    dure_ids_peer_init(&ids, peers);
    hear(type->code, 500, whole); /* Too early: there is no runtime yet. */
    ids.rt = world.rt;
    assert_int_equal(dure_shard_new_id(world.rt, type), 2);
    hear(type->code, 1001, whole);
    assert_int_equal(dure_shard_next_id(world.rt, type), 3); /* What is here has not grown. */
    assert_int_equal(dure_shard_new_id(world.rt, type), 1002);
    hear(type->code, 900, whole);
    assert_int_equal(dure_shard_new_id(world.rt, type), 1004);
    hear(type->code, 2000, whole - 1);
    hear(12345, 2000, whole);
    hear(shop_order_saga.type->code, 2000, whole);
    hear(type->code, INT64_MAX, 2 * whole);
    hear(type->code, -5, whole);
    assert_int_equal(dure_shard_new_id(world.rt, type), 1006);
    assert_int_equal(dure_shard_new_id(world.rt, shop_inventory.type), 2);
    dure_peer_close(peers);
}

static const struct dure_system *const systems[] = {&shop_system, NULL};

int main(void)
{
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deferred),
        cmocka_unit_test_teardown(test_bound, teardown),
        cmocka_unit_test_teardown(test_heard, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
