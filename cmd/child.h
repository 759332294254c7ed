/*
 * A node as a child process: started by a command, heard over its leash, its messages (stdout and
 * stderr) passed on line by line. Knows nothing of when to start one again: supervisor.h does.
 *
 * It is a session of its own, so Ctrl-C on the terminal reaches the supervisor only.
 */
#ifndef DURE_CMD_CHILD_H
#define DURE_CMD_CHILD_H

#include "cmd/leash.h"

#define DURE_CHILD_LINE_MAX 8192

struct dure_child;

struct dure_child_events {
    void (*heard)(void *arg, struct dure_child *child, const char *text); /* Over the leash. */
    void (*line)(void *arg, struct dure_child *child, const char *line);  /* It printed this. */
    /* It is gone and all it said has been passed on. It can be started again. Not called within
     * start. A negative status: it never began, and this is libuv's error. */
    void (*ended)(void *arg, struct dure_child *child, int64_t status, int signal);
    void *arg;
};

struct dure_child { /* Embedded; zeroed before the first start; kept by the owner until ended. */
    uv_loop_t *loop;
    struct dure_child_events events;
    uv_process_t process;
    struct dure_leash leash;
    uv_pipe_t printed;
    char line[DURE_CHILD_LINE_MAX]; /* Of what it prints, the present one. */
    size_t line_len;
    int handles;                    /* Not closed yet. */
    int64_t exit_status;
    int exit_signal;
    bool running;                   /* Between start and `ended`. */
};

/*
 * Starts argv (its first the path). The leash is descriptor 3 there, `kept_fd` descriptor 4 (a lock
 * that lives as long as the process; -1: none). 0: `ended` follows some time. Else a negative libuv
 * error, and nothing was started.
 */
DURE_MUST_CHECK int dure_child_start(struct dure_child *child, char **argv, int kept_fd);
/* Nothing when it is not running. */
void dure_child_signal(struct dure_child *child, int number);
void dure_child_say(struct dure_child *child, const char *text);

#endif
