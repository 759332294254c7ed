/*
 * No acknowledged command is lost: what a client was told is there at the end, or what lawfully
 * became of it.
 */
#include "tests/sim/sim.h"

static void check_order(struct sim *sim, const struct sim_order *known)
{
    const struct shop_order *order = sim_look(sim, &shop_order, known->id);
    if (order == NULL) {
        sim_fail(sim, "order %lld was acknowledged with %d, and is not there",
                 (long long)known->id, known->acked);
        return;
    }
    bool same = order->product_id == known->product_id && order->user_id == known->user_id &&
                order->quantity == known->quantity;
    if (!same) sim_fail(sim, "order %lld is another one", (long long)known->id);
    if (sim_rank(order->status) < known->rank) {
        sim_fail(sim, "order %lld was seen at %u and ended at %u", (long long)known->id,
                 known->rank, sim_rank(order->status));
    }
    bool canceled = order->status == SHOP_ORDER_CANCELED;
    if (canceled != (known->cancels == 1) || known->cancels > 1) {
        sim_fail(sim, "order %lld: %u cancels were acknowledged, its status is %d",
                 (long long)known->id, known->cancels, order->status);
    }
    bool decided = known->status != SHOP_ORDER_RECEIVED && known->status != SHOP_ORDER_CANCELING;
    bool kept =
        order->status == known->status || (known->status == SHOP_ORDER_COMPLETED && canceled);
    if (decided && !kept) {
        sim_fail(sim, "order %lld was answered as %d and ended as %d", (long long)known->id,
                 (int)known->status, order->status);
    }
}

void sim_check_acked(struct sim *sim)
{
    for (size_t i = 0; i < sim->orders_count; i++) check_order(sim, &sim->orders[i]);
    for (unsigned i = 0; i < sim->settings.products; i++) {
        const struct sim_product *product = &sim->products[i];
        const struct shop_inventory *there = sim_look(sim, &shop_inventory, product->id);
        char value[24];
        snprintf(value, sizeof value, "%llu", (unsigned long long)product->edited);
        if (there == NULL || strcmp(there->status, value) != 0) {
            sim_fail(sim, "product %lld: edit %s was acknowledged, it shows %s",
                     (long long)product->id, value, there != NULL ? there->status : "nothing");
        }
    }
}
