/*
 * Addresses of the bus, and what is wrong with them in words.
 */
#ifndef DURE_PROTO_BUS_ADDRESS_H
#define DURE_PROTO_BUS_ADDRESS_H

#include "runtime/errors.h"

#define DURE_BUS_URL_BYTES 384

/*
 * "ipc://run/node-0.bus" → "ipc:///data/run/node-0.bus", or "ipc:///proc/self/fd/7/node-0.bus" when
 * that is longer than a socket's address may be: then *fd is the directory, to be kept open as long
 * as the address is used. Other addresses stay. 0, DURE_EINVAL, DURE_ESYSTEM.
 */
DURE_MUST_CHECK int dure_bus_address(const char *address, const char *dir,
                                     char url[DURE_BUS_URL_BYTES], int *fd, const char **message);

/* Returns rv, with *message "what: why", good until the next one. */
int dure_bus_fail(int rv, const char **message, const char *what, const char *why);

#endif
