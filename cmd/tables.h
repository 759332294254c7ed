/*
 * The option tables of all commands, for completions and man pages: a command is run as far as its
 * call of dure_parse, which then hands its table over instead of reading a command line.
 */
#ifndef DURE_CMD_TABLES_H
#define DURE_CMD_TABLES_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

struct dure_subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* A line. */
};

/* dure.c: in the order of `dure --help`. */
const struct dure_subcommand *dure_subcommands(size_t *count);

/* Calls `take` with the command's table, which is lent. */
void dure_table_of(const struct dure_subcommand *command,
                   void (*take)(void *arg, const struct dure_subcommand *command,
                                const struct argp *argp),
                   void *arg);

/* An option to show: no heading, not hidden. */
bool dure_table_is_option(const struct argp_option *option);
/* The end of an argp table. */
bool dure_table_is_end(const struct argp_option *option);

/* What a placeholder of an option ("DIR", "single|bulk") or of the arguments stands for. */
enum dure_table_words {
    DURE_WORDS_NONE,
    DURE_WORDS_FILES,
    DURE_WORDS_DIRS,
    DURE_WORDS_COMMANDS,
    DURE_WORDS_LIST
};
/* LIST: the words, with blanks between, in `list`; they are cut off at its end. */
enum dure_table_words dure_table_words(const char *placeholder, char *list, size_t size);

#endif
