/*
 * PATCH changes what it names, PUT what it names and makes the rest absent; governed fields change only
 * by the command that a legal transition names, and a refusal changes nothing at all.
 */
#include "tests/unit/world.h"

struct door {
    int64_t id, width, opened, secret;
    char name[32], note[32];
    uint8_t status;
    int8_t locked;
};
enum { NONE, SHUT, OPEN, GONE, AJAR };

static const char *const statuses[] = {NULL, "shut", "open", "gone", "ajar", NULL};
#define DOOR(member, json, kind, ...) DURE_FIELD(struct door, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    DOOR(id, "id", DURE_INT, .flags = DURE_ID),
    DOOR(name, "name", DURE_TEXT, .flags = DURE_REQUIRED),
    DOOR(note, "note", DURE_TEXT, .flags = 0),
    DOOR(width, "width", DURE_INT, .has_start = true, .start = 90),
    DOOR(status, "status", DURE_ENUM, .flags = DURE_GOVERNED, .texts = statuses),
    DOOR(opened, "opened", DURE_INT, .flags = DURE_GOVERNED, .has_start = true),
    DOOR(locked, "locked", DURE_BOOL, .flags = 0),
    DOOR(secret, "secret", DURE_INT, .flags = DURE_HIDDEN),
};
static const struct dure_schema schema = DURE_SCHEMA("Door", struct door, fields);

struct how { int64_t times; };
static const struct dure_field how_fields[] = {
    DURE_FIELD(struct how, times, "times", DURE_INT, .has_start = true, .start = 1),
};
static const struct dure_schema how_schema = DURE_SCHEMA("How", struct how, how_fields);

static void apply_made(void *state, const struct dure_event *event)
{
    struct door *door = state;
    *door = *(const struct door *)event->data;
    door->id = event->id;
    door->status = SHUT;
    door->secret = 4711;
}

static void apply_opened(void *state, const struct dure_event *event)
{
    struct door *door = state;
    door->status = OPEN;
    door->opened += ((const struct how *)event->data)->times;
}

static void apply_shut(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct door *)state)->status = SHUT;
}

/* It sets a field that people edit, too. */
static void apply_left_ajar(void *state, const struct dure_event *event)
{
    struct door *door = state;
    door->status = AJAR;
    snprintf(door->note, sizeof door->note, "draughty");
    door->width = event->time_ms;
}

static struct dure_event_type made = {.name = "Made", .schema = &schema, .apply = apply_made};
static struct dure_event_type opened = {
    .name = "Opened", .schema = &how_schema, .apply = apply_opened};
static struct dure_event_type was_shut = {.name = "Shut", .apply = apply_shut};
static struct dure_event_type left_ajar = {.name = "LeftAjar", .apply = apply_left_ajar};
static struct dure_event_type *const events[] = {&made, &opened, &was_shut, &left_ajar, NULL};

static int on_make(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    memcpy(dure_emit(out, &made), in->data, sizeof(struct door));
    return 0;
}

/* It replies, and has a payload: a saga could ask it. By PATCH it comes with a fresh one. */
static int on_open(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct door *door = state;
    if (door->status == OPEN || door->locked == 1) {
        dure_refuse(out, 409, "it cannot be opened");
        return 0;
    }
    *(struct how *)dure_emit(out, &opened) = *(const struct how *)in->data;
    *(struct how *)dure_reply(out) = *(const struct how *)in->data;
    return 0;
}

static int on_shut(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    if (((const struct door *)state)->status == SHUT) dure_refuse(out, 409, "it is shut");
    else dure_emit(out, &was_shut);
    return 0;
}

static int on_leave(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    dure_emit(out, &left_ajar);
    return 0;
}

static struct dure_aggregate door;
static const struct dure_command make = {.name = "make", .aggregate = &door, .schema = &schema,
                                         .flags = DURE_CREATES, .handle = on_make};
static const struct dure_command open_it = {.name = "open", .aggregate = &door, .handle = on_open,
                                            .schema = &how_schema, .reply = &how_schema};
static const struct dure_command shut_it = {.name = "shut", .aggregate = &door, .handle = on_shut};
static const struct dure_command leave_it = {
    .name = "leave", .aggregate = &door, .handle = on_leave};
static const struct dure_command *const commands[] = {&make, &open_it, &shut_it, &leave_it, NULL};
static const struct dure_transition transitions[] = {
    {"status", OPEN, &open_it}, {"status", SHUT, &shut_it}, {"status", AJAR, &leave_it}, {0}};

static bool may_remove(const void *state)
{
    return ((const struct door *)state)->status == SHUT;
}

static struct dure_aggregate door = {
    .system = "test", .name = "door", .collection = "doors", .schema = &schema,
    .commands = commands, .events = events, .create = &make, .editable = true, .removable = true,
    .may_remove = may_remove, .transitions = transitions};
