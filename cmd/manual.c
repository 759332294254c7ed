/*
 * dure man: man pages (man(7)) from the same tables as --help: of a command, or of dure itself;
 * --dir writes all of them as files.
 *
 * A help text is: what the command does, \v, then paragraphs; one that begins with "Examples:",
 * "Exit status:" and the like is a section of its own.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/commands.h"
#include "cmd/manual_json.h"
#include "cmd/parse.h"
#include "cmd/tables.h"

struct manual {
    const char *command; /* NULL: dure itself. */
    const char *dir;
    bool json;
};

/* Of the page: today, or SOURCE_DATE_EPOCH for builds that are to be the same again. */
static void write_date(FILE *out)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t when = epoch != NULL ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    struct tm day;
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%d", gmtime_r(&when, &day));
    fputs(text, out);
}

/* Text as roff: no character may begin a request or an escape. */
static void write_text(FILE *out, const char *text, size_t len)
{
    bool begins = true;
    for (size_t i = 0; i < len; i++) {
        if (begins && (text[i] == '.' || text[i] == '\'')) fputs("\\&", out);
        begins = text[i] == '\n';
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else
            fputc(text[i], out);
    }
}

static void write_words(FILE *out, const char *text)
{
    write_text(out, text, strlen(text));
}

static void write_head(FILE *out, const char *name, const char *line)
{
    fputs(".TH ", out);
    for (const char *at = name; *at != '\0'; at++) fputc(toupper((unsigned char)*at), out);
    fputs(" 1 ", out);
    write_date(out);
    fprintf(out, " \"dure %s\" \"User Commands\"\n.SH NAME\n", DURE_VERSION);
    write_words(out, name);
    fputs(" \\- ", out);
    write_words(out, line);
    fputc('\n', out);
}

/* ---- Options -------------------------------------------------------------------------------- */

static void write_option(FILE *out, const struct argp_option *option)
{
    fputs(".TP\n\\fB", out);
    if (option->key > 0 && option->key < 128 && isalnum(option->key)) { /* Else it has no letter. */
        fputs("\\-", out);
        fputc(option->key, out);
        fputs("\\fR, \\fB", out);
    }
    fputs("\\-\\-", out);
    write_words(out, option->name);
    fputs("\\fR", out);
    if (option->arg != NULL) {
        fputs("=\\fI", out);
        write_words(out, option->arg);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    write_words(out, option->doc);
    fputc('\n', out);
}

static void write_options(FILE *out, const struct argp *argp)
{
    fputs(".SH OPTIONS\n", out);
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (dure_table_is_option(option)) {
            write_option(out, option);
        } else if (option->doc != NULL) { /* A heading, with its colon. */
            size_t len = strlen(option->doc);
            fputs(".SS ", out);
            write_text(out, option->doc, len > 0 && option->doc[len - 1] == ':' ? len - 1 : len);
            fputc('\n', out);
        }
    }
    static const struct argp_option help = {"help", '?', NULL, 0, "give this help list", 0};
    write_option(out, &help);
}

/* ---- Paragraphs ----------------------------------------------------------------------------- */

static const char *const sections[] = {"Exit status", "Files", "Environment", "Examples",
                                       "Signals"};

static const char *section_of(const char *text)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        size_t len = strlen(sections[i]);
        if (strncmp(text, sections[i], len) == 0 && text[len] == ':') return sections[i];
    }
    return NULL;
}

/* A command a line; --help has them two blanks in. */
static void write_examples(FILE *out, const char *text, size_t len)
{
    const char *end = text + len;
    fputs(".nf\n", out);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        while (text < stop && *text == ' ') text++;
        write_text(out, text, (size_t)(stop - text));
        fputc('\n', out);
        text = stop + 1;
    }
    fputs(".fi\n", out);
}

static void write_paragraph(FILE *out, const char *text, size_t len, bool first)
{
    const char *section = section_of(text);
    if (section == NULL) {
        if (!first) fputs(".PP\n", out);
        write_text(out, text, len);
        fputc('\n', out);
        return;
    }
    fputs(".SH ", out);
    for (const char *at = section; *at != '\0'; at++) fputc(toupper((unsigned char)*at), out);
    fputc('\n', out);
    size_t skip = strlen(section) + 1;
    while (skip < len && (text[skip] == ' ' || text[skip] == '\n')) skip++;
    if (strcmp(section, "Examples") == 0) {
        write_examples(out, text + skip, len - skip);
        return;
    }
    write_text(out, text + skip, len - skip);
    fputc('\n', out);
}

/* The options stand before the first section. */
static void write_description(FILE *out, const struct argp *argp)
{
    const char *doc = argp->doc;
    bool first = true, options = false;
    fputs(".SH DESCRIPTION\n", out);
    while (*doc != '\0') {
        const char *blank = strstr(doc, "\n\n"), *tab = strchr(doc, '\v');
        const char *end = blank != NULL ? blank : doc + strlen(doc);
        if (tab != NULL && tab < end) end = tab;
        if (!options && section_of(doc) != NULL) {
            write_options(out, argp);
            options = true;
        }
        if (end > doc) write_paragraph(out, doc, (size_t)(end - doc), first);
        first = false;
        doc = end;
        while (*doc == '\n' || *doc == '\v') doc++;
    }
    if (!options) write_options(out, argp);
}

