/*
 * An SSE client has every event without any later one of the same shard having to tell it that one
 * is missing: whatever it learned of its past and its presence at different moments. And it is told
 * what else has changed, if it wants to know, without anything being kept for it but a set.
 *
 * The sources are played (stream_world.h): real sockets within the process. The server is only bytes
 * (gateway_world.h), the loop is real.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include <cmocka.h>

#include "proto/changes.h"
#include "proto/sse.h"
#include "proto/streamed.h"
#include "tests/unit/gateway_toy.h"
#include "tests/unit/stream_world.h"

#define SHARDS 4
#define SOURCES 2
#define BEGIN 5 /* Where all shards stand at first. */
/* Of sse.c: chunks that are kept for who comes from a replay. */
#define RECENT 64

/* ---- Sources ---------------------------------------------------------------------------------- */

static struct source {
    struct dure_source_url url;
    struct dure_pub *pub;
    struct dure_rep *rep;
    struct dure_positions ends; /* This and below under the mutex. */
    bool away;                  /* Says that it cannot answer. */
    /* Who asks for the end waits until somebody was given a replay; meanwhile so much happens. */
    uint64_t happens;
    bool replayed;
} sources[SOURCES];
static size_t sources_count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static bool owns(const struct source *source, uint32_t shard)
{
    return shard % sources_count == (size_t)(source - sources);
}

static void answer(void *arg, const char *text, size_t len, struct dure_buf *out)
{
    struct source *source = arg;
    struct dure_stream_request request;
    const char *detail = NULL;
    DURE_ASSERT(dure_stream_request_read(&request, text, len, SHARDS, &detail) == 0);
    pthread_mutex_lock(&mutex);
    bool away = source->away;
    if (!away && request.from == DURE_STREAM_END && source->happens > 0) {
        while (!source->replayed) pthread_cond_wait(&cond, &mutex);
        for (uint32_t i = 0; i < SHARDS; i++) {
            if (owns(source, i)) source->ends.last[i] += source->happens;
        }
        source->happens = 0;
    }
    struct dure_positions ends = source->ends;
    if (!away && request.from == DURE_STREAM_AT) source->replayed = true;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    if (away) dure_stream_error_write(DURE_EUNAVAILABLE, NULL, out);
    else write_replay(&request, &ends, out);
}

static void open_sources(size_t count)
{
    static int serial;
    sources_count = count;
    for (size_t i = 0; i < count; i++) {
        struct source *source = &sources[i];
        *source = (struct source){.ends.shards = SHARDS};
        int number = serial++;
        snprintf(source->url.events, sizeof source->url.events, "inproc://sse-events-%d", number);
        snprintf(source->url.replay, sizeof source->url.replay, "inproc://sse-replay-%d", number);
        for (uint32_t s = 0; s < SHARDS; s++)
            source->ends.last[s] = owns(source, s) ? BEGIN : DURE_POSITION_NONE;
        assert_int_equal(dure_pub_open(&source->pub, 2 * RECENT, NULL, NULL), 0);
        assert_int_equal(dure_pub_listen(source->pub, source->url.events, NULL), 0);
        assert_int_equal(dure_rep_open(&source->rep, 4, answer, source), 0);
        assert_int_equal(dure_rep_listen(source->rep, source->url.replay, NULL), 0);
    }
}

/* One new event of a shard, live. */
static void publish(struct source *source, uint32_t shard)
{
    struct dure_buf line = {0}, batch = {0};
    pthread_mutex_lock(&mutex);
    write_event(shard, ++source->ends.last[shard], &line);
    pthread_mutex_unlock(&mutex);
    assert_int_equal(dure_stream_batch_write(0, 1, line.data, line.len, &batch), 0);
    dure_pub_send(source->pub, batch.data, batch.len);
    dure_buf_fini(&line);
    dure_buf_fini(&batch);
}

/* ---- Clients ---------------------------------------------------------------------------------- */

static uv_loop_t loop;
static struct dure_sse *sse;

struct client {
    struct dure_exchange exchange;
    uint64_t last[SHARDS];
    size_t read; /* Of the body. */
};

