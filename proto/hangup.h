/*
 * Ends the connections of an nng SUB socket so that it can be closed.
 *
 * nng 1.5 loses a receive when its connection is closed between the head and the body of a message:
 * the one thread that takes connections down then waits for it for ever, and with it every nng_close
 * and every word of lost connections in the process. Under load every tenth close meets that moment.
 * No other moment is as safe as within the delivery of a message: then nothing is being read.
 */
#ifndef DURE_PROTO_HANGUP_H
#define DURE_PROTO_HANGUP_H

#include <nng/nng.h>
#include <stdbool.h>

/*
 * Closes each dialer when its next message comes, until none is `connected` or limit_ms is over:
 * whoever has said nothing for so long will hardly say something in the moment of the close. The
 * caller refuses new ones (in ADD_PRE) from before on. Blocks; on no thread of nng.
 */
void dure_hangup(nng_socket sub, const void *topic, size_t topic_len,
                 bool (*connected)(void *arg), void *arg, int limit_ms);

#endif
