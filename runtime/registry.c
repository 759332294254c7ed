/*
 * The registry: all types, made once from the systems' tables, and checked.
 *
 *   1. each aggregate gets a type (VIEW when a projection feeds it), and with a natural key a
 *      directory besides; each saga gets one
 *   2. codes (hashes of names, for disk) are given and must not collide
 *   3. policies and projections are hung on their events
 *
 * A table that contradicts itself is printed and refused: DURE_EINVAL. Before any thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "runtime/core.h"

#define STATE_BYTES_MAX (8 * 1024)

static struct dure_type types[DURE_TYPES_MAX];
static size_t types_count;
/* By code, with room: a look-up is a step or two. */
static struct dure_type *by_code[4 * DURE_TYPES_MAX];
/* Commands by their type's code and their own: every message that comes is found by it. */
#define COMMANDS_MAX 4096
static struct { uint32_t type, code; const struct dure_command *command; } by_name[COMMANDS_MAX];
static size_t commands_count;
static const struct dure_look *looks[DURE_LOOKS_MAX];
static size_t looks_count;
static const struct dure_system *const *all_systems;
static bool broken;

static void complain(const char *what, const char *name, const char *detail)
{
    fprintf(stderr, "dure: %s %s: %s\n", what, name, detail);
    broken = true;
}

uint32_t dure_registry_code(const char *name)
{
    return (uint32_t)XXH64(name, strlen(name), 0);
}

static const struct dure_field directory_fields[] = {
    DURE_FIELD(struct dure_directory_state, key, "key", DURE_INT, .flags = 0),
    DURE_FIELD(struct dure_directory_state, target, "target", DURE_INT, .flags = 0),
};
static const struct dure_schema directory_schema =
    DURE_SCHEMA("Directory", struct dure_directory_state, directory_fields);

static void apply_bound(void *state, const struct dure_event *event)
{
    *(struct dure_directory_state *)state = *(const struct dure_directory_state *)event->data;
}

struct dure_event_type dure_key_bound = {
    .name = "KeyBound", .schema = &directory_schema, .internal = true, .apply = apply_bound};

static struct dure_event_type *const directory_events[] = {&dure_key_bound, NULL};

static void apply_edited(void *state, const struct dure_event *event)
{
    const struct dure_schema *schema = event->type->schema;
    for (size_t i = 0; i < schema->fields_count; i++) {
        const struct dure_field *field = &schema->fields[i];
        if (field->flags & (DURE_ID | DURE_GOVERNED | DURE_HIDDEN)) continue;
        dure_field_copy(field, state, event->data);
    }
}

/* The place of the code, or the empty one where it belongs. */
static struct dure_type **place_of(uint32_t code)
{
    size_t at = code % (4 * DURE_TYPES_MAX);
    while (by_code[at] != NULL && by_code[at]->code != code) at = (at + 1) % (4 * DURE_TYPES_MAX);
    return &by_code[at];
}

static struct dure_type *add_type(enum dure_type_kind kind, const char *system, const char *name,
                                  const char *suffix, const struct dure_schema *schema)
{
    if (types_count == DURE_TYPES_MAX) {
        complain("type", name, "there are too many types");
        return &types[0];
    }
    struct dure_type *type = &types[types_count];
    *type = (struct dure_type){.kind = kind, .index = (uint16_t)types_count, .system = system,
                               .schema = schema, .state_size = schema->size};
    snprintf(type->name, sizeof type->name, "%s.%s%s", system, name, suffix);
    type->code = dure_registry_code(type->name);
    type->edited = (struct dure_event_type){.name = "Edited", .schema = schema, .internal = true,
                                            .apply = apply_edited};
    type->removed = (struct dure_event_type){.name = "Removed", .schema = schema, .internal = true,
                                             .removes = true};
    type->skipped =
        (struct dure_event_type){.name = "Skipped", .schema = schema, .internal = true};
    type->edited.code = dure_registry_code("Edited");
    type->removed.code = dure_registry_code("Removed");
    type->skipped.code = dure_registry_code("Skipped");
    size_t name_len = strlen(system) + 1 + strlen(name) + strlen(suffix);
    if (name_len >= sizeof type->name) complain("type", type->name, "its name is too long");
    struct dure_type **place = place_of(type->code);
    if (*place != NULL) complain("type", type->name, "its code is taken");
    *place = type;
    types_count++;
    return type;
}

