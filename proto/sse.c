/*
 * SSE streams of one node: a stream's life.
 *
 *   1. begin   at the end: in step with the hub as soon as it knows where that is; elsewhere: by
 *              replay, whose first answer decides between 200 and a refusal
 *   2. follow  events, live and by replay: sse_follow.c; what is said between them: sse_told.c
 *   3. end     the client goes, the node stops, or its position is gone
 *
 * Loop thread.
 */
#include "proto/sse_stream.h"

#include <stdlib.h>

#include "proto/cors.h"
#include "proto/query_text.h"

#define TICK_MS 100
/* Events that ?from=last begins with, without max. */
#define NEWEST 100

/* ---- 3: the end ------------------------------------------------------------------------------------ */

void dure_sse_free(struct dure_sse_stream *stream)
{
    struct dure_sse *sse = stream->sse;
    uint32_t also = stream->also;
    if (stream->wants && --sse->wanting == 0) dure_sse_hub_spare(sse->hub, true);
    dure_ring_remove(&stream->link);
    dure_buf_fini(&stream->reply.lines);
    free(stream);
    sse->gateway->calls_count--;
    if (also & DURE_ALSO_SAMPLES) dure_live_samples_want(sse->samples, --sse->samples_readers > 0);
    if (--sse->streams_count > 0) return;
    uv_timer_stop(&sse->tick);
    dure_sse_hub_want(sse->hub, false);
    dure_sse_forget(sse);
    sse->known = false;
    sse->at.shards = 0;
}

static void end(struct dure_sse_stream *stream)
{
    struct dure_exchange *exchange = stream->exchange;
    stream->exchange = NULL;
    dure_exchange_set_data(exchange, NULL);
    if (!stream->started) dure_exchange_start(exchange, 503, NULL); /* Nobody is there to see it. */
    dure_exchange_end(exchange);
    if (!stream->working) dure_sse_free(stream);
}

/* Before the first byte: a problem instead. */
static void refuse(struct dure_gateway *gateway, struct dure_exchange *exchange, int status,
                   const char *detail)
{
    dure_exchange_set_data(exchange, NULL);
    struct dure_call *call = dure_call_new(gateway, exchange, dure_exchange_request(exchange));
    if (call == NULL) {
        dure_exchange_respond(exchange, 503, NULL, NULL, 0);
        return;
    }
    dure_call_clear(call);
    dure_call_refuse(call, status, "%s", detail);
}

static int status_of(int rv)
{
    switch (rv) {
    case DURE_ENOTFOUND: return 410;
    case DURE_EPRECONDITION: return 409;
    case DURE_EINVAL: return 400;
    default: return 503;
    }
}

