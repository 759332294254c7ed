/*
 * The two sagas: of an order, and of its cancellation.
 *
 *   order
 *   step     command             completed by      refused by             compensation
 *   quote    quote  @ product    (its reply)       no product, price      -
 *   place    set-price @ order   OrderPlaced       -                      -
 *   pay      take   @ account    PayApproval       too little, none       PayCanceled
 *   stock    take   @ product    StockDecreased    OutOfStock             StockIncreased
 *   ship     start  @ delivery   DeliveryStarted   -                      DeliveryCanceled
 *   finish   complete @ order    (주문완료)        -                      -
 *
 *   cancel
 *   delivery cancel @ delivery   DeliveryCanceled
 *   stock    put-back @ product  StockIncreased
 *   money    give-back @ account PayCanceled
 *   finish   finish-cancel @ order  OrderCanceled
 *
 * Refused, the order becomes 상품없음, 가격불일치, 잔액부족 or 재고부족. Nothing of a cancellation
 * can be refused in the ordinary course; what is parks, for a person to see. A product or an account
 * that was removed meanwhile has nothing to take back: that step counts as done.
 */
#include "actors/shop/shop.h"

/* ---- Order ----------------------------------------------------------------------------------- */

enum step { QUOTE, PLACE, PAY, STOCK, SHIP, FINISH };

#define ORDER(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_order_saga, member, json, kind, __VA_ARGS__)
static const struct dure_field order_fields[] = {
    ORDER(order_id, "orderId", DURE_INT, .flags = 0),
    ORDER(product_id, "productId", DURE_INT, .flags = 0),
    ORDER(quantity, "quantity", DURE_INT, .flags = 0),
    ORDER(user_id, "userId", DURE_INT, .flags = 0),
    ORDER(wanted_price, "wantedPrice", DURE_INT, .flags = 0),
    ORDER(price, "price", DURE_INT, .flags = 0),
    ORDER(delivery_id, "deliveryId", DURE_INT, .flags = 0),
    ORDER(address, "address", DURE_TEXT, .flags = 0),
};
static const struct dure_schema order_schema =
    DURE_SCHEMA("OrderSaga", struct shop_order_saga, order_fields);

static int64_t product(const void *data)
{
    return ((const struct shop_order_saga *)data)->product_id;
}

static int64_t user(const void *data)
{
    return ((const struct shop_order_saga *)data)->user_id;
}

static int64_t order(const void *data)
{
    return ((const struct shop_order_saga *)data)->order_id;
}

static void fill_quote(const void *data, void *payload)
{
    ((struct shop_price *)payload)->price = ((const struct shop_order_saga *)data)->wanted_price;
}

static void learn_price(void *data, const struct dure_outcome *outcome)
{
    const struct shop_price *reply = outcome->reply;
    if (reply != NULL) ((struct shop_order_saga *)data)->price = reply->price;
}

static void fill_place(const void *data, void *payload)
{
    ((struct shop_price *)payload)->price = ((const struct shop_order_saga *)data)->price;
}

/* More than any account can hold when the product overflows: refused as too little money. */
static void fill_pay(const void *data, void *payload)
{
    const struct shop_order_saga *saga = data;
    struct shop_take *take = payload;
    take->order_id = saga->order_id;
    if (__builtin_mul_overflow(saga->quantity, saga->price, &take->amount))
        take->amount = INT64_MAX;
}

static void fill_stock(const void *data, void *payload)
{
    const struct shop_order_saga *saga = data;
    *(struct shop_take *)payload =
        (struct shop_take){.amount = saga->quantity, .order_id = saga->order_id};
}

static void fill_ship(const void *data, void *payload)
{
    const struct shop_order_saga *saga = data;
    struct shop_ship *ship = payload;
    ship->order_id = saga->order_id;
    ship->user_id = saga->user_id;
    ship->quantity = saga->quantity;
    ship->product_id = saga->product_id;
    memcpy(ship->address, saga->address, sizeof ship->address);
}

static void learn_delivery(void *data, const struct dure_outcome *outcome)
{
    if (outcome->done) ((struct shop_order_saga *)data)->delivery_id = outcome->id;
}

static void fill_finish(const void *data, void *payload)
{
    struct shop_settle *settle = payload;
    settle->delivery_id = ((const struct shop_order_saga *)data)->delivery_id;
    settle->status = SHOP_ORDER_COMPLETED;
}

