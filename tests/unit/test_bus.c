/*
 * Proves that questions between nodes are answered once and right over real sockets between real
 * processes: with queues of one datagram, a node that is stopped, killed and started again, and
 * paths that are too long for a socket. The other nodes are this program again (--node), and answer
 * every question with its own bytes.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/mesh.h"
#include "runtime/loop.h"

#define NODES_MAX 3
#define IN_FLIGHT 64
#define QUESTION_BYTES_MAX (200 * 1024)
/* Far more than anything here takes; only a hang reaches it. */
#define PATIENCE_S 120

static const char *program;

/* ---- A node --------------------------------------------------------------------------------- */

struct node {
    struct dure_loop loop;
    uv_loop_t uv;
    struct dure_runtime rt; /* Only its io is used. */
    struct dure_mesh *mesh;
    struct dure_buf frame;
};

static void echo(void *arg, const struct dure_remote_origin *origin, const void *bytes, size_t len)
{
    struct node *node = arg;
    node->frame.len = 0;
    dure_remote_begin(&node->frame);
    dure_buf_add(&node->frame, bytes, len);
    dure_remote_answer(dure_mesh_remotes(node->mesh), origin, &node->frame);
}

/* addresses: one a node, separated by blanks. */
static int node_open(struct node *node, uint16_t number, uint16_t nodes, const char *addresses,
                     int buffer, const char **message)
{
    static char text[4096];
    const char *list[NODES_MAX];
    snprintf(text, sizeof text, "%s", addresses);
    char *rest = text;
    for (uint16_t i = 0; i < nodes; i++) list[i] = strsep(&rest, " ");
    *node = (struct node){0};
    if (uv_loop_init(&node->uv) != 0 || dure_loop_init(&node->loop, &node->uv) != 0) return -1;
    node->rt.io = &node->loop.io;
    int rv = dure_mesh_open(&node->mesh, &node->loop.io, number, nodes, 64);
    if (rv != 0) return rv;
    dure_remote_serve(dure_mesh_remotes(node->mesh), DURE_PEER_FORWARD, echo, node);
    struct dure_bus_options options = {
        .node = number, .nodes = nodes, .addresses = list, .buffer = buffer};
    return dure_mesh_start(node->mesh, &node->uv, NULL, &options, message);
}

static void node_close(struct node *node)
{
    dure_remote_cut(dure_mesh_remotes(node->mesh));
    dure_mesh_stop(node->mesh);
    dure_loop_close(&node->loop);
    uv_run(&node->uv, UV_RUN_DEFAULT);
    dure_mesh_close(node->mesh);
    assert_int_equal(uv_loop_close(&node->uv), 0);
    dure_buf_fini(&node->frame);
}

static int serve(char **argv)
{
    static struct node node;
    const char *message = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rv = node_open(&node, (uint16_t)atoi(argv[0]), (uint16_t)atoi(argv[1]), argv[2],
                       atoi(argv[3]), &message);
    if (rv != 0) {
        fprintf(stderr, "node %s: %s\n", argv[0], message);
        return 1;
    }
    return uv_run(&node.uv, UV_RUN_DEFAULT);
}

/* ---- Other processes ------------------------------------------------------------------------ */

struct cluster {
    char dir[512], addresses[4096], buffer[16];
    uint16_t nodes;
    pid_t pids[NODES_MAX];
    struct node here; /* Node 0. */
};

static void start_node(struct cluster *cluster, uint16_t number)
{
    char numbers[2][16];
    snprintf(numbers[0], sizeof numbers[0], "%u", number);
    snprintf(numbers[1], sizeof numbers[1], "%u", cluster->nodes);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl(program, program, "--node", numbers[0], numbers[1], cluster->addresses,
              cluster->buffer, (char *)NULL);
        _exit(127);
    }
    cluster->pids[number] = pid;
}

static void end_node(struct cluster *cluster, uint16_t number)
{
    if (cluster->pids[number] == 0) return;
    assert_int_equal(kill(cluster->pids[number], SIGKILL), 0);
    assert_int_equal(waitpid(cluster->pids[number], NULL, 0), cluster->pids[number]);
    cluster->pids[number] = 0;
}

