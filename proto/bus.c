/*
 * Datagrams between nodes by nng.
 *
 *   1. send      on the loop: one message to the PUB socket of the node it is for, which puts it into
 *                the queue of the connection and returns. By tcp all nodes share the one port, so its
 *                first two bytes, the topic, are where it goes, and each connection carries it: nng
 *                sorts out at the receiver. A path has room for a socket each, which spares that
 *   2. receive   a SUB socket per other node. nng's callback puts the message into the inbox, wakes
 *                the loop and asks for the next one
 *   3. hand over on the loop: all that is in the inbox, in order
 *   4. hint      a connection that comes or goes travels through the same inbox
 *   5. look      twice a second, after what nng 1.5 forgets: a connection that breaks in the middle of
 *                its handshake (a node killed just then) reads as "closed", which ends a dialer or a
 *                listener for good. Whom we do not hear is dialled anew; when somebody does not hear
 *                us, we listen anew
 *
 * Nothing here waits: a full queue drops its oldest datagram, a full inbox lets the SUB socket wait
 * (and then drop). After open only a lack of memory can fail, and that is a lost datagram. Loop
 * thread, but for the two callbacks of nng, which touch nothing but the inbox.
 */
#include "proto/bus.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/supplemental/tls/tls.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "proto/bus_address.h"
#include "proto/bus_tls.h"
#include "proto/dialling.h"
#include "proto/hangup.h"

#define REDIAL_MS_MIN 10
/* Of all together. Two heartbeats: who is there has said something by then. */
#define HANGUP_MS (2 * DURE_PEER_HEARTBEAT_MS)
#define REDIAL_MS_MAX 200
/* Who is silent though connected is probably suspended, and a connection more is no help then. But
 * nng may tell that a pipe is gone before it tells that it is there: then it is not connected. */
#define SILENT_FACTOR 5
/* Looks at which somebody did not hear us, in a row, before we listen anew; doubled when it did not
 * help, since it costs everybody's connections. */
#define PATIENCE_LOOKS 3
#define PATIENCE_LOOKS_MAX 64

enum note_kind { NOTE_DATAGRAM, NOTE_CONNECTED, NOTE_BROKEN };

struct note {
    enum note_kind kind;
    uint16_t node;
    nng_msg *msg; /* DATAGRAM */
};

struct notes {
    struct note *items;
    size_t count, cap;
};

struct source { /* Another node, as we hear it. */
    struct dure_bus *bus;
    uint16_t node;
    nng_socket sub;
    nng_aio *aio;
    bool open;
    char url[DURE_BUS_URL_BYTES];
    nng_tls_config *tls; /* NULL: none. */
    nng_dialer dialer;
    uint64_t attempts; /* Of the dialer, as last seen. */
    bool dialing;
    bool heard;         /* Since the last look … */
    bool hears;         /* … and it knows our session. */
    uint64_t dialed_ms; /* When it was dialled, or heard, last. */
    bool waiting;       /* Its next datagram is asked for only when the inbox has been emptied. */
    bool connected;
};

struct exit { /* Where other nodes hear us. */
    nng_socket pub;
    nng_listener listener;
    nng_tls_config *tls; /* Of the listener; NULL: none. */
    char url[DURE_BUS_URL_BYTES];
    int dir; /* As in the bus. */
    bool open, listening;
    bool unheard; /* Somebody whom we hear does not hear us here. */
    unsigned looks_unheard, patience;
};

struct dure_bus {
    struct dure_wire wire;
    struct dure_bus_user user;
    uint16_t node, nodes;
    int buffer;
    bool apart; /* Each other node has an exit of its own; else all have that of our number. */
    struct exit exits[DURE_NODES_MAX];
    struct source sources[DURE_NODES_MAX];
    uv_async_t wake;
    uv_timer_t watch;
    int handles_open; /* Of these two. */
    bool closing;
    int dirs[DURE_NODES_MAX]; /* Directories of socket paths that are too long; 0: none. */
    /* Under the mutex: what nng's threads have left for the loop. */
    pthread_mutex_t mutex;
    struct notes inbox;
    size_t inbox_datagrams;
    struct notes taken; /* The loop's. */
};

