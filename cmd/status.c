/*
 * dure status: what a cluster is doing.
 *
 *   1. `dure up` answers on DIR/run/up.status: nodes, shards, positions, lags
 *   2. GET /sagas of the cluster tells which sagas are parked
 *   3. printed as a table, or as it came with --json
 *
 * Exit status: 0 when all nodes serve, 1 when one does not or nothing runs, 2 wrong usage.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/parse.h"
#include "cmd/up.h"
#include "runtime/buf.h"

#define PATIENCE_S 3
#define ANSWER_BYTES_MAX (64u << 20)

struct status {
    const char *data;
    bool json;
};

/* ---- Asking -----------------------------------------------------------------------------------*/

static int connect_to(const struct sockaddr *address, socklen_t len)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, address, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* To the end of the stream. False: it broke, took too long, or is no answer of ours. */
static bool read_all(int fd, struct dure_buf *out)
{
    for (;;) {
        ssize_t len = read(fd, dure_buf_reserve(out, 65536), 65536);
        if (len < 0 && errno == EINTR) continue;
        if (len < 0 || out->len + (size_t)len > ANSWER_BYTES_MAX) return false;
        if (len == 0) return true;
        out->len += (size_t)len;
    }
}

/* By the directory's descriptor, since its path may be longer than a socket's may be. */
static int connect_to_up(const char *data)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char run[DURE_CLUSTER_PATH_BYTES + 16];
    snprintf(run, sizeof run, "%s/run", data);
    int dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, DURE_UP_SOCKET);
    int fd = connect_to((struct sockaddr *)&address, sizeof address);
    int error = errno;
    close(dir);
    errno = error;
    return fd;
}

static json_t *ask_up(const struct status *status, struct dure_buf *text)
{
    int fd = connect_to_up(status->data);
    json_t *answer = NULL;
    if (fd >= 0 && read_all(fd, text)) answer = json_loadb(text->data, text->len, 0, NULL);
    if (fd >= 0) close(fd);
    return answer;
}

static int connect_to_http(const json_t *up)
{
    struct sockaddr_storage address = {0};
    const char *host = json_string_value(json_object_get(up, "host"));
    int port = (int)json_integer_value(json_object_get(up, "http"));
    socklen_t len = sizeof(struct sockaddr_in);
    if (host == NULL) return -1;
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) != 0) {
        len = sizeof(struct sockaddr_in6);
        if (uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address) != 0) return -1;
    }
    return connect_to((struct sockaddr *)&address, len);
}

/* The sagas under way; NULL when no node answers in time. */
static json_t *ask_sagas(const json_t *up)
{
    static const char request[] =
        "GET /sagas HTTP/1.0\r\nHost: dure\r\nAccept: application/json\r\n\r\n";
    struct dure_buf text = {0};
    json_t *sagas = NULL;
    int fd = connect_to_http(up);
    if (fd >= 0 && send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1 &&
        read_all(fd, &text)) {
        char *body = memmem(text.data, text.len, "\r\n\r\n", 4);
        if (body != NULL)
            sagas = json_loadb(body, text.len - (size_t)(body - text.data), 0, NULL);
    }
    if (fd >= 0) close(fd);
    dure_buf_fini(&text);
    return sagas;
}

/* ---- Printing ---------------------------------------------------------------------------------*/

static long long number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

static void print_member(const json_t *member)
{
    const json_t *says = json_object_get(member, "says");
    bool answered = json_is_object(says);
    const char *state = text(member, "state");
    if (strcmp(state, "ready") == 0 && !answered) state = "silent";
    if (strcmp(state, "ready") == 0 && number(says, "unreachable") > 0) state = "apart";
    printf("%4lld  %-9s", number(member, "node"), state);
    if (number(member, "pid") != 0) printf(" %8lld", number(member, "pid"));
    else printf(" %8s", "-");
    printf(" %6lld %8lld", number(member, "shards"), number(member, "restarts"));
    if (answered) {
        printf(" %10lld %10lld %12lld %9lld %7lld %7lld\n", number(says, "aggregates"),
               number(says, "lsn"), number(says, "lsn") - number(says, "checkpoint"),
               number(says, "commands"), number(says, "unacknowledged"), number(says, "sagas"));
    } else {
        printf(" %10s %10s %12s %9s %7s %7s\n", "-", "-", "-", "-", "-", "-");
    }
}

static void print_why(const json_t *member)
{
    const char *state = text(member, "state"), *why = text(member, "why");
    if (strcmp(state, "starting") == 0 && number(member, "toRecover") > 0)
        printf("node %lld recovers: record %lld of %lld\n", number(member, "node"),
               number(member, "recovered"), number(member, "toRecover"));
    if (*why != '\0' && (strcmp(state, "down") == 0 || strcmp(state, "restart") == 0))
        printf("node %lld %s\n", number(member, "node"), why);
}