/* From a position on; from the end: as soon as that is known. */
static void start(struct client *client, bool from_end)
{
    *client = (struct client){0};
    struct dure_exchange *at = &client->exchange;
    struct dure_positions from;
    struct dure_buf word = {0};
    dure_positions_fill(&from, SHARDS, BEGIN);
    dure_positions_write(&from, &word);
    for (uint32_t i = 0; i < SHARDS; i++) client->last[i] = BEGIN;
    at->request.method = DURE_GET;
    at->headers[0] = (struct dure_header){{"last-event-id", 13}, {word.data, word.len}};
    at->request.headers = at->headers;
    at->request.headers_count = from_end ? 0 : 1;
    dure_sse_start(sse, gateway, at);
    dure_buf_fini(&word);
}

/* From the end, with notices and without events. */
static void start_notices(struct client *client, const char *query)
{
    *client = (struct client){0};
    client->exchange.request.method = DURE_GET;
    client->exchange.request.query = span(query);
    dure_sse_start(sse, gateway, &client->exchange);
}

/* Each event follows on. */
static void read_events(struct client *client)
{
    struct dure_buf *body = &client->exchange.body;
    while (client->read < body->len) {
        const char *line = body->data + client->read;
        const char *end = memchr(line, '\n', body->len - client->read);
        assert_non_null(end); /* Whole lines are written. */
        client->read += (size_t)(end + 1 - line);
        if (strncmp(line, "data: ", 6) != 0) continue;
        const char *id = memmem(line, (size_t)(end - line), "\"id\":\"", 6);
        assert_non_null(id);
        char *rest;
        unsigned long shard = strtoul(id + 6, &rest, 10);
        assert_in_range(shard, 0, SHARDS - 1);
        assert_int_equal(strtoull(rest + 1, NULL, 10), client->last[shard] + 1);
        client->last[shard]++;
    }
}

static bool has_all(struct client *client)
{
    read_events(client);
    pthread_mutex_lock(&mutex);
    bool all = true;
    for (uint32_t i = 0; i < SHARDS; i++) {
        all = all && client->last[i] == sources[i % sources_count].ends.last[i];
    }
    for (size_t i = 0; i < sources_count; i++) all = all && sources[i].happens == 0;
    pthread_mutex_unlock(&mutex);
    return all;
}

static bool has_begun(struct client *client)
{
    return client->exchange.status == 200;
}

