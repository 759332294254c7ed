/*
 * The shop as a whole: what it consists of.
 */
#include "actors/shop/shop.h"

static struct dure_aggregate *const aggregates[] = {
    &shop_order, &shop_inventory, &shop_delivery, &shop_pay, &shop_mypage, NULL,
};
static struct dure_saga *const sagas[] = {&shop_order_saga, &shop_cancel_saga, NULL};

const struct dure_system shop_system = {
    .name = "shop", .aggregates = aggregates, .sagas = sagas, .projections = shop_projections,
    .audit = &shop_audit,
};
