/*
 * Outages (outage.c): for tests, one type as if its node were slow or down.
 */
#ifndef DURE_RUNTIME_OUTAGE_H
#define DURE_RUNTIME_OUTAGE_H

#include "runtime/mail.h"

struct dure_outage {
    const struct dure_type *type; /* NULL: none. */
    int64_t delay_ms;             /* Until a look at it is answered; INT64_MAX: never, and messages to
                                     it wait as they would for a node that is down. */
};
/* "food.food=down", "food.food=700"; "": none. 0 or DURE_EINVAL. */
DURE_MUST_CHECK int dure_outage_read(const char *text, struct dure_outage *outage);
/* On or off; what has waited comes in order. Not within a turn. */
void dure_outage_set(struct dure_runtime *rt, bool on);
/* True: the mail is held. */
bool dure_outage_hold(struct dure_runtime *rt, struct dure_mail *mail);
/* A group failed: what of the held mail is not on disk goes with it. */
void dure_outage_failed(struct dure_runtime *rt, uint64_t failed_lsn);

#endif
