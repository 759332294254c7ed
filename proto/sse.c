/*
 * SSE streams of one node.
 *
 *   1. begin   at the end: in step with the hub as soon as it knows where that is; elsewhere: by
 *              replay, whose first answer decides between 200 and a refusal
 *   2. live    chunks of the hub: a stream in step gets the text as it is, any other event by event,
 *              each if it follows on. One that does not, or a client that is too slow, sets `lacks`
 *   3. replay  while it lacks something and its client reads: ask the journal (a pool thread), then
 *              offer the last chunks again, which came meanwhile. What even they lack (the hub began
 *              at a later end, or they were too many) shows as a place behind the hub's: ask again
 *   4. notices what has changed (?also=changes): one set a stream, told every NOTICE_MS at most, to a
 *              client that reads. It begins full: what happened before is not known
 *              And how the nodes do (?also=samples), as they say it; one that a client does not take
 *              in time it never gets
 *   5. end     the client goes, the node stops, or its position is gone
 *
 * Memory is bounded: nothing is kept for a slow client but its position. Loop thread.
 */
#include "proto/sse.h"

#include <stdlib.h>
#include <uv.h>

#include "proto/call.h"
#include "proto/cors.h"
#include "proto/live_samples.h"
#include "proto/notices.h"
#include "proto/query_text.h"
#include "proto/ring.h"
#include "proto/sse_hub.h"
#include "proto/streamed.h"

/* Unsent bytes beyond which a client gets nothing more until it has read. */
#define UNSENT_MAX ((size_t)256 * 1024)
/* Chunks kept for those who come from a replay. */
#define RECENT 64
#define TICK_MS 100
/* Between two notices of a stream, and unsent bytes beyond which the next one waits. */
#define NOTICE_MS 100
#define NOTICE_UNSENT_MAX ((size_t)4 * 1024)
/* A place that moves without events that are wanted is told so often. */
#define PLACE_MS 1000
#define RETRY_MS 300
/* Of ?from=last. */
#define NEWEST 100
/* Replays on pool threads at a time. */
#define REPLAYS_MAX 2

struct stream {
    struct dure_streamed streamed;
    struct dure_work work;
    struct dure_ring link;
    struct dure_sse *sse;
    struct dure_exchange *exchange; /* NULL: it has ended, and the work is awaited. */
    struct dure_positions at;       /* Valid unless in_step. */
    enum dure_stream_from from;     /* Of the first request. */
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
    struct dure_sse_chunk *recent[RECENT]; /* A ring; NULL: none. */
    size_t recent_next;
    struct dure_positions at; /* Of the hub; shards 0: not known. */
    bool known, stopped;
    struct dure_buf out;
};

static void pump(struct stream *stream);

/* ---- 5: the end ------------------------------------------------------------------------------------ */

static void forget_recent(struct dure_sse *sse)
{
    for (size_t i = 0; i < RECENT; i++) {
        if (sse->recent[i] != NULL) dure_sse_chunk_drop(sse->recent[i]);
        sse->recent[i] = NULL;
    }
}

static void free_stream(struct stream *stream)
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
    forget_recent(sse);
    sse->known = false;
    sse->at.shards = 0;
}

static void end(struct stream *stream)
{
    struct dure_exchange *exchange = stream->exchange;
    stream->exchange = NULL;
    dure_exchange_set_data(exchange, NULL);
    if (!stream->started) dure_exchange_start(exchange, 503, NULL); /* Nobody is there to see it. */
    dure_exchange_end(exchange);
    if (!stream->working) free_stream(stream);
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

static void fail(struct stream *stream, int rv)
{
    if (stream->started) {
        end(stream); /* It comes again with its last id, and is told then. */
        return;
    }
    struct dure_exchange *exchange = stream->exchange;
    stream->exchange = NULL;
    refuse(stream->sse->gateway, exchange, status_of(rv), dure_stream_error_text(rv));
    if (!stream->working) free_stream(stream);
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

static void emit(struct stream *stream, const char *bytes, size_t len)
{
    if (len == 0) return;
    stream->spoke_ms = uv_now(stream->sse->tick.loop);
    dure_exchange_write(stream->exchange, bytes, len);
}

static void begin(struct stream *stream)
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
    emit(stream, out->data, out->len);
}

static bool is_slow(const struct stream *stream)
{
    return dure_exchange_pending(stream->exchange) > UNSENT_MAX;
}

/* ---- 2: live ------------------------------------------------------------------------------------------- */

static void leave_step(struct stream *stream)
{
    if (stream->in_step) stream->at = stream->sse->at;
    stream->in_step = false;
}

static void lose_step(struct stream *stream)
{
    leave_step(stream);
    stream->lacks = true;
}

/* The text of the events that the topic wants. */
static void send_chunk(struct stream *stream, const struct dure_sse_chunk *chunk)
{
    if (stream->topic[0] == '\0') {
        emit(stream, chunk->text.data, chunk->text.len);
        return;
    }
    struct dure_buf *out = &stream->sse->out;
    out->len = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        const struct dure_sse_item *item = &chunk->items[i];
        if (!dure_topic_match(stream->topic, chunk->lines.data + item->type_at, item->type_len))
            continue;
        dure_buf_add(out, chunk->text.data + item->text_at, item->text_end - item->text_at);
    }
    stream->moved = out->len == 0;
    emit(stream, out->data, out->len);
}

