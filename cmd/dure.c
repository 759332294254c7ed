/*
 * dure: the one binary. Finds the subcommand and passes the rest on.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#ifdef DURE_MIMALLOC
#include <mimalloc.h>
#endif

#include "actors/systems.h"
#include "cmd/commands.h"
#include "cmd/tables.h"
#include "runtime/core.h"

static const struct dure_subcommand subcommands[] = {
    {"node", dure_cmd_node, "run a node: HTTP in, durable actors behind it"},
    {"up", dure_cmd_up, "run a cluster of nodes, and keep them running"},
    {"status", dure_cmd_status, "show what a running cluster does"},
    {"tail", dure_cmd_tail, "follow the events of a running node or cluster"},
    {"call", dure_cmd_call, "send a request to a running node, typed as httpie takes it"},
    {"sagas", dure_cmd_sagas, "list the sagas under way; retry or skip the step of a parked one"},
    {"top", dure_cmd_top, "watch what a running node or cluster does"},
    {"verify", dure_cmd_verify, "check a stopped data directory: checksums, sequences, rows, sums"},
    {"rebuild", dure_cmd_rebuild,
     "make the rows of a stopped data directory anew from its journal"},
    {"dump", dure_cmd_dump, "print the events of a data directory as CloudEvents, one a line"},
    {"bench", dure_cmd_bench, "drive orders against a running node and measure"},
    {"completion", dure_cmd_completion, "print command line completion for bash, zsh or fish"},
    {"man", dure_cmd_man, "print man pages"},
};

const struct dure_subcommand *dure_subcommands(size_t *count)
{
    *count = sizeof subcommands / sizeof subcommands[0];
    return subcommands;
}

static void usage(FILE *out)
{
    fputs("Usage: dure COMMAND [OPTION...]\n"
          "       dure help COMMAND\n"
          "       dure --version\n\n"
          "A durable actor runtime, and business systems on it:",
          out);
    for (const struct dure_system *const *system = dure_systems(); *system != NULL; system++) {
        fprintf(out, " %s", (*system)->name);
    }
    fputs(".\n\nCommands:\n", out);
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        fprintf(out, "  %-10s  %s\n", subcommands[i].name, subcommands[i].help);
    }
    fputs("\n`dure COMMAND --help` tells the options, files, exit status and examples of each.\n\n"
          "Exit status: 0 done, 1 failed, 2 wrong command line; some commands have more.\n\n"
          "Examples:\n"
          "  dure node --data data\n"
          "  dure bench --seconds 5\n"
          "  dure verify data\n",
          out);
}

static const struct dure_subcommand *find(const char *name)
{
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (strcmp(subcommands[i].name, name) == 0) return &subcommands[i];
    }
    return NULL;
}

static bool asks_for_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0 || strcmp(arg, "-?") == 0 ||
           strcmp(arg, "help") == 0;
}

static void print_version(void)
{
    puts("dure " DURE_VERSION);
#ifdef DURE_MIMALLOC /* Asked for by name, it is linked for sure; link-time optimisation hides malloc. */
    printf("with mimalloc %d.%d\n", mi_version() / 100, mi_version() % 100 / 10);
#endif
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        print_version();
        return 0;
    }
    bool help = asks_for_help(argv[1]);
    if (help && argc < 3) {
        usage(stdout);
        return 0;
    }
    const char *name = argv[help ? 2 : 1];
    const struct dure_subcommand *subcommand = find(name);
    if (subcommand == NULL) {
        fprintf(stderr, "dure: there is no command \"%s\"; `dure --help` lists them\n", name);
        return 2;
    }
    if (dure_registry_init(dure_systems()) != 0) return 1;
    json_object_seed(0); /* Else by whichever thread reads JSON first, while others start children. */
    /* `dure help node` is `dure node --help`. */
    static char option[] = "--help";
    char *helping[] = {argv[1], option, NULL};
    return help ? subcommand->run(2, helping) : subcommand->run(argc - 1, argv + 1);
}
