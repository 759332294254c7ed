/*
 * Lines of the log: a sentence as text, or time, level, node, msg and fields as logfmt
 * (brandur.org/logfmt: `name=value`, a value in quotes, escaped as JSON, where it holds a blank, a
 * quote, `=`, a backslash or a control character) or as JSON, one object a line.
 *
 * What is written before there is a loop, or as the process ends, goes to standard error at once:
 * dure_logline_now. Any thread; the process's format is set once, at its start.
 */
#ifndef DURE_CMD_LOGLINE_H
#define DURE_CMD_LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/buf.h"

enum dure_log_format { DURE_LOG_TEXT, DURE_LOG_LOGFMT, DURE_LOG_JSON };

#define DURE_LOG_NO_NODE (-1) /* The supervisor speaks for itself. */

struct dure_log_field { /* A text, or with `text` NULL a number. */
    const char *name, *text;
    double number;
    int decimals; /* Of the number. */
};

/* "text", "logfmt", "json"; false: none of them. */
bool dure_log_format_read(const char *text, enum dure_log_format *format);
const char *dure_log_format_name(enum dure_log_format format);

/* Appends one line of LOGFMT or JSON; a name of NULL ends the fields, which may be NULL. What is
 * no UTF-8 becomes "?". */
void dure_logline_write(struct dure_buf *out, enum dure_log_format format, const char *level,
                        int64_t node, const char *msg, const struct dure_log_field *fields);
/* msg of the lines that tell of its work, each; a sentence about a request begins with it. */
#define DURE_LOG_REQUEST "request"
#define DURE_LOG_NOTIFICATION "notification"
#define DURE_LOG_DROPPED "dropped"

/* Is it a line that dure_logline_write has made? Then msg is its msg, cut off where it has no
 * room. */
bool dure_logline_read(const char *line, char *msg, size_t size);

/* Of the whole process. `who` stands before text: "dure node". */
void dure_logline_process(const char *who, enum dure_log_format format, int64_t node);
/* On standard error, at once, with its line end. */
void dure_logline_now(const char *level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
