/*
 * Rows (row.c): actors packed for the store.
 */
#ifndef DURE_RUNTIME_ROW_H
#define DURE_RUNTIME_ROW_H

#include "runtime/actor.h"

/* row.c: packed rows. Format: "R1", head, state (two parts for a saga), CRC-32C. */
void dure_row_pack(const struct dure_type *type, const struct dure_actor_head *head,
                   const void *state, struct dure_buf *out);
DURE_MUST_CHECK int dure_row_unpack(const struct dure_type *type, struct dure_actor_head *head,
                                    void *state, const void *row, size_t len);
struct dure_row_codec dure_row_codec(void);
struct dure_row_image {
    const struct dure_type *type;
    struct dure_actor_head head;
    _Alignas(16) char state[];
};
/* packs state alone, for SNAPSHOT entries */
void dure_row_pack_state(const struct dure_type *type, const void *state, struct dure_buf *out);
DURE_MUST_CHECK int dure_row_unpack_state(const struct dure_type *type, void *state,
                                          const void *bytes, size_t len);
void dure_row_init_state(const struct dure_type *type, void *state);

#endif
