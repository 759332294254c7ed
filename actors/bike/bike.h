/*
 * Bike reservation (SPEC D): states, payloads and descriptors that its files share.
 *
 * A reservation holds one bike and costs the fare, in points. Whose word counts: the bike for who
 * has it, the points' row for the balance, the reservation for whether it is cancelled or returned.
 */
#ifndef DURE_ACTORS_BIKE_BIKE_H
#define DURE_ACTORS_BIKE_BIKE_H

#include "runtime/audit.h"
#include "runtime/dure.h"

#define BIKE_TEXT_BYTES 128
#define BIKE_REASON_BYTES DURE_SAGA_REASON_BYTES
/* Beyond, sums could overflow: refused where they are entered. */
#define BIKE_POINT_MAX INT64_C(1000000000000000)
/* Users are the ids of their points. */
#define BIKE_USER_MAX INT64_C(1000000000000000)

/* Points that a reservation costs, whole; 1000 unless --bike-fare says otherwise. Set before the
 * first turn. A reservation keeps the fare that it was made with. */
#define BIKE_FARE_DEFAULT 1000
extern int64_t bike_fare;

/* ---- States ---------------------------------------------------------------------------------- */

struct bike_management {
    int64_t id;
    int64_t reservation_id; /* Hidden: who holds it; DURE_NULL: it is free. */
    char color[BIKE_TEXT_BYTES], registered_date[BIKE_TEXT_BYTES];
};

struct bike_approval { int64_t id, user_id, price; char approve_date[BIKE_TEXT_BYTES]; };

struct bike_point {
    int64_t user_id; /* The id. */
    int64_t total_point;
    /* Hidden: total_point = opened + bought - used + returned. */
    int64_t opened, bought, used, returned;
};

enum bike_status {
    BIKE_STATUS_NONE,
    BIKE_RECEIVED, /* 예약접수: its saga runs. */
    BIKE_RESERVED, /* 예약완료: it holds the bike, and has paid. */
    BIKE_CANCELED, /* 예약취소: by the user, or never got so far. */
    BIKE_RETURNED, /* 사용완료 */
};
extern const char *const bike_status_texts[];

struct bike_reservation {
    int64_t id, user_id, bike_id;
    int64_t reserve_ms, return_ms;
    int64_t fare;                   /* Hidden. */
    uint8_t status;                 /* enum bike_status */
    char reason[BIKE_REASON_BYTES]; /* Hidden: why it was refused; "": it was not. */
};

struct bike_dashboard {
    int64_t user_id, bike_id;
    uint8_t status;
    char reserve_no[24]; /* The id, as text. */
};

/* ---- Payloads -------------------------------------------------------------------------------- */

struct bike_place { int64_t user_id, bike_id, reserve_ms, return_ms; }; /* POST /reservations */
struct bike_hold { int64_t reservation_id; };
struct bike_amount { int64_t amount; };
struct bike_reason { char reason[BIKE_REASON_BYTES]; };

/* ---- Events that others listen to ------------------------------------------------------------ */

struct bike_received { struct bike_place place; int64_t fare; };
struct bike_reserved { int64_t id, user_id, bike_id, reserve_ms, return_ms; uint8_t status; };
struct bike_ended { int64_t id, user_id, bike_id; };
struct bike_ordered { int64_t id, user_id, price; };
struct bike_points { int64_t user_id, total_point; };

extern struct dure_event_type bike_registrated, bike_held, bike_released;
extern struct dure_event_type bike_point_ordered;
extern struct dure_event_type bike_point_opened, bike_point_increased, bike_point_used,
    bike_point_returned;
extern struct dure_event_type bike_reservation_received, bike_reservation_reserved,
    bike_reservation_refused, bike_reservation_canceled, bike_reservation_returned;

/* ---- Commands that sagas give ---------------------------------------------------------------- */

extern const struct dure_command bike_management_hold, bike_management_release;
extern const struct dure_command bike_point_increase, bike_point_use, bike_point_give_back;
extern const struct dure_command bike_reservation_complete, bike_reservation_refuse;

/* ---- The rest -------------------------------------------------------------------------------- */

struct bike_approval_saga { int64_t user_id, price; };
struct bike_trip_saga { int64_t reservation_id, user_id, bike_id, fare; }; /* Of the other three. */

extern struct dure_saga bike_approval_saga, bike_reserve_saga, bike_cancel_saga, bike_return_saga;
extern struct dure_aggregate bike_management, bike_approval, bike_point, bike_reservation,
    bike_dashboard;
extern const struct dure_projection *const bike_projections[];
extern const struct dure_audit bike_audit;
extern const struct dure_system bike_system;

#endif