/* Of a state, a payload, a reply, an event or a saga's data. */
static void check_schema(const char *what, const char *name, const struct dure_schema *schema)
{
    if (schema == NULL) return;
    const char *wrong = dure_schema_check(schema);
    if (wrong != NULL) complain(what, name, wrong);
    else dure_schema_prepare(schema);
    if (schema->size > STATE_BYTES_MAX) complain(what, name, "is too large");
}

static void check_type(const struct dure_type *type)
{
    size_t indexed = 0;
    check_schema("type", type->name, type->schema);
    for (size_t i = 0; i < type->schema->fields_count; i++) {
        const struct dure_field *field = &type->schema->fields[i];
        if (field->flags & DURE_INDEXED) indexed++;
        if ((field->flags & DURE_INDEXED) && field->kind == DURE_REAL) {
            complain("type", type->name, "a REAL field cannot be indexed");
        }
    }
    if (indexed > DURE_INDEX_KEYS_MAX) complain("type", type->name, "too many indexed fields");
    if (type->state_size > STATE_BYTES_MAX) complain("type", type->name, "the state is too large");
}

static size_t command_place(uint32_t type, uint32_t code)
{
    size_t at = (type * 31u + code) % COMMANDS_MAX;
    while (by_name[at].command != NULL && (by_name[at].type != type || by_name[at].code != code)) {
        at = (at + 1) % COMMANDS_MAX;
    }
    return at;
}

/* Mail that outlives its record names its command by the code of one that its aggregate lists. */
static void check_listed(const struct dure_command *command)
{
    const struct dure_command *const *listed = command->aggregate->commands;
    while (listed != NULL && *listed != NULL && *listed != command) listed++;
    if (listed == NULL || *listed == NULL) {
        complain("command", command->name, "is not listed by its aggregate");
    }
}

static void add_look(const struct dure_command *command)
{
    struct dure_look *look = command->look;
    for (size_t i = 0; i < looks_count; i++) {
        if (looks[i] == look) return; /* Several commands may share it. */
    }
    if (look->aggregate == NULL || look->target == NULL || command->schema == NULL) {
        complain("look", look->name, "needs an aggregate, a target, and a payload to find it in");
    }
    if (looks_count == DURE_LOOKS_MAX) {
        complain("look", look->name, "is one too many");
        return;
    }
    look->index = looks_count;
    looks[looks_count++] = look;
}

static void add_commands(struct dure_aggregate *aggregate)
{
    const struct dure_command *const *commands = aggregate->commands;
    for (size_t i = 0; commands != NULL && commands[i] != NULL; i++) {
        if (commands[i]->aggregate != aggregate) {
            complain("command", commands[i]->name, "is listed by another aggregate");
        }
        if (commands[i]->handle == NULL) complain("command", commands[i]->name, "has no handler");
        check_schema("command", commands[i]->name, commands[i]->schema);
        check_schema("command", commands[i]->name, commands[i]->reply);
        if (commands[i]->look != NULL) add_look(commands[i]);
        uint32_t type = aggregate->type->code, code = dure_registry_code(commands[i]->name);
        size_t at = command_place(type, code);
        if (by_name[at].command != NULL) {
            complain("command", commands[i]->name, "its code is taken");
        }
        if (++commands_count > COMMANDS_MAX / 2) {
            complain("command", commands[i]->name, "there are too many");
            return;
        }
        by_name[at].type = type;
        by_name[at].code = code;
        by_name[at].command = commands[i];
    }
    const struct dure_command *special[] = {aggregate->create, aggregate->remove, aggregate->wake};
    for (size_t i = 0; i < 3; i++) {
        if (special[i] != NULL) check_listed(special[i]);
    }
    const struct dure_transition *row = aggregate->transitions;
    for (; row != NULL && row->field != NULL; row++) check_listed(row->command);
}

