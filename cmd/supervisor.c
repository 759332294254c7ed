/*
 * Keeps nodes running.
 *
 *   1. start    every node at once; each recovers on its own
 *   2. watch    a node that ends is judged: killed or crashed → again, after a pause that doubles up
 *               to PAUSE_MAX_MS and is forgotten once a node has served for STEADY_MS; could not
 *               recover, or gave up by itself soon after → once more, then it stays down
 *   3. stop     SIGTERM to all: they finish what clients asked for, with the bus still up, so that a
 *               command on its way to another node arrives; when the last one is drained, "exit" to
 *               all, or when the limit is over. One that is still starting has no clients, and only gets the SIGTERM
 *
 * A node that cannot be started (no memory, no processes) counts as failed to recover. Loop thread.
 */
#include "cmd/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/logline.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000
/* Killed from outside: it is somebody's wish that it dies, not that it stays away. */
#define PAUSE_KILLED_MAX_MS 400
/* A node that served so long was fine: the next pause is the first one again … */
#define SERVED_MS 1000
/* … and so long: whatever it could not recover from before is over. */
#define STEADY_MS 10000
#define FAILURES_MAX 2
#define COMMAND_WORDS_MAX 128

#define BIT(state) (1u << DURE_MEMBER_##state)
static const unsigned allowed[DURE_MEMBER_STATES] = {
    [DURE_MEMBER_IDLE] = BIT(STARTING),
    [DURE_MEMBER_STARTING] = BIT(READY) | BIT(PAUSING) | BIT(DOWN) | BIT(IDLE),
    [DURE_MEMBER_READY] = BIT(DRAINED) | BIT(PAUSING) | BIT(DOWN) | BIT(IDLE),
    [DURE_MEMBER_DRAINED] = BIT(IDLE),
    [DURE_MEMBER_PAUSING] = BIT(STARTING) | BIT(DOWN) | BIT(IDLE),
    [DURE_MEMBER_DOWN] = BIT(STARTING) | BIT(IDLE),
};

const char *dure_member_state_name(enum dure_member_state state)
{
    static const char *const names[DURE_MEMBER_STATES] = {
        [DURE_MEMBER_IDLE] = "stopped",    [DURE_MEMBER_STARTING] = "starting",
        [DURE_MEMBER_READY] = "ready",     [DURE_MEMBER_DRAINED] = "stopping",
        [DURE_MEMBER_PAUSING] = "restart", [DURE_MEMBER_DOWN] = "down",
    };
    DURE_ASSERT(state < DURE_MEMBER_STATES);
    return names[state];
}

uint32_t dure_supervisor_count(const struct dure_supervisor *supervisor,
                               enum dure_member_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < supervisor->options.nodes; i++)
        count += supervisor->members[i].state == state;
    return count;
}

static void move(struct dure_member *member, enum dure_member_state state)
{
    enum dure_member_state was = member->state;
    DURE_ASSERT(allowed[was] & (1u << state));
    member->state = state;
    member->supervisor->options.moved(member->supervisor->options.arg, member, was);
}

/* ---- Starting ---------------------------------------------------------------------------------*/

static void judge(struct dure_member *member, bool failed, bool killed);

static void begin(struct dure_member *member)
{
    const struct dure_supervisor_options *options = &member->supervisor->options;
    char *argv[COMMAND_WORDS_MAX + 8], number[16], cpu[16];
    size_t count = 0;
    while (options->command[count] != NULL) {
        DURE_ASSERT(count < COMMAND_WORDS_MAX);
        argv[count] = options->command[count];
        count++;
    }
    snprintf(number, sizeof number, "%u", member->node);
    argv[count++] = "--node";
    argv[count++] = number;
    if (options->cpus_count > 0) {
        snprintf(cpu, sizeof cpu, "%d", options->cpus[member->node % options->cpus_count]);
        argv[count++] = "--pin";
        argv[count++] = cpu;
    }
    argv[count] = NULL;
    member->began_ms = uv_now(member->supervisor->loop);
    member->ready_ms = member->recovered = member->to_recover = 0;
    member->said[0] = '\0';
    member->joined = false;
    move(member, DURE_MEMBER_STARTING);
    int rv = dure_child_start(&member->child, argv, options->kept_fd);
    if (rv == 0) return;
    snprintf(member->why, sizeof member->why, "cannot be started: %s", uv_strerror(rv));
    judge(member, true, false);
}

static void on_pause(uv_timer_t *timer)
{
    struct dure_member *member = timer->data;
    member->restarts++;
    begin(member);
}

/* ---- A node has ended -------------------------------------------------------------------------*/

