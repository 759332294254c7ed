/*
 * getUserInfos: what the administrator sees of the users, read only.
 */
#include "actors/dr/dr.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct dr_user_info, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(name, "name", DURE_TEXT, .flags = 0),
    FIELD(point, "point", DURE_INT, .flags = 0),
    FIELD(capacity, "capacity", DURE_INT, .flags = 0),
};
static const struct dure_schema schema = DURE_SCHEMA("UserInfo", struct dr_user_info, fields);

struct dure_aggregate dr_user_info = {
    .system = "dr", .name = "getUserInfo", .collection = "getUserInfos", .schema = &schema,
    .made_by = "dr.user.register",
};

static void copy_user(void *row, const struct dure_event *event)
{
    const struct dr_user *user = event->data;
    struct dr_user_info *info = row;
    info->id = event->id;
    info->point = user->point;
    info->capacity = user->capacity;
    memcpy(info->name, user->name, sizeof info->name);
}

static void copy_point(void *row, const struct dure_event *event)
{
    ((struct dr_user_info *)row)->point = ((const struct dr_user_event *)event->data)->point;
}

static const struct dure_projection created = {
    .event = &dr_user_registered, .view = &dr_user_info, .creates = true,
    .apply = copy_user};
static const struct dure_projection changed = {
    .event = &dr_point_changed, .view = &dr_user_info, .apply = copy_point};
static const struct dure_projection withdrawn = {
    .event = &dr_point_withdrawn, .view = &dr_user_info, .apply = copy_point};
static const struct dure_projection edited = {
    .edits = &dr_user, .view = &dr_user_info, .apply = copy_user};
static const struct dure_projection removed = {
    .removals = &dr_user, .view = &dr_user_info};

const struct dure_projection *const dr_projections[] = {
    &created, &changed, &withdrawn, &edited, &removed, NULL,
};
