/*
 * Whether a dialer of nng still dials.
 *
 * nng 1.5 can give up on an address without a word: such a dialer has to be closed and made anew. One
 * that is alive must not be closed, since it may be connecting just then: a pipe that is closed while
 * a message comes in can wait for itself for ever, and with it every other close in the process.
 */
#ifndef DURE_PROTO_DIALLING_H
#define DURE_PROTO_DIALLING_H

#include <nng/nng.h>
#include <stdbool.h>
#include <stdint.h>

/* Has it tried or connected since *attempts was noted? Notes it. An nng without counters: false. */
bool dure_dialling_goes_on(nng_dialer dialer, uint64_t *attempts);

#endif
