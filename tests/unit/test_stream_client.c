/*
 * Whoever follows the stream gets each event once, of each shard in order, whatever is lost, doubled
 * or reordered on the way, from one source or several, while sources come and go.
 *
 * The sources are played here: real sockets within the process, a list of events each, and batches
 * sent by a dice.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/door.h"
#include "proto/stream_client.h"
#include "tests/unit/stream_world.h"

#define SHARDS 6
#define SOURCES 3

static uint64_t seed;

static uint64_t dice(uint64_t below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 33) % below;
}

struct source {
    int number;
    struct dure_source_url url;
    struct dure_pub *pub;
    struct dure_rep *rep;
    pthread_mutex_t mutex;
    struct dure_positions ends; /* Of its shards; NONE for the others. */
    bool dumb;                  /* Does not answer in time. */
};

static struct source sources[SOURCES];

/* Replay: some events of one shard after the other. */
static void answer(void *arg, const char *text, size_t len, struct dure_buf *out)
{
    struct source *source = arg;
    struct dure_stream_request request;
    const char *detail = NULL;
    int rv = dure_stream_request_read(&request, text, len, SHARDS, &detail);
    if (rv != 0) {
        dure_stream_error_write(rv, detail, out);
        return;
    }
    pthread_mutex_lock(&source->mutex);
    struct dure_positions ends = source->ends;
    bool dumb = source->dumb;
    pthread_mutex_unlock(&source->mutex);
    if (dumb) {
        dure_stream_error_write(DURE_EUNAVAILABLE, NULL, out);
        return;
    }
    write_replay(&request, &ends, out);
}

static void open_source(struct source *source)
{
    assert_int_equal(dure_pub_open(&source->pub, 64, NULL, NULL), 0);
    assert_int_equal(dure_pub_listen(source->pub, source->url.events, NULL), 0);
    assert_int_equal(dure_rep_open(&source->rep, 2, answer, source), 0);
    assert_int_equal(dure_rep_listen(source->rep, source->url.replay, NULL), 0);
}

static void close_source(struct source *source)
{
    dure_rep_close(source->rep);
    dure_pub_close(source->pub);
}

static void make_sources(size_t count)
{
    static int serial;
    serial++;
    for (size_t i = 0; i < count; i++) {
        struct source *source = &sources[i];
        *source = (struct source){.number = (int)i};
        pthread_mutex_init(&source->mutex, NULL);
        snprintf(source->url.events, sizeof source->url.events, "inproc://events-%d-%zu", serial, i);
        snprintf(source->url.replay, sizeof source->url.replay, "inproc://replay-%d-%zu", serial, i);
        dure_positions_fill(&source->ends, SHARDS, DURE_POSITION_NONE);
        for (uint32_t s = 0; s < SHARDS; s++) {
            if (s % count == i) source->ends.last[s] = 0;
        }
        open_source(source);
    }
}

/* Some new events as one batch, which may be lost, come twice, or late. */
static void produce(struct source *source, struct dure_buf *late)
{
    struct dure_buf lines = {0}, batch = {0};
    pthread_mutex_lock(&source->mutex);
    for (uint64_t n = dice(5) + 1; n > 0; n--) {
        uint32_t shard = (uint32_t)dice(SHARDS);
        if (source->ends.last[shard] == DURE_POSITION_NONE) continue;
        write_event(shard, ++source->ends.last[shard], &lines);
    }
    pthread_mutex_unlock(&source->mutex);
    if (lines.len > 0) {
        assert_int_equal(
            dure_stream_batch_write(source->number, 1, lines.data, lines.len, &batch), 0);
        uint64_t fate = dice(10);
        if (fate == 0) {
            late->len = 0;
            dure_buf_add(late, batch.data, batch.len);
        } else if (fate > 2) {
            dure_pub_send(source->pub, batch.data, batch.len);
            if (fate == 3) dure_pub_send(source->pub, batch.data, batch.len);
        }
        if (fate == 4 && late->len > 0) dure_pub_send(source->pub, late->data, late->len);
    }
    dure_buf_fini(&lines);
    dure_buf_fini(&batch);
}

static void send_beacon(struct source *source)
{
    struct dure_buf batch = {0};
    pthread_mutex_lock(&source->mutex);
    dure_stream_beacon_write(source->number, &source->ends, &batch);
    pthread_mutex_unlock(&source->mutex);
    dure_pub_send(source->pub, batch.data, batch.len);
    dure_buf_fini(&batch);
}

/* Takes what there is; each event must follow on, but for those that the topic leaves out. */
static void take(struct dure_stream_client *client, uint64_t *last, const char *topic, int wait_ms)
{
    struct dure_buf lines = {0};
    int rv = dure_stream_client_next(client, wait_ms, &lines);
    assert_true(rv == 0 || rv == DURE_EBUSY);
    const char *at = lines.data;
    struct dure_stream_line line;
    while (lines.len > 0 && dure_stream_line(&at, lines.data + lines.len, &line) == 0) {
        uint64_t next = last[line.shard] + 1;
        if (topic[0] != '\0') next += 2 - last[line.shard] % 3; /* Every third. */
        assert_int_equal(line.sequence, next);
        last[line.shard] = line.sequence;
    }
    dure_buf_fini(&lines);
}

