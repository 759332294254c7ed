/*
 * Store orders: what the kitchen has before it, one an order (the natural key).
 *
 *   대기중 ─ accept → 접수됨 ─ start-cook → 요리중 ─ finish-cook → 요리완료
 *   대기중 ─ reject → 거부됨                 대기중, 접수됨 ─ withdraw (the customer cancels) → 취소됨
 *
 * This table decides between a customer who cancels and a kitchen that starts.
 */
#include "actors/food/food.h"

static const char *const status_texts[] = {
    NULL, "대기중", "접수됨", "요리중", "요리완료", "거부됨", "취소됨", NULL,
};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_store_order, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(food_id, "foodId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(order_id, "orderId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED, .texts = status_texts),
    FIELD(payment_id, "paymentId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(address, "address", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(options, "options", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(store_id, "storeId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(customer_id, "customerId", DURE_INT, .flags = DURE_GOVERNED),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("StoreOrder", struct food_store_order, state_fields);

#define OPEN(member, json, kind, ...) DURE_FIELD(struct food_open, member, json, kind, __VA_ARGS__)
static const struct dure_field open_fields[] = {
    OPEN(food_id, "foodId", DURE_INT, .flags = 0),
    OPEN(order_id, "orderId", DURE_INT, .flags = 0),
    OPEN(payment_id, "paymentId", DURE_INT, .flags = 0),
    OPEN(store_id, "storeId", DURE_INT, .flags = 0),
    OPEN(customer_id, "customerId", DURE_INT, .flags = 0),
    OPEN(address, "address", DURE_TEXT, .flags = 0),
    OPEN(options, "options", DURE_TEXT, .flags = 0),
    OPEN(reason, "reason", DURE_TEXT, .flags = 0),
};
static const struct dure_schema open_schema =
    DURE_SCHEMA("OpenStoreOrder", struct food_open, open_fields);

static const struct dure_field reason_fields[] = {
    DURE_FIELD(struct food_reason, reason, "reason", DURE_TEXT, .flags = 0),
};
static const struct dure_schema reason_schema =
    DURE_SCHEMA("RejectStoreOrder", struct food_reason, reason_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_store_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(food_id, "foodId", DURE_INT, .flags = 0),
    EVENT(order_id, "orderId", DURE_INT, .flags = 0),
    EVENT(customer_id, "customerId", DURE_INT, .flags = 0),
    EVENT(store_id, "storeId", DURE_INT, .flags = 0),
    EVENT(address, "address", DURE_TEXT, .flags = 0),
    EVENT(options, "options", DURE_TEXT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("StoreOrderEvent", struct food_store_event, event_fields);

static const struct dure_field rejected_fields[] = {
    DURE_FIELD(struct food_rejected, id, "id", DURE_INT, .flags = 0),
    DURE_FIELD(struct food_rejected, order_id, "orderId", DURE_INT, .flags = 0),
    DURE_FIELD(struct food_rejected, reason, "reason", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct food_rejected, customer_id, "customerId", DURE_INT, .flags = 0),
};
static const struct dure_schema rejected_schema =
    DURE_SCHEMA("OrderRejected", struct food_rejected, rejected_fields);

/* ---- Events --------------------------------------------------------------------------------- */

static void apply_opened(void *state, const struct dure_event *event)
{
    const struct food_open *open = event->data;
    struct food_store_order *order = state;
    order->id = event->id;
    order->food_id = open->food_id;
    order->order_id = open->order_id;
    order->payment_id = open->payment_id;
    order->store_id = open->store_id;
    order->customer_id = open->customer_id;
    order->status = FOOD_STORE_WAITING;
    memcpy(order->address, open->address, sizeof order->address);
    memcpy(order->options, open->options, sizeof order->options);
}

static void apply_accepted(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_store_order *)state)->status = FOOD_STORE_ACCEPTED;
}

static void apply_rejected(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_store_order *)state)->status = FOOD_STORE_REJECTED;
}

static void apply_cooking(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_store_order *)state)->status = FOOD_STORE_COOKING;
}

static void apply_cooked(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_store_order *)state)->status = FOOD_STORE_COOKED;
}

static void apply_withdrawn(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_store_order *)state)->status = FOOD_STORE_CANCELED;
}

static struct dure_event_type opened = {
    .name = "StoreOrderOpened", .schema = &open_schema, .internal = true, .apply = apply_opened};
static struct dure_event_type withdrawn = {
    .name = "StoreOrderWithdrawn", .internal = true, .apply = apply_withdrawn};
struct dure_event_type food_store_accepted = {
    .name = "OrderAccepted", .schema = &event_schema, .apply = apply_accepted};
struct dure_event_type food_store_rejected = {
    .name = "OrderRejected", .schema = &rejected_schema, .apply = apply_rejected};
struct dure_event_type food_cooking_started = {
    .name = "CookingStarted", .schema = &event_schema, .apply = apply_cooking};
struct dure_event_type food_cooked = {
    .name = "Cooked", .schema = &event_schema, .apply = apply_cooked};

