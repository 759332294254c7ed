/*
 * Bikes. One is free, or held by one reservation; that never shows, except by who is refused.
 */
#include "actors/bike/bike.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_management, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "bikeId", DURE_INT, .flags = DURE_ID),
    FIELD(color, "color", DURE_TEXT, .flags = 0),
    FIELD(registered_date, "registeredDate", DURE_TEXT, .flags = 0),
    FIELD(reservation_id, "reservationId", DURE_INT, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Management", struct bike_management, state_fields);

static const struct dure_field registrated_fields[] = {
    FIELD(id, "bikeId", DURE_INT, .flags = 0),
    FIELD(color, "color", DURE_TEXT, .flags = 0),
    FIELD(registered_date, "registeredDate", DURE_TEXT, .flags = 0),
};
static const struct dure_schema registrated_schema =
    DURE_SCHEMA("BikeRegistrated", struct bike_management, registrated_fields);

static const struct dure_field hold_fields[] = {
    DURE_FIELD(struct bike_hold, reservation_id, "reservationId", DURE_INT, .flags = 0),
};
static const struct dure_schema hold_schema =
    DURE_SCHEMA("HoldBike", struct bike_hold, hold_fields);

static void apply_registrated(void *state, const struct dure_event *event)
{
    const struct bike_management *registrated = event->data;
    struct bike_management *bike = state;
    bike->id = event->id;
    memcpy(bike->color, registrated->color, sizeof bike->color);
    memcpy(bike->registered_date, registrated->registered_date, sizeof bike->registered_date);
}

static void apply_held(void *state, const struct dure_event *event)
{
    ((struct bike_management *)state)->reservation_id =
        ((const struct bike_hold *)event->data)->reservation_id;
}

static void apply_released(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct bike_management *)state)->reservation_id = DURE_NULL;
}

struct dure_event_type bike_registrated = {
    .name = "BikeRegistrated", .schema = &registrated_schema, .apply = apply_registrated};
struct dure_event_type bike_held = {
    .name = "BikeHeld", .schema = &hold_schema, .internal = true, .apply = apply_held};
struct dure_event_type bike_released = {
    .name = "BikeReleased", .schema = &hold_schema, .internal = true, .apply = apply_released};

static int registrate(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    struct bike_management *event = dure_emit(out, &bike_registrated);
    *event = *(const struct bike_management *)in->data;
    event->id = in->id;
    return 0;
}

static bool is_free(const void *state)
{
    return ((const struct bike_management *)state)->reservation_id == DURE_NULL;
}

static int hold(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (!is_free(state)) {
        dure_refuse(out, 409, "자전거 %lld은 이미 예약되었습니다", (long long)in->id);
        return 0;
    }
    *(struct bike_hold *)dure_emit(out, &bike_held) = *(const struct bike_hold *)in->data;
    return 0;
}

/* Who does not hold it has nothing to release. */
static int release(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct bike_management *bike = state;
    const struct bike_hold *wanted = in->data;
    if (bike->reservation_id != wanted->reservation_id) return 0;
    *(struct bike_hold *)dure_emit(out, &bike_released) = *wanted;
    return 0;
}

static const struct dure_command registrate_bike = {
    .name = "registrate", .aggregate = &bike_management, .schema = &state_schema,
    .flags = DURE_CREATES, .handle = registrate,
    .example = {"{\"color\":\"red\",\"registeredDate\":\"2024-04-04\"}"}};
const struct dure_command bike_management_hold = {
    .name = "hold", .aggregate = &bike_management, .schema = &hold_schema, .handle = hold};
const struct dure_command bike_management_release = {
    .name = "release", .aggregate = &bike_management, .schema = &hold_schema, .handle = release};

static const struct dure_command *const commands[] = {
    &registrate_bike, &bike_management_hold, &bike_management_release, NULL,
};
static struct dure_event_type *const events[] = {
    &bike_registrated, &bike_held, &bike_released, NULL,
};

struct dure_aggregate bike_management = {
    .system = "bike", .name = "management", .collection = "managements", .schema = &state_schema,
    .commands = commands, .events = events, .create = &registrate_bike, .editable = true,
    .removable = true, .may_remove = is_free,
};
