/*
 * Command lines by argp. Main thread only; see parse.h.
 */
#include "cmd/parse.h"

#include <stddef.h>

static void (*watcher)(void *arg, const struct argp *argp);
static void *watcher_arg;

void dure_parse_watch(void (*watch)(void *arg, const struct argp *argp), void *arg)
{
    watcher = watch;
    watcher_arg = arg;
}

int dure_parse(const struct argp *argp, char *name, int argc, char **argv, void *input)
{
    DURE_ASSERT(argc > 0);
    if (watcher != NULL) {
        watcher(watcher_arg, argp);
        return DURE_EINVAL;
    }
    argv[0] = name;
    argp_err_exit_status = DURE_EXIT_USAGE;
    return argp_parse(argp, argc, argv, 0, NULL, input);
}

error_t dure_parse_dir(int key, char *arg, struct argp_state *state)
{
    struct dure_parse_dir *input = state->input;
    switch (key) {
    case 'j': input->json = true; return 0;
    case ARGP_KEY_ARG:
        if (input->dir != NULL) argp_error(state, "one data directory, please");
        input->dir = arg;
        return 0;
    case ARGP_KEY_END:
        if (input->dir == NULL) argp_error(state, "which data directory?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}
