/*
 * Reading and writing the cluster file.
 *
 *   1. read   lines into the table, each checked where it stands, then what is missing
 *   2. write  a new file beside it, synced, then renamed over it
 *
 * Relative paths of TLS files become absolute by the file's directory; those of ipc addresses stay,
 * since the bus knows how to shorten a path that is too long for a socket. Any thread.
 */
#include "cmd/cluster_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/pairs.h"

static int refuse(const char *source, const char *name, const char *why)
{
    fprintf(stderr, "dure: %s: %s %s\n", source, name, why);
    return DURE_EINVAL;
}

static int read_number(uint32_t *number, uint32_t max, const char *name, const char *value,
                       const char *source)
{
    char *end;
    errno = 0;
    unsigned long long read = strtoull(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || *value == '-' || read < 1 || read > max)
        return refuse(source, name, "is no number in its range");
    *number = (uint32_t)read;
    return 0;
}

static int read_text(char *text, size_t size, const char *name, const char *value,
                     const char *source)
{
    if ((size_t)snprintf(text, size, "%s", value) >= size)
        return refuse(source, name, "is too long");
    return 0;
}

static int read_path(const struct dure_cluster_file *cluster, char *path, const char *name,
                     const char *value, const char *source)
{
    const char *dir = *value == '/' ? "" : cluster->dir, *slash = *value == '/' ? "" : "/";
    size_t size = DURE_CLUSTER_PATH_BYTES;
    if ((size_t)snprintf(path, size, "%s%s%s", dir, slash, value) >= size)
        return refuse(source, name, "is too long");
    return 0;
}

/* The number in "bus-1", or -1. */
static long node_of(const char *name)
{
    const char *number = strchr(name, '-') + 1;
    char *end;
    unsigned long node = strtoul(number, &end, 10);
    return *number < '0' || *number > '9' || *end != '\0' || node >= DURE_NODES_MAX ? -1 : (long)node;
}

static int read_bus(struct dure_cluster_file *cluster, const char *name, const char *value,
                    const char *source)
{
    long node = node_of(name);
    if (node < 0) return refuse(source, name, "names no node");
    if (strncmp(value, "ipc://", 6) != 0 && strncmp(value, "tcp://", 6) != 0 &&
        strncmp(value, "tls+tcp://", 10) != 0)
        return refuse(source, name,
                      "is no address: ipc://PATH, tcp://HOST:PORT or "
                      "tls+tcp://HOST:PORT");
    return read_text(cluster->bus[node], sizeof cluster->bus[node], name, value, source);
}

static int read_stream(char (*urls)[DURE_CLUSTER_STREAM_BYTES], const char *name, const char *value,
                       const char *source)
{
    long node = node_of(name);
    if (node < 0) return refuse(source, name, "names no node");
    if (strncmp(value, "tcp://", 6) != 0)
        return refuse(source, name, "is no address: tcp://HOST:PORT");
    return read_text(urls[node], sizeof urls[node], name, value, source);
}

static int read_pair(void *arg, const char *name, const char *value, const char *source)
{
    struct dure_cluster_file *cluster = arg;
    if (strcmp(name, "shards") == 0)
        return read_number(&cluster->shards, DURE_SHARDS_MAX, name, value, source);
    if (strcmp(name, "nodes") == 0)
        return read_number(&cluster->nodes, DURE_NODES_MAX, name, value, source);
    if (strncmp(name, "bus-", 4) == 0) return read_bus(cluster, name, value, source);
    if (strncmp(name, "events-", 7) == 0) return read_stream(cluster->events, name, value, source);
    if (strncmp(name, "replay-", 7) == 0) return read_stream(cluster->replay, name, value, source);
    if (strcmp(name, "tls-ca") == 0)
        return read_path(cluster, cluster->tls_ca, name, value, source);
    if (strcmp(name, "tls-cert") == 0)
        return read_path(cluster, cluster->tls_cert, name, value, source);
    if (strcmp(name, "tls-key") == 0)
        return read_path(cluster, cluster->tls_key, name, value, source);
    if (strcmp(name, "tls-name") == 0)
        return read_text(cluster->tls_name, sizeof cluster->tls_name, name, value, source);
    return refuse(source, name, "is no setting of a cluster file");
}

/* The stream's addresses are those of all nodes, or there are none. */
static int check_stream(const struct dure_cluster_file *cluster, const char *path)
{
    bool wanted = cluster->events[0][0] != '\0';
    for (uint32_t i = 0; i < DURE_NODES_MAX; i++) {
        bool expected = wanted && i < cluster->nodes;
        if ((cluster->events[i][0] != '\0') == expected && (cluster->replay[i][0] != '\0') == expected)
            continue;
        char name[32];
        snprintf(name, sizeof name, "events-%u and replay-%u", i, i);
        return refuse(path, name, "are for every node, or for none");
    }
    return 0;
}

