/*
 * Requests for shards of another node. Any node takes any request: one whose shard another node
 * owns travels there whole, is handled as if it had arrived there, and its answer comes back.
 *
 * A request is sent at most once. When the owner cannot be reached it is answered with 503 and
 * Retry-After at once; when the owner goes away meanwhile, too, and then nobody knows whether a
 * command took effect: who must know repeats it with its Idempotency-Key.
 */
#ifndef DURE_PROTO_FORWARD_H
#define DURE_PROTO_FORWARD_H

#include "proto/call.h"

/* Behind "node 2, which owns this, " in problems. */
#define DURE_FORWARD_UNREACHABLE "is not reachable"
#define DURE_FORWARD_GONE "has gone away; whether the request took effect is not known"

/*
 * The node that is to make a new aggregate of this payload (of its create command): the one that owns
 * its natural key, reached or not; or the one of the aggregate it is to stand beside, if it is reached;
 * or ourselves.
 */
uint16_t dure_forward_home(const struct dure_gateway *gateway,
                           const struct dure_collection *collection, const void *payload);
/* False: the node (ourselves excepted) has enough to do; what need not go there stays here. */
bool dure_forward_room(const struct dure_gateway *gateway, uint16_t node);
/*
 * False: the shard is ours, go on. True: somebody else answers this call, do not touch it again.
 */
bool dure_forward_shard(struct dure_call *call, uint32_t shard);
/* The same for a node instead of a shard that it owns. */
bool dure_forward_node(struct dure_call *call, uint16_t node);
/* The same for what is known before the body is read: the id in the path, the Idempotency-Key. */
bool dure_forward_route(struct dure_call *call);

/* ---- A request that is made here (bulk lines) -------------------------------------------------
 */

struct dure_forward_request {
    enum dure_method method;
    struct dure_span target;
    const struct dure_header *headers;
    size_t headers_count;
    struct dure_span body;
    struct dure_span base; /* "http://host" of its links. */
    const struct dure_trace *trace; /* To be carried on; NULL: none. */
};

struct dure_forward_reply { /* Lent. */
    int status;
    int64_t id; /* Of the aggregate that was made, changed or kept; 0: none. */
    struct dure_span headers, body;
};

/* Asks the node; errors as of dure_remote_ask. */
DURE_MUST_CHECK int dure_forward_ask(struct dure_gateway *gateway, struct dure_remote *remote,
                                     uint16_t node, const struct dure_forward_request *request);
/* Reads the answer. DURE_EINVAL when it is malformed. */
DURE_MUST_CHECK int dure_forward_read(struct dure_forward_reply *reply, const void *bytes,
                                      size_t len);

/* ---- For the gateway and the call -------------------------------------------------------------
 */

/* Another node asks: makes a call of it, or answers. */
void dure_forward_receive(void *gateway, const struct dure_remote_origin *origin, const void *bytes,
                          size_t len);
/* The answer of a call that came from another node; frees call->inbound. */
void dure_forward_answer(struct dure_call *call);

#endif
