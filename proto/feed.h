/*
 * A node's side of the event stream: publishes a batch for every durable record and what has changed
 * by types, and answers replay requests for its own shards. Threads of its own, so that no turn waits for it.
 */
#ifndef DURE_PROTO_FEED_H
#define DURE_PROTO_FEED_H

#include "runtime/core.h"

struct dure_feed;

struct dure_feed_options {
    int node, nodes;       /* Shard s is this node's when s % nodes == node. */
    const char *urls[2];   /* Where to publish batches: one or two addresses, or NULL. */
    const char *replay_urls[2];
};

/* After the runtime is open; it must be told of durable records by dure_feed_durable. DURE_ENOMEM,
 * DURE_ESYSTEM (an address cannot be had). */
DURE_MUST_CHECK int dure_feed_open(struct dure_feed **feed, struct dure_runtime *rt,
                                   const struct dure_feed_options *options);
/* From rt->on_record, on the loop thread: a copy of some numbers, and a wake when somebody reads. */
void dure_feed_durable(struct dure_feed *feed, const struct dure_runtime *rt);
/* Before the stores are closed. */
void dure_feed_close(struct dure_feed *feed);

/* "inproc://dure-node-0.events" or, in a directory, "ipc:///dir/node-0.events". `door`: "events",
 * "replay". DURE_ETOOBIG: the directory's name is too long for a socket (107 bytes). */
DURE_MUST_CHECK int dure_feed_url(char *url, size_t size, const char *dir, int node,
                                  const char *door);

#endif
