/*
 * Questions and answers between nodes.
 *
 *   1. ask     takes a place in the table; the frame carries its number and how often it was taken
 *   2. answer  in pieces that fit a frame, each with that number; what the window refuses waits
 *   3. done    the last piece gives the place back
 *
 * A session that ends fails all that was asked of that node, and drops the answers that wait for
 * it; an answer whose place has been given back meanwhile is ignored. Loop thread.
 */
#include "proto/remote.h"

#include <stdlib.h>

/* Questions on their way, of all kinds. */
#define PLACES_MAX 65536
/* Of an answer, in one frame. */
#define PIECE_BYTES (256 * 1024)

struct head { /* Of every frame of these kinds. */
    uint64_t id;
    uint32_t more; /* 1: another piece of the answer follows. */
    uint32_t zero;
};
_Static_assert(sizeof(struct head) == 16, "wire size");
_Static_assert(PIECE_BYTES + sizeof(struct head) <= DURE_PEER_FRAME_BYTES_MAX, "a piece fits");

struct place {
    struct dure_remote *remote; /* NULL: free. */
    uint32_t taken;             /* How often: no two questions have the same id. */
    uint32_t next;              /* Free ones. */
};

struct waiting { /* A frame that found no room. */
    struct waiting *next;
    enum dure_peer_kind kind;
    size_t len;
    _Alignas(16) char bytes[];
};

struct side { /* What is kept of another node. */
    struct waiting *first, **last;
    uint64_t session; /* Counts up at each end. */
};

struct server {
    dure_remote_handler *handler;
    void *arg;
};

struct dure_remotes {
    struct dure_peers *peers;
    struct dure_peer_user user;
    struct server servers[DURE_PEER_KINDS];
    struct side sides[DURE_NODES_MAX];
    struct place *places;
    uint32_t places_count, free; /* PLACES_MAX: none is free. */
};

/* ---- 2: answers ----------------------------------------------------------------------------- */

static void keep(struct side *side, enum dure_peer_kind kind, const void *bytes, size_t len)
{
    struct waiting *waiting = malloc(sizeof *waiting + len);
    DURE_ASSERT(waiting != NULL); /* Bounded by the questions that the other side may have. */
    *waiting = (struct waiting){.kind = kind, .len = len};
    memcpy(waiting->bytes, bytes, len);
    *side->last = waiting;
    side->last = &waiting->next;
}

static struct waiting *take_first(struct side *side)
{
    struct waiting *first = side->first;
    side->first = first->next;
    if (side->first == NULL) side->last = &side->first;
    return first;
}

static void on_room(void *arg, uint16_t node)
{
    struct dure_remotes *remotes = arg;
    struct side *side = &remotes->sides[node];
    while (side->first != NULL) {
        struct waiting *first = side->first;
        int rv = dure_peer_send(remotes->peers, node, first->kind, first->bytes, first->len);
        if (rv == DURE_EBUSY) return;
        free(take_first(side));
    }
}

static void send_piece(struct dure_remotes *remotes, const struct dure_remote_origin *origin,
                       const void *bytes, size_t len)
{
    struct side *side = &remotes->sides[origin->node];
    enum dure_peer_kind kind = origin->kind;
    int rv = DURE_EBUSY;
    if (side->first == NULL) rv = dure_peer_send(remotes->peers, origin->node, kind, bytes, len);
    /* Otherwise the session has ended, and nobody waits for it any more. */
    if (rv == DURE_EBUSY) keep(side, kind, bytes, len);
}

void dure_remote_begin(struct dure_buf *frame)
{
    DURE_ASSERT(frame->len == 0);
    struct head head = {0};
    dure_buf_add(frame, &head, sizeof head);
}

void dure_remote_answer(struct dure_remotes *remotes, const struct dure_remote_origin *origin,
                        struct dure_buf *frame)
{
    DURE_ASSERT(frame->len >= sizeof(struct head));
    if (remotes->sides[origin->node].session != origin->session) return;
    struct head head = {.id = origin->id};
    size_t at = sizeof head;
    do {
        size_t len = frame->len - at < PIECE_BYTES ? frame->len - at : PIECE_BYTES;
        head.more = at + len < frame->len;
        /* The head of each piece is written over the end of the one before. */
        char *piece = frame->data + at - sizeof head;
        memcpy(piece, &head, sizeof head);
        send_piece(remotes, origin, piece, sizeof head + len);
        at += len;
    } while (at < frame->len);
}

/* ---- 1: questions --------------------------------------------------------------------------- */

static int make_places(struct dure_remotes *remotes)
{
    if (remotes->places_count == PLACES_MAX) return DURE_EBUSY;
    uint32_t count = remotes->places_count == 0 ? 256 : remotes->places_count * 2;
    struct place *places = realloc(remotes->places, count * sizeof *places);
    if (places == NULL) return DURE_ENOMEM;
    for (uint32_t i = remotes->places_count; i < count; i++)
        places[i] = (struct place){.next = i + 1 < count ? i + 1 : PLACES_MAX};
    remotes->free = remotes->places_count;
    remotes->places = places;
    remotes->places_count = count;
    return 0;
}

static void free_place(struct dure_remotes *remotes, struct dure_remote *remote)
{
    struct place *place = &remotes->places[remote->place];
    place->remote = NULL;
    place->next = remotes->free;
    remotes->free = remote->place;
}