/* ports 0: sockets in the directory. */
static struct cluster *start_cluster(uint16_t nodes, int buffer, const char *below, int port)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    assert_non_null(cluster);
    cluster->nodes = nodes;
    snprintf(cluster->buffer, sizeof cluster->buffer, "%d", buffer);
    char base[] = "/tmp/dure-bus-XXXXXX";
    assert_non_null(mkdtemp(base));
    snprintf(cluster->dir, sizeof cluster->dir, "%s%s", base, below);
    if (below[0] != '\0') assert_int_equal(mkdir(cluster->dir, 0700), 0);
    for (uint16_t i = 0; i < nodes; i++) {
        size_t at = strlen(cluster->addresses), room = sizeof cluster->addresses - at;
        if (port > 0)
            snprintf(cluster->addresses + at, room, "%stcp://127.0.0.1:%d", i ? " " : "", port + i);
        else
            snprintf(cluster->addresses + at, room, "%sipc://%s/%u", i ? " " : "", cluster->dir, i);
    }
    for (uint16_t i = 1; i < nodes; i++) start_node(cluster, i);
    const char *message = NULL;
    int rv = node_open(&cluster->here, 0, nodes, cluster->addresses, buffer, &message);
    if (rv != 0) print_error("%s\n", message);
    assert_int_equal(rv, 0);
    return cluster;
}

static void end_cluster(struct cluster *cluster)
{
    for (uint16_t i = 1; i < cluster->nodes; i++) end_node(cluster, i);
    node_close(&cluster->here);
    char command[600];
    snprintf(command, sizeof command, "rm -rf %.20s", cluster->dir);
    assert_int_equal(system(command), 0);
    free(cluster);
}

/* ---- Questions ------------------------------------------------------------------------------ */

struct question {
    struct dure_remote remote;
    uint64_t seed;
    size_t len;
    bool asked, answered;
    int rv;
};

static struct question questions[IN_FLIGHT];

