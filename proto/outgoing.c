/*
 * Outgoing HTTP: libcurl's multi_socket interface on libuv. The only file that knows curl.
 *
 *   1. post          an easy handle joins the multi handle; curl sets its timer
 *   2. curl tells    which sockets to watch (on_socket) and when to call it (on_curl_timer)
 *   3. libuv calls   curl goes on (curl_multi_socket_action), and tells which requests are finished
 *   4. finished      the answer goes to cb
 *
 * Fails per request only: the answer has status 0 then, and says why. Loop thread.
 */
#include "proto/outgoing.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_KEPT 32

struct dure_outgoing {
    uv_loop_t *uv;
    uv_timer_t timer;
    CURLM *multi;
    struct dure_outgoing_request *requests;
    bool private_allowed, closing;
};

struct watched { /* A socket of curl's. */
    uv_poll_t poll;
    struct dure_outgoing *outgoing;
    curl_socket_t socket;
};

/* ---- 4: finished ----------------------------------------------------------------------------- */

static void finish(struct dure_outgoing_request *request, const char *error, int status)
{
    struct dure_buf body = request->answer;
    struct dure_outgoing_answer answer = {.status = status, .error = error, .body = body.data,
                                          .body_len = body.len,
                                          .retry_after_ms = request->retry_after_ms};
    *request->link = request->next;
    if (request->next != NULL) request->next->link = request->link;
    curl_multi_remove_handle(request->outgoing->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->header_list);
    request->easy = request->header_list = NULL;
    request->answer = (struct dure_buf){0};
    char words[sizeof request->error];
    if (error == request->error) answer.error = memcpy(words, error, sizeof words);
    request->cb(request, &answer); /* The request may be gone afterwards. */
    dure_buf_fini(&body);
}

static void take_finished(struct dure_outgoing *outgoing)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(outgoing->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        struct dure_outgoing_request *request = NULL;
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        const char *error = request->error[0] != '\0' ? request->error : curl_easy_strerror(code);
        if (request->refused) error = "its address is not public";
        if (code == CURLE_OK && status > 0) finish(request, "", (int)status);
        else finish(request, error, 0);
    }
}

/* ---- 2 and 3: sockets and the timer ---------------------------------------------------------- */

static void act(struct dure_outgoing *outgoing, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action(outgoing->multi, socket, events, &running);
    take_finished(outgoing);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long in_ms, void *arg)
{
    (void)multi;
    struct dure_outgoing *outgoing = arg;
    if (outgoing->closing) return 0;
    if (in_ms < 0) uv_timer_stop(&outgoing->timer);
    else uv_timer_start(&outgoing->timer, on_timer, (uint64_t)in_ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watched *watched = poll->data;
    int flags = 0;
    if (status < 0) flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
    act(watched->outgoing, watched->socket, flags);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int watch(struct dure_outgoing *outgoing, curl_socket_t socket, struct watched **out)
{
    struct watched *watched = calloc(1, sizeof *watched);
    if (watched == NULL) return -1;
    watched->outgoing = outgoing;
    watched->socket = socket;
    watched->poll.data = watched;
    if (uv_poll_init_socket(outgoing->uv, &watched->poll, socket) != 0) {
        free(watched);
        return -1;
    }
    curl_multi_assign(outgoing->multi, socket, watched);
    *out = watched;
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct dure_outgoing *outgoing = arg;
    struct watched *watched = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (watched == NULL) return 0;
        curl_multi_assign(outgoing->multi, socket, NULL);
        uv_poll_stop(&watched->poll);
        uv_close((uv_handle_t *)&watched->poll, on_poll_closed);
        return 0;
    }
    if (watched == NULL && watch(outgoing, socket, &watched) != 0) return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watched->poll, events, on_poll);
    return 0;
}

/* ---- Callbacks of one request ---------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct dure_outgoing_request *request = arg;
    if (request->answer.len + size * count > DURE_OUTGOING_ANSWER_BYTES_MAX) return 0; /* An error. */
    dure_buf_add(&request->answer, data, size * count);
    return size * count;
}

