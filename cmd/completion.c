/*
 * dure completion: what a shell needs to complete command lines of dure, from the option tables.
 *
 *   bash  one function: the word before decides, else the options of the command
 *   zsh   _arguments, a case per command
 *   fish  a `complete` line per option
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/parse.h"
#include "cmd/tables.h"

#define LIST_BYTES 512

static FILE *out; /* Where the script goes. */

/* The first sentence of an option's help, in single quotes of the shell; [ ] : would end a zsh
 * spec. */
static void write_help(const char *help)
{
    size_t len = strcspn(help, "\n.;");
    for (size_t i = 0; i < len; i++) {
        if (help[i] == '\'')
            fputs("’", out);
        else if (help[i] == '[' || help[i] == ']' || help[i] == ':')
            fputc(' ', out);
        else
            fputc(help[i], out);
    }
}

static void list_commands(void)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    for (size_t i = 0; i < count; i++) fprintf(out, "%s%s", i > 0 ? " " : "", commands[i].name);
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
        fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))", out);
        break;
    case DURE_WORDS_DIRS:
        fputs("compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))", out);
        break;
    case DURE_WORDS_COMMANDS:
        fputs("COMPREPLY=($(compgen -W '", out);
        list_commands();
        fputs("' -- \"$cur\"))", out);
        break;
    case DURE_WORDS_LIST: fprintf(out, "COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", list); break;
    case DURE_WORDS_NONE: fputs("COMPREPLY=()", out); break;
    }
}

static void bash_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    char list[LIST_BYTES];
    (void)arg;
    fprintf(out, "    %s)\n        case $prev in\n", command->name);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (!dure_table_is_option(option) || option->arg == NULL) continue;
        fprintf(out, "        --%s) ", option->name);
        bash_words(dure_table_words(option->arg, list, sizeof list), list);
        fputs("; return ;;\n", out);
    }
    fputs("        esac\n        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W '",
          out);
    for (option = argp->options; option != NULL && !dure_table_is_end(option); option++) {
        if (dure_table_is_option(option)) fprintf(out, "--%s ", option->name);
    }
    fputs("--help' -- \"$cur\"))\n        else\n            ", out);
    bash_words(dure_table_words(argp->args_doc, list, sizeof list), list);
    fputs("\n        fi ;;\n", out);
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
          out);
    list_commands();
    fputs(" help --help --version' -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n"
          "    help) COMPREPLY=($(compgen -W '",
          out);
    list_commands();
    fputs("' -- \"$cur\")) ;;\n", out);
    each(bash_command);
    fputs("    esac\n}\ncomplete -F _dure dure\n", out);
}

/* ---- zsh ------------------------------------------------------------------------------------ */

static void zsh_words(enum dure_table_words words, const char *list)
{
    switch (words) {
    case DURE_WORDS_FILES: fputs("_files", out); break;
    case DURE_WORDS_DIRS: fputs("_files -/", out); break;
    case DURE_WORDS_COMMANDS:
        fputc('(', out);
        list_commands();
        fputc(')', out);
        break;
    case DURE_WORDS_LIST: fprintf(out, "(%s)", list); break;
    case DURE_WORDS_NONE: break;
    }
}

static void zsh_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    char list[LIST_BYTES];
    (void)arg;
    fprintf(out, "    %s)\n        _arguments \\\n", command->name);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (!dure_table_is_option(option)) continue;
        fprintf(out, "            '--%s%s[", option->name, option->arg != NULL ? "=" : "");
        write_help(option->doc);
        fputs("]", out);
        if (option->arg != NULL) {
            fputs(":value:", out);
            zsh_words(dure_table_words(option->arg, list, sizeof list), list);
        }
        fputs("' \\\n", out);
    }
    fputs("            '--help[give this help list]' \\\n            '*:word:", out);
    zsh_words(dure_table_words(argp->args_doc, list, sizeof list), list);
    fputs("' ;;\n", out);
}

