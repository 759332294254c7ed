/*
 * Datagrams between nodes by nng.
 *
 *   1. send      on the loop: one message to our PUB socket, which puts it into the queue of every
 *                connection and returns; the topic, its first two bytes, is where it goes
 *   2. receive   a SUB socket per other node. nng's callback puts the message into the inbox, wakes
 *                the loop and asks for the next one
 *   3. hand over on the loop: all that is in the inbox, in order
 *   4. hint      a connection that comes or goes travels through the same inbox
 *
 * Nothing here waits: a full queue drops its oldest datagram, a full inbox lets the SUB socket wait
 * (and then drop). nng dials again by itself. After open only a lack of memory can fail, and that
 * is a lost datagram. Loop thread, but for the two callbacks of nng, which touch nothing but the
 * inbox.
 */
#include "proto/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/supplemental/tls/tls.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define REDIAL_MS_MIN 10
#define REDIAL_MS_MAX 200

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
    bool waiting; /* Its next datagram is asked for only when the inbox has been emptied. */
    bool connected;
};

struct dure_bus {
    struct dure_wire wire;
    struct dure_bus_user user;
    struct dure_bus_stats stats;
    uint16_t node, nodes;
    int buffer;
    nng_socket pub;
    bool pub_open;
    struct source sources[DURE_NODES_MAX];
    uv_async_t wake;
    bool wake_open, closing;
    int dirs[DURE_NODES_MAX]; /* Directories of socket paths that are too long; 0: none. */
    /* Under the mutex: what nng's threads have left for the loop. */
    pthread_mutex_t mutex;
    struct notes inbox;
    size_t inbox_datagrams;
    struct notes taken; /* The loop's. */
};

static char message_text[512];

static int fail(int rv, const char **message, const char *what, const char *why)
{
    snprintf(message_text, sizeof message_text, "%s: %s", what, why);
    *message = message_text;
    return rv;
}

/* What nng says about an address or a file is the operator's to mend. */
static int nng_fail(int code, const char **message, const char *what)
{
    int rv = DURE_ESYSTEM;
    if (code == NNG_ENOMEM) rv = DURE_ENOMEM;
    if (code == NNG_EADDRINVAL || code == NNG_EINVAL || code == NNG_ECRYPTO) rv = DURE_EINVAL;
    return fail(rv, message, what, nng_strerror(code));
}

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

