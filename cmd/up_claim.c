/*
 * What `dure up` must hold before it starts a node.
 *
 *   1. the directory, and in it run/ and a lock; a node inherits the lock's descriptor, so that the
 *      directory stays taken while the nodes of a supervisor that died are still stopping
 *   2. the cluster file: written for a new directory, else read and compared with the options
 *   3. the HTTP port: nobody else may have it, and we stay bound to it
 *
 * Fails with a sentence. Before the loop runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/up.h"

__attribute__((format(printf, 2, 3)))
static int refuse(int rv, const char *fmt, ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    dure_logline_now("error", "%s", sentence);
    return rv;
}

/* ---- Directory and lock -----------------------------------------------------------------------*/

static bool make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Process that took the lock, as it wrote; 0: unreadable. */
static pid_t holder(int lock)
{
    char text[32] = "";
    ssize_t len = pread(lock, text, sizeof text - 1, 0);
    return len > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static bool alive(pid_t pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* While the supervisor that took it is dead, its nodes are on their way out: waits for them. */
static int take_lock(int lock, const struct dure_up_options *options)
{
    uint64_t left_ms = options->drain_ms + DURE_SUPERVISOR_DRAINED_MS + DURE_SUPERVISOR_LEAVE_MS;
    bool said = false;
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return refuse(DURE_ESYSTEM, "%s/run/lock: %s", options->data, strerror(errno));
        pid_t pid = holder(lock);
        if (alive(pid))
            return refuse(DURE_ELOCKED, "%s is in use: process %d runs a cluster on it",
                          options->data, (int)pid);
        if (left_ms < 10)
            return refuse(DURE_ELOCKED, "%s is in use: nodes of an earlier `dure up` still run",
                          options->data);
        if (!said) printf("dure up: waiting for the nodes of an earlier `dure up` to stop\n");
        said = true;
        fflush(stdout);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        left_ms -= 10;
    }
    char text[32];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)len, 0) == len) return 0;
    return refuse(DURE_ESYSTEM, "%s/run/lock: %s", options->data, strerror(errno));
}

static int claim_dir(struct dure_up_claim *claim, const struct dure_up_options *options)
{
    char path[DURE_CLUSTER_PATH_BYTES + 16];
    struct stat found;
    snprintf(path, sizeof path, "%s/journal", options->data);
    if (stat(path, &found) == 0)
        return refuse(DURE_EINVAL,
                      "%s holds the data of a lone node, and moving it into a cluster is not "
                      "possible yet: run it by `dure node --data %s`, or choose another --data",
                      options->data, options->data);
    if (!make_dir(options->data))
        return refuse(DURE_ESYSTEM, "cannot make %s: %s", options->data, strerror(errno));
    snprintf(path, sizeof path, "%s/run", options->data);
    if (!make_dir(path)) return refuse(DURE_ESYSTEM, "cannot make %s: %s", path, strerror(errno));
    claim->run_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (claim->run_dir >= 0)
        claim->lock = openat(claim->run_dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (claim->lock < 0) return refuse(DURE_ESYSTEM, "cannot open %s: %s", path, strerror(errno));
    return take_lock(claim->lock, options);
}

/* ---- Cluster file -----------------------------------------------------------------------------*/

static int compare(const struct dure_up_claim *claim, const struct dure_up_options *options)
{
    const struct dure_cluster_file *cluster = &claim->cluster;
    if (options->nodes != 0 && options->nodes != cluster->nodes)
        return refuse(DURE_EINVAL,
                      "%s was made for %u node%s, not %u, and shards cannot move between nodes "
                      "yet: start it with --nodes %u, or choose another --data",
                      options->data, cluster->nodes, cluster->nodes == 1 ? "" : "s",
                      options->nodes, cluster->nodes);
    if (options->shards != 0 && options->shards != cluster->shards)
        return refuse(DURE_EINVAL, "%s has %u shards, not %u: every id carries its shard, so the "
                      "number cannot change", options->data, cluster->shards, options->shards);
    return 0;
}

static int claim_cluster(struct dure_up_claim *claim, const struct dure_up_options *options)
{
    struct stat found;
    if (stat(claim->file, &found) == 0) {
        int rv = dure_cluster_file_read(&claim->cluster, claim->file);
        return rv == 0 ? compare(claim, options) : rv;
    }
    uint32_t nodes = options->nodes != 0 ? options->nodes : DURE_UP_NODES_DEFAULT;
    uint32_t shards = options->shards != 0 ? options->shards : DURE_SHARDS_DEFAULT;
    if (nodes > shards)
        return refuse(DURE_EINVAL, "%u nodes need at least as many --shards", nodes);
    dure_cluster_file_local(&claim->cluster, options->data, shards, nodes);
    return dure_cluster_file_write(&claim->cluster, claim->file);
}

/* ---- Port -------------------------------------------------------------------------------------*/

static int bind_port(const struct dure_up_options *options, bool shared, uint16_t *port)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
    socklen_t len = sizeof *in;
    if (uv_ip4_addr(options->host, *port, in) != 0) {
        len = sizeof *in6;
        if (uv_ip6_addr(options->host, *port, in6) != 0) {
            errno = EADDRNOTAVAIL;
            return -1;
        }
    }
    int on = 1, share = shared, fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &share, sizeof share) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    *port = ntohs(address.ss_family == AF_INET6 ? in6->sin6_port : in->sin_port);
    return fd;
}

/* First as somebody who shares with nobody, then for good as one of the nodes that share it. */
static int claim_port(struct dure_up_claim *claim, struct dure_up_options *options)
{
    int alone = bind_port(options, false, &options->http);
    if (alone >= 0) {
        close(alone);
        claim->port = bind_port(options, true, &options->http);
    }
    if (claim->port >= 0) return 0;
    if (errno == EADDRINUSE)
        return refuse(DURE_ESYSTEM, "port %u of %s is in use by another program: choose another "
                      "--http", options->http, options->host);
    return refuse(DURE_ESYSTEM, "cannot listen on %s:%u: %s", options->host, options->http,
                  strerror(errno));
}

/* ---- All --------------------------------------------------------------------------------------*/

int dure_up_claim(struct dure_up_claim *claim, struct dure_up_options *options)
{
    *claim = (struct dure_up_claim){.run_dir = -1, .lock = -1, .port = -1};
    if (strlen(options->data) >= DURE_CLUSTER_PATH_BYTES - sizeof DURE_UP_CLUSTER_NAME)
        return refuse(DURE_EINVAL, "the path of --data is too long");
    snprintf(claim->file, sizeof claim->file, "%s/%s", options->data, DURE_UP_CLUSTER_NAME);
    int rv = claim_dir(claim, options);
    if (rv == 0) rv = claim_cluster(claim, options);
    if (rv == 0) rv = claim_port(claim, options);
    if (rv != 0) dure_up_claim_close(claim);
    return rv;
}

void dure_up_claim_close(struct dure_up_claim *claim)
{
    if (claim->port >= 0) close(claim->port);
    if (claim->run_dir >= 0) close(claim->run_dir);
    if (claim->lock >= 0) close(claim->lock);
    claim->port = claim->run_dir = claim->lock = -1;
}