/* Event by event, each if it follows on. */
static void offer(struct stream *stream, const char *lines, size_t len, bool filtered)
{
    struct dure_buf *out = &stream->sse->out;
    const char *from = lines;
    struct dure_stream_line line;
    out->len = 0;
    while (len > 0 && dure_stream_line(&from, lines + len, &line) == 0) {
        if (line.shard >= stream->at.shards) continue;
        uint64_t *last = &stream->at.last[line.shard];
        if (*last != DURE_POSITION_NONE && line.sequence <= *last) continue;
        if (*last != DURE_POSITION_NONE && line.sequence != *last + 1 && !filtered) {
            stream->lacks = true;
            continue;
        }
        *last = line.sequence;
        if (dure_topic_match(stream->topic, line.type, line.type_len))
            dure_sse_write(line.json, line.json_len, &stream->at, out);
    }
    stream->moved = out->len == 0;
    emit(stream, out->data, out->len);
}

static void take_chunk(struct stream *stream, const struct dure_sse_chunk *chunk)
{
    if (!stream->started || stream->at.shards == 0) return;
    if (is_slow(stream)) {
        lose_step(stream);
    } else if (stream->in_step) {
        send_chunk(stream, chunk);
    } else {
        offer(stream, chunk->lines.data, chunk->lines.len, false);
    }
}

static void find_step(struct stream *stream)
{
    if (stream->in_step || stream->lacks || !stream->started) return;
    stream->in_step = dure_positions_equal(&stream->at, &stream->sse->at);
    /* Nothing else would tell: those shards may have no more events for long. */
    stream->lacks = dure_positions_behind(&stream->at, &stream->sse->at);
}

/* The hub had to begin again: what lies between is missing. */
static void begin_anew(struct dure_sse *sse)
{
    struct dure_ring *link;
    for (link = sse->streams.next; link != &sse->streams; link = link->next) {
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->started) lose_step(stream); /* Others begin in step, or ask the journal first. */
    }
    forget_recent(sse);
}

/* The hub has passed over events that nobody wanted: who has come since asks the journal for them. */
static void pass_over(struct dure_sse *sse)
{
    struct dure_ring *link;
    for (link = sse->streams.next; link != &sse->streams; link = link->next) {
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (!stream->wants) stream->moved = true;
        else if (stream->started) lose_step(stream);
    }
    forget_recent(sse);
}

static void on_chunk(void *arg, struct dure_sse_chunk *chunk)
{
    struct dure_sse *sse = arg;
    struct dure_ring *link = sse->streams.next, *next;
    if (chunk->first && sse->at.shards != 0) begin_anew(sse);
    if (chunk->gap) pass_over(sse);
    for (; link != &sse->streams; link = next) {
        next = link->next;
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->exchange != NULL) take_chunk(stream, chunk);
    }
    struct dure_sse_chunk **place = &sse->recent[sse->recent_next++ % RECENT];
    if (*place != NULL) dure_sse_chunk_drop(*place);
    chunk->refs++;
    *place = chunk;
    sse->at = chunk->after;
    sse->known = sse->known || chunk->known;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->exchange == NULL) continue;
        find_step(stream);
        pump(stream);
    }
}

/* ---- 3: replay ----------------------------------------------------------------------------------------- */

static void run(struct dure_work *work)
{
    struct stream *stream = (struct stream *)((char *)work - offsetof(struct stream, work));
    stream->rv = dure_sources_replay(&stream->sse->sources, &stream->request, &stream->reply);
}

