/*
 * Second-hand trade as a whole: what it consists of.
 */
#include "actors/secondhand/secondhand.h"

static struct dure_aggregate *const aggregates[] = {
    &secondhand_reserve, &secondhand_trade, &secondhand_inventory, &secondhand_notice,
    &secondhand_shelf, NULL,
};
static struct dure_saga *const sagas[] = {
    &secondhand_reserve_saga, &secondhand_cancel_saga, &secondhand_list_saga, NULL,
};

const struct dure_system secondhand_system = {
    .name = "secondhand", .aggregates = aggregates, .sagas = sagas,
    .policies = secondhand_policies, .audit = &secondhand_audit,
};