static void zsh(void)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    fputs("#compdef dure\n"
          "# dure(1) completion for zsh.\n"
          "_dure() {\n"
          "    local -a commands=(\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "        '%s:", commands[i].name);
        write_help(commands[i].help);
        fputs("'\n", out);
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
          out);
    each(zsh_command);
    fputs("    esac\n}\n"
          "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _dure \"$@\"; "
          "else compdef _dure dure; fi\n",
          out);
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void fish_words(enum dure_table_words words, const char *list)
{
    switch (words) {
    case DURE_WORDS_FILES: fputs(" -F", out); break;
    case DURE_WORDS_DIRS: fputs(" -f -a '(__fish_complete_directories)'", out); break;
    case DURE_WORDS_COMMANDS:
        fputs(" -f -a '", out);
        list_commands();
        fputc('\'', out);
        break;
    case DURE_WORDS_LIST: fprintf(out, " -f -a '%s'", list); break;
    case DURE_WORDS_NONE: break;
    }
}

static void fish_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    char list[LIST_BYTES];
    (void)arg;
    fprintf(out, "complete -c dure -n __fish_use_subcommand -f -a %s -d '", command->name);
    write_help(command->help);
    fputs("'\n", out);
    enum dure_table_words words = dure_table_words(argp->args_doc, list, sizeof list);
    fprintf(out, "complete -c dure -n '__fish_seen_subcommand_from %s'%s", command->name,
            words == DURE_WORDS_NONE ? " -f" : "");
    fish_words(words, list);
    fputc('\n', out);
    fprintf(
        out,
        "complete -c dure -n '__fish_seen_subcommand_from %s' -l help -d 'give this help list'\n",
        command->name);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (!dure_table_is_option(option)) continue;
        fprintf(out, "complete -c dure -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                option->name);
        if (option->arg != NULL) {
            words = dure_table_words(option->arg, list, sizeof list);
            fputs(words == DURE_WORDS_NONE ? " -x" : " -r", out);
            fish_words(words, list);
        }
        fputs(" -d '", out);
        write_help(option->doc);
        fputs("'\n", out);
    }
}

static void fish(void)
{
    fputs("# dure(1) completion for fish.\n"
          "complete -c dure -n __fish_use_subcommand -f -a help -d 'help of a command'\n"
          "complete -c dure -n '__fish_seen_subcommand_from help' -f -a '",
          out);
    list_commands();
    fputs("'\n", out);
    each(fish_command);
}

/* ---- Command -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*write)(void);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

#define SHELLS (sizeof shells / sizeof shells[0])

struct completion {
    size_t shell; /* SHELLS: none yet. */
    bool json;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct completion *completion = state->input;
    size_t *shell = &completion->shell;
    switch (key) {
    case 'j': completion->json = true; return 0;
    case ARGP_KEY_ARG:
        if (*shell != SHELLS) argp_error(state, "one shell, please");
        for (*shell = 0; *shell < SHELLS && strcmp(shells[*shell].name, arg) != 0;) (*shell)++;
        if (*shell == SHELLS) argp_error(state, "bash, zsh or fish, not '%s'", arg);
        return 0;
    case ARGP_KEY_END:
        if (*shell == SHELLS) argp_error(state, "for which shell?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_json(size_t shell)
{
    char *script = NULL;
    size_t len = 0;
    out = open_memstream(&script, &len);
    DURE_ASSERT(out != NULL);
    shells[shell].write();
    int rv = fclose(out);
    json_t *told = rv == 0
                       ? json_pack("{s:s,s:s%}", "shell", shells[shell].name, "script", script, len)
                       : NULL;
    DURE_ASSERT(told != NULL); /* Out of memory. */
    json_dumpf(told, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(told);
    free(script);
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
    struct completion completion = {.shell = SHELLS};
    static const struct argp_option option_table[] = {
        DURE_PARSE_JSON("a JSON object: shell, script"), {0}};
    const struct argp argp = {
        .options = option_table, .parser = on_option, .args_doc = "bash|zsh|fish", .doc = doc};
    static char name[] = "dure completion";
    if (dure_parse(&argp, name, argc, argv, &completion) != 0) return DURE_EXIT_USAGE;
    if (completion.json) {
        print_json(completion.shell);
    } else {
        out = stdout;
        shells[completion.shell].write();
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