static void add_events(struct dure_aggregate *aggregate, const struct dure_type *type)
{
    if (aggregate->events == NULL) return;
    for (size_t i = 0; aggregate->events[i] != NULL; i++) {
        struct dure_event_type *event = aggregate->events[i];
        event->code = dure_registry_code(event->name);
        check_schema("event", event->name, event->schema);
        if (event->code == type->edited.code || event->code == type->removed.code) {
            complain("event", event->name, "its code is taken");
        }
        for (size_t j = 0; j < i; j++) {
            if (aggregate->events[j]->code == event->code) {
                complain("event", event->name, "its code is taken");
            }
        }
    }
}

static const struct dure_field *int_field(const struct dure_schema *schema, const char *name)
{
    const struct dure_field *field =
        schema != NULL ? dure_schema_find(schema, name, strlen(name)) : NULL;
    return field != NULL && field->kind == DURE_INT ? field : NULL;
}

/* 0 stands for nobody, so no key may be 0. */
static void check_key_is_id(const struct dure_aggregate *aggregate)
{
    bool is_id = int_field(aggregate->schema, aggregate->key)->flags & DURE_ID;
    bool bounded = aggregate->create == NULL ||
                   int_field(aggregate->create->schema, aggregate->key)->min >= 1;
    if (!is_id || !bounded || aggregate->unkeyed != NULL) {
        complain("aggregate", aggregate->name,
                 "a key that is the id is its ID field, from 1 on, and needs no unkeyed");
    }
}

static void add_aggregate(struct dure_aggregate *aggregate)
{
    bool view = aggregate->commands == NULL && aggregate->create == NULL;
    struct dure_type *type = add_type(view ? DURE_KIND_VIEW : DURE_KIND_AGGREGATE,
                                      aggregate->system, aggregate->name, "", aggregate->schema);
    type->aggregate = aggregate;
    aggregate->type = type;
    add_commands(aggregate);
    add_events(aggregate, type);
    check_type(type);
    if (aggregate->create != NULL && !(aggregate->create->flags & DURE_CREATES) &&
        aggregate->unkeyed == NULL) {
        complain("command", aggregate->create->name, "creates, so it needs DURE_CREATES");
    }
    if (aggregate->near != NULL) {
        const char *name = aggregate->near;
        const struct dure_field *near = dure_schema_find(aggregate->schema, name, strlen(name));
        if (near == NULL || near->kind != DURE_TEXT) {
            complain("aggregate", aggregate->name, "near must be a TEXT of the state");
        }
    }
    if (aggregate->unkeyed != NULL &&
        (aggregate->key == NULL || aggregate->unkeyed->schema != NULL)) {
        complain("aggregate", aggregate->name, "unkeyed is for a key, and takes no payload");
    }
    if (aggregate->beside != NULL &&
        (aggregate->create == NULL || aggregate->key != NULL ||
         int_field(aggregate->create->schema, aggregate->beside) == NULL)) {
        complain("aggregate", aggregate->name,
                 "beside must be an INT of the payload that makes it, and a key rules it out");
    }
    if (aggregate->key == NULL) return;
    /* One that is made only by others' messages has no payload of its own to find the key in. */
    if (int_field(aggregate->schema, aggregate->key) == NULL ||
        (aggregate->create != NULL &&
         int_field(aggregate->create->schema, aggregate->key) == NULL)) {
        complain("aggregate", aggregate->name, "its key must be an INT of state and payload");
        return;
    }
    if (aggregate->key_is_id) {
        check_key_is_id(aggregate);
        type->directory = type; /* What is asked by key is asked of it. */
        return;
    }
    type->directory = add_type(DURE_KIND_DIRECTORY, aggregate->system, aggregate->name, "#key",
                               &directory_schema);
    type->directory->aggregate = aggregate;
}

