/*
 * Command lines by argp, the same way for every subcommand.
 */
#ifndef DURE_CMD_PARSE_H
#define DURE_CMD_PARSE_H

#include <argp.h>

#include "runtime/errors.h"

/* Exit status for a wrong command line, everywhere. */
#define DURE_EXIT_USAGE 2

/*
 * argp_parse under the name "dure COMMAND", which argp shows in its texts; argv[0] is changed to
 * it. --help and --usage print and exit; a wrong option exits with DURE_EXIT_USAGE. Otherwise 0, or
 * what the parser has returned. `name` is kept.
 */
DURE_MUST_CHECK int dure_parse(const struct argp *argp, char *name, int argc, char **argv,
                               void *input);

/* The only argument of a subcommand: a data directory. `dir` as argp's input is a const char *. */
error_t dure_parse_dir(int key, char *arg, struct argp_state *state);

#endif
