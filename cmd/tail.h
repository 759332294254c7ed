/*
 * What the two files of `dure tail` share: tail.c (following) and tail_output.c (printing).
 */
#ifndef DURE_CMD_TAIL_H
#define DURE_CMD_TAIL_H

#include "proto/stream.h"

struct dure_tail_output {
    int fd;
    bool json;
    uint64_t left; /* Events until the wanted number is printed. */
    struct dure_buf text;
};

/* Prints the lines of a run; stops after `left`. *printed: how far in `lines` it came. 0, DURE_EIO,
 * DURE_ESHUTDOWN (the reader is gone). */
DURE_MUST_CHECK int dure_tail_print(struct dure_tail_output *output, const struct dure_buf *lines,
                                    size_t *printed);
/*
 * When fd is a regular file: cuts off a last line without its end, and raises *at (as many shards as
 * it says) to the last event of each shard that the file holds. *found: there were events. 0,
 * DURE_ESYSTEM, DURE_EIO.
 */
DURE_MUST_CHECK int dure_tail_resume(int fd, struct dure_positions *at, bool *found);
/* True when fd is a regular file that holds something. */
bool dure_tail_is_file(int fd);

#endif
