/*
 * All time-outs of all connections on one libuv timer.
 *
 *   1. set puts a deadline at the end of its kind's ring: constant time, no system call
 *   2. the timer runs no later than the first of all rings; it may run too early and find nothing
 *   3. what is due is taken out, then its connection is told
 *
 * Moving a deadline does not move the timer back: on the hot path it is touched once per time-out
 * span, not once per request. Cannot fail. Loop thread.
 */
#include "proto/serving.h"

void dure_deadline_arm(struct dure_server *server, uint64_t due_ms)
{
    if (server->closing) return;
    if (server->timer_due_ms != 0 && server->timer_due_ms <= due_ms) return;
    uint64_t now_ms = uv_now(server->loop);
    server->timer_due_ms = due_ms > 0 ? due_ms : 1;
    uv_timer_start(&server->timer, dure_deadline_on_timer, due_ms > now_ms ? due_ms - now_ms : 0,
                   0);
}

void dure_deadline_set(struct dure_server *server, struct dure_deadline *deadline,
                       enum dure_deadline_kind kind)
{
    dure_ring_remove(&deadline->link);
    deadline->kind = kind;
    if (kind == DURE_DEADLINE_NONE) return;
    deadline->due_ms = uv_now(server->loop) + server->spans_ms[kind];
    dure_ring_push(&server->deadlines[kind], &deadline->link);
    dure_deadline_arm(server, deadline->due_ms);
}

void dure_deadline_clear(struct dure_deadline *deadline)
{
    dure_ring_remove(&deadline->link);
    deadline->kind = DURE_DEADLINE_NONE;
}

static struct dure_connection *owner(struct dure_ring *link, enum dure_deadline_kind kind)
{
    struct dure_deadline *deadline = DURE_RING_OWNER(link, struct dure_deadline, link);
    return kind == DURE_DEADLINE_WRITE
               ? DURE_RING_OWNER(deadline, struct dure_connection, write_deadline)
               : DURE_RING_OWNER(deadline, struct dure_connection, read_deadline);
}

void dure_deadline_on_timer(uv_timer_t *timer)
{
    struct dure_server *server = timer->data;
    uint64_t now_ms = uv_now(server->loop), first_ms = UINT64_MAX;
    server->timer_due_ms = 0;
    for (int i = DURE_DEADLINE_HEADER; i < DURE_DEADLINE_KINDS; i++) {
        enum dure_deadline_kind kind = (enum dure_deadline_kind)i;
        struct dure_ring *ring = &server->deadlines[kind];
        while (!dure_ring_empty(ring) && !server->closing) {
            struct dure_deadline *deadline =
                DURE_RING_OWNER(ring->next, struct dure_deadline, link);
            if (deadline->due_ms > now_ms) {
                if (deadline->due_ms < first_ms) first_ms = deadline->due_ms;
                break;
            }
            struct dure_connection *connection = owner(ring->next, kind);
            dure_deadline_clear(deadline);
            dure_connection_expired(connection, kind);
        }
    }
    if (first_ms != UINT64_MAX) dure_deadline_arm(server, first_ms);
    if (server->drain_due_ms != 0 && server->drain_due_ms > now_ms) {
        dure_deadline_arm(server, server->drain_due_ms);
    } else if (server->drain_due_ms != 0) {
        server->drain_due_ms = 0;
        void (*cb)(void *arg) = server->drain_cb;
        server->drain_cb = NULL;
        if (cb != NULL) cb(server->drain_arg);
    }
}
