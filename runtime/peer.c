/*
 * Peers (peer.h has the picture): sessions, order and flow between this node and each other one.
 *
 *   1. meet      hello (ours, 0) every heartbeat; the answer names both, so it is fresh
 *   2. send      frames gather as pieces in `forming`; closed, it is datagram seq and kept until
 *                acknowledged
 *   3. received  the next in order is handed up at once, a later one is held until the gap is
 *                filled
 *   4. run       acks that are due, what must be sent again, heartbeats, silence
 *
 * Why a session can never be mistaken for another: a node draws its number anew whenever a session
 * begins or ends, so each side's number stands for one session, and what counts must name both. A
 * node takes a session up only on a datagram that names the number it has drawn for it, so the
 * other side has lived since then; what travelled for longer names an older number.
 *
 * Memory running out is a sizing bug (bounds.h), so nothing here fails but what peer.h names. Loop
 * thread.
 */
#include "runtime/peer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/buf.h"

#define NS_PER_MS 1000000
#define MS(n) ((uint64_t)(n)*NS_PER_MS)
/* Received out of order, by seq modulo this: the window, and one frame that was let in last. */
#define HELD_MAX 2048
/* Acknowledged at once when so many came; a quarter of this is in flight on a busy wire. */
#define ACK_EVERY 16
/* Sent again at a time for one peer: enough to fill a gap, not enough to drown the wire. */
#define RESEND_BURST 64
/* A gap is reported, and a missing datagram sent again, at most this often. */
#define GAP_MS 10
#define RESEND_MS_MAX 400

_Static_assert(DURE_PEER_WINDOW_DATAGRAMS + DURE_PEER_FRAME_BYTES_MAX / DURE_PEER_DATAGRAM_BYTES <
                   HELD_MAX, "all that may be on the way can be held");

struct sent { /* A datagram that is not acknowledged. */
    struct sent *next;
    uint64_t seq, sent_ns;
    uint32_t resend_ms; /* Until it is sent again; doubles. */
    size_t len;
    _Alignas(16) char bytes[]; /* struct dure_datagram, pieces. */
};

struct held { /* Came before its turn: its pieces. */
    size_t len;
    _Alignas(16) char bytes[];
};

struct peer {
    uint16_t node;
    bool up;
    bool hurry;                /* Say something in the next run: an ack, a gap, an answer. */
    bool refused;              /* dure_peer_send said DURE_EBUSY: `room` is owed. */
    uint64_t ours, theirs;     /* Numbers of the session; theirs is 0 while there is none. */
    uint64_t next_ours, next_theirs; /* Of the session that would replace it. */
    uint64_t heard_ns, said_ns;
    /* Out. */
    struct dure_buf forming;   /* Head, pieces; len 0: empty. */
    uint64_t seq;              /* Last given. */
    struct sent *first, **last;
    size_t unacked, unacked_bytes;
    /* In. */
    uint64_t taken;            /* All up to here were handed up. */
    uint64_t seen;             /* The highest that came. */
    uint32_t unsaid;           /* Came since the last ack. */
    uint64_t unsaid_ns;        /* The first of them. */
    uint64_t gap_ns;           /* The gap was last reported. */
    struct held **held;
    struct dure_buf partial;   /* Pieces of a frame that goes on. */
    struct dure_peer_status status;
};

struct dure_peers {
    struct dure_peer_options options;
    const struct dure_peer_user *users[DURE_PEER_KINDS];
    struct peer *peers;        /* By node; ours is unused. */
    struct dure_buf aligned;   /* A datagram whose bytes came at an odd address. */
    uint64_t ran_ns;
    bool busy;                 /* Within received, hint or run: they do not nest. */
};

static uint64_t now_of(const struct dure_peers *peers)
{
    return peers->options.io->mono_ns(peers->options.io);
}

static uint64_t draw(const struct dure_peers *peers)
{
    uint64_t number;
    do number = peers->options.io->random(peers->options.io);
    while (number == 0);
    return number;
}

static struct peer *peer_of(const struct dure_peers *peers, uint16_t node)
{
    DURE_ASSERT(node < peers->options.nodes && node != peers->options.node);
    return &peers->peers[node];
}

/* ---- Opening and closing --------------------------------------------------------------------- */

