/*
 * The leash between a supervisor and a node: a pair of SOCK_SEQPACKET sockets that carries short
 * texts, each whole or not at all.
 *
 *   node → supervisor   "recovering DONE TOTAL"     records replayed so far
 *                       "ready PORT MS RECORDS"     it serves; how long that took, records it has
 *                       "joined"                    it reaches all other nodes
 *                       "drained"                   no request of a client is under way any more
 *                       "status {…}"                the answer to "status"
 *   supervisor → node   "status"
 *                       "exit"                      after "drained": leave
 *
 * When the other end closes, which it also does by dying, `gone` is called: a node then stops as by
 * SIGTERM. Loop thread, except dure_leash_say, which needs no loop.
 */
#ifndef DURE_CMD_LEASH_H
#define DURE_CMD_LEASH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "runtime/errors.h"

#define DURE_LEASH_TEXT_MAX 4096

struct dure_leash { /* Embedded in its owner, who sets the callbacks before open. */
    uv_poll_t poll;
    int fd;
    bool open;
    void (*heard)(void *arg, const char *text); /* Lent. */
    void (*gone)(void *arg);                    /* Once; the leash is still to be closed. */
    void *arg;
};

/* Two connected ends, both closed on exec. DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_leash_pair(int ends[2]);
/* Takes one end and begins to listen. DURE_ESYSTEM: it is no socket; the caller still owns it. */
DURE_MUST_CHECK int dure_leash_open(struct dure_leash *leash, uv_loop_t *loop, int fd);
/* Says it, or drops it when the other end is gone or does not listen (its buffer is full). */
void dure_leash_say(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Closes the end; closed (may be NULL) is called when the memory may go. Once. */
void dure_leash_close(struct dure_leash *leash, uv_close_cb closed);

#endif
