/*
 * My page: one row per order, fed by the order's first event and those of its delivery. The row is
 * there as soon as the order is; an order that is refused, for whatever reason, keeps a row without
 * a delivery. OrderPlaced would come too late for that: it carries the price, so an unknown product
 * never gets so far.
 */
#include "actors/shop/shop.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_mypage, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    FIELD(order_id, "orderId", DURE_INT, .flags = DURE_ID),
    FIELD(product_id, "productId", DURE_INT, .flags = 0),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_INDEXED),
    FIELD(quantity, "quantity", DURE_INT, .flags = 0),
    FIELD(delivery_status, "deliveryStatus", DURE_ENUM, .texts = shop_delivery_status_texts),
};
static const struct dure_schema schema = DURE_SCHEMA("Mypage", struct shop_mypage, fields);

struct dure_aggregate shop_mypage = {
    .system = "shop", .name = "mypage", .collection = "mypages", .schema = &schema,
    .made_by = "shop.order.place",
};

static int64_t order_of_delivery(const struct dure_event *event)
{
    return ((const struct shop_delivery_event *)event->data)->order_id;
}

static void create(void *row, const struct dure_event *event)
{
    const struct shop_place *placed = event->data;
    struct shop_mypage *mypage = row;
    mypage->order_id = event->id;
    mypage->product_id = placed->product_id;
    mypage->user_id = placed->user_id;
    mypage->quantity = placed->quantity;
}

static void follow(void *row, const struct dure_event *event)
{
    ((struct shop_mypage *)row)->delivery_status =
        ((const struct shop_delivery_event *)event->data)->status;
}

static const struct dure_projection created = {
    .event = &shop_order_received, .view = &shop_mypage, .creates = true, .apply = create};
static const struct dure_projection shipped = {
    .event = &shop_delivery_started, .view = &shop_mypage, .target = order_of_delivery,
    .apply = follow};
static const struct dure_projection returned = {
    .event = &shop_delivery_canceled, .view = &shop_mypage, .target = order_of_delivery,
    .apply = follow};

const struct dure_projection *const shop_projections[] = {&created, &shipped, &returned, NULL};
