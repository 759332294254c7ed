/*
 * A row is read back as the actor that was written: every kind of field, absent and at its extremes.
 * Any damaged bit is refused. Rows of an older schema are read by a newer one, and the other way round.
 */
#include <math.h>

#include "tests/unit/world.h"

struct thing {
    int64_t count, stock, when;
    double ratio;
    int8_t open;
    uint8_t colour;
    char text[40];
    int64_t hidden;
};

static const char *const colours[] = {NULL, "red", "파랑", NULL};
static const struct dure_field fields[] = {
    DURE_FIELD(struct thing, count, "count", DURE_INT, .flags = 0),
    DURE_FIELD(struct thing, stock, "stock", DURE_INT, .has_start = true, .start = 7),
    DURE_FIELD(struct thing, when, "when", DURE_DATE, .flags = 0),
    DURE_FIELD(struct thing, ratio, "ratio", DURE_REAL, .flags = 0),
    DURE_FIELD(struct thing, open, "open", DURE_BOOL, .flags = 0),
    DURE_FIELD(struct thing, colour, "colour", DURE_ENUM, .texts = colours),
    DURE_FIELD(struct thing, text, "text", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct thing, hidden, "hidden", DURE_INT, .flags = DURE_HIDDEN),
};
static const struct dure_schema schema = DURE_SCHEMA("Thing", struct thing, fields);
static const struct dure_type type = {.kind = DURE_KIND_AGGREGATE, .name = "test.thing", .code = 9,
                                      .schema = &schema, .state_size = sizeof(struct thing)};

/* Older: half of the fields, in another order. Newer: a field more, another one gone. */
struct older { char text[40]; int64_t stock; uint8_t colour; };
static const struct dure_field older_fields[] = {
    DURE_FIELD(struct older, text, "text", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct older, stock, "stock", DURE_INT, .flags = 0),
    DURE_FIELD(struct older, colour, "colour", DURE_ENUM, .texts = colours),
};
static const struct dure_schema older_schema = DURE_SCHEMA("Thing", struct older, older_fields);
static const struct dure_type older_type = {
    .kind = DURE_KIND_AGGREGATE, .name = "test.thing", .code = 9, .schema = &older_schema,
    .state_size = sizeof(struct older)};

struct saga_data { int64_t amount; char note[16]; };
static const struct dure_field saga_fields[] = {
    DURE_FIELD(struct saga_data, amount, "amount", DURE_INT, .flags = 0),
    DURE_FIELD(struct saga_data, note, "note", DURE_TEXT, .flags = 0),
};
static const struct dure_schema saga_schema = DURE_SCHEMA("Data", struct saga_data, saga_fields);
static struct dure_saga saga = {.system = "test", .name = "saga", .data = &saga_schema,
                                .steps_count = 3};
#define SAGA_HEAD ((sizeof(struct dure_saga_state) + 15u) & ~15u)
static const struct dure_type saga_type = {
    .kind = DURE_KIND_SAGA, .name = "test.saga", .code = 10, .schema = &saga_schema, .saga = &saga,
    .state_size = SAGA_HEAD + sizeof(struct saga_data)};

static int64_t any_number(void)
{
    static const int64_t ends[] = {0, 1, -1, 127, 128, -128, 255, 256, INT32_MAX, INT64_MAX,
                                   INT64_MIN + 1, DURE_NULL};
    if (world_random(2) == 0) return ends[world_random(sizeof ends / sizeof ends[0])];
    return (int64_t)(world_random(1u << 31) << world_random(33)) - (int64_t)world_random(1000);
}

static void any_thing(struct thing *thing)
{
    static const double reals[] = {0, -0.0, 1.5, -1e300, 5e-324, 1e300, NAN};
    static const int64_t dates[] = {0, -1, 1700000000000, DURE_NULL, 253402300799999,
                                    -62135596800000};
    dure_schema_init(&schema, thing);
    thing->count = any_number();
    thing->stock = any_number();
    thing->hidden = any_number();
    thing->when = dates[world_random(6)];
    thing->ratio = reals[world_random(7)];
    thing->open = (int8_t)((int)world_random(3) - 1);
    thing->colour = (uint8_t)world_random(3);
    size_t len = world_random(sizeof thing->text);
    memset(thing->text, 'a' + (int)world_random(26), len);
    if (world_random(3) == 0) {
        memset(thing->text, 0, sizeof thing->text);
        memcpy(thing->text, "애플워치", sizeof "애플워치");
    }
}

