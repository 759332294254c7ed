/*
 * The cancel saga: delivery, stock and money back, then the order. Nothing here can be refused in
 * the ordinary course; what is parks, for a person to see. A product or an account that was removed
 * meanwhile has nothing to take back: that step counts as done.
 */
#include "actors/shop/shop.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_cancel_saga, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    FIELD(order_id, "orderId", DURE_INT, .flags = 0),
    FIELD(delivery_id, "deliveryId", DURE_INT, .flags = 0),
    FIELD(product_id, "productId", DURE_INT, .flags = 0),
    FIELD(quantity, "quantity", DURE_INT, .flags = 0),
    FIELD(user_id, "userId", DURE_INT, .flags = 0),
    FIELD(amount, "amount", DURE_INT, .flags = 0),
};
static const struct dure_schema schema = DURE_SCHEMA("CancelSaga", struct shop_cancel_saga, fields);

static int64_t delivery(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->delivery_id;
}

static int64_t product(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->product_id;
}

static int64_t user(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->user_id;
}

static int64_t order(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->order_id;
}

static void fill_stock(const void *data, void *payload)
{
    const struct shop_cancel_saga *saga = data;
    *(struct shop_take *)payload =
        (struct shop_take){.amount = saga->quantity, .order_id = saga->order_id};
}

static void fill_money(const void *data, void *payload)
{
    const struct shop_cancel_saga *saga = data;
    *(struct shop_take *)payload =
        (struct shop_take){.amount = saga->amount, .order_id = saga->order_id};
}

static const struct dure_saga_step steps[] = {
    {.name = "delivery", .command = &shop_delivery_cancel, .target = delivery,
     .done = &shop_delivery_canceled, .must = true, .unless_gone = true},
    {.name = "stock", .command = &shop_inventory_put_back, .target = product, .fill = fill_stock,
     .done = &shop_stock_increased, .must = true, .unless_gone = true},
    {.name = "money", .command = &shop_pay_give_back, .by_key = true, .target = user,
     .fill = fill_money, .done = &shop_pay_canceled, .must = true, .unless_gone = true},
    {.name = "finish", .command = &shop_order_finish_cancel, .target = order,
     .done = &shop_order_canceled, .must = true},
};

struct dure_saga shop_cancel_saga = {
    .system = "shop", .name = "cancel-saga", .data = &schema, .steps = steps,
    .steps_count = sizeof steps / sizeof steps[0],
};