static void adopt(struct stream *stream)
{
    const struct dure_positions *reply = &stream->reply.at;
    if (stream->at.shards != reply->shards) {
        stream->at = *reply;
        return;
    }
    for (uint32_t i = 0; i < reply->shards && i < stream->at.shards; i++) {
        uint64_t *last = &stream->at.last[i];
        if (reply->last[i] == DURE_POSITION_NONE) continue;
        if (*last != DURE_POSITION_NONE && reply->last[i] <= *last) continue;
        *last = reply->last[i];
        stream->moved = true; /* Perhaps past events that are not wanted. */
    }
}

/* Places that are not known begin where the hub is. */
static void adopt_ends(struct stream *stream)
{
    const struct dure_positions *hub = &stream->sse->at;
    for (uint32_t i = 0; i < hub->shards && hub->shards == stream->at.shards; i++) {
        if (stream->at.last[i] == DURE_POSITION_NONE) stream->at.last[i] = hub->last[i];
    }
}

/* A start's place is learned from its first reply: before the first event of each shard in it. */
static void find_start(struct stream *stream)
{
    const struct dure_buf *lines = &stream->reply.lines;
    const char *from = lines->data;
    bool seen[DURE_SHARDS_MAX] = {false};
    struct dure_stream_line line;
    stream->at = stream->reply.at;
    while (lines->len > 0 && dure_stream_line(&from, lines->data + lines->len, &line) == 0) {
        if (line.shard >= stream->at.shards || seen[line.shard]) continue;
        seen[line.shard] = true;
        stream->at.last[line.shard] = line.sequence - 1;
    }
}

static void take_reply(struct stream *stream)
{
    struct dure_sse *sse = stream->sse;
    if (stream->exchange == NULL) {
        free_stream(stream);
        return;
    }
    if (stream->rv == DURE_EUNAVAILABLE && stream->started) {
        stream->retry_ms = uv_now(sse->tick.loop) + RETRY_MS;
        return;
    }
    if (stream->rv != 0) {
        fail(stream, stream->rv);
        return;
    }
    if (stream->at.shards == 0) find_start(stream);
    if (!stream->started) begin(stream);
    stream->lacks = !stream->reply.end;
    offer(stream, stream->reply.lines.data, stream->reply.lines.len, true);
    adopt(stream);
    for (size_t i = 0; i < RECENT && !stream->lacks; i++) {
        const struct dure_sse_chunk *chunk = sse->recent[(sse->recent_next + i) % RECENT];
        if (chunk != NULL) offer(stream, chunk->lines.data, chunk->lines.len, false);
    }
    if (stream->reply.missing_count > 0) {
        stream->lacks = true;
        stream->retry_ms = uv_now(sse->tick.loop) + RETRY_MS;
    }
    find_step(stream);
}

/* Who has had a turn comes behind all others: streams that never catch up leave room for new ones. */
static void done(struct dure_work *work)
{
    struct stream *stream = (struct stream *)((char *)work - offsetof(struct stream, work));
    struct dure_sse *sse = stream->sse;
    struct dure_ring *link, *next;
    stream->working = false;
    sse->replays--;
    dure_ring_remove(&stream->link);
    dure_ring_push(&sse->streams, &stream->link);
    take_reply(stream);
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        pump(DURE_RING_OWNER(link, struct stream, link));
    }
}

static void ask(struct stream *stream)
{
    struct dure_sse *sse = stream->sse;
    stream->request.from = stream->at.shards == 0 ? stream->from : DURE_STREAM_AT;
    stream->request.at = stream->at;
    bool newest = stream->request.from == DURE_STREAM_LAST;
    stream->request.max = newest ? NEWEST : DURE_STREAM_MAX_DEFAULT;
    stream->request.lines = true;
    strcpy(stream->request.topic, stream->topic);
    stream->reply.lines.len = 0;
    stream->reply.count = 0;
    stream->reply.missing_count = 0;
    stream->work = (struct dure_work){.run = run, .done = done};
    stream->working = true;
    sse->replays++;
    struct dure_io *io = sse->gateway->rt->io;
    io->work(io, &stream->work);
}