static void any_head(struct dure_actor_head *head)
{
    *head = (struct dure_actor_head){
        .lsn = 1 + world_random(1u << 31), .version = 1 + world_random(1u << 31),
        .event_lsn = world_random(3) ? world_random(1u << 31) : 0,
        .event_at = (uint32_t)world_random(1u << 31), .exists = 1,
        .due_ms = world_random(2) ? DURE_NULL : (int64_t)world_random(1u << 31)};
}

/* In memory of just the row's size, so that reading beyond it is noticed. */
static int unpack(const struct dure_type *as, struct dure_actor_head *head, void *state,
                  const void *bytes, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    memcpy(exact, bytes, len);
    int rv = dure_row_unpack(as, head, state, exact, len);
    free(exact);
    return rv;
}

static void assert_same_head(const struct dure_actor_head *a, const struct dure_actor_head *b)
{
    assert_int_equal(a->lsn, b->lsn);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->event_lsn, b->event_lsn);
    assert_int_equal(a->event_at, b->event_at);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->exists, b->exists);
}

/* NaN, absent, has many bits: init's are what counts. */
static void assert_same_thing(const struct thing *a, const struct thing *b)
{
    for (size_t i = 0; i < schema.fields_count; i++) {
        bool null = dure_field_is_null(&fields[i], a);
        assert_int_equal(null, dure_field_is_null(&fields[i], b));
        if (!null) assert_memory_equal((const char *)a + fields[i].offset,
                                       (const char *)b + fields[i].offset, fields[i].size);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct dure_buf row = {0};
    for (int round = 0; round < 5000; round++) {
        struct thing thing, back;
        struct dure_actor_head head, head_back;
        any_thing(&thing);
        any_head(&head);
        row.len = 0;
        dure_buf_lit(&row, "before"); /* It is appended. */
        dure_row_pack(&type, &head, &thing, &row);
        memset(&back, 0x5a, sizeof back);
        assert_int_equal(unpack(&type, &head_back, &back, row.data + 6, row.len - 6), 0);
        assert_same_thing(&back, &thing);
        assert_same_head(&head_back, &head);
        struct dure_buf again = {0};
        dure_row_pack(&type, &head_back, &back, &again); /* verify compares rows by their bytes. */
        assert_int_equal(again.len, row.len - 6);
        assert_memory_equal(again.data, row.data + 6, again.len);
        dure_buf_fini(&again);
    }
    dure_buf_fini(&row);
}

static void make_saga(void *state)
{
    dure_row_init_state(&saga_type, state);
    struct dure_saga_state *head = state;
    struct saga_data *data = DURE_SAGA_DATA(state);
    head->phase = DURE_SAGA_UNDOING;
    head->step = 2;
    head->parked = 1;
    head->refused_step = 1;
    head->answered[0] = 5;
    head->answered[2] = INT64_MAX;
    head->started_ms = 100;
    head->since_ms = 200;
    snprintf(head->reason, sizeof head->reason, "재고부족");
    data->amount = -3;
    snprintf(data->note, sizeof data->note, "note");
}

static void test_saga(void **state)
{
    (void)state;
    _Alignas(16) char live[2048], back[2048];
    assert_true(saga_type.state_size <= sizeof live);
    make_saga(live);
    for (int round = 0; round < 4; round++) {
        struct dure_saga_state *head = (struct dure_saga_state *)(void *)live;
        if (round == 1) memset(head->reason, 'r', sizeof head->reason - 1);
        if (round == 2) head->trace = (struct dure_trace){{1}, {2}, DURE_TRACE_SAMPLED};
        if (round == 3) memset(&head->trace, 0xff, sizeof head->trace);
        struct dure_buf row = {0};
        struct dure_actor_head row_head, row_back;
        any_head(&row_head);
        dure_row_pack(&saga_type, &row_head, live, &row);
        memset(back, 0x5a, sizeof back);
        assert_int_equal(unpack(&saga_type, &row_back, back, row.data, row.len), 0);
        assert_memory_equal(back, live, saga_type.state_size);
        assert_same_head(&row_back, &row_head);
        dure_buf_fini(&row);
    }
}

/* Every bit of every byte, and every length: refused, never read beyond. */
static void test_damage(void **state)
{
    (void)state;
    _Alignas(16) char live[2048], back[2048];
    struct dure_actor_head head;
    for (int of_saga = 0; of_saga < 2; of_saga++) {
        const struct dure_type *as = of_saga ? &saga_type : &type;
        if (of_saga) make_saga(live);
        else any_thing((struct thing *)(void *)live);
        any_head(&head);
        struct dure_buf row = {0};
        dure_row_pack(as, &head, live, &row);
        for (size_t bit = 0; bit < row.len * 8; bit++) {
            char mask = (char)(1 << bit % 8);
            row.data[bit / 8] = (char)(row.data[bit / 8] ^ mask);
            assert_int_equal(unpack(as, &head, back, row.data, row.len), DURE_ECORRUPT);
            row.data[bit / 8] = (char)(row.data[bit / 8] ^ mask);
        }
        for (size_t len = 0; len < row.len; len++) {
            assert_int_equal(unpack(as, &head, back, row.data, len), DURE_ECORRUPT);
        }
        row.data[1] = '2'; /* A newer letter, and sound. */
        row.len -= sizeof(uint32_t);
        uint32_t crc = dure_crc32c(0, row.data, row.len);
        dure_buf_add(&row, &crc, sizeof crc);
        assert_int_equal(unpack(as, &head, back, row.data, row.len), DURE_EFORMAT);
        dure_buf_fini(&row);
    }
}

/* The packed state alone has no checksum of its own: whatever its bytes, it is read or refused. */
static void test_any_bytes(void **state)
{
    (void)state;
    _Alignas(16) char live[2048], back[2048];
    make_saga(live);
    struct dure_buf packed = {0};
    dure_row_pack_state(&saga_type, live, &packed);
    for (int round = 0; round < 20000; round++) {
        size_t len = world_random(3) ? packed.len : world_random(packed.len + 1);
        char *bytes = malloc(len > 0 ? len : 1);
        memcpy(bytes, packed.data, len);
        for (uint64_t n = world_random(4); n > 0 && len > 0; n--) {
            bytes[world_random(len)] = (char)world_random(256);
        }
        int rv = dure_row_unpack_state(&saga_type, back, bytes, len);
        assert_true(rv == 0 || rv == DURE_ECORRUPT);
        if (rv == 0) {
            const struct dure_saga_state *head = (const void *)back;
            assert_true(strnlen(head->reason, sizeof head->reason) < sizeof head->reason);
        }
        free(bytes);
    }
    dure_buf_fini(&packed);
}

/* Fields that came since are as in a fresh state, their start value included; those that went are
 * passed over; the order does not matter. */
static void test_other_schema(void **state)
{
    (void)state;
    struct dure_buf row = {0};
    struct dure_actor_head head, back;
    struct older old;
    struct thing thing, fresh;
    dure_schema_init(&older_schema, &old);
    snprintf(old.text, sizeof old.text, "TV");
    old.colour = 2;
    any_head(&head);
    dure_row_pack(&older_type, &head, &old, &row);
    assert_int_equal(unpack(&type, &back, &thing, row.data, row.len), 0);
    assert_same_head(&back, &head);
    dure_schema_init(&schema, &fresh);
    snprintf(fresh.text, sizeof fresh.text, "TV");
    fresh.colour = 2;
    assert_same_thing(&thing, &fresh);
    assert_int_equal(thing.stock, 7);

    for (int round = 0; round < 500; round++) {
        any_thing(&thing);
        row.len = 0;
        dure_row_pack(&type, &head, &thing, &row);
        assert_int_equal(unpack(&older_type, &back, &old, row.data, row.len), 0);
        assert_string_equal(old.text, thing.text);
        assert_int_equal(old.stock, thing.stock);
        assert_int_equal(old.colour, thing.colour);
    }
    dure_buf_fini(&row);
}

int main(void)
{
    world_seed(20261121);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_saga),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_other_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
