/*
 * How far a reader of the event stream has come: per shard the sequence of the last event it has.
 * And the topics it wants. Pure; any thread.
 *
 * The compact text goes where a place is handed around as one word (SSE ids, `dure tail --from`):
 * "p", then base64url (RFC 4648 section 5, no padding) of LEB128 numbers: the number of shards, the
 * least sequence of all, and per shard 0 for none, else 1 + what it lies above the least.
 */
#ifndef DURE_RUNTIME_POSITIONS_H
#define DURE_RUNTIME_POSITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/bounds.h"
#include "runtime/buf.h"
#include "runtime/errors.h"

/* In place of a sequence: this shard is not read, or its place is not known yet. */
#define DURE_POSITION_NONE UINT64_MAX

struct dure_positions {
    uint32_t shards;
    uint64_t last[DURE_SHARDS_MAX]; /* 0: before the first event. */
};

/* All shards at `last`: 0 is the start. */
void dure_positions_fill(struct dure_positions *positions, uint32_t shards, uint64_t last);
bool dure_positions_equal(const struct dure_positions *a, const struct dure_positions *b);
/* Some shard, known in both, has come less far in `a` than in `b`. */
bool dure_positions_behind(const struct dure_positions *a, const struct dure_positions *b);
/* Of the compact text, and of {"0":12,"5":7} without the shards that have none. */
void dure_positions_write(const struct dure_positions *positions, struct dure_buf *out);
void dure_positions_write_json(const struct dure_positions *positions, struct dure_buf *out);
/* Reads the compact text. DURE_EINVAL: it is none. */
DURE_MUST_CHECK int dure_positions_read(struct dure_positions *positions, const char *text,
                                        size_t len);

/* True when `type` begins with one of the comma-separated prefixes; "" is every type's. */
bool dure_topic_match(const char *topics, const char *type, size_t len);

#endif
