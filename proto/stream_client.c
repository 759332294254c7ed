/*
 * Following the stream.
 *
 *   1. subscribe first, then ask each source where to begin: nothing falls in between
 *   2. a live event that follows on is taken; one already seen is passed over; one that does not
 *      follow on means a gap: its source is asked until it says that there is no more
 *   3. a beacon that is ahead of us means the same
 *
 * While a source is asked, live batches wait in the socket or are lost; both are settled by 2. A
 * source that does not answer is asked again after RETRY_MS. Any one thread.
 */
#include "proto/stream_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/changes.h"

#define RETRY_MS 100
/* Batches that wait while a gap is filled. */
#define BUFFER_BATCHES 1024

struct dure_stream_client {
    struct dure_sources sources;
    struct dure_sub *sub;
    char topic[DURE_STREAM_TOPIC_BYTES];
    enum dure_stream_from from;
    void (*changes)(void *arg, const char *text, size_t len);
    void *arg;
    struct dure_positions at, beacon;
    struct dure_buf batch;
    struct follow {
        bool known; /* Has said where it stands. */
        bool fill;  /* Is to be asked. */
        int64_t retry_ms;
    } follows[DURE_SOURCES_MAX];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int dure_stream_client_open(struct dure_stream_client **out,
                            const struct dure_stream_client_options *options)
{
    if (strlen(options->topic) >= DURE_STREAM_TOPIC_BYTES) return DURE_EINVAL;
    struct dure_stream_client *client = calloc(1, sizeof *client);
    if (client == NULL) return DURE_ENOMEM;
    strcpy(client->topic, options->topic);
    client->from = options->from;
    client->changes = options->changes;
    client->arg = options->arg;
    if (options->from == DURE_STREAM_AT) client->at = *options->at;
    int rv = dure_sources_open(&client->sources, options->urls, options->count);
    if (rv == 0) rv = dure_sub_open(&client->sub, DURE_STREAM_BATCH, BUFFER_BATCHES);
    if (rv == 0 && client->changes != NULL) rv = dure_sub_add(client->sub, DURE_CHANGES_TOPIC);
    for (size_t i = 0; rv == 0 && i < options->count; i++) {
        client->follows[i].fill = true;
        rv = dure_sub_dial(client->sub, options->urls[i].events);
    }
    if (rv != 0) dure_stream_client_close(client);
    else *out = client;
    return rv;
}

void dure_stream_client_close(struct dure_stream_client *client)
{
    if (client == NULL) return;
    dure_sub_close(client->sub);
    dure_sources_close(&client->sources);
    dure_buf_fini(&client->batch);
    free(client);
}

const struct dure_positions *dure_stream_client_at(const struct dure_stream_client *client)
{
    return &client->at;
}

bool dure_stream_client_known(const struct dure_stream_client *client)
{
    for (size_t i = 0; i < client->sources.count; i++) {
        if (!client->follows[i].known) return false;
    }
    return true;
}

bool dure_stream_client_caught_up(const struct dure_stream_client *client)
{
    for (size_t i = 0; i < client->sources.count; i++) {
        if (client->follows[i].fill) return false;
    }
    return true;
}

/* ---- Asking ------------------------------------------------------------------------------------ */

/* A shard whose place is not known begins at its end, which only an END request tells. */
static bool lacks_place(const struct dure_stream_client *client, size_t source)
{
    for (uint32_t i = 0; i < client->at.shards; i++) {
        if (dure_sources_owns(&client->sources, source, i) &&
            client->at.last[i] == DURE_POSITION_NONE) return true;
    }
    return false;
}

static int find_ends(struct dure_stream_client *client, size_t source)
{
    struct dure_stream_request request = {.from = DURE_STREAM_END, .max = 1, .lines = true};
    struct dure_stream_reply ends = {.at.shards = client->at.shards};
    int rv = dure_sources_ask(&client->sources, source, &request, &ends);
    dure_buf_fini(&ends.lines);
    for (uint32_t i = 0; rv == 0 && i < client->at.shards; i++) {
        if (dure_sources_owns(&client->sources, source, i) &&
            client->at.last[i] == DURE_POSITION_NONE) client->at.last[i] = ends.at.last[i];
    }
    return rv;
}

static int fill(struct dure_stream_client *client, size_t source, struct dure_buf *lines)
{
    struct follow *follow = &client->follows[source];
    struct dure_stream_request request = {.from = DURE_STREAM_AT, .lines = true,
                                          .max = DURE_STREAM_MAX_DEFAULT};
    strcpy(request.topic, client->topic);
    if (!follow->known && client->from != DURE_STREAM_AT) request.from = client->from;
    int rv = 0;
    if (request.from == DURE_STREAM_AT && lacks_place(client, source)) rv = find_ends(client, source);
    struct dure_stream_reply reply = {.at = client->at};
    if (request.from == DURE_STREAM_AT) request.at = client->at;
    if (rv == 0) rv = dure_sources_ask(&client->sources, source, &request, &reply);
    if (rv == 0) {
        dure_buf_add(lines, reply.lines.data, reply.lines.len);
        client->at = reply.at;
        follow->known = true;
        follow->fill = !reply.end || reply.missing_count > 0;
        follow->retry_ms = reply.missing_count > 0 ? now_ms() + RETRY_MS : 0;
    } else if (rv == DURE_EUNAVAILABLE || rv == DURE_EBUSY) {
        follow->retry_ms = now_ms() + RETRY_MS;
        rv = DURE_EBUSY;
    }
    dure_buf_fini(&reply.lines);
    return rv;
}

/* ---- Live -------------------------------------------------------------------------------------- */

static void take_lines(struct dure_stream_client *client, const char *from, struct dure_buf *lines)
{
    const char *end = client->batch.data + client->batch.len;
    struct dure_stream_line line;
    while (dure_stream_line(&from, end, &line) == 0) {
        struct follow *follow = &client->follows[line.shard % client->sources.count];
        if (line.shard >= client->at.shards || !follow->known || follow->fill) continue;
        uint64_t *last = &client->at.last[line.shard];
        if (*last != DURE_POSITION_NONE && line.sequence <= *last) continue;
        if (*last == DURE_POSITION_NONE || line.sequence != *last + 1) {
            follow->fill = true;
            continue;
        }
        *last = line.sequence;
        if (!dure_topic_match(client->topic, line.type, line.type_len)) continue;
        dure_buf_add(lines, line.type, (size_t)(line.json + line.json_len + 1 - line.type));
    }
}

static void take_beacon(struct dure_stream_client *client)
{
    for (uint32_t i = 0; i < client->at.shards; i++) {
        uint64_t there = client->beacon.last[i], here = client->at.last[i];
        if (there == DURE_POSITION_NONE) continue;
        if (here == DURE_POSITION_NONE || there > here)
            client->follows[i % client->sources.count].fill = true;
    }
}

static bool is_changes(const struct dure_buf *message)
{
    size_t len = sizeof DURE_CHANGES_TOPIC - 1;
    return message->len >= len && memcmp(message->data, DURE_CHANGES_TOPIC, len) == 0;
}

static int take_batch(struct dure_stream_client *client, int timeout_ms, struct dure_buf *lines)
{
    int rv = dure_sub_recv(client->sub, timeout_ms, &client->batch);
    if (rv == 0 && is_changes(&client->batch)) {
        client->changes(client->arg, client->batch.data, client->batch.len);
        return 0;
    }
    if (rv != 0 || client->at.shards == 0) return rv; /* Nothing to compare it with yet. */
    const char *from;
    bool beacon;
    client->beacon.shards = client->at.shards;
    rv = dure_stream_batch_read(client->batch.data, client->batch.len, &from, &client->beacon,
                                &beacon);
    if (rv != 0) return DURE_EFORMAT;
    if (beacon) take_beacon(client);
    else take_lines(client, from, lines);
    return 0;
}

int dure_stream_client_next(struct dure_stream_client *client, int timeout_ms,
                            struct dure_buf *lines)
{
    int64_t now = now_ms(), due = INT64_MAX;
    for (size_t i = 0; i < client->sources.count; i++) {
        struct follow *follow = &client->follows[i];
        if (!follow->fill) continue;
        if (follow->retry_ms <= now) {
            int rv = fill(client, i, lines);
            if (rv != DURE_EBUSY) return rv;
        }
        if (follow->retry_ms < due) due = follow->retry_ms;
    }
    int64_t wait = due == INT64_MAX || due - now > timeout_ms ? timeout_ms : due - now;
    return take_batch(client, wait > 0 ? (int)wait : 0, lines);
}
