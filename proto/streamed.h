/*
 * What the data of a streamed exchange begins with, whoever streams: bulk or SSE.
 */
#ifndef DURE_PROTO_STREAMED_H
#define DURE_PROTO_STREAMED_H

#include "proto/server.h"

struct dure_streamed {
    void (*drain)(struct dure_exchange *exchange); /* As the server's on_drain. */
    void (*abort)(struct dure_exchange *exchange); /* As its on_abort. */
};

#endif
