/*
 * A table that contradicts itself is refused at start, and the message names what is wrong; look-ups
 * find what was registered and nothing else.
 *
 * The registry is made once per process, so each table has a process of its own: it changes one thing
 * of a sound one.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/world.h"

/* ---- A sound system: a box with a key, a saga over it, a policy and a view ------------------------- */

struct box { int64_t id, owner; char name[32]; uint8_t colour; double weight; };
struct put { int64_t owner; };

static const char *texts[] = {NULL, "red", "blue", NULL};
static struct dure_field box_fields[] = {
    DURE_FIELD(struct box, id, "id", DURE_INT, .flags = DURE_ID),
    DURE_FIELD(struct box, owner, "owner", DURE_INT, .flags = DURE_INDEXED),
    DURE_FIELD(struct box, name, "name", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct box, colour, "colour", DURE_ENUM, .texts = texts),
    DURE_FIELD(struct box, weight, "weight", DURE_REAL, .flags = 0),
};
static struct dure_schema box_schema = DURE_SCHEMA("Box", struct box, box_fields);
static struct dure_field put_fields[] = {
    DURE_FIELD(struct put, owner, "owner", DURE_INT, .flags = 0),
};
static struct dure_schema put_schema = DURE_SCHEMA("Put", struct put, put_fields);

static int handle(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    (void)out;
    return 0;
}

static void apply(void *state, const struct dure_event *event)
{
    (void)state;
    (void)event;
}

static int64_t target(const struct dure_event *event)
{
    return event->id;
}

static struct dure_aggregate box, view, other;
static struct dure_command put = {.name = "put", .aggregate = &box, .schema = &put_schema,
                                  .flags = DURE_CREATES, .handle = handle};
static struct dure_command take = {.name = "take", .aggregate = &box, .handle = handle};
static struct dure_command stranger = {.name = "stranger", .aggregate = &box, .handle = handle};
static struct dure_command of_other = {.name = "of-other", .aggregate = &other, .handle = handle};
static const struct dure_command *box_commands[] = {&put, &take, NULL};
static const struct dure_command *other_commands[] = {&of_other, NULL};
static struct dure_event_type was_put = {.name = "WasPut", .schema = &put_schema, .apply = apply};
static struct dure_event_type was_taken = {.name = "WasTaken", .apply = apply};
static struct dure_event_type nobodys = {.name = "Nobodys", .apply = apply};
static struct dure_event_type *box_events[] = {&was_put, &was_taken, NULL};
static struct dure_transition transitions[] = {{"colour", 1, &take}, {0}};
static struct dure_aggregate box = {
    .system = "test", .name = "box", .collection = "boxes", .schema = &box_schema,
    .commands = box_commands, .events = box_events, .create = &put, .remove = &take,
    .transitions = transitions, .key = "owner"};
static struct dure_aggregate view = {
    .system = "test", .name = "view", .collection = "views", .schema = &box_schema};
static struct dure_aggregate other = {
    .system = "test", .name = "other", .collection = "others", .schema = &box_schema,
    .commands = other_commands};
static struct dure_aggregate *aggregates[DURE_TYPES_MAX + 2] = {&box, &view, &other};

static struct dure_saga_step steps[DURE_SAGA_STEPS_MAX + 1] = {
    {.name = "one", .command = &take, .by_key = true, .undo = &put}};
static struct dure_saga saga = {.system = "test", .name = "saga", .data = &put_schema,
                                .steps = steps, .steps_count = 1, .refuse = &take};
static struct dure_saga *sagas[] = {&saga, NULL};
static struct dure_policy policy = {.name = "whenever", .event = &was_put, .command = &take,
                                    .by_key = true, .target = target};
static const struct dure_policy *policies[DURE_RULES_MAX + 2] = {&policy};
static struct dure_projection projection = {.event = &was_taken, .view = &view, .target = target,
                                            .apply = apply};
