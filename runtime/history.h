/*
 * One aggregate's history: a walk along the back pointers of its events, with no index to maintain.
 */
#ifndef DURE_RUNTIME_HISTORY_H
#define DURE_RUNTIME_HISTORY_H

#include "runtime/cloudevent.h"

struct dure_history { /* Embedded; the caller keeps it until done. */
    struct dure_work work;
    /* Set by the caller. */
    struct dure_journal *journal;
    uint32_t shards;
    uint64_t lsn; /* The last event's record and entry: of the actor's head. lsn 0: none. */
    uint32_t at;
    void (*done)(struct dure_history *history);
    /* Result: published events as a JSON array, oldest first, at most DURE_HISTORY_EVENTS_MAX of
     * the newest. rv: 0, DURE_EIO or DURE_ECORRUPT. */
    struct dure_buf json;
    int rv;
};

/* Reads on a pool thread; everything it needs must be durable. */
void dure_history_read(struct dure_io *io, struct dure_history *history);

/* The trace of the actor's last event, in the open group's arena; NULL: none, or its record cannot be
 * read now. Loop thread, in a turn. */
const struct dure_trace *dure_history_trace(struct dure_runtime *rt,
                                            const struct dure_actor *actor);

#endif