static void look_whether_over(struct dure_supervisor *supervisor)
{
    uint32_t gone = dure_supervisor_count(supervisor, DURE_MEMBER_IDLE) +
                    dure_supervisor_count(supervisor, DURE_MEMBER_DOWN);
    if (gone < supervisor->options.nodes || supervisor->is_over) return;
    supervisor->is_over = true;
    uv_timer_stop(&supervisor->limit);
    supervisor->options.over(supervisor->options.arg);
}

/* Again, or never again. */
static void judge(struct dure_member *member, bool failed, bool killed)
{
    member->failures = failed ? member->failures + 1 : 0;
    if (member->failures >= FAILURES_MAX) {
        move(member, DURE_MEMBER_DOWN);
        look_whether_over(member->supervisor);
        return;
    }
    uint64_t pause = member->pause_ms;
    if (killed && pause > PAUSE_KILLED_MAX_MS) pause = PAUSE_KILLED_MAX_MS;
    member->pause_ms = pause == 0 ? PAUSE_FIRST_MS : 2 * pause;
    if (member->pause_ms > PAUSE_MAX_MS) member->pause_ms = PAUSE_MAX_MS;
    uv_timer_start(&member->pause, on_pause, pause, 0);
    move(member, DURE_MEMBER_PAUSING); /* Last: who hears it may stop everything. */
}

static void explain(struct dure_member *member, int64_t status, int signal)
{
    char how[160];
    if (status < 0) snprintf(how, sizeof how, "cannot be started: %s", uv_strerror((int)status));
    else if (signal != 0)
        snprintf(how, sizeof how, "ended by signal %d (%s)", signal, strsignal(signal));
    else snprintf(how, sizeof how, "ended with status %lld", (long long)status);
    const char *between = member->said[0] != '\0' ? ": " : "";
    snprintf(member->why, sizeof member->why, "%.150s%s%.500s", how, between, member->said);
}

static void tell_to_leave(struct dure_supervisor *supervisor);

/* Killed from outside says nothing about whether it can recover; a bug or its own decision does. */
static bool by_itself(int signal)
{
    return signal != SIGKILL && signal != SIGTERM && signal != SIGINT;
}

static void on_ended(void *arg, struct dure_child *child, int64_t status, int signal)
{
    struct dure_member *member = arg;
    (void)child;
    explain(member, status, signal);
    if (member->supervisor->stopping) {
        move(member, DURE_MEMBER_IDLE);
        tell_to_leave(member->supervisor); /* It may have been the last that was not drained. */
        look_whether_over(member->supervisor);
        return;
    }
    uint64_t now = uv_now(member->supervisor->loop);
    bool steady = member->ready_ms != 0 && now - member->ready_ms >= STEADY_MS;
    bool failed = by_itself(signal) && (member->ready_ms == 0 || (signal == 0 && !steady));
    if (steady) member->failures = 0;
    if (member->ready_ms != 0 && now - member->ready_ms >= SERVED_MS) member->pause_ms = 0;
    member->lost_ms = now;
    judge(member, failed, !by_itself(signal));
}

/* ---- What a node says -------------------------------------------------------------------------*/

static void on_ready(struct dure_member *member, const char *numbers)
{
    unsigned long long records = 0;
    unsigned port = 0;
    if (member->state != DURE_MEMBER_STARTING) return;
    if (sscanf(numbers, "%u %*s %llu", &port, &records) != 2) return;
    member->port = port;
    member->records = records;
    member->ready_ms = uv_now(member->supervisor->loop);
    move(member, DURE_MEMBER_READY);
    member->lost_ms = 0;
}

static void on_heard(void *arg, struct dure_child *child, const char *text)
{
    struct dure_member *member = arg;
    const struct dure_supervisor_options *options = &member->supervisor->options;
    unsigned long long done, total;
    if (sscanf(text, "recovering %llu %llu", &done, &total) == 2) {
        member->recovered = done;
        member->to_recover = total;
    } else if (strncmp(text, "ready ", 6) == 0) {
        on_ready(member, text + 6);
    } else if (strncmp(text, "status ", 7) == 0) {
        options->status(options->arg, member, text + 7);
    } else if (strcmp(text, "joined") == 0) {
        member->joined = true;
        options->joined(options->arg, member);
    } else if (strcmp(text, "drained") == 0 && member->supervisor->stopping &&
               member->state == DURE_MEMBER_READY) {
        move(member, DURE_MEMBER_DRAINED);
        if (member->supervisor->told_to_leave) dure_child_say(child, "exit");
        else tell_to_leave(member->supervisor);
    }
}

