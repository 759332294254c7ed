/*
 * Payments: one an order (the natural key), whoever asks first: the order saga, or a customer by POST
 * /payments. The other finds it paid. Money goes back once, by reject or by cancel.
 */
#include "actors/food/food.h"

const char *const food_payment_status_texts[] = {NULL, "성공", "결제 취소됨", "결제 취소됨(User)", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_payment, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(order_id, "orderId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = food_payment_status_texts),
    FIELD(customer_id, "customerId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Payment", struct food_payment, state_fields);

static const struct dure_field pay_fields[] = {
    DURE_FIELD(struct food_pay, order_id, "orderId", DURE_INT, .flags = DURE_REQUIRED),
    DURE_FIELD(struct food_pay, customer_id, "customerId", DURE_INT, .flags = 0),
};
static const struct dure_schema pay_schema = DURE_SCHEMA("PayOrder", struct food_pay, pay_fields);

static const struct dure_field give_back_fields[] = {
    DURE_FIELD(struct food_give_back, status, "status", DURE_ENUM,
               .texts = food_payment_status_texts),
};
static const struct dure_schema give_back_schema =
    DURE_SCHEMA("GiveBack", struct food_give_back, give_back_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_payment_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(order_id, "orderId", DURE_INT, .flags = 0),
    EVENT(customer_id, "customerId", DURE_INT, .flags = 0),
    EVENT(status, "status", DURE_ENUM, .texts = food_payment_status_texts),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("PaymentEvent", struct food_payment_event, event_fields);

static void apply(void *state, const struct dure_event *event)
{
    const struct food_payment_event *changed = event->data;
    *(struct food_payment *)state =
        (struct food_payment){.id = event->id, .order_id = changed->order_id,
                              .customer_id = changed->customer_id, .status = changed->status};
}

struct dure_event_type food_payment_paid = {
    .name = "OrderPaid", .schema = &event_schema, .apply = apply};
struct dure_event_type food_payment_returned = {
    .name = "PaymentReturned", .schema = &event_schema, .internal = true, .apply = apply};

static int64_t looked_at(const void *data)
{
    return ((const struct food_pay *)data)->order_id;
}

static struct dure_look look = {
    .name = "food.order", .aggregate = &food_order, .target = looked_at};

/* From outside: only an order that waits for it. True: refused. */
static bool refuse_payment(const struct food_payment *payment, const struct dure_msg *in,
                           struct dure_out *out)
{
    const struct food_order *order = in->other;
    long long id = (long long)((const struct food_pay *)in->data)->order_id;
    if (in->seen == DURE_SEEN_NOBODY) {
        dure_refuse(out, 404, "there is no order %lld", id);
    } else if (in->seen == DURE_SEEN_UNKNOWN) {
        dure_refuse(out, 503, "order %lld is not to be reached now", id);
    } else if (in->exists || order->status != FOOD_ORDER_PLACED || order->canceling == 1) {
        dure_refuse(out, 409, "주문 %lld은 결제를 기다리지 않습니다%s%s", id,
                    in->exists ? ": " : "",
                    in->exists ? food_payment_status_texts[payment->status] : "");
    } else {
        return false;
    }
    return true;
}

static int pay(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_pay *wanted = in->data;
    bool asked = in->seen != DURE_SEEN_NOT_ASKED;
    if (asked && refuse_payment(state, in, out)) return 0;
    if (in->exists) return 0; /* The saga: the customer was faster. */
    const struct food_order *order = in->other;
    *(struct food_payment_event *)dure_emit(out, &food_payment_paid) = (struct food_payment_event){
        .id = in->id, .order_id = wanted->order_id, .status = FOOD_PAYMENT_DONE,
        .customer_id = asked ? order->customer_id : wanted->customer_id};
    return 0;
}

/* Idempotent: both a rejected and a cancelled order may ask for it again. */
static int give_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct food_payment *payment = state;
    if (payment->status != FOOD_PAYMENT_DONE) return 0;
    struct food_payment_event *event = dure_emit(out, &food_payment_returned);
    event->id = in->id;
    event->order_id = payment->order_id;
    event->customer_id = payment->customer_id;
    event->status = ((const struct food_give_back *)in->data)->status;
    return 0;
}

const struct dure_command food_payment_pay = {
    .name = "pay", .aggregate = &food_payment, .schema = &pay_schema, .flags = DURE_CREATES,
    .look = &look, .handle = pay,
    .example = {"{\"orderId\":1}", "food.order.place", 409 /* It has been paid. */}};
const struct dure_command food_payment_give_back = {
    .name = "give-back", .aggregate = &food_payment, .schema = &give_back_schema,
    .handle = give_back};

static const struct dure_command *const commands[] = {
    &food_payment_pay, &food_payment_give_back, NULL,
};
static struct dure_event_type *const events[] = {&food_payment_paid, &food_payment_returned, NULL};

struct dure_aggregate food_payment = {
    .system = "food", .name = "payment", .collection = "payments", .schema = &state_schema,
    .commands = commands, .events = events, .create = &food_payment_pay, .key = "orderId",
    .made_by = "food.order.place",
};
