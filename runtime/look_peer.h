/*
 * Looks at the actors of other nodes, carried by peers: a question names a type and an id, the answer
 * brings the packed state once what it shows is durable there. Nothing is repeated: who gets no answer
 * goes on without (runtime/look.c).
 */
#ifndef DURE_RUNTIME_LOOK_PEER_H
#define DURE_RUNTIME_LOOK_PEER_H

#include "runtime/core.h"
#include "runtime/peer.h"

/* Question (kind LOOK) and answer (kind SEEN); a state follows an answer with `seen` STATE. Native
 * byte order, as all that peers carry. */
struct dure_look_frame {
    uint64_t number;    /* The asker's; echoed. */
    int64_t id;
    uint32_t type_code;
    uint32_t seen;      /* enum dure_seen; 0 in a question. */
};
_Static_assert(sizeof(struct dure_look_frame) == 24, "wire size");

struct dure_look_peer { /* Embedded by its owner, who keeps it as long as runtime and peers. */
    struct dure_look_wire wire; /* For dure_options. */
    struct dure_peers *peers;
    struct dure_peer_user user;
    struct dure_runtime *rt;
    struct dure_look_answer *answers; /* That wait for what they show to be durable. */
};
/* Registers with the peers. Set ->rt when the runtime is open; until then frames are ignored. */
void dure_look_peer_init(struct dure_look_peer *look, struct dure_peers *peers);
/* When the runtime has ended with answers under way, as a crash in a simulation leaves it. */
void dure_look_peer_fini(struct dure_look_peer *look);

#endif
