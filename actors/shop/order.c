/*
 * Orders: received, then decided by the order saga; cancelled by the cancel saga.
 *
 *   place → 주문접수 → (saga) → 주문완료 | 잔액부족 | 재고부족 | 상품없음 | 가격불일치
 *   cancel: 주문완료 → 주문취소중 → (saga) → 주문취소; from any other state it is refused
 *
 * OrderPlaced is published when the price is known, since it carries it.
 */
#include "actors/shop/shop.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_order, member, json, kind, __VA_ARGS__)

const char *const shop_order_status_texts[] = {
    NULL, "주문접수", "주문완료", "잔액부족", "재고부족", "상품없음", "가격불일치", "주문취소중", "주문취소", NULL,
};

static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(product_id, "productId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(quantity, "quantity", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED,
          .texts = shop_order_status_texts),
    FIELD(price, "price", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(delivery_id, "deliveryId", DURE_INT, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Order", struct shop_order, state_fields);

#define PLACE(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_place, member, json, kind, __VA_ARGS__)
static const struct dure_field place_fields[] = {
    PLACE(product_id, "productId", DURE_INT, .flags = DURE_REQUIRED),
    PLACE(quantity, "quantity", DURE_INT, .flags = DURE_REQUIRED, .min = 1, .max = SHOP_AMOUNT_MAX),
    PLACE(user_id, "userId", DURE_INT, .flags = DURE_REQUIRED),
    PLACE(price, "price", DURE_INT, .flags = 0),
    PLACE(address, "address", DURE_TEXT, .flags = 0),
};
static const struct dure_schema place_schema =
    DURE_SCHEMA("PlaceOrder", struct shop_place, place_fields);

static const struct dure_field settle_fields[] = {
    DURE_FIELD(struct shop_settle, delivery_id, "deliveryId", DURE_INT, .flags = 0),
    DURE_FIELD(struct shop_settle, status, "status", DURE_ENUM, .texts = shop_order_status_texts),
};
static const struct dure_schema settle_schema =
    DURE_SCHEMA("SettleOrder", struct shop_settle, settle_fields);

static const struct dure_field price_fields[] = {
    DURE_FIELD(struct shop_price, price, "price", DURE_INT, .flags = 0),
};
static const struct dure_schema price_schema =
    DURE_SCHEMA("Price", struct shop_price, price_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_order_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(quantity, "quantity", DURE_INT, .flags = 0),
    EVENT(user_id, "userId", DURE_INT, .flags = 0),
    EVENT(status, "status", DURE_ENUM, .texts = shop_order_status_texts),
    EVENT(product_id, "productId", DURE_INT, .flags = 0),
    EVENT(price, "price", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("OrderEvent", struct shop_order_event, event_fields);

static void apply_received(void *state, const struct dure_event *event)
{
    const struct shop_place *place = event->data;
    struct shop_order *order = state;
    order->id = event->id;
    order->product_id = place->product_id;
    order->quantity = place->quantity;
    order->user_id = place->user_id;
    order->status = SHOP_ORDER_RECEIVED;
}

static void apply_public(void *state, const struct dure_event *event)
{
    const struct shop_order_event *changed = event->data;
    struct shop_order *order = state;
    order->status = changed->status;
    order->price = changed->price;
}

static void apply_settled(void *state, const struct dure_event *event)
{
    const struct shop_settle *settled = event->data;
    struct shop_order *order = state;
    order->status = settled->status;
    if (settled->delivery_id != DURE_NULL) order->delivery_id = settled->delivery_id;
}

struct dure_event_type shop_order_received = {
    .name = "OrderReceived", .schema = &place_schema, .internal = true, .apply = apply_received};
static struct dure_event_type settled = {
    .name = "OrderSettled", .schema = &settle_schema, .internal = true, .apply = apply_settled};
struct dure_event_type shop_order_placed = {
    .name = "OrderPlaced", .schema = &event_schema, .apply = apply_public};
struct dure_event_type shop_order_canceled = {
    .name = "OrderCanceled", .schema = &event_schema, .apply = apply_public};

static void emit_public(struct dure_out *out, const struct dure_event_type *type,
                        const struct shop_order *order, int64_t price, uint8_t status)
{
    struct shop_order_event *event = dure_emit(out, type);
    *event = (struct shop_order_event){.id = order->id, .quantity = order->quantity,
                                       .user_id = order->user_id, .status = status,
                                       .product_id = order->product_id, .price = price};
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int place(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct shop_place *wanted = in->data;
    memcpy(dure_emit(out, &shop_order_received), wanted, sizeof *wanted);
    struct shop_order_saga *saga = dure_start(out, &shop_order_saga, in->id);
    saga->order_id = in->id;
    saga->product_id = wanted->product_id;
    saga->quantity = wanted->quantity;
    saga->user_id = wanted->user_id;
    saga->wanted_price = wanted->price;
    memcpy(saga->address, wanted->address, sizeof saga->address);
    return 0;
}

static int set_price(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_price *price = in->data;
    emit_public(out, &shop_order_placed, state, price->price, SHOP_ORDER_RECEIVED);
    return 0;
}

/* Completed or refused: both are the saga's last word. */
static int settle(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    memcpy(dure_emit(out, &settled), in->data, sizeof(struct shop_settle));
    return 0;
}

static bool may_cancel(const void *state)
{
    return ((const struct shop_order *)state)->status == SHOP_ORDER_COMPLETED;
}

static int cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_order *order = state;
    if (!may_cancel(order)) {
        dure_refuse(out, 409, "주문을 취소할 수 없습니다: %s", shop_order_status_texts[order->status]);
        return 0;
    }
    struct shop_settle *canceling = dure_emit(out, &settled);
    canceling->status = SHOP_ORDER_CANCELING;
    struct shop_cancel_saga *saga = dure_start(out, &shop_cancel_saga, in->id);
    *saga = (struct shop_cancel_saga){.order_id = in->id, .delivery_id = order->delivery_id,
                                      .product_id = order->product_id, .quantity = order->quantity,
                                      .user_id = order->user_id,
                                      .amount = order->quantity * order->price};
    return 0;
}

static int finish_cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    const struct shop_order *order = state;
    emit_public(out, &shop_order_canceled, order, order->price, SHOP_ORDER_CANCELED);
    return 0;
}

static const struct dure_command shop_order_place = {
    .name = "place", .aggregate = &shop_order, .schema = &place_schema, .flags = DURE_CREATES,
    .handle = place,
    .example = {"{\"productId\":1,\"quantity\":10,\"userId\":1}",
                "shop.inventory.open shop.pay.deposit"}};
const struct dure_command shop_order_set_price = {
    .name = "set-price", .aggregate = &shop_order, .schema = &price_schema, .handle = set_price};
const struct dure_command shop_order_complete = {
    .name = "complete", .aggregate = &shop_order, .schema = &settle_schema, .handle = settle};
const struct dure_command shop_order_refuse = {
    .name = "refuse", .aggregate = &shop_order, .schema = &settle_schema, .handle = settle};
const struct dure_command shop_order_cancel = {
    .name = "cancel", .aggregate = &shop_order, .allowed = may_cancel, .handle = cancel};
const struct dure_command shop_order_finish_cancel = {
    .name = "finish-cancel", .aggregate = &shop_order, .handle = finish_cancel};

static const struct dure_command *const commands[] = {
    &shop_order_place, &shop_order_set_price, &shop_order_complete, &shop_order_refuse,
    &shop_order_cancel, &shop_order_finish_cancel, NULL,
};
static struct dure_event_type *const events[] = {
    &shop_order_received, &settled, &shop_order_placed, &shop_order_canceled, NULL,
};
static const struct dure_transition transitions[] = {
    {"status", SHOP_ORDER_CANCELED, &shop_order_cancel}, {0},
};

static const char *refused(const void *state)
{
    const struct shop_order *order = state;
    switch (order->status) {
    case SHOP_ORDER_NO_MONEY:
    case SHOP_ORDER_NO_STOCK:
    case SHOP_ORDER_NO_PRODUCT:
    case SHOP_ORDER_NO_PRICE: return shop_order_status_texts[order->status];
    default: return NULL;
    }
}

struct dure_aggregate shop_order = {
    .system = "shop", .name = "order", .collection = "orders", .schema = &state_schema,
    .commands = commands, .events = events, .create = &shop_order_place,
    .remove = &shop_order_cancel, .editable = true, .transitions = transitions,
    .refused = refused, .beside = "productId",
};
