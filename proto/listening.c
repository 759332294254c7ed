/*
 * Watching a listener.
 *
 *   1. look    every LOOK_MS at nng's counters: has a handshake failed since?
 *   2. probe   if so, a connection of our own: if it is not taken within PROBE_MS, it is dead
 *   3. anew    closed and begun again, until the address is had; told on stderr
 *
 * A thread each, which sleeps. An nng without counters is left alone.
 */
#include "proto/listening.h"

#include <arpa/inet.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/sock.h"
#include "runtime/errors.h"

#define LOOK_MS 250
#define PROBE_MS 1000
#define PROBE_LOOK_MS 20

struct dure_listening {
    nng_socket socket;
    nng_listener listener;
    bool on; /* The listener is there. */
    char url[DURE_SOCK_URL_BYTES];
    pthread_t thread;
    bool watched;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool stop; /* Under the mutex. */
};

/* ---- 1: look ------------------------------------------------------------------------------------ */

struct counts {
    uint64_t accepted, failed;
};

static uint64_t value_of(nng_stat *scope, const char *name)
{
    for (nng_stat *stat = nng_stat_child(scope); stat != NULL; stat = nng_stat_next(stat)) {
        if (strcmp(nng_stat_name(stat), name) == 0) return nng_stat_value(stat);
    }
    return 0;
}

/* False: nng does not count. */
static bool count(const struct dure_listening *listening, struct counts *counts)
{
    nng_stat *root;
    if (nng_stats_get(&root) != 0) return false;
    uint64_t id = (uint64_t)nng_listener_id(listening->listener);
    bool found = false;
    /* nng_stat_find_listener of 1.5 finds any listener. */
    for (nng_stat *stat = nng_stat_child(root); stat != NULL && !found;
         stat = nng_stat_next(stat)) {
        if (strcmp(nng_stat_name(stat), "listener") != 0 || value_of(stat, "id") != id) continue;
        found = true;
        counts->accepted = value_of(stat, "accept");
        counts->failed = value_of(stat, "other") + value_of(stat, "canceled");
    }
    nng_stats_free(root);
    return found;
}

/* False: stop. */
static bool rest(struct dure_listening *listening, long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&listening->mutex);
    int rv = 0;
    while (!listening->stop && rv == 0) {
        rv = pthread_cond_timedwait(&listening->cond, &listening->mutex, &until);
    }
    bool go = !listening->stop;
    pthread_mutex_unlock(&listening->mutex);
    return go;
}

/* ---- 2: probe ----------------------------------------------------------------------------------- */

/* By a REQ: it is taken before it is sent away by who speaks no REP, and nothing is sent to it, so
 * that it can be closed at any time (see hangup.h). */
static bool takes_connections(struct dure_listening *listening)
{
    struct counts before, now;
    nng_socket probe;
    if (!count(listening, &before) || nng_req0_open(&probe) != 0) return true; /* Who knows. */
    bool takes = false, go = nng_dial(probe, listening->url, NULL, NNG_FLAG_NONBLOCK) == 0;
    for (int ms = 0; go && !takes && ms < PROBE_MS; ms += PROBE_LOOK_MS) {
        go = rest(listening, PROBE_LOOK_MS);
        takes = !count(listening, &now) || now.accepted != before.accepted;
    }
    nng_close(probe);
    return takes || !go;
}

/* ---- 3: anew ------------------------------------------------------------------------------------ */

static int begin(struct dure_listening *listening)
{
    int code = nng_listen(listening->socket, listening->url, &listening->listener, 0);
    listening->on = code == 0;
    return code;
}

static void *watch(void *arg)
{
    struct dure_listening *listening = arg;
    struct counts seen = {0}, now;
    while (rest(listening, LOOK_MS)) {
        if (!listening->on) {
            if (begin(listening) == 0) seen = (struct counts){0};
            continue;
        }
        if (!count(listening, &now) || now.failed == seen.failed) continue;
        seen = now; /* Before the probe: what fails meanwhile is looked at next time. */
        if (takes_connections(listening)) continue;
        fprintf(stderr, "dure: %s takes no connections any more: listening anew\n", listening->url);
        nng_listener_close(listening->listener);
        listening->on = false;
    }
    return NULL;
}

/* ---- Open, close -------------------------------------------------------------------------------- */

/* Begun anew, it must be the port that was given. */
static void keep_port(struct dure_listening *listening, uint16_t *port)
{
    nng_sockaddr address;
    uint16_t given = 0;
    int code = nng_listener_get_addr(listening->listener, NNG_OPT_LOCADDR, &address);
    if (code == 0 && address.s_family == NNG_AF_INET) given = ntohs(address.s_in.sa_port);
    if (code == 0 && address.s_family == NNG_AF_INET6) given = ntohs(address.s_in6.sa_port);
    if (given == 0) return;
    char *colon = strrchr(listening->url, ':');
    size_t room = sizeof listening->url - (size_t)(colon + 1 - listening->url);
    snprintf(colon + 1, room, "%u", given);
    if (port != NULL) *port = given;
}

static int start(struct dure_listening *listening, uint16_t *port)
{
    int code = begin(listening);
    if (code != 0 || strncmp(listening->url, "inproc:", 7) == 0) return code;
    keep_port(listening, port);
    listening->watched = pthread_create(&listening->thread, NULL, watch, listening) == 0;
    if (!listening->watched) nng_listener_close(listening->listener);
    return listening->watched ? 0 : NNG_ENOMEM;
}

int dure_listening_open(struct dure_listening **out, nng_socket socket, const char *url,
                        uint16_t *port)
{
    if (strlen(url) + sizeof "65535" > DURE_SOCK_URL_BYTES) return NNG_EADDRINVAL;
    struct dure_listening *listening = calloc(1, sizeof *listening);
    if (listening == NULL) return NNG_ENOMEM;
    listening->socket = socket;
    strcpy(listening->url, url);
    pthread_mutex_init(&listening->mutex, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&listening->cond, &clock);
    pthread_condattr_destroy(&clock);
    int code = start(listening, port);
    if (code != 0) dure_listening_close(listening);
    else *out = listening;
    return code;
}

void dure_listening_close(struct dure_listening *listening)
{
    if (listening == NULL) return;
    if (listening->watched) {
        pthread_mutex_lock(&listening->mutex);
        listening->stop = true;
        pthread_cond_signal(&listening->cond);
        pthread_mutex_unlock(&listening->mutex);
        pthread_join(listening->thread, NULL);
    }
    pthread_cond_destroy(&listening->cond);
    pthread_mutex_destroy(&listening->mutex);
    free(listening);
}
