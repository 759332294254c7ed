/*
 * Products and their stock. The stock moves only by the sagas' commands; name, price and the free
 * status text are edited. A price counts for orders placed from then on.
 */
#include "actors/shop/shop.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_inventory, member, json, kind, __VA_ARGS__)

static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(stock_name, "stockName", DURE_TEXT, .flags = DURE_REQUIRED),
    FIELD(stock_count, "stockCount", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED, .min = 0,
          .max = SHOP_AMOUNT_MAX),
    FIELD(status, "status", DURE_TEXT, .flags = 0),
    FIELD(price, "price", DURE_INT, .flags = DURE_REQUIRED, .min = 0, .max = SHOP_AMOUNT_MAX),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Inventory", struct shop_inventory, state_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_inventory_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(stock_name, "stockName", DURE_TEXT, .flags = 0),
    EVENT(status, "status", DURE_TEXT, .flags = 0),
    EVENT(stock_count, "stockCount", DURE_INT, .flags = 0),
    EVENT(price, "price", DURE_INT, .flags = 0),
    EVENT(order_id, "orderId", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("InventoryEvent", struct shop_inventory_event, event_fields);

static const struct dure_field price_fields[] = {
    DURE_FIELD(struct shop_price, price, "price", DURE_INT, .flags = 0),
};
static const struct dure_schema price_schema =
    DURE_SCHEMA("Price", struct shop_price, price_fields);

static const struct dure_field take_fields[] = {
    DURE_FIELD(struct shop_take, amount, "amount", DURE_INT, .flags = 0),
    DURE_FIELD(struct shop_take, order_id, "orderId", DURE_INT, .flags = 0),
};
static const struct dure_schema take_schema =
    DURE_SCHEMA("TakeStock", struct shop_take, take_fields);

static void apply_opened(void *state, const struct dure_event *event)
{
    memcpy(state, event->data, sizeof(struct shop_inventory));
    ((struct shop_inventory *)state)->id = event->id;
}

static void apply_moved(void *state, const struct dure_event *event)
{
    ((struct shop_inventory *)state)->stock_count =
        ((const struct shop_inventory_event *)event->data)->stock_count;
}

struct dure_event_type shop_inventory_opened = {
    .name = "InventoryOpened", .schema = &state_schema, .internal = true, .apply = apply_opened};
struct dure_event_type shop_out_of_stock = {
    .name = "OutOfStock", .schema = &event_schema, .apply = apply_moved};
struct dure_event_type shop_stock_decreased = {
    .name = "StockDecreased", .schema = &event_schema, .apply = apply_moved};
struct dure_event_type shop_stock_increased = {
    .name = "StockIncreased", .schema = &event_schema, .apply = apply_moved};

static void emit_moved(struct dure_out *out, const struct dure_event_type *type,
                       const struct shop_inventory *inventory, int64_t stock_count,
                       int64_t order_id)
{
    struct shop_inventory_event *event = dure_emit(out, type);
    event->id = inventory->id;
    event->stock_count = stock_count;
    event->price = inventory->price;
    event->order_id = order_id;
    memcpy(event->stock_name, inventory->stock_name, sizeof event->stock_name);
    memcpy(event->status, inventory->status, sizeof event->status);
}

static int open_stock(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    memcpy(dure_emit(out, &shop_inventory_opened), in->data, sizeof(struct shop_inventory));
    return 0;
}

/* The price of one piece; refused when the client expects another. */
static int quote(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_inventory *inventory = state;
    const struct shop_price *wanted = in->data;
    struct shop_price *reply = dure_reply(out);
    reply->price = inventory->price;
    if (wanted->price != DURE_NULL && wanted->price != inventory->price) {
        dure_refuse(out, 409, "가격불일치: 상품 %lld의 가격은 %lld입니다", (long long)in->id,
                    (long long)inventory->price);
    }
    return 0;
}

static int take(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_inventory *inventory = state;
    const struct shop_take *wanted = in->data;
    if (wanted->amount > inventory->stock_count) {
        emit_moved(out, &shop_out_of_stock, inventory, inventory->stock_count, wanted->order_id);
        dure_refuse(out, 409, "재고부족: 상품 %lld의 재고는 %lld개입니다", (long long)in->id,
                    (long long)inventory->stock_count);
        return 0;
    }
    emit_moved(out, &shop_stock_decreased, inventory, inventory->stock_count - wanted->amount,
               wanted->order_id);
    return 0;
}

static int put_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_inventory *inventory = state;
    const struct shop_take *back = in->data;
    emit_moved(out, &shop_stock_increased, inventory, inventory->stock_count + back->amount,
               back->order_id);
    return 0;
}

static const struct dure_command shop_inventory_open = {
    .name = "open", .aggregate = &shop_inventory, .schema = &state_schema, .flags = DURE_CREATES,
    .handle = open_stock,
    .example = {"{\"stockName\":\"TV\",\"stockCount\":1000,\"price\":1000}"}};
const struct dure_command shop_inventory_quote = {
    .name = "quote", .aggregate = &shop_inventory, .schema = &price_schema, .reply = &price_schema,
    .handle = quote};
const struct dure_command shop_inventory_take = {
    .name = "take", .aggregate = &shop_inventory, .schema = &take_schema, .handle = take};
const struct dure_command shop_inventory_put_back = {
    .name = "put-back", .aggregate = &shop_inventory, .schema = &take_schema, .handle = put_back};

static const struct dure_command *const commands[] = {
    &shop_inventory_open, &shop_inventory_quote, &shop_inventory_take, &shop_inventory_put_back,
    NULL,
};
static struct dure_event_type *const events[] = {
    &shop_inventory_opened, &shop_out_of_stock, &shop_stock_decreased, &shop_stock_increased, NULL,
};

struct dure_aggregate shop_inventory = {
    .system = "shop", .name = "inventory", .collection = "inventories", .schema = &state_schema,
    .commands = commands, .events = events, .create = &shop_inventory_open, .editable = true,
    .removable = true,
};
