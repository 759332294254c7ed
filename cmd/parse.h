/*
 * Command lines by argp, the same way for every subcommand.
 */
#ifndef DURE_CMD_PARSE_H
#define DURE_CMD_PARSE_H

#include <argp.h>
#include <stdbool.h>

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

/* From now on dure_parse reads no command line: it tells `watch` the table and returns non-zero, so that
 * the command goes no further. NULL: as usual again. For completions and man pages. */
void dure_parse_watch(void (*watch)(void *arg, const struct argp *argp), void *arg);

/* The only argument of a subcommand: a data directory; and whether it prints JSON. argp's input begins
 * with this. */
struct dure_parse_dir {
    const char *dir;
    bool json;
};
error_t dure_parse_dir(int key, char *arg, struct argp_state *state);
/* The option that it takes: a row of an argp table. */
#define DURE_PARSE_JSON(what) {"json", 'j', NULL, 0, (what), 0}

#endif
