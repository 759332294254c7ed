/*
 * Tables of options, and what their placeholders mean. Main thread only.
 */
#include "cmd/tables.h"

#include <stdio.h>
#include <string.h>

#include "cmd/parse.h"

struct taking {
    const struct dure_subcommand *command;
    void (*take)(void *arg, const struct dure_subcommand *command, const struct argp *argp);
    void *arg;
};

static void taken(void *arg, const struct argp *argp)
{
    struct taking *taking = arg;
    taking->take(taking->arg, taking->command, argp);
}

void dure_table_of(const struct dure_subcommand *command,
                   void (*take)(void *arg, const struct dure_subcommand *command,
                                const struct argp *argp),
                   void *arg)
{
    struct taking taking = {command, take, arg};
    char name[64];
    snprintf(name, sizeof name, "%s", command->name);
    char *argv[] = {name, NULL};
    dure_parse_watch(taken, &taking);
    (void)command->run(1, argv); /* It comes no further than its table. */
    dure_parse_watch(NULL, NULL);
}

bool dure_table_is_option(const struct argp_option *option)
{
    return option->name != NULL && !(option->flags & OPTION_HIDDEN);
}

bool dure_table_is_end(const struct argp_option *option)
{
    return option->name == NULL && option->doc == NULL && option->key == 0;
}

static const struct {
    const char *placeholder;
    enum dure_table_words words;
    const char *list;
} known[] = {
    {"DIR", DURE_WORDS_DIRS, NULL},
    {"FILE", DURE_WORDS_FILES, NULL},
    {"COMMAND", DURE_WORDS_COMMANDS, NULL},
    {"METHOD", DURE_WORDS_LIST, "GET POST PUT PATCH DELETE HEAD OPTIONS"},
};

/* One word of the text, without brackets and dots. */
static enum dure_table_words word(const char *text, size_t len, char *list, size_t size)
{
    while (len > 0 && strchr("[.", *text) != NULL) text++, len--;
    while (len > 0 && strchr("].", text[len - 1]) != NULL) len--;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].placeholder) != len || memcmp(known[i].placeholder, text, len) != 0)
            continue;
        if (known[i].list != NULL) snprintf(list, size, "%s", known[i].list);
        return known[i].words;
    }
    if (memchr(text, '|', len) == NULL) return DURE_WORDS_NONE;
    snprintf(list, size, "%.*s", (int)len, text);
    for (char *at = list; *at != '\0'; at++) {
        if (*at == '|') *at = ' ';
    }
    return DURE_WORDS_LIST;
}

enum dure_table_words dure_table_words(const char *placeholder, char *list, size_t size)
{
    list[0] = '\0';
    while (placeholder != NULL && *placeholder != '\0') {
        size_t len = strcspn(placeholder, " ");
        enum dure_table_words words = word(placeholder, len, list, size);
        if (words != DURE_WORDS_NONE) return words;
        placeholder += len;
        placeholder += strspn(placeholder, " ");
    }
    return DURE_WORDS_NONE;
}
