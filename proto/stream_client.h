/*
 * Follows the event stream without a gap or a double: live batches by SUB, and by REQ what they lack
 * (DESIGN 8). Used by the door (of the nodes), by SSE (of the nodes), and by `dure tail` (of a door).
 * One thread at a time; calls block.
 */
#ifndef DURE_PROTO_STREAM_CLIENT_H
#define DURE_PROTO_STREAM_CLIENT_H

#include "proto/sources.h"

struct dure_stream_client;

struct dure_stream_client_options {
    const struct dure_source_url *urls;
    size_t count;
    const char *topic; /* Prefixes; "" for all. Copied. */
    enum dure_stream_from from;
    const struct dure_positions *at; /* DURE_STREAM_AT. NONE: from its end on. */
    /* Messages of changes.h, as they come, within dure_stream_client_next. NULL: not wanted. */
    void (*changes)(void *arg, const char *text, size_t len);
    void *arg;
};

/* DURE_ENOMEM, DURE_ESYSTEM, DURE_EINVAL (a URL). Nobody needs to be there yet. */
DURE_MUST_CHECK int dure_stream_client_open(struct dure_stream_client **client,
                                            const struct dure_stream_client_options *options);
/*
 * Appends the next events to *lines, of each shard in order. Perhaps none: then only the place has
 * moved. DURE_EBUSY: nothing new in time. DURE_ENOTFOUND (gone), DURE_EPRECONDITION (ahead),
 * DURE_EIO, DURE_EFORMAT: it cannot go on from where it is.
 */
DURE_MUST_CHECK int dure_stream_client_next(struct dure_stream_client *client, int timeout_ms,
                                            struct dure_buf *lines);
/* Behind the last event that was given. shards 0: no source has answered yet. */
const struct dure_positions *dure_stream_client_at(const struct dure_stream_client *client);
/* Every source has said where it stands. */
bool dure_stream_client_known(const struct dure_stream_client *client);
/* Nothing is known that it has not given. */
bool dure_stream_client_caught_up(const struct dure_stream_client *client);
void dure_stream_client_close(struct dure_stream_client *client);

#endif
