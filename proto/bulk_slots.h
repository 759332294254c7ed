/*
 * The ring of lines in flight of one bulk request: a slot each, in the order of the lines.
 */
#ifndef DURE_PROTO_BULK_SLOTS_H
#define DURE_PROTO_BULK_SLOTS_H

#include "proto/remote.h"
#include "runtime/core.h"

/* Slots are made this many at a time, as they are needed: a small bulk stays small. */
#define DURE_BULK_CHUNK_SLOTS 64
#define DURE_BULK_CHUNKS_MAX (DURE_BULK_INFLIGHT_MAX / DURE_BULK_CHUNK_SLOTS)

struct bulk;

enum dure_bulk_state { DURE_BULK_ASKED, DURE_BULK_DECIDED, DURE_BULK_READY };

struct dure_bulk_slot {
    struct dure_ask ask;
    struct dure_remote remote; /* Instead, when another node has the key. */
    struct bulk *bulk;
    struct dure_bulk_slot *next; /* Free ones. */
    enum dure_bulk_state state;
    int status;
    uint64_t group;         /* In which it was decided: all of one group are released together. */
    struct dure_buf result; /* The line, with its end; the buffer is used again. */
    _Alignas(16) char payload[];
};

struct dure_bulk_slots {
    struct bulk *bulk;
    size_t slot_bytes;
    size_t head, tail; /* Lines answered and lines taken, ever. */
    struct dure_bulk_slot *free;
    struct dure_bulk_slot *ring[DURE_BULK_INFLIGHT_MAX]; /* By line number. */
    char *chunks[DURE_BULK_CHUNKS_MAX];
    size_t chunks_count;
};

/* On zeroed memory. */
void dure_bulk_slots_init(struct dure_bulk_slots *slots, struct bulk *bulk, size_t payload_bytes);
/* No line may be in flight. */
void dure_bulk_slots_fini(struct dure_bulk_slots *slots);

/* The slot of the next line, not taken yet: asked again it is the same. NULL: no room. */
struct dure_bulk_slot *dure_bulk_slots_next(struct dure_bulk_slots *slots);
/* Takes it: its line is in flight now. */
void dure_bulk_slots_take(struct dure_bulk_slots *slots, struct dure_bulk_slot *slot);
/* The oldest line in flight; NULL: none. */
struct dure_bulk_slot *dure_bulk_slots_head(const struct dure_bulk_slots *slots);
/* The oldest line has been answered: its slot is free. */
void dure_bulk_slots_drop(struct dure_bulk_slots *slots);

#endif
