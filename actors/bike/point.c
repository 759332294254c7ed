/*
 * Points: a row per user, under the user's own id. Bought by approvals, used by reservations, given
 * back by what is cancelled. A row is made by the first purchase, or by POST with an opening
 * balance, never by wanting to pay.
 *
 * The hidden fields tell where the points came from, for the books (audit.c).
 */
#include "actors/bike/bike.h"

#define FIELD(member, json, ...)                                                                   \
    DURE_FIELD(struct bike_point, member, json, DURE_INT, __VA_ARGS__)
#define HIDDEN .flags = DURE_HIDDEN, .has_start = true
static const struct dure_field state_fields[] = {
    FIELD(user_id, "userId", .flags = DURE_ID),
    FIELD(total_point, "totalPoint", .flags = DURE_GOVERNED),
    FIELD(opened, "opened", HIDDEN),
    FIELD(bought, "bought", HIDDEN),
    FIELD(used, "used", HIDDEN),
    FIELD(returned, "returned", HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Point", struct bike_point, state_fields);

#define POINTS(member, json, ...)                                                                  \
    DURE_FIELD(struct bike_points, member, json, DURE_INT, __VA_ARGS__)
static const struct dure_field open_fields[] = {
    POINTS(user_id, "userId", .flags = DURE_REQUIRED, .min = 1, .max = BIKE_USER_MAX),
    POINTS(total_point, "totalPoint", .flags = 0, .min = 0, .max = BIKE_POINT_MAX),
};
static const struct dure_schema open_schema =
    DURE_SCHEMA("OpenPoints", struct bike_points, open_fields);

static const struct dure_field event_fields[] = {
    POINTS(user_id, "userId", .flags = 0),
    POINTS(total_point, "totalPoint", .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("PointEvent", struct bike_points, event_fields);

static const struct dure_field amount_fields[] = {
    DURE_FIELD(struct bike_amount, amount, "amount", DURE_INT, .flags = 0),
};
static const struct dure_schema amount_schema =
    DURE_SCHEMA("PointAmount", struct bike_amount, amount_fields);

/* ---- Events: each carries the balance afterwards --------------------------------------------- */

static int64_t move(struct bike_point *point, const struct dure_event *event)
{
    const struct bike_points *points = event->data;
    int64_t before = point->total_point == DURE_NULL ? 0 : point->total_point;
    point->user_id = event->id;
    point->total_point = points->total_point;
    return points->total_point - before;
}

static void apply_opened(void *state, const struct dure_event *event)
{
    struct bike_point *point = state;
    point->opened += move(point, event);
}

static void apply_increased(void *state, const struct dure_event *event)
{
    struct bike_point *point = state;
    point->bought += move(point, event);
}

static void apply_used(void *state, const struct dure_event *event)
{
    struct bike_point *point = state;
    point->used -= move(point, event);
}

static void apply_returned(void *state, const struct dure_event *event)
{
    struct bike_point *point = state;
    point->returned += move(point, event);
}

struct dure_event_type bike_point_opened = {
    .name = "PointOpened", .schema = &event_schema, .internal = true, .apply = apply_opened};
struct dure_event_type bike_point_increased = {
    .name = "PointIncreased", .schema = &event_schema, .apply = apply_increased};
struct dure_event_type bike_point_used = {
    .name = "PointUsed", .schema = &event_schema, .apply = apply_used};
struct dure_event_type bike_point_returned = {
    .name = "PointReturned", .schema = &event_schema, .apply = apply_returned};

static void emit(struct dure_out *out, const struct dure_event_type *type, int64_t user_id,
                 int64_t total_point)
{
    *(struct bike_points *)dure_emit(out, type) =
        (struct bike_points){.user_id = user_id, .total_point = total_point};
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int open_points(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct bike_points *wanted = in->data;
    if (in->exists) {
        dure_refuse(out, 409, "user %lld has %lld points already", (long long)in->id,
                    (long long)((const struct bike_point *)state)->total_point);
        return 0;
    }
    emit(out, &bike_point_opened, in->id,
         wanted->total_point == DURE_NULL ? 0 : wanted->total_point);
    return 0;
}

/* Beyond what a number can hold nothing is added: the saga parks, for a person to see. Approvals
 * and opening balances are bounded so that it does not come to that. */
static void add(const struct bike_point *point, const struct dure_msg *in, struct dure_out *out,
                const struct dure_event_type *type)
{
    int64_t total = in->exists ? point->total_point : 0;
    if (__builtin_add_overflow(total, ((const struct bike_amount *)in->data)->amount, &total)) {
        dure_refuse(out, 409, "user %lld has too many points", (long long)in->id);
        return;
    }
    emit(out, type, in->id, total);
}

static int increase(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    add(state, in, out, &bike_point_increased);
    return 0;
}

static int give_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    add(state, in, out, &bike_point_returned);
    return 0;
}

static int use(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct bike_point *point = state;
    int64_t amount = ((const struct bike_amount *)in->data)->amount;
    if (point->total_point < amount) {
        dure_refuse(out, 409, "포인트가 부족합니다: %lld 중 %lld", (long long)amount,
                    (long long)point->total_point);
        return 0;
    }
    emit(out, &bike_point_used, in->id, point->total_point - amount);
    return 0;
}

static const struct dure_command open_row = {
    .name = "open", .aggregate = &bike_point, .schema = &open_schema, .flags = DURE_CREATES,
    .handle = open_points,
    .example = {"{\"userId\":1,\"totalPoint\":3000}"}};
const struct dure_command bike_point_increase = {
    .name = "increase", .aggregate = &bike_point, .schema = &amount_schema,
    .flags = DURE_CREATES, .handle = increase};
const struct dure_command bike_point_use = {
    .name = "use", .aggregate = &bike_point, .schema = &amount_schema, .handle = use};
const struct dure_command bike_point_give_back = {
    .name = "give-back", .aggregate = &bike_point, .schema = &amount_schema,
    .handle = give_back};

static const struct dure_command *const commands[] = {
    &open_row, &bike_point_increase, &bike_point_use, &bike_point_give_back, NULL,
};
static struct dure_event_type *const events[] = {
    &bike_point_opened, &bike_point_increased, &bike_point_used, &bike_point_returned, NULL,
};

struct dure_aggregate bike_point = {
    .system = "bike", .name = "point", .collection = "points", .schema = &state_schema,
    .commands = commands, .events = events, .create = &open_row, .key = "userId",
    .key_is_id = true, .editable = true, .removable = true,
};
