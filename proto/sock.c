/*
 * nng for the event stream.
 *
 * The threads of nng only count connections; all work is done by threads of ours that wait in recv.
 * Requests go through contexts, so that threads share a socket; an answer that a stuck client does
 * not take is given up after SEND_MS. An address in use is the usual failure of listen.
 *
 * Connections are counted from ADD_PRE on: it comes once and first, and only what had it has
 * REM_POST; ADD_POST is left out for who speaks another protocol, and may come after REM_POST.
 */
#include "proto/sock.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "proto/dialling.h"
#include "proto/hangup.h"
#include "proto/listening.h"

#define REQUEST_BYTES_MAX (64u * 1024)
#define MESSAGE_BYTES_MAX (16u * 1024 * 1024)
#define SEND_MS 1000
/* Connections that were lost are tried again at these distances. */
#define RECONNECT_MS_MIN 10
#define RECONNECT_MS_MAX 200
#define REDIAL_MS 1000
#define REP_THREADS_MAX 16
#define CANCEL_MS 5L
#define TOPIC_BYTES 64
#define ADDRESSES_MAX 4
/* Longer than the silence between two beacons (feed.c, door.c). */
#define HANGUP_MS 1500

static int error_of(int code)
{
    switch (code) {
    case 0: return 0;
    case NNG_ENOMEM: return DURE_ENOMEM;
    case NNG_ETIMEDOUT: return DURE_EBUSY;
    case NNG_ECLOSED:
    case NNG_ECANCELED: return DURE_ESHUTDOWN;
    case NNG_EINVAL:
    case NNG_EADDRINVAL: return DURE_EINVAL;
    default: return DURE_ESYSTEM;
    }
}

static int set_up(nng_socket socket, size_t bytes_max)
{
    int code = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, bytes_max);
    if (code == 0) code = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, RECONNECT_MS_MIN);
    if (code == 0) code = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, RECONNECT_MS_MAX);
    return code;
}

/* ---- Dialling: one line to one address ---------------------------------------------------------- */

struct line {
    nng_socket socket;
    nng_dialer dialer; /* Under the mutex, for pipes. */
    char url[DURE_SOCK_URL_BYTES];
    atomic_uint peers; /* Of this dialer. */
    atomic_bool met;   /* Was connected once. */
    int64_t dialled_ms; /* Or last seen to dial by itself. */
    uint64_t attempts;
    pthread_mutex_t mutex;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From now on this dialer's connections count, and no other's. */
static void count_only(struct line *line, nng_dialer dialer)
{
    pthread_mutex_lock(&line->mutex);
    line->dialer = dialer;
    atomic_store(&line->peers, 0);
    pthread_mutex_unlock(&line->mutex);
}

static int dial(struct line *line)
{
    nng_dialer dialer;
    line->dialled_ms = now_ms();
    line->attempts = 0;
    int code = nng_dialer_create(&dialer, line->socket, line->url);
    if (code != 0) return code;
    count_only(line, dialer);
    return nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
}

/* nng 1.5.2 can give up on an address without a word: what is not reached is dialled anew. */
static void dial_again(struct line *line)
{
    if (atomic_load(&line->peers) > 0 || now_ms() - line->dialled_ms < REDIAL_MS) return;
    line->dialled_ms = now_ms();
    if (dure_dialling_goes_on(line->dialer, &line->attempts)) return;
    nng_dialer before = line->dialer;
    count_only(line, (nng_dialer)NNG_DIALER_INITIALIZER);
    nng_dialer_close(before);
    (void)dial(line); /* Else once more, after REDIAL_MS. */
}

static void count_pipe(atomic_uint *peers, nng_pipe_ev event)
{
    if (event == NNG_PIPE_EV_ADD_PRE) atomic_fetch_add(peers, 1);
    if (event == NNG_PIPE_EV_REM_POST) atomic_fetch_sub(peers, 1);
}

static void note_pipe(struct line *line, nng_pipe pipe, nng_pipe_ev event)
{
    pthread_mutex_lock(&line->mutex);
    if (nng_dialer_id(line->dialer) == nng_dialer_id(nng_pipe_dialer(pipe))) {
        count_pipe(&line->peers, event);
        if (event == NNG_PIPE_EV_ADD_POST) atomic_store(&line->met, true);
    }
    pthread_mutex_unlock(&line->mutex);
}

static int notify(nng_socket socket, nng_pipe_cb callback, void *arg)
{
    int code = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_PRE, callback, arg);
    if (code == 0) code = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, callback, arg);
    return code == 0 ? nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, callback, arg) : code;
}

/* ---- Listening: some addresses of one socket ---------------------------------------------------- */

