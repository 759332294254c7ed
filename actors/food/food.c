/*
 * Food delivery as a whole: what it consists of.
 */
#include "actors/food/food.h"

static struct dure_aggregate *const aggregates[] = {
    &food_order,  &food_payment, &food_store_order, &food_food,
    &food_delivery, &food_notice, &food_top,         &food_order_view, NULL,
};
static struct dure_saga *const sagas[] = {
    &food_order_saga, &food_check_saga, &food_cancel_saga, NULL,
};

const struct dure_system food_system = {
    .name = "food", .aggregates = aggregates, .sagas = sagas, .policies = food_policies,
    .projections = food_projections, .audit = &food_audit,
};
