/*
 * The hub.
 *
 *   1. wait       nobody is connected by SSE
 *   2. follow     stream_client.h, on its own thread; each run of events becomes a chunk
 *   3. hand over  a bounded queue and uv_async; the loop takes what is there. What has changed besides
 *                 (changes.h) is one set, which grows until the loop takes it
 *
 * When the loop is too slow the queue is full and the hub waits; what it misses meanwhile it fills
 * in. When it cannot go on it begins anew at the end, and clients fill what they lack by replay.
 */
#include "proto/sse_hub.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "proto/stream_client.h"

#define QUEUE_MAX 64
#define WAIT_MS 100
/* A source that has not said where it stands by then is not waited for. */
#define KNOWN_MS 1000
/* Between two chunks without events. */
#define SPARE_MS 100

struct dure_sse_hub {
    uv_async_t async;
    struct dure_sse_hub_options options;
    struct dure_source_url urls[DURE_SOURCES_MAX];
    struct dure_watch watch; /* Its thread's. */
    pthread_t thread;
    bool thread_on;
    pthread_mutex_t mutex;
    pthread_cond_t cond; /* More room, or another wish. */
    /* Under the mutex. */
    struct dure_sse_chunk *first, **last;
    size_t queued;
    struct dure_news news;
    unsigned generation; /* 0: nobody. Odd and even mean nothing. */
    bool wanted, spare, stop;
};

void dure_sse_write_id(const struct dure_positions *at, struct dure_buf *out)
{
    dure_buf_lit(out, "id: ");
    dure_positions_write(at, out);
    dure_buf_byte(out, '\n');
}

void dure_sse_write(const char *json, size_t len, const struct dure_positions *at,
                    struct dure_buf *out)
{
    dure_sse_write_id(at, out);
    dure_buf_lit(out, "data: ");
    dure_buf_add(out, json, len); /* No line break within: it is one line of the stream. */
    dure_buf_lit(out, "\n\n");
}

void dure_sse_chunk_drop(struct dure_sse_chunk *chunk)
{
    if (--chunk->refs > 0) return;
    dure_buf_fini(&chunk->lines);
    dure_buf_fini(&chunk->text);
    free(chunk->items);
    free(chunk);
}

/* ---- 2: follow ----------------------------------------------------------------------------------- */

static void encode(struct dure_sse_chunk *chunk, struct dure_positions *at)
{
    const char *from = chunk->lines.data, *end = from + chunk->lines.len;
    size_t cap = 0;
    struct dure_stream_line line;
    while (chunk->lines.len > 0 && dure_stream_line(&from, end, &line) == 0) {
        if (chunk->count == cap) {
            cap = cap ? cap * 2 : 64;
            chunk->items = realloc(chunk->items, cap * sizeof chunk->items[0]);
            DURE_ASSERT(chunk->items != NULL);
        }
        if (line.shard < at->shards) at->last[line.shard] = line.sequence;
        struct dure_sse_item *item = &chunk->items[chunk->count++];
        *item = (struct dure_sse_item){.type_at = (size_t)(line.type - chunk->lines.data),
                                       .type_len = line.type_len, .text_at = chunk->text.len,
                                       .line_end = (size_t)(from - chunk->lines.data),
                                       .shard = line.shard, .sequence = line.sequence};
        dure_sse_write(line.json, line.json_len, at, &chunk->text);
        item->text_end = chunk->text.len;
    }
}

/* False: not wanted any more; the chunk is freed. */
static bool push(struct dure_sse_hub *hub, struct dure_sse_chunk *chunk)
{
    pthread_mutex_lock(&hub->mutex);
    while (hub->queued == QUEUE_MAX && hub->generation == chunk->generation && !hub->stop) {
        pthread_cond_wait(&hub->cond, &hub->mutex);
    }
    bool go = hub->generation == chunk->generation && hub->wanted && !hub->stop;
    if (go) {
        *hub->last = chunk;
        hub->last = &chunk->next;
        hub->queued++;
        uv_async_send(&hub->async);
    }
    pthread_mutex_unlock(&hub->mutex);
    if (!go) dure_sse_chunk_drop(chunk);
    return go;
}

static bool wanted(struct dure_sse_hub *hub, unsigned generation)
{
    pthread_mutex_lock(&hub->mutex);
    bool go = hub->wanted && !hub->stop && hub->generation == generation;
    pthread_mutex_unlock(&hub->mutex);
    return go;
}

