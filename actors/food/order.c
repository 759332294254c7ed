/*
 * Orders: placed after a look at the food, paid by the order saga, then following the kitchen and the
 * rider; cancelled by the cancel saga.
 *
 *   place → 주문됨 → (order saga) → 결제완료 → 주문접수됨 → 요리중 → 배달대기 → 배달중 → 배달완료
 *   cancel   주문됨, 결제완료, 주문접수됨 → (cancel saga) → 주문취소됨; the store order has the last word
 *   reject   결제완료 → 주문거부됨, by the store
 *
 * The food unknown or not available: 409, and no order. The store not to be reached: the order is taken
 * as `unchecked`, and after it is paid the check saga asks the store, however long that takes; until
 * then the kitchen does not see it.
 */
#include "actors/food/food.h"

#include <stdio.h>

const char *const food_order_status_texts[] = {
    NULL, "주문됨", "결제완료", "주문접수됨", "요리중", "배달대기", "배달중", "배달완료", "주문거부됨", "주문취소됨", NULL,
};

#define FIELD(member, json, kind, ...) DURE_FIELD(struct food_order, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(food_id, "foodId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(customer_id, "customerId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(options, "options", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(address, "address", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = food_order_status_texts),
    FIELD(score, "score", DURE_INT, .flags = DURE_GOVERNED, .start = 0, .has_start = true),
    FIELD(payment_id, "paymentId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(store_id, "storeId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(unchecked, "unchecked", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
    FIELD(canceling, "canceling", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
};
static const struct dure_schema state_schema = DURE_SCHEMA("Order", struct food_order, state_fields);

#define PLACE(member, json, kind, ...) DURE_FIELD(struct food_place, member, json, kind, __VA_ARGS__)
static const struct dure_field place_fields[] = {
    PLACE(food_id, "foodId", DURE_INT, .flags = DURE_REQUIRED),
    PLACE(customer_id, "customerId", DURE_INT, .flags = DURE_REQUIRED),
    PLACE(options, "options", DURE_TEXT, .flags = 0),
    PLACE(address, "address", DURE_TEXT, .flags = 0),
};
static const struct dure_schema place_schema =
    DURE_SCHEMA("PlaceOrder", struct food_place, place_fields);

static const struct dure_field score_fields[] = {
    DURE_FIELD(struct food_score, score, "score", DURE_INT, .flags = DURE_REQUIRED, .min = 1,
               .max = 5),
};
static const struct dure_schema score_schema = DURE_SCHEMA("Score", struct food_score, score_fields);

static const struct dure_field paid_fields[] = {
    DURE_FIELD(struct food_paid, payment_id, "paymentId", DURE_INT, .flags = 0),
};
static const struct dure_schema paid_schema = DURE_SCHEMA("Paid", struct food_paid, paid_fields);

static const struct dure_field follow_fields[] = {
    DURE_FIELD(struct food_follow, status, "status", DURE_ENUM, .texts = food_order_status_texts),
};
static const struct dure_schema follow_schema =
    DURE_SCHEMA("FollowOrder", struct food_follow, follow_fields);

static const struct dure_field store_fields[] = {
    DURE_FIELD(struct food_store, store_id, "storeId", DURE_INT, .flags = 0),
};
static const struct dure_schema store_schema = DURE_SCHEMA("Store", struct food_store, store_fields);

/* ---- Events --------------------------------------------------------------------------------- */

#define RECEIVED(member, json, kind, ...)                                                          \
    DURE_FIELD(struct food_received, member, json, kind, __VA_ARGS__)
static const struct dure_field received_fields[] = {
    RECEIVED(place.food_id, "foodId", DURE_INT, .flags = 0),
    RECEIVED(place.customer_id, "customerId", DURE_INT, .flags = 0),
    RECEIVED(place.options, "options", DURE_TEXT, .flags = 0),
    RECEIVED(place.address, "address", DURE_TEXT, .flags = 0),
    RECEIVED(store_id, "storeId", DURE_INT, .flags = 0),
    RECEIVED(unchecked, "unchecked", DURE_BOOL, .flags = 0),
};
static const struct dure_schema received_schema =
    DURE_SCHEMA("OrderReceived", struct food_received, received_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_order_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(food_id, "foodId", DURE_INT, .flags = 0),
    EVENT(customer_id, "customerId", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("OrderEvent", struct food_order_event, event_fields);

/* As the order's own table, but for what is nobody's business. */
static const struct dure_field completed_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = 0),
    FIELD(food_id, "foodId", DURE_INT, .flags = 0),
    FIELD(customer_id, "customerId", DURE_INT, .flags = 0),
    FIELD(options, "options", DURE_TEXT, .flags = 0),
    FIELD(address, "address", DURE_TEXT, .flags = 0),
    FIELD(status, "status", DURE_ENUM, .texts = food_order_status_texts),
    FIELD(score, "score", DURE_INT, .flags = 0),
    FIELD(payment_id, "paymentId", DURE_INT, .flags = 0),
    FIELD(store_id, "storeId", DURE_INT, .flags = 0),
};
static const struct dure_schema completed_schema =
    DURE_SCHEMA("OrderCompleted", struct food_order, completed_fields);

#define EVALUATED(member, json, kind, ...)                                                         \
    DURE_FIELD(struct food_evaluated, member, json, kind, __VA_ARGS__)
static const struct dure_field evaluated_fields[] = {
    EVALUATED(id, "id", DURE_INT, .flags = 0),
    EVALUATED(food_id, "foodId", DURE_INT, .flags = 0),
    EVALUATED(score, "score", DURE_INT, .flags = 0),
    EVALUATED(customer_id, "customerId", DURE_INT, .flags = 0),
};
static const struct dure_schema evaluated_schema =
    DURE_SCHEMA("OrderEvalutated", struct food_evaluated, evaluated_fields);

static void apply_received(void *state, const struct dure_event *event)
{
    const struct food_received *received = event->data;
    struct food_order *order = state;
    order->id = event->id;
    order->food_id = received->place.food_id;
    order->customer_id = received->place.customer_id;
    order->store_id = received->store_id;
    order->unchecked = received->unchecked;
    order->status = FOOD_ORDER_PLACED;
    memcpy(order->options, received->place.options, sizeof order->options);
    memcpy(order->address, received->place.address, sizeof order->address);
}

static void apply_completed(void *state, const struct dure_event *event)
{
    const struct food_order *completed = event->data;
    struct food_order *order = state;
    order->status = completed->status;
    order->payment_id = completed->payment_id;
}

static void apply_canceled(void *state, const struct dure_event *event)
{
    (void)event;
    struct food_order *order = state;
    order->status = FOOD_ORDER_CANCELED;
    order->canceling = 0;
}

static void apply_evaluated(void *state, const struct dure_event *event)
{
    ((struct food_order *)state)->score = ((const struct food_evaluated *)event->data)->score;
}

static void apply_moved(void *state, const struct dure_event *event)
{
    ((struct food_order *)state)->status = ((const struct food_follow *)event->data)->status;
}

static void apply_canceling(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_order *)state)->canceling = 1;
}

