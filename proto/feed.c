/*
 * The feed of a node.
 *
 *   1. durable   the loop notes the last record, the sequences behind it and what has changed
 *   2. publish   a thread reads what is new from the journal, and sends it; only while somebody is
 *                connected. Every second, and to who has just come, it says where the shards stand
 *                and what has changed (changes.h); that also in between, when there is something
 *   3. replay    other threads answer requests (runtime/replay.h)
 *
 * Nothing is queued: who falls behind reads the journal. A record that cannot be read ends the
 * publishing of its events and is told on stderr; readers meet the same at replay.
 */
#include "proto/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <time.h>

#include "proto/changes.h"
#include "proto/sock.h"
#include "proto/stream.h"
#include "runtime/replay.h"

#define BEACON_S 1
/* Between two messages of what has changed. */
#define CHANGES_MS 100
#define REPLAY_THREADS 4
/* Batches kept for a slow subscriber. */
#define BUFFER_BATCHES 512

struct dure_feed {
    struct dure_feed_options options;
    struct dure_replayer replayer;
    struct dure_pub *pub;
    struct dure_rep *rep;
    pthread_t thread;
    bool thread_on;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    /* Under the mutex. */
    uint64_t lsn;
    struct dure_positions ends;
    struct dure_changes changes; /* Its events: counted when it is told. */
    bool stop, waiting, come;    /* come: somebody, or has left. */
};

/* What the thread works on: its own copy, and when it speaks again by itself. */
struct round {
    uint64_t done, told; /* Records: published, counted in what was told of changes. */
    uint64_t lsn;
    struct dure_positions ends;
    struct dure_changes changes;
    struct timespec beacon, news;
    struct dure_buf record, lines, batch;
};

int dure_feed_url(char *url, size_t size, const char *dir, int node, const char *door)
{
    if (dir == NULL || dir[0] == '\0') {
        int len = snprintf(url, size, "inproc://dure-node-%d.%s", node, door);
        return len > 0 && (size_t)len < size ? 0 : DURE_ETOOBIG;
    }
    int len = snprintf(url, size, "ipc://%s/node-%d.%s", dir, node, door);
    size_t path = (size_t)len - (sizeof "ipc://" - 1);
    bool fits = len > 0 && (size_t)len < size && path < sizeof ((struct sockaddr_un *)0)->sun_path;
    return fits ? 0 : DURE_ETOOBIG;
}

static bool is_mine(const struct dure_feed *feed, uint32_t shard)
{
    return shard % (uint32_t)feed->options.nodes == (uint32_t)feed->options.node;
}

/* ---- 1: durable -------------------------------------------------------------------------------- */

static void note(struct dure_feed *feed, const struct dure_runtime *rt)
{
    feed->lsn = rt->lsn_durable;
    for (uint32_t i = 0; i < feed->ends.shards; i++) {
        /* The open group began when this record was closed. */
        if (is_mine(feed, i)) feed->ends.last[i] = rt->open->sequences[i];
    }
    memcpy(feed->changes.counts, rt->changes, dure_registry_count() * sizeof rt->changes[0]);
}

void dure_feed_durable(struct dure_feed *feed, const struct dure_runtime *rt)
{
    pthread_mutex_lock(&feed->mutex);
    note(feed, rt);
    bool wake = feed->waiting;
    feed->waiting = false;
    pthread_mutex_unlock(&feed->mutex);
    if (wake) pthread_cond_signal(&feed->cond);
}

static void on_peers(void *arg)
{
    struct dure_feed *feed = arg;
    pthread_mutex_lock(&feed->mutex);
    feed->come = true;
    pthread_cond_signal(&feed->cond);
    pthread_mutex_unlock(&feed->mutex);
}

/* ---- 2: publish -------------------------------------------------------------------------------- */

/* What one message can hold goes. */
static void send_lines(struct dure_feed *feed, uint64_t lsn, struct dure_buf *lines,
                       struct dure_buf *batch)
{
    if (lines->len == 0) return;
    batch->len = 0;
    int rv = dure_stream_batch_write(feed->options.node, lsn, lines->data, lines->len, batch);
    DURE_ASSERT(rv == 0); /* They are our own. */
    dure_pub_send(feed->pub, batch->data, batch->len);
    lines->len = 0;
}

