/*
 * A node among the others: the bus, the peers on it, and what uses them (links between journals,
 * questions between gateways), on the node's loop.
 */
#ifndef DURE_PROTO_MESH_H
#define DURE_PROTO_MESH_H

#include "proto/bus.h"
#include "proto/remote.h"
#include "runtime/core.h"

struct dure_mesh;

/* Prepares all but the bus; nothing is sent or received yet. io is kept. 0 or DURE_ENOMEM. */
DURE_MUST_CHECK int dure_mesh_open(struct dure_mesh **mesh, struct dure_io *io, uint16_t node,
                                   uint16_t nodes, uint32_t shards);
/* For dure_options: shard s is ours when s % nodes == node. */
struct dure_links *dure_mesh_links(struct dure_mesh *mesh);
struct dure_look_wire *dure_mesh_looks(struct dure_mesh *mesh); /* Likewise. */
/* The runtime has recovered: meets the others. Errors as of dure_bus_open. */
DURE_MUST_CHECK int dure_mesh_start(struct dure_mesh *mesh, struct uv_loop_s *loop,
                                    struct dure_runtime *rt, const struct dure_bus_options *options,
                                    const char **message);
/* For the gateway. */
struct dure_remotes *dure_mesh_remotes(struct dure_mesh *mesh);
/* Stops hearing and speaking. */
void dure_mesh_stop(struct dure_mesh *mesh);
/* After the runtime is closed and the loop has run on. NULL: nothing. */
void dure_mesh_close(struct dure_mesh *mesh);

#endif
