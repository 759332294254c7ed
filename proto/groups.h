/*
 * Positions of groups of readers, durable: one file each, DIR/NAME, written anew by rename.
 */
#ifndef DURE_PROTO_GROUPS_H
#define DURE_PROTO_GROUPS_H

#include <pthread.h>

#include "runtime/positions.h"

struct dure_groups {
    char dir[1100];
    pthread_mutex_t mutex;
};

/* The directory is made by the first commit. DURE_ETOOBIG: its name is too long. */
DURE_MUST_CHECK int dure_groups_init(struct dure_groups *groups, const char *dir);
void dure_groups_fini(struct dure_groups *groups);
/* `group` is valid (stream.h). Any thread. DURE_ENOTFOUND, DURE_ECORRUPT, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_groups_get(struct dure_groups *groups, const char *group,
                                    struct dure_positions *at);
/* Durable when it returns. Any thread. DURE_ENOSPC, DURE_EIO, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_groups_set(struct dure_groups *groups, const char *group,
                                    const struct dure_positions *at);

#endif