static int publish(struct dure_feed *feed, uint64_t lsn, struct dure_buf *record,
                   struct dure_buf *lines, struct dure_buf *batch)
{
    record->len = 0;
    int rv = feed->replayer.journal->ops->get(feed->replayer.journal, lsn, record);
    if (rv == 0) rv = dure_record_check(record->data, record->len, lsn);
    if (rv != 0) return rv;
    int64_t time_ms = ((const struct dure_record_header *)(const void *)record->data)->time_ms;
    size_t at = sizeof(struct dure_record_header);
    const void *body;
    const struct dure_entry *entry;
    while ((entry = dure_record_next(record->data, record->len, &at, &body)) != NULL) {
        if (entry->kind != DURE_ENTRY_EVENT) continue;
        dure_replay_line(body, time_ms, feed->replayer.shards, lines);
        if (lines->len >= DURE_STREAM_BATCH_BYTES) send_lines(feed, lsn, lines, batch);
    }
    send_lines(feed, lsn, lines, batch);
    return 0;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool is_past(const struct timespec *time)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return !is_before(&now, time);
}

static struct timespec in_ms(long ms)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += ms / 1000;
    time.tv_nsec += ms % 1000 * 1000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

/* For news, until then. */
static void await_news(struct dure_feed *feed, const struct timespec *until)
{
    feed->waiting = true;
    (void)pthread_cond_timedwait(&feed->cond, &feed->mutex, until);
    feed->waiting = false;
}

/* A lost batch is noticed also where nothing more happens. */
static void say_where(struct dure_feed *feed, struct round *round)
{
    round->batch.len = 0;
    dure_stream_beacon_write(feed->options.node, &round->ends, &round->batch);
    dure_pub_send(feed->pub, round->batch.data, round->batch.len);
    round->beacon = in_ms(1000 * BEACON_S);
}

static void say_changes(struct dure_feed *feed, struct round *round)
{
    round->changes.events = 0;
    for (uint32_t i = 0; i < round->ends.shards; i++) {
        if (round->ends.last[i] != DURE_POSITION_NONE) round->changes.events += round->ends.last[i];
    }
    round->batch.len = 0;
    dure_changes_write(feed->options.node, &round->changes, &round->batch);
    dure_pub_send(feed->pub, round->batch.data, round->batch.len);
    round->told = round->lsn;
    round->news = in_ms(CHANGES_MS);
}

static void publish_new(struct dure_feed *feed, struct round *round)
{
    int rv = 0;
    while (round->done < round->lsn && rv == 0) {
        rv = publish(feed, ++round->done, &round->record, &round->lines, &round->batch);
    }
    if (rv == 0) return;
    fprintf(stderr, "dure: record %llu cannot be published: %s\n",
            (unsigned long long)round->done, dure_error_info(rv)->text);
}

/* Under the mutex: until there is something to say to somebody. False: nobody is there. */
static bool await_round(struct dure_feed *feed, struct round *round)
{
    if (dure_pub_peers(feed->pub) == 0) {
        pthread_cond_wait(&feed->cond, &feed->mutex); /* Peers, or stop. */
        round->done = feed->lsn;
        return false;
    }
    bool news = round->told != feed->lsn && is_before(&round->news, &round->beacon);
    if (round->done == feed->lsn && !feed->come)
        await_news(feed, news ? &round->news : &round->beacon);
    return true;
}

static void *feed_thread(void *arg)
{
    struct dure_feed *feed = arg;
    struct round round = {0};
    pthread_mutex_lock(&feed->mutex);
    round.done = feed->lsn;
    while (!feed->stop) {
        if (!await_round(feed, &round)) continue;
        bool come = feed->come;
        feed->come = false;
        round.lsn = feed->lsn;
        round.ends = feed->ends;
        round.changes = feed->changes;
        pthread_mutex_unlock(&feed->mutex);
        publish_new(feed, &round);
        bool beacon = come || is_past(&round.beacon);
        if (beacon) say_where(feed, &round);
        if (beacon || (round.told != round.lsn && is_past(&round.news))) say_changes(feed, &round);
        pthread_mutex_lock(&feed->mutex);
    }
    pthread_mutex_unlock(&feed->mutex);
    dure_buf_fini(&round.record);
    dure_buf_fini(&round.lines);
    dure_buf_fini(&round.batch);
    return NULL;
}

/* ---- 3: replay --------------------------------------------------------------------------------- */

