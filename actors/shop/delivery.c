/*
 * Deliveries: made and cancelled by the sagas; people may correct the address.
 */
#include "actors/shop/shop.h"

const char *const shop_delivery_status_texts[] = {NULL, "배송중", "배송취소", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_delivery, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(order_id, "orderId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(address, "address", DURE_TEXT, .flags = 0),
    FIELD(quantity, "quantity", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED,
          .texts = shop_delivery_status_texts),
    FIELD(product_id, "productId", DURE_INT, .flags = DURE_GOVERNED),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Delivery", struct shop_delivery, state_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_delivery_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(order_id, "orderId", DURE_INT, .flags = 0),
    EVENT(user_id, "userId", DURE_INT, .flags = 0),
    EVENT(address, "address", DURE_TEXT, .flags = 0),
    EVENT(quantity, "quantity", DURE_INT, .flags = 0),
    EVENT(status, "status", DURE_ENUM, .texts = shop_delivery_status_texts),
    EVENT(product_id, "productId", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("DeliveryEvent", struct shop_delivery_event, event_fields);

#define SHIP(member, json, kind, ...) DURE_FIELD(struct shop_ship, member, json, kind, __VA_ARGS__)
static const struct dure_field ship_fields[] = {
    SHIP(order_id, "orderId", DURE_INT, .flags = 0),
    SHIP(user_id, "userId", DURE_INT, .flags = 0),
    SHIP(quantity, "quantity", DURE_INT, .flags = 0),
    SHIP(product_id, "productId", DURE_INT, .flags = 0),
    SHIP(address, "address", DURE_TEXT, .flags = 0),
};
static const struct dure_schema ship_schema = DURE_SCHEMA("Ship", struct shop_ship, ship_fields);

static void apply_delivery(void *state, const struct dure_event *event)
{
    const struct shop_delivery_event *changed = event->data;
    struct shop_delivery *delivery = state;
    delivery->id = event->id;
    delivery->order_id = changed->order_id;
    delivery->user_id = changed->user_id;
    delivery->quantity = changed->quantity;
    delivery->product_id = changed->product_id;
    delivery->status = changed->status;
    memcpy(delivery->address, changed->address, sizeof delivery->address);
}

struct dure_event_type shop_delivery_started = {
    .name = "DeliveryStarted", .schema = &event_schema, .apply = apply_delivery};
struct dure_event_type shop_delivery_canceled = {
    .name = "DeliveryCanceled", .schema = &event_schema, .apply = apply_delivery};

static int start(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct shop_ship *ship = in->data;
    struct shop_delivery_event *event = dure_emit(out, &shop_delivery_started);
    event->id = in->id;
    event->order_id = ship->order_id;
    event->user_id = ship->user_id;
    event->quantity = ship->quantity;
    event->product_id = ship->product_id;
    event->status = SHOP_DELIVERY_STARTED;
    memcpy(event->address, ship->address, sizeof event->address);
    return 0;
}

static int cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_delivery *delivery = state;
    if (delivery->status != SHOP_DELIVERY_STARTED) {
        dure_refuse(out, 409, "delivery %lld is not under way", (long long)in->id);
        return 0;
    }
    struct shop_delivery_event *event = dure_emit(out, &shop_delivery_canceled);
    event->id = in->id;
    event->order_id = delivery->order_id;
    event->user_id = delivery->user_id;
    event->quantity = delivery->quantity;
    event->product_id = delivery->product_id;
    event->status = SHOP_DELIVERY_CANCELED;
    memcpy(event->address, delivery->address, sizeof event->address);
    return 0;
}

static bool may_remove(const void *state)
{
    return ((const struct shop_delivery *)state)->status == SHOP_DELIVERY_CANCELED;
}

const struct dure_command shop_delivery_start = {
    .name = "start", .aggregate = &shop_delivery, .schema = &ship_schema, .flags = DURE_CREATES,
    .handle = start};
const struct dure_command shop_delivery_cancel = {
    .name = "cancel", .aggregate = &shop_delivery, .handle = cancel};

static const struct dure_command *const commands[] = {
    &shop_delivery_start, &shop_delivery_cancel, NULL,
};
static struct dure_event_type *const events[] = {
    &shop_delivery_started, &shop_delivery_canceled, NULL,
};

struct dure_aggregate shop_delivery = {
    .system = "shop", .name = "delivery", .collection = "deliveries", .schema = &state_schema,
    .commands = commands, .events = events, .editable = true, .removable = true,
    .may_remove = may_remove, .made_by = "shop.order.place", .remove_after = "shop.order.cancel",
};