static void add_saga(struct dure_saga *saga)
{
    struct dure_type *type = add_type(DURE_KIND_SAGA, saga->system, saga->name, "", saga->data);
    type->saga = saga;
    type->state_size = ((sizeof(struct dure_saga_state) + 15) & ~(size_t)15) + saga->data->size;
    saga->type = type;
    check_type(type);
    if (saga->steps_count == 0 || saga->steps_count > DURE_SAGA_STEPS_MAX) {
        complain("saga", saga->name, "needs 1 to DURE_SAGA_STEPS_MAX steps");
    }
    for (size_t i = 0; i < saga->steps_count; i++) {
        const struct dure_saga_step *step = &saga->steps[i];
        check_listed(step->command);
        if (step->undo != NULL) check_listed(step->undo);
        if (step->by_key && step->command->aggregate->key == NULL) {
            complain("saga", saga->name, "a step by key needs an aggregate with a key");
        }
        if (step->undo != NULL && step->undo->aggregate != step->command->aggregate) {
            complain("saga", saga->name, "a step is undone where it was done");
        }
    }
    if (saga->refuse != NULL) check_listed(saga->refuse);
}

static void add_round(struct dure_round *round)
{
    const struct dure_schema *schema = round->command->schema;
    if (schema == NULL) {
        complain("round", round->name, "its command needs a payload");
        return;
    }
    if (round->command->aggregate->key_is_id) {
        complain("round", round->name, "walks ids that were given, and its aggregate's are keys");
    }
    struct dure_type *type = add_type(DURE_KIND_ROUND, round->system, round->name, "", schema);
    type->round = round;
    type->state_size = ((sizeof(struct dure_round_state) + 15) & ~(size_t)15) + schema->size;
    round->type = type;
    check_type(type);
    if ((round->then != NULL) != (round->then_command != NULL) ||
        (round->then_command != NULL && round->then_command->schema != schema)) {
        complain("round", round->name, "its second pass needs a command with the same payload");
    }
}

/* Of an event that some aggregate lists: what hangs on others would never be called in recovery. */
static struct dure_event_rules *rules_of(struct dure_event_type *event)
{
    if (event->code == 0) complain("event", event->name, "has rules, but no aggregate lists it");
    if (event->rules == NULL) event->rules = calloc(1, sizeof *event->rules);
    DURE_ASSERT(event->rules != NULL);
    return event->rules;
}

static void add_policy(const struct dure_policy *policy)
{
    struct dure_event_rules *rules = rules_of(policy->event);
    check_listed(policy->command);
    if (policy->by_key && policy->command->aggregate->key == NULL) {
        complain("policy", policy->name, "by key needs an aggregate with a key");
    }
    if (rules->policies_count == DURE_RULES_MAX) {
        complain("policy", policy->name, "is one too many of its event");
        return;
    }
    rules->policies[rules->policies_count++] = policy;
}

static void add_projection(const struct dure_projection *projection)
{
    struct dure_event_type *event = projection->event;
    if (projection->edits != NULL) event = &projection->edits->type->edited;
    if (projection->removals != NULL) event = &projection->removals->type->removed;
    struct dure_event_rules *rules = rules_of(event);
    const struct dure_type *view = projection->view->type;
    if (view == NULL || view->kind != DURE_KIND_VIEW) {
        complain("event", event->name, "is projected into what is no view");
    }
    if (rules->projections_count == DURE_RULES_MAX) {
        complain("event", event->name, "has too many projections");
        return;
    }
    rules->projections[rules->projections_count++] = projection;
}

