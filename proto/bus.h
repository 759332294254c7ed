/*
 * The wire between nodes on nng (runtime/peer.h says what goes over it): each node has PUB sockets, to
 * which the other nodes SUB with their own numbers as topics. PUB/SUB never blocks a sender and never
 * reports a loss; the peers above find and mend it.
 *
 * An address is ipc://PATH, tcp://HOST:PORT or tls+tcp://HOST:PORT. At PATH-0, PATH-1 … each other
 * node has a socket of its own; a port is shared. A socket path may be longer
 * than the 107 bytes that the kernel takes: it is then reached through /proc/self/fd.
 */
#ifndef DURE_PROTO_BUS_H
#define DURE_PROTO_BUS_H

#include <stdint.h>

#include "runtime/peer.h"

struct uv_loop_s;
struct dure_bus;

struct dure_bus_options { /* Lent. */
    uint16_t node, nodes;
    const char *dir;              /* Relative ipc paths begin here. */
    const char *const *addresses; /* One a node; ours is the one to listen on. */
    /* Files, for tls+tcp: both sides show a certificate of this CA. NULL elsewhere. */
    const char *tls_ca, *tls_cert, *tls_key;
    const char *tls_name; /* In every certificate; NULL or "": the host of each address. */
    int buffer;           /* Datagrams kept a socket, for tests; 0: DURE_BUS_DATAGRAMS. */
};

/* Called on the loop. */
struct dure_bus_user {
    void (*received)(void *arg, const void *bytes, size_t len); /* Lends. */
    void (*hint)(void *arg, uint16_t node, bool connected);     /* We hear the node, or no more. */
    void *arg;
};

/*
 * Listens, and dials the others in the background, again and again. 0, DURE_EINVAL (an address or a
 * file is wrong), DURE_ESYSTEM, DURE_ENOMEM; *message names what.
 */
DURE_MUST_CHECK int dure_bus_open(struct dure_bus **bus, struct uv_loop_s *loop,
                                  const struct dure_bus_options *options,
                                  const struct dure_bus_user *user, const char **message);
/* For dure_peer_open; valid until close. */
struct dure_wire *dure_bus_wire(struct dure_bus *bus);
/* No callback comes any more. Frees itself once libuv has closed its handle (run the loop on). */
void dure_bus_close(struct dure_bus *bus);

#endif
