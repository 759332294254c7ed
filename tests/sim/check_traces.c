/*
 * Every published event of an order tells the trace of the request that it follows from, on whatever
 * node and after whatever crash: those on the way forward that of the order, those on the way back
 * that of its cancellation, or of the order if it was refused.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

struct told { /* Of one order. */
    struct dure_trace placed, canceled; /* Zero: not seen yet. */
};

struct tally {
    struct told *of; /* By order id. */
    int64_t max_id;
    bool verify; /* The second time. */
};

/* The order that the event is about; 0: none. */
static int64_t order_of(const struct dure_event *event)
{
    const struct dure_event_type *type = event->type;
    if (type == &shop_order_placed || type == &shop_order_canceled) return event->id;
    if (type == &shop_pay_approval || type == &shop_pay_canceled)
        return ((const struct shop_pay_event *)event->data)->order_id;
    if (type == &shop_stock_decreased || type == &shop_stock_increased)
        return ((const struct shop_inventory_event *)event->data)->order_id;
    if (type == &shop_delivery_started || type == &shop_delivery_canceled)
        return ((const struct shop_delivery_event *)event->data)->order_id;
    return 0;
}

static bool is_forward(const struct dure_event_type *type)
{
    return type == &shop_order_placed || type == &shop_pay_approval ||
           type == &shop_stock_decreased || type == &shop_delivery_started;
}

static void look(struct sim *sim, void *arg, const struct dure_type *type,
                 const struct dure_event *event, const struct dure_entry_event *head)
{
    (void)type;
    struct tally *tally = arg;
    int64_t id = order_of(event);
    if (id <= 0 || id > tally->max_id || sim->failed) return;
    struct told *told = &tally->of[id];
    struct dure_trace trace;
    if (!dure_record_trace(head, &trace)) {
        sim_fail(sim, "%s of order %lld tells no trace", event->type->name, (long long)id);
        return;
    }
    if (!tally->verify) {
        if (event->type == &shop_order_placed) told->placed = trace;
        if (event->type == &shop_order_canceled) told->canceled = trace;
        return;
    }
    bool same = memcmp(&trace, &told->placed, sizeof trace) == 0;
    if (!is_forward(event->type))
        same = memcmp(&trace, &told->canceled, sizeof trace) == 0 ||
               (same && !dure_trace_is(&told->canceled));
    if (!same) {
        sim_fail(sim, "%s of order %lld tells the trace of another request", event->type->name,
                 (long long)id);
    }
}

void sim_check_traces(struct sim *sim)
{
    struct tally tally = {0};
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        int64_t max_id = sim->nodes[i].rt->counters[shop_order.type->index].max_id;
        if (max_id > tally.max_id) tally.max_id = max_id;
    }
    tally.of = calloc((size_t)tally.max_id + 1, sizeof tally.of[0]);
    DURE_ASSERT(tally.of != NULL);
    sim_each_event(sim, look, &tally);
    tally.verify = true;
    sim_each_event(sim, look, &tally);
    free(tally.of);
}