static bool is_there(struct dure_stream_client *client, size_t count)
{
    const struct dure_positions *at = dure_stream_client_at(client);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t s = 0; s < SHARDS; s++) {
            uint64_t end = sources[i].ends.last[s];
            if (end != DURE_POSITION_NONE && (at->shards == 0 || at->last[s] != end)) return false;
        }
    }
    return true;
}

static struct dure_stream_client *open_client(size_t count, const char *topic,
                                              enum dure_stream_from from,
                                              const struct dure_positions *at)
{
    struct dure_source_url urls[SOURCES];
    for (size_t i = 0; i < count; i++) urls[i] = sources[i].url;
    struct dure_stream_client_options options = {.urls = urls, .count = count, .topic = topic,
                                                 .from = from, .at = at};
    struct dure_stream_client *client;
    assert_int_equal(dure_stream_client_open(&client, &options), 0);
    return client;
}

static void catch_up(struct dure_stream_client *client, size_t count, uint64_t *last,
                     const char *topic)
{
    time_t until = time(NULL) + 30;
    while (!is_there(client, count)) {
        assert_true(time(NULL) < until);
        for (size_t i = 0; i < count; i++) send_beacon(&sources[i]);
        take(client, last, topic, 20);
    }
}

/* `faults`: sources fall silent and come back. */
static void follow(size_t count, const char *topic, bool faults)
{
    make_sources(count);
    uint64_t last[SHARDS] = {0};
    struct dure_buf late[SOURCES] = {0};
    for (int i = 0; i < 20; i++) produce(&sources[dice(count)], &late[0]);
    struct dure_stream_client *client = open_client(count, topic, DURE_STREAM_START, NULL);
    for (int round = 0; round < 600; round++) {
        size_t i = dice(count);
        produce(&sources[i], &late[i]);
        if (dice(3) == 0) take(client, last, topic, 0);
        if (dice(20) == 0) send_beacon(&sources[i]);
        if (faults && dice(50) == 0) {
            pthread_mutex_lock(&sources[i].mutex);
            sources[i].dumb = !sources[i].dumb;
            pthread_mutex_unlock(&sources[i].mutex);
        }
        if (faults && dice(100) == 0) {
            close_source(&sources[i]);
            open_source(&sources[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&sources[i].mutex);
        sources[i].dumb = false;
        pthread_mutex_unlock(&sources[i].mutex);
    }
    catch_up(client, count, last, topic);
    for (size_t i = 0; i < count && topic[0] == '\0'; i++) {
        for (uint32_t s = 0; s < SHARDS; s++) {
            uint64_t end = sources[i].ends.last[s];
            if (end != DURE_POSITION_NONE) assert_int_equal(last[s], end);
        }
    }
    dure_stream_client_close(client);
    for (size_t i = 0; i < count; i++) {
        close_source(&sources[i]);
        dure_buf_fini(&late[i]);
    }
}

static void test_one_source(void **state)
{
    (void)state;
    follow(1, "", false);
}

static void test_several_sources(void **state)
{
    (void)state;
    follow(SOURCES, "", false);
}

static void test_sources_that_come_and_go(void **state)
{
    (void)state;
    follow(SOURCES, "", true);
}

static void test_topic(void **state)
{
    (void)state;
    follow(SOURCES, "toy.thing.Third", true);
}

/* From a position of which some shards are not known: those begin at their end. */
static void test_unknown_places(void **state)
{
    (void)state;
    make_sources(2);
    struct dure_buf late = {0};
    for (int i = 0; i < 60; i++) produce(&sources[i % 2], &late);
    uint64_t last[SHARDS];
    struct dure_positions from;
    dure_positions_fill(&from, SHARDS, 2);
    for (uint32_t s = 0; s < SHARDS; s++) last[s] = from.last[s];
    from.last[4] = DURE_POSITION_NONE;
    last[4] = sources[0].ends.last[4];
    struct dure_stream_client *client = open_client(2, "", DURE_STREAM_AT, &from);
    catch_up(client, 2, last, "");
    for (uint32_t s = 0; s < SHARDS; s++) {
        assert_int_equal(last[s], sources[s % 2].ends.last[s]);
    }
    dure_stream_client_close(client);
    close_source(&sources[0]);
    close_source(&sources[1]);
    dure_buf_fini(&late);
}

/* Beacons and batches come before any source has answered: they are passed over. */
static void test_live_before_known(void **state)
{
    (void)state;
    make_sources(1);
    struct dure_buf late = {0};
    uint64_t last[SHARDS] = {0};
    sources[0].dumb = true;
    struct dure_stream_client *client = open_client(1, "", DURE_STREAM_START, NULL);
    while (dure_pub_peers(sources[0].pub) == 0) take(client, last, "", 1);
    for (int i = 0; i < 50; i++) {
        produce(&sources[0], &late);
        send_beacon(&sources[0]);
        take(client, last, "", 20);
        assert_int_equal(dure_stream_client_at(client)->shards, 0);
    }
    pthread_mutex_lock(&sources[0].mutex);
    sources[0].dumb = false;
    pthread_mutex_unlock(&sources[0].mutex);
    catch_up(client, 1, last, "");
    dure_stream_client_close(client);
    close_source(&sources[0]);
    dure_buf_fini(&late);
}

/* All sources asked at once: what is there comes, who is away is named, and nobody waits for it. */
static void test_replay_without_one(void **state)
{
    (void)state;
    make_sources(SOURCES);
    struct dure_buf late = {0};
    for (int i = 0; i < 60; i++) produce(&sources[i % SOURCES], &late);
    struct dure_source_url urls[SOURCES];
    for (size_t i = 0; i < SOURCES; i++) urls[i] = sources[i].url;
    struct dure_sources all;
    assert_int_equal(dure_sources_open(&all, urls, SOURCES), 0);
    all.timeout_ms = 300;
    struct dure_stream_request request = {.from = DURE_STREAM_START, .max = 1000, .lines = true};
    struct dure_stream_reply reply = {0};
    assert_int_equal(dure_sources_replay(&all, &request, &reply), 0);
    assert_int_equal(reply.missing_count, 0);
    close_source(&sources[1]);
    struct dure_stream_reply without = {0};
    assert_int_equal(dure_sources_replay(&all, &request, &without), 0);
    assert_int_equal(without.missing_count, 1);
    assert_int_equal(without.missing[0], 1);
    for (uint32_t s = 0; s < SHARDS; s++) {
        assert_int_equal(without.at.last[s], s % SOURCES == 1 ? 0 : reply.at.last[s]);
    }
    dure_buf_fini(&reply.lines);
    dure_buf_fini(&without.lines);
    dure_sources_close(&all);
    close_source(&sources[0]);
    close_source(&sources[2]);
    dure_buf_fini(&late);
}

/* The door of several nodes shows one stream, as a single source; who is away is named, the others'
 * events go on, and groups keep their places. */
static void test_through_a_door(void **state)
{
    (void)state;
    make_sources(SOURCES);
    struct dure_source_url urls[SOURCES], door_url = {"inproc://door.events", "inproc://door.replay"};
    for (size_t i = 0; i < SOURCES; i++) urls[i] = sources[i].url;
    char dir[] = "/tmp/dure-door-XXXXXX", groups[64];
    assert_non_null(mkdtemp(dir));
    snprintf(groups, sizeof groups, "%s/groups", dir);
    struct dure_door_options options = {
        .sources = urls, .sources_count = SOURCES, .shards = SHARDS, .groups_dir = groups,
        .events_url = door_url.events, .replay_url = door_url.replay};
    struct dure_door *door;
    const char *failed;
    assert_int_equal(dure_door_open(&door, &options, &failed), 0);
    struct dure_stream_client_options follow = {.urls = &door_url, .count = 1, .topic = "",
                                                .from = DURE_STREAM_START};
    struct dure_stream_client *client;
    assert_int_equal(dure_stream_client_open(&client, &follow), 0);
    uint64_t last[SHARDS] = {0};
    struct dure_buf late[SOURCES] = {0};
    for (int round = 0; round < 600; round++) {
        size_t i = dice(SOURCES);
        produce(&sources[i], &late[i]);
        if (dice(4) == 0) take(client, last, "", 0);
        if (dice(150) == 0) {
            close_source(&sources[i]);
            open_source(&sources[i]);
        }
    }
    catch_up(client, SOURCES, last, "");
    /* Node 2 is away: the others' events come all the same. */
    close_source(&sources[2]);
    struct dure_positions before = *dure_stream_client_at(client);
    for (int i = 0; i < 20; i++) produce(&sources[i % 2], &late[i % 2]);
    catch_up(client, 2, last, "");
    for (uint32_t s = 2; s < SHARDS; s += SOURCES) {
        assert_int_equal(dure_stream_client_at(client)->last[s], before.last[s]);
    }
    open_source(&sources[2]);
    for (int i = 0; i < 20; i++) produce(&sources[2], &late[2]);
    catch_up(client, SOURCES, last, "");
    dure_stream_client_close(client);
    dure_door_close(door);
    for (size_t i = 0; i < SOURCES; i++) {
        close_source(&sources[i]);
        dure_buf_fini(&late[i]);
    }
    assert_int_equal(rmdir(dir), 0); /* Nobody has committed. */
}

int main(void)
{
    const char *given = getenv("DURE_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : 31;
    printf("seed %llu; replay: DURE_TEST_SEED=%llu build-asan/tests/unit/test_stream_client\n",
           (unsigned long long)seed, (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_source),
        cmocka_unit_test(test_several_sources),
        cmocka_unit_test(test_sources_that_come_and_go),
        cmocka_unit_test(test_topic),
        cmocka_unit_test(test_unknown_places),
        cmocka_unit_test(test_live_before_known),
        cmocka_unit_test(test_replay_without_one),
        cmocka_unit_test(test_through_a_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
