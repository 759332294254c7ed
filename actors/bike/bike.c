/*
 * Bike reservation as a whole: what it consists of.
 */
#include "actors/bike/bike.h"

int64_t bike_fare = BIKE_FARE_DEFAULT;

static struct dure_aggregate *const aggregates[] = {
    &bike_management, &bike_approval, &bike_point, &bike_reservation, &bike_dashboard, NULL,
};
static struct dure_saga *const sagas[] = {
    &bike_approval_saga, &bike_reserve_saga, &bike_cancel_saga, &bike_return_saga, NULL,
};

const struct dure_system bike_system = {
    .name = "bike", .aggregates = aggregates, .sagas = sagas, .projections = bike_projections,
    .audit = &bike_audit,
};
