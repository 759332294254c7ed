/*
 * How far long work is, on one line of stderr that is written over and over; nothing when stderr is
 * no terminal. Any thread, one at a time.
 */
#ifndef DURE_CMD_PROGRESS_H
#define DURE_CMD_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* `what` is being done: as long as it is the same pointer, it is the same work. */
void dure_progress_show(const char *what, uint64_t done, uint64_t total);
/* The same, as `progress` of struct dure_options wants it: progress_arg is `what`. */
void dure_progress_run(void *what, uint64_t done, uint64_t total);
/* Takes the line away. */
void dure_progress_end(void);
/* For a line of one's own: "[####......] 40 %, 4 of 10", cut off at size. total is not 0. */
void dure_progress_text(char *text, size_t size, uint64_t done, uint64_t total);

#endif
