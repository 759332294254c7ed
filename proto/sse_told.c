/*
 * What SSE streams are told between the events.
 *
 *   changes  what has changed (?also=changes): one set a stream, told every NOTICE_MS at most, to a
 *            client that reads. It begins full: what happened before is not known
 *   samples  how the nodes do (?also=samples), as they say it; one that a client does not take in time
 *            it never gets
 *   place    the position, so that Last-Event-ID moves also when nothing comes that is wanted
 *
 * Loop thread.
 */
#include "proto/sse_stream.h"

/* Between two notices of a stream, and unsent bytes beyond which the next one waits. */
#define NOTICE_MS 100
#define NOTICE_UNSENT_MAX ((size_t)4 * 1024)
/* A place that moves without events that are wanted is told so often. */
#define PLACE_MS 1000

void dure_sse_tell(struct dure_sse_stream *stream)
{
    struct dure_sse *sse = stream->sse;
    uint64_t now = uv_now(sse->tick.loop);
    if (!stream->started || !stream->news.any || now - stream->told_ms < NOTICE_MS) return;
    if (dure_exchange_pending(stream->exchange) > NOTICE_UNSENT_MAX) return; /* on_drain */
    sse->out.len = 0;
    dure_notice_write(&sse->gateway->routes, &stream->news, &sse->out);
    dure_sse_emit(stream, sse->out.data, sse->out.len);
    stream->news = (struct dure_news){0};
    stream->told_ms = now;
}

void dure_sse_on_news(void *arg, const struct dure_news *news)
{
    struct dure_sse *sse = arg;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->exchange == NULL || !(stream->also & DURE_ALSO_CHANGES)) continue;
        dure_news_add(&stream->news, news);
        dure_sse_tell(stream);
    }
}

void dure_sse_on_sample(void *arg, const struct dure_buf *event)
{
    struct dure_sse *sse = arg;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->exchange == NULL || !stream->started) continue;
        if (!(stream->also & DURE_ALSO_SAMPLES)) continue;
        if (dure_exchange_pending(stream->exchange) > NOTICE_UNSENT_MAX) continue;
        dure_sse_emit(stream, event->data, event->len);
    }
}

void dure_sse_beat(struct dure_sse_stream *stream)
{
    struct dure_sse *sse = stream->sse;
    uint64_t now = uv_now(sse->tick.loop);
    bool silent = now - stream->spoke_ms >= sse->heartbeat_ms;
    bool moved = stream->moved && now - stream->place_ms >= PLACE_MS;
    if (!stream->started || !(silent || moved)) return;
    if (dure_exchange_pending(stream->exchange) > 0) return;
    struct dure_buf *out = &sse->out;
    stream->moved = false;
    stream->place_ms = now;
    out->len = 0;
    if (silent) dure_buf_lit(out, ":\n");
    dure_sse_write_id(stream->in_step ? &sse->at : &stream->at, out);
    dure_buf_byte(out, '\n');
    dure_sse_emit(stream, out->data, out->len);
}
