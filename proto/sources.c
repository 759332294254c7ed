/*
 * Asking for replay.
 *
 *   1. the request goes to a source as it is; each answers for its own shards
 *   2. the places of its shards are taken over, the lines appended
 *   3. for all: one after the other, until there are enough events; the newest: of each, and then
 *      those of them that are the newest
 *
 * Who is not connected is passed over at once; one that hangs costs timeout_ms. Any thread.
 */
#include "proto/sources.h"

#include "proto/newest.h"

#define TIMEOUT_MS 2000

int dure_sources_open(struct dure_sources *sources, const struct dure_source_url *urls, size_t count)
{
    DURE_ASSERT(count >= 1 && count <= DURE_SOURCES_MAX);
    *sources = (struct dure_sources){.count = count, .timeout_ms = TIMEOUT_MS};
    memcpy(sources->urls, urls, count * sizeof *urls);
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < count; i++) {
        rv = dure_req_open(&sources->reqs[i], urls[i].replay);
    }
    if (rv != 0) dure_sources_close(sources);
    return rv;
}

void dure_sources_close(struct dure_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) dure_req_close(sources->reqs[i]);
    *sources = (struct dure_sources){0};
}

static int ask(struct dure_sources *sources, size_t source,
               const struct dure_stream_request *request, struct dure_stream_reply *reply)
{
    struct dure_buf question = {0}, answer = {0};
    dure_stream_request_write(request, &question);
    int rv = dure_req_ask(sources->reqs[source], question.data, question.len, sources->timeout_ms,
                          &answer);
    if (rv == 0) rv = dure_stream_reply_read(reply, answer.data, answer.len);
    dure_buf_fini(&question);
    dure_buf_fini(&answer);
    return rv;
}

int dure_sources_ask(struct dure_sources *sources, size_t source,
                     const struct dure_stream_request *request, struct dure_stream_reply *reply)
{
    struct dure_positions before = reply->at;
    DURE_ASSERT(request->lines);
    int rv = ask(sources, source, request, reply);
    if (rv != 0 || reply->at.shards != before.shards) {
        bool strange = rv == 0 && before.shards != 0;
        if (rv == 0 && !strange) {
            dure_positions_fill(&before, reply->at.shards, DURE_POSITION_NONE);
        } else {
            reply->at = before;
            return strange ? DURE_EFORMAT : rv;
        }
    }
    for (uint32_t i = 0; i < reply->at.shards; i++) {
        if (!dure_sources_owns(sources, source, i)) reply->at.last[i] = before.last[i];
    }
    return 0;
}

static int newest(struct dure_sources *sources, const struct dure_stream_request *request,
                  struct dure_stream_reply *reply)
{
    struct dure_stream_request part = *request;
    struct dure_stream_reply one = {0};
    struct dure_buf parts[DURE_SOURCES_MAX] = {{0}};
    int rv = 0;
    part.lines = true;
    for (size_t i = 0; rv == 0 && i < sources->count; i++) {
        one.lines = (struct dure_buf){0};
        rv = dure_sources_ask(sources, i, &part, &one);
        parts[i] = one.lines;
        if (rv != DURE_EUNAVAILABLE && rv != DURE_EBUSY) continue;
        reply->missing[reply->missing_count++] = (uint32_t)i;
        rv = 0;
    }
    if (rv == 0 && reply->missing_count == sources->count) rv = DURE_EUNAVAILABLE;
    if (rv == 0) {
        reply->count = dure_newest_merge(parts, sources->count, request->max, &reply->lines);
        reply->at = one.at;
        reply->end = true;
    }
    for (size_t i = 0; i < sources->count; i++) dure_buf_fini(&parts[i]);
    return rv;
}

int dure_sources_replay(struct dure_sources *sources, const struct dure_stream_request *request,
                        struct dure_stream_reply *reply)
{
    if (request->from == DURE_STREAM_LAST) return newest(sources, request, reply);
    struct dure_stream_request part = *request;
    part.lines = true;
    bool end = true;
    size_t answered = 0;
    reply->at.shards = 0;
    if (request->from == DURE_STREAM_AT) reply->at = request->at;
    for (size_t i = 0; i < sources->count; i++) {
        if (reply->count >= request->max) {
            /* Enough: only its place is wanted, and AT is that already. */
            end = false;
            if (request->from == DURE_STREAM_AT) continue;
        }
        part.max = request->max > reply->count ? request->max - reply->count : 1;
        int rv = dure_sources_ask(sources, i, &part, reply);
        if (rv == DURE_EUNAVAILABLE || rv == DURE_EBUSY) {
            reply->missing[reply->missing_count++] = (uint32_t)i;
            continue;
        }
        if (rv != 0) return rv;
        answered++;
        end = end && reply->end;
    }
    if (answered == 0 && request->from != DURE_STREAM_AT) return DURE_EUNAVAILABLE;
    if (answered == 0 && reply->missing_count == sources->count) return DURE_EUNAVAILABLE;
    for (uint32_t i = 0; request->from == DURE_STREAM_START && i < reply->at.shards; i++) {
        if (reply->at.last[i] == DURE_POSITION_NONE) reply->at.last[i] = 0;
    }
    reply->end = end;
    return 0;
}
