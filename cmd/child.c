/*
 * One child process.
 *
 *   1. start   a leash, a pipe for what it prints, the process
 *   2. while it runs: texts from the leash, lines from the pipe
 *   3. it exits: what is still in the pipe is read to its end, everything is closed, `ended`
 *
 * start fails as uv_spawn does. Loop thread.
 */
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void on_closed(uv_handle_t *handle)
{
    struct dure_child *child = handle->data;
    if (--child->handles > 0) return;
    child->running = false;
    child->events.ended(child->events.arg, child, child->exit_status, child->exit_signal);
}

static void on_leash_closed(uv_handle_t *handle)
{
    handle->data = ((struct dure_leash *)handle->data)->arg;
    on_closed(handle);
}

/* ---- What it prints ---------------------------------------------------------------------------*/

static void end_line(struct dure_child *child)
{
    if (child->line_len == 0) return;
    child->line[child->line_len] = '\0';
    child->line_len = 0;
    child->events.line(child->events.arg, child, child->line);
}

static void on_printed(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct dure_child *child = stream->data;
    for (ssize_t i = 0; i < len; i++) {
        char byte = buf->base[i];
        if (byte != '\n') child->line[child->line_len++] = byte;
        if (byte == '\n' || child->line_len == sizeof child->line - 1) end_line(child);
    }
    if (len >= 0) return;
    end_line(child);
    uv_close((uv_handle_t *)stream, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[4096]; /* Handed over and read within one callback. */
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

/* ---- Leash and end ----------------------------------------------------------------------------*/

static void on_heard(void *arg, const char *text)
{
    struct dure_child *child = arg;
    child->events.heard(child->events.arg, child, text);
}

static void on_gone(void *arg)
{
    (void)arg; /* Its exit is about to be told. */
}

static void on_exit(uv_process_t *process, int64_t status, int signal)
{
    struct dure_child *child = process->data;
    child->exit_status = status;
    child->exit_signal = signal;
    uv_close((uv_handle_t *)process, on_closed);
    dure_leash_close(&child->leash, on_leash_closed);
}

/* Descriptor 3 is the leash, 4 what must stay open as long as the process lives. */
static int spawn(struct dure_child *child, char **argv, int leash_fd, int printed_fd, int kept_fd)
{
    uv_stdio_container_t stdio[5] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = printed_fd},
        {.flags = UV_INHERIT_FD, .data.fd = printed_fd},
        {.flags = UV_INHERIT_FD, .data.fd = leash_fd},
        {.flags = UV_INHERIT_FD, .data.fd = kept_fd},
    };
    uv_process_options_t options = {
        .file = argv[0], .args = argv, .stdio = stdio, .stdio_count = kept_fd < 0 ? 4 : 5,
        .flags = UV_PROCESS_DETACHED, .exit_cb = on_exit,
    };
    return uv_spawn(child->loop, &child->process, &options);
}

int dure_child_start(struct dure_child *child, char **argv, int kept_fd)
{
    DURE_ASSERT(!child->running);
    int ends[2] = {-1, -1}, printed[2] = {-1, -1};
    if (dure_leash_pair(ends) != 0 || pipe2(printed, O_CLOEXEC) != 0) {
        int error = errno;
        if (ends[0] >= 0) {
            close(ends[0]);
            close(ends[1]);
        }
        return uv_translate_sys_error(error);
    }
    child->leash.heard = on_heard;
    child->leash.gone = on_gone;
    child->leash.arg = child;
    child->line_len = 0;
    int rv = uv_pipe_init(child->loop, &child->printed, 0);
    if (rv == 0) rv = uv_pipe_open(&child->printed, printed[0]);
    if (rv == 0) rv = dure_leash_open(&child->leash, child->loop, ends[0]);
    if (rv == 0) rv = uv_read_start((uv_stream_t *)&child->printed, on_alloc, on_printed);
    DURE_ASSERT(rv == 0); /* New descriptors of the right kind. */
    child->printed.data = child->process.data = child;
    child->handles = 3;
    child->running = true;
    rv = spawn(child, argv, ends[1], printed[1], kept_fd);
    close(ends[1]);
    close(printed[1]); /* The pipe ends when the process does, or now. */
    if (rv != 0) on_exit(&child->process, rv, 0);
    return 0;
}

void dure_child_signal(struct dure_child *child, int number)
{
    if (child->running && uv_is_active((uv_handle_t *)&child->process))
        (void)uv_process_kill(&child->process, number); /* It may just have ended. */
}

void dure_child_say(struct dure_child *child, const char *text)
{
    if (child->running && child->leash.open) dure_leash_say(child->leash.fd, "%s", text);
}
