/*
 * The events of SSE streams.
 *
 *   live    chunks of the hub: a stream in step gets the text as it is, any other event by event, each
 *           if it follows on. One that does not, or a client that is too slow, sets `lacks`
 *   replay  while it lacks something and its client reads: ask the journal (a pool thread), then offer
 *           the last chunks again, which came meanwhile. What even they lack (the hub began at a later
 *           end, or they were too many) shows as a place behind the hub's: ask again
 *
 * Memory is bounded: nothing is kept for a slow client but its position. Loop thread.
 */
#include "proto/sse_stream.h"

/* Unsent bytes beyond which a client gets nothing more until it has read. */
#define UNSENT_MAX ((size_t)256 * 1024)
#define RETRY_MS 300
/* Replays on pool threads at a time. */
#define REPLAYS_MAX 2

void dure_sse_forget(struct dure_sse *sse)
{
    for (size_t i = 0; i < DURE_SSE_RECENT; i++) {
        if (sse->recent[i] != NULL) dure_sse_chunk_drop(sse->recent[i]);
        sse->recent[i] = NULL;
    }
}

static bool is_slow(const struct dure_sse_stream *stream)
{
    return dure_exchange_pending(stream->exchange) > UNSENT_MAX;
}

/* ---- Live -------------------------------------------------------------------------------------- */

static void leave_step(struct dure_sse_stream *stream)
{
    if (stream->in_step) stream->at = stream->sse->at;
    stream->in_step = false;
}

static void lose_step(struct dure_sse_stream *stream)
{
    leave_step(stream);
    stream->lacks = true;
}

/* The text of the events that the topic wants. */
static void send_chunk(struct dure_sse_stream *stream, const struct dure_sse_chunk *chunk)
{
    if (stream->topic[0] == '\0') {
        dure_sse_emit(stream, chunk->text.data, chunk->text.len);
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
    dure_sse_emit(stream, out->data, out->len);
}

/* Event by event, each if it follows on. */
static void offer(struct dure_sse_stream *stream, const char *lines, size_t len, bool filtered)
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
    dure_sse_emit(stream, out->data, out->len);
}

static void take_chunk(struct dure_sse_stream *stream, const struct dure_sse_chunk *chunk)
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

static void find_step(struct dure_sse_stream *stream)
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
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->started) lose_step(stream); /* Others begin in step, or ask the journal first. */
    }
    dure_sse_forget(sse);
}

/* The hub has passed over events that nobody wanted: who has come since asks the journal for them. */
static void pass_over(struct dure_sse *sse)
{
    struct dure_ring *link;
    for (link = sse->streams.next; link != &sse->streams; link = link->next) {
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (!stream->wants) stream->moved = true;
        else if (stream->started) lose_step(stream);
    }
    dure_sse_forget(sse);
}

void dure_sse_on_chunk(void *arg, struct dure_sse_chunk *chunk)
{
    struct dure_sse *sse = arg;
    struct dure_ring *link = sse->streams.next, *next;
    if (chunk->first && sse->at.shards != 0) begin_anew(sse);
    if (chunk->gap) pass_over(sse);
    for (; link != &sse->streams; link = next) {
        next = link->next;
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->exchange != NULL) take_chunk(stream, chunk);
    }
    struct dure_sse_chunk **place = &sse->recent[sse->recent_next++ % DURE_SSE_RECENT];
    if (*place != NULL) dure_sse_chunk_drop(*place);
    chunk->refs++;
    *place = chunk;
    sse->at = chunk->after;
    sse->known = sse->known || chunk->known;
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        struct dure_sse_stream *stream = DURE_RING_OWNER(link, struct dure_sse_stream, link);
        if (stream->exchange == NULL) continue;
        find_step(stream);
        dure_sse_pump(stream);
    }
}

/* ---- Replay ------------------------------------------------------------------------------------ */

static void run(struct dure_work *work)
{
    struct dure_sse_stream *stream = (struct dure_sse_stream *)((char *)work - offsetof(struct dure_sse_stream, work));
    stream->rv = dure_sources_replay(&stream->sse->sources, &stream->request, &stream->reply);
}

static void adopt(struct dure_sse_stream *stream)
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
static void adopt_ends(struct dure_sse_stream *stream)
{
    const struct dure_positions *hub = &stream->sse->at;
    for (uint32_t i = 0; i < hub->shards && hub->shards == stream->at.shards; i++) {
        if (stream->at.last[i] == DURE_POSITION_NONE) stream->at.last[i] = hub->last[i];
    }
}

/* A start's place is learned from its first reply: before the first event of each shard in it. */
static void find_start(struct dure_sse_stream *stream)
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

static void take_reply(struct dure_sse_stream *stream)
{
    struct dure_sse *sse = stream->sse;
    if (stream->exchange == NULL) {
        dure_sse_free(stream);
        return;
    }
    if (stream->rv == DURE_EUNAVAILABLE && stream->started) {
        stream->retry_ms = uv_now(sse->tick.loop) + RETRY_MS;
        return;
    }
    if (stream->rv != 0) {
        dure_sse_fail(stream, stream->rv);
        return;
    }
    if (stream->at.shards == 0) find_start(stream);
    if (!stream->started) dure_sse_begin(stream);
    stream->lacks = !stream->reply.end;
    offer(stream, stream->reply.lines.data, stream->reply.lines.len, true);
    adopt(stream);
    for (size_t i = 0; i < DURE_SSE_RECENT && !stream->lacks; i++) {
        const struct dure_sse_chunk *chunk = sse->recent[(sse->recent_next + i) % DURE_SSE_RECENT];
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
    struct dure_sse_stream *stream = (struct dure_sse_stream *)((char *)work - offsetof(struct dure_sse_stream, work));
    struct dure_sse *sse = stream->sse;
    struct dure_ring *link, *next;
    stream->working = false;
    sse->replays--;
    dure_ring_remove(&stream->link);
    dure_ring_push(&sse->streams, &stream->link);
    take_reply(stream);
    for (link = sse->streams.next; link != &sse->streams; link = next) {
        next = link->next;
        dure_sse_pump(DURE_RING_OWNER(link, struct dure_sse_stream, link));
    }
}

static void ask(struct dure_sse_stream *stream)
{
    struct dure_sse *sse = stream->sse;
    stream->request.from = stream->at.shards == 0 ? stream->from : DURE_STREAM_AT;
    stream->request.at = stream->at;
    bool newest = stream->request.from == DURE_STREAM_LAST;
    stream->request.max = newest ? stream->newest : DURE_STREAM_MAX_DEFAULT;
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

void dure_sse_pump(struct dure_sse_stream *stream)
{
    struct dure_sse *sse = stream->sse;
    if (stream->exchange == NULL || stream->working) return;
    if (!stream->started && stream->from == DURE_STREAM_END) {
        if (!sse->known) return;
        stream->at = sse->at;
        dure_sse_begin(stream);
        stream->in_step = true;
        return;
    }
    if (sse->known) adopt_ends(stream);
    if (stream->started && !stream->lacks) return;
    bool later = uv_now(sse->tick.loop) < stream->retry_ms || sse->replays >= REPLAYS_MAX;
    if (later || is_slow(stream)) return; /* The tick, or on_drain. */
    ask(stream);
}