/* ---- 2: nng's threads ----------------------------------------------------------------------- */

/* Adds a note and wakes the loop. */
static void leave(struct dure_bus *bus, struct note note)
{
    struct notes *inbox = &bus->inbox;
    if (inbox->count == inbox->cap) {
        size_t cap = inbox->cap == 0 ? 64 : inbox->cap * 2;
        struct note *more = realloc(inbox->items, cap * sizeof *more);
        DURE_ASSERT(more != NULL); /* Bounded by DURE_BUS_INBOX_DATAGRAMS. */
        inbox->items = more;
        inbox->cap = cap;
    }
    inbox->items[inbox->count++] = note;
    /* The handle is closed only when no callback of nng can come any more. */
    if (inbox->count == 1) uv_async_send(&bus->wake);
}

static void on_received(void *arg)
{
    struct source *source = arg;
    struct dure_bus *bus = source->bus;
    int rv = nng_aio_result(source->aio);
    if (rv == NNG_ECLOSED || rv == NNG_ECANCELED) return;
    pthread_mutex_lock(&bus->mutex);
    if (rv == 0) {
        leave(bus, (struct note){NOTE_DATAGRAM, source->node, nng_aio_get_msg(source->aio)});
        bus->inbox_datagrams++;
    }
    bool room = bus->inbox_datagrams < DURE_BUS_INBOX_DATAGRAMS;
    source->waiting = !room;
    pthread_mutex_unlock(&bus->mutex);
    if (room) nng_recv_aio(source->sub, source->aio);
}

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    (void)pipe;
    struct source *source = arg;
    bool connected = event == NNG_PIPE_EV_ADD_POST;
    pthread_mutex_lock(&source->bus->mutex);
    /* Only changes count, so a node whose address nobody answers fills nothing. */
    if (source->connected != connected)
        leave(source->bus,
              (struct note){connected ? NOTE_CONNECTED : NOTE_BROKEN, source->node, NULL});
    source->connected = connected;
    pthread_mutex_unlock(&source->bus->mutex);
}

/* ---- 3: the loop ---------------------------------------------------------------------------- */

static void note_hearing(struct source *source, const void *bytes, size_t len)
{
    struct dure_datagram datagram;
    if (len < sizeof datagram) return;
    memcpy(&datagram, bytes, sizeof datagram);
    source->heard = true;
    source->hears |= datagram.to_session != 0;
}

static void hand_over(struct dure_bus *bus, const struct note *note)
{
    if (note->kind != NOTE_DATAGRAM) {
        if (!bus->closing) bus->user.hint(bus->user.arg, note->node, note->kind == NOTE_CONNECTED);
        return;
    }
    size_t len = nng_msg_len(note->msg);
    note_hearing(&bus->sources[note->node], nng_msg_body(note->msg), len);
    if (!bus->closing) bus->user.received(bus->user.arg, nng_msg_body(note->msg), len);
    nng_msg_free(note->msg);
}

static void on_wake(uv_async_t *wake)
{
    struct dure_bus *bus = wake->data;
    bool waiting[DURE_NODES_MAX] = {0};
    pthread_mutex_lock(&bus->mutex);
    struct notes notes = bus->inbox;
    bus->inbox = bus->taken;
    bus->inbox.count = 0;
    bus->inbox_datagrams = 0;
    for (uint16_t i = 0; i < bus->nodes; i++) {
        waiting[i] = bus->sources[i].waiting;
        bus->sources[i].waiting = false;
    }
    pthread_mutex_unlock(&bus->mutex);
    for (uint16_t i = 0; i < bus->nodes; i++) {
        if (waiting[i]) nng_recv_aio(bus->sources[i].sub, bus->sources[i].aio);
    }
    for (size_t i = 0; i < notes.count; i++) hand_over(bus, &notes.items[i]);
    notes.count = 0;
    bus->taken = notes;
}

static struct exit *exit_for(struct dure_bus *bus, uint16_t node)
{
    return &bus->exits[bus->apart ? node : bus->node];
}

/* ---- 1: send -------------------------------------------------------------------------------- */

