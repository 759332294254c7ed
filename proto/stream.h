/*
 * What is said on the sockets of the event stream (DESIGN 8). All of it is text.
 *
 * Batch, published by nodes and by the door: "@batch {…}\n", then a line "type CloudEventsJSON\n"
 * for each event. The object names the events by shard, [first,last] sequence:
 *   {"node":0,"lsn":123,"shards":{"5":[10,12]}}
 * and every second, so that a lost last batch of a shard is noticed, where all shards stand:
 *   {"node":0,"at":{"0":17,"5":12}}
 *
 * Changes, published by nodes: "@changes {…}\n", at once every second and to who has come, at most every
 * 100 ms otherwise: counters by type of what can be read, events or not (changes.h).
 *
 * Request, to the replay socket of the door (or of a node, for its own shards):
 *   {"from":"start"|"end"|"last"|{"5":10,…}|"p…", "topic":"shop.", "max":1000}
 * "from" names the last sequence that the asker has; shards that it leaves out are not read. Reply:
 *   {"shards":64,"count":2,"end":true,"position":"p…","next":{…},"events":[…]}
 * "last": the newest "max" events, the oldest of them first, and then the end. "next" is the "from" of the next request; "end": there is no more now. With "lines":true the object
 * comes without "events", and the lines of a batch follow. "missing":[2]: these nodes did not answer,
 * their shards stay where they were. Groups, at the door only:
 *   {"group":"g"} → {"group":"g","position":"p…"|null,"next":{…}|null}
 *   {"group":"g","commit":{…}|"p…"} → the same, once it is on disk
 * Refused: {"error":"bad"|"gone"|"ahead"|"unavailable"|"failed","detail":"a sentence"}.
 */
#ifndef DURE_PROTO_STREAM_H
#define DURE_PROTO_STREAM_H

#include "runtime/positions.h"

#define DURE_STREAM_BATCH "@batch "
#define DURE_STREAM_TOPIC_BYTES 512
#define DURE_STREAM_GROUP_BYTES 65
#define DURE_STREAM_MAX_DEFAULT 1000
#define DURE_STREAM_MAX 10000
/* Lines of one reply; it ends with the event that reaches it. */
#define DURE_STREAM_REPLY_BYTES (256u * 1024)
/* Lines of one batch. */
#define DURE_STREAM_BATCH_BYTES (64u * 1024)

/* ---- One event as a line ----------------------------------------------------------------------- */

struct dure_stream_line {
    const char *type; /* Lent, with the JSON behind it … */
    size_t type_len;
    const char *json;
    size_t json_len; /* … without the end of line. */
    uint32_t shard;
    uint64_t sequence;
};
/* The next line of [*at, end), moved on. 0; DURE_ENOTFOUND at the end; DURE_EINVAL: no event line. */
DURE_MUST_CHECK int dure_stream_line(const char **at, const char *end,
                                     struct dure_stream_line *line);

/* ---- Batches ----------------------------------------------------------------------------------- */

/* Makes the batch of these lines. `node` negative: the door's. */
DURE_MUST_CHECK int dure_stream_batch_write(int node, uint64_t lsn, const char *lines, size_t len,
                                            struct dure_buf *out);
void dure_stream_beacon_write(int node, const struct dure_positions *at, struct dure_buf *out);
/* The lines of a batch; a beacon has none, and *at holds its positions, NONE where it says nothing
 * (*at is as large as before). DURE_EINVAL: no batch. */
DURE_MUST_CHECK int dure_stream_batch_read(const char *batch, size_t len, const char **lines,
                                           struct dure_positions *at, bool *beacon);

/* ---- Requests and replies ------------------------------------------------------------------------ */

enum dure_stream_from { DURE_STREAM_AT, DURE_STREAM_START, DURE_STREAM_END, DURE_STREAM_LAST };
/* "start", "end", "last"; NULL for a position. */
const char *dure_stream_from_word(enum dure_stream_from from);
/* DURE_STREAM_AT: it is none of the words. */
enum dure_stream_from dure_stream_from_of(const char *word);

struct dure_stream_request {
    enum dure_stream_from from;
    struct dure_positions at;  /* DURE_STREAM_AT, and of a commit. */
    char topic[DURE_STREAM_TOPIC_BYTES];
    uint32_t max;
    bool lines;
    char group[DURE_STREAM_GROUP_BYTES]; /* "": a replay. */
    bool commit;
};
void dure_stream_request_write(const struct dure_stream_request *request, struct dure_buf *out);
/* `shards`: how many there are. DURE_EINVAL: *detail says what is wrong with it. */
DURE_MUST_CHECK int dure_stream_request_read(struct dure_stream_request *request, const char *text,
                                             size_t len, uint32_t shards, const char **detail);

struct dure_stream_reply {
    struct dure_positions at; /* Where to go on. */
    uint32_t count;
    bool end;
    uint32_t missing[64]; /* Nodes. */
    size_t missing_count;
    struct dure_buf lines;
};
/* In the form that the request asked for. */
void dure_stream_reply_write(const struct dure_stream_reply *reply, bool lines,
                             struct dure_buf *out);
/* The refusal of an error: DURE_EINVAL bad, DURE_ENOTFOUND gone, DURE_EPRECONDITION ahead,
 * DURE_EUNAVAILABLE unavailable, others failed. */
void dure_stream_error_write(int rv, const char *detail, struct dure_buf *out);
/* Reads a reply with lines, appending them. An error comes back as its code; DURE_EFORMAT: it is no
 * reply at all. */
DURE_MUST_CHECK int dure_stream_reply_read(struct dure_stream_reply *reply, const char *text,
                                           size_t len);
void dure_stream_group_write(const char *group, const struct dure_positions *at,
                             struct dure_buf *out);
/* Of a group's reply. DURE_ENOTFOUND: it has no position yet. Else as dure_stream_reply_read. */
DURE_MUST_CHECK int dure_stream_group_read(struct dure_positions *at, const char *text, size_t len);
/* What an error means to a reader of the stream. */
const char *dure_stream_error_text(int rv);
/* Letters, digits, '.', '_', '-', not beginning with '.', up to 64. */
bool dure_stream_group_valid(const char *group);

#endif
