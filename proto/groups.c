/*
 * Groups as files.
 *
 *   1. the position goes to ".NAME.new" and is synced
 *   2. rename, then the directory is synced
 *
 * A crash leaves the old or the new position. Any thread; writers take turns.
 */
#include "proto/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 1200

int dure_groups_init(struct dure_groups *groups, const char *dir)
{
    if (strlen(dir) >= sizeof groups->dir) return DURE_ETOOBIG;
    strcpy(groups->dir, dir);
    pthread_mutex_init(&groups->mutex, NULL);
    return 0;
}

void dure_groups_fini(struct dure_groups *groups)
{
    pthread_mutex_destroy(&groups->mutex);
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return dure_error_from_errno(errno);
    int rv = fsync(fd) == 0 ? 0 : dure_error_from_errno(errno);
    close(fd);
    return rv;
}

static int write_file(const char *path, const struct dure_buf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return dure_error_from_errno(errno);
    ssize_t len = write(fd, text->data, text->len);
    int rv = 0;
    if (len != (ssize_t)text->len) rv = len < 0 ? dure_error_from_errno(errno) : DURE_ENOSPC;
    if (rv == 0 && fsync(fd) != 0) rv = dure_error_from_errno(errno);
    close(fd);
    return rv;
}

int dure_groups_set(struct dure_groups *groups, const char *group, const struct dure_positions *at)
{
    char path[PATH_BYTES], new[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", groups->dir, group);
    snprintf(new, sizeof new, "%s/.%s.new", groups->dir, group);
    struct dure_buf text = {0};
    dure_positions_write(at, &text);
    dure_buf_byte(&text, '\n');
    pthread_mutex_lock(&groups->mutex);
    int rv = mkdir(groups->dir, 0755) == 0 || errno == EEXIST ? 0 : dure_error_from_errno(errno);
    if (rv == 0) rv = write_file(new, &text);
    if (rv == 0 && rename(new, path) != 0) rv = dure_error_from_errno(errno);
    if (rv == 0) rv = sync_dir(groups->dir);
    pthread_mutex_unlock(&groups->mutex);
    dure_buf_fini(&text);
    return rv;
}

int dure_groups_get(struct dure_groups *groups, const char *group, struct dure_positions *at)
{
    char path[PATH_BYTES], text[DURE_SHARDS_MAX * 16];
    snprintf(path, sizeof path, "%s/%s", groups->dir, group);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return dure_error_from_errno(errno);
    ssize_t len = read(fd, text, sizeof text);
    close(fd);
    if (len < 0) return DURE_ESYSTEM;
    if (len < 1 || text[len - 1] != '\n') return DURE_ECORRUPT;
    return dure_positions_read(at, text, (size_t)len - 1) == 0 ? 0 : DURE_ECORRUPT;
}
