/*
 * Each effect takes place once: one order for each key, however often it was asked; one payment,
 * one piece of stock, one delivery for each order, taken back once when it was cancelled or could
 * not be served; one deposit for each key.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

struct effects { /* Of one order. */
    unsigned paid, repaid, taken, returned, shipped, unshipped;
};

struct tally {
    struct effects *of; /* By order id. */
    int64_t max_id;
    uint64_t orders, deposits;
};

static struct effects *of(struct sim *sim, struct tally *tally, int64_t id)
{
    if (id > 0 && id <= tally->max_id) return &tally->of[id];
    sim_fail(sim, "an event names order %lld, which there is not", (long long)id);
    return &tally->of[0];
}

static void count(struct sim *sim, void *arg, const struct dure_type *type,
                  const struct dure_event *event, const struct dure_entry_event *head)
{
    (void)type;
    (void)head;
    struct tally *tally = arg;
    const struct shop_pay_event *pay = event->data;
    const struct shop_inventory_event *stock = event->data;
    const struct shop_delivery_event *delivery = event->data;
    if (event->type == &shop_pay_deposited) tally->deposits++;
    if (event->type == &shop_pay_approval) of(sim, tally, pay->order_id)->paid++;
    if (event->type == &shop_pay_canceled) of(sim, tally, pay->order_id)->repaid++;
    if (event->type == &shop_stock_decreased) of(sim, tally, stock->order_id)->taken++;
    if (event->type == &shop_stock_increased) of(sim, tally, stock->order_id)->returned++;
    if (event->type == &shop_delivery_started) of(sim, tally, delivery->order_id)->shipped++;
    if (event->type == &shop_delivery_canceled) of(sim, tally, delivery->order_id)->unshipped++;
}

static bool is_known(const struct sim *sim, int64_t id)
{
    for (size_t i = 0; i < sim->orders_count; i++) {
        if (sim->orders[i].id == id) return true;
    }
    return false;
}

static void check_order(struct sim *sim, void *arg, int64_t id, const void *state)
{
    struct tally *tally = arg;
    const struct effects *had = &tally->of[id];
    uint8_t status = ((const struct shop_order *)state)->status;
    bool kept = status == SHOP_ORDER_COMPLETED, canceled = status == SHOP_ORDER_CANCELED;
    bool paid = kept || canceled || status == SHOP_ORDER_NO_STOCK;
    tally->orders++;
    if (!is_known(sim, id)) {
        sim_fail(sim, "order %lld of status %d is nobody's: it was placed twice, or its failure "
                 "was told too early", (long long)id, status);
    }
    bool right = had->paid == paid && had->repaid == (paid && !kept) &&
                 had->taken == (kept || canceled) && had->returned == canceled &&
                 had->shipped == (kept || canceled) && had->unshipped == canceled;
    if (right) return;
    sim_fail(sim, "order %lld of status %d: paid %u, repaid %u, stock taken %u, returned %u, "
             "shipped %u, taken back %u times", (long long)id, status, had->paid, had->repaid,
             had->taken, had->returned, had->shipped, had->unshipped);
}

void sim_check_once(struct sim *sim)
{
    struct tally tally = {0};
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        int64_t max_id = sim->nodes[i].rt->counters[shop_order.type->index].max_id;
        if (max_id > tally.max_id) tally.max_id = max_id;
    }
    tally.of = calloc((size_t)tally.max_id + 1, sizeof tally.of[0]);
    DURE_ASSERT(tally.of != NULL);
    sim_each_event(sim, count, &tally);
    sim_each(sim, shop_order.type, check_order, &tally);
    free(tally.of);
    if (tally.orders != sim->places) {
        sim_fail(sim, "%llu orders were placed, there are %llu", (unsigned long long)sim->places,
                 (unsigned long long)tally.orders);
    }
    if (tally.deposits != sim->deposits) {
        sim_fail(sim, "%llu deposits were made, there are %llu",
                 (unsigned long long)sim->deposits, (unsigned long long)tally.deposits);
    }
}
