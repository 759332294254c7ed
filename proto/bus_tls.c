/*
 * TLS configurations: the CA, our certificate and its key from their files, and the other side's
 * name. Fails when a file cannot be read or is none of its kind. Any one thread.
 */
#include "proto/bus_tls.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bus_address.h"

int dure_bus_nng_fail(int code, const char **message, const char *what)
{
    int rv = DURE_ESYSTEM;
    if (code == NNG_ENOMEM) rv = DURE_ENOMEM;
    if (code == NNG_EADDRINVAL || code == NNG_EINVAL || code == NNG_ECRYPTO) rv = DURE_EINVAL;
    return dure_bus_fail(rv, message, what, nng_strerror(code));
}

static char *read_text(const char *path, const char **message)
{
    char *text = calloc(1, DURE_BUS_PEM_BYTES_MAX + 1);
    FILE *file = fopen(path, "re");
    if (text == NULL || file == NULL) {
        (void)dure_bus_fail(DURE_EINVAL, message, path, strerror(errno));
        free(text);
        text = NULL;
    } else if (fread(text, 1, DURE_BUS_PEM_BYTES_MAX, file) == 0) {
        (void)dure_bus_fail(DURE_EINVAL, message, path, "is empty or cannot be read");
        free(text);
        text = NULL;
    }
    if (file != NULL) fclose(file);
    return text;
}

static int fill_tls(nng_tls_config *config, const struct dure_bus_options *options,
                    const char **message)
{
    char *ca = read_text(options->tls_ca, message);
    char *cert = ca != NULL ? read_text(options->tls_cert, message) : NULL;
    char *key = cert != NULL ? read_text(options->tls_key, message) : NULL;
    int rv = key != NULL ? 0 : DURE_EINVAL;
    int code = 0;
    if (rv == 0) {
        code = nng_tls_config_ca_chain(config, ca, NULL);
        if (code != 0) rv = dure_bus_nng_fail(code, message, options->tls_ca);
    }
    if (rv == 0) {
        code = nng_tls_config_own_cert(config, cert, key, NULL);
        if (code != 0) rv = dure_bus_nng_fail(code, message, options->tls_cert);
    }
    free(ca);
    free(cert);
    free(key);
    return rv;
}

static int make(nng_tls_config **config, nng_tls_mode mode, const struct dure_bus_options *options,
                const char *name, const char **message)
{
    int code = nng_tls_config_alloc(config, mode);
    if (code != 0) return dure_bus_nng_fail(code, message, "TLS");
    int rv = fill_tls(*config, options, message);
    if (rv == 0) {
        code = nng_tls_config_auth_mode(*config, NNG_TLS_AUTH_MODE_REQUIRED);
        if (code == 0 && name != NULL) code = nng_tls_config_server_name(*config, name);
        if (code != 0) rv = dure_bus_nng_fail(code, message, "TLS");
    }
    if (rv == 0) return 0;
    nng_tls_config_free(*config);
    *config = NULL;
    return rv;
}

int dure_bus_tls_server(struct nng_tls_config **config, const struct dure_bus_options *options,
                        const char **message)
{
    return make(config, NNG_TLS_MODE_SERVER, options, NULL, message);
}

int dure_bus_tls_client(struct nng_tls_config **config, const struct dure_bus_options *options,
                        const char *url, const char **message)
{
    char host[256];
    if (options->tls_name != NULL && options->tls_name[0] != '\0') {
        snprintf(host, sizeof host, "%s", options->tls_name);
    } else {
        const char *from = url + strlen("tls+tcp://");
        snprintf(host, sizeof host, "%.*s", (int)strcspn(from, ":"), from);
    }
    return make(config, NNG_TLS_MODE_CLIENT, options, host, message);
}