int dure_peer_open(struct dure_peers **out, const struct dure_peer_options *options)
{
    DURE_ASSERT(options->nodes <= DURE_NODES_MAX && options->node < options->nodes);
    struct dure_peers *peers = calloc(1, sizeof *peers);
    if (peers == NULL) return DURE_ENOMEM;
    peers->options = *options;
    if (options->window_bytes == 0) peers->options.window_bytes = DURE_PEER_WINDOW_BYTES;
    peers->peers = calloc(options->nodes, sizeof *peers->peers);
    bool made = peers->peers != NULL;
    for (uint16_t i = 0; made && i < options->nodes; i++) {
        struct peer *peer = &peers->peers[i];
        peer->node = i;
        peer->last = &peer->first;
        peer->ours = draw(peers);
        peer->held = calloc(HELD_MAX, sizeof(struct held *));
        made = peer->held != NULL;
    }
    if (!made) {
        dure_peer_close(peers);
        return DURE_ENOMEM;
    }
    *out = peers;
    return 0;
}

/* Nothing of the session is left, and its numbers are void. */
static void forget(const struct dure_peers *peers, struct peer *peer)
{
    for (struct sent *sent = peer->first, *next; sent != NULL; sent = next) {
        next = sent->next;
        free(sent);
    }
    for (size_t i = 0; peer->held != NULL && i < HELD_MAX; i++) {
        free(peer->held[i]);
        peer->held[i] = NULL;
    }
    peer->first = NULL;
    peer->last = &peer->first;
    peer->unacked = peer->unacked_bytes = 0;
    peer->forming.len = peer->partial.len = 0;
    peer->seq = peer->taken = peer->seen = 0;
    peer->unsaid = 0;
    peer->gap_ns = 0;
    peer->up = peer->hurry = peer->refused = false;
    peer->ours = draw(peers);
    peer->theirs = peer->next_ours = peer->next_theirs = 0;
}

void dure_peer_close(struct dure_peers *peers)
{
    if (peers == NULL) return;
    for (uint16_t i = 0; peers->peers != NULL && i < peers->options.nodes; i++) {
        struct peer *peer = &peers->peers[i];
        forget(peers, peer);
        free(peer->held);
        dure_buf_fini(&peer->forming);
        dure_buf_fini(&peer->partial);
    }
    dure_buf_fini(&peers->aligned);
    free(peers->peers);
    free(peers);
}