static void hang_round(const struct dure_round *round)
{
    struct dure_event_rules *rules = rules_of(round->event);
    check_listed(round->command);
    if (rules->rounds_count == DURE_RULES_MAX) {
        complain("round", round->name, "is one too many of its event");
        return;
    }
    rules->rounds[rules->rounds_count++] = round;
    if (round->then == NULL) return;
    rules = rules_of(round->then);
    check_listed(round->then_command);
    if (rules->thens_count == DURE_RULES_MAX) {
        complain("round", round->name, "is one too many of its second event");
        return;
    }
    rules->thens[rules->thens_count++] = round;
}

static void add_port(const struct dure_port *port)
{
    struct dure_event_rules *rules = rules_of(port->asked);
    check_listed(port->answer);
    if (port->asked->schema == NULL || port->answer->schema == NULL || port->unanswered == NULL) {
        complain("port", port->name, "needs something to ask and to answer, and to tell who waits");
    }
    if (rules->ports_count == DURE_RULES_MAX) {
        complain("port", port->name, "is one too many of its event");
        return;
    }
    rules->ports[rules->ports_count++] = port;
}

static void add_system(const struct dure_system *system)
{
    for (size_t i = 0; system->aggregates != NULL && system->aggregates[i] != NULL; i++) {
        add_aggregate(system->aggregates[i]);
    }
    for (size_t i = 0; system->sagas != NULL && system->sagas[i] != NULL; i++) {
        add_saga(system->sagas[i]);
    }
    for (size_t i = 0; system->rounds != NULL && system->rounds[i] != NULL; i++) {
        add_round(system->rounds[i]);
    }
}

/* Of all systems, once all aggregates are known: rules may lead from one to another. */
static void add_rules(const struct dure_system *system)
{
    for (size_t i = 0; system->policies != NULL && system->policies[i] != NULL; i++) {
        add_policy(system->policies[i]);
    }
    for (size_t i = 0; system->projections != NULL && system->projections[i] != NULL; i++) {
        add_projection(system->projections[i]);
    }
    for (size_t i = 0; system->rounds != NULL && system->rounds[i] != NULL; i++) {
        hang_round(system->rounds[i]);
    }
    for (size_t i = 0; system->ports != NULL && system->ports[i] != NULL; i++) {
        add_port(system->ports[i]);
    }
}

int dure_registry_init(const struct dure_system *const *systems)
{
    DURE_ASSERT(types_count == 0);
    all_systems = systems;
    dure_key_bound.code = dure_registry_code(dure_key_bound.name);
    for (size_t i = 0; systems[i] != NULL; i++) add_system(systems[i]);
    for (size_t i = 0; systems[i] != NULL; i++) add_rules(systems[i]);
    return broken ? DURE_EINVAL : 0;
}

const struct dure_system *const *dure_registry_systems(void)
{
    return all_systems;
}

size_t dure_registry_count(void)
{
    return types_count;
}

struct dure_type *dure_registry_type(size_t index)
{
    DURE_ASSERT(index < types_count);
    return &types[index];
}

size_t dure_registry_looks(void)
{
    return looks_count;
}

const struct dure_look *dure_registry_look(size_t index)
{
    DURE_ASSERT(index < looks_count);
    return looks[index];
}

struct dure_type *dure_registry_type_by_code(uint32_t code)
{
    return *place_of(code);
}

struct dure_event_type *dure_registry_event(const struct dure_type *type, uint32_t code)
{
    struct dure_event_type *const *events = type->kind == DURE_KIND_DIRECTORY ? directory_events
                                            : type->aggregate != NULL ? type->aggregate->events
                                                                      : NULL;
    for (size_t i = 0; events != NULL && events[i] != NULL; i++) {
        if (events[i]->code == code) return events[i];
    }
    struct dure_type *own = (struct dure_type *)(uintptr_t)type;
    if (code == own->edited.code) return &own->edited;
    if (code == own->removed.code) return &own->removed;
    if (code == own->skipped.code && own->kind == DURE_KIND_SAGA) return &own->skipped;
    return NULL;
}

const struct dure_command *dure_registry_command(const struct dure_type *type, uint32_t code)
{
    return by_name[command_place(type->code, code)].command;
}
