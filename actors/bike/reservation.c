/*
 * Reservations: received, then decided by the reserve saga; ended by a cancel or by a return.
 *
 *   place    → 예약접수 → (reserve saga) → 예약완료 | 예약취소, with the reason
 *   cancel   예약완료 → 예약취소; the cancel saga frees the bike and gives the fare back
 *   return   예약완료 → 사용완료; the return saga frees the bike
 *
 * From any other state a cancel or a return is refused, so each happens once at most, and never
 * both. BikeReserved is published when it is true: the bike is held and the fare is paid.
 */
#include "actors/bike/bike.h"

const char *const bike_status_texts[] = {NULL, "예약접수", "예약완료", "예약취소", "사용완료", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_reservation, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "reserveNo", DURE_INT, .flags = DURE_ID),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(bike_id, "bikeId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(reserve_ms, "reserveDateTime", DURE_DATE, .flags = 0),
    FIELD(return_ms, "returnDateTime", DURE_DATE, .flags = 0),
    FIELD(status, "reserveStatus", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = bike_status_texts),
    FIELD(fare, "fare", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(reason, "reason", DURE_TEXT, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Reservation", struct bike_reservation, state_fields);

#define PLACE(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_place, member, json, kind, __VA_ARGS__)
static const struct dure_field place_fields[] = {
    PLACE(user_id, "userId", DURE_INT, .flags = DURE_REQUIRED, .min = 1, .max = BIKE_USER_MAX),
    PLACE(bike_id, "bikeId", DURE_INT, .flags = DURE_REQUIRED, .min = 1, .max = INT64_MAX),
    PLACE(reserve_ms, "reserveDateTime", DURE_DATE, .flags = DURE_DEFAULT_NOW),
    PLACE(return_ms, "returnDateTime", DURE_DATE, .flags = 0),
};
static const struct dure_schema place_schema =
    DURE_SCHEMA("PlaceReservation", struct bike_place, place_fields);

static const struct dure_field reason_fields[] = {
    DURE_FIELD(struct bike_reason, reason, "reason", DURE_TEXT, .flags = 0),
};
static const struct dure_schema reason_schema =
    DURE_SCHEMA("ReservationReason", struct bike_reason, reason_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

#define RECEIVED(member, json, kind, ...)                                                          \
    DURE_FIELD(struct bike_received, member, json, kind, __VA_ARGS__)
static const struct dure_field received_fields[] = {
    RECEIVED(place.user_id, "userId", DURE_INT, .flags = 0),
    RECEIVED(place.bike_id, "bikeId", DURE_INT, .flags = 0),
    RECEIVED(place.reserve_ms, "reserveDateTime", DURE_DATE, .flags = 0),
    RECEIVED(place.return_ms, "returnDateTime", DURE_DATE, .flags = 0),
    RECEIVED(fare, "fare", DURE_INT, .flags = 0),
};
static const struct dure_schema received_schema =
    DURE_SCHEMA("ReservationReceived", struct bike_received, received_fields);

#define RESERVED(member, json, kind, ...)                                                          \
    DURE_FIELD(struct bike_reserved, member, json, kind, __VA_ARGS__)
static const struct dure_field reserved_fields[] = {
    RESERVED(id, "reserveNo", DURE_INT, .flags = 0),
    RESERVED(user_id, "userId", DURE_INT, .flags = 0),
    RESERVED(bike_id, "bikeId", DURE_INT, .flags = 0),
    RESERVED(reserve_ms, "reserveDateTime", DURE_DATE, .flags = 0),
    RESERVED(return_ms, "returnDateTime", DURE_DATE, .flags = 0),
    RESERVED(status, "reserveStatus", DURE_ENUM, .texts = bike_status_texts),
};
static const struct dure_schema reserved_schema =
    DURE_SCHEMA("BikeReserved", struct bike_reserved, reserved_fields);

#define ENDED(member, json, kind, ...)                                                             \
    DURE_FIELD(struct bike_ended, member, json, kind, __VA_ARGS__)
static const struct dure_field ended_fields[] = {
    ENDED(id, "reserveNo", DURE_INT, .flags = 0),
    ENDED(user_id, "userId", DURE_INT, .flags = 0),
    ENDED(bike_id, "bikeId", DURE_INT, .flags = 0),
};
static const struct dure_schema ended_schema =
    DURE_SCHEMA("ReservationEnded", struct bike_ended, ended_fields);

static void apply_received(void *state, const struct dure_event *event)
{
    const struct bike_received *received = event->data;
    struct bike_reservation *reservation = state;
    reservation->id = event->id;
    reservation->user_id = received->place.user_id;
    reservation->bike_id = received->place.bike_id;
    reservation->reserve_ms = received->place.reserve_ms;
    reservation->return_ms = received->place.return_ms;
    reservation->fare = received->fare;
    reservation->status = BIKE_RECEIVED;
}

static void apply_reserved(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct bike_reservation *)state)->status = BIKE_RESERVED;
}

static void apply_refused(void *state, const struct dure_event *event)
{
    struct bike_reservation *reservation = state;
    reservation->status = BIKE_CANCELED;
    memcpy(reservation->reason, ((const struct bike_reason *)event->data)->reason,
           sizeof reservation->reason);
}

static void apply_canceled(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct bike_reservation *)state)->status = BIKE_CANCELED;
}

static void apply_returned(void *state, const struct dure_event *event)
{
    struct bike_reservation *reservation = state;
    reservation->status = BIKE_RETURNED;
    reservation->return_ms = event->time_ms;
}

