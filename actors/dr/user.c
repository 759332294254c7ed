/*
 * Users: name and capacity are theirs to edit; points come by settlements and go by withdrawals.
 */
#include "actors/dr/dr.h"

#define FIELD(member, json, kind, ...) DURE_FIELD(struct dr_user, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(name, "name", DURE_TEXT, .flags = 0),
    FIELD(point, "point", DURE_INT, .flags = DURE_GOVERNED, .min = 0, .max = DR_POINT_MAX,
          .start = 0, .has_start = true),
    FIELD(capacity, "capacity", DURE_INT, .flags = 0, .min = 0, .max = DR_ADJUST_MAX),
    FIELD(registered_ms, "registeredMs", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(opened, "opened", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(earned, "earned", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(withdrawn, "withdrawn", DURE_INT, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema = DURE_SCHEMA("User", struct dr_user, state_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct dr_user_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(name, "name", DURE_TEXT, .flags = 0),
    EVENT(point, "point", DURE_INT, .flags = 0),
    EVENT(capacity, "capacity", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("UserEvent", struct dr_user_event, event_fields);

static const struct dure_field withdraw_fields[] = {
    DURE_FIELD(struct dr_points, point, "point", DURE_INT, .flags = DURE_REQUIRED, .min = 1,
               .max = DR_POINT_MAX),
};
static const struct dure_schema withdraw_schema =
    DURE_SCHEMA("WithdrawPoint", struct dr_points, withdraw_fields);
static const struct dure_field add_fields[] = {
    DURE_FIELD(struct dr_points, point, "point", DURE_INT, .flags = 0),
};
static const struct dure_schema add_schema = DURE_SCHEMA("AddPoints", struct dr_points, add_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

static void apply_registered(void *state, const struct dure_event *event)
{
    struct dr_user *user = state;
    *user = *(const struct dr_user *)event->data;
    user->id = event->id;
    if (user->registered_ms == DURE_NULL) user->registered_ms = event->time_ms; /* An older node's. */
    user->opened = user->point;
    user->earned = user->withdrawn = 0;
}

static void apply_changed(void *state, const struct dure_event *event)
{
    const struct dr_user_event *changed = event->data;
    struct dr_user *user = state;
    user->earned += changed->point - user->point;
    user->point = changed->point;
}

static void apply_withdrawn(void *state, const struct dure_event *event)
{
    const struct dr_user_event *changed = event->data;
    struct dr_user *user = state;
    user->withdrawn += user->point - changed->point;
    user->point = changed->point;
}

struct dure_event_type dr_user_registered = {
    .name = "UserRegistered", .schema = &state_schema, .internal = true, .apply = apply_registered};
struct dure_event_type dr_point_changed = {
    .name = "PointChanged", .schema = &event_schema, .apply = apply_changed};
struct dure_event_type dr_point_withdrawn = {
    .name = "PointWithdrawn", .schema = &event_schema, .apply = apply_withdrawn};

static void emit_public(struct dure_out *out, const struct dure_event_type *type,
                        const struct dr_user *user, int64_t point)
{
    struct dr_user_event *event = dure_emit(out, type);
    event->id = user->id;
    event->point = point;
    event->capacity = user->capacity;
    memcpy(event->name, user->name, sizeof event->name);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int register_user(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    struct dr_user *user = dure_emit(out, &dr_user_registered);
    memcpy(user, in->data, sizeof *user);
    if (user->point == DURE_NULL) user->point = 0;
    user->registered_ms = in->now_ms;
    return 0;
}

static bool has_points(const void *state)
{
    return ((const struct dr_user *)state)->point > 0;
}

static int withdraw(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_user *user = state;
    int64_t wanted = ((const struct dr_points *)in->data)->point;
    if (wanted > user->point) {
        dure_refuse(out, 409, "포인트 부족: user %lld has %lld points", (long long)in->id,
                    (long long)user->point);
        return 0;
    }
    emit_public(out, &dr_point_withdrawn, user, user->point - wanted);
    return 0;
}

/* Some nine million settlements of the largest size fit before it would overflow. */
static int add_points(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_user *user = state;
    emit_public(out, &dr_point_changed, user,
                user->point + ((const struct dr_points *)in->data)->point);
    return 0;
}

/* One of the users that a demand's list asks. */
static int list(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_user *user = state;
    const struct dr_round *round = in->data;
    if (user->registered_ms > round->started_ms) {
        dure_refuse(out, 409, "registered after the start");
        return 0;
    }
    struct dr_list *listed = dure_send(out, &dr_response_list, DURE_NEW);
    listed->user_id = in->id;
    listed->dr_id = round->dr_id;
    listed->user_capacity = user->capacity;
    memcpy(listed->user_name, user->name, sizeof listed->user_name);
    return 0;
}

static const struct dure_command dr_user_register = {
    .name = "register", .aggregate = &dr_user, .schema = &state_schema, .flags = DURE_CREATES,
    .handle = register_user,
    .example = {"{\"name\":\"samsung\",\"point\":1000,\"capacity\":400}"}};
static const struct dure_command dr_user_withdraw = {
    .name = "withdrawpoint", .aggregate = &dr_user, .schema = &withdraw_schema,
    .allowed = has_points, .handle = withdraw,
    .example = {"{\"point\":500}"}};
const struct dure_command dr_user_add_points = {
    .name = "add-points", .aggregate = &dr_user, .schema = &add_schema, .handle = add_points};
const struct dure_command dr_user_list = {
    .name = "list", .aggregate = &dr_user, .schema = &dr_round_schema, .handle = list};

static const struct dure_command *const commands[] = {
    &dr_user_register, &dr_user_withdraw, &dr_user_add_points, &dr_user_list, NULL,
};
static struct dure_event_type *const events[] = {
    &dr_user_registered, &dr_point_changed, &dr_point_withdrawn, NULL,
};

struct dure_aggregate dr_user = {
    .system = "dr", .name = "user", .collection = "users", .schema = &state_schema,
    .commands = commands, .events = events, .create = &dr_user_register, .editable = true,
    .removable = true,
};