static void await(bool (*there)(struct client *client), struct client *client, void (*turn)(void))
{
    time_t until = time(NULL) + 60;
    while (!there(client)) {
        assert_true(time(NULL) < until);
        uv_run(&loop, UV_RUN_NOWAIT);
        turn();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void nobody_works(void) {}

static void open_sse(size_t count)
{
    node_shards = SHARDS;
    open_node(NULL);
    open_sources(count);
    struct dure_source_url urls[SOURCES];
    for (size_t i = 0; i < count; i++) urls[i] = sources[i].url;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct dure_sse_options options = {
        .loop = &loop, .urls = urls, .urls_count = count, .heartbeat_ms = 1000000};
    assert_int_equal(dure_sse_open(&sse, gateway, &options), 0);
}

static void close_sse(struct client *clients, size_t count)
{
    dure_sse_stop(sse);
    round_of_loop();
    for (size_t i = 0; i < count; i++) {
        assert_true(clients[i].exchange.ended);
        dure_buf_fini(&clients[i].exchange.body);
        dure_buf_fini(&clients[i].exchange.reply_headers);
    }
    dure_sse_close(sse);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    for (size_t i = 0; i < sources_count; i++) {
        dure_rep_close(sources[i].rep);
        dure_pub_close(sources[i].pub);
    }
    close_node(NULL);
}

/* ---- Tests ------------------------------------------------------------------------------------ */

/* The first client of a node is through with its past before the hub has begun: what happens in
 * between belongs to neither. */
static void test_between_past_and_presence(void **state)
{
    (void)state;
    struct client client;
    open_sse(1);
    sources[0].happens = 3;
    start(&client, false);
    await(has_all, &client, round_of_loop);
    close_sse(&client, 1);
}

/* The same of a node that was away when the hub began. */
static void test_a_source_that_comes_late(void **state)
{
    (void)state;
    struct client clients[2];
    open_sse(2);
    sources[1].away = true;
    start(&clients[0], true);
    start(&clients[1], false);
    await(has_begun, &clients[0], round_of_loop); /* The hub does not wait any longer. */
    pthread_mutex_lock(&mutex);
    sources[1].away = false;
    sources[1].happens = 3;
    pthread_mutex_unlock(&mutex);
    await(has_all, &clients[1], round_of_loop);
    close_sse(clients, 2);
}

/* While a replay is under way more happens than the chunks that are kept, and those follow on. */
static void test_more_than_is_kept(void **state)
{
    (void)state;
    struct client clients[2];
    open_sse(1);
    start(&clients[0], true);
    await(has_begun, &clients[0], round_of_loop);
    start(&clients[1], false);
    assert_int_equal(works_count, 1);
    struct dure_work *work = works[--works_count];
    work->run(work);
    publish(&sources[0], 0);
    for (int i = 0; i < RECENT; i++) {
        publish(&sources[0], 1);
        await(has_all, &clients[0], nobody_works); /* So that each is a chunk. */
    }
    work->done(work);
    await(has_all, &clients[1], round_of_loop);
    close_sse(clients, 2);
}

/* Streams that have so much to catch up with that they ask again and again keep nobody out: each gets
 * a replay in turn. */
static void test_everybody_in_turn(void **state)
{
    (void)state;
    struct client clients[5];
    open_sse(1);
    sources[0].ends.last[0] += 100000;
    for (size_t i = 0; i < 5; i++) start(&clients[i], false);
    for (int i = 0; i < 5; i++) {
        assert_in_range(works_count, 1, 4);
        struct dure_work *work = works[0];
        memmove(works, works + 1, --works_count * sizeof works[0]);
        work->run(work);
        work->done(work);
    }
    for (size_t i = 0; i < 5; i++) {
        read_events(&clients[i]);
        assert_in_range(clients[i].last[0], BEGIN + 1, BEGIN + 99999);
    }
    close_sse(clients, 5);
}

/* ---- Notices ---------------------------------------------------------------------------------- */

static struct dure_changes counters; /* Of source 0. */

static void publish_changes(void)
{
    struct dure_buf message = {0};
    dure_changes_write(0, &counters, &message);
    dure_pub_send(sources[0].pub, message.data, message.len);
    dure_buf_fini(&message);
}

/* So many notices, of which the last one ends with this. */
static struct {
    size_t count;
    const char *end;
} expected;

static size_t notices(struct client *client, const char **last)
{
    static const char begin[] = "event: changes\ndata: ";
    struct dure_buf *body = &client->exchange.body;
    const char *at = body->data, *end = at + body->len;
    size_t count = 0;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1)) != NULL) {
        *last = at += sizeof begin - 1;
        count++;
    }
    return count;
}

static bool has_notices(struct client *client)
{
    const char *last = "";
    size_t count = notices(client, &last);
    assert_true(count <= expected.count);
    if (count < expected.count) return false;
    size_t len = (size_t)(client->exchange.body.data + client->exchange.body.len - last);
    assert_int_equal(len, strlen(expected.end));
    assert_memory_equal(last, expected.end, len);
    return true;
}

static void reads(struct client *client)
{
    client->exchange.pending = 0;
    ((struct dure_streamed *)client->exchange.data)->drain(&client->exchange);
}

static struct client *reader;

static void others_read(void)
{
    round_of_loop();
    if (reader->exchange.data != NULL) reads(reader);
}

#define EVERYTHING "{\"collections\":[\"/toy/accounts\"],\"events\":0}\n\n"

/* It begins with everything; then what has changed, at once and each once; who does not read gets one
 * notice of all that, when it reads. */
