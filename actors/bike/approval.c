/*
 * Approvals: purchases of points. Each is added to its user's points once, by the approval saga;
 * the look at these points is only to say no in time, where they would become too many.
 */
#include "actors/bike/bike.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_approval, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "confirmId", DURE_INT, .flags = DURE_ID),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED | DURE_INDEXED,
          .min = 1, .max = BIKE_USER_MAX),
    FIELD(price, "price", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED, .min = 1,
          .max = BIKE_POINT_MAX),
    FIELD(approve_date, "approveDate", DURE_TEXT, .flags = 0),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Approval", struct bike_approval, state_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_ordered, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "confirmId", DURE_INT, .flags = 0),
    EVENT(user_id, "userId", DURE_INT, .flags = 0),
    EVENT(price, "price", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("PointOrdered", struct bike_ordered, event_fields);

static const struct dure_field dated_fields[] = {
    FIELD(approve_date, "approveDate", DURE_TEXT, .flags = 0),
};
static const struct dure_schema dated_schema =
    DURE_SCHEMA("ApprovalDated", struct bike_approval, dated_fields);

static void apply_ordered(void *state, const struct dure_event *event)
{
    const struct bike_ordered *ordered = event->data;
    struct bike_approval *approval = state;
    approval->id = event->id;
    approval->user_id = ordered->user_id;
    approval->price = ordered->price;
}

static void apply_dated(void *state, const struct dure_event *event)
{
    memcpy(((struct bike_approval *)state)->approve_date,
           ((const struct bike_approval *)event->data)->approve_date, BIKE_TEXT_BYTES);
}

struct dure_event_type bike_point_ordered = {
    .name = "PointOrdered", .schema = &event_schema, .apply = apply_ordered};
/* What PointOrdered does not carry. */
static struct dure_event_type dated = {
    .name = "ApprovalDated", .schema = &dated_schema, .internal = true, .apply = apply_dated};

static int64_t looked_at(const void *data)
{
    return ((const struct bike_approval *)data)->user_id;
}

static struct dure_look look = {
    .name = "bike.points", .aggregate = &bike_point, .target = looked_at};

static int approve(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct bike_approval *wanted = in->data;
    const struct bike_point *point = in->other;
    if (in->seen == DURE_SEEN_STATE && point->total_point > BIKE_POINT_MAX - wanted->price) {
        dure_refuse(out, 409, "the points of user %lld would exceed %lld",
                    (long long)wanted->user_id, (long long)BIKE_POINT_MAX);
        return 0;
    }
    *(struct bike_ordered *)dure_emit(out, &bike_point_ordered) = (struct bike_ordered){
        .id = in->id, .user_id = wanted->user_id, .price = wanted->price};
    if (wanted->approve_date[0] != '\0') {
        memcpy(((struct bike_approval *)dure_emit(out, &dated))->approve_date,
               wanted->approve_date, sizeof wanted->approve_date);
    }
    *(struct bike_approval_saga *)dure_start(out, &bike_approval_saga, in->id) =
        (struct bike_approval_saga){.user_id = wanted->user_id, .price = wanted->price};
    return 0;
}

static const struct dure_command approve_points = {
    .name = "approve", .aggregate = &bike_approval, .schema = &state_schema,
    .flags = DURE_CREATES, .look = &look, .handle = approve,
    .example = {"{\"userId\":1,\"price\":3000,\"approveDate\":\"2024-04-04\"}"}};

static const struct dure_command *const commands[] = {&approve_points, NULL};
static struct dure_event_type *const events[] = {&bike_point_ordered, &dated, NULL};

struct dure_aggregate bike_approval = {
    .system = "bike", .name = "approval", .collection = "approvals", .schema = &state_schema,
    .commands = commands, .events = events, .create = &approve_points, .editable = true,
};
