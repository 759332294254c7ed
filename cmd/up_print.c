/*
 * What `dure up` prints: a line for each move of a node, what nodes print with their number before
 * it, and, while nodes recover, how far they are (on a terminal one line that is written over and
 * over, else a line now and then).
 *
 * Loop thread; the progress line is this file's own, hence its static state.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/progress.h"
#include "cmd/up.h"
#include "runtime/buf.h"

/* Nobody wonders about less. */
#define QUIET_MS 700
#define TERMINAL_EVERY_MS 200
#define LOG_EVERY_MS 3000

static struct {
    uv_timer_t timer;
    struct dure_supervisor *supervisor;
    bool terminal, shown;
} progress;

static void clear_progress(void)
{
    if (progress.shown) fputs("\r\033[K", stdout);
    progress.shown = false;
}

static enum dure_log_format log_format;

void dure_up_say_format(enum dure_log_format format)
{
    log_format = format;
}

/* A line of one who says it: the supervisor, or a node. */
static void say(int64_t node, const char *level, const char *message)
{
    struct dure_buf line = {0};
    if (log_format != DURE_LOG_TEXT)
        dure_logline_write(&line, log_format, level, node, message, NULL);
    else if (node == DURE_LOG_NO_NODE)
        dure_buf_printf(&line, "dure up: %s\n", message);
    else
        dure_buf_printf(&line, "node %lld: %s\n", (long long)node, message);
    clear_progress();
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
    dure_buf_fini(&line);
}

void dure_up_say(const char *fmt, ...)
{
    char message[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    say(DURE_LOG_NO_NODE, "info", message);
}

static void say_of(const struct dure_member *member, const char *level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say_of(const struct dure_member *member, const char *level, const char *fmt, ...)
{
    char message[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    say(member->node, level, message);
}

void dure_up_say_line(const struct dure_member *member, const char *line)
{
    char msg[DURE_CHILD_LINE_MAX];
    if (log_format == DURE_LOG_TEXT || !dure_logline_read(line, msg, sizeof msg)) {
        say(member->node, "info", line);
        return;
    }
    clear_progress();
    puts(line);
    fflush(stdout);
}

static uint64_t now_ms(const struct dure_member *member)
{
    return uv_now(member->supervisor->loop);
}

static void say_ready(const struct dure_member *member)
{
    char took[64];
    uint64_t since = member->lost_ms != 0 ? member->lost_ms : member->began_ms;
    snprintf(took, sizeof took, "%s %.2f s", member->lost_ms != 0 ? "again, down for" : "after",
             (double)(member->ready_ms - since) / 1e3);
    say_of(member, "info", "ready %s; process %d, %llu records", took, (int)member->child.process.pid,
           (unsigned long long)member->records);
}

void dure_up_say_moved(const struct dure_member *member, enum dure_member_state was)
{
    switch (member->state) {
    case DURE_MEMBER_READY: say_ready(member); break;
    case DURE_MEMBER_PAUSING:
        say_of(member, "error", "%s; starting it again", member->why);
        break;
    case DURE_MEMBER_DOWN:
        say_of(member, "error", "%s", member->why);
        say_of(member, "error",
               "stays down, since it has failed twice in a row. Its part of the data is "
               "not served. When the cause is gone: kill -USR1 %d",
               (int)getpid());
        break;
    case DURE_MEMBER_IDLE:
        if (was == DURE_MEMBER_READY || was == DURE_MEMBER_DRAINED) {
            bool stopped = member->child.exit_status == 0 && member->child.exit_signal == 0;
            say_of(member, stopped ? "info" : "error", "%s", stopped ? "stopped" : member->why);
        }
        break;
    case DURE_MEMBER_STARTING:
    case DURE_MEMBER_DRAINED:
    case DURE_MEMBER_STATES: break;
    }
}

/* ---- Progress ---------------------------------------------------------------------------------*/

static void show(const struct dure_member *member)
{
    double seconds = (double)(now_ms(member) - member->began_ms) / 1e3;
    if (member->to_recover == 0) {
        printf("node %u: starting, %.1f s\n", member->node, seconds);
        return;
    }
    printf("node %u: recovering, record %llu of %llu, %.1f s\n", member->node,
           (unsigned long long)member->recovered, (unsigned long long)member->to_recover, seconds);
}

/* All nodes in one bar, since a terminal's line has no room for one each. */
static void show_bar(uint64_t done, uint64_t total, uint64_t nodes, uint64_t ms)
{
    char text[128] = "";
    if (total > 0) dure_progress_text(text, sizeof text, done, total);
    printf("%s %s%s%llu node%s, %.1f s", total > 0 ? "recovering" : "starting", text,
           total > 0 ? " records of " : "", (unsigned long long)nodes, nodes == 1 ? "" : "s",
           (double)ms / 1e3);
    progress.shown = true;
}

static void on_timer(uv_timer_t *timer)
{
    uint64_t done = 0, total = 0, nodes = 0, ms_max = 0;
    (void)timer;
    if (log_format != DURE_LOG_TEXT) return; /* Only what can be read line by line. */
    clear_progress();
    for (uint32_t i = 0; i < progress.supervisor->options.nodes; i++) {
        const struct dure_member *member = &progress.supervisor->members[i];
        uint64_t ms = now_ms(member) - member->began_ms;
        if (member->state != DURE_MEMBER_STARTING || ms < QUIET_MS) continue;
        done += member->recovered;
        total += member->to_recover;
        nodes++;
        if (ms > ms_max) ms_max = ms;
        if (!progress.terminal) show(member);
    }
    if (progress.terminal && nodes > 0) show_bar(done, total, nodes, ms_max);
    fflush(stdout);
}

void dure_up_progress_start(struct dure_supervisor *supervisor)
{
    progress.supervisor = supervisor;
    progress.terminal = isatty(STDOUT_FILENO) == 1;
    int rv = uv_timer_init(supervisor->loop, &progress.timer);
    uint64_t every = progress.terminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS;
    if (rv == 0) rv = uv_timer_start(&progress.timer, on_timer, every, every);
    DURE_ASSERT(rv == 0);
}

void dure_up_progress_stop(void)
{
    clear_progress();
    uv_close((uv_handle_t *)&progress.timer, NULL);
}
