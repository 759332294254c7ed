/*
 * Sums are constant, account by account and product by product: what came in is what is there plus
 * what completed orders hold. And nothing was ever negative, at any event.
 */
#include "tests/sim/sim.h"

struct sums {
    int64_t money[SIM_USERS_MAX], stock[SIM_PRODUCTS_MAX]; /* Held by orders. */
};

static void add_order(struct sim *sim, void *arg, int64_t id, const void *state)
{
    (void)id;
    struct sums *held = arg;
    const struct shop_order *order = state;
    if (order->status != SHOP_ORDER_COMPLETED) return;
    for (unsigned i = 0; i < sim->settings.users; i++) {
        if (sim->users[i].id == order->user_id) held->money[i] += order->quantity * order->price;
    }
    for (unsigned i = 0; i < sim->settings.products; i++) {
        if (sim->products[i].id == order->product_id) held->stock[i] += order->quantity;
    }
}

static void check_account(struct sim *sim, void *arg, int64_t id, const void *state)
{
    const struct sums *held = arg;
    const struct shop_pay *pay = state;
    for (unsigned i = 0; i < sim->settings.users; i++) {
        const struct sim_user *user = &sim->users[i];
        if (user->id != pay->user_id) continue;
        if (user->deposited == pay->pay_amount + held->money[i]) return;
        sim_fail(sim, "account %lld: %lld in, %lld there, %lld in orders", (long long)id,
                 (long long)user->deposited, (long long)pay->pay_amount,
                 (long long)held->money[i]);
        return;
    }
    sim_fail(sim, "account %lld is nobody's", (long long)id);
}

static void check_event(struct sim *sim, void *arg, const struct dure_type *type,
                        const struct dure_event *event, const struct dure_entry_event *head)
{
    (void)arg;
    (void)head;
    int64_t amount = 0;
    if (event->type == &shop_pay_approval || event->type == &shop_pay_canceled) {
        amount = ((const struct shop_pay_event *)event->data)->pay_amount;
    } else if (type == shop_inventory.type && !event->type->internal) {
        amount = ((const struct shop_inventory_event *)event->data)->stock_count;
    }
    if (amount < 0) {
        sim_fail(sim, "%s %lld was negative: %lld", type->name, (long long)event->id,
                 (long long)amount);
    }
}

void sim_check_sums(struct sim *sim)
{
    struct sums held = {0};
    sim_each(sim, shop_order.type, add_order, &held);
    sim_each(sim, shop_pay.type, check_account, &held);
    for (unsigned i = 0; i < sim->settings.products; i++) {
        const struct sim_product *product = &sim->products[i];
        const struct shop_inventory *there = sim_look(sim, &shop_inventory, product->id);
        int64_t stock = there != NULL ? there->stock_count : -1;
        if (stock + held.stock[i] == product->opened) continue;
        sim_fail(sim, "product %lld: %lld in, %lld there, %lld in orders",
                 (long long)product->id, (long long)product->opened, (long long)stock,
                 (long long)held.stock[i]);
    }
}

void sim_check_negative(struct sim *sim)
{
    sim_each_event(sim, check_event, NULL);
}
