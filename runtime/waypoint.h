/*
 * Waypoints: rows that say which sequence each shard had reached at a journal record. With them a
 * place in the event stream is found in the journal without reading it from its begin.
 */
#ifndef DURE_RUNTIME_WAYPOINT_H
#define DURE_RUNTIME_WAYPOINT_H

#include "runtime/positions.h"
#include "store/store.h"

/* Rows (META, this type, lsn) → the shards' sequences behind record lsn, a u64 each. Written with
 * every checkpoint: one in 2 s or 16 MB of journal. */
#define DURE_WAYPOINT_TYPE 0xffffffffu

/*
 * The largest record up to `head` behind which no shard that `from` reads is further than there; 0:
 * the begin of the journal. Any thread. 0, DURE_EIO or DURE_ECORRUPT.
 */
DURE_MUST_CHECK int dure_waypoint_find(struct dure_rows *rows, const struct dure_positions *from,
                                       uint64_t head, uint64_t *lsn);

#endif
