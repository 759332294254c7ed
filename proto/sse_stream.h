/*
 * What the files of the SSE streams share: sse.c (begin, end, time), sse_follow.c (events: live and by
 * replay), sse_told.c (what is said between the events). Loop thread, but for a stream's work.
 */
#ifndef DURE_PROTO_SSE_STREAM_H
#define DURE_PROTO_SSE_STREAM_H

#include <uv.h>

#include "proto/call.h"
#include "proto/live_samples.h"
#include "proto/notices.h"
#include "proto/ring.h"
#include "proto/sse.h"
#include "proto/sse_hub.h"
#include "proto/streamed.h"

/* Chunks kept for those who come from a replay. */
#define DURE_SSE_RECENT 64

struct dure_sse_stream {
    struct dure_streamed streamed;
    struct dure_work work;
    struct dure_ring link;
    struct dure_sse *sse;
    struct dure_exchange *exchange; /* NULL: it has ended, and the work is awaited. */
    struct dure_positions at;       /* Valid unless in_step. */
    enum dure_stream_from from;     /* Of the first request … */
    uint32_t newest;                /* … and how many, of LAST. */
    char topic[DURE_STREAM_TOPIC_BYTES];
    bool started, in_step, lacks, working;
    bool wants;                     /* Events: its topic may be that of some. */
    bool moved;                     /* Without a word to the client. */
    uint32_t also;                  /* enum dure_also */
    struct dure_news news;          /* Not told yet. */
    uint64_t retry_ms, spoke_ms, told_ms, place_ms;
    struct dure_stream_request request; /* The worker's. */
    struct dure_stream_reply reply;
    int rv;
};

struct dure_sse {
    struct dure_gateway *gateway;
    struct dure_sources sources;
    struct dure_sse_hub *hub;
    struct dure_live_samples *samples;
    size_t samples_readers;
    uv_timer_t tick;
    uint64_t heartbeat_ms;
    struct dure_ring streams;
    size_t streams_count, wanting, replays;
    struct dure_sse_chunk *recent[DURE_SSE_RECENT]; /* A ring; NULL: none. */
    size_t recent_next;
    struct dure_positions at; /* Of the hub; shards 0: not known. */
    bool known, stopped;
    struct dure_buf out;
};

/* ---- sse.c */

/* 200, and the place where it begins. */
void dure_sse_begin(struct dure_sse_stream *stream);
void dure_sse_emit(struct dure_sse_stream *stream, const char *bytes, size_t len);
/* A refusal before the first byte, else an end: the client comes again, and is told then. */
void dure_sse_fail(struct dure_sse_stream *stream, int rv);
/* Of one whose exchange has ended, and whose work has. */
void dure_sse_free(struct dure_sse_stream *stream);

/* ---- sse_follow.c */

/* What can be done for this stream now. */
void dure_sse_pump(struct dure_sse_stream *stream);
/* From the hub; arg: the struct dure_sse. */
void dure_sse_on_chunk(void *arg, struct dure_sse_chunk *chunk);
/* Drops the chunks that are kept. */
void dure_sse_forget(struct dure_sse *sse);

/* ---- sse_told.c */

/* What has changed, if it is time and the client reads. */
void dure_sse_tell(struct dure_sse_stream *stream);
/* The place, after a silence. */
void dure_sse_beat(struct dure_sse_stream *stream);
/* arg: the struct dure_sse. */
void dure_sse_on_news(void *arg, const struct dure_news *news);
void dure_sse_on_sample(void *arg, const struct dure_buf *event);

#endif