int dure_remote_ask(struct dure_remotes *remotes, struct dure_remote *remote, uint16_t node,
                    enum dure_peer_kind kind, struct dure_buf *frame)
{
    DURE_ASSERT(frame->len >= sizeof(struct head) && remote->done != NULL);
    if (remotes->free == PLACES_MAX) {
        int rv = make_places(remotes);
        if (rv != 0) return rv;
    }
    struct place *place = &remotes->places[remotes->free];
    struct head head = {.id = (uint64_t)(place->taken + 1) << 32 | remotes->free};
    memcpy(frame->data, &head, sizeof head);
    int rv = dure_peer_send(remotes->peers, node, kind, frame->data, frame->len);
    if (rv != 0) return rv;
    remote->place = remotes->free;
    remote->node = node;
    remote->answer = (struct dure_buf){0};
    remotes->free = place->next;
    place->taken++;
    place->remote = remote;
    return 0;
}

/* ---- 3: from the peers ---------------------------------------------------------------------- */

static void answered(struct dure_remotes *remotes, uint16_t from, const struct head *head,
                     const char *bytes, size_t len)
{
    uint32_t number = (uint32_t)head->id;
    struct place *place = number < remotes->places_count ? &remotes->places[number] : NULL;
    if (place == NULL || place->remote == NULL || place->taken != head->id >> 32) return;
    struct dure_remote *remote = place->remote;
    if (remote->node != from) return;
    if (head->more || remote->answer.len > 0) dure_buf_add(&remote->answer, bytes, len);
    if (head->more) return;
    struct dure_buf whole = remote->answer;
    remote->answer = (struct dure_buf){0};
    free_place(remotes, remote);
    if (whole.len > 0)
        remote->done(remote, 0, whole.data, whole.len);
    else
        remote->done(remote, 0, bytes, len);
    dure_buf_fini(&whole);
}

static void on_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                     size_t len)
{
    struct dure_remotes *remotes = arg;
    struct head head;
    if (len < sizeof head) return;
    memcpy(&head, bytes, sizeof head);
    const char *rest = (const char *)bytes + sizeof head;
    if (kind == DURE_PEER_REPLY || kind == DURE_PEER_PART) {
        answered(remotes, from, &head, rest, len - sizeof head);
        return;
    }
    const struct server *server = &remotes->servers[kind];
    struct dure_remote_origin origin = {.id = head.id,
                                        .session = remotes->sides[from].session,
                                        .node = from,
                                        .kind = (uint16_t)(kind + 1)};
    if (server->handler != NULL) server->handler(server->arg, &origin, rest, len - sizeof head);
}
_Static_assert(DURE_PEER_REPLY == DURE_PEER_FORWARD + 1, "the answer follows its question");
_Static_assert(DURE_PEER_PART == DURE_PEER_GATHER + 1, "the answer follows its question");

static void fail(struct dure_remotes *remotes, struct dure_remote *remote, int rv)
{
    dure_buf_fini(&remote->answer);
    free_place(remotes, remote);
    remote->done(remote, rv, NULL, 0);
}

static void on_down(void *arg, uint16_t node)
{
    struct dure_remotes *remotes = arg;
    struct side *side = &remotes->sides[node];
    side->session++;
    while (side->first != NULL) free(take_first(side));
    /* Who fails may ask again, but of others: the table grows, nothing new is asked of `node`. */
    for (uint32_t i = 0; i < remotes->places_count; i++) {
        struct dure_remote *remote = remotes->places[i].remote;
        if (remote != NULL && remote->node == node) fail(remotes, remote, DURE_EUNAVAILABLE);
    }
}

void dure_remote_cut(struct dure_remotes *remotes)
{
    for (uint32_t i = 0; i < remotes->places_count; i++) {
        struct dure_remote *remote = remotes->places[i].remote;
        if (remote != NULL) fail(remotes, remote, DURE_ESHUTDOWN);
    }
}

/* ---- Open, close ---------------------------------------------------------------------------- */

int dure_remote_open(struct dure_remotes **out, struct dure_peers *peers)
{
    struct dure_remotes *remotes = calloc(1, sizeof *remotes);
    if (remotes == NULL) return DURE_ENOMEM;
    remotes->peers = peers;
    remotes->free = PLACES_MAX;
    for (size_t i = 0; i < DURE_NODES_MAX; i++) remotes->sides[i].last = &remotes->sides[i].first;
    remotes->user = (struct dure_peer_user){
        .frame = on_frame, .down = on_down, .room = on_room, .arg = remotes};
    for (enum dure_peer_kind kind = DURE_PEER_FORWARD; kind <= DURE_PEER_PART; kind++)
        dure_peer_use(peers, kind, &remotes->user);
    *out = remotes;
    return 0;
}

void dure_remote_serve(struct dure_remotes *remotes, enum dure_peer_kind kind,
                       dure_remote_handler *handler, void *arg)
{
    DURE_ASSERT(kind == DURE_PEER_FORWARD || kind == DURE_PEER_GATHER);
    remotes->servers[kind] = (struct server){handler, arg};
}

void dure_remote_close(struct dure_remotes *remotes)
{
    if (remotes == NULL) return;
    for (size_t i = 0; i < DURE_NODES_MAX; i++) {
        while (remotes->sides[i].first != NULL) free(take_first(&remotes->sides[i]));
    }
    free(remotes->places);
    free(remotes);
}

const struct dure_peers *dure_remote_peers(const struct dure_remotes *remotes)
{
    return remotes->peers;
}

uint16_t dure_remote_nodes(const struct dure_remotes *remotes)
{
    return dure_peer_nodes(remotes->peers);
}

uint16_t dure_remote_self(const struct dure_remotes *remotes)
{
    return dure_peer_self(remotes->peers);
}

uint16_t dure_remote_down(const struct dure_remotes *remotes, uint16_t *first)
{
    uint16_t nodes = dure_peer_nodes(remotes->peers), self = dure_peer_self(remotes->peers);
    uint16_t down = 0;
    for (uint16_t node = nodes; node-- > 0;) {
        if (node == self || dure_peer_is_up(remotes->peers, node)) continue;
        *first = node;
        down++;
    }
    return down;
}
