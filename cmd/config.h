/*
 * The settings of a node, from one table: flags win over the environment (DURE_*), which wins over
 * the file (--config FILE or DURE_CONFIG, "name = value" lines; # at the start of a line or behind a
 * blank begins a comment; a value may stand in double quotes, with \" and \\ in it). Unknown names are
 * errors everywhere.
 */
#ifndef DURE_CMD_CONFIG_H
#define DURE_CMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/errors.h"

struct dure_config {
    char data[1024];      /* Data directory. */
    char host[64];        /* Address to listen on. */
    int64_t http;         /* Port. */
    int64_t events, replay;
    char root[32];        /* System of the colliding unprefixed paths. */
    char systems[128];    /* "" or "shop,bike": the ones served. */
    int64_t shards;       /* Of a new data directory. */
    int64_t memory_mb;    /* Budget for actors. */
    int64_t asks_max, connections_max, pipeline_max, body_bytes_max;
    int64_t requests_bytes_max;    /* Requests that are arriving or unanswered, all together. */
    int64_t unread_bytes_max;      /* Answers that clients have not read, all together. */
    int64_t bulk_unread_bytes_max; /* Results that a bulk client has not read. */
    int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms, drain_ms;
    int64_t sse_heartbeat_ms;
    char cluster[1024];   /* Cluster file; "": a cluster of one. */
    int64_t http_shared;  /* Several nodes listen on the port. */
    int64_t node;         /* Our number in it. */
    int64_t bike_fare;    /* Points. */
    char meter[1024];     /* Of dr: simulated, manual, or http:URL. */
    char notify[1024];    /* log, or webhook:URL. */
    char notify_secret[512];
    int64_t notify_private; /* Webhooks may go to private addresses. */
    int64_t pin;          /* CPU to run on; -1: any. */
    int64_t supervisor;   /* Descriptor of the leash (leash.h); -1: none. */
    int64_t door_events, door_replay; /* Ports of the supervisor's door, for /asyncapi.json. */
    char outage[64];      /* For tests: "food.food=down" or "food.food=700" (ms); "": none. */
    int64_t trace_percent; /* Of requests without a traceparent. */
    char log_format[16], log_requests[16];
    bool print_config, json;
};

/*
 * Fills *config from argv[1 …]. 0, or DURE_EINVAL after a message on stderr that names what is
 * wrong. --help and --usage print and exit.
 */
DURE_MUST_CHECK int dure_config_read(struct dure_config *config, int argc, char **argv);

/* Whether the settings make sense together: an address, systems that there are, bounds that leave
 * room for each other. 0, or DURE_EINVAL after a message on stderr. dure_config_read calls it. */
DURE_MUST_CHECK int dure_config_check(const struct dure_config *config);

/* Whether there is such a setting and it can have this value: 0, or DURE_EINVAL after a message on
 * stderr that names the source. */
DURE_MUST_CHECK int dure_config_try(const char *name, const char *value, const char *source);

/* One "name = value" line per setting, which --config reads back to the same; or, with `json`, one
 * object. */
void dure_config_print(const struct dure_config *config, FILE *out);

#endif
