/*
 * Texts over a pair of sockets.
 *
 *   1. pair, then one end goes to the child, by inheritance
 *   2. open: whenever the socket is readable, every text that has come is handed over
 *   3. close
 *
 * A text that cannot be sent at once is dropped: each is either repeated (status) or follows silence
 * (ready), and neither end may ever wait for the other. See leash.h.
 */
#include "cmd/leash.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int dure_leash_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : DURE_ESYSTEM;
}

static void lost(struct dure_leash *leash)
{
    uv_poll_stop(&leash->poll);
    leash->gone(leash->arg);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct dure_leash *leash = poll->data;
    char text[DURE_LEASH_TEXT_MAX];
    (void)events;
    while (leash->open) {
        ssize_t len = recv(leash->fd, text, sizeof text - 1, MSG_DONTWAIT);
        if (len < 0 && errno == EINTR) continue;
        if (len < 0 && errno == EAGAIN && status == 0) return;
        if (len <= 0) {
            lost(leash);
            return;
        }
        text[len] = '\0';
        leash->heard(leash->arg, text);
    }
}

int dure_leash_open(struct dure_leash *leash, uv_loop_t *loop, int fd)
{
    DURE_ASSERT(leash->heard != NULL && leash->gone != NULL);
    if (uv_poll_init_socket(loop, &leash->poll, fd) != 0) return DURE_ESYSTEM;
    leash->poll.data = leash;
    leash->fd = fd;
    leash->open = true;
    int rv = uv_poll_start(&leash->poll, UV_READABLE, on_readable);
    DURE_ASSERT(rv == 0);
    return 0;
}

void dure_leash_say(int fd, const char *fmt, ...)
{
    char text[DURE_LEASH_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    DURE_ASSERT(len > 0 && (size_t)len < sizeof text);
    while (send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EINTR) continue;
}

void dure_leash_close(struct dure_leash *leash, uv_close_cb closed)
{
    DURE_ASSERT(leash->open);
    leash->open = false;
    uv_close((uv_handle_t *)&leash->poll, closed);
    close(leash->fd);
    leash->fd = -1;
}
