/*
 * The four sagas: of a purchase, and of a reservation's beginning and its two ends.
 *
 *   approval  points   increase @ points         PointIncreased
 *   reserve   hold     hold @ bike               refused: unknown, or held; undone by release
 *             pay      use @ points              PointUsed; refused: too few, or no row
 *             finish   complete @ reservation    BikeReserved
 *   cancel    bike     release @ bike
 *             points   give-back @ points        PointReturned
 *   return    bike     release @ bike
 *
 * Paying is the last thing that can be refused, so points are never to be given back there. What a
 * cancel or a return has to do cannot be refused at all; a bike or points that were removed
 * meanwhile need nothing.
 */
#include "actors/bike/bike.h"

#include <stdio.h>

/* ---- Approval -------------------------------------------------------------------------------- */

static const struct dure_field approval_fields[] = {
    DURE_FIELD(struct bike_approval_saga, user_id, "userId", DURE_INT, .flags = 0),
    DURE_FIELD(struct bike_approval_saga, price, "price", DURE_INT, .flags = 0),
};
static const struct dure_schema approval_schema =
    DURE_SCHEMA("ApprovalSaga", struct bike_approval_saga, approval_fields);

static int64_t buyer(const void *data)
{
    return ((const struct bike_approval_saga *)data)->user_id;
}

static void fill_price(const void *data, void *payload)
{
    ((struct bike_amount *)payload)->amount = ((const struct bike_approval_saga *)data)->price;
}

static const struct dure_saga_step approval_steps[] = {
    {.name = "points", .command = &bike_point_increase, .by_key = true, .target = buyer,
     .fill = fill_price, .done = &bike_point_increased, .must = true},
};

struct dure_saga bike_approval_saga = {
    .system = "bike", .name = "approval-saga", .data = &approval_schema, .steps = approval_steps,
    .steps_count = sizeof approval_steps / sizeof approval_steps[0],
};

/* ---- A reservation's ------------------------------------------------------------------------- */

#define TRIP(member, json) DURE_FIELD(struct bike_trip_saga, member, json, DURE_INT, .flags = 0)
static const struct dure_field trip_fields[] = {
    TRIP(reservation_id, "reserveNo"),
    TRIP(user_id, "userId"),
    TRIP(bike_id, "bikeId"),
    TRIP(fare, "fare"),
};
static const struct dure_schema trip_schema =
    DURE_SCHEMA("TripSaga", struct bike_trip_saga, trip_fields);

static int64_t reservation(const void *data)
{
    return ((const struct bike_trip_saga *)data)->reservation_id;
}

static int64_t user(const void *data)
{
    return ((const struct bike_trip_saga *)data)->user_id;
}

static int64_t bike(const void *data)
{
    return ((const struct bike_trip_saga *)data)->bike_id;
}

static void fill_holder(const void *data, void *payload)
{
    ((struct bike_hold *)payload)->reservation_id = reservation(data);
}

static void fill_fare(const void *data, void *payload)
{
    ((struct bike_amount *)payload)->amount = ((const struct bike_trip_saga *)data)->fare;
}

static void fill_refuse(const void *data, size_t step, const char *reason, void *payload)
{
    (void)data;
    (void)step;
    struct bike_reason *refused = payload;
    snprintf(refused->reason, sizeof refused->reason, "%s", reason);
}

static const struct dure_saga_step reserve_steps[] = {
    {.name = "hold", .command = &bike_management_hold, .target = bike, .fill = fill_holder,
     .done = &bike_held, .missing = "없는 자전거입니다", .undo = &bike_management_release,
     .fill_undo = fill_holder},
    {.name = "pay", .command = &bike_point_use, .by_key = true, .target = user, .fill = fill_fare,
     .done = &bike_point_used, .missing = "포인트가 부족합니다: 포인트가 없습니다"},
    {.name = "finish", .command = &bike_reservation_complete, .target = reservation,
     .done = &bike_reservation_reserved, .must = true},
};
static const struct dure_saga_step cancel_steps[] = {
    {.name = "bike", .command = &bike_management_release, .target = bike, .fill = fill_holder,
     .done = &bike_released, .must = true, .unless_gone = true},
    {.name = "points", .command = &bike_point_give_back, .by_key = true, .target = user,
     .fill = fill_fare, .done = &bike_point_returned, .must = true, .unless_gone = true},
};

struct dure_saga bike_reserve_saga = {
    .system = "bike", .name = "reserve-saga", .data = &trip_schema, .steps = reserve_steps,
    .steps_count = sizeof reserve_steps / sizeof reserve_steps[0],
    .refuse = &bike_reservation_refuse, .fill_refuse = fill_refuse,
};
struct dure_saga bike_cancel_saga = {
    .system = "bike", .name = "cancel-saga", .data = &trip_schema, .steps = cancel_steps,
    .steps_count = sizeof cancel_steps / sizeof cancel_steps[0],
};
/* The first step of a cancel is all of it. */
struct dure_saga bike_return_saga = {
    .system = "bike", .name = "return-saga", .data = &trip_schema, .steps = cancel_steps,
    .steps_count = 1,
};