static struct dure_aggregate *const aggregates[] = {&door, NULL};
static const struct dure_system test_system = {.name = "test", .aggregates = aggregates};
static const struct dure_system *const systems[] = {&test_system, NULL};

/* ---- Asking ------------------------------------------------------------------------------------------ */

static struct world world;
static int64_t id;

static int setup(void **state)
{
    (void)state;
    struct door fresh;
    world_make(&world, 1);
    dure_schema_init(&schema, &fresh);
    snprintf(fresh.name, sizeof fresh.name, "front");
    snprintf(fresh.note, sizeof fresh.note, "oak");
    id = world_do(&world, &make, DURE_NEW, &fresh, 200);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static int edit(bool replace, const char *json)
{
    struct door wanted;
    struct dure_edit edit = {.state = &wanted, .replace = replace};
    struct dure_field_errors errors = {0};
    dure_schema_init(&schema, &wanted);
    assert_int_equal(dure_schema_read_json(&schema, &wanted, json, strlen(json), &edit.named,
                                           &errors), 0);
    return world_edit(&world, &door, id, &edit);
}

static int patch(const char *json) { return edit(false, json); }
static int put(const char *json) { return edit(true, json); }

/* The whole state as JSON, which leaves out what is hidden: that never changes. */
static void assert_is(const char *json)
{
    const struct door *state = world_state(&world, &door, id);
    struct dure_buf text = {0};
    assert_non_null(state);
    assert_int_equal(state->secret, 4711);
    dure_schema_write_json(&schema, state, &text);
    dure_buf_byte(&text, '\0');
    assert_string_equal(text.data, json);
    dure_buf_fini(&text);
}

static uint64_t version(void)
{
    return world_version(&world, &door, id);
}

#define IS(rest) "\"id\":1,\"name\":" rest
#define START IS("\"front\",\"note\":\"oak\",\"width\":90,\"status\":\"shut\",\"opened\":0,\"locked\":null")

/* ---- The tests ------------------------------------------------------------------------------------------ */

static void test_patch(void **state)
{
    (void)state;
    assert_is(START);
    assert_int_equal(patch("{\"note\":\"pine\"}"), 200);
    assert_is(IS("\"front\",\"note\":\"pine\",\"width\":90,\"status\":\"shut\",\"opened\":0,\"locked\":null"));
    assert_int_equal(patch("{\"note\":null,\"width\":null,\"locked\":true,\"id\":9}"), 200);
    assert_is(IS("\"front\",\"note\":null,\"width\":null,\"status\":\"shut\",\"opened\":0,\"locked\":true"));
    assert_int_equal(version(), 3);
    /* No change is no event. */
    assert_int_equal(patch("{}"), 200);
    assert_int_equal(patch("{\"name\":\"front\",\"secret\":5,\"unknown\":1}"), 200);
    assert_int_equal(version(), 3);
    world_crash(&world);
    assert_is(IS("\"front\",\"note\":null,\"width\":null,\"status\":\"shut\",\"opened\":0,\"locked\":true"));
    assert_int_equal(version(), 3);
}

/* What PUT does not name is as in a fresh one; governed fields stay. */
static void test_put(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"status\":\"open\",\"width\":7,\"locked\":false}"), 200);
    assert_int_equal(put("{\"name\":\"back\"}"), 200);
    assert_is(IS("\"back\",\"note\":null,\"width\":90,\"status\":\"open\",\"opened\":1,\"locked\":null"));
    /* What was read is put back: no change. */
    uint64_t before = version();
    assert_int_equal(put("{\"id\":1,\"name\":\"back\",\"note\":null,\"width\":90,\"status\":\"open\","
                         "\"opened\":1,\"locked\":null}"), 200);
    assert_int_equal(version(), before);
    assert_int_equal(put("{\"name\":\"back\",\"status\":\"shut\"}"), 200);
    assert_is(IS("\"back\",\"note\":null,\"width\":90,\"status\":\"shut\",\"opened\":1,\"locked\":null"));
}

static void test_required(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"name\":null,\"note\":\"x\"}"), 400);
    assert_int_equal(put("{\"note\":\"x\"}"), 400);
    assert_int_equal(put("{\"name\":\"\",\"note\":\"x\"}"), 400);
    assert_int_equal(patch("{\"name\":null,\"status\":\"open\"}"), 400);
    assert_is(START);
    assert_int_equal(version(), 1);
}

/* A governed field: a legal transition is its command, with its payload as it starts; anything else is
 * refused, also together with what would be fine alone. */