static void apply_kept(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_order *)state)->canceling = 0;
}

static void apply_paid_late(void *state, const struct dure_event *event)
{
    ((struct food_order *)state)->payment_id = ((const struct food_paid *)event->data)->payment_id;
}

static void apply_checked(void *state, const struct dure_event *event)
{
    struct food_order *order = state;
    order->unchecked = 0;
    order->store_id = ((const struct food_store *)event->data)->store_id;
}

struct dure_event_type food_order_received = {
    .name = "OrderReceived", .schema = &received_schema, .internal = true, .apply = apply_received};
struct dure_event_type food_order_placed = {.name = "OrderPlaced", .schema = &event_schema};
struct dure_event_type food_order_completed = {
    .name = "OrderCompleted", .schema = &completed_schema, .apply = apply_completed};
struct dure_event_type food_order_canceled = {
    .name = "OrderCanceled", .schema = &event_schema, .apply = apply_canceled};
struct dure_event_type food_order_evaluated = {
    .name = "OrderEvalutated", .schema = &evaluated_schema, .apply = apply_evaluated};
struct dure_event_type food_order_moved = {
    .name = "OrderMoved", .schema = &follow_schema, .internal = true, .apply = apply_moved};
static struct dure_event_type canceling = {
    .name = "OrderCanceling", .internal = true, .apply = apply_canceling};
static struct dure_event_type kept = {.name = "OrderKept", .internal = true, .apply = apply_kept};
static struct dure_event_type paid_late = {
    .name = "OrderPaidLate", .schema = &paid_schema, .internal = true, .apply = apply_paid_late};
static struct dure_event_type checked = {
    .name = "OrderChecked", .schema = &store_schema, .internal = true, .apply = apply_checked};