void dure_peer_use(struct dure_peers *peers, enum dure_peer_kind kind,
                   const struct dure_peer_user *user)
{
    DURE_ASSERT(kind > 0 && kind < DURE_PEER_KINDS && peers->users[kind] == NULL);
    peers->users[kind] = user;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static void begin(struct dure_peers *peers, struct peer *peer, uint64_t theirs)
{
    DURE_ASSERT(!peer->up);
    peer->theirs = theirs;
    peer->up = true;
    peer->hurry = true; /* They know ours; now they hear that we know theirs. */
    peer->status.sessions++;
    for (int kind = 0; kind < DURE_PEER_KINDS; kind++) {
        const struct dure_peer_user *user = peers->users[kind];
        if (user != NULL && user->up != NULL) user->up(user->arg, peer->node);
    }
}

static void end(struct dure_peers *peers, struct peer *peer)
{
    bool up = peer->up;
    forget(peers, peer);
    if (!up) return;
    for (int kind = 0; kind < DURE_PEER_KINDS; kind++) {
        const struct dure_peer_user *user = peers->users[kind];
        if (user != NULL && user->down != NULL) user->down(user->arg, peer->node);
    }
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void transmit(struct dure_peers *peers, struct peer *peer, struct dure_datagram *head,
                     size_t len)
{
    /* The answer to a stranger is of a session to come: what we have taken in ours is not of it. */
    bool ours = peer->up && head->session == peer->ours;
    head->ack = ours ? peer->taken : 0;
    head->missing = 0;
    if (ours && peer->seen > peer->taken) {
        uint64_t seq = peer->taken + 1;
        while (peer->held[seq % HELD_MAX] == NULL) seq++;
        head->missing = seq - 1;
        peer->gap_ns = now_of(peers);
    }
    if (ours) {
        peer->unsaid = 0;
        peer->hurry = false;
    }
    peer->said_ns = now_of(peers);
    peer->status.datagrams_sent++;
    peer->status.bytes_sent += len;
    peers->options.wire->send(peers->options.wire, peer->node, head, len);
}

/* Without pieces: a heartbeat, an ack, a hello, or the answer to one. */
static void say(struct dure_peers *peers, struct peer *peer, uint64_t ours, uint64_t theirs)
{
    struct dure_datagram head = {.to = peer->node, .from = peers->options.node,
                                 .nodes = peers->options.nodes, .version = DURE_PEER_VERSION,
                                 .session = ours, .to_session = theirs};
    transmit(peers, peer, &head, sizeof head);
}

static void close_forming(struct dure_peers *peers, struct peer *peer)
{
    if (peer->forming.len == 0) return;
    struct sent *sent = malloc(sizeof *sent + peer->forming.len);
    DURE_ASSERT(sent != NULL);
    *sent = (struct sent){.seq = ++peer->seq, .len = peer->forming.len, .sent_ns = now_of(peers),
                          .resend_ms = DURE_PEER_RESEND_MS};
    memcpy(sent->bytes, peer->forming.data, peer->forming.len);
    peer->forming.len = 0;
    struct dure_datagram *head = (struct dure_datagram *)sent->bytes;
    *head = (struct dure_datagram){.to = peer->node, .from = peers->options.node,
                                   .nodes = peers->options.nodes, .version = DURE_PEER_VERSION,
                                   .session = peer->ours, .to_session = peer->theirs,
                                   .seq = sent->seq};
    *peer->last = sent;
    peer->last = &sent->next;
    peer->unacked++;
    peer->unacked_bytes += sent->len;
    transmit(peers, peer, head, sent->len);
}

bool dure_peer_room(const struct dure_peers *peers, uint16_t node)
{
    const struct peer *peer = peer_of(peers, node);
    return peer->up && peer->unacked < DURE_PEER_WINDOW_DATAGRAMS &&
           peer->unacked_bytes + peer->forming.len < peers->options.window_bytes;
}

static void add_piece(struct peer *peer, enum dure_peer_kind kind, const char *bytes, size_t len,
                      bool more)
{
    static const char zeros[8];
    struct dure_buf *forming = &peer->forming;
    if (forming->len == 0) {
        memset(dure_buf_reserve(forming, DURE_PEER_DATAGRAM_BYTES), 0,
               sizeof(struct dure_datagram));
        forming->len = sizeof(struct dure_datagram);
    }
    struct dure_peer_piece piece = {.len = (uint32_t)len, .kind = (uint16_t)kind, .more = more};
    dure_buf_add(forming, &piece, sizeof piece);
    dure_buf_add(forming, bytes, len);
    dure_buf_add(forming, zeros, (8 - len % 8) % 8);
}

int dure_peer_send(struct dure_peers *peers, uint16_t node, enum dure_peer_kind kind,
                   const void *bytes, size_t len)
{
    struct peer *peer = peer_of(peers, node);
    DURE_ASSERT(kind > 0 && kind < DURE_PEER_KINDS);
    if (len > DURE_PEER_FRAME_BYTES_MAX) return DURE_ETOOBIG;
    if (!peer->up) return DURE_EUNAVAILABLE;
    if (!dure_peer_room(peers, node)) {
        peer->refused = true;
        return DURE_EBUSY;
    }
    const char *at = bytes;
    size_t left = len;
    do {
        size_t used = peer->forming.len > 0 ? peer->forming.len : sizeof(struct dure_datagram);
        size_t most = DURE_PEER_DATAGRAM_BYTES_MAX - sizeof(struct dure_peer_piece) - used;
        size_t now = left < most ? left : most;
        add_piece(peer, kind, at, now, now < left);
        at += now;
        left -= now;
        if (peer->forming.len >= DURE_PEER_DATAGRAM_BYTES) close_forming(peers, peer);
    } while (left > 0);
    peer->status.frames_sent++;
    return 0;
}

/* ---- Acknowledged, missing ------------------------------------------------------------------- */

static void acked(struct dure_peers *peers, struct peer *peer, uint64_t ack)
{
    while (peer->first != NULL && peer->first->seq <= ack) {
        struct sent *sent = peer->first;
        peer->first = sent->next;
        if (peer->first == NULL) peer->last = &peer->first;
        peer->unacked--;
        peer->unacked_bytes -= sent->len;
        free(sent);
    }
    bool ample = peer->unacked <= DURE_PEER_WINDOW_DATAGRAMS / 2 &&
                 peer->unacked_bytes + peer->forming.len <= peers->options.window_bytes / 2;
    if (!peer->refused || !ample) return;
    peer->refused = false;
    for (int kind = 0; kind < DURE_PEER_KINDS; kind++) {
        const struct dure_peer_user *user = peers->users[kind];
        if (user != NULL && user->room != NULL) user->room(user->arg, peer->node);
    }
}

static void send_again(struct dure_peers *peers, struct peer *peer, struct sent *sent)
{
    sent->sent_ns = now_of(peers);
    sent->resend_ms = sent->resend_ms * 2 < RESEND_MS_MAX ? sent->resend_ms * 2 : RESEND_MS_MAX;
    peer->status.datagrams_resent++;
    transmit(peers, peer, (struct dure_datagram *)sent->bytes, sent->len);
}

static void fill_gap(struct dure_peers *peers, struct peer *peer, uint64_t missing)
{
    uint64_t now = now_of(peers);
    int burst = 0;
    for (struct sent *sent = peer->first; sent != NULL && sent->seq <= missing; sent = sent->next) {
        if (burst == RESEND_BURST) return;
        if (now - sent->sent_ns < MS(GAP_MS)) continue; /* It is on its way. */
        send_again(peers, peer, sent);
        burst++;
    }
}

/* ---- Received -------------------------------------------------------------------------------- */

static void hand_up(struct dure_peers *peers, struct peer *peer, unsigned kind, const void *bytes,
                    size_t len)
{
    peer->status.frames_received++;
    const struct dure_peer_user *user = kind < DURE_PEER_KINDS ? peers->users[kind] : NULL;
    if (user == NULL || user->frame == NULL) return; /* Of a newer version. */
    user->frame(user->arg, peer->node, (enum dure_peer_kind)kind, bytes, len);
}

/* Length of the first piece, head and padding included; 0: it is cut off. */
static size_t read_piece(const char *pieces, size_t len, struct dure_peer_piece *piece)
{
    if (len < sizeof *piece) return 0;
    memcpy(piece, pieces, sizeof *piece);
    size_t padded = ((size_t)piece->len + 7) & ~(size_t)7;
    return len - sizeof *piece < padded ? 0 : sizeof *piece + padded;
}

/* Pieces fill the datagram exactly. */
static bool well_formed(const char *pieces, size_t len)
{
    struct dure_peer_piece piece;
    for (size_t at = 0; at < len;) {
        size_t step = read_piece(pieces + at, len - at, &piece);
        if (step == 0) return false;
        at += step;
    }
    return true;
}

static void take_pieces(struct dure_peers *peers, struct peer *peer, const char *pieces, size_t len)
{
    struct dure_peer_piece piece;
    for (size_t at = 0, step; at < len; at += step) {
        const char *bytes = pieces + at + sizeof piece;
        step = read_piece(pieces + at, len - at, &piece);
        DURE_ASSERT(step != 0);
        if (peer->partial.len + piece.len > DURE_PEER_FRAME_BYTES_MAX) {
            peer->partial.len = 0; /* No sender of ours makes one. */
            continue;
        }
        if (!piece.more && peer->partial.len == 0) {
            hand_up(peers, peer, piece.kind, bytes, piece.len);
            continue;
        }
        dure_buf_add(&peer->partial, bytes, piece.len);
        if (piece.more) continue;
        size_t whole = peer->partial.len;
        peer->partial.len = 0;
        hand_up(peers, peer, piece.kind, peer->partial.data, whole);
    }
}

static void hold(struct peer *peer, uint64_t seq, const char *pieces, size_t len)
{
    struct held **at = &peer->held[seq % HELD_MAX];
    if (*at != NULL) return;
    *at = malloc(sizeof **at + len);
    DURE_ASSERT(*at != NULL);
    (*at)->len = len;
    memcpy((*at)->bytes, pieces, len);
}

static void take_data(struct dure_peers *peers, struct peer *peer, uint64_t seq, const char *pieces,
                      size_t len)
{
    if (seq <= peer->taken) {
        peer->hurry = true; /* They have not heard our ack. */
        return;
    }
    if (seq > peer->taken + HELD_MAX - 1 || !well_formed(pieces, len)) return;
    if (peer->unsaid++ == 0) peer->unsaid_ns = now_of(peers);
    if (seq > peer->seen) peer->seen = seq;
    if (seq != peer->taken + 1) {
        hold(peer, seq, pieces, len);
        peer->status.gaps++;
        if (now_of(peers) - peer->gap_ns >= MS(GAP_MS)) peer->hurry = true;
        return;
    }
    peer->taken = seq;
    take_pieces(peers, peer, pieces, len);
    struct held *next;
    while ((next = peer->held[(peer->taken + 1) % HELD_MAX]) != NULL) {
        peer->held[++peer->taken % HELD_MAX] = NULL;
        take_pieces(peers, peer, next->bytes, next->len);
        free(next);
    }
    if (peer->unsaid >= ACK_EVERY) peer->hurry = true;
}

/* Not of the session: somebody who does not know us (yet, any more), or a straggler. */
static void meet(struct dure_peers *peers, struct peer *peer, const struct dure_datagram *head)
{
    bool hello = head->to_session == 0;
    if (!peer->up) {
        /* One that names an older number of ours believes in a session that is over: told so by a
         * hello, as if we had just been born. */
        say(peers, peer, peer->ours, hello ? head->session : 0);
    } else if (hello && head->session == peer->theirs) {
        peer->hurry = true; /* It has not heard that we know it. */
    } else if (hello) {
        if (peer->next_theirs != head->session) peer->next_ours = draw(peers);
        peer->next_theirs = head->session;
        say(peers, peer, peer->next_ours, head->session);
    } else {
        peer->status.datagrams_ignored++;
    }
}

/* True when the datagram is of the session, which it may have begun. */
static bool admit(struct dure_peers *peers, struct peer *peer, const struct dure_datagram *head)
{
    if (peer->up) {
        if (head->to_session == peer->ours && head->session == peer->theirs) return true;
        bool replaced = peer->next_ours != 0 && head->to_session == peer->next_ours &&
                        head->session == peer->next_theirs;
        if (!replaced) return false;
        uint64_t ours = peer->next_ours;
        end(peers, peer);
        peer->ours = ours;
    } else if (head->to_session != peer->ours) {
        return false;
    }
    peer->heard_ns = now_of(peers);
    begin(peers, peer, head->session);
    return true;
}

static void take(struct dure_peers *peers, const char *bytes, size_t len)
{
    struct dure_datagram head;
    if (len < sizeof head || len > DURE_PEER_DATAGRAM_BYTES_MAX + 8) return;
    memcpy(&head, bytes, sizeof head);
    bool ours = head.version == DURE_PEER_VERSION && head.nodes == peers->options.nodes &&
                head.to == peers->options.node && head.from < head.nodes && head.from != head.to &&
                head.session != 0;
    if (!ours) return;
    struct peer *peer = peer_of(peers, head.from);
    peer->status.datagrams_received++;
    peer->status.bytes_received += len;
    if (!admit(peers, peer, &head)) {
        meet(peers, peer, &head);
        return;
    }
    peer->heard_ns = now_of(peers);
    if (head.ack <= peer->seq) acked(peers, peer, head.ack);
    if (head.missing != 0) fill_gap(peers, peer, head.missing);
    if (head.seq != 0) take_data(peers, peer, head.seq, bytes + sizeof head, len - sizeof head);
}

void dure_peer_received(struct dure_peers *peers, const void *bytes, size_t len)
{
    DURE_ASSERT(!peers->busy);
    peers->busy = true;
    if (((uintptr_t)bytes & 7) != 0) {
        peers->aligned.len = 0;
        dure_buf_add(&peers->aligned, bytes, len);
        bytes = peers->aligned.data;
    }
    take(peers, bytes, len);
    peers->busy = false;
}

void dure_peer_hint(struct dure_peers *peers, uint16_t node, bool connected)
{
    DURE_ASSERT(!peers->busy);
    peers->busy = true;
    struct peer *peer = peer_of(peers, node);
    if (!connected) end(peers, peer);
    else if (!peer->up) say(peers, peer, peer->ours, 0);
    peers->busy = false;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void sooner(uint64_t *next_ns, uint64_t due_ns)
{
    if (due_ns < *next_ns) *next_ns = due_ns;
}

/* Sends again what was not acknowledged in time; oldest first, since the rest waits for it. */
static void run_resends(struct dure_peers *peers, struct peer *peer, uint64_t now,
                        uint64_t *next_ns)
{
    int burst = 0;
    for (struct sent *sent = peer->first; sent != NULL && burst < RESEND_BURST; sent = sent->next) {
        burst++;
        if (now >= sent->sent_ns + MS(sent->resend_ms)) send_again(peers, peer, sent);
        sooner(next_ns, sent->sent_ns + MS(sent->resend_ms));
    }
}

static void run_peer(struct dure_peers *peers, struct peer *peer, uint64_t now, uint64_t *next_ns)
{
    if (peer->up && now - peer->heard_ns >= MS(DURE_PEER_SILENCE_MS)) end(peers, peer);
    if (peer->up) {
        close_forming(peers, peer);
        run_resends(peers, peer, now, next_ns);
        bool ack = peer->unsaid > 0 && now - peer->unsaid_ns >= MS(DURE_PEER_ACK_MS);
        if (peer->hurry || ack) say(peers, peer, peer->ours, peer->theirs);
        if (peer->unsaid > 0) sooner(next_ns, peer->unsaid_ns + MS(DURE_PEER_ACK_MS));
        sooner(next_ns, peer->heard_ns + MS(DURE_PEER_SILENCE_MS));
    }
    if (now >= peer->said_ns + MS(DURE_PEER_HEARTBEAT_MS) || peer->said_ns == 0) {
        say(peers, peer, peer->ours, peer->theirs);
    }
    sooner(next_ns, peer->said_ns + MS(DURE_PEER_HEARTBEAT_MS));
}

/* A node that was itself stopped for a while has heard nobody: that is no silence of the others. */
static void excuse_stall(struct dure_peers *peers, uint64_t now)
{
    uint64_t stalled = now - peers->ran_ns;
    if (peers->ran_ns == 0 || stalled < MS(2 * DURE_PEER_HEARTBEAT_MS)) return;
    for (uint16_t i = 0; i < peers->options.nodes; i++) {
        struct peer *peer = &peers->peers[i];
        peer->heard_ns = peer->heard_ns + stalled < now ? peer->heard_ns + stalled : now;
    }
}

int64_t dure_peer_run(struct dure_peers *peers)
{
    DURE_ASSERT(!peers->busy);
    peers->busy = true;
    uint64_t now = now_of(peers);
    uint64_t next_ns = now + MS(DURE_PEER_HEARTBEAT_MS);
    excuse_stall(peers, now);
    peers->ran_ns = now;
    for (uint16_t i = 0; i < peers->options.nodes; i++) {
        if (i != peers->options.node) run_peer(peers, &peers->peers[i], now, &next_ns);
    }
    peers->busy = false;
    now = now_of(peers);
    return next_ns <= now ? 1 : (int64_t)((next_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* ---- Looking --------------------------------------------------------------------------------- */

bool dure_peer_is_up(const struct dure_peers *peers, uint16_t node)
{
    return peer_of(peers, node)->up;
}

uint16_t dure_peer_nodes(const struct dure_peers *peers)
{
    return peers->options.nodes;
}

uint16_t dure_peer_self(const struct dure_peers *peers)
{
    return peers->options.node;
}

void dure_peer_status(const struct dure_peers *peers, uint16_t node,
                      struct dure_peer_status *status)
{
    const struct peer *peer = peer_of(peers, node);
    *status = peer->status;
    status->up = peer->up;
    status->bytes_unacked = peer->unacked_bytes + peer->forming.len;
    status->heard_ms_ago =
        peer->heard_ns == 0 ? -1 : (int64_t)((now_of(peers) - peer->heard_ns) / NS_PER_MS);
}
