/*
 * Settings: what no single value's kind and range can say, said before anything is touched. Main
 * thread only; the registry is up.
 */
#include <arpa/inet.h>
#include <string.h>

#include "cmd/config.h"
#include "runtime/core.h"

static bool is_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static bool is_system(const char *name, size_t len)
{
    for (const struct dure_system *const *at = dure_registry_systems(); *at != NULL; at++) {
        if (strlen((*at)->name) == len && memcmp((*at)->name, name, len) == 0) return true;
    }
    return false;
}

static int no_system(const char *setting, const char *name, size_t len)
{
    fprintf(stderr, "dure: %s: there is no system \"%.*s\"; there are:", setting, (int)len, name);
    for (const struct dure_system *const *at = dure_registry_systems(); *at != NULL; at++) {
        fprintf(stderr, " %s", (*at)->name);
    }
    fputc('\n', stderr);
    return DURE_EINVAL;
}

static int check_systems(const struct dure_config *config)
{
    size_t len = strlen(config->root);
    if (len > 0 && !is_system(config->root, len)) return no_system("root", config->root, len);
    for (const char *at = config->systems; *at != '\0'; at += len + (at[len] == ',')) {
        len = strcspn(at, ",");
        if (!is_system(at, len)) return no_system("systems", at, len);
    }
    return 0;
}

static int check_choice(const char *setting, const char *value, const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], value) == 0) return 0;
    }
    fprintf(stderr, "dure: %s: there is no \"%s\"; there are:", setting, value);
    for (size_t i = 0; choices[i] != NULL; i++) fprintf(stderr, " %s", choices[i]);
    fputc('\n', stderr);
    return DURE_EINVAL;
}

int dure_config_check(const struct dure_config *config)
{
    if (!is_address(config->host)) {
        fprintf(stderr, "dure: host must be an IPv4 or IPv6 address, not \"%s\"\n", config->host);
        return DURE_EINVAL;
    }
    int rv = check_systems(config);
    static const char *const formats[] = {"text", "logfmt", "json", NULL};
    static const char *const requests[] = {"auto", "none", "errors", "all", NULL};
    if (rv == 0) rv = check_choice("log-format", config->log_format, formats);
    if (rv == 0) rv = check_choice("log-requests", config->log_requests, requests);
    if (rv != 0) return rv;
    /* Memory grows by doubling, so a body takes up to twice its size. */
    if (config->requests_bytes_max >= 2 * config->body_bytes_max) return 0;
    fprintf(stderr,
            "dure: requests-bytes-max must be at least twice body-bytes-max, that is %lld\n",
            2 * (long long)config->body_bytes_max);
    return DURE_EINVAL;
}