static const struct dure_projection *projections[DURE_RULES_MAX + 2] = {&projection};
static struct dure_system test_system = {.name = "test", .aggregates = aggregates, .sagas = sagas,
                                         .policies = policies, .projections = projections};
static const struct dure_system *const systems[] = {&test_system, NULL};

/* ---- Things to change --------------------------------------------------------------------------------- */

static void nothing(void) {}
static void same_type(void) { other.name = "box"; }
static void like_a_directory(void) { other.name = "box#key"; }
static void saga_like_an_aggregate(void) { saga.name = "other"; }
static void long_name(void)
{
    other.name = "a-name-that-is-much-too-long-for-anybody-to-read-or-to-say-it-twice";
}
static void same_command(void) { take.name = "put"; }
static void same_event(void) { was_taken.name = "WasPut"; }
static void event_edited(void) { was_taken.name = "Edited"; }
static void event_removed(void) { was_taken.name = "Removed"; }
static void same_field(void) { box_fields[2].name = "owner"; }
static void field_outside(void) { box_fields[4].offset = 4096; }
static void member_size(void) { box_fields[3].kind = DURE_INT; box_fields[3].texts = NULL; }
static void no_texts(void) { box_fields[3].texts = NULL; }
static void real_index(void) { box_fields[4].flags = DURE_INDEXED; }
static void payload_field(void) { put_fields[0].name = ""; }
static void large_state(void) { box_schema.size = 9 * 1024; }
static void large_payload(void) { put_schema.size = 9 * 1024; }
static void foreign_command(void) { take.aggregate = &other; }
static void no_handler(void) { take.handle = NULL; }
static void unlisted_create(void) { box.create = &stranger; stranger.flags = DURE_CREATES; }
static void unlisted_remove(void) { box.remove = &stranger; }
static void unlisted_wake(void) { box.wake = &stranger; }
static void unlisted_transition(void) { transitions[0].command = &stranger; }
static void unlisted_step(void) { steps[0].command = &stranger; }
static void unlisted_undo(void) { steps[0].undo = &stranger; }
static void unlisted_refuse(void) { saga.refuse = &stranger; }
static void unlisted_policy(void) { policy.command = &stranger; }
static void create_flag(void) { put.flags = 0; }
static void key_of_nothing(void) { box.key = "height"; }
static void key_of_text(void) { box.key = "name"; }
static void key_is_id(void)
{
    box.key = put_fields[0].name = "id";
    box.key_is_id = true;
    put_fields[0].min = 1;
    put_fields[0].max = 1000;
}
static void key_is_no_id(void) { key_is_id(); box.key = put_fields[0].name = "owner"; }
static void key_from_0(void) { key_is_id(); put_fields[0].min = 0; }
static void key_is_id_unkeyed(void) { key_is_id(); box.unkeyed = &take; }
static void round_of_keys(void)
{
    static struct dure_round round = {.system = "test", .name = "round", .event = &was_put,
                                      .command = &put};
    static struct dure_round *rounds[] = {&round, NULL};
    key_is_id();
    test_system.rounds = rounds;
}
static void put_beside(const char *what)
{
    of_other.flags = DURE_CREATES;
    of_other.schema = &box_schema;
    other.create = &of_other;
    other.beside = what;
}
static void beside_an_owner(void) { put_beside("owner"); }
static void beside_nothing(void) { put_beside("height"); }
static void beside_a_text(void) { put_beside("name"); }
static void beside_unmade(void) { other.beside = "owner"; }
static void beside_with_a_key(void) { box.beside = "owner"; }
static void step_without_key(void) { steps[0].command = &of_other; steps[0].undo = NULL; }
static void policy_without_key(void) { policy.command = &of_other; }
static void undo_elsewhere(void) { steps[0].undo = &of_other; }
static void no_steps(void) { saga.steps_count = 0; }
static void many_steps(void)
{
    for (size_t i = 1; i <= DURE_SAGA_STEPS_MAX; i++) steps[i] = steps[0];
    saga.steps_count = DURE_SAGA_STEPS_MAX + 1;
}
static void nobodys_policy(void) { policy.event = &nobodys; }
static void nobodys_projection(void) { projection.event = &nobodys; }
static void into_no_view(void) { projection.view = &box; }
static void many_policies(void)
{
    for (size_t i = 0; i <= DURE_RULES_MAX; i++) policies[i] = &policy;
}
static void many_projections(void)
{
    for (size_t i = 0; i <= DURE_RULES_MAX; i++) projections[i] = &projection;
}
static void many_types(void)
{
    static struct dure_aggregate more[DURE_TYPES_MAX];
    static char names[DURE_TYPES_MAX][16];
    for (size_t i = 3; i <= DURE_TYPES_MAX; i++) {
        snprintf(names[i - 3], sizeof names[0], "more%zu", i);
        more[i - 3] = view;
        more[i - 3].name = names[i - 3];
        aggregates[i] = &more[i - 3];
    }
}
static void just_enough(void)
{
    many_types();
    aggregates[DURE_TYPES_MAX - 2] = NULL; /* The saga and the directory are types too. */
    for (size_t i = 1; i < DURE_SAGA_STEPS_MAX; i++) steps[i] = steps[0];
    saga.steps_count = DURE_SAGA_STEPS_MAX;
    for (size_t i = 0; i < DURE_RULES_MAX; i++) policies[i] = &policy;
    for (size_t i = 0; i < DURE_RULES_MAX; i++) projections[i] = &projection;
}