static void test_governed(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"opened\":5}"), 409);
    assert_int_equal(patch("{\"opened\":null}"), 409);
    assert_int_equal(patch("{\"status\":\"gone\"}"), 409);
    assert_int_equal(patch("{\"status\":null}"), 409);
    assert_int_equal(patch("{\"note\":\"x\",\"status\":\"gone\"}"), 409);
    assert_int_equal(patch("{\"status\":\"open\",\"opened\":5}"), 409);
    assert_int_equal(put("{\"name\":\"x\",\"status\":\"gone\"}"), 409);
    assert_is(START);
    assert_int_equal(version(), 1);
    assert_int_equal(patch("{\"opened\":0}"), 200); /* What it is already. */
    assert_int_equal(version(), 1);
    assert_int_equal(patch("{\"status\":\"open\"}"), 200);
    assert_is(IS("\"front\",\"note\":\"oak\",\"width\":90,\"status\":\"open\",\"opened\":1,\"locked\":null"));
    assert_int_equal(patch("{\"status\":\"open\"}"), 409); /* The second one, like the command. */
    world_do(&world, &open_it, id, NULL, 409);
    /* Both at once are one turn. */
    uint64_t before = version();
    assert_int_equal(patch("{\"status\":\"shut\",\"note\":\"ash\"}"), 200);
    assert_is(IS("\"front\",\"note\":\"ash\",\"width\":90,\"status\":\"shut\",\"opened\":1,\"locked\":null"));
    assert_int_equal(version(), before + 1);
}

/* The command says no: nothing of the edit happens either. */
static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"locked\":true}"), 200);
    uint64_t before = version();
    assert_int_equal(patch("{\"status\":\"open\",\"note\":\"broken\"}"), 409);
    assert_int_equal(put("{\"name\":\"other\",\"status\":\"open\"}"), 409);
    assert_is(IS("\"front\",\"note\":\"oak\",\"width\":90,\"status\":\"shut\",\"opened\":0,\"locked\":true"));
    assert_int_equal(version(), before);
    world_crash(&world);
    assert_is(IS("\"front\",\"note\":\"oak\",\"width\":90,\"status\":\"shut\",\"opened\":0,\"locked\":true"));
    /* What the edit itself would allow is not yet so when the command is asked. */
    assert_int_equal(patch("{\"locked\":false,\"status\":\"open\"}"), 409);
    assert_int_equal(patch("{\"locked\":false}"), 200);
    assert_int_equal(patch("{\"status\":\"open\"}"), 200);
}

/* What the command sets stays, unless the document changes it: by PUT, too, that leaves it out, or
 * brings back what it was. */
static void test_what_the_command_sets(void **state)
{
    (void)state;
    const struct { bool replace; const char *json, *name, *note; bool width_kept; } cases[] = {
        {false, "{\"status\":\"ajar\"}", "front", "draughty", true},
        {false, "{\"status\":\"ajar\",\"name\":\"back\"}", "back", "draughty", true},
        {false, "{\"status\":\"ajar\",\"note\":\"mine\"}", "front", "mine", true},
        {false, "{\"status\":\"ajar\",\"width\":null}", "front", "draughty", false},
        {true, "{\"status\":\"ajar\",\"name\":\"back\"}", "back", "draughty", true},
        {true, "{\"status\":\"ajar\",\"name\":\"front\",\"note\":\"oak\",\"width\":90}", "front",
         "draughty", true},
        {true, "{\"status\":\"ajar\",\"name\":\"front\",\"note\":\"mine\"}", "front", "mine", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct door fresh;
        dure_schema_init(&schema, &fresh);
        snprintf(fresh.name, sizeof fresh.name, "front");
        snprintf(fresh.note, sizeof fresh.note, "oak");
        id = world_do(&world, &make, DURE_NEW, &fresh, 200);
        assert_int_equal(edit(cases[i].replace, cases[i].json), 200);
        for (int crashed = 0; crashed < 2; crashed++) {
            const struct door *is = world_state(&world, &door, id);
            assert_int_equal(is->status, AJAR);
            assert_string_equal(is->name, cases[i].name);
            assert_string_equal(is->note, cases[i].note);
            assert_int_equal(is->width, cases[i].width_kept ? world_now_ms : DURE_NULL);
            assert_int_equal(version(), 2); /* One turn, even where it is two events. */
            world_crash(&world);
        }
    }
}

static void test_remove(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"status\":\"open\"}"), 200);
    world_remove(&world, &door, id, 409);
    assert_int_equal(patch("{\"status\":\"shut\"}"), 200);
    world_remove(&world, &door, id, 200);
    world_remove(&world, &door, id, 404);
    assert_int_equal(patch("{\"note\":\"x\"}"), 404);
    assert_int_equal(put("{\"name\":\"x\"}"), 404); /* Never creates. */
    assert_null(world_state(&world, &door, id));
    id = 77;
    assert_int_equal(put("{\"name\":\"x\"}"), 404);
    assert_null(world_state(&world, &door, 77));
}

int main(void)
{
    world_seed(20261121);
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put, setup, teardown),
        cmocka_unit_test_setup_teardown(test_required, setup, teardown),
        cmocka_unit_test_setup_teardown(test_governed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_command_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
