/*
 * What must fit, whatever happened:
 *
 *   points       of every user: opened + earned - withdrawn = point
 *   settlements  every accepted response of an ended demand has one kepco, and nobody else has
 *   earnings     what real reductions were worth = what users have earned
 *
 * Users that were removed took their earnings along: then the last is shown and not judged. The same
 * while the round of an ended demand still closes its list.
 */
#include "actors/dr/dr.h"

struct audit {
    uint64_t users, wrong_users, removed, responses, owed, kepcos, settled, rounds;
    int64_t earned, worth;
};

static void on_event(void *arg, const struct dure_type *type, const struct dure_event *event)
{
    struct audit *audit = arg;
    if (event->type == &type->removed && type == dr_user.type) audit->removed++;
}

static void on_row(void *arg, const struct dure_type *type, int64_t id, const void *state)
{
    (void)id;
    struct audit *audit = arg;
    if (type == dr_list_round.type) audit->rounds += ((const struct dure_round_state *)state)->then;
    if (type == dr_user.type) {
        const struct dr_user *user = state;
        audit->users++;
        audit->earned += user->earned;
        audit->wrong_users += user->opened + user->earned - user->withdrawn != user->point;
    } else if (type == dr_response.type) {
        audit->responses++;
        audit->owed += ((const struct dr_response *)state)->owed == 1;
    } else if (type == dr_kepco.type) {
        const struct dr_kepco *kepco = state;
        audit->kepcos++;
        audit->settled += kepco->is_real >= 0;
        if (kepco->is_real == 1) audit->worth += kepco->adjust_point;
    }
}

static void report(const void *arg, struct dure_audit_report *out)
{
    const struct audit *audit = arg;
    dure_audit_count(out, "responses", audit->responses);
    dure_audit_count(out, "users", audit->users);
    dure_audit_count(out, "settled", audit->settled);
    dure_audit_count(out, "rounds under way", audit->rounds);
    dure_audit_line(out, "dr points of users that do not fit", (int64_t)audit->wrong_users, 0,
                    true);
    const struct dure_audit_sum settlements = {.name = "dr settlements",
                                               .left = {"owed", (int64_t)audit->owed},
                                               .right = {{"kepcos", (int64_t)audit->kepcos}},
                                               .right_count = 1,
                                               .exact = audit->rounds == 0};
    dure_audit_add(out, &settlements);
    const struct dure_audit_sum earnings = {.name = "dr earnings",
                                            .left = {"settled", audit->worth},
                                            .right = {{"earned", audit->earned}},
                                            .right_count = 1,
                                            .exact = audit->removed == 0 && audit->rounds == 0};
    dure_audit_add(out, &earnings);
}

const struct dure_audit dr_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
