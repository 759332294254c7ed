/*
 * Printing events, and finding out what an earlier run has printed.
 *
 * A group's position is kept after its events are printed, so a kill in between leaves the file
 * ahead of the group. The file itself says how far: each line holds its event's shard and sequence.
 */
#include "cmd/tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Printing ---------------------------------------------------------------------------------- */

/* The text between `name` and `end` in a line's JSON, whose envelope is ours. */
static const char *member(const struct dure_stream_line *line, const char *name, size_t *len)
{
    size_t name_len = strlen(name);
    const char *at = memmem(line->json, line->json_len, name, name_len);
    *len = 0;
    if (at == NULL) return "";
    at += name_len;
    const char *end = memchr(at, '"', (size_t)(line->json + line->json_len - at));
    if (end != NULL) *len = (size_t)(end - at);
    return at;
}

static void pretty(const struct dure_stream_line *line, struct dure_buf *out)
{
    size_t len;
    const char *text = member(line, "\"time\":\"", &len);
    const char *day = memchr(text, 'T', len);
    if (day != NULL && len > 23) {
        dure_buf_add(out, text, (size_t)(day - text));
        dure_buf_byte(out, ' ');
        dure_buf_add(out, day + 1, 12);
        dure_buf_byte(out, ' ');
    }
    dure_buf_add(out, line->type, line->type_len);
    dure_buf_byte(out, ' ');
    text = member(line, "\"source\":\"", &len);
    dure_buf_add(out, text, len);
    dure_buf_printf(out, " %u-%llu ", line->shard, (unsigned long long)line->sequence);
    static const char data[] = "\"data\":";
    const char *at = memmem(line->json, line->json_len, data, sizeof data - 1);
    if (at != NULL) {
        at += sizeof data - 1;
        dure_buf_add(out, at, (size_t)(line->json + line->json_len - at) - 1);
    }
    dure_buf_byte(out, '\n');
}

static int write_all(int fd, const struct dure_buf *text)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t len = write(fd, text->data + at, text->len - at);
        if (len < 0 && errno == EINTR) continue;
        if (len < 0) return errno == EPIPE ? DURE_ESHUTDOWN : DURE_EIO;
        at += (size_t)len;
    }
    return 0;
}

int dure_tail_print(struct dure_tail_output *output, const struct dure_buf *lines, size_t *printed)
{
    const char *at = lines->data, *end = lines->data + lines->len;
    struct dure_stream_line line;
    output->text.len = 0;
    while (output->left > 0 && dure_stream_line(&at, end, &line) == 0) {
        output->left--;
        if (!output->json) pretty(&line, &output->text);
        else dure_buf_add(&output->text, line.json, line.json_len + 1);
    }
    *printed = lines->len > 0 ? (size_t)(at - lines->data) : 0;
    return write_all(output->fd, &output->text);
}

/* ---- What is there already ---------------------------------------------------------------------- */

bool dure_tail_is_file(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
}

/* A line that is printed as JSON is a stream line without its type. */
static bool note(const char *text, size_t len, struct dure_positions *at)
{
    struct dure_buf line = {0};
    struct dure_stream_line event;
    dure_buf_lit(&line, "- ");
    dure_buf_add(&line, text, len);
    const char *from = line.data;
    bool is_event = dure_stream_line(&from, line.data + line.len, &event) == 0;
    if (is_event && event.shard < at->shards) {
        uint64_t *last = &at->last[event.shard];
        if (*last == DURE_POSITION_NONE || event.sequence > *last) *last = event.sequence;
    }
    dure_buf_fini(&line);
    return is_event;
}

int dure_tail_resume(int fd, struct dure_positions *at, bool *found)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* It may be open for writing only. */
    FILE *file = fopen(path, "re");
    if (file == NULL) return DURE_ESYSTEM;
    char *line = NULL;
    size_t cap = 0;
    off_t whole = 0;
    ssize_t len;
    *found = false;
    while ((len = getline(&line, &cap, file)) > 0 && line[len - 1] == '\n') {
        whole += len;
        if (note(line, (size_t)len, at)) *found = true;
    }
    int rv = ferror(file) ? DURE_EIO : 0;
    free(line);
    fclose(file);
    struct stat info;
    if (rv == 0 && fstat(fd, &info) == 0 && info.st_size > whole && ftruncate(fd, whole) != 0)
        rv = DURE_EIO;
    return rv;
}