/* ---- Pages ---------------------------------------------------------------------------------- */

static void write_command(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    FILE *out = arg;
    char name[64];
    snprintf(name, sizeof name, "dure-%s", command->name);
    write_head(out, name, command->help);
    fprintf(out, ".SH SYNOPSIS\n.B dure %s\n[\\fIOPTION\\fR...]", command->name);
    if (argp->args_doc != NULL) {
        fputc(' ', out);
        write_words(out, argp->args_doc);
    }
    fputc('\n', out);
    write_description(out, argp);
    fputs(".SH SEE ALSO\n.BR dure (1)\n", out);
}

static void write_overview(FILE *out)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    write_head(out, "dure", "a durable actor runtime, and business systems on it");
    fputs(".SH SYNOPSIS\n.B dure\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n.br\n.B dure help\n"
          "\\fICOMMAND\\fR\n.br\n.B dure \\-\\-version\n.SH DESCRIPTION\n"
          "One binary serves business systems as durable actors over HTTP: an answer means that it "
          "is on "
          "disk.\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ".TP\n.BR dure\\-%s (1)\n", commands[i].name);
        write_words(out, commands[i].help);
        fputc('\n', out);
    }
    fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong command line; some commands have more.\n",
          out);
}

/* False after a message. */
static bool write_file(const char *dir, const struct dure_subcommand *command)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/dure%s%s.1", dir, command != NULL ? "-" : "",
             command != NULL ? command->name : "");
    FILE *out = fopen(path, "w");
    if (out != NULL && command != NULL)
        dure_table_of(command, write_command, out);
    else if (out != NULL)
        write_overview(out);
    bool fine = out != NULL && ferror(out) == 0;
    if (out != NULL && fclose(out) != 0) fine = false;
    if (!fine) fprintf(stderr, "dure man: %s cannot be written\n", path);
    return fine;
}

static bool write_all(const char *dir)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    bool fine = write_file(dir, NULL);
    for (size_t i = 0; fine && i < count; i++) fine = write_file(dir, &commands[i]);
    return fine;
}

static const struct dure_subcommand *find(const char *name)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    }
    return NULL;
}

static void print_json(const struct dure_subcommand *command)
{
    size_t count;
    const struct dure_subcommand *commands = dure_subcommands(&count);
    json_t *told = command != NULL ? dure_manual_json(command) : json_array();
    for (size_t i = 0; command == NULL && i < count; i++)
        json_array_append_new(told, dure_manual_json(&commands[i]));
    json_dumpf(told, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(told);
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct manual *manual = state->input;
    switch (key) {
    case 'j': manual->json = true; return 0;
    case 'd': manual->dir = arg; return 0;
    case ARGP_KEY_ARG:
        if (manual->command != NULL) argp_error(state, "one command, please");
        if (find(arg) == NULL) argp_error(state, "there is no command '%s'", arg);
        manual->command = arg;
        return 0;
    case ARGP_KEY_END:
        if (manual->dir != NULL && manual->command != NULL)
            argp_error(state, "--dir is for all pages");
        if (manual->dir != NULL && manual->json) argp_error(state, "--dir is for pages, not JSON");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    {"dir", 'd', "DIR", 0, "write all pages there: dure.1, dure-node.1 …", 0},
    DURE_PARSE_JSON(
        "the command, its options and its text as a JSON object; without COMMAND an array of all"),
    {0},
};

static const char doc[] =
    "Prints the man page of a command, or of dure itself, as man and mandoc read it."
    "\v"
    "Exit status: 0 printed; 1 it cannot be written; 2 wrong command line.\n"
    "\n"
    "Environment: SOURCE_DATE_EPOCH, seconds since 1970: the date on the pages (default: today).\n"
    "\n"
    "Examples:\n"
    "  dure man node | man -l -\n"
    "  dure man --dir /usr/local/share/man/man1\n"
    "  dure man --json | jq '.[].command'";

int dure_cmd_man(int argc, char **argv)
{
    struct manual manual = {0};
    const struct argp argp = {
        .options = option_table, .parser = on_option, .args_doc = "[COMMAND]", .doc = doc};
    static char name[] = "dure man";
    if (dure_parse(&argp, name, argc, argv, &manual) != 0) return DURE_EXIT_USAGE;
    if (manual.dir != NULL) return write_all(manual.dir) ? 0 : 1;
    if (manual.json)
        print_json(manual.command != NULL ? find(manual.command) : NULL);
    else if (manual.command != NULL)
        dure_table_of(find(manual.command), write_command, stdout);
    else
        write_overview(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