/* Nobody dies of a request: a line that tells of work is never why. */
static bool tells_of_work(const char *line)
{
    static const char *const work[] = {DURE_LOG_REQUEST, DURE_LOG_NOTIFICATION, DURE_LOG_DROPPED};
    static const char sentence[] = "dure node: " DURE_LOG_REQUEST ": ";
    char msg[32];
    if (!dure_logline_read(line, msg, sizeof msg))
        return strncmp(line, sentence, sizeof sentence - 1) == 0;
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
        if (strcmp(msg, work[i]) == 0) return true;
    }
    return false;
}

static void on_line(void *arg, struct dure_child *child, const char *line)
{
    struct dure_member *member = arg;
    (void)child;
    if (!tells_of_work(line) && !dure_logline_read(line, member->said, sizeof member->said))
        snprintf(member->said, sizeof member->said, "%s", line);
    member->supervisor->options.line(member->supervisor->options.arg, member, line);
}

/* ---- Life -------------------------------------------------------------------------------------*/

int dure_supervisor_start(struct dure_supervisor *supervisor, uv_loop_t *loop,
                          const struct dure_supervisor_options *options)
{
    DURE_ASSERT(options->nodes >= 1 && options->nodes <= DURE_NODES_MAX);
    *supervisor = (struct dure_supervisor){.loop = loop, .options = *options};
    int rv = uv_timer_init(loop, &supervisor->limit);
    supervisor->limit.data = supervisor;
    for (uint32_t i = 0; rv == 0 && i < options->nodes; i++) {
        struct dure_member *member = &supervisor->members[i];
        member->supervisor = supervisor;
        member->node = i;
        member->child.loop = loop;
        member->child.events = (struct dure_child_events){
            .heard = on_heard, .line = on_line, .ended = on_ended, .arg = member};
        member->pause.data = member;
        rv = uv_timer_init(loop, &member->pause);
    }
    for (uint32_t i = 0; rv == 0 && i < options->nodes; i++) begin(&supervisor->members[i]);
    return rv;
}

static void kill_all(struct dure_supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->options.nodes; i++) {
        struct dure_member *member = &supervisor->members[i];
        if (!member->child.running) continue;
        supervisor->killed++;
        dure_child_signal(&member->child, SIGKILL);
    }
}

static void tell_all_to_leave(struct dure_supervisor *supervisor)
{
    if (supervisor->told_to_leave) return;
    supervisor->told_to_leave = true;
    for (uint32_t i = 0; i < supervisor->options.nodes; i++)
        dure_child_say(&supervisor->members[i].child, "exit");
}

/* When nobody needs anybody any more. */
static void tell_to_leave(struct dure_supervisor *supervisor)
{
    if (dure_supervisor_count(supervisor, DURE_MEMBER_READY) == 0) tell_all_to_leave(supervisor);
}

static void on_limit(uv_timer_t *timer)
{
    struct dure_supervisor *supervisor = timer->data;
    if (supervisor->told_to_leave) {
        kill_all(supervisor);
        return;
    }
    tell_all_to_leave(supervisor);
    uv_timer_start(timer, on_limit, DURE_SUPERVISOR_LEAVE_MS, 0);
}

void dure_supervisor_stop(struct dure_supervisor *supervisor)
{
    if (supervisor->stopping) {
        kill_all(supervisor);
        return;
    }
    supervisor->stopping = true;
    uv_timer_start(&supervisor->limit, on_limit,
                   supervisor->options.drain_ms + DURE_SUPERVISOR_DRAINED_MS, 0);
    for (uint32_t i = 0; i < supervisor->options.nodes; i++) {
        struct dure_member *member = &supervisor->members[i];
        dure_child_signal(&member->child, SIGTERM);
        uv_timer_stop(&member->pause);
        if (member->state == DURE_MEMBER_PAUSING) move(member, DURE_MEMBER_IDLE);
    }
    tell_to_leave(supervisor);
    look_whether_over(supervisor);
}

void dure_supervisor_retry(struct dure_supervisor *supervisor)
{
    if (supervisor->stopping) return;
    for (uint32_t i = 0; i < supervisor->options.nodes; i++) {
        struct dure_member *member = &supervisor->members[i];
        if (member->state != DURE_MEMBER_DOWN) continue;
        member->failures = 0;
        member->pause_ms = 0;
        member->restarts++;
        begin(member);
    }
}

uint32_t dure_supervisor_ask(struct dure_supervisor *supervisor)
{
    uint32_t asked = 0;
    for (uint32_t i = 0; i < supervisor->options.nodes; i++) {
        struct dure_member *member = &supervisor->members[i];
        if (member->state != DURE_MEMBER_READY) continue;
        dure_child_say(&member->child, "status");
        asked++;
    }
    return asked;
}