static void send_datagram(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len)
{
    struct dure_bus *bus = (struct dure_bus *)((char *)wire - offsetof(struct dure_bus, wire));
    const struct dure_datagram *datagram = bytes;
    DURE_ASSERT(len >= sizeof *datagram && len <= DURE_PEER_DATAGRAM_BYTES_MAX);
    DURE_ASSERT(datagram->to == node && node < bus->nodes && node != bus->node);
    nng_msg *msg;
    if (nng_msg_alloc(&msg, 0) != 0) {
        return;
    }
    if (nng_msg_append(msg, bytes, len) != 0 ||
        nng_sendmsg(exit_for(bus, node)->pub, msg, NNG_FLAG_NONBLOCK) != 0) {
        nng_msg_free(msg);
        return;
    }
}

/* ---- Open ----------------------------------------------------------------------------------- */

static bool is_tls(const char *url)
{
    return strncmp(url, "tls+tcp://", 10) == 0;
}

/* The code of nng. */
static int start_listener(struct exit *way)
{
    int code = nng_listener_create(&way->listener, way->pub, way->url);
    if (code != 0) return code;
    if (way->tls != NULL) code = nng_listener_set_ptr(way->listener, NNG_OPT_TLS_CONFIG, way->tls);
    if (code == 0) code = nng_listener_start(way->listener, 0);
    way->listening = code == 0;
    if (code != 0) nng_listener_close(way->listener);
    return code;
}

/* The code of nng. */
static int start_dialer(struct source *source)
{
    int code = nng_dialer_create(&source->dialer, source->sub, source->url);
    source->attempts = 0;
    if (code != 0) return code;
    source->dialing = true;
    if (source->tls != NULL)
        code = nng_dialer_set_ptr(source->dialer, NNG_OPT_TLS_CONFIG, source->tls);
    if (code == 0) code = nng_dialer_set_ms(source->dialer, NNG_OPT_RECONNMINT, REDIAL_MS_MIN);
    if (code == 0) code = nng_dialer_set_ms(source->dialer, NNG_OPT_RECONNMAXT, REDIAL_MS_MAX);
    if (code == 0) code = nng_dialer_start(source->dialer, NNG_FLAG_NONBLOCK);
    source->dialed_ms = uv_now(source->bus->wake.loop);
    return code;
}

static int dial(struct source *source, const struct dure_bus_options *options, const char **message)
{
    if (is_tls(source->url)) {
        int rv = dure_bus_tls_client(&source->tls, options, source->url, message);
        if (rv != 0) return rv;
    }
    int code = start_dialer(source);
    return code == 0 ? 0 : dure_bus_nng_fail(code, message, options->addresses[source->node]);
}

static void look_at_source(struct source *source, uint64_t now_ms)
{
    pthread_mutex_lock(&source->bus->mutex);
    bool connected = source->connected;
    pthread_mutex_unlock(&source->bus->mutex);
    if (source->heard) source->dialed_ms = now_ms;
    source->heard = source->hears = false;
    uint64_t limit_ms = connected ? DURE_BUS_REDIAL_MS * SILENT_FACTOR : DURE_BUS_REDIAL_MS;
    if (now_ms - source->dialed_ms < limit_ms) return;
    if (source->dialing && !connected &&
        dure_dialling_goes_on(source->dialer, &source->attempts)) {
        source->dialed_ms = now_ms;
        return;
    }
    if (source->dialing) nng_dialer_close(source->dialer);
    source->dialing = false;
    source->dialed_ms = now_ms;
    int code = start_dialer(source);
    (void)code; /* Failed for want of memory: tried again next time. */
}

static void look_at_exit(struct exit *way)
{
    bool unheard = way->unheard;
    way->unheard = false;
    if (!unheard && way->listening) {
        way->looks_unheard = 0;
        way->patience = PATIENCE_LOOKS;
        return;
    }
    if (++way->looks_unheard < way->patience) return;
    way->looks_unheard = 0;
    if (way->patience < PATIENCE_LOOKS_MAX) way->patience *= 2;
    if (way->listening) nng_listener_close(way->listener);
    way->listening = false;
    int code = start_listener(way);
    (void)code; /* The address may not be free yet: at the next look. */
}

