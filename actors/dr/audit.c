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

static int report(void *arg, struct dure_buf *out)
{
    const struct audit *audit = arg;
    bool settlements = audit->kepcos == audit->owed || audit->rounds > 0;
    bool earnings = audit->earned == audit->worth || audit->removed > 0 || audit->rounds > 0;
    dure_buf_printf(out, "dr points: %llu users%s\n", (unsigned long long)audit->users,
                    audit->wrong_users == 0 ? "" : ": SOME DO NOT FIT");
    dure_buf_printf(out, "dr settlements: %llu of %llu responses, %llu settled%s\n",
                    (unsigned long long)audit->kepcos, (unsigned long long)audit->responses,
                    (unsigned long long)audit->settled, settlements ? "" : ": DOES NOT FIT");
    dure_buf_printf(out, "dr earnings: %lld settled = %lld earned%s\n", (long long)audit->worth,
                    (long long)audit->earned, earnings ? "" : ": DOES NOT FIT");
    return audit->wrong_users == 0 && settlements && earnings ? 0 : DURE_ECORRUPT;
}

const struct dure_audit dr_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
