/*
 * The node's log on standard output, in the format of the process (logline.h).
 *
 * Lines are written on a pool thread, so that nobody who reads them slowly keeps the loop; beyond
 * DURE_LOG_BYTES_MAX that nobody has taken they are dropped, and a line tells how many. Loop
 * thread.
 */
#ifndef DURE_CMD_LOG_H
#define DURE_CMD_LOG_H

#include <uv.h>

#include "cmd/logline.h"
#include "proto/tracing.h"

struct dure_log { /* Zeroed, with the format and the node set, before open. */
    enum dure_log_format format;
    int64_t node;
    uv_loop_t *loop;
    uv_fs_t write;
    struct dure_buf next, now; /* What waits; what is being written. */
    size_t written;            /* Of `now`. */
    uint64_t dropped;
    bool writing;
};

void dure_log_open(struct dure_log *log, uv_loop_t *loop);
/* As text: "dure node: " and the sentence. Else level, msg and the fields. */
void dure_log_say(struct dure_log *log, const char *level, const char *msg, const char *sentence,
                  const struct dure_log_field *fields);
/* "trace_id" and "span_id", whose texts are in ids; without a trace (NULL) the first ends the fields. */
#define DURE_LOG_TRACE_BYTES (32 + 1 + 16 + 1)
void dure_log_trace(struct dure_log_field fields[2], char ids[DURE_LOG_TRACE_BYTES],
                    const struct dure_trace *trace);
/* For struct dure_tracing_options: a request that has been answered. */
void dure_log_request(void *log, const struct dure_tracing_line *line);
/* Writes what is left, and waits for it. The loop is not needed any more. Safe on a zeroed one. */
void dure_log_close(struct dure_log *log);

#endif
