/*
 * A command's table of options as JSON. Cannot fail. Main thread.
 */
#include "cmd/manual_json.h"

#include <ctype.h>
#include <string.h>

#include "runtime/errors.h"

static json_t *option_of(const struct argp_option *option)
{
    char letter[2] = {0};
    if (option->key > 0 && option->key < 128 && isalnum(option->key)) letter[0] = (char)option->key;
    return json_pack("{s:s,s:s?,s:s?,s:s}", "name", option->name, "letter",
                     letter[0] != '\0' ? letter : NULL, "value", option->arg, "help", option->doc);
}

/* --help has a \v between what a command does and the rest. */
static json_t *text_of(const char *doc)
{
    const char *tab = strchr(doc, '\v');
    if (tab == NULL) return json_string(doc);
    return json_sprintf("%.*s\n\n%s", (int)(tab - doc), doc, tab + 1);
}

static void describe(void *arg, const struct dure_subcommand *command, const struct argp *argp)
{
    json_t **described = arg, *options = json_array();
    const struct argp_option *option = argp->options;
    for (; option != NULL && !dure_table_is_end(option); option++) {
        if (dure_table_is_option(option)) json_array_append_new(options, option_of(option));
    }
    *described =
        json_pack("{s:s,s:s,s:s?,s:o,s:o}", "command", command->name, "summary", command->help,
                  "arguments", argp->args_doc, "options", options, "text", text_of(argp->doc));
}

json_t *dure_manual_json(const struct dure_subcommand *command)
{
    json_t *described = NULL;
    dure_table_of(command, describe, &described);
    DURE_ASSERT(described != NULL);
    return described;
}
