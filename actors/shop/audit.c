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

static int line(struct dure_buf *out, const char *name, int64_t in, int64_t there, int64_t held,
                bool exact)
{
    dure_buf_printf(out, "shop %s: %lld in = %lld there + %lld in orders", name, (long long)in,
                    (long long)there, (long long)held);
    return dure_audit_judge(out, in == there + held, exact);
}

static int report(void *arg, struct dure_buf *out)
{
    const struct audit *audit = arg;
    /* What orders held of removed accounts and products went with them. */
    bool exact = audit->pending == 0 && audit->removed == 0 && audit->skipped == 0;
    dure_buf_printf(out, "shop: %llu orders, %llu sagas under way, %llu steps left out\n",
                    (unsigned long long)audit->orders, (unsigned long long)audit->pending,
                    (unsigned long long)audit->skipped);
    int money = line(out, "money", audit->deposited - audit->removed_money, audit->balances,
                     audit->held_money, exact);
    int stock = line(out, "stock", audit->opened - audit->removed_stock, audit->stock,
                     audit->held_stock, exact);
    return money != 0 ? money : stock;
}

const struct dure_audit shop_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