void dure_sse_fail(struct dure_sse_stream *stream, int rv)
{
    if (stream->started) {
        end(stream); /* It comes again with its last id, and is told then. */
        return;
    }
    struct dure_exchange *exchange = stream->exchange;
    stream->exchange = NULL;
    refuse(stream->sse->gateway, exchange, status_of(rv), dure_stream_error_text(rv));
    if (!stream->working) dure_sse_free(stream);
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

void dure_sse_emit(struct dure_sse_stream *stream, const char *bytes, size_t len)
{
    if (len == 0) return;
    stream->spoke_ms = uv_now(stream->sse->tick.loop);
    dure_exchange_write(stream->exchange, bytes, len);
}

void dure_sse_begin(struct dure_sse_stream *stream)
{
    struct dure_buf headers = {0};
    dure_buf_lit(&headers, "Content-Type: text/event-stream; charset=utf-8\r\n"
                           "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
    dure_cors_add(dure_exchange_request(stream->exchange), &headers);
    stream->started = true;
    dure_metrics_count(&stream->sse->gateway->metrics, DURE_GET, 200, 0);
    dure_exchange_start(stream->exchange, 200, &headers);
    dure_buf_fini(&headers);
    struct dure_buf *out = &stream->sse->out;
    out->len = 0;
    dure_buf_lit(out, ": dure\nretry: 1000\n");
    dure_sse_write_id(&stream->at, out);
    dure_buf_byte(out, '\n');
    dure_sse_emit(stream, out->data, out->len);
}

/* ---- Time -------------------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
    struct dure_sse *sse = timer->data;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->exchange == NULL) continue;
        dure_sse_tell(stream);
        dure_sse_beat(stream);
        dure_sse_pump(stream);
    }
}

/* ---- 1: begin ---------------------------------------------------------------------------------------- */

static void on_drain(struct dure_exchange *exchange)
{
    struct dure_sse_stream *stream = dure_exchange_data(exchange);
    dure_sse_tell(stream);
    dure_sse_pump(stream);
}

static void on_abort(struct dure_exchange *exchange)
{
    end(dure_exchange_data(exchange));
}

static bool has_event_stream(const struct dure_request *request)
{
    struct dure_span accept = dure_request_header(request, "accept");
    static const char type[] = "text/event-stream";
    return accept.data != NULL && memmem(accept.data, accept.len, type, sizeof type - 1) != NULL;
}

/* Types begin with the name of their system. */
static bool may_match(const char *topic)
{
    if (topic[0] == '\0') return true;
    while (topic[0] == '@') {
        topic += strcspn(topic, ",");
        if (topic[0] == '\0') return false;
        topic++;
    }
    return true;
}

bool dure_sse_wants(const struct dure_request *request)
{
    if (request->method != DURE_GET && request->method != DURE_HEAD) return false;
    return has_event_stream(request) || !dure_query_has(request->query, "from");
}

/* Where, and what. False: a 400. */
/* Of ?from=last; nonsense means the default, as everywhere. */
static uint32_t read_max(struct dure_span query)
{
    char text[16];
    int64_t max = 0;
    if (dure_query_text(query, "max", text, sizeof text)) max = dure_route_number(text, strlen(text));
    if (max <= 0) return NEWEST;
    return max < DURE_STREAM_MAX_DEFAULT ? (uint32_t)max : DURE_STREAM_MAX_DEFAULT;
}

static bool read_wishes(const struct dure_request *request, struct dure_sse_stream *stream)
{
    static char text[DURE_SHARDS_MAX * 16]; /* Loop thread. */
    struct dure_span last = dure_request_header(request, "last-event-id");
    stream->from = DURE_STREAM_END;
    stream->newest = read_max(request->query);
    (void)dure_query_text(request->query, "topic", stream->topic, sizeof stream->topic);
    if (last.data != NULL && last.len > 0) {
        stream->from = DURE_STREAM_AT;
        return dure_positions_read(&stream->at, last.data, last.len) == 0;
    }
    if (!dure_query_has(request->query, "from")) return true;
    if (!dure_query_text(request->query, "from", text, sizeof text)) return false;
    stream->from = dure_stream_from_of(text);
    return stream->from != DURE_STREAM_AT ||
           dure_positions_read(&stream->at, text, strlen(text)) == 0;
}

static void head_only(struct dure_exchange *exchange)
{
    struct dure_buf headers = {0};
    dure_buf_lit(&headers, "Content-Type: text/event-stream; charset=utf-8\r\n"
                           "Cache-Control: no-store\r\n");
    dure_cors_add(dure_exchange_request(exchange), &headers);
    dure_exchange_start(exchange, 200, &headers);
    dure_exchange_end(exchange);
    dure_buf_fini(&headers);
}

void dure_sse_start(struct dure_sse *sse, struct dure_gateway *gateway,
                    struct dure_exchange *exchange)
{
    const struct dure_request *request = dure_exchange_request(exchange);
    if (request->method == DURE_HEAD) {
        head_only(exchange);
        return;
    }
    struct dure_sse_stream *stream = NULL;
    if (sse != NULL && !sse->stopped && sse->streams_count < DURE_SSE_STREAMS_MAX)
        stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        refuse(gateway, exchange, 503, "there are too many event streams, or the node stops");
        return;
    }
    if (!read_wishes(request, stream)) {
        free(stream);
        refuse(gateway, exchange, 400, "the position to begin at cannot be read");
        return;
    }
    if (!dure_also_read(request->query, &stream->also)) {
        free(stream);
        refuse(gateway, exchange, 400, DURE_ALSO_REFUSED);
        return;
    }
    stream->streamed = (struct dure_streamed){.drain = on_drain, .abort = on_abort};
    stream->sse = sse;
    stream->exchange = exchange;
    stream->spoke_ms = stream->told_ms = uv_now(sse->tick.loop);
    if (stream->also & DURE_ALSO_CHANGES) dure_news_all(&stream->news);
    dure_exchange_set_data(exchange, stream);
    dure_ring_push(&sse->streams, &stream->link);
    gateway->calls_count++;
    if (stream->also & DURE_ALSO_SAMPLES) {
        sse->samples_readers++;
        dure_live_samples_want(sse->samples, true);
    }
    stream->wants = may_match(stream->topic);
    if (stream->wants) sse->wanting++;
    dure_sse_hub_spare(sse->hub, sse->wanting == 0);
    if (sse->streams_count++ == 0) {
        dure_sse_hub_want(sse->hub, true);
        uv_timer_start(&sse->tick, on_tick, TICK_MS, TICK_MS);
    }
    dure_sse_pump(stream);
}

/* ---- Open, close ------------------------------------------------------------------------------------- */

int dure_sse_open(struct dure_sse **out, struct dure_gateway *gateway,
                  const struct dure_sse_options *options)
{
    struct dure_sse *sse = calloc(1, sizeof *sse);
    if (sse == NULL) return DURE_ENOMEM;
    sse->gateway = gateway;
    sse->heartbeat_ms = options->heartbeat_ms;
    dure_ring_init(&sse->streams);
    int rv = dure_sources_open(&sse->sources, options->urls, options->urls_count);
    struct dure_sse_hub_options hub = {
        .loop = options->loop, .urls = options->urls, .count = options->urls_count,
        .chunk = dure_sse_on_chunk, .news = dure_sse_on_news, .arg = sse};
    struct dure_live_samples_options samples = {
        .loop = options->loop, .gateway = gateway, .tell = dure_sse_on_sample, .arg = sse};
    if (rv == 0) rv = dure_sse_hub_open(&sse->hub, &hub);
    if (rv == 0) rv = dure_live_samples_open(&sse->samples, &samples);
    if (rv == 0 && uv_timer_init(options->loop, &sse->tick) != 0) rv = DURE_ESYSTEM;
    if (rv != 0) {
        dure_live_samples_close(sse->samples);
        dure_sse_hub_close(sse->hub);
        dure_sources_close(&sse->sources);
        free(sse);
        return rv;
    }
    sse->tick.data = sse;
    *out = sse;
    return 0;
}

struct dure_sources *dure_sse_sources(struct dure_sse *sse)
{
    return &sse->sources;
}

void dure_sse_stop(struct dure_sse *sse)
{
    sse->stopped = true;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->exchange == NULL) continue;
        if (stream->started) end(stream);
        else dure_sse_fail(stream, DURE_ESHUTDOWN);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct dure_sse *sse = handle->data;
    dure_buf_fini(&sse->out);
    free(sse);
}

void dure_sse_close(struct dure_sse *sse)
{
    if (sse == NULL) return;
    DURE_ASSERT(sse->streams_count == 0);
    dure_sse_forget(sse);
    dure_live_samples_close(sse->samples);
    dure_sse_hub_close(sse->hub);
    dure_sources_close(&sse->sources);
    uv_close((uv_handle_t *)&sse->tick, on_closed);
}
