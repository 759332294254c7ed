/*
 * Tells systemd how `dure up` is: the protocol of sd_notify(3), which is a datagram of "NAME=value"
 * lines to the socket that NOTIFY_SOCKET names. Without that variable nothing is ever sent.
 *
 *   1. READY=1 once all nodes serve and reach each other; or, when some stay down, once nothing more
 *      can be expected: what is there serves, and ending that would help nobody
 *   2. STATUS=… after every change, for `systemctl status`
 *   3. WATCHDOG=1 twice in each period of WATCHDOG_USEC (sd_watchdog_enabled(3))
 *   4. STOPPING=1 when the stop begins
 *
 * A message that cannot be sent is lost: systemd is told the next change, and what systemd does not
 * hear is its own to judge. Loop thread; there is one systemd, hence static state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/up.h"

static struct {
    struct dure_supervisor *supervisor; /* NULL: nobody listens. */
    struct sockaddr_un address;
    socklen_t address_len;
    uv_timer_t watchdog;
    uint64_t watchdog_ms; /* 0: none. */
    bool said_ready, stopping;
    char status[128]; /* The last one. */
} systemd;

/* A path, or a name in Linux' abstract namespace behind an "@". */
static bool read_address(const char *text)
{
    size_t len = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof systemd.address.sun_path)
        return false;
    systemd.address.sun_family = AF_UNIX;
    memcpy(systemd.address.sun_path, text, len);
    if (text[0] == '@') systemd.address.sun_path[0] = '\0';
    systemd.address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

/* A socket for each: it is seldom, and nothing is left open for the nodes to inherit. */
static void tell(const char *message)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL,
                          (struct sockaddr *)&systemd.address, systemd.address_len);
    (void)sent; /* See above. */
    close(fd);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    tell("WATCHDOG=1");
}

static uint64_t read_watchdog(const char *period, const char *whose)
{
    if (period == NULL || (whose != NULL && strtol(whose, NULL, 10) != (long)getpid())) return 0;
    return strtoull(period, NULL, 10) / 1000 / 2;
}

void dure_up_systemd_read(struct dure_supervisor *supervisor)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || !read_address(name)) return;
    systemd.supervisor = supervisor;
    systemd.watchdog_ms = read_watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    /* Who speaks for the service is this process, not its nodes. */
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void dure_up_systemd_start(uv_loop_t *loop)
{
    if (systemd.watchdog_ms == 0) return;
    int rv = uv_timer_init(loop, &systemd.watchdog);
    if (rv == 0) rv = uv_timer_start(&systemd.watchdog, on_watchdog, 0, systemd.watchdog_ms);
    DURE_ASSERT(rv == 0);
}

static uint32_t count_joined(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < systemd.supervisor->options.nodes; i++) {
        const struct dure_member *member = &systemd.supervisor->members[i];
        count += member->state == DURE_MEMBER_READY && member->joined;
    }
    return count;
}

void dure_up_systemd_look(void)
{
    if (systemd.supervisor == NULL || systemd.stopping) return;
    const struct dure_supervisor *supervisor = systemd.supervisor;
    uint32_t nodes = supervisor->options.nodes;
    uint32_t ready = dure_supervisor_count(supervisor, DURE_MEMBER_READY);
    uint32_t down = dure_supervisor_count(supervisor, DURE_MEMBER_DOWN);
    bool settled = count_joined() == nodes || (ready > 0 && down > 0 && ready + down == nodes);
    char status[sizeof systemd.status], message[sizeof status + 32];
    int len = snprintf(status, sizeof status, "%u of %u nodes serve", ready, nodes);
    if (down > 0) snprintf(status + len, sizeof status - (size_t)len, ", %u stay down", down);
    if (strcmp(status, systemd.status) == 0 && (systemd.said_ready || !settled)) return;
    memcpy(systemd.status, status, sizeof status);
    snprintf(message, sizeof message, "%sSTATUS=%s",
             settled && !systemd.said_ready ? "READY=1\n" : "", status);
    systemd.said_ready = systemd.said_ready || settled;
    tell(message);
}

void dure_up_systemd_stopping(void)
{
    if (systemd.supervisor == NULL || systemd.stopping) return;
    systemd.stopping = true;
    tell("STOPPING=1\nSTATUS=stopping");
}
