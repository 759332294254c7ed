/*
 * The read model follows: each order has one page, which shows what became of its delivery.
 */
#include "tests/sim/sim.h"

static void check_page(struct sim *sim, void *arg, int64_t id, const void *state)
{
    uint64_t *pages = arg;
    const struct shop_mypage *page = state;
    const struct shop_order *order = sim_look(sim, &shop_order, id);
    ++*pages;
    uint8_t expected = order == NULL                            ? 255
                       : order->status == SHOP_ORDER_COMPLETED ? SHOP_DELIVERY_STARTED
                       : order->status == SHOP_ORDER_CANCELED  ? SHOP_DELIVERY_CANCELED
                                                               : SHOP_DELIVERY_NONE;
    if (page->order_id == id && page->delivery_status == expected) return;
    sim_fail(sim, "page %lld shows delivery %d, the order's status is %d", (long long)id,
             page->delivery_status, order != NULL ? order->status : -1);
}

void sim_check_views(struct sim *sim)
{
    uint64_t pages = 0;
    sim_each(sim, shop_mypage.type, check_page, &pages);
    if (pages != sim->places) {
        sim_fail(sim, "%llu orders, %llu pages", (unsigned long long)sim->places,
                 (unsigned long long)pages);
    }
}
