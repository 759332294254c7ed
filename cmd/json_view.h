/*
 * JSON for people: indented, and in colours where they are wanted.
 */
#ifndef DURE_CMD_JSON_VIEW_H
#define DURE_CMD_JSON_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes the value and a line end. */
void dure_json_view(json_t *value, bool colours, FILE *out);
/* Whether `out` is a terminal that shows colours (NO_COLOR is empty, TERM is not "dumb"). */
bool dure_json_view_colours(FILE *out);

#endif
