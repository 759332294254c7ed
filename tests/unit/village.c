/*
 * The village: see its header. Pure.
 */
#include "tests/unit/village.h"

#include <string.h>

#define COUNTER(member, json)                                                                      \
    DURE_FIELD(struct village_counter, member, json, DURE_INT, .has_start = true)
static const struct dure_field counter_fields[] = {
    DURE_FIELD(struct village_counter, id, "id", DURE_INT, .flags = DURE_ID),
    COUNTER(sum, "sum"), COUNTER(wakes, "wakes"), COUNTER(woken_at, "wokenAt"),
};
static const struct dure_schema counter_schema =
    DURE_SCHEMA("Counter", struct village_counter, counter_fields);

static const struct dure_field add_fields[] = {
    DURE_FIELD(struct village_add, amount, "amount", DURE_INT, .flags = 0),
};
static const struct dure_schema add_schema = DURE_SCHEMA("Add", struct village_add, add_fields);

/* ---- Events ------------------------------------------------------------------------------------- */

static void apply_added(void *state, const struct dure_event *event)
{
    struct village_counter *counter = state;
    counter->id = event->id;
    counter->sum += ((const struct village_add *)event->data)->amount;
}

static void apply_told(void *state, const struct dure_event *event)
{
    ((struct village_counter *)state)->id = event->id;
}

static void apply_woke(void *state, const struct dure_event *event)
{
    struct village_counter *counter = state;
    counter->id = event->id;
    counter->wakes++;
    counter->woken_at = event->time_ms;
}

struct dure_event_type village_added = {
    .name = "Added", .schema = &add_schema, .apply = apply_added};
struct dure_event_type village_told = {.name = "Told", .schema = &add_schema, .apply = apply_told};
struct dure_event_type village_woke = {.name = "Woke", .schema = &add_schema, .apply = apply_woke};
static struct dure_event_type *const events[] = {
    &village_added, &village_told, &village_woke, NULL};

/* ---- Commands ----------------------------------------------------------------------------------- */

static int on_add(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct village_add *add = in->data;
    if (add->amount < 0) dure_refuse(out, 409, "nothing is taken away here");
    else *(struct village_add *)dure_emit(out, &village_added) = *add;
    return 0;
}

static int on_pass(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)on_add(state, in, out);
    *(struct village_add *)dure_send(out, &village_add, in->id + 1) =
        *(const struct village_add *)in->data;
    return 0;
}

static int on_tell(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct village_add *)dure_emit(out, &village_told) = *(const struct village_add *)in->data;
    return 0;
}

static int on_alarm(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    dure_timer(out, ((const struct village_add *)in->data)->amount);
    return 0;
}

static int on_wake(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    ((struct village_add *)dure_emit(out, &village_woke))->amount =
        in->now_ms - ((const struct village_counter *)state)->woken_at;
    return 0;
}

#define COMMAND(text, handler, ...)                                                                \
    {.name = (text), .aggregate = &village_counter, .handle = (handler), __VA_ARGS__}
const struct dure_command village_add =
    COMMAND("add", on_add, .schema = &add_schema, .flags = DURE_CREATES);
const struct dure_command village_pass =
    COMMAND("pass", on_pass, .schema = &add_schema, .flags = DURE_CREATES);
const struct dure_command village_tell =
    COMMAND("tell", on_tell, .schema = &add_schema, .flags = DURE_CREATES);
const struct dure_command village_alarm = COMMAND("alarm", on_alarm, .schema = &add_schema);
static const struct dure_command wake = COMMAND("wake", on_wake, .flags = 0);
static const struct dure_command *const commands[] = {
    &village_add, &village_pass, &village_tell, &village_alarm, &wake, NULL};

struct dure_aggregate village_counter = {
    .system = "village", .name = "counter", .collection = "counters", .schema = &counter_schema,
    .commands = commands, .events = events, .create = &village_add, .wake = &wake,
    .removable = true};

/* ---- Policy and projections --------------------------------------------------------------------- */

static int64_t told_target(const struct dure_event *event)
{
    return event->id + VILLAGE_TOLD;
}

static void fill_told(const struct dure_event *event, void *payload)
{
    *(struct village_add *)payload = *(const struct village_add *)event->data;
}

static const struct dure_policy told_policy = {
    .name = "whenever told, add", .event = &village_told, .command = &village_add,
    .target = told_target, .fill = fill_told};
static const struct dure_policy *const policies[] = {&told_policy, NULL};

#define TALLY(member, json)                                                                        \
    DURE_FIELD(struct village_tally, member, json, DURE_INT, .has_start = true)
static const struct dure_field tally_fields[] = {
    DURE_FIELD(struct village_tally, id, "id", DURE_INT, .flags = DURE_ID),
    TALLY(count, "count"), TALLY(sum, "sum"), TALLY(order, "order"),
};
static const struct dure_schema tally_schema =
    DURE_SCHEMA("Tally", struct village_tally, tally_fields);
struct dure_aggregate village_tally = {
    .system = "village", .name = "tally", .collection = "tallies", .schema = &tally_schema};

#define ECHO_FIELD(member, json)                                                                   \
    DURE_FIELD(struct village_echo, member, json, DURE_INT, .has_start = true)
static const struct dure_field echo_fields[] = {
    DURE_FIELD(struct village_echo, id, "id", DURE_INT, .flags = DURE_ID),
    ECHO_FIELD(told, "told"), ECHO_FIELD(added, "added"),
};
static const struct dure_schema echo_schema = DURE_SCHEMA("Echo", struct village_echo, echo_fields);
struct dure_aggregate village_echo = {
    .system = "village", .name = "echo", .collection = "echoes", .schema = &echo_schema};

static int64_t tally_of(const struct dure_event *event)
{
    return event->id % 10;
}

static int64_t same_id(const struct dure_event *event)
{
    return event->id;
}

static void count_added(void *row, const struct dure_event *event)
{
    struct village_tally *tally = row;
    int64_t amount = ((const struct village_add *)event->data)->amount;
    tally->id = event->id % 10;
    tally->count++;
    tally->sum += amount;
    /* Another order of the same amounts gives another number. */
    tally->order = (int64_t)((uint64_t)tally->order * 31 + (uint64_t)amount) % 1000000007;
}

static void echo_told(void *row, const struct dure_event *event)
{
    ((struct village_echo *)row)->id = event->id;
    ((struct village_echo *)row)->told++;
}

static void echo_added(void *row, const struct dure_event *event)
{
    (void)event;
    ((struct village_echo *)row)->added++;
}

static const struct dure_projection tally_added = {
    .event = &village_added, .view = &village_tally, .target = tally_of, .creates = true,
    .apply = count_added};
static const struct dure_projection echo_of_told = {
    .event = &village_told, .view = &village_echo, .target = same_id, .creates = true,
    .apply = echo_told};
static const struct dure_projection echo_of_added = {
    .event = &village_added, .view = &village_echo, .target = same_id, .apply = echo_added};
static const struct dure_projection *const projections[] = {
    &tally_added, &echo_of_told, &echo_of_added, NULL};

static struct dure_aggregate *const aggregates[] = {
    &village_counter, &village_tally, &village_echo, NULL};
const struct dure_system village = {.name = "village", .aggregates = aggregates,
                                    .policies = policies, .projections = projections};
const struct dure_system *const village_systems[] = {&village, NULL};