/* What is missing, or contradicts itself. */
static int check(const struct dure_cluster_file *cluster, const char *path)
{
    if (cluster->shards == 0) return refuse(path, "shards", "is missing");
    if (cluster->nodes == 0) return refuse(path, "nodes", "is missing");
    if (cluster->nodes > cluster->shards)
        return refuse(path, "nodes", "are more than shards: some would own nothing");
    for (uint32_t i = 0; i < DURE_NODES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "bus-%u", i);
        bool there = cluster->bus[i][0] != '\0', tls = strncmp(cluster->bus[i], "tls", 3) == 0;
        if (i >= cluster->nodes && there) return refuse(path, name, "belongs to no node");
        if (i < cluster->nodes && cluster->nodes > 1 && !there)
            return refuse(path, name, "is missing");
        if (tls && (!cluster->tls_ca[0] || !cluster->tls_cert[0] || !cluster->tls_key[0]))
            return refuse(path, name, "needs tls-ca, tls-cert and tls-key");
    }
    return check_stream(cluster, path);
}

static void set_dir(struct dure_cluster_file *cluster, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        strcpy(cluster->dir, ".");
    else if (slash == path)
        strcpy(cluster->dir, "/");
    else
        snprintf(cluster->dir, sizeof cluster->dir, "%.*s", (int)(slash - path), path);
}

int dure_cluster_file_read(struct dure_cluster_file *cluster, const char *path)
{
    *cluster = (struct dure_cluster_file){0};
    if (strlen(path) >= sizeof cluster->dir) return refuse(path, "its path", "is too long");
    set_dir(cluster, path);
    int rv = dure_pairs_read(path, read_pair, cluster);
    return rv == 0 ? check(cluster, path) : rv;
}

void dure_cluster_file_local(struct dure_cluster_file *cluster, const char *dir, uint32_t shards,
                             uint32_t nodes)
{
    *cluster = (struct dure_cluster_file){.shards = shards, .nodes = nodes};
    snprintf(cluster->dir, sizeof cluster->dir, "%s", dir);
    for (uint32_t i = 0; i < nodes; i++)
        snprintf(cluster->bus[i], sizeof cluster->bus[i], "ipc://run/node-%u.bus", i);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void print(const struct dure_cluster_file *cluster, FILE *file)
{
    const char *const texts[][2] = {{"tls-ca", cluster->tls_ca},
                                    {"tls-cert", cluster->tls_cert},
                                    {"tls-key", cluster->tls_key},
                                    {"tls-name", cluster->tls_name}};
    fprintf(file, "# What all nodes of this data directory agree on. Shard s belongs to node s %% "
                  "nodes, for good.\n");
    fprintf(file, "shards = %u\nnodes = %u\n", cluster->shards, cluster->nodes);
    for (uint32_t i = 0; i < cluster->nodes; i++)
        fprintf(file, "bus-%u = %s\n", i, cluster->bus[i]);
    for (uint32_t i = 0; cluster->events[0][0] != '\0' && i < cluster->nodes; i++)
        fprintf(file, "events-%u = %s\nreplay-%u = %s\n", i, cluster->events[i], i, cluster->replay[i]);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (*texts[i][1] != '\0') fprintf(file, "%s = %s\n", texts[i][0], texts[i][1]);
    }
}

static int write_file(const struct dure_cluster_file *cluster, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) return -1;
    print(cluster, file);
    bool fine = fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && fine ? 0 : -1;
}

int dure_cluster_file_write(const struct dure_cluster_file *cluster, const char *path)
{
    char beside[DURE_CLUSTER_PATH_BYTES + 8], run[DURE_CLUSTER_PATH_BYTES + 8];
    snprintf(beside, sizeof beside, "%.1020s.new", path);
    snprintf(run, sizeof run, "%s/run", cluster->dir);
    bool fine = mkdir(cluster->dir, 0700) == 0 || errno == EEXIST;
    fine = fine && (mkdir(run, 0700) == 0 || errno == EEXIST);
    fine = fine && write_file(cluster, beside) == 0 && rename(beside, path) == 0;
    if (fine) return 0;
    int error = errno;
    fprintf(stderr, "dure: %s: %s\n", path, strerror(error));
    unlink(beside);
    return dure_error_from_errno(error);
}
