/*
 * Demands: running from their start, until they are ended once. The start lists every user, the end
 * closes every response of the list (rounds.c).
 */
#include "actors/dr/dr.h"

const char *const dr_status_texts[] = {NULL, "running", "end", NULL};

#define FIELD(member, json, kind, ...) DURE_FIELD(struct dr_demand, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(name, "name", DURE_TEXT, .flags = 0),
    FIELD(type, "type", DURE_TEXT, .flags = 0),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = dr_status_texts),
    FIELD(date, "date", DURE_DATE, .flags = 0),
};
static const struct dure_schema state_schema = DURE_SCHEMA("Dr", struct dr_demand, state_fields);

#define START(member, json, kind, ...) DURE_FIELD(struct dr_start, member, json, kind, __VA_ARGS__)
static const struct dure_field start_fields[] = {
    START(name, "name", DURE_TEXT, .flags = 0),
    START(type, "type", DURE_TEXT, .flags = 0),
    START(date, "date", DURE_DATE, .flags = DURE_DEFAULT_NOW),
};
static const struct dure_schema start_schema = DURE_SCHEMA("StartDr", struct dr_start, start_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct dr_demand_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(name, "name", DURE_TEXT, .flags = 0),
    EVENT(type, "type", DURE_TEXT, .flags = 0),
    EVENT(status, "status", DURE_ENUM, .texts = dr_status_texts),
    EVENT(date, "date", DURE_DATE, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("DrEvent", struct dr_demand_event, event_fields);

static void apply_changed(void *state, const struct dure_event *event)
{
    const struct dr_demand_event *changed = event->data;
    struct dr_demand *demand = state;
    demand->id = event->id;
    demand->status = changed->status;
    demand->date = changed->date;
    memcpy(demand->name, changed->name, sizeof demand->name);
    memcpy(demand->type, changed->type, sizeof demand->type);
}

struct dure_event_type dr_started = {
    .name = "DRstarted", .schema = &event_schema, .apply = apply_changed};
struct dure_event_type dr_ended = {
    .name = "DRended", .schema = &event_schema, .apply = apply_changed};

static int start(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct dr_start *wanted = in->data;
    struct dr_demand_event *event = dure_emit(out, &dr_started);
    event->id = in->id;
    event->status = DR_RUNNING;
    event->date = wanted->date != DURE_NULL ? wanted->date : in->now_ms;
    memcpy(event->name, wanted->name, sizeof event->name);
    memcpy(event->type, wanted->type, sizeof event->type);
    return 0;
}

static bool is_running(const void *state)
{
    return ((const struct dr_demand *)state)->status == DR_RUNNING;
}

static int end(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_demand *demand = state;
    if (!is_running(demand)) {
        dure_refuse(out, 409, "DR %lld has ended already", (long long)in->id);
        return 0;
    }
    struct dr_demand_event *event = dure_emit(out, &dr_ended);
    event->id = in->id;
    event->status = DR_ENDED;
    event->date = demand->date;
    memcpy(event->name, demand->name, sizeof event->name);
    memcpy(event->type, demand->type, sizeof event->type);
    return 0;
}

/* May it still be answered? */
static int confirm(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (!is_running(state)) dure_refuse(out, 409, "DR %lld has ended", (long long)in->id);
    return 0;
}

static const struct dure_command dr_demand_start = {
    .name = "start", .aggregate = &dr_demand, .schema = &start_schema, .flags = DURE_CREATES,
    .handle = start,
    .example = {"{\"name\":\"summer\",\"type\":\"reliable\"}"}};
const struct dure_command dr_demand_end = {
    .name = "end", .aggregate = &dr_demand, .allowed = is_running, .handle = end};
const struct dure_command dr_demand_confirm = {
    .name = "confirm", .aggregate = &dr_demand, .handle = confirm};

static const struct dure_command *const commands[] = {
    &dr_demand_start, &dr_demand_end, &dr_demand_confirm, NULL,
};
static struct dure_event_type *const events[] = {&dr_started, &dr_ended, NULL};
static const struct dure_transition transitions[] = {{"status", DR_ENDED, &dr_demand_end}, {0}};

struct dure_aggregate dr_demand = {
    .system = "dr", .name = "dr", .collection = "drs", .create_as = "startdr",
    .schema = &state_schema, .commands = commands, .events = events, .create = &dr_demand_start,
    .editable = true, .put_keeps = true, .transitions = transitions,
};