static int begin_at(struct dure_feed *feed, const struct dure_stream_request *request,
                    uint64_t until, const struct dure_positions *ends, struct dure_positions *at)
{
    int rv = 0;
    if (request->from == DURE_STREAM_END || request->from == DURE_STREAM_LAST) *at = *ends;
    else if (request->from == DURE_STREAM_START)
        rv = dure_replay_oldest(&feed->replayer, until, ends, at);
    else *at = request->at;
    for (uint32_t i = 0; i < at->shards; i++) {
        if (!is_mine(feed, i)) at->last[i] = DURE_POSITION_NONE;
    }
    return rv;
}

static void on_request(void *arg, const char *text, size_t len, struct dure_buf *out)
{
    struct dure_feed *feed = arg;
    struct dure_stream_request request;
    struct dure_positions ends;
    const char *detail = NULL;
    pthread_mutex_lock(&feed->mutex);
    uint64_t until = feed->lsn;
    ends = feed->ends;
    pthread_mutex_unlock(&feed->mutex);
    int rv = dure_stream_request_read(&request, text, len, ends.shards, &detail);
    if (rv == 0 && request.group[0] != '\0') {
        rv = DURE_EINVAL;
        detail = "groups are kept by the door, not by a node";
    }
    struct dure_replay replay = {.until = until, .ends = &ends, .topic = request.topic,
                                 .max = request.max, .bytes_max = DURE_STREAM_REPLY_BYTES};
    if (rv == 0) rv = begin_at(feed, &request, until, &ends, &replay.at);
    bool last = request.from == DURE_STREAM_LAST;
    if (rv == 0) {
        rv = last ? dure_replay_last(&feed->replayer, &replay)
                  : dure_replay_read(&feed->replayer, &replay);
    }
    if (rv == 0) {
        struct dure_stream_reply reply = {.at = replay.at, .count = replay.count,
                                          .end = replay.end, .lines = replay.lines};
        dure_stream_reply_write(&reply, request.lines, out);
    } else {
        dure_stream_error_write(rv, detail, out);
    }
    dure_buf_fini(&replay.lines);
}

/* ---- Open, close ------------------------------------------------------------------------------- */

static int start(struct dure_feed *feed)
{
    const struct dure_feed_options *options = &feed->options;
    int rv = dure_pub_open(&feed->pub, BUFFER_BATCHES, on_peers, feed);
    for (int i = 0; rv == 0 && i < 2; i++) {
        if (options->urls[i] != NULL) rv = dure_pub_listen(feed->pub, options->urls[i], NULL);
    }
    if (rv == 0) rv = dure_rep_open(&feed->rep, REPLAY_THREADS, on_request, feed);
    for (int i = 0; rv == 0 && i < 2; i++) {
        if (options->replay_urls[i] != NULL)
            rv = dure_rep_listen(feed->rep, options->replay_urls[i], NULL);
    }
    if (rv != 0) return rv;
    feed->thread_on = pthread_create(&feed->thread, NULL, feed_thread, feed) == 0;
    return feed->thread_on ? 0 : DURE_ESYSTEM;
}

int dure_feed_open(struct dure_feed **out, struct dure_runtime *rt,
                   const struct dure_feed_options *options)
{
    DURE_ASSERT(options->node >= 0 && options->node < options->nodes);
    struct dure_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) return DURE_ENOMEM;
    feed->options = *options;
    dure_replayer_init(&feed->replayer, rt->journal, rt->rows, rt->options.shards);
    pthread_mutex_init(&feed->mutex, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->cond, &clock);
    pthread_condattr_destroy(&clock);
    dure_positions_fill(&feed->ends, rt->options.shards, DURE_POSITION_NONE);
    note(feed, rt);
    feed->changes.epoch = rt->io->random(rt->io) >> 12; /* Exact also as a double. */
    int rv = start(feed);
    if (rv != 0) dure_feed_close(feed);
    else *out = feed;
    return rv;
}

void dure_feed_close(struct dure_feed *feed)
{
    if (feed == NULL) return;
    if (feed->thread_on) {
        pthread_mutex_lock(&feed->mutex);
        feed->stop = true;
        pthread_cond_signal(&feed->cond);
        pthread_mutex_unlock(&feed->mutex);
        pthread_join(feed->thread, NULL);
    }
    dure_rep_close(feed->rep);
    dure_pub_close(feed->pub);
    dure_replayer_fini(&feed->replayer);
    pthread_cond_destroy(&feed->cond);
    pthread_mutex_destroy(&feed->mutex);
    free(feed);
}
