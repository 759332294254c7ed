/*
 * The door of a cluster's event stream: one address to subscribe to, one to ask (DESIGN 8; what is
 * said there: stream.h). It has threads of its own; a lone node runs it, or the supervisor.
 *
 *   PUB  "shop.order.OrderPlaced {CloudEvents JSON}\n" for each event, and "@batch …" for readers of
 *        many; only while somebody is connected
 *   REP  replay of all shards, and groups
 */
#ifndef DURE_PROTO_DOOR_H
#define DURE_PROTO_DOOR_H

#include "proto/sources.h"

struct dure_door;

struct dure_door_options {
    const struct dure_source_url *sources; /* The nodes, by number. Copied. */
    size_t sources_count;
    uint32_t shards;
    const char *events_url; /* "tcp://127.0.0.1:8089"; NULL: no such socket. */
    const char *replay_url;
    const char *groups_dir; /* DIR/groups */
};

/* *url is then the one that failed. DURE_ESYSTEM: that address cannot be had; DURE_ENOMEM. */
DURE_MUST_CHECK int dure_door_open(struct dure_door **door, const struct dure_door_options *options,
                                   const char **url);
/* The ports in use, when port 0 was asked for. */
uint16_t dure_door_events_port(const struct dure_door *door);
uint16_t dure_door_replay_port(const struct dure_door *door);
void dure_door_close(struct dure_door *door);

#endif
