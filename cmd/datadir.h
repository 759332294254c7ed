/*
 * A data directory opened as a whole: journal, rows, and what was chosen once when it was made.
 */
#ifndef DURE_CMD_DATADIR_H
#define DURE_CMD_DATADIR_H

#include "runtime/core.h"

struct dure_datadir {
    struct dure_journal *journal;
    struct dure_rows *rows;
    uint32_t shards;
};

/*
 * Opens DIR; a new one gets `shards` (0: it must exist already, DURE_ENOTFOUND). Errors as of
 * store/store.h; *message is a sentence that names what is wrong.
 */
DURE_MUST_CHECK int dure_datadir_open(struct dure_datadir *datadir,
                                      const struct dure_store_options *options, uint32_t shards,
                                      const char **message);
/* Notes the number of shards in rows made anew. Blocks. */
DURE_MUST_CHECK int dure_datadir_write_shards(struct dure_rows *rows, uint32_t shards);
/* Safe on a half-opened one. */
void dure_datadir_close(struct dure_datadir *datadir);

#endif
