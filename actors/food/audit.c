/*
 * Food delivery's books: what each part holds about the orders must be the same.
 *
 *   money       payments 성공 = orders paid for and neither rejected nor cancelled
 *   rejected    payments 결제 취소됨 = orders 주문거부됨 = storeOrders 거부됨
 *   cancelled   payments 결제 취소됨(User) = orders 주문취소됨 that had been paid
 *   kitchen     storeOrders by status = orders by status; deliveries = storeOrders 요리완료
 *   ratings     OrderEvalutated = ratings in the foods, and those of removed foods, by number and sum
 *
 * Judged when nothing is under way; after a step was left out by a person they need not fit.
 */
#include "actors/food/food.h"

struct audit {
    uint64_t orders[FOOD_ORDER_CANCELED + 1], payments[FOOD_PAYMENT_CANCELED + 1],
        stores[FOOD_STORE_CANCELED + 1], deliveries[FOOD_DELIVERY_CANCELED + 1];
    uint64_t canceled_paid; /* Cancelled after they had been paid. */
    int64_t rated, rated_sum, kept, kept_sum, removed, removed_sum;
    uint64_t pending, skipped, foods_removed;
};

static void on_event(void *arg, const struct dure_type *type, const struct dure_event *event)
{
    struct audit *audit = arg;
    if (event->type == &food_order_evaluated) {
        audit->rated++;
        audit->rated_sum += ((const struct food_evaluated *)event->data)->score;
    } else if (event->type == &type->skipped) {
        audit->skipped++;
    } else if (event->type == &type->removed && type == food_food.type) {
        const struct food_food *food = event->data;
        audit->removed += food->count;
        audit->removed_sum += food->total_score;
        audit->foods_removed++;
    }
}

static void on_row(void *arg, const struct dure_type *type, int64_t id, const void *state)
{
    (void)id;
    struct audit *audit = arg;
    if (type == food_order.type) {
        const struct food_order *order = state;
        audit->orders[order->status]++;
        if (order->status == FOOD_ORDER_CANCELED && order->payment_id != DURE_NULL) {
            audit->canceled_paid++;
        }
        if (order->unchecked == 1 || order->canceling == 1) audit->pending++;
    } else if (type == food_payment.type) {
        audit->payments[((const struct food_payment *)state)->status]++;
    } else if (type == food_store_order.type) {
        audit->stores[((const struct food_store_order *)state)->status]++;
    } else if (type == food_delivery.type) {
        audit->deliveries[((const struct food_delivery *)state)->status]++;
    } else if (type == food_food.type) {
        audit->kept += ((const struct food_food *)state)->count;
        audit->kept_sum += ((const struct food_food *)state)->total_score;
    } else if (type == food_order_saga.type || type == food_check_saga.type ||
               type == food_cancel_saga.type) {
        audit->pending++;
    }
}

static void report(const void *arg, struct dure_audit_report *out)
{
    const struct audit *audit = arg;
    const uint64_t *orders = audit->orders, *stores = audit->stores;
    uint64_t all = 0, paid = 0;
    for (size_t i = 0; i <= FOOD_ORDER_CANCELED; i++) all += orders[i];
    for (size_t i = FOOD_ORDER_PAID; i <= FOOD_ORDER_DELIVERED; i++) paid += orders[i];
    bool exact = audit->pending == 0 && audit->skipped == 0 && orders[FOOD_ORDER_PLACED] == 0;
    dure_audit_count(out, "orders", all);
    dure_audit_count(out, "sagas under way", audit->pending);
    dure_audit_count(out, "steps left out", audit->skipped);
    const struct { const char *name; uint64_t here, there; } lines[] = {
        {"food paid orders", paid, audit->payments[FOOD_PAYMENT_DONE]},
        {"food rejected orders refunded", orders[FOOD_ORDER_REJECTED],
         audit->payments[FOOD_PAYMENT_REJECTED]},
        {"food rejected orders in the kitchen", orders[FOOD_ORDER_REJECTED],
         stores[FOOD_STORE_REJECTED]},
        {"food cancelled orders refunded", audit->canceled_paid,
         audit->payments[FOOD_PAYMENT_CANCELED]},
        {"food orders waiting for the kitchen", orders[FOOD_ORDER_PAID],
         stores[FOOD_STORE_WAITING]},
        {"food orders accepted", orders[FOOD_ORDER_ACCEPTED], stores[FOOD_STORE_ACCEPTED]},
        {"food orders cooking", orders[FOOD_ORDER_COOKING], stores[FOOD_STORE_COOKING]},
        {"food orders waiting for a rider", orders[FOOD_ORDER_WAITING],
         audit->deliveries[FOOD_DELIVERY_WAITING]},
        {"food orders on their way", orders[FOOD_ORDER_RIDING],
         audit->deliveries[FOOD_DELIVERY_RIDING]},
        {"food orders delivered", orders[FOOD_ORDER_DELIVERED],
         audit->deliveries[FOOD_DELIVERY_DONE]},
        {"food deliveries of what was cooked", stores[FOOD_STORE_COOKED],
         audit->deliveries[FOOD_DELIVERY_WAITING] + audit->deliveries[FOOD_DELIVERY_RIDING] +
             audit->deliveries[FOOD_DELIVERY_DONE]},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        dure_audit_line(out, lines[i].name, (int64_t)lines[i].here, (int64_t)lines[i].there, exact);
    /* A food that was removed before its last ratings came has lost them. */
    bool all_foods = exact && audit->foods_removed == 0;
    dure_audit_line(out, "food ratings", audit->rated, audit->kept + audit->removed, all_foods);
    dure_audit_line(out, "food sum of ratings", audit->rated_sum,
                    audit->kept_sum + audit->removed_sum, all_foods);
}

const struct dure_audit food_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
