/*
 * What the suites of the two stores share: a directory of their own, the wake-up that a store gives
 * its owner, patterned bytes, a small disk, a forked child. One thread calls all of it but
 * fixture_wake.
 */
#ifndef TESTS_CONTRACT_FIXTURE_H
#define TESTS_CONTRACT_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

struct fixture {
    char dir[64];  /* Empty and ours. */
    bool mounted;  /* A tmpfs is on it. */
    sem_t woken;   /* Posted by every wake. */
};

static inline void fixture_path(char path[256], const struct fixture *fixture, const char *name)
{
    int len = snprintf(path, 256, "%s/%s", fixture->dir, name);
    assert_in_range(len, 1, 255);
}

static inline void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.dir = "/tmp/dure-test-XXXXXX"};
    assert_non_null(mkdtemp(fixture->dir));
    assert_int_equal(sem_init(&fixture->woken, 0, 0), 0);
}

static inline int fixture_remove_one(const char *path, const struct stat *info, int flag,
                                     struct FTW *at)
{
    (void)info;
    (void)flag;
    /* The root of a mounted disk goes by itself. */
    return at->level == 0 ? 0 : remove(path);
}

static inline void fixture_empty(const struct fixture *fixture)
{
    assert_int_equal(nftw(fixture->dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void fixture_close(struct fixture *fixture)
{
    fixture_empty(fixture);
    if (fixture->mounted) assert_int_equal(umount(fixture->dir), 0);
    assert_int_equal(rmdir(fixture->dir), 0);
    sem_destroy(&fixture->woken);
}

static inline void fixture_wake(void *arg)
{
    sem_post(&((struct fixture *)arg)->woken);
}

/* Blocks until a store has woken its owner. */
static inline void fixture_await(struct fixture *fixture)
{
    while (sem_wait(&fixture->woken) != 0) assert_int_equal(errno, EINTR);
}

/* Bytes that tell their place and their seed: a shifted or exchanged run is seen. */
static inline void fixture_pattern(char *to, size_t len, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0) state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        to[i] = (char)(state >> (i % 8 * 8));
    }
}

/* The size of a file in bytes. */
static inline uint64_t fixture_file_bytes(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

/* ---- A small disk ----------------------------------------------------------------------------- */

/* Root may mount; everybody else may in a user and mount namespace of their own. Called once, while
 * there is one thread. */
static inline void fixture_may_mount(void)
{
    char map[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWNS) == 0) {
        assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        return;
    }
    assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
    const struct { const char *path; unsigned id; } maps[] = {
        {"/proc/self/uid_map", uid}, {"/proc/self/setgroups", 0}, {"/proc/self/gid_map", gid}};
    for (size_t i = 0; i < 3; i++) {
        int len = i == 1 ? snprintf(map, sizeof map, "deny")
                         : snprintf(map, sizeof map, "0 %u 1", maps[i].id);
        int fd = open(maps[i].path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, map, (size_t)len), len);
        close(fd);
    }
}

static inline void fixture_mount(struct fixture *fixture, unsigned megabytes)
{
    char size[32];
    snprintf(size, sizeof size, "size=%um,mode=0700", megabytes);
    assert_int_equal(mount("dure-test", fixture->dir, "tmpfs", 0, size), 0);
    fixture->mounted = true;
}

/* Takes what is left of the disk but `leave` bytes; removed, the file gives it back. */
static inline void fixture_fill(const struct fixture *fixture, const char *name, size_t leave)
{
    static const char zeros[4096];
    char path[256];
    fixture_path(path, fixture, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros) continue;
    assert_int_equal(errno, ENOSPC);
    if (leave > 0) {
        off_t size = lseek(fd, 0, SEEK_END);
        assert_true((size_t)size >= leave);
        assert_int_equal(ftruncate(fd, size - (off_t)leave), 0);
    }
    close(fd);
}

/* ---- A child ---------------------------------------------------------------------------------- */

/* What run returned, in a process of its own; 128 + signal when one ended it. */
static inline int fixture_in_child(int (*run)(void *arg), void *arg)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* cmocka would go on with the next test, in the child. */
        static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) signal(signals[i], SIG_DFL);
        _exit(run(arg));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
