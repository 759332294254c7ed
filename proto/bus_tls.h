/*
 * TLS of the bus: both sides prove who they are, so that a stranger can neither listen in nor
 * speak.
 */
#ifndef DURE_PROTO_BUS_TLS_H
#define DURE_PROTO_BUS_TLS_H

#include "proto/bus.h"

struct nng_tls_config;

/* From the files of the options; freed by nng_tls_config_free. 0, DURE_EINVAL (a file is wrong),
 * DURE_ENOMEM. */
DURE_MUST_CHECK int dure_bus_tls_server(struct nng_tls_config **config,
                                        const struct dure_bus_options *options,
                                        const char **message);
/* For the node at this address, whose certificate must have its host's name, or tls_name. */
DURE_MUST_CHECK int dure_bus_tls_client(struct nng_tls_config **config,
                                        const struct dure_bus_options *options, const char *url,
                                        const char **message);
/* What nng says about an address or a file is the operator's to mend. */
int dure_bus_nng_fail(int code, const char **message, const char *what);

#endif
