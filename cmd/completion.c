/*
 * dure completion: what a shell needs to complete command lines of dure, from the option tables.
 *
 *   bash  one function: the word before decides, else the options of the command
 *   zsh   _arguments, a case per command
 *   fish  a `complete` line per option
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/parse.h"
#include "cmd/tables.h"

#define LIST_BYTES 512

/* The first sentence of an option's help, in single quotes of the shell; [ ] : would end a zsh
 * spec. */
static void write_help(const char *help)
{
    size_t len = strcspn(help, "\n.;");
    for (size_t i = 0; i < len; i++) {
        if (help[i] == '\'')
            fputs("’", stdout);
        else if (help[i] == '[' || help[i] == ']' || help[i] == ':')
            putchar(' ');
        else
            putchar(help[i]);
    }
}

static void list_commands(void)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    for (size_t i = 0; i < count; i++) printf("%s%s", i > 0 ? " " : "", commands[i].name);
}

static void each(void (*take)(void *arg, const struct dure_subcommand *, const struct argp *))
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    for (size_t i = 0; i < count; i++) dure_table_of(&commands[i], take, NULL);
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void bash_words(enum dure_table_words words, const char *list)
{
    switch (words) {
    case DURE_WORDS_FILES:
        fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))", stdout);
        break;
    case DURE_WORDS_DIRS:
        fputs("compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))", stdout);
        break;
    case DURE_WORDS_COMMANDS:
        fputs("COMPREPLY=($(compgen -W '", stdout);
        list_commands();
        fputs("' -- \"$cur\"))", stdout);
        break;
    case DURE_WORDS_LIST: printf("COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", list); break;
    case DURE_WORDS_NONE: fputs("COMPREPLY=()", stdout); break;
    }
}

static void bash_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    char list[LIST_BYTES];
    (void)arg;
    printf("    %s)\n        case $prev in\n", command->name);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (!dure_table_is_option(option) || option->arg == NULL) continue;
        printf("        --%s) ", option->name);
        bash_words(dure_table_words(option->arg, list, sizeof list), list);
        fputs("; return ;;\n", stdout);
    }
    fputs("        esac\n        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W '",
          stdout);
    for (option = argp->options; option != NULL && !dure_table_is_end(option); option++) {
        if (dure_table_is_option(option)) printf("--%s ", option->name);
    }
    fputs("--help' -- \"$cur\"))\n        else\n            ", stdout);
    bash_words(dure_table_words(argp->args_doc, list, sizeof list), list);
    fputs("\n        fi ;;\n", stdout);
}

static void bash(void)
{
    fputs("# dure(1) completion for bash.\n"
          "_dure() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    # --name=value comes in three words.\n"
          "    if [[ $cur == = ]]; then cur=''; "
          "elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    list_commands();
    fputs(" help --help --version' -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n"
          "    help) COMPREPLY=($(compgen -W '",
          stdout);
    list_commands();
    fputs("' -- \"$cur\")) ;;\n", stdout);
    each(bash_command);
    fputs("    esac\n}\ncomplete -F _dure dure\n", stdout);
}

/* ---- zsh ------------------------------------------------------------------------------------ */

static void zsh_words(enum dure_table_words words, const char *list)
{
    switch (words) {
    case DURE_WORDS_FILES: fputs("_files", stdout); break;
    case DURE_WORDS_DIRS: fputs("_files -/", stdout); break;
    case DURE_WORDS_COMMANDS:
        putchar('(');
        list_commands();
        putchar(')');
        break;
    case DURE_WORDS_LIST: printf("(%s)", list); break;
    case DURE_WORDS_NONE: break;
    }
}

static void zsh_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    char list[LIST_BYTES];
    (void)arg;
    printf("    %s)\n        _arguments \\\n", command->name);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (!dure_table_is_option(option)) continue;
        printf("            '--%s%s[", option->name, option->arg != NULL ? "=" : "");
        write_help(option->doc);
        fputs("]", stdout);
        if (option->arg != NULL) {
            fputs(":value:", stdout);
            zsh_words(dure_table_words(option->arg, list, sizeof list), list);
        }
        fputs("' \\\n", stdout);
    }
    fputs("            '--help[give this help list]' \\\n            '*:word:", stdout);
    zsh_words(dure_table_words(argp->args_doc, list, sizeof list), list);
    fputs("' ;;\n", stdout);
}

