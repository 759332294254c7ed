/*
 * A data directory opened as a whole: journal, rows, and what was chosen once when it was made.
 */
#ifndef DURE_CMD_DATADIR_H
#define DURE_CMD_DATADIR_H

#include "runtime/core.h"

/* What a directory's ids and messages count on, chosen once when it is made. */
struct dure_place {
    uint32_t shards;      /* Of all nodes. */
    uint16_t node, nodes; /* Alone: 0 of 1. */
};

struct dure_datadir {
    struct dure_journal *journal;
    struct dure_rows *rows;
    struct dure_place place;
};

/*
 * Opens DIR; a new one gets `place`, and one that exists must be of that node (its shards need not
 * be the same). NULL: it must exist, DURE_ENOTFOUND. DURE_EINVAL: it belongs elsewhere. Errors as of
 * store/store.h; *message is a sentence that names what is wrong.
 */
DURE_MUST_CHECK int dure_datadir_open(struct dure_datadir *datadir,
                                      const struct dure_store_options *options,
                                      const struct dure_place *place, const char **message);
/* Notes the place in rows made anew. Blocks. */
DURE_MUST_CHECK int dure_datadir_write_place(struct dure_rows *rows,
                                             const struct dure_place *place);
/* Safe on a half-opened one. */
void dure_datadir_close(struct dure_datadir *datadir);

#endif
