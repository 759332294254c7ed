/*
 * Files of "name = value" lines: settings of a node, the cluster file. A # at the start or behind a
 * blank begins a comment; a value may stand in quotes.
 */
#ifndef DURE_CMD_PAIRS_H
#define DURE_CMD_PAIRS_H

#include "runtime/errors.h"

/* One line. Both texts are trimmed and lent; source is "FILE:line", for messages. 0, or a negative
 * error after a message on stderr, which ends the reading. */
typedef int dure_pairs_set(void *arg, const char *name, const char *value, const char *source);

/* Reads all lines of a file. 0, DURE_EINVAL after a message on stderr (no such file, no "="), or
 * what `set` returned. */
DURE_MUST_CHECK int dure_pairs_read(const char *path, dure_pairs_set *set, void *arg);

#endif
