/*
 * "name = value" lines.
 *
 *   1. the name goes up to the first white space or "="; an empty line and a comment are passed over
 *   2. the value is the rest of the line without its comment, or what stands in quotes
 *
 * Fails where a line has no "=", is too long, or where its reader refuses. Any thread.
 */
#include "cmd/pairs.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Cuts a comment off: from a # at the start or behind a blank. */
static void cut_comment(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if (*at != '#' || (at > text && !isblank((unsigned char)at[-1]))) continue;
        *at = '\0';
        return;
    }
}

/* A quoted value in place: \" and \\ stand for themselves. False: the closing quote is missing, or
 * something that is no comment follows it. */
static bool unquote(char *value)
{
    char *to = value, *at = value + 1;
    for (; *at != '"' && *at != '\0'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
        *to++ = *at;
    }
    bool closed = *at == '"';
    if (closed) cut_comment(++at);
    *to = '\0';
    return closed && at[strspn(at, " \t\r\n")] == '\0';
}

static void trim_end(char *text)
{
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) *--end = '\0';
}

static int read_line(char *line, dure_pairs_set *set, void *arg, const char *source)
{
    char *name = line + strspn(line, " \t\r\n");
    if (*name == '\0' || *name == '#') return 0;
    size_t name_len = strcspn(name, " \t\r\n=#");
    char *value = name + name_len + strspn(name + name_len, " \t");
    if (*value != '=') {
        fprintf(stderr, "dure: %s: \"=\" is missing after %.*s\n", source, (int)name_len, name);
        return DURE_EINVAL;
    }
    value += 1 + strspn(value + 1, " \t");
    name[name_len] = '\0';
    if (*value != '"') {
        cut_comment(value);
        trim_end(value);
    } else if (!unquote(value)) {
        fprintf(stderr, "dure: %s: the quoted value of %s does not end\n", source, name);
        return DURE_EINVAL;
    }
    return set(arg, name, value, source);
}

int dure_pairs_read(const char *path, dure_pairs_set *set, void *arg)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "dure: %s: %s\n", path, strerror(errno));
        return DURE_EINVAL;
    }
    char line[4096], source[1100];
    int rv = 0;
    for (int number = 1; rv == 0 && fgets(line, sizeof line, file) != NULL; number++) {
        snprintf(source, sizeof source, "%.1000s:%d", path, number);
        if (strlen(line) == sizeof line - 1 && line[sizeof line - 2] != '\n') {
            fprintf(stderr, "dure: %s: the line is too long\n", source);
            rv = DURE_EINVAL;
        } else {
            rv = read_line(line, set, arg, source);
        }
    }
    if (rv == 0 && ferror(file)) {
        fprintf(stderr, "dure: %s: %s\n", path, strerror(errno));
        rv = DURE_EINVAL;
    }
    fclose(file);
    return rv;
}
