/*
 * Memory that requests hold: heads and bodies until they are answered, bytes that cannot be parsed
 * yet, and what a streaming handler keeps of a body.
 *
 *   1. who grows or frees one of them brings the server's count up to date
 *   2. before more is taken, there must be room
 *   3. when there is none, requests that are still arriving make it: who has been silent for
 *      longest is refused first, so that clients that do send are served
 *
 * How it can fail: all of it is held by requests that are complete and wait for their answers. Then
 * the caller refuses its own. Loop thread.
 */
#include "proto/serving.h"

void dure_held_exchange(struct dure_exchange *exchange)
{
    size_t bytes = exchange->head.cap + exchange->body.cap + exchange->kept_bytes +
                   exchange->headers_cap * sizeof *exchange->headers;
    exchange->server->stats.request_bytes += bytes - exchange->held_bytes;
    exchange->held_bytes = bytes;
}

void dure_held_input(struct dure_connection *connection)
{
    connection->server->stats.request_bytes += connection->in.cap - connection->held_bytes;
    connection->held_bytes = connection->in.cap;
}

/* The first of this kind that is not `own`: it has not been heard of for longest. */
static struct dure_deadline *first_of(struct dure_server *server, enum dure_deadline_kind kind,
                                      const struct dure_connection *own)
{
    struct dure_ring *ring = &server->deadlines[kind], *link = ring->next;
    if (link == &own->read_deadline.link) link = link->next;
    return link == ring ? NULL : DURE_RING_OWNER(link, struct dure_deadline, link);
}

static struct dure_connection *silent_longest(struct dure_server *server,
                                              const struct dure_connection *own)
{
    struct dure_deadline *head = first_of(server, DURE_DEADLINE_HEADER, own);
    struct dure_deadline *body = first_of(server, DURE_DEADLINE_BODY, own);
    if (head == NULL && body == NULL) return NULL;
    bool by_head = body == NULL;
    if (head != NULL && body != NULL) {
        by_head = head->due_ms - server->spans_ms[DURE_DEADLINE_HEADER] <
                  body->due_ms - server->spans_ms[DURE_DEADLINE_BODY];
    }
    return DURE_RING_OWNER(by_head ? head : body, struct dure_connection, read_deadline);
}

bool dure_held_room(struct dure_connection *own)
{
    struct dure_server *server = own->server;
    while (server->stats.request_bytes > server->options.requests_bytes_max) {
        struct dure_connection *other = silent_longest(server, own);
        if (other == NULL) return false;
        dure_deadline_clear(&other->read_deadline);
        dure_connection_give_up(other);
    }
    return true;
}
