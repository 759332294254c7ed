/*
 * The cluster file, DIR/cluster: what all nodes of a cluster must agree on, for the life of a data
 * directory. Lines of "name = value":
 *
 *   shards = 64
 *   nodes = 3
 *   bus-0 = ipc://run/node-0.bus       a path is relative to the file's directory
 *   bus-1 = tcp://10.0.0.2:4600
 *   bus-2 = tls+tcp://node2.example:4600
 *   events-0 = tcp://10.0.0.1:4601     the event stream between nodes that do not share a directory;
 *   replay-0 = tcp://10.0.0.1:4602     of all nodes or of none. In the clear: TLS is the bus' only
 *   tls-ca = ca.pem                    whom to trust, and who we are: needed for tls+tcp
 *   tls-cert = node.pem
 *   tls-key = node.key
 *   tls-name = dure                    name in all nodes' certificates; else each address's host
 *
 * Shard s belongs to node s % nodes. Node i keeps its data in DIR/node-i.
 */
#ifndef DURE_CMD_CLUSTER_FILE_H
#define DURE_CMD_CLUSTER_FILE_H

#include <stdint.h>

#include "runtime/bounds.h"
#include "runtime/errors.h"

#define DURE_CLUSTER_ADDRESS_BYTES 256
#define DURE_CLUSTER_STREAM_BYTES 128
#define DURE_CLUSTER_PATH_BYTES 1024

struct dure_cluster_file {
    uint32_t shards, nodes;
    char dir[DURE_CLUSTER_PATH_BYTES]; /* Of the file. */
    /* Of each node, as in the file. */
    char bus[DURE_NODES_MAX][DURE_CLUSTER_ADDRESS_BYTES];
    /* "" unless the file has them: then sockets in DIR/run. */
    char events[DURE_NODES_MAX][DURE_CLUSTER_STREAM_BYTES];
    char replay[DURE_NODES_MAX][DURE_CLUSTER_STREAM_BYTES];
    char tls_ca[DURE_CLUSTER_PATH_BYTES], tls_cert[DURE_CLUSTER_PATH_BYTES],
        tls_key[DURE_CLUSTER_PATH_BYTES], tls_name[DURE_CLUSTER_ADDRESS_BYTES];
};

/* Fills *cluster for a cluster on one machine: ipc addresses in DIR/run. */
void dure_cluster_file_local(struct dure_cluster_file *cluster, const char *dir, uint32_t shards,
                             uint32_t nodes);
/* 0, or DURE_EINVAL after a message on stderr that names the line, or what is missing. */
DURE_MUST_CHECK int dure_cluster_file_read(struct dure_cluster_file *cluster, const char *path);
/* Writes it anew, whole or not at all, and makes DIR/run. 0, or DURE_ESYSTEM, DURE_ENOSPC, DURE_EIO
 * after a message on stderr. */
DURE_MUST_CHECK int dure_cluster_file_write(const struct dure_cluster_file *cluster,
                                            const char *path);

#endif
