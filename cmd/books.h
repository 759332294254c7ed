/*
 * The books of all systems, for `dure verify`: what every event and row puts there, and what they say
 * in the end, as lines or as JSON.
 */
#ifndef DURE_CMD_BOOKS_H
#define DURE_CMD_BOOKS_H

#include <jansson.h>

#include "runtime/audit.h"

struct dure_books;

struct dure_books *dure_books_new(void);
void dure_books_free(struct dure_books *books); /* May be NULL. */

void dure_books_event(struct dure_books *books, const struct dure_type *type,
                      const struct dure_event *event);
void dure_books_row(struct dure_books *books, const struct dure_type *type, int64_t id,
                    const void *state);

/*
 * Of each system that anything was seen of: prints its lines, or appends to `json`, unless NULL,
 *
 *   {"system":"shop","counts":{"orders":3,…},"sums":[{"name":"shop money","left":9,"right":9,
 *    "parts":{"in":9,"there":2,"in orders":7},"exact":true,"fits":true},…]}
 *
 * `wrong` is called for each whose sums do not fit.
 */
void dure_books_report(const struct dure_books *books, json_t *json,
                       void (*wrong)(void *arg, const char *system), void *arg);

#endif
