/*
 * The event stream of a process: the feed of its node and, for a lone node, the door.
 */
#ifndef DURE_CMD_DOORS_H
#define DURE_CMD_DOORS_H

#include "cmd/config.h"
#include "proto/door.h"
#include "proto/feed.h"

struct dure_doors {
    struct dure_feed *feed;
    struct dure_door *door; /* NULL: both ports are off. */
    struct dure_source_url sources[DURE_SOURCES_MAX]; /* All nodes', for whoever follows. */
    size_t sources_count;
};

/* For a lone node. Tells on stderr what fails; the errors of feed and door. */
DURE_MUST_CHECK int dure_doors_open(struct dure_doors *doors, struct dure_runtime *rt,
                                    const struct dure_config *config);
/* One line on stdout when there are doors. */
void dure_doors_announce(const struct dure_doors *doors, const struct dure_config *config);
/* Safe on half-opened ones. */
void dure_doors_close(struct dure_doors *doors);

#endif