static void test_notices(void **state)
{
    (void)state;
    struct client clients[3];
    open_sse(1);
    counters = (struct dure_changes){.epoch = 1, .events = 20};
    start_notices(&clients[0], "also=changes&topic=@");
    start_notices(&clients[1], "topic=@&also=changes");
    start_notices(&clients[2], "topic=@");
    reader = &clients[0];
    expected.count = 1;
    expected.end = EVERYTHING;
    await(has_notices, &clients[0], others_read);
    await(has_notices, &clients[1], others_read);
    while (dure_pub_peers(sources[0].pub) == 0) round_of_loop();
    publish_changes(); /* The first that is heard of it: everything once more. */
    expected.count = 2;
    await(has_notices, &clients[0], others_read);
    await(has_notices, &clients[1], others_read);
    clients[1].exchange.pending = 100000;
    counters.counts[account.type->index] = 1;
    publish_changes();
    expected.count = 3;
    await(has_notices, &clients[0], others_read);
    counters.events = 27;
    publish_changes();
    expected.count = 4;
    expected.end = "{\"collections\":[],\"events\":7}\n\n";
    await(has_notices, &clients[0], others_read);
    publish_changes(); /* The same, as every second. */
    counters.events = 28;
    publish_changes();
    expected.count = 5;
    expected.end = "{\"collections\":[],\"events\":1}\n\n";
    await(has_notices, &clients[0], others_read);
    const char *last;
    assert_int_equal(notices(&clients[1], &last), 2);
    reads(&clients[1]);
    expected.count = 3;
    expected.end = "{\"collections\":[\"/toy/accounts\"],\"events\":8}\n\n";
    assert_true(has_notices(&clients[1]));
    assert_int_equal(notices(&clients[2], &last), 0);
    close_sse(clients, 3);
}

static bool has_moved(struct client *client)
{
    struct dure_positions at;
    struct dure_buf word = {0};
    dure_positions_fill(&at, SHARDS, BEGIN);
    for (uint32_t i = 0; i < SHARDS; i++) at.last[i] = sources[0].ends.last[i];
    dure_positions_write(&at, &word);
    struct dure_buf *body = &client->exchange.body;
    bool moved = memmem(body->data, body->len, word.data, word.len) != NULL;
    dure_buf_fini(&word);
    return moved;
}

/* While all streams are without events the hub spares itself reading them. Who comes then, at whatever
 * moment, has each all the same; and the others are told their place. */
static void test_spared(void **state)
{
    (void)state;
    struct client clients[21];
    open_sse(1);
    start_notices(&clients[0], "also=changes&topic=@,@x");
    reader = &clients[0];
    await(has_begun, &clients[0], others_read);
    for (size_t i = 1; i <= 20; i++) {
        for (size_t n = 0; n < i % 4; n++) publish(&sources[0], (uint32_t)n);
        if (i % 3 == 0) await(has_moved, &clients[0], others_read);
        publish(&sources[0], 0);
        start(&clients[i], false);
        publish(&sources[0], 1);
        if (i % 2 == 0) await(has_begun, &clients[i], others_read);
        publish(&sources[0], 1);
        await(has_all, &clients[i], others_read);
        ((struct dure_streamed *)clients[i].exchange.data)->abort(&clients[i].exchange);
    }
    close_sse(clients, 21);
}

/* In step with a hub that has passed over an event which the loop has not heard of yet. */
static void test_spared_until_now(void **state)
{
    (void)state;
    struct client clients[6];
    open_sse(1);
    start_notices(&clients[0], "also=changes&topic=@");
    reader = &clients[0];
    await(has_begun, &clients[0], others_read);
    for (size_t i = 1; i < 6; i++) {
        publish(&sources[0], 0);
        await(has_moved, &clients[0], others_read);
        uint64_t before = sources[0].ends.last[0];
        publish(&sources[0], 0);
        nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL); /* Likely the hub has it by now. */
        start(&clients[i], true);
        for (uint32_t s = 0; s < SHARDS; s++) clients[i].last[s] = sources[0].ends.last[s];
        clients[i].last[0] = before;
        publish(&sources[0], 0);
        await(has_all, &clients[i], others_read);
        ((struct dure_streamed *)clients[i].exchange.data)->abort(&clients[i].exchange);
    }
    close_sse(clients, 6);
}

static void test_also_refused(void **state)
{
    (void)state;
    static const char *const queries[] = {"also=", "also=nothing", "also=changes,", "also=change",
                                          "also=changes,nothing", "also=CHANGES"};
    struct client clients[6];
    open_sse(1);
    for (size_t i = 0; i < 6; i++) {
        start_notices(&clients[i], queries[i]);
        assert_int_equal(clients[i].exchange.status, 400);
    }
    close_sse(clients, 6);
}

int main(void)
{
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_past_and_presence),
        cmocka_unit_test(test_a_source_that_comes_late),
        cmocka_unit_test(test_more_than_is_kept),
        cmocka_unit_test(test_everybody_in_turn),
        cmocka_unit_test(test_notices),
        cmocka_unit_test(test_spared),
        cmocka_unit_test(test_spared_until_now),
        cmocka_unit_test(test_also_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