static void hand_over(struct dure_bus *bus, const struct note *note)
{
    if (note->kind != NOTE_DATAGRAM) {
        if (!bus->closing) bus->user.hint(bus->user.arg, note->node, note->kind == NOTE_CONNECTED);
        return;
    }
    size_t len = nng_msg_len(note->msg);
    bus->stats.received++;
    bus->stats.received_bytes += len;
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

/* ---- 1: send -------------------------------------------------------------------------------- */

static void send_datagram(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len)
{
    struct dure_bus *bus = (struct dure_bus *)((char *)wire - offsetof(struct dure_bus, wire));
    const struct dure_datagram *datagram = bytes;
    DURE_ASSERT(len >= sizeof *datagram && len <= DURE_PEER_DATAGRAM_BYTES_MAX);
    DURE_ASSERT(datagram->to == node && node < bus->nodes && node != bus->node);
    nng_msg *msg;
    if (nng_msg_alloc(&msg, 0) != 0) {
        bus->stats.refused++;
        return;
    }
    if (nng_msg_append(msg, bytes, len) != 0 ||
        nng_sendmsg(bus->pub, msg, NNG_FLAG_NONBLOCK) != 0) {
        nng_msg_free(msg);
        bus->stats.refused++;
        return;
    }
    bus->stats.sent++;
    bus->stats.sent_bytes += len;
}

/* ---- Open ----------------------------------------------------------------------------------- */

/* "ipc://run/node-0.bus" → "ipc:///data/run/node-0.bus", or "ipc:///proc/self/fd/7/node-0.bus" when
 * that is longer than a socket's address may be. Other addresses stay. */
static int resolve(struct dure_bus *bus, const struct dure_bus_options *options, uint16_t node,
                   char *url, size_t size, const char **message)
{
    const char *address = options->addresses[node];
    if (strncmp(address, "ipc://", 6) != 0)
        return (size_t)snprintf(url, size, "%s", address) < size
                   ? 0
                   : fail(DURE_EINVAL, message, address, "is too long");
    char path[2048];
    const char *tail = address + 6;
    const char *dir = tail[0] == '/' || options->dir == NULL ? "" : options->dir;
    if ((size_t)snprintf(path, sizeof path, "%s%s%s", dir, *dir ? "/" : "", tail) >= sizeof path)
        return fail(DURE_EINVAL, message, address, "is too long");
    if (strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path) {
        snprintf(url, size, "ipc://%s", path);
        return 0;
    }
    char *slash = strrchr(path, '/');
    DURE_ASSERT(slash != NULL || strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path);
    if (slash == NULL) return fail(DURE_EINVAL, message, address, "is too long");
    *slash = '\0';
    bus->dirs[node] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (bus->dirs[node] < 0) {
        bus->dirs[node] = 0;
        return fail(DURE_ESYSTEM, message, path, strerror(errno));
    }
    snprintf(url, size, "ipc:///proc/self/fd/%d/%s", bus->dirs[node], slash + 1);
    return strlen(url) - 6 < sizeof((struct sockaddr_un *)0)->sun_path
               ? 0
               : fail(DURE_EINVAL, message, slash + 1, "is too long for a socket");
}

static char *read_text(const char *path, const char **message)
{
    char *text = calloc(1, DURE_BUS_PEM_BYTES_MAX + 1);
    FILE *file = fopen(path, "re");
    if (text == NULL || file == NULL) {
        (void)fail(DURE_EINVAL, message, path, strerror(errno));
        free(text);
        text = NULL;
    } else if (fread(text, 1, DURE_BUS_PEM_BYTES_MAX, file) == 0) {
        (void)fail(DURE_EINVAL, message, path, "is empty or cannot be read");
        free(text);
        text = NULL;
    }
    if (file != NULL) fclose(file);
    return text;
}

static int fill_tls(nng_tls_config *config, const struct dure_bus_options *options,
                    const char **message)
{
    char *ca = read_text(options->tls_ca, message);
    char *cert = ca != NULL ? read_text(options->tls_cert, message) : NULL;
    char *key = cert != NULL ? read_text(options->tls_key, message) : NULL;
    int rv = key != NULL ? 0 : DURE_EINVAL;
    int code = 0;
    if (rv == 0) {
        code = nng_tls_config_ca_chain(config, ca, NULL);
        if (code != 0) rv = nng_fail(code, message, options->tls_ca);
    }
    if (rv == 0) {
        code = nng_tls_config_own_cert(config, cert, key, NULL);
        if (code != 0) rv = nng_fail(code, message, options->tls_cert);
    }
    free(ca);
    free(cert);
    free(key);
    return rv;
}

/* Both sides prove who they are: a stranger can neither listen in nor speak. */
static int make_tls(nng_tls_config **config, nng_tls_mode mode,
                    const struct dure_bus_options *options, const char *url, const char **message)
{
    int code = nng_tls_config_alloc(config, mode);
    if (code != 0) return nng_fail(code, message, url);
    int rv = fill_tls(*config, options, message);
    if (rv == 0) {
        code = nng_tls_config_auth_mode(*config, NNG_TLS_AUTH_MODE_REQUIRED);
        if (code != 0) rv = nng_fail(code, message, url);
    }
    char host[256];
    if (options->tls_name != NULL && options->tls_name[0] != '\0') {
        snprintf(host, sizeof host, "%s", options->tls_name);
    } else {
        const char *from = url + strlen("tls+tcp://");
        snprintf(host, sizeof host, "%.*s", (int)strcspn(from, ":"), from);
    }
    if (rv == 0 && mode == NNG_TLS_MODE_CLIENT) {
        code = nng_tls_config_server_name(*config, host);
        if (code != 0) rv = nng_fail(code, message, url);
    }
    if (rv != 0) {
        nng_tls_config_free(*config);
        *config = NULL;
    }
    return rv;
}

static bool is_tls(const char *url)
{
    return strncmp(url, "tls+tcp://", 10) == 0;
}

static int listen_at(struct dure_bus *bus, const struct dure_bus_options *options, const char *url,
                     const char **message)
{
    nng_listener listener;
    nng_tls_config *tls = NULL;
    if (is_tls(url)) {
        int rv = make_tls(&tls, NNG_TLS_MODE_SERVER, options, url, message);
        if (rv != 0) return rv;
    }
    int code = nng_listener_create(&listener, bus->pub, url);
    if (code == 0 && tls != NULL) code = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, tls);
    if (code == 0) code = nng_listener_start(listener, 0);
    if (tls != NULL) nng_tls_config_free(tls);
    return code == 0 ? 0 : nng_fail(code, message, options->addresses[bus->node]);
}

