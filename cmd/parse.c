/*
 * Command lines by argp. Main thread only; see parse.h.
 */
#include "cmd/parse.h"

#include <stddef.h>

int dure_parse(const struct argp *argp, char *name, int argc, char **argv, void *input)
{
    DURE_ASSERT(argc > 0);
    argv[0] = name;
    argp_err_exit_status = DURE_EXIT_USAGE;
    return argp_parse(argp, argc, argv, 0, NULL, input);
}

error_t dure_parse_dir(int key, char *arg, struct argp_state *state)
{
    const char **dir = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*dir != NULL) argp_error(state, "one data directory, please");
        *dir = arg;
        return 0;
    case ARGP_KEY_END:
        if (*dir == NULL) argp_error(state, "which data directory?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}
