/*
 * What has changed, by type: the counters of a node as a message of the event stream, and who compares
 * them with those before. Plain data has no events; this is how one learns that there is more of it.
 *
 *   @changes {"node":0,"epoch":81,"events":120,"types":{"shop.inventory":17,"shop.order-saga":3}}
 *
 * All counters each time, so that a lost message is healed by the next. `epoch` is of the process: a
 * node that was started again counts from 0. `events`: all there are in the node's shards.
 */
#ifndef DURE_PROTO_CHANGES_H
#define DURE_PROTO_CHANGES_H

#include "proto/sources.h"
#include "runtime/core.h"

#define DURE_CHANGES_TOPIC "@changes "
/* A node speaks every second; one that has not for so long is not there. */
#define DURE_CHANGES_SILENT_MS 3000

struct dure_changes {
    uint64_t epoch, events;
    uint64_t counts[DURE_TYPES_MAX]; /* Of the types of the registry. */
};
void dure_changes_write(int node, const struct dure_changes *changes, struct dure_buf *out);
/* Types that are not registered here are passed over. DURE_EINVAL: no such message. */
DURE_MUST_CHECK int dure_changes_read(const char *text, size_t len, uint32_t *node,
                                      struct dure_changes *changes);

/* ---- What is news of it -------------------------------------------------------------------------- */

struct dure_news {
    bool any;
    bool types[DURE_TYPES_MAX]; /* Some of these are different now. */
    uint64_t events;            /* So many were published since. */
};
void dure_news_add(struct dure_news *news, const struct dure_news *more);
/* Whatever there is may be different: what happened before is not known. */
void dure_news_all(struct dure_news *news);

struct dure_watch { /* Of all nodes; begins zeroed. */
    struct {
        bool there;
        int64_t heard_ms;
        struct dure_changes last;
    } nodes[DURE_SOURCES_MAX];
};
/* Adds what the message tells. A node that was not there, or is another process now: everything. */
void dure_watch_hear(struct dure_watch *watch, const char *text, size_t len, int64_t now_ms,
                     struct dure_news *news);
/* A node that has fallen silent takes its part out of every list: everything. */
void dure_watch_tick(struct dure_watch *watch, int64_t now_ms, struct dure_news *news);

#endif
