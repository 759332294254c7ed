/*
 * Reads published events out of the journal: forward from a place in the stream, or the newest.
 */
#ifndef DURE_RUNTIME_REPLAY_H
#define DURE_RUNTIME_REPLAY_H

#include <pthread.h>

#include "runtime/cloudevent.h"
#include "runtime/positions.h"

/* Places where readers stopped lately: who goes on from there needs no search. */
#define DURE_REPLAY_PLACES 64

struct dure_replayer { /* One per journal; shared by threads. */
    struct dure_journal *journal;
    struct dure_rows *rows;
    uint32_t shards;
    pthread_mutex_t mutex;
    struct { uint64_t hash, lsn; } places[DURE_REPLAY_PLACES];
    size_t places_next;
};

struct dure_replay {
    /* Set by the caller. */
    uint64_t until;                    /* The last record that may be shown … */
    const struct dure_positions *ends; /* … and the shards' sequences behind it. */
    const char *topic;                 /* Prefixes; "" for all. */
    uint32_t max;                      /* Events. */
    size_t bytes_max;                  /* Stops beyond. */
    struct dure_positions at;          /* Where to begin; afterwards where it ended. */
    /* The result, appended to: a line "type CloudEventsJSON\n" each. */
    struct dure_buf lines;
    uint32_t count;
    bool end; /* Everything up to `until` was read. */
};

void dure_replayer_init(struct dure_replayer *replayer, struct dure_journal *journal,
                        struct dure_rows *rows, uint32_t shards);
void dure_replayer_fini(struct dure_replayer *replayer);

/*
 * The oldest place that the journal still has: all 0 as long as nothing was trimmed. Else it reads
 * until every shard has shown an event. Any thread. 0, DURE_EIO, DURE_ECORRUPT, DURE_EFORMAT.
 */
DURE_MUST_CHECK int dure_replay_oldest(struct dure_replayer *replayer, uint64_t until,
                                       const struct dure_positions *ends,
                                       struct dure_positions *oldest);

/*
 * Any thread. 0, DURE_ENOTFOUND (the journal does not reach back so far, see above),
 * DURE_EPRECONDITION (at lies behind the end: of another journal, or of one that has lost
 * records), DURE_EIO, DURE_ECORRUPT, DURE_EFORMAT.
 */
DURE_MUST_CHECK int dure_replay_read(struct dure_replayer *replayer, struct dure_replay *replay);

/*
 * The newest `max` events that the topic wants, the oldest of them first; fewer when so many would take
 * more than bytes_max, or lie further back than one answer reads. Whatever `at` was, it is *ends
 * afterwards, so a reader goes on from there without a gap. Any thread. 0, DURE_EIO, DURE_ECORRUPT,
 * DURE_EFORMAT.
 */
DURE_MUST_CHECK int dure_replay_last(struct dure_replayer *replayer, struct dure_replay *replay);

/* One event as a line; nothing for one that is not published or whose type is unknown. */
void dure_replay_line(const struct dure_entry_event *event, int64_t time_ms, uint32_t shards,
                      struct dure_buf *out);

#endif