static void on_watch(uv_timer_t *timer)
{
    struct dure_bus *bus = timer->data;
    for (uint16_t i = 0; i < bus->nodes; i++) {
        struct source *source = &bus->sources[i];
        if (!source->open) continue; /* Ourselves. */
        if (source->heard && !source->hears) exit_for(bus, i)->unheard = true;
        look_at_source(source, uv_now(timer->loop));
    }
    for (uint16_t i = 0; i < bus->nodes; i++) {
        if (bus->exits[i].open) look_at_exit(&bus->exits[i]);
    }
}

/* Where node `to` hears node `from`: by a path, "PATH-TO". */
static int find_address(const struct dure_bus_options *options, uint16_t from, uint16_t to,
                        char url[DURE_BUS_URL_BYTES], int *dir, const char **message)
{
    char address[2 * DURE_BUS_URL_BYTES];
    const char *base = options->addresses[from];
    if (strncmp(base, "ipc://", 6) == 0) {
        int len = snprintf(address, sizeof address, "%s-%u", base, to);
        if ((size_t)len >= sizeof address)
            return dure_bus_fail(DURE_EINVAL, message, base, "is too long");
        base = address;
    }
    return dure_bus_address(base, options->dir, url, dir, message);
}

static int open_exit(struct dure_bus *bus, uint16_t to, const struct dure_bus_options *options,
                     const char **message)
{
    struct exit *way = exit_for(bus, to);
    int rv = find_address(options, bus->node, to, way->url, &way->dir, message);
    if (rv == 0 && is_tls(way->url)) rv = dure_bus_tls_server(&way->tls, options, message);
    if (rv != 0) return rv;
    int code = nng_pub0_open(&way->pub);
    if (code != 0) return dure_bus_nng_fail(code, message, way->url);
    way->open = true;
    code = nng_socket_set_int(way->pub, NNG_OPT_SENDBUF, bus->buffer);
    if (code == 0) code = nng_socket_set_size(way->pub, NNG_OPT_RECVMAXSZ, 1);
    if (code != 0) return dure_bus_nng_fail(code, message, way->url);
    way->patience = PATIENCE_LOOKS;
    code = start_listener(way);
    return code == 0 ? 0 : dure_bus_nng_fail(code, message, options->addresses[bus->node]);
}

static int open_source(struct source *source, const struct dure_bus_options *options,
                       const char **message)
{
    struct dure_bus *bus = source->bus;
    const char *url = source->url;
    int rv = find_address(options, source->node, bus->node, source->url, &bus->dirs[source->node],
                          message);
    if (rv != 0) return rv;
    int code = nng_sub0_open(&source->sub);
    if (code != 0) return dure_bus_nng_fail(code, message, url);
    source->open = true;
    code = nng_aio_alloc(&source->aio, on_received, source);
    if (code == 0) code = nng_socket_set_int(source->sub, NNG_OPT_RECVBUF, bus->buffer);
    if (code == 0)
        code = nng_socket_set_size(source->sub, NNG_OPT_RECVMAXSZ, DURE_PEER_DATAGRAM_BYTES_MAX);
    if (code == 0)
        code = nng_socket_set(source->sub, NNG_OPT_SUB_SUBSCRIBE, &bus->node, sizeof bus->node);
    if (code == 0) code = nng_pipe_notify(source->sub, NNG_PIPE_EV_ADD_POST, on_pipe, source);
    if (code == 0) code = nng_pipe_notify(source->sub, NNG_PIPE_EV_REM_POST, on_pipe, source);
    if (code != 0) return dure_bus_nng_fail(code, message, url);
    rv = dial(source, options, message);
    if (rv == 0) nng_recv_aio(source->sub, source->aio);
    return rv;
}

static int open_sockets(struct dure_bus *bus, const struct dure_bus_options *options,
                        const char **message)
{
    int rv = 0;
    bus->apart = strncmp(options->addresses[bus->node], "ipc://", 6) == 0;
    for (uint16_t i = 0; rv == 0 && i < bus->nodes; i++) {
        bool needed = bus->apart ? i != bus->node : i == bus->node;
        if (needed) rv = open_exit(bus, i, options, message);
    }
    for (uint16_t i = 0; rv == 0 && i < bus->nodes; i++) {
        if (i != bus->node) rv = open_source(&bus->sources[i], options, message);
    }
    return rv;
}