struct addresses {
    struct dure_listening *items[ADDRESSES_MAX];
    size_t count;
};

static int listen_at(struct addresses *addresses, nng_socket socket, const char *url,
                     uint16_t *port)
{
    if (addresses->count == ADDRESSES_MAX) return DURE_ETOOBIG;
    struct dure_listening **item = &addresses->items[addresses->count];
    int code = dure_listening_open(item, socket, url, port);
    if (code == 0) addresses->count++;
    return error_of(code);
}

static void close_addresses(struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) dure_listening_close(addresses->items[i]);
}

/* ---- PUB --------------------------------------------------------------------------------------- */

struct dure_pub {
    nng_socket socket;
    struct addresses addresses;
    atomic_uint peers;
    void (*changed)(void *arg);
    void *arg;
};

static void on_pub_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    (void)pipe;
    struct dure_pub *pub = arg;
    count_pipe(&pub->peers, event);
    if (pub->changed != NULL) pub->changed(pub->arg);
}

int dure_pub_open(struct dure_pub **out, int buffer, void (*peers)(void *arg), void *arg)
{
    struct dure_pub *pub = calloc(1, sizeof *pub);
    if (pub == NULL) return DURE_ENOMEM;
    pub->changed = peers;
    pub->arg = arg;
    int code = nng_pub0_open(&pub->socket);
    if (code == 0) {
        code = set_up(pub->socket, REQUEST_BYTES_MAX);
        if (code == 0) code = nng_socket_set_int(pub->socket, NNG_OPT_SENDBUF, buffer);
        if (code == 0) code = notify(pub->socket, on_pub_pipe, pub);
        if (code != 0) nng_close(pub->socket);
    }
    if (code != 0) free(pub);
    else *out = pub;
    return error_of(code);
}

int dure_pub_listen(struct dure_pub *pub, const char *url, uint16_t *port)
{
    return listen_at(&pub->addresses, pub->socket, url, port);
}

unsigned dure_pub_peers(const struct dure_pub *pub)
{
    return atomic_load(&pub->peers);
}

void dure_pub_send(struct dure_pub *pub, const void *bytes, size_t len)
{
    nng_msg *msg;
    if (nng_msg_alloc(&msg, len) != 0) return; /* Lost, as for a slow subscriber. */
    memcpy(nng_msg_body(msg), bytes, len);
    if (nng_sendmsg(pub->socket, msg, 0) != 0) nng_msg_free(msg);
}

void dure_pub_close(struct dure_pub *pub)
{
    if (pub == NULL) return;
    close_addresses(&pub->addresses);
    nng_close(pub->socket);
    free(pub);
}

/* ---- SUB --------------------------------------------------------------------------------------- */

struct dure_sub {
    nng_socket socket;
    struct line lines[DURE_SOCK_DIALS_MAX];
    atomic_size_t count;
    atomic_bool closing;
    char topic[TOPIC_BYTES];
};

static void on_sub_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    struct dure_sub *sub = arg;
    if (event == NNG_PIPE_EV_ADD_PRE && atomic_load(&sub->closing)) (void)nng_pipe_close(pipe);
    for (size_t i = 0; i < atomic_load(&sub->count); i++) note_pipe(&sub->lines[i], pipe, event);
}

int dure_sub_open(struct dure_sub **out, const char *topic, int buffer)
{
    if (strlen(topic) >= TOPIC_BYTES) return DURE_ETOOBIG;
    struct dure_sub *sub = calloc(1, sizeof *sub);
    if (sub == NULL) return DURE_ENOMEM;
    strcpy(sub->topic, topic);
    int code = nng_sub0_open(&sub->socket);
    if (code == 0) {
        code = set_up(sub->socket, MESSAGE_BYTES_MAX);
        if (code == 0) code = nng_socket_set_int(sub->socket, NNG_OPT_RECVBUF, buffer);
        if (code == 0)
            code = nng_socket_set(sub->socket, NNG_OPT_SUB_SUBSCRIBE, topic, strlen(topic));
        if (code == 0) code = notify(sub->socket, on_sub_pipe, sub);
        if (code != 0) nng_close(sub->socket);
    }
    if (code != 0) free(sub);
    else *out = sub;
    return error_of(code);
}

int dure_sub_add(struct dure_sub *sub, const char *topic)
{
    return error_of(nng_socket_set(sub->socket, NNG_OPT_SUB_SUBSCRIBE, topic, strlen(topic)));
}

