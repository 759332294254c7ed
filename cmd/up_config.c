/*
 * Where the settings of `dure up` come from.
 *
 *   1. the file, if --config or DURE_CONFIG names one: what is ours is set, and what is the nodes' is
 *      checked and handed to them by the environment, which ps shows to nobody (flags it would)
 *   2. the environment: DURE_HTTP for --http; what is not ours stays there for the nodes
 *   3. the flags
 *
 * Each is set over the one before. A message names its source. Before there is any other thread.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/config.h"
#include "cmd/pairs.h"
#include "cmd/up.h"

static const struct {
    const char *name;
    size_t offset, size; /* Of its member; size 0: a text. */
    int64_t min, max;
} settings[DURE_UP_SETTINGS] = {
#define AT(member) offsetof(struct dure_up_options, member)
#define NUMBER(member) AT(member), sizeof(((struct dure_up_options *)0)->member)
    [DURE_UP_NODES] = {"nodes", NUMBER(nodes), 1, DURE_NODES_MAX},
    [DURE_UP_DATA] = {"data", AT(data), 0, 0, 0},
    [DURE_UP_HOST] = {"host", AT(host), 0, 0, 0},
    [DURE_UP_HTTP] = {"http", NUMBER(http), 0, 65535},
    [DURE_UP_EVENTS] = {"events", NUMBER(events), -1, 65535},
    [DURE_UP_REPLAY] = {"replay", NUMBER(replay), -1, 65535},
    [DURE_UP_SYSTEMS] = {"systems", AT(systems), 0, 0, 0},
    [DURE_UP_ROOT] = {"root", AT(root), 0, 0, 0},
    [DURE_UP_SHARDS] = {"shards", NUMBER(shards), 1, DURE_SHARDS_MAX},
    [DURE_UP_DRAIN] = {"drain-ms", NUMBER(drain_ms), 0, 600000},
    [DURE_UP_PIN] = {"pin", NUMBER(pin), 0, 1},
    [DURE_UP_LOG_FORMAT] = {"log-format", AT(log_format_name), 0, 0, 0},
#undef NUMBER
#undef AT
};

/* Each node has its own, from us. */
static const char *const each_nodes[] = {"cluster", "http-shared", "node", "supervisor"};

static int set_number(char *member, size_t size, int64_t value)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low bytes come first");
    DURE_ASSERT(size <= sizeof value);
    memcpy(member, &value, size);
    return 0;
}

static int set(struct dure_up_options *options, size_t which, const char *text, const char *source)
{
    char *member = (char *)options + settings[which].offset, *end;
    if (settings[which].size == 0) {
        memcpy(member, &text, sizeof text);
        return 0;
    }
    int64_t min = settings[which].min, max = settings[which].max;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= min && value <= max)
        return set_number(member, settings[which].size, value);
    fprintf(stderr, "dure up: %s takes a whole number from %lld to %lld, not '%s'\n", source,
            (long long)min, (long long)max, text);
    return DURE_EINVAL;
}

/* memory-mb → DURE_MEMORY_MB */
static void variable_of(const char *name, char *variable, size_t size)
{
    snprintf(variable, size, "DURE_%s", name);
    for (char *at = variable; *at != '\0'; at++)
        *at = (char)(*at == '-' ? '_' : toupper((unsigned char)*at));
}

static int set_pair(void *arg, const char *name, const char *value, const char *source)
{
    static char kept[DURE_UP_SETTINGS][DURE_CLUSTER_PATH_BYTES]; /* The options refer to it. */
    char named[1200], variable[80];
    for (size_t i = 0; i < DURE_UP_SETTINGS; i++) {
        if (strcmp(settings[i].name, name) != 0) continue;
        snprintf(named, sizeof named, "%s: %s", source, name);
        int len = snprintf(kept[i], sizeof kept[i], "%s", value);
        if (len >= 0 && (size_t)len < sizeof kept[i]) return set(arg, i, kept[i], named);
        fprintf(stderr, "dure up: %s is longer than %zu bytes\n", named, sizeof kept[i] - 1);
        return DURE_EINVAL;
    }
    for (size_t i = 0; i < sizeof each_nodes / sizeof each_nodes[0]; i++) {
        if (strcmp(each_nodes[i], name) != 0) continue;
        fprintf(stderr, "dure up: %s: %s is what `dure up` tells each node itself\n", source, name);
        return DURE_EINVAL;
    }
    int rv = dure_config_try(name, value, source);
    if (rv != 0) return rv;
    variable_of(name, variable, sizeof variable);
    return setenv(variable, value, false) == 0 ? 0 : DURE_ENOMEM; /* The environment wins. */
}

static int read_environment(struct dure_up_options *options)
{
    char variable[80], source[100];
    int rv = 0;
    for (size_t i = 0; i < DURE_UP_SETTINGS && rv == 0; i++) {
        variable_of(settings[i].name, variable, sizeof variable);
        const char *value = getenv(variable);
        if (value == NULL) continue;
        snprintf(source, sizeof source, "environment %s", variable);
        rv = set(options, i, value, source); /* The text stays where it is. */
        unsetenv(variable); /* A node would not know it, or mean something else by it. */
    }
    return rv;
}

int dure_up_configure(struct dure_up_options *options)
{
    const char *path = options->config != NULL ? options->config : getenv("DURE_CONFIG");
    int rv = path != NULL ? dure_pairs_read(path, set_pair, options) : 0;
    unsetenv("DURE_CONFIG"); /* It has been read, for the nodes as well. */
    if (rv == 0) rv = read_environment(options);
    for (size_t i = 0; i < DURE_UP_SETTINGS && rv == 0; i++) {
        char source[32];
        snprintf(source, sizeof source, "--%s", settings[i].name);
        if (options->flags[i] != NULL) rv = set(options, i, options->flags[i], source);
    }
    const char *format = options->log_format_name;
    if (rv != 0 || format == NULL || dure_log_format_read(format, &options->log_format)) return rv;
    fprintf(stderr, "dure up: log-format takes text, logfmt or json, not '%s'\n", format);
    return DURE_EINVAL;
}
