/*
 * Where the events come from: the nodes of a cluster (shard s is of source s % count), or one door
 * that speaks for all of them. Asks them for replay and puts the answers together.
 */
#ifndef DURE_PROTO_SOURCES_H
#define DURE_PROTO_SOURCES_H

#include "proto/sock.h"
#include "proto/stream.h"

#define DURE_SOURCES_MAX 64

struct dure_source_url {
    char events[DURE_SOCK_URL_BYTES], replay[DURE_SOCK_URL_BYTES];
};

struct dure_sources {
    size_t count;
    struct dure_source_url urls[DURE_SOURCES_MAX];
    struct dure_req *reqs[DURE_SOURCES_MAX];
    int timeout_ms; /* Of one answer; set by open, may be changed. */
};

/* Copies the urls. DURE_ENOMEM, DURE_ESYSTEM, DURE_EINVAL (a URL). */
DURE_MUST_CHECK int dure_sources_open(struct dure_sources *sources,
                                      const struct dure_source_url *urls, size_t count);
/* Safe on a half-opened or zeroed one. */
void dure_sources_close(struct dure_sources *sources);

static inline bool dure_sources_owns(const struct dure_sources *sources, size_t source,
                                     uint32_t shard)
{
    return shard % sources->count == source;
}

/*
 * One source's answer: reply->at gets the places of its shards (the others stay as they are), lines
 * and count are added. Any thread. DURE_EUNAVAILABLE and the refusals of stream.h.
 */
DURE_MUST_CHECK int dure_sources_ask(struct dure_sources *sources, size_t source,
                                     const struct dure_stream_request *request,
                                     struct dure_stream_reply *reply);
/*
 * All of them; for DURE_STREAM_LAST the newest of all, by their time. Who does not answer is listed as missing: its shards stay where they were, at 0 for
 * a start and at NONE for an end. Any thread. DURE_EUNAVAILABLE: nobody answered.
 */
DURE_MUST_CHECK int dure_sources_replay(struct dure_sources *sources,
                                        const struct dure_stream_request *request,
                                        struct dure_stream_reply *reply);

#endif
