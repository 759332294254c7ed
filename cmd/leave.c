/*
 * A bound on leaving: a thread that nobody waits for.
 */
#include "cmd/leave.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cmd/supervisor.h"

_Static_assert(DURE_LEAVE_MS < DURE_SUPERVISOR_LEAVE_MS, "it leaves before it is killed");

static struct {
    const char *who;
    int status;
} leaving;

static void *wait_and_leave(void *arg)
{
    (void)arg;
    struct timespec left = {.tv_sec = DURE_LEAVE_MS / 1000,
                            .tv_nsec = DURE_LEAVE_MS % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
    fprintf(stderr, "%s: sockets are not closed after %d s: leaving without; nothing is lost\n",
            leaving.who, DURE_LEAVE_MS / 1000);
    _exit(leaving.status);
}

void dure_leave_in_time(const char *who, int status)
{
    leaving.who = who;
    leaving.status = status;
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_and_leave, NULL) == 0) (void)pthread_detach(thread);
}