static int dial(struct source *source, const struct dure_bus_options *options, const char *url,
                const char **message)
{
    nng_dialer dialer;
    nng_tls_config *tls = NULL;
    if (is_tls(url)) {
        int rv = make_tls(&tls, NNG_TLS_MODE_CLIENT, options, url, message);
        if (rv != 0) return rv;
    }
    int code = nng_dialer_create(&dialer, source->sub, url);
    if (code == 0 && tls != NULL) code = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, tls);
    if (code == 0) code = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, REDIAL_MS_MIN);
    if (code == 0) code = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, REDIAL_MS_MAX);
    if (code == 0) code = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
    if (tls != NULL) nng_tls_config_free(tls);
    return code == 0 ? 0 : nng_fail(code, message, options->addresses[source->node]);
}

static int open_pub(struct dure_bus *bus, const struct dure_bus_options *options,
                    const char **message)
{
    char url[NNG_MAXADDRLEN + 256];
    int rv = resolve(bus, options, bus->node, url, sizeof url, message);
    if (rv != 0) return rv;
    int code = nng_pub0_open(&bus->pub);
    if (code != 0) return nng_fail(code, message, url);
    bus->pub_open = true;
    code = nng_socket_set_int(bus->pub, NNG_OPT_SENDBUF, bus->buffer);
    if (code == 0) code = nng_socket_set_size(bus->pub, NNG_OPT_RECVMAXSZ, 1);
    if (code != 0) return nng_fail(code, message, url);
    return listen_at(bus, options, url, message);
}

static int open_source(struct source *source, const struct dure_bus_options *options,
                       const char **message)
{
    char url[NNG_MAXADDRLEN + 256];
    struct dure_bus *bus = source->bus;
    int rv = resolve(bus, options, source->node, url, sizeof url, message);
    if (rv != 0) return rv;
    int code = nng_sub0_open(&source->sub);
    if (code != 0) return nng_fail(code, message, url);
    source->open = true;
    code = nng_aio_alloc(&source->aio, on_received, source);
    if (code == 0) code = nng_socket_set_int(source->sub, NNG_OPT_RECVBUF, bus->buffer);
    if (code == 0)
        code = nng_socket_set_size(source->sub, NNG_OPT_RECVMAXSZ, DURE_PEER_DATAGRAM_BYTES_MAX);
    if (code == 0)
        code = nng_socket_set(source->sub, NNG_OPT_SUB_SUBSCRIBE, &bus->node, sizeof bus->node);
    if (code == 0) code = nng_pipe_notify(source->sub, NNG_PIPE_EV_ADD_POST, on_pipe, source);
    if (code == 0) code = nng_pipe_notify(source->sub, NNG_PIPE_EV_REM_POST, on_pipe, source);
    if (code != 0) return nng_fail(code, message, url);
    rv = dial(source, options, url, message);
    if (rv == 0) nng_recv_aio(source->sub, source->aio);
    return rv;
}

static int open_sockets(struct dure_bus *bus, const struct dure_bus_options *options,
                        const char **message)
{
    int rv = open_pub(bus, options, message);
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
    if (bus == NULL) return fail(DURE_ENOMEM, message, "the bus", "memory ran out");
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
    int rv = uv_async_init(loop, &bus->wake, on_wake) == 0 ? 0 : DURE_ESYSTEM;
    if (rv != 0) {
        rv = fail(rv, message, "the bus", "the loop takes no more handles");
    } else {
        bus->wake_open = true;
        bus->wake.data = bus;
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

void dure_bus_stats(const struct dure_bus *bus, struct dure_bus_stats *stats)
{
    *stats = bus->stats;
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
    }
    pthread_mutex_destroy(&bus->mutex);
    free(bus);
}

static void on_closed(uv_handle_t *handle)
{
    destroy(handle->data);
}

void dure_bus_close(struct dure_bus *bus)
{
    if (bus == NULL) return;
    bus->closing = true;
    if (bus->pub_open) nng_close(bus->pub);
    for (uint16_t i = 0; i < bus->nodes; i++) {
        struct source *source = &bus->sources[i];
        if (source->open) nng_close(source->sub);
        if (source->aio == NULL) continue;
        nng_aio_stop(source->aio); /* Waits for its callback. */
        nng_aio_free(source->aio);
    }
    if (bus->wake_open)
        uv_close((uv_handle_t *)&bus->wake, on_closed);
    else
        destroy(bus);
}
