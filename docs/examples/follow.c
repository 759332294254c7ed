/*
 * Follows dure's events with nng and jansson: each once, of each shard in order.
 *
 *   cc follow.c -o follow -lnng -ljansson      (Debian: libnng-dev libjansson-dev)
 *   ./follow [TOPIC] [tcp://127.0.0.1:8089 [tcp://127.0.0.1:8090]]
 *
 * Live events come by SUB, which may lose some. Each event's id is SHARD-SEQUENCE, and sequences
 * have no gaps: an event that does not follow on shows a loss, and REQ fetches what is missing. The
 * "@batch " topic carries the same events, many in a message, and every second of silence where the
 * shards stand, so that a loss at the end is noticed too.
 */
#include <jansson.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS_MAX 1024
#define BATCH "@batch "

static const char *topic = "";
static nng_socket live, replay;
static json_int_t last[SHARDS_MAX]; /* Sequence of the last event of each shard. */

static void check(int code, const char *what)
{
    if (code == 0) return;
    fprintf(stderr, "follow: %s: %s\n", what, nng_strerror(code));
    exit(1);
}

static void show(const char *json, size_t len)
{
    fwrite(json, 1, len, stdout);
    putchar('\n');
    fflush(stdout);
}

/* Sends a request; takes over the position and shows the events. Returns whether that is all. */
static int ask(json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    check(nng_send(replay, text, strlen(text), 0), "send");
    free(text);
    char *answer;
    size_t len;
    check(nng_recv(replay, &answer, &len, NNG_FLAG_ALLOC), "reply");
    json_t *reply = json_loadb(answer, len, 0, NULL);
    nng_free(answer, len);
    const char *detail = json_string_value(json_object_get(reply, "detail"));
    if (!json_is_object(reply) || detail != NULL) {
        fprintf(stderr, "follow: %s\n", detail != NULL ? detail : "no reply of dure's");
        exit(1);
    }
    const char *shard;
    json_t *sequence, *event;
    size_t i;
    json_object_foreach(json_object_get(reply, "next"), shard, sequence) {
        int number = atoi(shard);
        if (number >= 0 && number < SHARDS_MAX) last[number] = json_integer_value(sequence);
    }
    json_array_foreach(json_object_get(reply, "events"), i, event) {
        char *line = json_dumps(event, JSON_COMPACT | JSON_PRESERVE_ORDER);
        show(line, strlen(line));
        free(line);
    }
    int end = json_is_true(json_object_get(reply, "end"));
    json_decref(reply);
    json_decref(request);
    return end;
}

/* Everything behind our position that the journal has. */
static void fill(json_int_t shards)
{
    int end = 0;
    while (!end) {
        json_t *from = json_object();
        char name[16];
        for (int i = 0; i < shards; i++) {
            snprintf(name, sizeof name, "%d", i);
            json_object_set_new(from, name, json_integer(last[i]));
        }
        end = ask(json_pack("{soss}", "from", from, "topic", topic));
    }
}

/* A beacon: {"at":{"0":17,…}}. Ahead of us means that something was lost. */
static int is_ahead(const char *head, size_t len)
{
    json_t *object = json_loadb(head, len, 0, NULL), *sequence;
    const char *shard;
    int ahead = 0;
    json_object_foreach(json_object_get(object, "at"), shard, sequence) {
        int number = atoi(shard);
        if (number >= 0 && number < SHARDS_MAX && json_integer_value(sequence) > last[number])
            ahead = 1;
    }
    json_decref(object);
    return ahead;
}

/* "shop.order.OrderPlaced {"specversion":"1.0","id":"5-12",…}" */
static void take(const char *line, size_t len, json_int_t shards)
{
    const char *json = memchr(line, ' ', len);
    unsigned shard;
    long long sequence;
    if (json == NULL) return;
    json++;
    if (sscanf(json, "{\"specversion\":\"1.0\",\"id\":\"%u-%lld\"", &shard, &sequence) != 2) return;
    if (shard >= SHARDS_MAX) return;
    if (sequence > last[shard] + 1) fill(shards);
    if (sequence != last[shard] + 1) return; /* We have it. */
    last[shard] = sequence;
    if (strncmp(line, topic, strlen(topic)) == 0) show(json, (size_t)(line + len - json));
}

int main(int argc, char **argv)
{
    const char *events_url = argc > 2 ? argv[2] : "tcp://127.0.0.1:8089";
    const char *replay_url = argc > 3 ? argv[3] : "tcp://127.0.0.1:8090";
    if (argc > 1) topic = argv[1];
    check(nng_sub0_open(&live), "SUB");
    check(nng_socket_set(live, NNG_OPT_SUB_SUBSCRIBE, BATCH, strlen(BATCH)), "subscribe");
    check(nng_socket_set_int(live, NNG_OPT_RECVBUF, 1024), "buffer");
    check(nng_dial(live, events_url, NULL, 0), events_url);
    check(nng_req0_open(&replay), "REQ");
    check(nng_dial(replay, replay_url, NULL, 0), replay_url);
    for (int i = 0; i < SHARDS_MAX; i++) last[i] = -1;
    ask(json_pack("{ss}", "from", "end")); /* After subscribing: nothing falls in between. */
    json_int_t shards = 0;
    while (shards < SHARDS_MAX && last[shards] >= 0) shards++;
    for (;;) {
        char *batch;
        size_t len;
        check(nng_recv(live, &batch, &len, NNG_FLAG_ALLOC), "events");
        char *at = memchr(batch, '\n', len), *end = batch + len;
        size_t head = at != NULL ? (size_t)(at - batch) : 0;
        if (head > strlen(BATCH) && is_ahead(batch + strlen(BATCH), head - strlen(BATCH)))
            fill(shards);
        while (at != NULL && ++at < end) {
            char *newline = memchr(at, '\n', (size_t)(end - at));
            if (newline != NULL) take(at, (size_t)(newline - at), shards);
            at = newline;
        }
        nng_free(batch, len);
    }
}
