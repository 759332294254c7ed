/*
 * An address of an nng socket that goes on taking connections.
 *
 * nng 1.5 mistakes a connection that breaks in the middle of its handshake (a client that is killed
 * or changes its mind just then) for the end of its listener: connections are made from then on, and
 * nothing ever comes over them (nng issue 1518, mended in 1.6). So listeners are watched, and begun
 * anew when they are dead; that costs the connections that they had, which clients make again.
 */
#ifndef DURE_PROTO_LISTENING_H
#define DURE_PROTO_LISTENING_H

#include <nng/nng.h>
#include <stdint.h>

struct dure_listening;

/*
 * Listens, and has a thread that watches it (but for inproc://, which has no handshake). *port (may
 * be NULL): of tcp with port 0, the one that was given. The socket must outlive it. Returns a code of
 * nng.
 */
int dure_listening_open(struct dure_listening **listening, nng_socket socket, const char *url,
                        uint16_t *port);
/* Ends the watch; the listener ends with the socket, which is to be closed after it. NULL: nothing. */
void dure_listening_close(struct dure_listening *listening);

#endif
