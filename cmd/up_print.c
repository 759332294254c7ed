/*
 * What `dure up` prints: a line for each move of a node, what nodes print with their number before
 * it, and, while nodes recover, how far they are (on a terminal one line that is written over and
 * over, else a line now and then).
 *
 * Loop thread; the progress line is this file's own, hence its static state.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/up.h"

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

static bool as_json;

void dure_up_say_json(void)
{
    as_json = true;
}

/* A line of one who says it: "dure up", "node 1". */
static void say(const char *from, const char *message)
{
    clear_progress();
    if (as_json) {
        json_t *line = json_pack("{s:s}", "from", from);
        json_t *text = json_string(message);
        json_object_set_new(line, "message", text != NULL ? text : json_string("?"));
        json_dumpf(line, stdout, JSON_COMPACT);
        json_decref(line);
        putchar('\n');
    } else {
        printf("%s: %s\n", from, message);
    }
    fflush(stdout);
}

void dure_up_say(const char *fmt, ...)
{
    char message[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    say("dure up", message);
}

static void say_of(const struct dure_member *member, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say_of(const struct dure_member *member, const char *fmt, ...)
{
    char from[32], message[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    snprintf(from, sizeof from, "node %u", member->node);
    say(from, message);
}

void dure_up_say_line(const struct dure_member *member, const char *line)
{
    say_of(member, "%s", line);
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
    say_of(member, "ready %s; process %d, %llu records", took, (int)member->child.process.pid,
           (unsigned long long)member->records);
}

void dure_up_say_moved(const struct dure_member *member, enum dure_member_state was)
{
    switch (member->state) {
    case DURE_MEMBER_READY: say_ready(member); break;
    case DURE_MEMBER_PAUSING: say_of(member, "%s; starting it again", member->why); break;
    case DURE_MEMBER_DOWN:
        say_of(member, "%s", member->why);
        say_of(member,
               "stays down, since it has failed twice in a row. Its part of the data is "
               "not served. When the cause is gone: kill -USR1 %d",
               (int)getpid());
        break;
    case DURE_MEMBER_IDLE:
        if (was == DURE_MEMBER_READY || was == DURE_MEMBER_DRAINED)
            say_of(member, "%s", member->child.exit_status == 0 && member->child.exit_signal == 0
                                     ? "stopped" : member->why);
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
        printf("node %u: starting, %.1f s", member->node, seconds);
        return;
    }
    printf("node %u: recovering, record %llu of %llu, %.1f s", member->node,
           (unsigned long long)member->recovered, (unsigned long long)member->to_recover, seconds);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    if (as_json) return; /* Only what can be read line by line. */
    clear_progress();
    for (uint32_t i = 0; i < progress.supervisor->options.nodes; i++) {
        const struct dure_member *member = &progress.supervisor->members[i];
        if (member->state != DURE_MEMBER_STARTING) continue;
        if (now_ms(member) - member->began_ms < QUIET_MS) continue;
        if (progress.shown) fputs("   ", stdout);
        show(member);
        if (progress.terminal) progress.shown = true;
        else putchar('\n');
    }
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
