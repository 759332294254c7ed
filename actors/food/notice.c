/*
 * Notification logs: each change of an order as its customer is told it. Made by the policies, never
 * changed; each is given to the notification port in the same record.
 */
#include "actors/food/food.h"
#include "actors/notify/notify.h"

#include <stdio.h>

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_notice, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(customer_id, "customerId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(order_id, "orderId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(message, "message", DURE_TEXT, .flags = DURE_GOVERNED),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("NotificationLog", struct food_notice, state_fields);

static void apply_recorded(void *state, const struct dure_event *event)
{
    memcpy(state, event->data, sizeof(struct food_notice));
    ((struct food_notice *)state)->id = event->id;
}

static struct dure_event_type recorded = {
    .name = "NotificationLogged", .schema = &state_schema, .internal = true,
    .apply = apply_recorded};

static int record(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct food_notice *notice = in->data;
    char customer[24];
    memcpy(dure_emit(out, &recorded), notice, sizeof *notice);
    snprintf(customer, sizeof customer, "%lld", (long long)notice->customer_id);
    notify_tell(out, "food.notification", notice->order_id, customer, notice->message);
    return 0;
}

const struct dure_command food_notice_record = {
    .name = "record", .aggregate = &food_notice, .schema = &state_schema, .flags = DURE_CREATES,
    .handle = record};

static const struct dure_command *const commands[] = {&food_notice_record, NULL};
static struct dure_event_type *const events[] = {&recorded, NULL};

struct dure_aggregate food_notice = {
    .system = "food", .name = "notificationLog", .collection = "notificationLogs",
    .made_by = "food.order.place",
    .schema = &state_schema, .commands = commands, .events = events,
};
