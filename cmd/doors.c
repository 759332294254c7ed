/*
 * Opens feed and door.
 *
 *   lone node    feed and door talk within the process (inproc)
 *   cluster      each node's feed listens on RUN/node-i.events and RUN/node-i.replay (ipc), or where
 *                the cluster file says (tcp), and within its process for its own /events; the
 *                supervisor's door follows all of them
 *
 * An address that cannot be had is an error, not a warning: who asks for a stream wants it.
 */
#include "cmd/doors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/logline.h"

static const char *address(char *url, size_t size, const char *host, int64_t port)
{
    bool v6 = strchr(host, ':') != NULL;
    snprintf(url, size, "tcp://%s%s%s:%lld", v6 ? "[" : "", host, v6 ? "]" : "", (long long)port);
    return url;
}

static int urls_of(struct dure_source_url *source, const char *dir, int node)
{
    int rv = dure_feed_url(source->events, sizeof source->events, dir, node, "events");
    return rv != 0 ? rv : dure_feed_url(source->replay, sizeof source->replay, dir, node, "replay");
}

static void copy_urls(struct dure_source_url *source, const struct dure_cluster_file *cluster,
                      int node)
{
    _Static_assert(sizeof source->events == sizeof cluster->events[0], "one length of addresses");
    memcpy(source->events, cluster->events[node], sizeof source->events);
    memcpy(source->replay, cluster->replay[node], sizeof source->replay);
}

/* A socket's path has at most 107 bytes: a longer one goes through the open directory. */
static int find_dir(struct dure_doors *doors, const char *dir, char *name, size_t size)
{
    struct dure_source_url trial;
    int len = snprintf(name, size, "%s", dir);
    bool made = mkdir(dir, 0755) == 0 || errno == EEXIST;
    bool fits = len > 0 && (size_t)len < size;
    if (made && fits && urls_of(&trial, name, DURE_SOURCES_MAX) == 0) return 0;
    if (made) doors->run_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (doors->run_fd < 0) {
        dure_logline_now("error", "%s: %s", dir, strerror(errno));
        return DURE_ESYSTEM;
    }
    snprintf(name, size, "/proc/self/fd/%d", doors->run_fd);
    return 0;
}

static int list_sources(struct dure_doors *doors, const struct dure_doors_options *options)
{
    const struct dure_cluster_file *cluster = options->cluster;
    bool told = cluster != NULL && cluster->events[0][0] != '\0';
    char dir[108] = "";
    *doors = (struct dure_doors){.sources_count = (size_t)options->nodes, .run_fd = -1};
    if (options->nodes < 1 || options->nodes > DURE_SOURCES_MAX) {
        dure_logline_now("error", "the event stream takes 1 to %d nodes", DURE_SOURCES_MAX);
        return DURE_ETOOBIG;
    }
    int rv = options->run_dir == NULL || told
                 ? 0 : find_dir(doors, options->run_dir, dir, sizeof dir);
    for (int i = 0; rv == 0 && i < options->nodes; i++) {
        if (told) copy_urls(&doors->sources[i], cluster, i);
        else rv = urls_of(&doors->sources[i], dir, i);
    }
    return rv;
}

static int open_door(struct dure_doors *doors, const struct dure_doors_options *options)
{
    char events[DURE_SOCK_URL_BYTES], replay[DURE_SOCK_URL_BYTES];
    struct dure_door_options door = {
        .sources = doors->sources, .sources_count = doors->sources_count,
        .shards = options->shards, .groups_dir = options->groups_dir};
    if (options->events >= 0)
        door.events_url = address(events, sizeof events, options->host, options->events);
    if (options->replay >= 0)
        door.replay_url = address(replay, sizeof replay, options->host, options->replay);
    if (door.events_url == NULL && door.replay_url == NULL) return 0;
    const char *url;
    int rv = dure_door_open(&doors->door, &door, &url);
    if (rv != 0) {
        dure_logline_now("error", "cannot serve the event stream on %s: %s", url,
                rv == DURE_ESYSTEM ? "the address is taken or not ours" : dure_error_info(rv)->text);
    }
    return rv;
}

int dure_doors_open_node(struct dure_doors *doors, struct dure_runtime *rt,
                         const struct dure_doors_options *options)
{
    int rv = list_sources(doors, options);
    if (rv != 0) return rv;
    struct dure_source_url *own = &doors->sources[options->node];
    struct dure_source_url outside = *own;
    rv = urls_of(own, NULL, options->node);
    DURE_ASSERT(rv == 0); /* A short name. */
    struct dure_feed_options feed = {
        .node = options->node, .nodes = options->nodes, .urls = {own->events},
        .replay_urls = {own->replay}};
    if (options->run_dir != NULL) {
        feed.urls[1] = outside.events;
        feed.replay_urls[1] = outside.replay;
    }
    rv = dure_feed_open(&doors->feed, rt, &feed);
    if (rv != 0) {
        dure_logline_now("error", "the event stream cannot start: %s", dure_error_info(rv)->text);
        return rv;
    }
    return options->run_dir == NULL ? open_door(doors, options) : 0;
}

int dure_doors_open_cluster(struct dure_doors *doors, const struct dure_doors_options *options)
{
    int rv = list_sources(doors, options);
    return rv == 0 ? open_door(doors, options) : rv;
}

uint16_t dure_doors_port(const struct dure_doors *doors, const struct dure_doors_options *options,
                         int which)
{
    bool replay = which == 1;
    if (doors->door == NULL || (replay ? options->replay : options->events) < 0) return 0;
    return replay ? dure_door_replay_port(doors->door) : dure_door_events_port(doors->door);
}

const char *dure_doors_url(const struct dure_doors *doors, const struct dure_doors_options *options,
                           int which, char *url, size_t size)
{
    uint16_t port = dure_doors_port(doors, options, which);
    if (port == 0) return NULL;
    address(url, size, options->host, port);
    return which == 1 ? "replay" : "events";
}

void dure_doors_close(struct dure_doors *doors)
{
    dure_door_close(doors->door);
    dure_feed_close(doors->feed);
    if (doors->sources_count > 0 && doors->run_fd >= 0) close(doors->run_fd);
    *doors = (struct dure_doors){0};
}