static void fill_refuse(const void *data, size_t step, const char *reason, void *payload)
{
    (void)reason;
    const struct shop_order_saga *saga = data;
    uint8_t status = SHOP_ORDER_NO_STOCK;
    /* A refused quote that named a price found the product: the price was another one. */
    if (step == QUOTE)
        status = saga->price == DURE_NULL ? SHOP_ORDER_NO_PRODUCT : SHOP_ORDER_NO_PRICE;
    if (step == PAY) status = SHOP_ORDER_NO_MONEY;
    ((struct shop_settle *)payload)->status = status;
}

static const struct dure_saga_step order_steps[] = {
    [QUOTE] = {.name = "quote", .command = &shop_inventory_quote, .target = product,
               .fill = fill_quote, .learn = learn_price, .missing = "상품없음: 없는 상품입니다"},
    [PLACE] = {.name = "place", .command = &shop_order_set_price, .target = order,
               .fill = fill_place, .done = &shop_order_placed},
    [PAY] = {.name = "pay", .command = &shop_pay_take, .by_key = true, .target = user,
             .fill = fill_pay, .done = &shop_pay_approval, .undo = &shop_pay_give_back,
             .fill_undo = fill_pay, .missing = "잔액부족: 계좌가 없습니다"},
    [STOCK] = {.name = "stock", .command = &shop_inventory_take, .target = product,
               .fill = fill_stock, .done = &shop_stock_decreased, .refused = &shop_out_of_stock,
               .undo = &shop_inventory_put_back, .fill_undo = fill_stock,
               .missing = "재고부족: 없어진 상품입니다"},
    [SHIP] = {.name = "ship", .command = &shop_delivery_start, .fill = fill_ship,
              .learn = learn_delivery, .done = &shop_delivery_started,
              .undo = &shop_delivery_cancel},
    [FINISH] = {.name = "finish", .command = &shop_order_complete, .target = order,
                .fill = fill_finish},
};

struct dure_saga shop_order_saga = {
    .system = "shop", .name = "order-saga", .data = &order_schema, .steps = order_steps,
    .steps_count = sizeof order_steps / sizeof order_steps[0], .refuse = &shop_order_refuse,
    .fill_refuse = fill_refuse,
};

/* ---- Cancel ---------------------------------------------------------------------------------- */

#define CANCEL(member, json, kind, ...)                                                            \
    DURE_FIELD(struct shop_cancel_saga, member, json, kind, __VA_ARGS__)
static const struct dure_field cancel_fields[] = {
    CANCEL(order_id, "orderId", DURE_INT, .flags = 0),
    CANCEL(delivery_id, "deliveryId", DURE_INT, .flags = 0),
    CANCEL(product_id, "productId", DURE_INT, .flags = 0),
    CANCEL(quantity, "quantity", DURE_INT, .flags = 0),
    CANCEL(user_id, "userId", DURE_INT, .flags = 0),
    CANCEL(amount, "amount", DURE_INT, .flags = 0),
};
static const struct dure_schema cancel_schema =
    DURE_SCHEMA("CancelSaga", struct shop_cancel_saga, cancel_fields);

static int64_t canceled_delivery(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->delivery_id;
}

static int64_t canceled_product(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->product_id;
}

static int64_t canceled_user(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->user_id;
}

static int64_t canceled_order(const void *data)
{
    return ((const struct shop_cancel_saga *)data)->order_id;
}

static void fill_put_back(const void *data, void *payload)
{
    const struct shop_cancel_saga *saga = data;
    *(struct shop_take *)payload =
        (struct shop_take){.amount = saga->quantity, .order_id = saga->order_id};
}

static void fill_give_back(const void *data, void *payload)
{
    const struct shop_cancel_saga *saga = data;
    *(struct shop_take *)payload =
        (struct shop_take){.amount = saga->amount, .order_id = saga->order_id};
}

static const struct dure_saga_step cancel_steps[] = {
    {.name = "delivery", .command = &shop_delivery_cancel, .target = canceled_delivery,
     .done = &shop_delivery_canceled, .must = true, .unless_gone = true},
    {.name = "stock", .command = &shop_inventory_put_back, .target = canceled_product,
     .fill = fill_put_back, .done = &shop_stock_increased, .must = true, .unless_gone = true},
    {.name = "money", .command = &shop_pay_give_back, .by_key = true, .target = canceled_user,
     .fill = fill_give_back, .done = &shop_pay_canceled, .must = true, .unless_gone = true},
    {.name = "finish", .command = &shop_order_finish_cancel, .target = canceled_order,
     .done = &shop_order_canceled, .must = true},
};

struct dure_saga shop_cancel_saga = {
    .system = "shop", .name = "cancel-saga", .data = &cancel_schema, .steps = cancel_steps,
    .steps_count = sizeof cancel_steps / sizeof cancel_steps[0],
};