static const struct change {
    void (*make)(void);
    const char *says; /* NULL: sound. */
} changes[] = {
    {nothing, NULL},
    {just_enough, NULL},
    {same_type, "test.box: its code is taken"},
    {like_a_directory, "test.box#key: its code is taken"},
    {saga_like_an_aggregate, "test.other: its code is taken"},
    {long_name, "its name is too long"},
    {same_command, "command put: its code is taken"},
    {same_event, "event WasPut: its code is taken"},
    {event_edited, "event Edited: its code is taken"},
    {event_removed, "event Removed: its code is taken"},
    {same_field, "type test.box: two fields have one name"},
    {field_outside, "type test.box: a field lies outside its struct"},
    {member_size, "type test.box: a member has another size than its kind"},
    {no_texts, "type test.box: texts belong to ENUM fields"},
    {real_index, "type test.box: a REAL field cannot be indexed"},
    {payload_field, "command put: a field has no name"},
    {large_state, "type test.box: the state is too large"},
    {large_payload, "command put: is too large"},
    {foreign_command, "command take: is listed by another aggregate"},
    {no_handler, "command take: has no handler"},
    {unlisted_create, "command stranger: is not listed by its aggregate"},
    {unlisted_remove, "command stranger: is not listed by its aggregate"},
    {unlisted_wake, "command stranger: is not listed by its aggregate"},
    {unlisted_transition, "command stranger: is not listed by its aggregate"},
    {unlisted_step, "command stranger: is not listed by its aggregate"},
    {unlisted_undo, "command stranger: is not listed by its aggregate"},
    {unlisted_refuse, "command stranger: is not listed by its aggregate"},
    {unlisted_policy, "command stranger: is not listed by its aggregate"},
    {create_flag, "command put: creates, so it needs DURE_CREATES"},
    {key_of_nothing, "aggregate box: its key must be an INT"},
    {key_of_text, "aggregate box: its key must be an INT"},
    {key_is_id, NULL},
    {key_is_no_id, "aggregate box: a key that is the id is its ID field"},
    {key_from_0, "aggregate box: a key that is the id is its ID field, from 1 on"},
    {key_is_id_unkeyed, "aggregate box: a key that is the id is its ID field"},
    {round_of_keys, "round round: walks ids that were given"},
    {beside_an_owner, NULL},
    {beside_unmade, "aggregate other: beside must be an INT"},
    {beside_nothing, "aggregate other: beside must be an INT"},
    {beside_a_text, "aggregate other: beside must be an INT"},
    {beside_with_a_key, "aggregate box: beside must be an INT"},
    {step_without_key, "saga saga: a step by key needs an aggregate with a key"},
    {policy_without_key, "policy whenever: by key needs an aggregate with a key"},
    {undo_elsewhere, "saga saga: a step is undone where it was done"},
    {no_steps, "saga saga: needs 1 to"},
    {many_steps, "saga saga: needs 1 to"},
    {nobodys_policy, "event Nobodys: has rules, but no aggregate lists it"},
    {nobodys_projection, "event Nobodys: has rules, but no aggregate lists it"},
    {into_no_view, "event WasTaken: is projected into what is no view"},
    {many_policies, "policy whenever: is one too many of its event"},
    {many_projections, "event WasTaken: has too many projections"},
    {many_types, "there are too many types"},
};