int dure_sub_dial(struct dure_sub *sub, const char *url)
{
    size_t count = atomic_load(&sub->count);
    if (count == DURE_SOCK_DIALS_MAX || strlen(url) >= DURE_SOCK_URL_BYTES) return DURE_ETOOBIG;
    struct line *line = &sub->lines[count];
    line->socket = sub->socket;
    strcpy(line->url, url);
    pthread_mutex_init(&line->mutex, NULL);
    atomic_store(&sub->count, count + 1); /* Before the first connection is told of. */
    return error_of(dial(line));
}

int dure_sub_recv(struct dure_sub *sub, int timeout_ms, struct dure_buf *out)
{
    out->len = 0;
    nng_msg *msg;
    for (size_t i = 0; i < atomic_load(&sub->count); i++) dial_again(&sub->lines[i]);
    int code = nng_socket_set_ms(sub->socket, NNG_OPT_RECVTIMEO, timeout_ms);
    if (code == 0)
        code = nng_recvmsg(sub->socket, &msg, timeout_ms == 0 ? NNG_FLAG_NONBLOCK : 0);
    if (code == NNG_EAGAIN) return DURE_EBUSY;
    if (code != 0) return error_of(code);
    dure_buf_add(out, nng_msg_body(msg), nng_msg_len(msg));
    nng_msg_free(msg);
    return 0;
}

static bool is_connected(void *arg)
{
    struct dure_sub *sub = arg;
    for (size_t i = 0; i < sub->count; i++) {
        if (atomic_load(&sub->lines[i].peers) > 0) return true;
    }
    return false;
}

void dure_sub_close(struct dure_sub *sub)
{
    if (sub == NULL) return;
    atomic_store(&sub->closing, true);
    dure_hangup(sub->socket, sub->topic, strlen(sub->topic), is_connected, sub, HANGUP_MS);
    nng_close(sub->socket);
    for (size_t i = 0; i < sub->count; i++) pthread_mutex_destroy(&sub->lines[i].mutex);
    free(sub);
}

/* ---- REQ --------------------------------------------------------------------------------------- */

struct dure_req {
    struct line line;
    pthread_mutex_t mutex; /* Dialling. */
};

static void on_req_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    note_pipe(&((struct dure_req *)arg)->line, pipe, event);
}

int dure_req_open(struct dure_req **out, const char *url)
{
    if (strlen(url) >= DURE_SOCK_URL_BYTES) return DURE_ETOOBIG;
    struct dure_req *req = calloc(1, sizeof *req);
    if (req == NULL) return DURE_ENOMEM;
    strcpy(req->line.url, url);
    pthread_mutex_init(&req->mutex, NULL);
    pthread_mutex_init(&req->line.mutex, NULL);
    int code = nng_req0_open(&req->line.socket);
    if (code == 0) {
        code = set_up(req->line.socket, MESSAGE_BYTES_MAX);
        if (code == 0) code = notify(req->line.socket, on_req_pipe, req);
        if (code == 0) code = dial(&req->line);
        if (code != 0) nng_close(req->line.socket);
    }
    if (code != 0) {
        pthread_mutex_destroy(&req->line.mutex);
        pthread_mutex_destroy(&req->mutex);
        free(req);
    } else {
        *out = req;
    }
    return error_of(code);
}

/* One way: waits for aio, and gives its message back when it failed. */
static int wait_for(nng_aio *aio)
{
    nng_aio_wait(aio);
    return nng_aio_result(aio);
}

static int exchange(nng_ctx ctx, nng_aio *aio, nng_msg *msg, struct dure_buf *reply)
{
    nng_aio_set_msg(aio, msg);
    nng_ctx_send(ctx, aio);
    int code = wait_for(aio);
    if (code != 0) {
        nng_msg_free(nng_aio_get_msg(aio));
        return code;
    }
    nng_ctx_recv(ctx, aio);
    code = wait_for(aio);
    if (code != 0) return code;
    msg = nng_aio_get_msg(aio);
    dure_buf_add(reply, nng_msg_body(msg), nng_msg_len(msg));
    nng_msg_free(msg);
    return 0;
}

int dure_req_ask(struct dure_req *req, const void *bytes, size_t len, int timeout_ms,
                 struct dure_buf *reply)
{
    pthread_mutex_lock(&req->mutex);
    dial_again(&req->line);
    pthread_mutex_unlock(&req->mutex);
    if (atomic_load(&req->line.met) && atomic_load(&req->line.peers) == 0) return DURE_EUNAVAILABLE;
    nng_ctx ctx;
    nng_aio *aio;
    nng_msg *msg;
    int code = nng_ctx_open(&ctx, req->line.socket);
    if (code != 0) return error_of(code);
    code = nng_aio_alloc(&aio, NULL, NULL);
    if (code == 0) {
        nng_aio_set_timeout(aio, timeout_ms);
        code = nng_msg_alloc(&msg, len);
        if (code == 0) {
            memcpy(nng_msg_body(msg), bytes, len);
            code = exchange(ctx, aio, msg, reply);
        }
        nng_aio_free(aio);
    }
    nng_ctx_close(ctx);
    return code == NNG_ETIMEDOUT ? DURE_EUNAVAILABLE : error_of(code);
}

