/*
 * The door.
 *
 *   1. wait      nobody is connected: the nodes are not followed either
 *   2. follow    from the end on, gap-free (stream_client.h): each event is published by itself,
 *                and the run of them as a batch. Every second a beacon
 *   3. answer    replay by asking the nodes; groups from their files
 *
 * When it cannot go on (a node came back with less than it had shown) it begins at the end again;
 * subscribers see the gap. Publishing is the least urgent work of the machine: its thread is nice.
 */
#include "proto/door.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proto/groups.h"
#include "proto/stream_client.h"

#define REPLAY_THREADS 4
/* Messages kept for a slow subscriber: the most that nng takes. */
#define BUFFER_MESSAGES 8192
#define WAIT_MS 200
#define BEACON_MS 1000
#define NICE 10

struct dure_door {
    struct dure_sources sources; /* Its requests, for 3. */
    uint32_t shards;
    struct dure_groups groups;
    struct dure_pub *pub;
    struct dure_rep *rep;
    uint16_t events_port, replay_port;
    pthread_t thread;
    bool thread_on;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool stop;
};

/* ---- 1 and 2: live ------------------------------------------------------------------------------- */

static void on_peers(void *arg)
{
    struct dure_door *door = arg;
    pthread_mutex_lock(&door->mutex);
    pthread_cond_signal(&door->cond);
    pthread_mutex_unlock(&door->mutex);
}

/* False: stop. */
static bool await_peers(struct dure_door *door)
{
    pthread_mutex_lock(&door->mutex);
    while (!door->stop && dure_pub_peers(door->pub) == 0) {
        pthread_cond_wait(&door->cond, &door->mutex);
    }
    bool go = !door->stop;
    pthread_mutex_unlock(&door->mutex);
    return go;
}

static bool wanted(struct dure_door *door)
{
    pthread_mutex_lock(&door->mutex);
    bool go = !door->stop && dure_pub_peers(door->pub) > 0;
    pthread_mutex_unlock(&door->mutex);
    return go;
}

