/*
 * The supervisor: keeps the nodes of one cluster running, and stops them in order.
 *
 *   a node ends by itself       started again: at once, later after a growing pause
 *   it fails to recover twice   (it ended before it was ready, or soon after by its own decision)
 *                               it stays down; `why` says what it said last
 *   stop                        all are told to finish what clients have asked for, then, when all
 *                               have, to leave; whoever takes longer than the limit is killed
 *
 * It starts processes and counts time, nothing else: printing and the command line are up.c's.
 */
#ifndef DURE_CMD_SUPERVISOR_H
#define DURE_CMD_SUPERVISOR_H

#include <uv.h>

#include "cmd/child.h"
#include "runtime/bounds.h"

/* A node's life. The moves that are allowed stand in supervisor.c. */
enum dure_member_state {
    DURE_MEMBER_IDLE,     /* Before the first start, and after the stop. */
    DURE_MEMBER_STARTING, /* Recovers. */
    DURE_MEMBER_READY,
    DURE_MEMBER_DRAINED,  /* While stopping: no client waits for it any more. */
    DURE_MEMBER_PAUSING,  /* Ended; will be started again. */
    DURE_MEMBER_DOWN,     /* Ended, and stays so. */
    DURE_MEMBER_STATES
};

#define DURE_MEMBER_SAID_MAX 512

struct dure_supervisor;

struct dure_member {
    struct dure_supervisor *supervisor;
    uint32_t node;
    enum dure_member_state state;
    struct dure_child child;
    uv_timer_t pause;
    uint64_t began_ms, ready_ms; /* Of the loop's clock. began: of this start; ready: 0 not yet. */
    uint64_t lost_ms;            /* When it last ended by itself; 0: never, or ready since. */
    uint32_t restarts;           /* Starts after the first. */
    uint32_t failures;           /* To recover, in a row. */
    uint64_t pause_ms;           /* The next one. */
    uint64_t records, recovered, to_recover; /* As it told. */
    uint32_t port;
    bool joined;
    char said[DURE_MEMBER_SAID_MAX];   /* The last line that it printed: its msg, or its beginning. */
    char why[DURE_MEMBER_SAID_MAX + 160]; /* How it ended last. */
};

struct dure_supervisor_options {
    uint32_t nodes;
    /* The command that runs a node, NULL-terminated; kept. The number follows: --node I. */
    char **command;
    int kept_fd;        /* Inherited by every node (a lock); -1: none. */
    uint64_t drain_ms;  /* For requests that run, when stopping; see DURE_SUPERVISOR_LEAVE_MS. */
    /* Processors to pin nodes to, one each in turn; NULL: not pinned. */
    const int *cpus;
    size_t cpus_count;
    /* Told after every move. `was` is the state before. */
    void (*moved)(void *arg, struct dure_member *member, enum dure_member_state was);
    void (*line)(void *arg, struct dure_member *member, const char *line);   /* It printed this. */
    void (*status)(void *arg, struct dure_member *member, const char *json); /* It answered. */
    void (*joined)(void *arg, struct dure_member *member); /* After ready: it reaches all others. */
    /* All nodes have ended and none will be started again. Once; perhaps within start or stop. */
    void (*over)(void *arg);
    void *arg;
};

/* A node that is not drained this long after drain_ms keeps the others no longer. */
#define DURE_SUPERVISOR_DRAINED_MS 500
/* After that, for the last checkpoint and the journal's close. Then: SIGKILL. */
#define DURE_SUPERVISOR_LEAVE_MS 10000

struct dure_supervisor {
    uv_loop_t *loop;
    struct dure_supervisor_options options;
    struct dure_member members[DURE_NODES_MAX];
    uv_timer_t limit;
    bool stopping, told_to_leave, is_over;
    uint32_t killed; /* Nodes that did not stop in time. */
};

/* Starts all nodes. Options are copied. 0 or a negative libuv error. */
DURE_MUST_CHECK int dure_supervisor_start(struct dure_supervisor *supervisor, uv_loop_t *loop,
                                          const struct dure_supervisor_options *options);
/* Stops them in order; again: at once. `over` follows. */
void dure_supervisor_stop(struct dure_supervisor *supervisor);
/* Those that stay down get another chance. */
void dure_supervisor_retry(struct dure_supervisor *supervisor);
/* Asks every node how it is; those that can answer do (options.status). Returns how many were asked. */
uint32_t dure_supervisor_ask(struct dure_supervisor *supervisor);

uint32_t dure_supervisor_count(const struct dure_supervisor *supervisor,
                               enum dure_member_state state);
const char *dure_member_state_name(enum dure_member_state state);

#endif