void dure_req_close(struct dure_req *req)
{
    if (req == NULL) return;
    nng_close(req->line.socket);
    pthread_mutex_destroy(&req->line.mutex);
    pthread_mutex_destroy(&req->mutex);
    free(req);
}

/* ---- REP --------------------------------------------------------------------------------------- */

struct dure_rep {
    nng_socket socket;
    struct addresses addresses;
    dure_rep_answer *answer;
    void *arg;
    struct worker {
        struct dure_rep *rep;
        pthread_t thread;
        nng_ctx ctx;
        nng_aio *aio;
    } workers[REP_THREADS_MAX];
    unsigned workers_count;
    atomic_bool stop;
};

static void *rep_thread(void *arg)
{
    struct worker *worker = arg;
    struct dure_rep *rep = worker->rep;
    struct dure_buf reply = {0};
    while (!atomic_load(&rep->stop)) {
        nng_aio_set_timeout(worker->aio, NNG_DURATION_INFINITE);
        nng_ctx_recv(worker->ctx, worker->aio);
        if (wait_for(worker->aio) != 0) continue;
        nng_msg *msg = nng_aio_get_msg(worker->aio);
        reply.len = 0;
        rep->answer(rep->arg, nng_msg_body(msg), nng_msg_len(msg), &reply);
        nng_msg_free(msg);
        if (nng_msg_alloc(&msg, reply.len) != 0) continue;
        memcpy(nng_msg_body(msg), reply.data, reply.len);
        nng_aio_set_timeout(worker->aio, SEND_MS);
        nng_aio_set_msg(worker->aio, msg);
        nng_ctx_send(worker->ctx, worker->aio);
        if (wait_for(worker->aio) != 0) nng_msg_free(nng_aio_get_msg(worker->aio));
    }
    dure_buf_fini(&reply);
    return NULL;
}

static int start_worker(struct dure_rep *rep)
{
    struct worker *worker = &rep->workers[rep->workers_count];
    worker->rep = rep;
    int code = nng_ctx_open(&worker->ctx, rep->socket);
    if (code == 0) code = nng_aio_alloc(&worker->aio, NULL, NULL);
    if (code != 0) return error_of(code);
    if (pthread_create(&worker->thread, NULL, rep_thread, worker) != 0) {
        nng_aio_free(worker->aio);
        return DURE_ESYSTEM;
    }
    rep->workers_count++;
    return 0;
}

int dure_rep_open(struct dure_rep **out, unsigned threads, dure_rep_answer *answer, void *arg)
{
    DURE_ASSERT(threads >= 1 && threads <= REP_THREADS_MAX);
    struct dure_rep *rep = calloc(1, sizeof *rep);
    if (rep == NULL) return DURE_ENOMEM;
    rep->answer = answer;
    rep->arg = arg;
    int rv = error_of(nng_rep0_open(&rep->socket));
    if (rv != 0) {
        free(rep);
        return rv;
    }
    rv = error_of(set_up(rep->socket, REQUEST_BYTES_MAX));
    for (unsigned i = 0; rv == 0 && i < threads; i++) rv = start_worker(rep);
    if (rv != 0) dure_rep_close(rep);
    else *out = rep;
    return rv;
}

int dure_rep_listen(struct dure_rep *rep, const char *url, uint16_t *port)
{
    return listen_at(&rep->addresses, rep->socket, url, port);
}

void dure_rep_close(struct dure_rep *rep)
{
    if (rep == NULL) return;
    close_addresses(&rep->addresses);
    atomic_store(&rep->stop, true);
    for (unsigned i = 0; i < rep->workers_count; i++) {
        struct worker *worker = &rep->workers[i];
        struct timespec until;
        do { /* It may just be about to wait, so once is not enough. */
            nng_aio_cancel(worker->aio);
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += CANCEL_MS * 1000000;
            if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
            }
        } while (pthread_timedjoin_np(worker->thread, NULL, &until) != 0);
        nng_ctx_close(worker->ctx);
        nng_aio_free(worker->aio);
    }
    nng_close(rep->socket); /* nng 1.5 does not bear a close under the eyes of others. */
    free(rep);
}