static void publish(struct dure_door *door, const char *lines, size_t len, struct dure_buf *batch)
{
    const char *at = lines, *from = lines, *end = lines + len;
    struct dure_stream_line line;
    while (dure_stream_line(&at, end, &line) == 0) {
        dure_pub_send(door->pub, line.type, (size_t)(at - line.type));
        if ((size_t)(at - from) < DURE_STREAM_BATCH_BYTES && at < end) continue;
        batch->len = 0;
        int rv = dure_stream_batch_write(-1, 0, from, (size_t)(at - from), batch);
        DURE_ASSERT(rv == 0); /* The lines were read just now. */
        dure_pub_send(door->pub, batch->data, batch->len);
        from = at;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void follow(struct dure_door *door, struct dure_stream_client *client)
{
    struct dure_buf lines = {0}, batch = {0};
    int64_t spoke = now_ms();
    int rv = 0;
    while ((rv == 0 || rv == DURE_EBUSY) && wanted(door)) {
        lines.len = 0;
        rv = dure_stream_client_next(client, WAIT_MS, &lines);
        if (lines.len > 0) {
            publish(door, lines.data, lines.len, &batch);
        }
        if (now_ms() - spoke >= BEACON_MS && dure_stream_client_at(client)->shards != 0) {
            batch.len = 0;
            dure_stream_beacon_write(-1, dure_stream_client_at(client), &batch);
            dure_pub_send(door->pub, batch.data, batch.len);
            spoke = now_ms();
        }
    }
    if (rv != 0 && rv != DURE_EBUSY) {
        fprintf(stderr, "dure: the event stream begins again at its end: %s\n",
                dure_stream_error_text(rv));
    }
    dure_buf_fini(&lines);
    dure_buf_fini(&batch);
}

static void *door_thread(void *arg)
{
    struct dure_door *door = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* On Linux: of this thread. */
    while (await_peers(door)) {
        struct dure_stream_client_options options = {
            .urls = door->sources.urls, .count = door->sources.count, .topic = "",
            .from = DURE_STREAM_END};
        struct dure_stream_client *client;
        if (dure_stream_client_open(&client, &options) == 0) {
            follow(door, client);
            dure_stream_client_close(client);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); /* Memory, descriptors. */
        }
    }
    return NULL;
}

/* ---- 3: answers -------------------------------------------------------------------------------- */

static int answer_group(struct dure_door *door, const struct dure_stream_request *request,
                        struct dure_buf *out)
{
    struct dure_positions at;
    int rv;
    if (request->commit) {
        at = request->at;
        rv = dure_groups_set(&door->groups, request->group, &at);
    } else {
        rv = dure_groups_get(&door->groups, request->group, &at);
    }
    if (rv != 0 && (request->commit || rv != DURE_ENOTFOUND)) return DURE_EIO;
    dure_stream_group_write(request->group, rv == 0 ? &at : NULL, out);
    return 0;
}

static void on_request(void *arg, const char *text, size_t len, struct dure_buf *out)
{
    struct dure_door *door = arg;
    struct dure_stream_request request;
    const char *detail = NULL;
    int rv = dure_stream_request_read(&request, text, len, door->shards, &detail);
    if (rv == 0 && request.group[0] != '\0') {
        rv = answer_group(door, &request, out);
        if (rv != 0) detail = "the group's position cannot be kept or read";
    } else if (rv == 0) {
        struct dure_stream_reply reply = {0};
        rv = dure_sources_replay(&door->sources, &request, &reply);
        if (rv == 0) dure_stream_reply_write(&reply, request.lines, out);
        dure_buf_fini(&reply.lines);
    }
    if (rv != 0) dure_stream_error_write(rv, detail, out);
}

/* ---- Open, close ------------------------------------------------------------------------------- */

static int start(struct dure_door *door, const struct dure_door_options *options, const char **url)
{
    int rv = dure_sources_open(&door->sources, options->sources, options->sources_count);
    if (rv == 0 && options->replay_url != NULL) {
        *url = options->replay_url;
        rv = dure_rep_open(&door->rep, REPLAY_THREADS, on_request, door);
        if (rv == 0) rv = dure_rep_listen(door->rep, options->replay_url, &door->replay_port);
    }
    if (rv != 0 || options->events_url == NULL) return rv;
    *url = options->events_url;
    rv = dure_pub_open(&door->pub, BUFFER_MESSAGES, on_peers, door);
    if (rv == 0) rv = dure_pub_listen(door->pub, options->events_url, &door->events_port);
    if (rv != 0) return rv;
    door->thread_on = pthread_create(&door->thread, NULL, door_thread, door) == 0;
    return door->thread_on ? 0 : DURE_ESYSTEM;
}

int dure_door_open(struct dure_door **out, const struct dure_door_options *options,
                   const char **url)
{
    struct dure_door *door = calloc(1, sizeof *door);
    if (door == NULL) return DURE_ENOMEM;
    *url = "";
    door->shards = options->shards;
    pthread_mutex_init(&door->mutex, NULL);
    pthread_cond_init(&door->cond, NULL);
    int rv = dure_groups_init(&door->groups, options->groups_dir);
    if (rv == 0) rv = start(door, options, url);
    if (rv != 0) dure_door_close(door);
    else *out = door;
    return rv;
}

uint16_t dure_door_events_port(const struct dure_door *door)
{
    return door->events_port;
}

uint16_t dure_door_replay_port(const struct dure_door *door)
{
    return door->replay_port;
}

void dure_door_close(struct dure_door *door)
{
    if (door == NULL) return;
    if (door->thread_on) {
        pthread_mutex_lock(&door->mutex);
        door->stop = true;
        pthread_cond_signal(&door->cond);
        pthread_mutex_unlock(&door->mutex);
        pthread_join(door->thread, NULL);
    }
    dure_rep_close(door->rep);
    dure_pub_close(door->pub);
    dure_sources_close(&door->sources);
    dure_groups_fini(&door->groups);
    pthread_cond_destroy(&door->cond);
    pthread_mutex_destroy(&door->mutex);
    free(door);
}