int dure_bus_open(struct dure_bus **out, struct uv_loop_s *loop,
                  const struct dure_bus_options *options, const struct dure_bus_user *user,
                  const char **message)
{
    DURE_ASSERT(options->node < options->nodes && options->nodes <= DURE_NODES_MAX);
    struct dure_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL) return dure_bus_fail(DURE_ENOMEM, message, "the bus", "memory ran out");
    bus->wire.send = send_datagram;
    bus->user = *user;
    bus->node = options->node;
    bus->nodes = options->nodes;
    bus->buffer = options->buffer > 0 ? options->buffer : DURE_BUS_DATAGRAMS;
    for (uint16_t i = 0; i < bus->nodes; i++) {
        bus->sources[i].bus = bus;
        bus->sources[i].node = i;
    }
    pthread_mutex_init(&bus->mutex, NULL);
    int rv = 0;
    if (uv_async_init(loop, &bus->wake, on_wake) != 0) {
        rv = dure_bus_fail(DURE_ESYSTEM, message, "the bus", "the loop takes no more handles");
    } else {
        uv_timer_init(loop, &bus->watch);
        bus->handles_open = 2;
        bus->wake.data = bus->watch.data = bus;
        uv_timer_start(&bus->watch, on_watch, DURE_BUS_REDIAL_MS / 2, DURE_BUS_REDIAL_MS / 2);
        rv = open_sockets(bus, options, message);
    }
    if (rv != 0)
        dure_bus_close(bus);
    else
        *out = bus;
    return rv;
}

struct dure_wire *dure_bus_wire(struct dure_bus *bus)
{
    return &bus->wire;
}

/* ---- Close ---------------------------------------------------------------------------------- */

static void destroy(struct dure_bus *bus)
{
    for (size_t i = 0; i < bus->inbox.count; i++) {
        if (bus->inbox.items[i].msg != NULL) nng_msg_free(bus->inbox.items[i].msg);
    }
    free(bus->inbox.items);
    free(bus->taken.items);
    for (uint16_t i = 0; i < bus->nodes; i++) {
        if (bus->dirs[i] != 0) close(bus->dirs[i]);
        if (bus->exits[i].dir != 0) close(bus->exits[i].dir);
        if (bus->exits[i].tls != NULL) nng_tls_config_free(bus->exits[i].tls);
        if (bus->sources[i].tls != NULL) nng_tls_config_free(bus->sources[i].tls);
    }
    pthread_mutex_destroy(&bus->mutex);
    free(bus);
}

static void on_closed(uv_handle_t *handle)
{
    struct dure_bus *bus = handle->data;
    if (--bus->handles_open == 0) destroy(bus);
}

static bool is_connected(void *arg)
{
    struct source *source = arg;
    pthread_mutex_lock(&source->bus->mutex);
    bool connected = source->connected;
    pthread_mutex_unlock(&source->bus->mutex);
    return connected;
}

void dure_bus_close(struct dure_bus *bus)
{
    if (bus == NULL) return;
    bus->closing = true;
    uint64_t until = uv_hrtime() / 1000000 + HANGUP_MS;
    for (uint16_t i = 0; i < bus->nodes; i++) {
        struct source *source = &bus->sources[i];
        if (!source->open) continue;
        int64_t left = (int64_t)(until - uv_hrtime() / 1000000);
        if (left > 0)
            dure_hangup(source->sub, &bus->node, sizeof bus->node, is_connected, source, (int)left);
        nng_close(source->sub);
    }
    for (uint16_t i = 0; i < bus->nodes; i++) {
        if (bus->exits[i].open) nng_close(bus->exits[i].pub);
    }
    for (uint16_t i = 0; i < bus->nodes; i++) {
        struct source *source = &bus->sources[i];
        if (source->aio == NULL) continue;
        nng_aio_stop(source->aio); /* Waits for its callback. */
        nng_aio_free(source->aio);
    }
    if (bus->handles_open == 0) {
        destroy(bus);
        return;
    }
    uv_close((uv_handle_t *)&bus->wake, on_closed);
    uv_close((uv_handle_t *)&bus->watch, on_closed);
}
