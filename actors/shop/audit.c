/*
 * The shop's sums: what came in is what is there plus what completed orders hold.
 *
 *   money   deposits − removed accounts' balances = balances + price × quantity of orders that hold
 *   stock   opened − removed products' stock = stock + quantity of orders that hold
 *
 * Events give what came in and was removed, rows give the rest. With sagas under way the sums are
 * shown and not judged: money is between account and order then. The same after a step was skipped:
 * a person has decided that they need not fit.
 */
#include "actors/shop/shop.h"

struct audit {
    int64_t deposited, removed_money, balances; /* won */
    int64_t opened, removed_stock, stock;       /* pieces */
    int64_t held_money, held_stock; /* Of orders 주문완료, by the rows. */
    uint64_t orders, pending, removed, skipped;
};

static void on_event(void *arg, const struct dure_type *type, const struct dure_event *event)
{
    struct audit *audit = arg;
    if (event->type == &shop_pay_deposited) {
        audit->deposited += ((const struct shop_deposit *)event->data)->amount;
    } else if (event->type == &shop_inventory_opened) {
        audit->opened += ((const struct shop_inventory *)event->data)->stock_count;
    } else if (event->type == &type->skipped) {
        audit->skipped++;
    } else if (event->type == &type->removed && type == shop_pay.type) {
        audit->removed++;
        audit->removed_money += ((const struct shop_pay *)event->data)->pay_amount;
    } else if (event->type == &type->removed && type == shop_inventory.type) {
        audit->removed++;
        audit->removed_stock += ((const struct shop_inventory *)event->data)->stock_count;
    }
}

static void on_row(void *arg, const struct dure_type *type, int64_t id, const void *state)
{
    (void)id;
    struct audit *audit = arg;
    if (type == shop_pay.type) audit->balances += ((const struct shop_pay *)state)->pay_amount;
    if (type == shop_inventory.type) {
        audit->stock += ((const struct shop_inventory *)state)->stock_count;
    }
    if (type == shop_order_saga.type || type == shop_cancel_saga.type) audit->pending++;
    if (type != shop_order.type) return;
    const struct shop_order *order = state;
    audit->orders++;
    if (order->status != SHOP_ORDER_COMPLETED) return;
    audit->held_money += order->quantity * order->price;
    audit->held_stock += order->quantity;
}

static void add(struct dure_audit_report *out, const char *name, int64_t in, int64_t there,
                int64_t held, bool exact)
{
    const struct dure_audit_sum sum = {.name = name,
                                       .left = {"in", in},
                                       .right = {{"there", there}, {"in orders", held}},
                                       .right_count = 2,
                                       .exact = exact};
    dure_audit_add(out, &sum);
}

static void report(const void *arg, struct dure_audit_report *out)
{
    const struct audit *audit = arg;
    /* What orders held of removed accounts and products went with them. */
    bool exact = audit->pending == 0 && audit->removed == 0 && audit->skipped == 0;
    dure_audit_count(out, "orders", audit->orders);
    dure_audit_count(out, "sagas under way", audit->pending);
    dure_audit_count(out, "steps left out", audit->skipped);
    add(out, "shop money", audit->deposited - audit->removed_money, audit->balances,
        audit->held_money, exact);
    add(out, "shop stock", audit->opened - audit->removed_stock, audit->stock, audit->held_stock,
        exact);
}

const struct dure_audit shop_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