/* ---- Commands ------------------------------------------------------------------------------- */

static void emit_rejected(struct dure_out *out, int64_t id, int64_t order_id, int64_t customer_id,
                          const char *reason)
{
    struct food_rejected *event = dure_emit(out, &food_store_rejected);
    event->id = id;
    event->order_id = order_id;
    event->customer_id = customer_id;
    memcpy(event->reason, reason, sizeof event->reason);
}

static int open_order(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct food_open *wanted = in->data;
    *(struct food_open *)dure_emit(out, &opened) = *wanted;
    if (wanted->reason[0] != '\0') {
        emit_rejected(out, in->id, wanted->order_id, wanted->customer_id, wanted->reason);
    }
    return 0;
}

static bool is_waiting(const void *state)
{
    return ((const struct food_store_order *)state)->status == FOOD_STORE_WAITING;
}

static bool is_accepted(const void *state)
{
    return ((const struct food_store_order *)state)->status == FOOD_STORE_ACCEPTED;
}

static bool is_cooking(const void *state)
{
    return ((const struct food_store_order *)state)->status == FOOD_STORE_COOKING;
}

/* One step of the kitchen: only when its turn has come. */
static int step(const struct food_store_order *order, bool allowed, const struct dure_msg *in,
                struct dure_out *out, const struct dure_event_type *type)
{
    if (!allowed) {
        dure_refuse(out, 409, "주문이 %s 상태입니다: %s", status_texts[order->status],
                    in->command->name);
        return 0;
    }
    struct food_store_event *event = dure_emit(out, type);
    event->id = in->id;
    event->food_id = order->food_id;
    event->order_id = order->order_id;
    event->customer_id = order->customer_id;
    event->store_id = order->store_id;
    memcpy(event->address, order->address, sizeof event->address);
    memcpy(event->options, order->options, sizeof event->options);
    return 0;
}

static int accept_order(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return step(state, is_waiting(state), in, out, &food_store_accepted);
}

static int start_cook(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return step(state, is_accepted(state), in, out, &food_cooking_started);
}

static int finish_cook(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return step(state, is_cooking(state), in, out, &food_cooked);
}

static int reject(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_store_order *order = state;
    if (!is_waiting(order)) {
        dure_refuse(out, 409, "주문이 %s 상태입니다: reject", status_texts[order->status]);
        return 0;
    }
    emit_rejected(out, in->id, order->order_id, order->customer_id,
                  ((const struct food_reason *)in->data)->reason);
    return 0;
}

static int withdraw(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    if (!is_waiting(state) && !is_accepted(state)) {
        dure_refuse(out, 409, "%s", FOOD_TOO_LATE);
        return 0;
    }
    (void)dure_emit(out, &withdrawn);
    return 0;
}

const struct dure_command food_store_open = {
    .name = "open", .aggregate = &food_store_order, .schema = &open_schema, .flags = DURE_CREATES,
    .handle = open_order};
const struct dure_command food_store_withdraw = {
    .name = "withdraw", .aggregate = &food_store_order, .handle = withdraw};
static const struct dure_command food_store_accept = {
    .name = "accept", .aggregate = &food_store_order, .allowed = is_waiting,
    .handle = accept_order};
static const struct dure_command food_store_reject = {
    .name = "reject", .aggregate = &food_store_order, .schema = &reason_schema,
    .allowed = is_waiting, .handle = reject,
    .example = {"{\"reason\":\"재료 소진\"}"}};
static const struct dure_command food_store_start_cook = {
    .name = "start-cook", .aggregate = &food_store_order, .allowed = is_accepted,
    .handle = start_cook,
    .example = {.after = "food.storeOrder.accept"}};
static const struct dure_command food_store_finish_cook = {
    .name = "finish-cook", .aggregate = &food_store_order, .allowed = is_cooking,
    .handle = finish_cook,
    .example = {.after = "food.storeOrder.start-cook"}};

static const struct dure_command *const commands[] = {
    &food_store_open,       &food_store_withdraw,    &food_store_accept, &food_store_reject,
    &food_store_start_cook, &food_store_finish_cook, NULL,
};
static struct dure_event_type *const events[] = {
    &opened,      &withdrawn, &food_store_accepted, &food_store_rejected, &food_cooking_started,
    &food_cooked, NULL,
};
static const struct dure_transition transitions[] = {
    {"status", FOOD_STORE_ACCEPTED, &food_store_accept},
    {"status", FOOD_STORE_REJECTED, &food_store_reject},
    {"status", FOOD_STORE_COOKING, &food_store_start_cook},
    {"status", FOOD_STORE_COOKED, &food_store_finish_cook},
    {0},
};

struct dure_aggregate food_store_order = {
    .system = "food", .name = "storeOrder", .collection = "storeOrders", .schema = &state_schema,
    .commands = commands, .events = events, .editable = true, .transitions = transitions,
    .key = "orderId", .made_by = "food.order.place",
};
