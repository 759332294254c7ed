/*
 * One follower for all SSE clients of a node: a thread that reads the stream gap-free and hands it
 * to the loop in chunks, already as SSE text, so that a client in step costs the loop one copy.
 */
#ifndef DURE_PROTO_SSE_HUB_H
#define DURE_PROTO_SSE_HUB_H

#include "proto/changes.h"

struct uv_loop_s;
struct dure_sse_hub;

struct dure_sse_item { /* One event. */
    size_t type_at, type_len; /* In lines. */
    size_t line_end;
    size_t text_at, text_end; /* In text: "id: …\ndata: …\n\n". */
    uint32_t shard;
    uint64_t sequence;
};

struct dure_sse_chunk {
    struct dure_sse_chunk *next;
    unsigned refs, generation;
    bool first; /* Of a new follow: does not go on from the one before. */
    bool known; /* Every source has said where it stands, or was given up for now. */
    bool gap;   /* Not every event up to `after` is in it: nobody wanted them (dure_sse_hub_spare). */
    struct dure_buf lines, text;
    struct dure_sse_item *items;
    size_t count;
    struct dure_positions after; /* Where the hub stands behind it. */
};

struct dure_sse_hub_options {
    struct uv_loop_s *loop;
    const struct dure_source_url *urls; /* Copied. */
    size_t count;
    /* Both are called on the loop. A chunk is kept by counting refs up, and dropped below. */
    void (*chunk)(void *arg, struct dure_sse_chunk *chunk);
    void (*news)(void *arg, const struct dure_news *news);
    void *arg;
};
DURE_MUST_CHECK int dure_sse_hub_open(struct dure_sse_hub **hub,
                                      const struct dure_sse_hub_options *options);
/* Follows from the end on, or stops. A later start begins anew: at the then end. */
void dure_sse_hub_want(struct dure_sse_hub *hub, bool wanted);
/* While nobody wants the events themselves chunks come without them, and seldom. */
void dure_sse_hub_spare(struct dure_sse_hub *hub, bool spare);
/* Frees itself when the loop has closed its handle. */
void dure_sse_hub_close(struct dure_sse_hub *hub);
void dure_sse_chunk_drop(struct dure_sse_chunk *chunk);

/* Appends the SSE event of a line; at: where its reader is behind it. */
void dure_sse_write(const char *json, size_t len, const struct dure_positions *at,
                    struct dure_buf *out);
/* The id alone, which moves a client's Last-Event-ID. */
void dure_sse_write_id(const struct dure_positions *at, struct dure_buf *out);

#endif
