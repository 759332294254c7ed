/*
 * Addresses.
 *
 *   1. a relative path is put behind the cluster's directory
 *   2. one that no socket can have is reached through its open directory
 *
 * Fails when that directory is not there, or the last part alone is too long. Any one thread.
 */
#include "proto/bus_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static char message_text[512];

int dure_bus_fail(int rv, const char **message, const char *what, const char *why)
{
    snprintf(message_text, sizeof message_text, "%s: %s", what, why);
    *message = message_text;
    return rv;
}

int dure_bus_address(const char *address, const char *relative_to, char url[DURE_BUS_URL_BYTES],
                     int *fd, const char **message)
{
    const size_t size = DURE_BUS_URL_BYTES;
    if (strncmp(address, "ipc://", 6) != 0)
        return (size_t)snprintf(url, size, "%s", address) < size
                   ? 0
                   : dure_bus_fail(DURE_EINVAL, message, address, "is too long");
    char path[2048];
    const char *tail = address + 6;
    const char *dir = tail[0] == '/' || relative_to == NULL ? "" : relative_to;
    if ((size_t)snprintf(path, sizeof path, "%s%s%s", dir, *dir ? "/" : "", tail) >= sizeof path)
        return dure_bus_fail(DURE_EINVAL, message, address, "is too long");
    if (strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path) {
        snprintf(url, size, "ipc://%s", path);
        return 0;
    }
    char *slash = strrchr(path, '/');
    if (slash == NULL) return dure_bus_fail(DURE_EINVAL, message, address, "is too long");
    *slash = '\0';
    int opened = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return dure_bus_fail(DURE_ESYSTEM, message, path, strerror(errno));
    *fd = opened;
    snprintf(url, size, "ipc:///proc/self/fd/%d/%s", opened, slash + 1);
    return strlen(url) - 6 < sizeof((struct sockaddr_un *)0)->sun_path
               ? 0
               : dure_bus_fail(DURE_EINVAL, message, slash + 1, "is too long for a socket");
}