/* ---- Placing and paying --------------------------------------------------------------------- */

static int64_t looked_at(const void *data)
{
    return ((const struct food_place *)data)->food_id;
}

static struct dure_look look = {
    .name = "food.store", .aggregate = &food_food, .target = looked_at};

static int place(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct food_place *wanted = in->data;
    const struct food_food *food = in->other;
    bool unknown = in->seen != DURE_SEEN_STATE && in->seen != DURE_SEEN_NOBODY;
    if (!unknown && (food == NULL || food->available != 1)) {
        dure_refuse(out, 409, "%s", FOOD_UNAVAILABLE);
        return 0;
    }
    struct food_received *received = dure_emit(out, &food_order_received);
    received->place = *wanted;
    received->unchecked = unknown;
    if (!unknown) received->store_id = food->store_id;
    *(struct food_order_event *)dure_emit(out, &food_order_placed) = (struct food_order_event){
        .id = in->id, .food_id = wanted->food_id, .customer_id = wanted->customer_id};
    struct food_order_saga *saga = dure_start(out, &food_order_saga, in->id);
    saga->order_id = in->id;
    saga->customer_id = wanted->customer_id;
    return 0;
}

static void send_open(struct dure_out *out, const struct food_order *order, int64_t payment_id,
                      int64_t store_id, const char *reason)
{
    struct food_open *open = dure_send_by_key(out, &food_store_open, order->id);
    open->food_id = order->food_id;
    open->order_id = order->id;
    open->payment_id = payment_id;
    open->store_id = store_id;
    open->customer_id = order->customer_id;
    memcpy(open->address, order->address, sizeof open->address);
    memcpy(open->options, order->options, sizeof open->options);
    snprintf(open->reason, sizeof open->reason, "%s", reason);
}

static bool is_over(const struct food_order *order)
{
    return order->status == FOOD_ORDER_CANCELED || order->canceling == 1;
}

/* Paid: told by the payment itself, and by the saga, which wants to know how it went. Refused only when
 * it was cancelled meanwhile: then the saga gives the money back. */
static int complete(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_order *order = state;
    const struct food_paid *paid = in->data;
    if (is_over(order)) {
        if (order->payment_id != paid->payment_id) {
            *(struct food_paid *)dure_emit(out, &paid_late) = *paid;
        }
        dure_refuse(out, 409, "order %lld is cancelled", (long long)in->id);
        return 0;
    }
    if (order->payment_id == paid->payment_id) return 0;
    if (order->status != FOOD_ORDER_PLACED) {
        dure_refuse(out, 409, "order %lld waits for no payment", (long long)in->id);
        return 0;
    }
    struct food_order *completed = dure_emit(out, &food_order_completed);
    *completed = *order;
    completed->status = FOOD_ORDER_PAID;
    completed->payment_id = paid->payment_id;
    if (order->unchecked != 1) {
        send_open(out, order, paid->payment_id, order->store_id, "");
        return 0;
    }
    struct food_check_saga *saga = dure_start(out, &food_check_saga, in->id);
    saga->order_id = in->id;
    saga->food_id = order->food_id;
    return 0;
}

/* The order saga could not complete it: it is cancelled already, so there is nothing to change. */
static int refuse(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    (void)out;
    return 0;
}

/* ---- Checked later: the store is back ------------------------------------------------------- */

static int confirm(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_order *order = state;
    const struct food_store *store = in->data;
    ((struct food_store *)dure_emit(out, &checked))->store_id = store->store_id;
    if (!is_over(order)) send_open(out, order, order->payment_id, store->store_id, "");
    return 0;
}

static int disclaim(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_order *order = state;
    const struct food_store *store = in->data;
    *(struct food_store *)dure_emit(out, &checked) = *store;
    if (!is_over(order)) {
        send_open(out, order, order->payment_id, store->store_id, FOOD_UNAVAILABLE);
    }
    return 0;
}

/* ---- Following the kitchen and the rider ---------------------------------------------------- */

static int follow(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_order *order = state;
    uint8_t status = ((const struct food_follow *)in->data)->status;
    if (order->status == FOOD_ORDER_CANCELED || order->status == status) return 0;
    ((struct food_follow *)dure_emit(out, &food_order_moved))->status = status;
    return 0;
}

/* ---- Cancelling ----------------------------------------------------------------------------- */

