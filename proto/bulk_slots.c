/*
 * Slots on a free list while idle, in a ring of pointers while their line is in flight. The slot
 * used last is the next one taken: it is still in the processor's cache. Loop thread.
 */
#include "proto/bulk_slots.h"

#include <stdlib.h>

_Static_assert(DURE_BULK_CHUNKS_MAX *DURE_BULK_CHUNK_SLOTS == DURE_BULK_INFLIGHT_MAX,
               "whole chunks");
_Static_assert((DURE_BULK_INFLIGHT_MAX & (DURE_BULK_INFLIGHT_MAX - 1)) == 0,
               "the ring wraps by mask");
_Static_assert(offsetof(struct dure_bulk_slot, ask) == 0, "an ask is its slot");

static size_t place(size_t line)
{
    return line & (DURE_BULK_INFLIGHT_MAX - 1);
}

void dure_bulk_slots_init(struct dure_bulk_slots *slots, struct bulk *bulk, size_t payload_bytes)
{
    slots->bulk = bulk;
    slots->slot_bytes = (sizeof(struct dure_bulk_slot) + payload_bytes + 15) & ~(size_t)15;
}

void dure_bulk_slots_fini(struct dure_bulk_slots *slots)
{
    DURE_ASSERT(slots->head == slots->tail);
    for (struct dure_bulk_slot *slot = slots->free; slot != NULL; slot = slot->next)
        dure_buf_fini(&slot->result);
    for (size_t i = 0; i < slots->chunks_count; i++) free(slots->chunks[i]);
}

static void grow(struct dure_bulk_slots *slots)
{
    char *chunk = aligned_alloc(16, DURE_BULK_CHUNK_SLOTS * slots->slot_bytes);
    if (chunk == NULL) return;
    slots->chunks[slots->chunks_count++] = chunk;
    for (size_t i = DURE_BULK_CHUNK_SLOTS; i > 0; i--) {
        void *at = chunk + (i - 1) * slots->slot_bytes;
        struct dure_bulk_slot *slot = at;
        slot->bulk = slots->bulk;
        slot->result = (struct dure_buf){0};
        slot->next = slots->free;
        slots->free = slot;
    }
}

struct dure_bulk_slot *dure_bulk_slots_next(struct dure_bulk_slots *slots)
{
    if (slots->tail - slots->head == DURE_BULK_INFLIGHT_MAX) return NULL;
    if (slots->free == NULL && slots->chunks_count < DURE_BULK_CHUNKS_MAX) grow(slots);
    return slots->free;
}

void dure_bulk_slots_take(struct dure_bulk_slots *slots, struct dure_bulk_slot *slot)
{
    DURE_ASSERT(slot == slots->free);
    DURE_ASSERT(slots->tail - slots->head < DURE_BULK_INFLIGHT_MAX);
    slots->free = slot->next;
    slots->ring[place(slots->tail++)] = slot;
}

struct dure_bulk_slot *dure_bulk_slots_head(const struct dure_bulk_slots *slots)
{
    return slots->head != slots->tail ? slots->ring[place(slots->head)] : NULL;
}

void dure_bulk_slots_drop(struct dure_bulk_slots *slots)
{
    struct dure_bulk_slot *slot = dure_bulk_slots_head(slots);
    DURE_ASSERT(slot != NULL && slot->state == DURE_BULK_READY);
    slots->head++;
    slot->next = slots->free;
    slots->free = slot;
}
