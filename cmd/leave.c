/*
 * A bound on leaving: a thread that nobody waits for.
 */
#include "cmd/leave.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "cmd/logline.h"
#include "cmd/supervisor.h"

_Static_assert(DURE_LEAVE_MS < DURE_SUPERVISOR_LEAVE_MS, "it leaves before it is killed");

static struct {
    int status;
} leaving;

static void *wait_and_leave(void *arg)
{
    (void)arg;
    struct timespec left = {.tv_sec = DURE_LEAVE_MS / 1000,
                            .tv_nsec = DURE_LEAVE_MS % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
    dure_logline_now("warn", "sockets are not closed after %d s: leaving without; nothing is lost",
                       DURE_LEAVE_MS / 1000);
    _exit(leaving.status);
}

void dure_leave_in_time(int status)
{
    leaving.status = status;
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_and_leave, NULL) == 0) (void)pthread_detach(thread);
}