static uint8_t byte_of(uint64_t seed, size_t i)
{
    return (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static void on_answer(struct dure_remote *remote, int rv, const void *bytes, size_t len)
{
    struct question *question = (struct question *)remote;
    const uint8_t *got = bytes;
    assert_true(question->asked && !question->answered);
    question->answered = true;
    question->rv = rv;
    if (rv != 0) return;
    assert_int_equal(len, question->len);
    for (size_t i = 0; i < len; i++) {
        if (got[i] != byte_of(question->seed, i)) fail_msg("byte %zu of %zu is wrong", i, len);
    }
}

static int ask(struct cluster *cluster, struct question *question, uint16_t node, uint64_t seed,
               size_t len)
{
    *question = (struct question){.remote = {.done = on_answer}, .seed = seed, .len = len};
    struct dure_buf *frame = &cluster->here.frame;
    frame->len = 0;
    dure_remote_begin(frame);
    dure_buf_reserve(frame, len);
    for (size_t i = 0; i < len; i++) frame->data[frame->len++] = (char)byte_of(seed, i);
    struct dure_remotes *remotes = dure_mesh_remotes(cluster->here.mesh);
    int rv = dure_remote_ask(remotes, &question->remote, node, DURE_PEER_FORWARD, frame);
    question->asked = rv == 0;
    return rv;
}

static double now_s(void)
{
    return (double)uv_hrtime() / 1e9;
}

/* One round of the loop; a hang fails. */
static void turn(struct cluster *cluster, double began_s)
{
    uv_run(&cluster->here.uv, UV_RUN_ONCE);
    if (now_s() - began_s > PATIENCE_S) fail_msg("waited %d s in vain", PATIENCE_S);
}

/* Asks until it is answered: the node is there. */
static void wait_up(struct cluster *cluster, uint16_t node)
{
    double began_s = now_s();
    struct question question = {0};
    do {
        if (!question.asked || question.answered) {
            if (ask(cluster, &question, node, 1, 100) != 0) question.asked = false;
        }
        turn(cluster, began_s);
    } while (!question.answered || question.rv != 0);
}

/* Returns how many were answered by what they asked; the others failed with EUNAVAILABLE. */
static size_t ask_many(struct cluster *cluster, uint16_t node, size_t count)
{
    size_t started = 0, done = 0, right = 0;
    double began_s = now_s();
    memset(questions, 0, sizeof questions);
    while (done < count) {
        for (size_t i = 0; i < IN_FLIGHT; i++) {
            struct question *question = &questions[i];
            if (question->answered) {
                assert_true(question->rv == 0 || question->rv == DURE_EUNAVAILABLE);
                right += question->rv == 0;
                done++;
                *question = (struct question){0};
            }
            if (question->asked || started == count) continue;
            size_t len = started % 50 == 0 ? QUESTION_BYTES_MAX : (started * 37) % 3000;
            int rv = ask(cluster, question, node, started, len);
            assert_true(rv == 0 || rv == DURE_EBUSY || rv == DURE_EUNAVAILABLE);
            if (rv == DURE_EUNAVAILABLE) done++;
            if (rv != DURE_EBUSY) started++;
        }
        if (done < count) turn(cluster, began_s);
    }
    return right;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

/* Every question has its answer, whatever its size, with queues of one datagram that lose most. */
static void test_tiny_queues(void **state)
{
    (void)state;
    struct cluster *cluster = start_cluster(2, 1, "", 0);
    wait_up(cluster, 1);
    assert_int_equal(ask_many(cluster, 1, 3000), 3000);
    end_cluster(cluster);
}

static void test_tcp(void **state)
{
    (void)state;
    /* Above the ports of tests/lib/ports.py, and below those of clients. */
    struct cluster *cluster = start_cluster(2, 0, "", 30000 + getpid() % 1380 * 2);
    wait_up(cluster, 1);
    assert_int_equal(ask_many(cluster, 1, 3000), 3000);
    end_cluster(cluster);
}

/* A directory whose sockets' paths are too long for the kernel serves all the same. */
static void test_long_path(void **state)
{
    (void)state;
    char below[220] = "/";
    memset(below + 1, 'd', 200);
    struct cluster *cluster = start_cluster(2, 0, below, 0);
    wait_up(cluster, 1);
    assert_int_equal(ask_many(cluster, 1, 100), 100);
    end_cluster(cluster);
}

/* A stopped node fails what it was asked in well under a second, holds nobody else up, and is there
 * again when it goes on. */
static void test_stopped_node(void **state)
{
    (void)state;
    struct cluster *cluster = start_cluster(3, 64, "", 0);
    wait_up(cluster, 1);
    wait_up(cluster, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kill(cluster->pids[1], SIGSTOP), 0);
        struct question lost;
        double began_s = now_s();
        assert_int_equal(ask(cluster, &lost, 1, 5, 1000), 0);
        assert_int_equal(ask_many(cluster, 2, 1000), 1000);
        while (!lost.answered) turn(cluster, began_s);
        assert_int_equal(lost.rv, DURE_EUNAVAILABLE);
        assert_int_equal(ask(cluster, &lost, 1, 5, 1000), DURE_EUNAVAILABLE);
        assert_int_equal(kill(cluster->pids[1], SIGCONT), 0);
        wait_up(cluster, 1);
        assert_int_equal(ask_many(cluster, 1, 200), 200);
    }
    end_cluster(cluster);
}

/* A killed node fails what it was asked at once, long before its silence would say so, and serves
 * again after its restart. Nothing is answered twice or wrongly meanwhile. */
static void test_killed_node(void **state)
{
    (void)state;
    struct cluster *cluster = start_cluster(2, 0, "", 0);
    double fastest_s = PATIENCE_S;
    for (int i = 0; i < 5; i++) {
        wait_up(cluster, 1);
        assert_int_equal(ask_many(cluster, 1, 100), 100);
        end_node(cluster, 1);
        struct question lost = {0};
        double began_s = now_s();
        if (ask(cluster, &lost, 1, 5, 1000) == 0) {
            while (!lost.answered) turn(cluster, began_s);
            assert_int_equal(lost.rv, DURE_EUNAVAILABLE);
        }
        if (now_s() - began_s < fastest_s) fastest_s = now_s() - began_s;
        start_node(cluster, 1);
    }
    assert_true(fastest_s * 1000 < DURE_PEER_SILENCE_MS / 2);
    end_cluster(cluster);
}

/* What is no address, and a name that no socket can have, are refused in words. */
static void test_wrong_addresses(void **state)
{
    (void)state;
    char long_name[300] = "ipc:///tmp/";
    memset(long_name + 11, 'n', 200);
    const char *wrong[] = {"tcp://127.0.0.1:99999999", "ipc:///tmp/no such directory/node",
                           "ftp://127.0.0.1:1", long_name};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uv_loop_t uv;
        assert_int_equal(uv_loop_init(&uv), 0);
        const char *addresses[] = {wrong[i], "ipc:///tmp/dure-bus-nobody"}, *message = NULL;
        struct dure_bus_options options = {.node = 0, .nodes = 2, .addresses = addresses};
        struct dure_bus_user user = {0};
        struct dure_bus *bus = NULL;
        int rv = dure_bus_open(&bus, &uv, &options, &user, &message);
        if (rv == 0) print_error("%s was taken\n", wrong[i]);
        assert_true(rv == DURE_EINVAL || rv == DURE_ESYSTEM);
        assert_non_null(message);
        assert_true(strlen(message) > 10);
        uv_run(&uv, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&uv), 0);
    }
}

int main(int argc, char **argv)
{
    program = "/proc/self/exe";
    signal(SIGPIPE, SIG_IGN);
    if (argc == 6 && strcmp(argv[1], "--node") == 0) return serve(argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiny_queues), cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_long_path),   cmocka_unit_test(test_stopped_node),
        cmocka_unit_test(test_killed_node), cmocka_unit_test(test_wrong_addresses),
    };
    if (argc == 2) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