static bool spared(struct dure_sse_hub *hub)
{
    pthread_mutex_lock(&hub->mutex);
    bool spare = hub->spare;
    pthread_mutex_unlock(&hub->mutex);
    return spare;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void push_news(struct dure_sse_hub *hub, const struct dure_news *news)
{
    if (!news->any) return;
    pthread_mutex_lock(&hub->mutex);
    dure_news_add(&hub->news, news);
    pthread_mutex_unlock(&hub->mutex);
    uv_async_send(&hub->async);
}

static void on_changes(void *arg, const char *text, size_t len)
{
    struct dure_sse_hub *hub = arg;
    struct dure_news news = {0};
    dure_watch_hear(&hub->watch, text, len, now_ms(), &news);
    push_news(hub, &news);
}

static void look_who_is_silent(struct dure_sse_hub *hub)
{
    struct dure_news news = {0};
    dure_watch_tick(&hub->watch, now_ms(), &news);
    push_news(hub, &news);
}

static void follow(struct dure_sse_hub *hub, struct dure_stream_client *client, unsigned generation)
{
    struct dure_positions at = {0}; /* Behind the last chunk. */
    struct dure_buf lines = {0};
    int64_t until = now_ms() + KNOWN_MS, pushed = 0;
    int rv = 0;
    bool told = false, gap = false;
    while ((rv == 0 || rv == DURE_EBUSY) && wanted(hub, generation)) {
        rv = dure_stream_client_next(client, WAIT_MS, &lines);
        look_who_is_silent(hub);
        const struct dure_positions *now = dure_stream_client_at(client);
        bool known = dure_stream_client_known(client) || now_ms() >= until;
        bool spare = spared(hub);
        gap = gap || (spare && lines.len > 0);
        if (gap) lines.len = 0;
        if (spare && gap && now_ms() - pushed < SPARE_MS) continue;
        /* A place that has moved without events is told too: a source that came late. */
        if (lines.len == 0 && known == told && dure_positions_equal(&at, now)) continue;
        if (now->shards == 0) continue;
        bool first = at.shards == 0;
        if (first) at = *now;
        struct dure_sse_chunk *chunk = calloc(1, sizeof *chunk);
        DURE_ASSERT(chunk != NULL);
        *chunk = (struct dure_sse_chunk){.refs = 1, .generation = generation, .lines = lines,
                                         .first = first, .known = known, .gap = gap, .after = *now};
        lines = (struct dure_buf){0};
        encode(chunk, &at);
        at = chunk->after;
        told = known;
        gap = false;
        pushed = now_ms();
        if (!push(hub, chunk)) break;
    }
    dure_buf_fini(&lines);
}

static void *hub_thread(void *arg)
{
    struct dure_sse_hub *hub = arg;
    pthread_mutex_lock(&hub->mutex);
    while (!hub->stop) {
        if (!hub->wanted) {
            pthread_cond_wait(&hub->cond, &hub->mutex);
            continue;
        }
        unsigned generation = hub->generation;
        pthread_mutex_unlock(&hub->mutex);
        struct dure_stream_client_options options = {
            .urls = hub->urls, .count = hub->options.count, .topic = "", .from = DURE_STREAM_END,
            .changes = on_changes, .arg = hub};
        struct dure_stream_client *client;
        memset(&hub->watch, 0, sizeof hub->watch);
        if (dure_stream_client_open(&client, &options) == 0) {
            follow(hub, client, generation);
            dure_stream_client_close(client);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); /* Memory, descriptors. */
        }
        pthread_mutex_lock(&hub->mutex);
    }
    pthread_mutex_unlock(&hub->mutex);
    return NULL;
}

/* ---- 3: hand over -------------------------------------------------------------------------------- */

static void on_async(uv_async_t *async)
{
    struct dure_sse_hub *hub = async->data;
    pthread_mutex_lock(&hub->mutex);
    struct dure_sse_chunk *chunk = hub->first;
    unsigned generation = hub->generation;
    hub->first = NULL;
    hub->last = &hub->first;
    hub->queued = 0;
    struct dure_news news = hub->news;
    hub->news = (struct dure_news){0};
    pthread_cond_signal(&hub->cond);
    pthread_mutex_unlock(&hub->mutex);
    while (chunk != NULL) {
        struct dure_sse_chunk *next = chunk->next;
        if (chunk->generation == generation) hub->options.chunk(hub->options.arg, chunk);
        dure_sse_chunk_drop(chunk);
        chunk = next;
    }
    if (news.any) hub->options.news(hub->options.arg, &news);
}

void dure_sse_hub_want(struct dure_sse_hub *hub, bool wanted)
{
    pthread_mutex_lock(&hub->mutex);
    hub->wanted = wanted;
    hub->generation++;
    hub->news = (struct dure_news){0};
    pthread_cond_signal(&hub->cond);
    pthread_mutex_unlock(&hub->mutex);
}

void dure_sse_hub_spare(struct dure_sse_hub *hub, bool spare)
{
    pthread_mutex_lock(&hub->mutex);
    hub->spare = spare;
    pthread_mutex_unlock(&hub->mutex);
}

/* ---- Open, close ----------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct dure_sse_hub *hub = handle->data;
    while (hub->first != NULL) {
        struct dure_sse_chunk *chunk = hub->first;
        hub->first = chunk->next;
        dure_sse_chunk_drop(chunk);
    }
    pthread_cond_destroy(&hub->cond);
    pthread_mutex_destroy(&hub->mutex);
    free(hub);
}

int dure_sse_hub_open(struct dure_sse_hub **out, const struct dure_sse_hub_options *options)
{
    struct dure_sse_hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL) return DURE_ENOMEM;
    if (uv_async_init(options->loop, &hub->async, on_async) != 0) {
        free(hub);
        return DURE_ESYSTEM;
    }
    hub->async.data = hub;
    hub->options = *options;
    hub->last = &hub->first;
    memcpy(hub->urls, options->urls, options->count * sizeof *options->urls);
    pthread_mutex_init(&hub->mutex, NULL);
    pthread_cond_init(&hub->cond, NULL);
    hub->thread_on = pthread_create(&hub->thread, NULL, hub_thread, hub) == 0;
    if (!hub->thread_on) {
        dure_sse_hub_close(hub);
        return DURE_ESYSTEM;
    }
    *out = hub;
    return 0;
}

void dure_sse_hub_close(struct dure_sse_hub *hub)
{
    if (hub == NULL) return;
    if (hub->thread_on) {
        pthread_mutex_lock(&hub->mutex);
        hub->stop = true;
        pthread_cond_signal(&hub->cond);
        pthread_mutex_unlock(&hub->mutex);
        pthread_join(hub->thread, NULL);
    }
    uv_close((uv_handle_t *)&hub->async, on_closed);
}
