/*
 * The sockets of the event stream go on whatever others do to them: connections that break in the
 * middle of their handshake, and peers that speak another protocol.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/sock.h"

/* libnng 1.5 forgets messages that are under way when a socket is closed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libnng.so\n";
}

static char dir[] = "/tmp/dure-sock-XXXXXX";
static char path[64], url[96];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    if (mkdtemp(dir) == NULL) return -1;
    snprintf(path, sizeof path, "%s/socket", dir);
    snprintf(url, sizeof url, "ipc://%s", path);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static bool in_time(time_t until)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return time(NULL) < until;
}

/* A client that is gone before it was greeted: the greeting fails. */
static void come_and_go(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    for (int i = 0; i < 20; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        int rv = connect(fd, (struct sockaddr *)&address, sizeof address);
        assert_int_equal(rv, 0);
        close(fd);
    }
}

static void echo(void *arg, const char *request, size_t len, struct dure_buf *reply)
{
    (void)arg;
    dure_buf_add(reply, request, len);
}

static void test_rep_outlives_broken_handshakes(void **state)
{
    (void)state;
    struct dure_rep *rep;
    assert_int_equal(dure_rep_open(&rep, 2, echo, NULL), 0);
    assert_int_equal(dure_rep_listen(rep, url, NULL), 0);
    come_and_go();
    struct dure_req *req;
    struct dure_buf reply = {0};
    assert_int_equal(dure_req_open(&req, url), 0);
    time_t until = time(NULL) + 60;
    while (dure_req_ask(req, "hi", 2, 200, &reply) != 0) assert_true(in_time(until));
    assert_int_equal(reply.len, 2);
    dure_buf_fini(&reply);
    dure_req_close(req);
    dure_rep_close(rep);
}

static void test_pub_outlives_broken_handshakes(void **state)
{
    (void)state;
    struct dure_pub *pub;
    struct dure_sub *sub;
    struct dure_buf got = {0};
    assert_int_equal(dure_pub_open(&pub, 16, NULL, NULL), 0);
    assert_int_equal(dure_pub_listen(pub, url, NULL), 0);
    come_and_go();
    assert_int_equal(dure_sub_open(&sub, "a", 16), 0);
    assert_int_equal(dure_sub_dial(sub, url), 0);
    time_t until = time(NULL) + 60;
    do {
        assert_true(in_time(until));
        dure_pub_send(pub, "ab", 2);
    } while (dure_sub_recv(sub, 10, &got) != 0);
    assert_int_equal(got.len, 2);
    dure_buf_fini(&got);
    dure_sub_close(sub);
    dure_pub_close(pub);
}

/* Begun anew, a port that was given by the system stays the same. */
static void test_tcp_keeps_its_port(void **state)
{
    (void)state;
    struct dure_rep *rep;
    struct dure_req *req;
    struct dure_buf reply = {0};
    uint16_t port = 0;
    char tcp[32];
    assert_int_equal(dure_rep_open(&rep, 1, echo, NULL), 0);
    assert_int_equal(dure_rep_listen(rep, "tcp://127.0.0.1:0", &port), 0);
    assert_int_not_equal(port, 0);
    snprintf(tcp, sizeof tcp, "tcp://127.0.0.1:%u", port);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 50; i++) { /* Closed, then reset, before it is greeted. */
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        (void)shutdown(fd, SHUT_WR);
        struct linger reset = {.l_onoff = 1};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    assert_int_equal(dure_req_open(&req, tcp), 0);
    time_t until = time(NULL) + 60;
    while (dure_req_ask(req, "hi", 2, 200, &reply) != 0) assert_true(in_time(until));
    dure_buf_fini(&reply);
    dure_req_close(req);
    dure_rep_close(rep);
}

static atomic_uint changes;

static void on_peers(void *arg)
{
    (void)arg;
    atomic_fetch_add(&changes, 1);
}

/* One that speaks another protocol is sent away, and not counted off those who listen. */
static void test_strangers_do_not_count(void **state)
{
    (void)state;
    struct dure_pub *pub;
    struct dure_sub *sub;
    struct dure_req *stranger;
    atomic_store(&changes, 0);
    assert_int_equal(dure_pub_open(&pub, 16, on_peers, NULL), 0);
    assert_int_equal(dure_pub_listen(pub, url, NULL), 0);
    assert_int_equal(dure_sub_open(&sub, "a", 16), 0);
    assert_int_equal(dure_sub_dial(sub, url), 0);
    time_t until = time(NULL) + 60;
    while (dure_pub_peers(pub) == 0) assert_true(in_time(until));
    unsigned before = atomic_load(&changes);
    assert_int_equal(dure_req_open(&stranger, url), 0);
    while (atomic_load(&changes) < before + 10) { /* It comes again and again. */
        assert_true(in_time(until));
        assert_in_range(dure_pub_peers(pub), 1, 3);
    }
    dure_req_close(stranger);
    while (dure_pub_peers(pub) != 1) assert_true(in_time(until));
    dure_sub_close(sub);
    while (dure_pub_peers(pub) != 0) assert_true(in_time(until));
    dure_pub_close(pub);
}

static atomic_bool enough;

static void *publish(void *arg)
{
    static const char bytes[2000] = "a";
    while (!atomic_load(&enough)) {
        dure_pub_send(arg, bytes, sizeof bytes);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    return NULL;
}

/* Subscribers leave while messages come, again and again. */
static void test_closes_under_load(void **state)
{
    (void)state;
    struct dure_pub *pub;
    pthread_t thread;
    atomic_store(&enough, false);
    assert_int_equal(dure_pub_open(&pub, 128, NULL, NULL), 0);
    assert_int_equal(dure_pub_listen(pub, url, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, publish, pub), 0);
    alarm(120); /* A close that hangs can only be killed. */
    struct dure_buf got = {0};
    for (int i = 0; i < 200; i++) {
        struct dure_sub *sub;
        assert_int_equal(dure_sub_open(&sub, "a", 16), 0);
        assert_int_equal(dure_sub_dial(sub, url), 0);
        time_t until = time(NULL) + 60;
        while (dure_sub_recv(sub, 100, &got) != 0) assert_true(in_time(until));
        dure_sub_close(sub);
    }
    alarm(0);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    dure_buf_fini(&got);
    dure_pub_close(pub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rep_outlives_broken_handshakes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_pub_outlives_broken_handshakes, make_dir, remove_dir),
        cmocka_unit_test(test_tcp_keeps_its_port),
        cmocka_unit_test_setup_teardown(test_closes_under_load, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_strangers_do_not_count, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
