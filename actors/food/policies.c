/*
 * Whenever event, then command. Two columns of one table: what the order, the payment and the delivery
 * do about an event, and what its customer is told.
 *
 *   event             the others                                  notification
 *   OrderPlaced       (order saga)                                주문됨
 *   OrderPaid         order: complete                             결제완료
 *   OrderCompleted    (sent by the order: storeOrder opens)       주문완료
 *   OrderAccepted     order 주문접수됨                             주문접수됨
 *   OrderRejected     order 주문거부됨, payment 결제 취소됨         주문거부됨-<reason>
 *   CookingStarted    order 요리중                                요리시작
 *   Cooked            order 배달대기, delivery opens               요리완료
 *   DeliveryStarted   order 배달중                                배달시작
 *   Delivered         order 배달완료                              배달완료
 *   OrderCanceled     -                                           주문취소됨
 *   OrderEvalutated   food: rate                                  -
 */
#include "actors/food/food.h"

#include <stdio.h>

/* ---- Whom ----------------------------------------------------------------------------------- */

static int64_t order_paid(const struct dure_event *event)
{
    return ((const struct food_payment_event *)event->data)->order_id;
}

static int64_t order_in_store(const struct dure_event *event)
{
    return ((const struct food_store_event *)event->data)->order_id;
}

static int64_t order_rejected(const struct dure_event *event)
{
    return ((const struct food_rejected *)event->data)->order_id;
}

static int64_t order_delivered(const struct dure_event *event)
{
    return ((const struct food_delivery_event *)event->data)->order_id;
}

static int64_t food_evaluated_of(const struct dure_event *event)
{
    return ((const struct food_evaluated *)event->data)->food_id;
}

/* ---- What the others do --------------------------------------------------------------------- */

static void fill_paid(const struct dure_event *event, void *payload)
{
    ((struct food_paid *)payload)->payment_id = event->id;
}

static void fill_status(const struct dure_event *event, void *payload)
{
    const struct dure_event_type *type = event->type;
    uint8_t status = FOOD_ORDER_DELIVERED;
    if (type == &food_store_accepted) status = FOOD_ORDER_ACCEPTED;
    if (type == &food_store_rejected) status = FOOD_ORDER_REJECTED;
    if (type == &food_cooking_started) status = FOOD_ORDER_COOKING;
    if (type == &food_cooked) status = FOOD_ORDER_WAITING;
    if (type == &food_delivery_started) status = FOOD_ORDER_RIDING;
    ((struct food_follow *)payload)->status = status;
}

static void fill_rejected(const struct dure_event *event, void *payload)
{
    (void)event;
    ((struct food_give_back *)payload)->status = FOOD_PAYMENT_REJECTED;
}

static void fill_delivery(const struct dure_event *event, void *payload)
{
    *(struct food_store_event *)payload = *(const struct food_store_event *)event->data;
}

static void fill_rating(const struct dure_event *event, void *payload)
{
    ((struct food_score *)payload)->score = ((const struct food_evaluated *)event->data)->score;
}

#define POLICY(text, happened, asked, whom, filled, key)                                          \
    static const struct dure_policy text = {.name = #text, .event = &(happened),                   \
                                            .command = &(asked), .target = (whom),                 \
                                            .fill = (filled), .by_key = (key)}

POLICY(complete_paid, food_payment_paid, food_order_complete, order_paid, fill_paid, false);
POLICY(follow_accepted, food_store_accepted, food_order_follow, order_in_store, fill_status, false);
POLICY(follow_rejected, food_store_rejected, food_order_follow, order_rejected, fill_status, false);
POLICY(refund_rejected, food_store_rejected, food_payment_give_back, order_rejected, fill_rejected,
       true);
POLICY(follow_cooking, food_cooking_started, food_order_follow, order_in_store, fill_status, false);
POLICY(follow_cooked, food_cooked, food_order_follow, order_in_store, fill_status, false);
POLICY(deliver_cooked, food_cooked, food_delivery_open, order_in_store, fill_delivery,
       true);
POLICY(follow_started, food_delivery_started, food_order_follow, order_delivered,
       fill_status, false);
POLICY(follow_delivered, food_delivered, food_order_follow, order_delivered, fill_status, false);
POLICY(rate_food, food_order_evaluated, food_food_rate, food_evaluated_of, fill_rating, false);

/* ---- What the customer is told -------------------------------------------------------------- */

static void notice(void *payload, int64_t customer_id, int64_t order_id, const char *message)
{
    struct food_notice *notice = payload;
    notice->customer_id = customer_id;
    notice->order_id = order_id;
    snprintf(notice->message, sizeof notice->message, "%s", message);
}

static void tell_order(const struct dure_event *event, void *payload)
{
    const struct food_order_event *order = event->data;
    notice(payload, order->customer_id, event->id,
           event->type == &food_order_placed ? "주문됨" : "주문취소됨");
}

static void tell_paid(const struct dure_event *event, void *payload)
{
    const struct food_payment_event *paid = event->data;
    notice(payload, paid->customer_id, paid->order_id, "결제완료");
}

static void tell_completed(const struct dure_event *event, void *payload)
{
    notice(payload, ((const struct food_order *)event->data)->customer_id, event->id, "주문완료");
}

static void tell_store(const struct dure_event *event, void *payload)
{
    const struct food_store_event *store = event->data;
    const char *message = event->type == &food_store_accepted    ? "주문접수됨"
                          : event->type == &food_cooking_started ? "요리시작"
                                                                 : "요리완료";
    notice(payload, store->customer_id, store->order_id, message);
}

static void tell_rejected(const struct dure_event *event, void *payload)
{
    const struct food_rejected *rejected = event->data;
    struct food_notice *told = payload;
    _Static_assert(sizeof told->message >= sizeof "주문거부됨-" + sizeof rejected->reason,
                   "a whole reason fits");
    told->customer_id = rejected->customer_id;
    told->order_id = rejected->order_id;
    snprintf(told->message, sizeof told->message, "주문거부됨-%s", rejected->reason);
}

static void tell_delivery(const struct dure_event *event, void *payload)
{
    const struct food_delivery_event *delivery = event->data;
    notice(payload, delivery->customer_id, delivery->order_id,
           event->type == &food_delivery_started ? "배달시작" : "배달완료");
}

#define TELL(text, happened, filled)                                                               \
    POLICY(text, happened, food_notice_record, NULL, filled, false)

TELL(notice_placed, food_order_placed, tell_order);
TELL(notice_paid, food_payment_paid, tell_paid);
TELL(notice_completed, food_order_completed, tell_completed);
TELL(notice_accepted, food_store_accepted, tell_store);
TELL(notice_rejected, food_store_rejected, tell_rejected);
TELL(notice_cooking, food_cooking_started, tell_store);
TELL(notice_cooked, food_cooked, tell_store);
TELL(notice_started, food_delivery_started, tell_delivery);
TELL(notice_delivered, food_delivered, tell_delivery);
TELL(notice_canceled, food_order_canceled, tell_order);

const struct dure_policy *const food_policies[] = {
    &notice_placed,    &notice_paid,      &complete_paid,   &notice_completed, &follow_accepted,
    &notice_accepted,  &follow_rejected,  &refund_rejected, &notice_rejected,  &follow_cooking,
    &notice_cooking,   &follow_cooked,    &deliver_cooked,  &notice_cooked,    &follow_started,
    &notice_started,   &follow_delivered, &notice_delivered, &notice_canceled,  &rate_food,
    NULL,
};
