/*
 * HTTP requests by libcurl's easy interface. Main thread only.
 */
#include "cmd/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_S 5L

struct dure_client {
    CURL *easy;
    const struct dure_client_request *request;
    struct dure_client_reply *reply;
    bool stopped; /* By on_body. */
    char error[CURL_ERROR_SIZE];
};

struct dure_client *dure_client_new(void)
{
    struct dure_client *client = calloc(1, sizeof *client);
    if (client == NULL) return NULL;
    client->easy = curl_easy_init();
    if (client->easy != NULL) return client;
    free(client);
    return NULL;
}

void dure_client_free(struct dure_client *client)
{
    if (client == NULL) return;
    curl_easy_cleanup(client->easy);
    free(client);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct dure_client *client = arg;
    struct dure_buf *head = &client->reply->head;
    size_t len = size * count;
    if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0) head->len = 0; /* After a 1xx, the next one. */
    dure_buf_add(head, bytes, len);
    long status = 0;
    if (curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        client->reply->status = (int)status;
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct dure_client *client = arg;
    size_t len = size * count;
    if (client->request->on_body == NULL) {
        dure_buf_add(&client->reply->body, bytes, len);
        return len;
    }
    client->stopped = !client->request->on_body(client->request->arg, client, bytes, len);
    return client->stopped ? CURL_WRITEFUNC_ERROR : len;
}

#define SET(option, value)                                                                         \
    if (rv == CURLE_OK) rv = curl_easy_setopt(easy, option, value)

static CURLcode prepare(struct dure_client *client, struct curl_slist *headers)
{
    const struct dure_client_request *request = client->request;
    CURL *easy = client->easy;
    CURLcode rv = CURLE_OK;
    curl_easy_reset(easy);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    SET(CURLOPT_TIMEOUT_MS, (long)(request->timeout_s * 1000));
    SET(CURLOPT_USERAGENT, "dure");
    SET(CURLOPT_ERRORBUFFER, client->error);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, client);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, client);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    if (request->body != NULL) SET(CURLOPT_POSTFIELDS, request->body);
    if (strcmp(request->method, "HEAD") == 0) SET(CURLOPT_NOBODY, 1L);
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    return rv;
}

int dure_client_send(struct dure_client *client, const struct dure_client_request *request,
                     struct dure_client_reply *reply)
{
    struct curl_slist *headers = NULL;
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(headers, request->headers[i]);
        DURE_ASSERT(longer != NULL);
        headers = longer;
    }
    client->request = request;
    client->reply = reply;
    client->stopped = false;
    client->error[0] = '\0';
    reply->status = 0;
    reply->head.len = reply->body.len = 0;
    CURLcode rv = prepare(client, headers);
    if (rv == CURLE_OK) rv = curl_easy_perform(client->easy);
    if (rv != CURLE_OK && client->error[0] == '\0')
        snprintf(client->error, sizeof client->error, "%s", curl_easy_strerror(rv));
    curl_slist_free_all(headers);
    return rv == CURLE_OK || client->stopped ? 0 : DURE_EUNAVAILABLE;
}

const char *dure_client_error(const struct dure_client *client)
{
    return client->error;
}

const struct dure_client_reply *dure_client_reply(const struct dure_client *client)
{
    return client->reply;
}

void dure_client_reply_fini(struct dure_client_reply *reply)
{
    dure_buf_fini(&reply->head);
    dure_buf_fini(&reply->body);
}

const char *dure_client_header(const struct dure_client_reply *reply, const char *name)
{
    static char value[1024];
    size_t len = strlen(name);
    const char *at = reply->head.data, *end = reply->head.data + reply->head.len;
    value[0] = '\0';
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        const char *stop = line != NULL ? line : end;
        if ((size_t)(stop - at) > len && strncasecmp(at, name, len) == 0 && at[len] == ':') {
            at += len + 1;
            while (at < stop && (*at == ' ' || *at == '\t')) at++;
            while (stop > at && (stop[-1] == '\r' || stop[-1] == ' ')) stop--;
            snprintf(value, sizeof value, "%.*s", (int)(stop - at), at);
            return value;
        }
        if (line == NULL) break;
        at = line + 1;
    }
    return value;
}

int dure_client_exit(int status)
{
    return status >= 300 ? status / 100 : 0;
}