/* Seconds only: a date (RFC 9110 section 10.2.3) counts as nothing said. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    static const char name[] = "retry-after:";
    struct dure_outgoing_request *request = arg;
    size_t len = size * count;
    char line[64];
    if (len >= sizeof name && len < sizeof line && strncasecmp(data, name, sizeof name - 1) == 0) {
        memcpy(line, data, len);
        line[len] = '\0';
        long seconds = strtol(line + sizeof name - 1, NULL, 10);
        if (seconds > 0 && seconds <= 24 * 3600) request->retry_after_ms = seconds * 1000L;
    }
    return len;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct dure_outgoing_request *request = arg;
    (void)purpose;
    if (!request->outgoing->private_allowed && !dure_outgoing_is_public(&address->addr)) {
        request->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- 1: post --------------------------------------------------------------------------------- */

static int fill_headers(struct dure_outgoing_request *request)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; request->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(list, request->headers[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
            return DURE_ENOMEM;
        }
        list = longer;
    }
    request->header_list = list;
    return 0;
}

/* The first option that fails is why; none of them depends on the one before. */
static CURLcode set_options(struct dure_outgoing_request *request)
{
    CURL *easy = request->easy;
    CURLcode rv = CURLE_OK;
#define SET(option, value) if (rv == CURLE_OK) rv = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "dure");
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, request->body);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    SET(CURLOPT_HTTPHEADER, (struct curl_slist *)request->header_list);
    SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
    SET(CURLOPT_ERRORBUFFER, request->error);
    SET(CURLOPT_PRIVATE, request);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, request);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, request);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, request);
#undef SET
    return rv;
}

static void undo_post(struct dure_outgoing_request *request)
{
    if (request->easy != NULL) curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->header_list);
    request->easy = request->header_list = NULL;
}

int dure_outgoing_post(struct dure_outgoing *outgoing, struct dure_outgoing_request *request)
{
    DURE_ASSERT(request->cb != NULL && request->timeout_ms > 0 && !outgoing->closing);
    request->outgoing = outgoing;
    request->answer = (struct dure_buf){0};
    request->error[0] = '\0';
    request->refused = false;
    request->retry_after_ms = 0;
    request->header_list = NULL;
    request->easy = curl_easy_init();
    if (request->easy == NULL) return DURE_ENOMEM;
    int rv = fill_headers(request);
    if (rv == 0 && set_options(request) != CURLE_OK) rv = DURE_EINVAL;
    if (rv == 0 && curl_multi_add_handle(outgoing->multi, request->easy) != CURLM_OK) {
        rv = DURE_ENOMEM;
    }
    if (rv != 0) {
        undo_post(request);
        return rv;
    }
    request->next = outgoing->requests;
    request->link = &outgoing->requests;
    if (request->next != NULL) request->next->link = &request->next;
    outgoing->requests = request;
    return 0;
}

/* ---- Open, close ----------------------------------------------------------------------------- */

int dure_outgoing_open(struct dure_outgoing **out, uv_loop_t *uv, bool private_allowed)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return DURE_ESYSTEM;
    struct dure_outgoing *outgoing = calloc(1, sizeof *outgoing);
    if (outgoing == NULL) return DURE_ENOMEM;
    outgoing->uv = uv;
    outgoing->private_allowed = private_allowed;
    outgoing->multi = curl_multi_init();
    if (outgoing->multi == NULL || uv_timer_init(uv, &outgoing->timer) != 0) {
        curl_multi_cleanup(outgoing->multi);
        free(outgoing);
        return DURE_ENOMEM;
    }
    outgoing->timer.data = outgoing;
    curl_multi_setopt(outgoing->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(outgoing->multi, CURLMOPT_SOCKETDATA, outgoing);
    curl_multi_setopt(outgoing->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(outgoing->multi, CURLMOPT_TIMERDATA, outgoing);
    curl_multi_setopt(outgoing->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    *out = outgoing;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void dure_outgoing_close(struct dure_outgoing *outgoing)
{
    outgoing->closing = true;
    while (outgoing->requests != NULL) finish(outgoing->requests, "the node stops", 0);
    curl_multi_cleanup(outgoing->multi);
    uv_close((uv_handle_t *)&outgoing->timer, on_closed);
    curl_global_cleanup();
}
