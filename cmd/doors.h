/*
 * The event stream of a process: the feed of its node and, for a lone node or a cluster's
 * supervisor, the door.
 */
#ifndef DURE_CMD_DOORS_H
#define DURE_CMD_DOORS_H

#include "cmd/cluster_file.h"
#include "proto/door.h"
#include "proto/feed.h"

struct dure_doors {
    struct dure_feed *feed; /* NULL in a supervisor. */
    struct dure_door *door; /* NULL in a node of a cluster, or when both ports are off. */
    struct dure_source_url sources[DURE_SOURCES_MAX]; /* All nodes', for whoever follows. */
    size_t sources_count;
    int run_fd; /* The directory of the sockets, when its name is too long for one; else -1. */
};

struct dure_doors_options {
    int node, nodes;     /* 0 of 1: a lone node. */
    const char *run_dir; /* Of a cluster: where its sockets are, made when absent. NULL: alone. */
    const struct dure_cluster_file *cluster; /* Whose addresses are used before run_dir; or NULL. */
    uint32_t shards;
    /* Of the door. A port of -1 is off, 0 takes a free one. */
    const char *host;
    int64_t events, replay;
    const char *groups_dir; /* DIR/groups */
};

/* A node: its feed, and the door too when it is alone. After the runtime is open. Tells on stderr
 * what fails; the errors of feed and door. */
DURE_MUST_CHECK int dure_doors_open_node(struct dure_doors *doors, struct dure_runtime *rt,
                                         const struct dure_doors_options *options);
/* A cluster's supervisor: the door of all its nodes. Before or after they are there; on threads of
 * its own. `node` is not looked at. */
DURE_MUST_CHECK int dure_doors_open_cluster(struct dure_doors *doors,
                                            const struct dure_doors_options *options);
/* Of the door's ports, 0 and 1: the one that is open; 0: it is off. */
uint16_t dure_doors_port(const struct dure_doors *doors, const struct dure_doors_options *options,
                         int which);
/* Of the same: "events" or "replay", and its URL, for at most DURE_SOCK_URL_BYTES;
 * NULL: it is off. */
const char *dure_doors_url(const struct dure_doors *doors, const struct dure_doors_options *options,
                           int which, char *url, size_t size);
/* Before the stores are closed. Safe on half-opened ones. */
void dure_doors_close(struct dure_doors *doors);

#endif
