/*
 * Work on a stopped data directory: io.h without a loop, and rows made anew from a journal.
 */
#ifndef DURE_CMD_OFFLINE_H
#define DURE_CMD_OFFLINE_H

#include "cmd/datadir.h"
#include "runtime/core.h"

/* Time and randomness are real, work runs inside the call, nobody calls a turn. */
struct dure_io *dure_offline_io(void);

struct dure_offline { /* A journal, replayed. */
    struct dure_rows *rows;
    struct dure_runtime *rt;
    struct dure_links *links; /* In a cluster: their numbers belong to the rows. */
};

/*
 * Replays the whole journal into empty rows under `dir` (dir/state is made) and flushes them. Errors
 * as of recovery, and then nothing is open; *message names what is wrong.
 */
DURE_MUST_CHECK int dure_offline_rebuild(struct dure_offline *offline, const char *dir,
                                         struct dure_journal *journal,
                                         const struct dure_place *place, const char **message);
/* Safe on a zeroed one. */
void dure_offline_close(struct dure_offline *offline);

/* "dir/name" into a static-size buffer; asserts that it fits. */
#define DURE_PATH_BYTES 4096
void dure_offline_path(char path[DURE_PATH_BYTES], const char *dir, const char *name);

/* Removes dir and what is in it. 0 or DURE_ESYSTEM. */
int dure_offline_remove(const char *dir);

#endif
