/*
 * Log lines: made whole in a buffer, of which one piece is on its way to standard output at a time.
 */
#include "cmd/log.h"

#include <stdio.h>
#include <unistd.h>

#include "proto/problem.h"
#include "runtime/bounds.h"

/* Of a path; a whole line then fits DURE_CHILD_LINE_MAX of child.h. */
#define PATH_BYTES_MAX 1024

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_more(struct dure_log *log);

static void on_written(uv_fs_t *request)
{
    struct dure_log *log = request->data;
    ssize_t len = request->result;
    uv_fs_req_cleanup(request);
    log->writing = false;
    if (len > 0) log->written += (size_t)len;
    /* Who has closed it wants no more. */
    if (len < 0 && len != UV_EAGAIN && len != UV_EINTR) log->written = log->now.len;
    write_more(log);
}

static void write_more(struct dure_log *log)
{
    if (log->writing || log->loop == NULL) return;
    if (log->written == log->now.len) {
        struct dure_buf empty = log->now;
        log->now = log->next;
        log->next = empty;
        log->next.len = log->written = 0;
    }
    if (log->now.len == 0) return;
    uv_buf_t bytes =
        uv_buf_init(log->now.data + log->written, (unsigned)(log->now.len - log->written));
    log->write.data = log;
    log->writing =
        uv_fs_write(log->loop, &log->write, STDOUT_FILENO, &bytes, 1, -1, on_written) == 0;
}

/* False: there is no room. */
static bool has_room(struct dure_log *log)
{
    if (log->next.len < DURE_LOG_BYTES_MAX) return true;
    log->dropped++;
    return false;
}

static void say_dropped(struct dure_log *log)
{
    if (log->dropped == 0) return;
    const struct dure_log_field fields[] = {{"lines", NULL, (double)log->dropped, 0}, {0}};
    if (log->format == DURE_LOG_TEXT)
        dure_buf_printf(&log->next, "dure node: %llu lines were dropped, nobody took them\n",
                        (unsigned long long)log->dropped);
    else
        dure_logline_write(&log->next, log->format, "warn", log->node, DURE_LOG_DROPPED,
                           fields);
    log->dropped = 0;
}

void dure_log_open(struct dure_log *log, uv_loop_t *loop)
{
    log->loop = loop;
}

void dure_log_say(struct dure_log *log, const char *level, const char *msg, const char *sentence,
                  const struct dure_log_field *fields)
{
    if (!has_room(log)) return;
    say_dropped(log);
    if (log->format == DURE_LOG_TEXT)
        dure_buf_printf(&log->next, "dure node: %s\n", sentence);
    else
        dure_logline_write(&log->next, log->format, level, log->node, msg, fields);
    write_more(log);
}

static const char *method_name(enum dure_method method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    return (size_t)method < sizeof names / sizeof names[0] ? names[method] : "?";
}

/* In this order in enum dure_method. */
_Static_assert(DURE_GET == 0 && DURE_HEAD == 1 && DURE_POST == 2 && DURE_PUT == 3 &&
                   DURE_PATCH == 4 && DURE_DELETE == 5 && DURE_OPTIONS == 6,
               "as the names");

/* A path as the log tells it: nothing in it that could begin a line of its own, and not endless. */
static void write_path(struct dure_span path, struct dure_buf *out)
{
    bool whole = path.len <= PATH_BYTES_MAX;
    if (!whole) path.len = PATH_BYTES_MAX;
    dure_problem_url(out, path);
    if (!whole) dure_buf_lit(out, "...");
    dure_buf_byte(out, '\0');
}

void dure_log_trace(struct dure_log_field fields[2], char ids[DURE_LOG_TRACE_BYTES],
                    const struct dure_trace *trace)
{
    struct dure_buf id = {.data = ids, .cap = DURE_LOG_TRACE_BYTES};
    fields[0] = (struct dure_log_field){0};
    if (trace == NULL) return;
    dure_trace_hex(trace->trace_id, 16, &id);
    dure_buf_byte(&id, '\0');
    fields[1] = (struct dure_log_field){.name = "span_id", .text = ids + id.len};
    dure_trace_hex(trace->span_id, 8, &id);
    dure_buf_byte(&id, '\0');
    fields[0] = (struct dure_log_field){.name = "trace_id", .text = ids};
}

void dure_log_request(void *arg, const struct dure_tracing_line *line)
{
    struct dure_log *log = arg;
    if (!has_room(log)) return;
    struct dure_buf path = {0};
    char ids[DURE_LOG_TRACE_BYTES];
    write_path(line->path, &path);
    const char *method = method_name(line->method);
    double ms = (double)line->took_ns / 1e6;
    struct dure_log_field fields[] = {
        {"method", method, 0, 0},
        {"path", path.data, 0, 0},
        {"status", NULL, line->status, 0},
        {"ms", NULL, ms, 3},
        {0}, {0}, {0}, /* The trace, and the end. */
    };
    dure_log_trace(fields + 4, ids, line->trace);
    struct dure_buf sentence = {0};
    dure_buf_printf(&sentence, DURE_LOG_REQUEST ": %s %s %d %.3f ms trace %s", method, path.data,
                    line->status, ms, ids);
    dure_log_say(log, line->status >= 500 ? "error" : "info", DURE_LOG_REQUEST, sentence.data,
                 fields);
    dure_buf_fini(&sentence);
    dure_buf_fini(&path);
}

static void write_now(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, len);
        if (done <= 0) return;
        bytes += done;
        len -= (size_t)done;
    }
}

void dure_log_close(struct dure_log *log)
{
    DURE_ASSERT(!log->writing); /* The loop has run to its end. */
    say_dropped(log);
    if (log->now.len > log->written)
        write_now(log->now.data + log->written, log->now.len - log->written);
    if (log->next.len > 0) write_now(log->next.data, log->next.len);
    dure_buf_fini(&log->now);
    dure_buf_fini(&log->next);
    *log = (struct dure_log){.format = log->format};
}
