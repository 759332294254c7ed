/*
 * Stock: one row a product (the natural key). A second POST adds to it; the sagas take and give back.
 * The status tells what the last trade found.
 */
#include "actors/secondhand/secondhand.h"

const char *const secondhand_stock_status_texts[] = {
    NULL, "거래 진행 중 재고와 실제 거래량 일치", SECONDHAND_MISMATCH, "거래 취소로 인한 재고 감소 없음", NULL,
};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct secondhand_inventory, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(product_id, "productid", DURE_INT,
          .flags = DURE_GOVERNED | DURE_INDEXED | DURE_REQUIRED),
    FIELD(product_name, "productname", DURE_TEXT, .flags = 0),
    FIELD(qty, "qty", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED, .min = 0,
          .max = SECONDHAND_AMOUNT_MAX),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = secondhand_stock_status_texts),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Inventory", struct secondhand_inventory, state_fields);
static const struct dure_field add_fields[] = {
    FIELD(product_id, "productid", DURE_INT, .flags = DURE_REQUIRED),
    FIELD(product_name, "productname", DURE_TEXT, .flags = 0),
    FIELD(qty, "qty", DURE_INT, .flags = DURE_REQUIRED, .min = 0, .max = SECONDHAND_AMOUNT_MAX),
};
static const struct dure_schema add_schema =
    DURE_SCHEMA("AddStock", struct secondhand_inventory, add_fields);

static const struct dure_field take_fields[] = {
    DURE_FIELD(struct secondhand_take, qty, "qty", DURE_INT, .flags = 0),
    DURE_FIELD(struct secondhand_take, user_id, "userid", DURE_TEXT, .flags = 0),
};
static const struct dure_schema take_schema =
    DURE_SCHEMA("TakeStock", struct secondhand_take, take_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct secondhand_stock_event, member, json, kind, __VA_ARGS__)
#define EVENT_FIELDS                                                                               \
    EVENT(id, "id", DURE_INT, .flags = 0), EVENT(product_id, "productid", DURE_INT, .flags = 0),   \
        EVENT(product_name, "productname", DURE_TEXT, .flags = 0),                                 \
        EVENT(qty, "qty", DURE_INT, .flags = 0),                                                   \
        EVENT(status, "status", DURE_ENUM, .texts = secondhand_stock_status_texts)
static const struct dure_field public_fields[] = {
    EVENT_FIELDS,
    EVENT(user_id, "userid", DURE_TEXT, .flags = DURE_HIDDEN),
};
static const struct dure_schema public_schema =
    DURE_SCHEMA("StockEvent", struct secondhand_stock_event, public_fields);
static const struct dure_field moved_fields[] = {
    EVENT_FIELDS,
    EVENT(moved, "moved", DURE_INT, .flags = 0),
};
static const struct dure_schema moved_schema =
    DURE_SCHEMA("StockMoved", struct secondhand_stock_event, moved_fields);

static void apply(void *state, const struct dure_event *event)
{
    const struct secondhand_stock_event *moved = event->data;
    struct secondhand_inventory *inventory = state;
    inventory->id = event->id;
    inventory->product_id = moved->product_id;
    inventory->qty = moved->qty;
    inventory->status = moved->status;
    memcpy(inventory->product_name, moved->product_name, sizeof inventory->product_name);
}

struct dure_event_type secondhand_stock_decreased = {
    .name = "StockDecresed", .schema = &public_schema, .apply = apply};
struct dure_event_type secondhand_stock_added = {
    .name = "StockAdded", .schema = &moved_schema, .internal = true, .apply = apply};
static struct dure_event_type returned = {
    .name = "StockReturned", .schema = &moved_schema, .internal = true, .apply = apply};
static struct dure_event_type mismatched = {
    .name = "StockMismatched", .schema = &moved_schema, .internal = true, .apply = apply};

static struct secondhand_stock_event *emit(struct dure_out *out, const struct dure_event_type *type,
                                           const struct secondhand_inventory *inventory,
                                           int64_t moved, uint8_t status)
{
    struct secondhand_stock_event *event = dure_emit(out, type);
    event->id = inventory->id;
    event->product_id = inventory->product_id;
    event->qty = inventory->qty + moved;
    event->moved = moved;
    event->status = status;
    memcpy(event->product_name, inventory->product_name, sizeof event->product_name);
    return event;
}

static int add(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_inventory *inventory = state, *wanted = in->data;
    int64_t there = in->exists ? inventory->qty : 0;
    if (wanted->qty > SECONDHAND_AMOUNT_MAX - there) {
        dure_refuse(out, 409, "the stock would exceed %lld", (long long)SECONDHAND_AMOUNT_MAX);
        return 0;
    }
    struct secondhand_inventory next = in->exists ? *inventory : *wanted;
    next.id = in->id;
    next.qty = there;
    if (wanted->product_name[0] != '\0') {
        memcpy(next.product_name, wanted->product_name, sizeof next.product_name);
    }
    (void)emit(out, &secondhand_stock_added, &next, wanted->qty,
               in->exists ? inventory->status : SECONDHAND_STOCK_NONE);
    return 0;
}

static int take(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_inventory *inventory = state;
    const struct secondhand_take *wanted = in->data;
    if (wanted->qty > inventory->qty) {
        (void)emit(out, &mismatched, inventory, 0, SECONDHAND_STOCK_MISMATCH);
        dure_refuse(out, 409, SECONDHAND_MISMATCH ": 상품 %lld의 재고는 %lld개입니다",
                    (long long)inventory->product_id, (long long)inventory->qty);
        return 0;
    }
    struct secondhand_stock_event *event = emit(out, &secondhand_stock_decreased, inventory,
                                                -wanted->qty, SECONDHAND_STOCK_MATCH);
    memcpy(event->user_id, wanted->user_id, sizeof event->user_id);
    return 0;
}

/* Stock that was added meanwhile may leave no room: the saga parks until there is. */
static int put_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_inventory *inventory = state;
    int64_t qty = ((const struct secondhand_take *)in->data)->qty;
    if (qty > SECONDHAND_AMOUNT_MAX - inventory->qty) {
        dure_refuse(out, 409, "the stock would exceed %lld", (long long)SECONDHAND_AMOUNT_MAX);
        return 0;
    }
    (void)emit(out, &returned, inventory, qty, SECONDHAND_STOCK_RETURNED);
    return 0;
}

static const struct dure_command secondhand_inventory_add = {
    .name = "add", .aggregate = &secondhand_inventory, .schema = &add_schema,
    .flags = DURE_CREATES, .handle = add,
    .example = {"{\"productid\":100,\"productname\":\"애플워치\",\"qty\":10}"}};
const struct dure_command secondhand_inventory_take = {
    .name = "take", .aggregate = &secondhand_inventory, .schema = &take_schema, .handle = take};
const struct dure_command secondhand_inventory_put_back = {
    .name = "put-back", .aggregate = &secondhand_inventory, .schema = &take_schema,
    .handle = put_back};

static const struct dure_command *const commands[] = {
    &secondhand_inventory_add, &secondhand_inventory_take, &secondhand_inventory_put_back, NULL,
};
static struct dure_event_type *const events[] = {
    &secondhand_stock_added, &secondhand_stock_decreased, &returned, &mismatched, NULL,
};

struct dure_aggregate secondhand_inventory = {
    .system = "secondhand", .name = "inventory", .collection = "inventories",
    .schema = &state_schema, .commands = commands, .events = events,
    .create = &secondhand_inventory_add, .key = "productid", .editable = true, .removable = true,
};
