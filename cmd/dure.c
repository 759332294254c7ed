/*
 * dure: the one binary. Finds the subcommand and passes the rest on.
 */
#include <stdio.h>
#include <string.h>
#ifdef DURE_MIMALLOC
#include <mimalloc.h>
#endif

#include "actors/systems.h"
#include "cmd/commands.h"
#include "runtime/core.h"

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} subcommands[] = {
    {"node", dure_cmd_node, "run a node: HTTP in, durable actors behind it"},
    {"verify", dure_cmd_verify, "check a stopped data directory: checksums, sequences, rows, sums"},
    {"rebuild", dure_cmd_rebuild, "make the rows of a stopped data directory anew from its journal"},
    {"dump", dure_cmd_dump, "print the events of a data directory as CloudEvents, one a line"},
    {"bench", dure_cmd_bench, "drive orders against a running node and measure"},
};

static void usage(FILE *out)
{
    fprintf(out, "Usage: dure COMMAND [OPTION...]\n\n"
                 "A durable actor runtime and five business systems on it. Commands:\n\n");
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        fprintf(out, "  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
    }
    fprintf(out, "\n`dure COMMAND --help` tells the options of each.\n");
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
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        print_version();
        return 0;
    }
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0) continue;
        if (dure_registry_init(dure_systems()) != 0) return 1;
        return subcommands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "dure: there is no command \"%s\"; `dure --help` lists them\n", argv[1]);
    return 2;
}
