/*
 * Many subscribers in one process: what a node's event stream costs, and what arrives.
 *
 *   1. dial     COUNT SUB sockets, each its own connection, all with the same topic
 *   2. count    nng's threads take messages and only count them and their events, so that the
 *               machine goes to what is measured: a line of a batch is an event, like a message
 *   3. tell     "connected" when all are; after SIGINT or SIGTERM one line of JSON
 *
 *   fanout URL COUNT TOPIC
 *
 * Exit status: 0; 1 when they do not connect within 10 s or nng fails; 2 wrong usage.
 */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_MAX 1000
#define BUFFER_MESSAGES 1024 /* A subscriber's; most programs take nng's 128. */
#define MESSAGE_BYTES_MAX (16u * 1024 * 1024)
#define CONNECT_S 10

struct subscriber {
    nng_socket socket;
    nng_aio *aio;
    atomic_uint_fast64_t messages, events, bytes;
};

static struct subscriber subscribers[COUNT_MAX];
static atomic_uint connected;

static void check(int code, const char *what)
{
    if (code == 0) return;
    fprintf(stderr, "fanout: %s: %s\n", what, nng_strerror(code));
    exit(1);
}

static double now_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- 2: count ------------------------------------------------------------------------------- */

static uint64_t events_in(const char *text, size_t len)
{
    uint64_t lines = 0;
    bool batch = len > 0 && text[0] == '@';
    for (const char *at = text, *end = text + len; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return batch ? lines - 1 : 1; /* Its first line is about it. */
}

static void on_message(void *arg)
{
    struct subscriber *subscriber = arg;
    int code = nng_aio_result(subscriber->aio);
    if (code == NNG_ECLOSED || code == NNG_ECANCELED) return;
    check(code, "receive");
    nng_msg *msg = nng_aio_get_msg(subscriber->aio);
    atomic_fetch_add(&subscriber->messages, 1);
    atomic_fetch_add(&subscriber->events, events_in(nng_msg_body(msg), nng_msg_len(msg)));
    atomic_fetch_add(&subscriber->bytes, nng_msg_len(msg));
    nng_msg_free(msg);
    nng_recv_aio(subscriber->socket, subscriber->aio);
}

/* ---- 1: dial -------------------------------------------------------------------------------- */

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    (void)pipe, (void)event, (void)arg;
    atomic_fetch_add(&connected, 1);
}

static void subscribe(struct subscriber *subscriber, const char *url, const char *topic)
{
    nng_socket *socket = &subscriber->socket;
    check(nng_sub0_open(socket), "open");
    check(nng_aio_alloc(&subscriber->aio, on_message, subscriber), "open");
    check(nng_pipe_notify(*socket, NNG_PIPE_EV_ADD_POST, on_pipe, NULL), "open");
    check(nng_socket_set_int(*socket, NNG_OPT_RECVBUF, BUFFER_MESSAGES), "open");
    check(nng_socket_set_size(*socket, NNG_OPT_RECVMAXSZ, MESSAGE_BYTES_MAX), "open");
    check(nng_socket_set(*socket, NNG_OPT_SUB_SUBSCRIBE, topic, strlen(topic)), topic);
    check(nng_dial(*socket, url, NULL, 0), url);
    nng_recv_aio(*socket, subscriber->aio);
}

static void await_all(unsigned count)
{
    double until = now_s(CLOCK_MONOTONIC) + CONNECT_S;
    while (atomic_load(&connected) < count) {
        if (now_s(CLOCK_MONOTONIC) > until) {
            fprintf(stderr, "fanout: only %u of %u connected\n", atomic_load(&connected), count);
            exit(1);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    puts("connected");
    fflush(stdout);
}

/* ---- 3: tell -------------------------------------------------------------------------------- */

static void tell(unsigned count, double seconds)
{
    uint64_t messages = 0, events = 0, bytes = 0, least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t own = atomic_load(&subscribers[i].events);
        messages += atomic_load(&subscribers[i].messages);
        bytes += atomic_load(&subscribers[i].bytes);
        events += own;
        if (own < least) least = own;
        if (own > most) most = own;
    }
    printf("{\"subscribers\":%u,\"seconds\":%.3f,\"messages\":%llu,\"bytes\":%llu,\"events\":%llu,"
           "\"events_least\":%llu,\"events_most\":%llu,\"cpu_seconds\":%.2f}\n",
           count, seconds, (unsigned long long)messages, (unsigned long long)bytes,
           (unsigned long long)events, (unsigned long long)least, (unsigned long long)most,
           now_s(CLOCK_PROCESS_CPUTIME_ID));
}

int main(int argc, char **argv)
{
    char *end = "x";
    unsigned long count = argc == 4 ? strtoul(argv[2], &end, 10) : 0;
    if (*end != '\0' || count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "Usage: fanout URL COUNT TOPIC   (COUNT: 1 to %d)\n", COUNT_MAX);
        return 2;
    }
    sigset_t signals;
    int number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* Before nng has threads. */
    for (unsigned i = 0; i < count; i++) subscribe(&subscribers[i], argv[1], argv[3]);
    await_all((unsigned)count);
    double began = now_s(CLOCK_MONOTONIC);
    if (sigwait(&signals, &number) != 0) return 1;
    tell((unsigned)count, now_s(CLOCK_MONOTONIC) - began);
    return 0; /* What is under way ends with the process. */
}