/* What can be done for this stream now. */
static void pump(struct stream *stream)
{
    struct dure_sse *sse = stream->sse;
    if (stream->exchange == NULL || stream->working) return;
    if (!stream->started && stream->from == DURE_STREAM_END) {
        if (!sse->known) return;
        stream->at = sse->at;
        begin(stream);
        stream->in_step = true;
        return;
    }
    if (sse->known) adopt_ends(stream);
    if (stream->started && !stream->lacks) return;
    bool later = uv_now(sse->tick.loop) < stream->retry_ms || sse->replays >= REPLAYS_MAX;
    if (later || is_slow(stream)) return; /* The tick, or on_drain. */
    ask(stream);
}

/* ---- 4: notices ---------------------------------------------------------------------------------------- */

static void tell(struct stream *stream)
{
    struct dure_sse *sse = stream->sse;
    uint64_t now = uv_now(sse->tick.loop);
    if (!stream->started || !stream->news.any || now - stream->told_ms < NOTICE_MS) return;
    if (dure_exchange_pending(stream->exchange) > NOTICE_UNSENT_MAX) return; /* on_drain */
    sse->out.len = 0;
    dure_notice_write(&sse->gateway->routes, &stream->news, &sse->out);
    emit(stream, sse->out.data, sse->out.len);
    stream->news = (struct dure_news){0};
    stream->told_ms = now;
}

static void on_news(void *arg, const struct dure_news *news)
{
    struct dure_sse *sse = arg;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->exchange == NULL || !(stream->also & DURE_ALSO_CHANGES)) continue;
        dure_news_add(&stream->news, news);
        tell(stream);
    }
}

static void on_sample(void *arg, const struct dure_buf *event)
{
    struct dure_sse *sse = arg;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->exchange == NULL || !stream->started) continue;
        if (!(stream->also & DURE_ALSO_SAMPLES)) continue;
        if (dure_exchange_pending(stream->exchange) > NOTICE_UNSENT_MAX) continue;
        emit(stream, event->data, event->len);
    }
}

/* ---- Time -------------------------------------------------------------------------------------------- */

static void beat(struct stream *stream)
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
    emit(stream, out->data, out->len);
}

static void on_tick(uv_timer_t *timer)
{
    struct dure_sse *sse = timer->data;
    struct dure_ring *link, *next;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->exchange == NULL) continue;
        tell(stream);
        beat(stream);
        pump(stream);
    }
}

/* ---- 1: begin ---------------------------------------------------------------------------------------- */

static void on_drain(struct dure_exchange *exchange)
{
    struct stream *stream = dure_exchange_data(exchange);
    tell(stream);
    pump(stream);
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
static bool read_wishes(const struct dure_request *request, enum dure_stream_from *from,
                        struct dure_positions *at, char topic[DURE_STREAM_TOPIC_BYTES])
{
    static char text[DURE_SHARDS_MAX * 16]; /* Loop thread. */
    struct dure_span last = dure_request_header(request, "last-event-id");
    *from = DURE_STREAM_END;
    topic[0] = '\0';
    (void)dure_query_text(request->query, "topic", topic, DURE_STREAM_TOPIC_BYTES);
    at->shards = 0;
    if (last.data != NULL && last.len > 0) {
        *from = DURE_STREAM_AT;
        return dure_positions_read(at, last.data, last.len) == 0;
    }
    if (!dure_query_has(request->query, "from")) return true;
    if (!dure_query_text(request->query, "from", text, sizeof text)) return false;
    *from = dure_stream_from_of(text);
    return *from != DURE_STREAM_AT || dure_positions_read(at, text, strlen(text)) == 0;
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
    struct stream *stream = NULL;
    if (sse != NULL && !sse->stopped && sse->streams_count < DURE_SSE_STREAMS_MAX)
        stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        refuse(gateway, exchange, 503, "there are too many event streams, or the node stops");
        return;
    }
    if (!read_wishes(request, &stream->from, &stream->at, stream->topic)) {
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
    pump(stream);
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
        .chunk = on_chunk, .news = on_news, .arg = sse};
    struct dure_live_samples_options samples = {
        .loop = options->loop, .gateway = gateway, .tell = on_sample, .arg = sse};
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
        struct stream *stream = DURE_RING_OWNER(link, struct stream, link);
        if (stream->exchange == NULL) continue;
        if (stream->started) end(stream);
        else fail(stream, DURE_ESHUTDOWN);
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
    forget_recent(sse);
    dure_live_samples_close(sse->samples);
    dure_sse_hub_close(sse->hub);
    dure_sources_close(&sse->sources);
    uv_close((uv_handle_t *)&sse->tick, on_closed);
}