struct dure_event_type bike_reservation_received = {
    .name = "ReservationReceived", .schema = &received_schema, .internal = true,
    .apply = apply_received};
struct dure_event_type bike_reservation_reserved = {
    .name = "BikeReserved", .schema = &reserved_schema, .apply = apply_reserved};
struct dure_event_type bike_reservation_refused = {
    .name = "ReservationRefused", .schema = &reason_schema, .internal = true,
    .apply = apply_refused};
struct dure_event_type bike_reservation_canceled = {
    .name = "Canceled", .schema = &ended_schema, .apply = apply_canceled};
struct dure_event_type bike_reservation_returned = {
    .name = "BikeReturned", .schema = &ended_schema, .apply = apply_returned};

/* ---- Commands -------------------------------------------------------------------------------- */

static void start(struct dure_out *out, const struct dure_saga *saga, int64_t id,
                  const struct bike_place *place, int64_t fare)
{
    *(struct bike_trip_saga *)dure_start(out, saga, id) = (struct bike_trip_saga){
        .reservation_id = id, .user_id = place->user_id, .bike_id = place->bike_id, .fare = fare};
}

static int place(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct bike_place *wanted = in->data;
    struct bike_received *event = dure_emit(out, &bike_reservation_received);
    event->place = *wanted;
    if (wanted->reserve_ms == DURE_NULL) event->place.reserve_ms = in->now_ms;
    event->fare = bike_fare;
    start(out, &bike_reserve_saga, in->id, wanted, bike_fare);
    return 0;
}

static int complete(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct bike_reservation *reservation = state;
    *(struct bike_reserved *)dure_emit(out, &bike_reservation_reserved) = (struct bike_reserved){
        .id = in->id, .user_id = reservation->user_id, .bike_id = reservation->bike_id,
        .reserve_ms = reservation->reserve_ms, .return_ms = reservation->return_ms,
        .status = BIKE_RESERVED};
    return 0;
}

static int refuse(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct bike_reason *)dure_emit(out, &bike_reservation_refused) =
        *(const struct bike_reason *)in->data;
    return 0;
}

static bool may_end(const void *state)
{
    return ((const struct bike_reservation *)state)->status == BIKE_RESERVED;
}

static void end(const struct bike_reservation *reservation, struct dure_out *out,
                const struct dure_event_type *type, const struct dure_saga *saga)
{
    *(struct bike_ended *)dure_emit(out, type) = (struct bike_ended){
        .id = reservation->id, .user_id = reservation->user_id, .bike_id = reservation->bike_id};
    const struct bike_place place = {.user_id = reservation->user_id,
                                     .bike_id = reservation->bike_id};
    start(out, saga, reservation->id, &place, reservation->fare);
}

static int cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct bike_reservation *reservation = state;
    if (may_end(state)) {
        end(reservation, out, &bike_reservation_canceled, &bike_cancel_saga);
    } else {
        dure_refuse(out, 409, "예약 %lld은 취소할 수 없습니다: %s", (long long)in->id,
                    bike_status_texts[reservation->status]);
    }
    return 0;
}

static int return_bike(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct bike_reservation *reservation = state;
    if (may_end(state)) {
        end(reservation, out, &bike_reservation_returned, &bike_return_saga);
    } else {
        dure_refuse(out, 409, "예약 %lld은 반납할 수 없습니다: %s", (long long)in->id,
                    bike_status_texts[reservation->status]);
    }
    return 0;
}

static const struct dure_command place_reservation = {
    .name = "place", .aggregate = &bike_reservation, .schema = &place_schema,
    .flags = DURE_CREATES, .handle = place,
    .example = {"{\"userId\":1,\"bikeId\":1}",
                "bike.management.registrate bike.approval.approve"}};
const struct dure_command bike_reservation_complete = {
    .name = "complete", .aggregate = &bike_reservation, .handle = complete};
const struct dure_command bike_reservation_refuse = {
    .name = "refuse", .aggregate = &bike_reservation, .schema = &reason_schema, .handle = refuse};
static const struct dure_command cancel_reservation = {
    .name = "cancel", .aggregate = &bike_reservation, .allowed = may_end, .handle = cancel};
static const struct dure_command return_reservation = {
    .name = "return", .aggregate = &bike_reservation, .allowed = may_end, .handle = return_bike};

static const struct dure_command *const commands[] = {
    &place_reservation, &bike_reservation_complete, &bike_reservation_refuse,
    &cancel_reservation, &return_reservation, NULL,
};
static struct dure_event_type *const events[] = {
    &bike_reservation_received, &bike_reservation_reserved, &bike_reservation_refused,
    &bike_reservation_canceled, &bike_reservation_returned, NULL,
};
static const struct dure_transition transitions[] = {
    {"reserveStatus", BIKE_CANCELED, &cancel_reservation},
    {"reserveStatus", BIKE_RETURNED, &return_reservation},
    {0},
};

static const char *refused(const void *state)
{
    const struct bike_reservation *reservation = state;
    return reservation->reason[0] != '\0' ? reservation->reason : NULL;
}

struct dure_aggregate bike_reservation = {
    .system = "bike", .name = "reservation", .collection = "reservations",
    .schema = &state_schema, .commands = commands, .events = events,
    .create = &place_reservation, .remove = &cancel_reservation, .editable = true,
    .transitions = transitions, .refused = refused,
};
