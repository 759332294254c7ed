/*
 * Intrusive doubly linked rings. A zeroed link is in no ring; a ring's head is initialised once.
 * All operations take constant time and cannot fail.
 */
#ifndef DURE_PROTO_RING_H
#define DURE_PROTO_RING_H

#include <stdbool.h>
#include <stddef.h>

struct dure_ring {
    struct dure_ring *next, *prev;
};

/* The struct that embeds this link. */
#define DURE_RING_OWNER(link, type, member)                                                        \
    ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void dure_ring_init(struct dure_ring *head)
{
    head->next = head->prev = head;
}

static inline bool dure_ring_empty(const struct dure_ring *head)
{
    return head->next == head;
}

/* Appends a link that is in no ring. */
static inline void dure_ring_push(struct dure_ring *head, struct dure_ring *link)
{
    link->next = head;
    link->prev = head->prev;
    head->prev->next = link;
    head->prev = link;
}

static inline bool dure_ring_linked(const struct dure_ring *link)
{
    return link->next != NULL;
}

/* Safe on a link that is in no ring. */
static inline void dure_ring_remove(struct dure_ring *link)
{
    if (link->next == NULL) return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* Moves all links of one ring to the end of another. */
static inline void dure_ring_move(struct dure_ring *to, struct dure_ring *from)
{
    if (dure_ring_empty(from)) return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    dure_ring_init(from);
}

#endif
