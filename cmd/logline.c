/*
 * Lines of the log: made whole, then written.
 */
#include "cmd/logline.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/schema.h"

static struct {
    const char *who;
    enum dure_log_format format;
    int64_t node;
} process = {.who = "dure", .node = DURE_LOG_NO_NODE};

static const char *const names[] = {"text", "logfmt", "json"};

const char *dure_log_format_name(enum dure_log_format format)
{
    return names[format];
}

bool dure_log_format_read(const char *text, enum dure_log_format *format)
{
    for (int i = 0; i <= DURE_LOG_JSON; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *format = (enum dure_log_format)i;
        return true;
    }
    return false;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_quoted(struct dure_buf *out, const char *text)
{
    size_t len = strlen(text);
    if (!dure_utf8_valid(text, len)) text = "?", len = 1;
    dure_json_string(out, text, len);
}

static bool may_be_bare(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || strchr("\"=\\\x7f", *at) != NULL) return false;
    }
    return text[0] != '\0' && dure_utf8_valid(text, strlen(text));
}

static void write_field(struct dure_buf *out, enum dure_log_format format,
                        const struct dure_log_field *field, bool first)
{
    bool json = format == DURE_LOG_JSON;
    if (!first) dure_buf_byte(out, json ? ',' : ' ');
    if (json) dure_buf_byte(out, '"');
    dure_buf_text(out, field->name);
    dure_buf_text(out, json ? "\":" : "=");
    if (field->text == NULL)
        dure_buf_printf(out, "%.*f", field->decimals, field->number);
    else if (!json && may_be_bare(field->text))
        dure_buf_text(out, field->text);
    else
        write_quoted(out, field->text);
}

static void now_as_text(char text[40])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t len = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
    snprintf(text + len, 40 - len, ".%03ldZ", now.tv_nsec / 1000000);
}

void dure_logline_write(struct dure_buf *out, enum dure_log_format format, const char *level,
                        int64_t node, const char *msg, const struct dure_log_field *fields)
{
    char when[40];
    now_as_text(when);
    if (format == DURE_LOG_JSON) dure_buf_byte(out, '{');
    write_field(out, format, &(struct dure_log_field){"time", when, 0, 0}, true);
    write_field(out, format, &(struct dure_log_field){"level", level, 0, 0}, false);
    if (node != DURE_LOG_NO_NODE)
        write_field(out, format, &(struct dure_log_field){"node", NULL, (double)node, 0}, false);
    write_field(out, format, &(struct dure_log_field){"msg", msg, 0, 0}, false);
    for (size_t i = 0; fields != NULL && fields[i].name != NULL; i++)
        write_field(out, format, &fields[i], false);
    dure_buf_text(out, format == DURE_LOG_JSON ? "}\n" : "\n");
}

/* ---- Reading -------------------------------------------------------------------------------- */

static bool copy_string(const json_t *string, char *msg, size_t size)
{
    const char *text = json_string_value(string);
    if (text == NULL) return false;
    snprintf(msg, size, "%s", text);
    return true;
}

static bool read_json(const char *line, char *msg, size_t size)
{
    json_t *object = json_loads(line, 0, NULL);
    bool is_one = json_object_get(object, "time") != NULL &&
                  copy_string(json_object_get(object, "msg"), msg, size);
    json_decref(object);
    return is_one;
}

static bool read_logfmt(const char *line, char *msg, size_t size)
{
    /* Nothing before it holds a blank: time, level and node are bare. */
    const char *at = strstr(line, " msg=");
    if (at == NULL) return false;
    at += sizeof " msg=" - 1;
    if (*at != '"') {
        snprintf(msg, size, "%.*s", (int)strcspn(at, " "), at);
        return true;
    }
    json_t *string = json_loads(at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
    bool is_one = copy_string(string, msg, size);
    json_decref(string);
    return is_one;
}

bool dure_logline_read(const char *line, char *msg, size_t size)
{
    if (line[0] == '{') return read_json(line, msg, size);
    return strncmp(line, "time=", 5) == 0 && read_logfmt(line, msg, size);
}

/* ---- Of the process ------------------------------------------------------------------------- */

void dure_logline_process(const char *who, enum dure_log_format format, int64_t node)
{
    process.who = who;
    process.format = format;
    process.node = node;
}

void dure_logline_now(const char *level, const char *fmt, ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    struct dure_buf line = {0};
    if (process.format == DURE_LOG_TEXT)
        dure_buf_printf(&line, "%s: %s\n", process.who, sentence);
    else
        dure_logline_write(&line, process.format, level, process.node, sentence, NULL);
    fwrite(line.data, 1, line.len, stderr); /* One write: stderr is not buffered. */
    dure_buf_fini(&line);
}
