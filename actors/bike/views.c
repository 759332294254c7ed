/*
 * The dashboard: a row per reservation from its first moment on, with each status it takes.
 */
#include "actors/bike/bike.h"

#include <stdio.h>

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_dashboard, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    FIELD(reserve_no, "reserveNo", DURE_TEXT, .flags = DURE_INDEXED),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_INDEXED),
    FIELD(bike_id, "bikeId", DURE_INT, .flags = 0),
    FIELD(status, "reserveStatus", DURE_ENUM, .flags = DURE_INDEXED, .texts = bike_status_texts),
};
static const struct dure_schema schema =
    DURE_SCHEMA("ReservationDashboard", struct bike_dashboard, fields);

struct dure_aggregate bike_dashboard = {
    .system = "bike", .name = "reservationDashboard", .collection = "reservationDashboards",
    .schema = &schema, .made_by = "bike.reservation.place",
};

static void create(void *row, const struct dure_event *event)
{
    const struct bike_received *received = event->data;
    struct bike_dashboard *dashboard = row;
    snprintf(dashboard->reserve_no, sizeof dashboard->reserve_no, "%lld", (long long)event->id);
    dashboard->user_id = received->place.user_id;
    dashboard->bike_id = received->place.bike_id;
    dashboard->status = BIKE_RECEIVED;
}

static void follow(void *row, const struct dure_event *event)
{
    uint8_t status = BIKE_CANCELED;
    if (event->type == &bike_reservation_reserved) status = BIKE_RESERVED;
    if (event->type == &bike_reservation_returned) status = BIKE_RETURNED;
    ((struct bike_dashboard *)row)->status = status;
}

static const struct dure_projection created = {
    .event = &bike_reservation_received, .view = &bike_dashboard,
    .creates = true, .apply = create};

#define FOLLOW(name, happened)                                                                     \
    static const struct dure_projection name = {                                                   \
        .event = &(happened), .view = &bike_dashboard, .apply = follow}

FOLLOW(reserved, bike_reservation_reserved);
FOLLOW(refused, bike_reservation_refused);
FOLLOW(canceled, bike_reservation_canceled);
FOLLOW(returned, bike_reservation_returned);

const struct dure_projection *const bike_projections[] = {
    &created, &reserved, &refused, &canceled, &returned, NULL,
};
