/*
 * What must fit, whatever happened:
 *
 *   balances    of every user: opened + bought - used + returned = totalPoint, and none is negative
 *   purchases   what approvals cost = what users have bought
 *   fares       of reservations 예약완료 and 사용완료 = used - returned
 *   bikes       those held, by whom = reservations 예약완료, of what
 *
 * Bikes are compared by a sum of hashes of the pairs, so that the order of rows does not matter.
 * With sagas under way, after a step was left out, or after points were removed, all but the
 * balances is shown and not judged.
 */
#include "actors/bike/bike.h"

struct audit {
    uint64_t users, wrong_users, reservations, pending, skipped, removed;
    int64_t paid, bought, held_fares, fares;
    uint64_t bikes_held, bikes_reserved, held_pairs, reserved_pairs;
};

static uint64_t pair(int64_t bike_id, int64_t reservation_id)
{
    uint64_t mixed = (uint64_t)bike_id * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)reservation_id;
    mixed = (mixed ^ (mixed >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
    return mixed ^ (mixed >> 29);
}

static void on_event(void *arg, const struct dure_type *type, const struct dure_event *event)
{
    struct audit *audit = arg;
    if (event->type == &type->skipped) audit->skipped++;
    if (event->type == &type->removed && type == bike_point.type) audit->removed++;
}

static void add_point(struct audit *audit, const struct bike_point *point)
{
    audit->users++;
    audit->bought += point->bought;
    audit->fares += point->used - point->returned;
    audit->wrong_users +=
        point->total_point < 0 ||
        point->opened + point->bought - point->used + point->returned != point->total_point;
}

static void add_reservation(struct audit *audit, const struct bike_reservation *reservation)
{
    audit->reservations++;
    bool reserved = reservation->status == BIKE_RESERVED;
    if (reserved || reservation->status == BIKE_RETURNED) audit->held_fares += reservation->fare;
    if (!reserved) return;
    audit->bikes_reserved++;
    audit->reserved_pairs += pair(reservation->bike_id, reservation->id);
}

static void on_row(void *arg, const struct dure_type *type, int64_t id, const void *state)
{
    struct audit *audit = arg;
    if (type == bike_point.type) add_point(audit, state);
    if (type == bike_reservation.type) add_reservation(audit, state);
    if (type == bike_approval.type) audit->paid += ((const struct bike_approval *)state)->price;
    if (type == bike_approval_saga.type || type == bike_reserve_saga.type ||
        type == bike_cancel_saga.type || type == bike_return_saga.type) {
        audit->pending++;
    }
    if (type != bike_management.type) return;
    const struct bike_management *bike = state;
    if (bike->reservation_id == DURE_NULL) return;
    audit->bikes_held++;
    audit->held_pairs += pair(id, bike->reservation_id);
}

static void report(const void *arg, struct dure_audit_report *out)
{
    const struct audit *audit = arg;
    bool exact = audit->pending == 0 && audit->skipped == 0 && audit->removed == 0;
    dure_audit_count(out, "reservations", audit->reservations);
    dure_audit_count(out, "users", audit->users);
    dure_audit_count(out, "sagas under way", audit->pending);
    dure_audit_count(out, "steps left out", audit->skipped);
    dure_audit_line(out, "bike balances that do not fit", (int64_t)audit->wrong_users, 0, true);
    const struct dure_audit_sum sums[] = {
        {.name = "bike purchases",
         .left = {"paid", audit->paid},
         .right = {{"bought", audit->bought}}},
        {.name = "bike fares",
         .left = {"of reservations", audit->held_fares},
         .right = {{"used", audit->fares}}},
        {.name = "bikes",
         .left = {"held", (int64_t)audit->bikes_held},
         .right = {{"reserved", (int64_t)audit->bikes_reserved}},
         .differs = audit->held_pairs != audit->reserved_pairs},
    };
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        struct dure_audit_sum sum = sums[i];
        sum.right_count = 1;
        sum.exact = exact;
        dure_audit_add(out, &sum);
    }
}

const struct dure_audit bike_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