static void zsh(void)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    fputs("#compdef dure\n"
          "# dure(1) completion for zsh.\n"
          "_dure() {\n"
          "    local -a commands=(\n",
          stdout);
    for (size_t i = 0; i < count; i++) {
        printf("        '%s:", commands[i].name);
        write_help(commands[i].help);
        fputs("'\n", stdout);
    }
    fputs("    )\n"
          "    if ((CURRENT == 2)); then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    local command=$words[2]\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $command in\n"
          "    help) _describe command commands ;;\n",
          stdout);
    each(zsh_command);
    fputs("    esac\n}\n"
          "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _dure \"$@\"; "
          "else compdef _dure dure; fi\n",
          stdout);
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void fish_words(enum dure_table_words words, const char *list)
{
    switch (words) {
    case DURE_WORDS_FILES: fputs(" -F", stdout); break;
    case DURE_WORDS_DIRS: fputs(" -f -a '(__fish_complete_directories)'", stdout); break;
    case DURE_WORDS_COMMANDS:
        fputs(" -f -a '", stdout);
        list_commands();
        putchar('\'');
        break;
    case DURE_WORDS_LIST: printf(" -f -a '%s'", list); break;
    case DURE_WORDS_NONE: break;
    }
}

static void fish_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    char list[LIST_BYTES];
    (void)arg;
    printf("complete -c dure -n __fish_use_subcommand -f -a %s -d '", command->name);
    write_help(command->help);
    fputs("'\n", stdout);
    enum dure_table_words words = dure_table_words(argp->args_doc, list, sizeof list);
    printf("complete -c dure -n '__fish_seen_subcommand_from %s'%s", command->name,
           words == DURE_WORDS_NONE ? " -f" : "");
    fish_words(words, list);
    putchar('\n');
    printf(
        "complete -c dure -n '__fish_seen_subcommand_from %s' -l help -d 'give this help list'\n",
        command->name);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (!dure_table_is_option(option)) continue;
        printf("complete -c dure -n '__fish_seen_subcommand_from %s' -l %s", command->name,
               option->name);
        if (option->arg != NULL) {
            words = dure_table_words(option->arg, list, sizeof list);
            fputs(words == DURE_WORDS_NONE ? " -x" : " -r", stdout);
            fish_words(words, list);
        }
        fputs(" -d '", stdout);
        write_help(option->doc);
        fputs("'\n", stdout);
    }
}

static void fish(void)
{
    fputs("# dure(1) completion for fish.\n"
          "complete -c dure -n __fish_use_subcommand -f -a help -d 'help of a command'\n"
          "complete -c dure -n '__fish_seen_subcommand_from help' -f -a '",
          stdout);
    list_commands();
    fputs("'\n", stdout);
    each(fish_command);
}

/* ---- Command -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*write)(void);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    size_t *shell = state->input;
    size_t count = sizeof shells / sizeof shells[0];
    switch (key) {
    case ARGP_KEY_ARG:
        if (*shell != count) argp_error(state, "one shell, please");
        for (*shell = 0; *shell < count && strcmp(shells[*shell].name, arg) != 0;) (*shell)++;
        if (*shell == count) argp_error(state, "bash, zsh or fish, not '%s'", arg);
        return 0;
    case ARGP_KEY_END:
        if (*shell == count) argp_error(state, "for which shell?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Prints what a shell needs to complete command lines of dure."
    "\v"
    "Exit status: 0 printed; 1 standard output cannot be written; 2 wrong command line.\n"
    "\n"
    "Examples:\n"
    "  source <(dure completion bash)\n"
    "  dure completion zsh > ~/.zfunc/_dure\n"
    "  dure completion fish > ~/.config/fish/completions/dure.fish";

int dure_cmd_completion(int argc, char **argv)
{
    size_t shell = sizeof shells / sizeof shells[0];
    const struct argp argp = {.parser = on_option, .args_doc = "bash|zsh|fish", .doc = doc};
    static char name[] = "dure completion";
    if (dure_parse(&argp, name, argc, argv, &shell) != 0) return DURE_EXIT_USAGE;
    shells[shell].write();
    return fflush(stdout) == 0 ? 0 : 1;
}
