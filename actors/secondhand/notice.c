/*
 * Notices: what a user is told, kept here and given to the notification port in the same record. Made
 * by the policies and by POST; plain data afterwards.
 */
#include "actors/notify/notify.h"
#include "actors/secondhand/secondhand.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct secondhand_notice, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(product_id, "productid", DURE_INT, .flags = DURE_INDEXED),
    FIELD(user_id, "userid", DURE_TEXT, .flags = DURE_INDEXED),
    FIELD(product_name, "productname", DURE_TEXT, .flags = 0),
    FIELD(status, "status", DURE_TEXT, .flags = 0),
    FIELD(posted, "posted", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Notice", struct secondhand_notice, state_fields);

#define TELL(member, json, kind, ...)                                                              \
    DURE_FIELD(struct secondhand_tell, member, json, kind, __VA_ARGS__)
static const struct dure_field tell_fields[] = {
    TELL(product_id, "productid", DURE_INT, .flags = 0),
    TELL(user_id, "userid", DURE_TEXT, .flags = DURE_REQUIRED),
    TELL(product_name, "productname", DURE_TEXT, .flags = 0),
    TELL(status, "status", DURE_TEXT, .flags = 0),
};
static const struct dure_schema tell_schema =
    DURE_SCHEMA("TellNotice", struct secondhand_tell, tell_fields);

static const struct dure_field event_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = 0),
    FIELD(product_id, "productid", DURE_INT, .flags = 0),
    FIELD(user_id, "userid", DURE_TEXT, .flags = 0),
    FIELD(product_name, "productname", DURE_TEXT, .flags = 0),
    FIELD(status, "status", DURE_TEXT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("StatusUpdated", struct secondhand_notice, event_fields);

static void apply_updated(void *state, const struct dure_event *event)
{
    const struct secondhand_notice *told = event->data;
    struct secondhand_notice *notice = state;
    notice->id = event->id;
    notice->product_id = told->product_id;
    memcpy(notice->user_id, told->user_id, sizeof notice->user_id);
    memcpy(notice->product_name, told->product_name, sizeof notice->product_name);
    memcpy(notice->status, told->status, sizeof notice->status);
}

static void apply_posted(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_notice *)state)->posted = 1;
}

struct dure_event_type secondhand_status_updated = {
    .name = "StatusUpdated", .schema = &event_schema, .apply = apply_updated};
static struct dure_event_type posted = {
    .name = "NoticePosted", .internal = true, .apply = apply_posted};

static int record(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct secondhand_tell *tell = in->data;
    struct secondhand_notice *event = dure_emit(out, &secondhand_status_updated);
    event->id = in->id;
    event->product_id = tell->product_id;
    memcpy(event->user_id, tell->user_id, sizeof event->user_id);
    memcpy(event->product_name, tell->product_name, sizeof event->product_name);
    memcpy(event->status, tell->status, sizeof event->status);
    notify_tell(out, "secondhand.notice", in->id, tell->user_id, tell->status);
    return 0;
}

static int post(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    int rv = record(state, in, out);
    (void)dure_emit(out, &posted);
    return rv;
}

const struct dure_command secondhand_notice_record = {
    .name = "record", .aggregate = &secondhand_notice, .schema = &tell_schema,
    .flags = DURE_CREATES, .handle = record};
static const struct dure_command secondhand_notice_post = {
    .name = "post", .aggregate = &secondhand_notice, .schema = &tell_schema,
    .flags = DURE_CREATES, .handle = post,
    .example = {"{\"productid\":100,\"userid\":\"abc\",\"productname\":\"애플워치\",\"status\":\"입고\"}"}};

static const struct dure_command *const commands[] = {
    &secondhand_notice_record, &secondhand_notice_post, NULL,
};
static struct dure_event_type *const events[] = {&secondhand_status_updated, &posted, NULL};

struct dure_aggregate secondhand_notice = {
    .system = "secondhand", .name = "notice", .collection = "notices", .schema = &state_schema,
    .commands = commands, .events = events, .create = &secondhand_notice_post, .editable = true,
    .removable = true,
};
