/*
 * What the man pages tell, as JSON, for programs that drive dure.
 */
#ifndef DURE_CMD_MANUAL_JSON_H
#define DURE_CMD_MANUAL_JSON_H

#include <jansson.h>

#include "cmd/tables.h"

/* A new reference: {"command", "summary", "arguments" (or null), "options": [{"name", "letter" (or
 * null), "value" (or null), "help"}], "text"}. The text is that of --help, without the options. */
json_t *dure_manual_json(const struct dure_subcommand *command);

#endif