static void print_parked(json_t *sagas)
{
    json_t *list = json_object_get(json_object_get(sagas, "_embedded"), "sagas"), *saga;
    size_t i, parked = 0;
    if (!json_is_array(list)) {
        printf("parked sagas: unknown, since no node answers\n");
        return;
    }
    json_array_foreach(list, i, saga) {
        if (!json_is_true(json_object_get(saga, "parked"))) continue;
        if (parked++ == 0) printf("parked sagas (retry or skip: POST /sagas/TYPE/ID/retry):\n");
        printf("  %s %lld at %s since %s: %s\n", text(saga, "type"), number(saga, "id"),
               text(saga, "step"), text(saga, "since"), text(saga, "reason"));
    }
    if (parked == 0) printf("parked sagas: none\n");
}

static void print_all(const json_t *up, json_t *sagas)
{
    const json_t *members = json_object_get(up, "members"), *member;
    size_t i;
    printf("%s: %lld nodes, %lld shards, http://%s:%lld, supervisor %lld\n\n", text(up, "data"),
           number(up, "nodes"), number(up, "shards"), text(up, "host"), number(up, "http"),
           number(up, "pid"));
    printf("%4s  %-9s %8s %6s %8s %10s %10s %12s %9s %7s %7s\n", "node", "state", "process",
           "shards", "restarts", "aggregates", "record", "unflushed", "commands", "unacked",
           "sagas");
    json_array_foreach(members, i, member) print_member(member);
    putchar('\n');
    json_array_foreach(members, i, member) print_why(member);
    print_parked(sagas);
}

/* ---- Command ----------------------------------------------------------------------------------*/

static bool all_serve(const json_t *up)
{
    const json_t *members = json_object_get(up, "members"), *member;
    size_t i;
    json_array_foreach(members, i, member) {
        if (strcmp(text(member, "state"), "ready") != 0) return false;
        const json_t *says = json_object_get(member, "says");
        if (!json_is_object(says) || number(says, "unreachable") > 0) return false;
    }
    return true;
}

static void say_nothing_runs(const struct status *status)
{
    static struct dure_cluster_file cluster;
    char file[DURE_CLUSTER_PATH_BYTES + 16];
    snprintf(file, sizeof file, "%s/%s", status->data, DURE_UP_CLUSTER_NAME);
    if (access(file, F_OK) != 0) {
        fprintf(stderr, "dure status: %s is no directory of `dure up`\n", status->data);
    } else if (dure_cluster_file_read(&cluster, file) == 0) {
        fprintf(stderr, "dure status: no `dure up` runs on %s (%u nodes, %u shards)\n",
                status->data, cluster.nodes, cluster.shards);
    }
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct status *status = state->input;
    switch (key) {
    case 'd': status->data = arg; return 0;
    case 'j': status->json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", arg); return 0;
    case ARGP_KEY_END:
        if (strlen(status->data) >= DURE_CLUSTER_PATH_BYTES)
            argp_error(state, "the path of --data is too long");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int dure_cmd_status(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"data", 'd', "DIR", 0, "The cluster's directory; default data", 0},
        {"json", 'j', NULL, 0, "One JSON object instead of a table", 0},
        {0},
    };
    struct argp argp = {
        .options = options, .parser = on_option,
        .doc = "Shows the nodes of a running `dure up`: what each does, where its journal is, and "
               "what waits.\v"
               "record: the last durable one; unflushed: records behind the last checkpoint, which "
               "a restart would replay; commands: under way; unacked: messages to other nodes that "
               "they have not taken yet; sagas: under way. A node that is suspended is silent; one that "
               "cannot reach all others is apart.\n\n"
               "Exit status: 0 when all nodes serve, 1 when not, 2 when the usage is wrong.",
    };
    struct status status = {.data = "data"};
    static char name[] = "dure status";
    if (dure_parse(&argp, name, argc, argv, &status) != 0) return DURE_EXIT_USAGE;
    struct dure_buf text = {0};
    json_t *up = ask_up(&status, &text);
    int exit_status = 1;
    if (up == NULL) {
        say_nothing_runs(&status);
    } else {
        json_t *sagas = ask_sagas(up);
        exit_status = all_serve(up) ? 0 : 1;
        if (status.json) {
            json_object_set(up, "sagas", sagas != NULL ? json_object_get(
                json_object_get(sagas, "_embedded"), "sagas") : json_null());
            json_dumpf(up, stdout, JSON_COMPACT);
            putchar('\n');
        } else {
            print_all(up, sagas);
        }
        json_decref(sagas);
        json_decref(up);
    }
    dure_buf_fini(&text);
    return exit_status;
}
