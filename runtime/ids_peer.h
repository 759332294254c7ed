/*
 * Ids in the order of time: nodes tell each other how far their ids have come, and give higher ones.
 *
 *   before    a frame of a link goes to a node, it is told what was given until then: what comes of
 *             the frame there has a higher id than what it comes from
 *   otherwise every DURE_PEER_HEARTBEAT_MS, what has grown
 *
 * So lists by id are newest last, to within that time, whichever nodes their items are on. It is told
 * and never asked for: what gets lost, or a node that is down, costs only the order. Each node still
 * gives ids of its own shards alone.
 */
#ifndef DURE_RUNTIME_IDS_PEER_H
#define DURE_RUNTIME_IDS_PEER_H

#include "runtime/core.h"
#include "runtime/peer.h"

/* A frame (kind IDS) is any number of these. Native byte order, as all that peers carry. */
struct dure_ids_entry {
    uint32_t type_code, zero;
    int64_t next; /* Every id of the type that is known of is lower. */
};
_Static_assert(sizeof(struct dure_ids_entry) == 16, "wire size");

struct dure_ids_peer { /* Embedded by its owner, who keeps it as long as runtime and peers. */
    struct dure_peers *peers;
    struct dure_peer_user user;
    struct dure_runtime *rt;
    uint64_t told_ns; /* To all. */
    struct dure_ids_told {
        uint64_t changes; /* Of the runtime's, that far. */
        int64_t next[DURE_TYPES_MAX];
    } told[DURE_NODES_MAX];
};
/* Registers with the peers. Set ->rt when the runtime is open; until then frames are ignored. */
void dure_ids_peer_init(struct dure_ids_peer *ids, struct dure_peers *peers);
/* Tells the node what it has not been told, if it can be reached. */
void dure_ids_peer_tell(struct dure_ids_peer *ids, uint16_t node);
/* Once a round of the loop, before dure_peer_run. */
void dure_ids_peer_run(struct dure_ids_peer *ids, uint64_t now_ns);

#endif