/* In a process of its own: what init returned, and what it printed. */
static int try(void (*make)(void), char *said, size_t size)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        make();
        _exit(dure_registry_init(systems) == 0 ? 0 : 1);
    }
    close(pipes[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(pipes[0], said + len, size - 1 - len)) > 0) len += (size_t)got;
    said[len] = '\0';
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_changes(void **state)
{
    (void)state;
    char said[16384];
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *says = changes[i].says;
        int status = try(changes[i].make, said, sizeof said);
        if (says == NULL && (status != 0 || said[0] != '\0')) fail_msg("sound, but: %s", said);
        if (says == NULL) continue;
        if (status != 1 || strstr(said, says) == NULL) {
            fail_msg("it should say \"%s\", not (%d) \"%s\"", says, status, said);
        }
    }
}

/* By code and by index: each type, event and command; of the wrong type or unknown: none. */
static void test_look_ups(void **state)
{
    (void)state;
    assert_ptr_equal(dure_registry_systems(), systems);
    assert_int_equal(dure_registry_count(), 5);
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        assert_int_equal(type->index, i);
        assert_int_equal(type->code, dure_registry_code(type->name));
        assert_ptr_equal(dure_registry_type_by_code(type->code), type);
        assert_null(dure_registry_event(type, dure_registry_code("Nobodys")));
        assert_null(dure_registry_command(type, dure_registry_code("nobodys")));
        assert_ptr_equal(dure_registry_event(type, type->edited.code), &type->edited);
        assert_ptr_equal(dure_registry_event(type, type->removed.code), &type->removed);
    }
    assert_null(dure_registry_type_by_code(dure_registry_code("test.nobody")));
    assert_null(dure_registry_type_by_code(0));
    assert_int_equal(box.type->kind, DURE_KIND_AGGREGATE);
    assert_int_equal(box.type->directory->kind, DURE_KIND_DIRECTORY);
    assert_int_equal(view.type->kind, DURE_KIND_VIEW);
    assert_int_equal(saga.type->kind, DURE_KIND_SAGA);
    assert_ptr_equal(dure_registry_event(box.type, was_put.code), &was_put);
    assert_null(dure_registry_event(other.type, was_put.code));
    assert_null(dure_registry_event(box.type->directory, was_put.code));
    assert_ptr_equal(dure_registry_command(box.type, dure_registry_code("take")), &take);
    assert_null(dure_registry_command(other.type, dure_registry_code("take")));
    assert_null(dure_registry_command(saga.type, dure_registry_code("take")));
    assert_int_equal(was_put.rules->policies_count, 1);
    assert_int_equal(was_put.rules->projections_count, 0);
    assert_int_equal(was_taken.rules->projections_count, 1);
}

int main(void)
{
    const struct CMUnitTest changed[] = {cmocka_unit_test(test_changes)};
    const struct CMUnitTest sound[] = {cmocka_unit_test(test_look_ups)};
    int failed = cmocka_run_group_tests(changed, NULL, NULL);
    if (dure_registry_init(systems) != 0) return 1;
    return failed + cmocka_run_group_tests(sound, NULL, NULL);
}