static bool may_cancel(const void *state)
{
    const struct food_order *order = state;
    return order->canceling != 1 &&
           (order->status == FOOD_ORDER_PLACED || order->status == FOOD_ORDER_PAID ||
            order->status == FOOD_ORDER_ACCEPTED);
}

static int cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (!may_cancel(state)) {
        dure_refuse(out, 409, "%s", FOOD_TOO_LATE);
        return 0;
    }
    (void)dure_emit(out, &canceling);
    ((struct food_cancel_saga *)dure_start(out, &food_cancel_saga, in->id))->order_id = in->id;
    return 0;
}

static int finish_cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_order *order = state;
    *(struct food_order_event *)dure_emit(out, &food_order_canceled) = (struct food_order_event){
        .id = in->id, .food_id = order->food_id, .customer_id = order->customer_id};
    return 0;
}

/* The kitchen was faster. */
static int keep(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    (void)dure_emit(out, &kept);
    return 0;
}

/* ---- Evaluating ----------------------------------------------------------------------------- */

static bool may_evaluate(const void *state)
{
    const struct food_order *order = state;
    return order->status == FOOD_ORDER_DELIVERED && order->score == 0;
}

static int evaluate(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_order *order = state;
    if (!may_evaluate(order)) {
        dure_refuse(out, 409, order->score == 0 ? "배달이 완료된 주문만 평가할 수 있습니다."
                                                : "이미 평가한 주문입니다.");
        return 0;
    }
    *(struct food_evaluated *)dure_emit(out, &food_order_evaluated) = (struct food_evaluated){
        .id = in->id, .food_id = order->food_id,
        .score = ((const struct food_score *)in->data)->score, .customer_id = order->customer_id};
    return 0;
}

/* ---- The aggregate -------------------------------------------------------------------------- */

static const struct dure_command food_order_place = {
    .name = "place", .aggregate = &food_order, .schema = &place_schema, .flags = DURE_CREATES,
    .look = &look, .handle = place,
    .example = {"{\"foodId\":1,\"customerId\":1,\"options\":\"no onions\",\"address\":\"서울 강남구\"}",
                "food.food.add"}};
const struct dure_command food_order_complete = {
    .name = "complete", .aggregate = &food_order, .schema = &paid_schema, .handle = complete};
const struct dure_command food_order_refuse = {
    .name = "refuse", .aggregate = &food_order, .handle = refuse};
const struct dure_command food_order_confirm = {
    .name = "confirm", .aggregate = &food_order, .schema = &store_schema, .handle = confirm};
const struct dure_command food_order_disclaim = {
    .name = "disclaim", .aggregate = &food_order, .schema = &store_schema, .handle = disclaim};
const struct dure_command food_order_follow = {
    .name = "follow", .aggregate = &food_order, .schema = &follow_schema, .handle = follow};
static const struct dure_command food_order_cancel = {
    .name = "cancel", .aggregate = &food_order, .allowed = may_cancel, .handle = cancel};
const struct dure_command food_order_finish_cancel = {
    .name = "finish-cancel", .aggregate = &food_order, .handle = finish_cancel};
const struct dure_command food_order_keep = {
    .name = "keep", .aggregate = &food_order, .handle = keep};
static const struct dure_command food_order_evaluate = {
    .name = "evaluate", .aggregate = &food_order, .schema = &score_schema, .allowed = may_evaluate,
    .handle = evaluate,
    .example = {"{\"score\":5}", "food.delivery.confirm"}};

static const struct dure_command *const commands[] = {
    &food_order_place,   &food_order_complete, &food_order_refuse,        &food_order_confirm,
    &food_order_disclaim, &food_order_follow,   &food_order_cancel,        &food_order_finish_cancel,
    &food_order_keep,    &food_order_evaluate, NULL,
};
static struct dure_event_type *const events[] = {
    &food_order_received,  &food_order_placed, &food_order_completed, &food_order_canceled,
    &food_order_evaluated, &food_order_moved,  &canceling,            &kept,
    &checked,              &paid_late,         NULL,
};
static const struct dure_transition transitions[] = {
    {"status", FOOD_ORDER_CANCELED, &food_order_cancel}, {0},
};

struct dure_aggregate food_order = {
    .system = "food", .name = "order", .collection = "orders", .schema = &state_schema,
    .commands = commands, .events = events, .create = &food_order_place,
    .remove = &food_order_cancel, .editable = true, .transitions = transitions,
};
