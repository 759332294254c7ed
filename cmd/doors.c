/*
 * Opens feed and door of a lone node, which talk within the process (inproc). A port of -1 is off;
 * an address that cannot be had is an error, not a warning: who asks for a stream wants it. Loop
 * thread.
 */
#include "cmd/doors.h"

#include <stdio.h>
#include <string.h>

static const char *address(char *url, size_t size, const struct dure_config *config, int64_t port)
{
    bool v6 = strchr(config->host, ':') != NULL;
    snprintf(url, size, "tcp://%s%s%s:%lld", v6 ? "[" : "", config->host, v6 ? "]" : "",
             (long long)port);
    return url;
}

static int open_door(struct dure_doors *doors, const struct dure_runtime *rt,
                     const struct dure_config *config)
{
    char events[DURE_SOCK_URL_BYTES], replay[DURE_SOCK_URL_BYTES], groups[1100];
    snprintf(groups, sizeof groups, "%s/groups", config->data);
    struct dure_door_options options = {
        .sources = doors->sources, .sources_count = doors->sources_count,
        .shards = rt->options.shards, .groups_dir = groups};
    if (config->events >= 0)
        options.events_url = address(events, sizeof events, config, config->events);
    if (config->replay >= 0)
        options.replay_url = address(replay, sizeof replay, config, config->replay);
    if (options.events_url == NULL && options.replay_url == NULL) return 0;
    const char *url;
    int rv = dure_door_open(&doors->door, &options, &url);
    if (rv != 0) {
        fprintf(stderr, "dure node: cannot serve the event stream on %s: %s\n", url,
                rv == DURE_ESYSTEM ? "the address is taken or not ours" : dure_error_info(rv)->text);
    }
    return rv;
}

int dure_doors_open(struct dure_doors *doors, struct dure_runtime *rt,
                    const struct dure_config *config)
{
    *doors = (struct dure_doors){.sources_count = 1};
    struct dure_source_url *source = &doors->sources[0];
    int rv = dure_feed_url(source->events, sizeof source->events, NULL, 0, "events");
    if (rv == 0) rv = dure_feed_url(source->replay, sizeof source->replay, NULL, 0, "replay");
    struct dure_feed_options options = {.nodes = 1, .urls = {source->events},
                                        .replay_urls = {source->replay}};
    if (rv == 0) rv = dure_feed_open(&doors->feed, rt, &options);
    if (rv != 0) {
        fprintf(stderr, "dure node: the event stream cannot start: %s\n", dure_error_info(rv)->text);
    }
    return rv == 0 ? open_door(doors, rt, config) : rv;
}

void dure_doors_announce(const struct dure_doors *doors, const struct dure_config *config)
{
    char url[DURE_SOCK_URL_BYTES];
    if (doors->door == NULL) return;
    if (config->events >= 0) {
        printf("dure node: events on %s\n",
               address(url, sizeof url, config, dure_door_events_port(doors->door)));
    }
    if (config->replay >= 0) {
        printf("dure node: replay on %s\n",
               address(url, sizeof url, config, dure_door_replay_port(doors->door)));
    }
}

void dure_doors_close(struct dure_doors *doors)
{
    dure_door_close(doors->door);
    dure_feed_close(doors->feed);
    doors->door = NULL;
    doors->feed = NULL;
}
