/*
 * dure call: one request to a running node, typed as httpie takes it (call_items.h).
 *
 *   1. the command line becomes method, URL, headers and body
 *   2. JSON is shown indented and in colours on a terminal; what streams (events, results of bulk)
 * and what is no JSON goes out as it comes
 *
 * Exit status: 0 for 2xx, 3, 4, 5 for those classes, 1 without an answer, 2 wrong usage.
 */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/call_items.h"
#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/json_view.h"
#include "cmd/parse.h"
#include "proto/problem.h"

enum style { AUTO, COLOUR, PLAIN, RAW };
static const char *const style_names[] = {"auto", "color", "plain", "raw"};

enum { KEY_STYLE = 256, KEY_TIMEOUT };

struct call {
    const char *url, *method, *path, *body_path;
    struct dure_call_items items;
    struct dure_buf body, target;
    struct dure_buf gathered; /* JSON that is shown when it is whole. */
    enum style style;
    bool json, include, verbose, shown_head;
    double timeout_s;
};

/* ---- 1: the request ------------------------------------------------------------------------- */

static bool is_method(const char *word)
{
    if (*word == '\0' || strlen(word) > 16) return false;
    for (const char *at = word; *at != '\0'; at++) {
        if (!isalpha((unsigned char)*at)) return false;
    }
    return true;
}

static void take_word(struct call *call, const char *word, struct argp_state *state)
{
    const char *why = NULL;
    bool is_path =
        word[0] == '/' || strncmp(word, "http://", 7) == 0 || strncmp(word, "https://", 8) == 0;
    if (call->path == NULL && is_path) {
        call->path = word;
    } else if (call->path == NULL && call->method == NULL && is_method(word)) {
        call->method = word;
    } else if (call->path == NULL) {
        argp_error(state, "a path begins with a slash, unlike \"%s\"", word);
    } else if (dure_call_items_add(&call->items, word, &why) != 0) {
        argp_error(state, "\"%s\": %s", word, why);
    }
}

static enum style style_of(const char *arg, struct argp_state *state)
{
    for (int i = 0; i <= RAW; i++) {
        if (strcmp(arg, style_names[i]) == 0) return (enum style)i;
    }
    argp_error(state, "--style is auto, color, plain or raw, not '%s'", arg);
    return AUTO;
}

static double seconds(const char *arg, struct argp_state *state)
{
    char *end;
    double value = strtod(arg, &end);
    if (end == arg || *end != '\0' || !(value > 0 && value <= 86400))
        argp_error(state, "--timeout takes seconds up to 86400, not '%s'", arg);
    return value;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct call *call = state->input;
    switch (key) {
    case 'u': call->url = arg; return 0;
    case 'b': call->body_path = arg; return 0;
    case 'i': call->include = true; return 0;
    case 'v': call->verbose = true; return 0;
    case 'j': call->json = true; return 0;
    case KEY_STYLE: call->style = style_of(arg, state); return 0;
    case KEY_TIMEOUT: call->timeout_s = seconds(arg, state); return 0;
    case ARGP_KEY_ARG: take_word(call, arg, state); return 0;
    case ARGP_KEY_END:
        if (call->path == NULL) argp_error(state, "which path?");
        if (call->body_path != NULL && call->items.body != NULL)
            argp_error(state, "a body comes from --body or from name=value words, not from both");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* URL, path and query string; what cannot stand in a URL is percent-encoded. */
static void make_target(struct call *call)
{
    struct dure_buf *target = &call->target;
    if (call->path[0] == '/') {
        size_t len = strlen(call->url);
        while (len > 0 && call->url[len - 1] == '/') len--;
        if (strstr(call->url, "://") == NULL) dure_buf_lit(target, "http://");
        dure_buf_add(target, call->url, len);
    }
    dure_problem_url(target, (struct dure_span){call->path, strlen(call->path)});
    if (call->items.query.len > 0) {
        dure_buf_byte(target, strchr(call->path, '?') != NULL ? '&' : '?');
        dure_buf_add(target, call->items.query.data, call->items.query.len);
    }
    dure_buf_byte(target, '\0');
}

static int add_json(const char *bytes, size_t len, void *out)
{
    dure_buf_add(out, bytes, len);
    return 0;
}

/* False after a message. */
static bool make_body(struct call *call)
{
    if (call->body_path != NULL && dure_call_items_read(call->body_path, &call->body) != 0) {
        fprintf(stderr, "dure call: %s cannot be read\n", call->body_path);
        return false;
    }
    if (call->items.body != NULL) {
        int rv = json_dump_callback(call->items.body, add_json, &call->body, JSON_COMPACT);
        DURE_ASSERT(rv == 0);
    }
    bool has = call->items.body != NULL || call->body_path != NULL;
    if (has && call->body.len == 0) dure_buf_reserve(&call->body, 1); /* Empty, but there. */
    if (has && !dure_call_items_has_header(&call->items, "Content-Type"))
        dure_call_items_header(&call->items, "Content-Type", "application/json");
    /* libcurl would send a form's. */
    if (call->method == NULL) call->method = has ? "POST" : "GET";
    return true;
}

/* ---- 2: the answer -------------------------------------------------------------------------- */

static void show_head(struct call *call, const struct dure_client_reply *reply)
{
    if (call->shown_head) return;
    call->shown_head = true;
    if (!call->include && !call->verbose) return;
    for (size_t i = 0; i < reply->head.len; i++) {
        if (reply->head.data[i] != '\r') putchar(reply->head.data[i]);
    }
}

static bool is_json(const struct dure_client_reply *reply)
{
    const char *type = dure_client_header(reply, "Content-Type");
    size_t len = strcspn(type, "; ");
    return (len == 16 && strncasecmp(type, "application/json", len) == 0) ||
           (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

static bool on_body(void *arg, const struct dure_client *client, const char *bytes, size_t len)
{
    struct call *call = arg;
    const struct dure_client_reply *reply = dure_client_reply(client);
    if (call->json || (call->style != RAW && is_json(reply))) {
        dure_buf_add(&call->gathered, bytes, len);
        return true;
    }
    show_head(call, reply);
    return fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0;
}

static json_t *headers_of(const struct dure_client_reply *reply)
{
    json_t *headers = json_object();
    const char *at = reply->head.data, *end = at + reply->head.len;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        const char *stop = line != NULL ? line : end;
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        if (colon != NULL) {
            char name[256];
            snprintf(name, sizeof name, "%.*s", (int)(colon - at), at);
            json_object_set_new(headers, name, json_string(dure_client_header(reply, name)));
        }
        at = stop + 1;
    }
    return headers;
}

/* {"status":200,"headers":{…},"body":…}: the body as what it is, or as a text. */
static void show_as_json(const struct call *call, const struct dure_client_reply *reply)
{
    const char *bytes = call->gathered.len > 0 ? call->gathered.data : "";
    json_t *body = json_loadb(bytes, call->gathered.len, JSON_DECODE_ANY, NULL);
    if (body == NULL && call->gathered.len > 0) body = json_stringn(bytes, call->gathered.len);
    if (body == NULL) body = json_null();
    json_t *all = json_pack("{s:i,s:o,s:o}", "status", reply->status, "headers", headers_of(reply),
                            "body", body);
    json_dumpf(all, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(all);
}

static void show_body(struct call *call)
{
    json_t *value = NULL;
    if (call->gathered.len == 0) return;
    if (call->style != RAW)
        value = json_loadb(call->gathered.data, call->gathered.len, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        fwrite(call->gathered.data, 1, call->gathered.len, stdout);
        putchar('\n');
        return;
    }
    dure_json_view(value, call->style == COLOUR, stdout);
    json_decref(value);
}

static void show_request(const struct call *call)
{
    printf("%s %s\n", call->method, call->target.data);
    for (size_t i = 0; i < call->items.headers_count; i++) puts(call->items.headers[i]);
    if (call->body.len > 0) printf("\n%.*s\n", (int)call->body.len, call->body.data);
    putchar('\n');
}

static int run(struct call *call)
{
    struct dure_client *client = dure_client_new();
    struct dure_client_reply reply = {0};
    DURE_ASSERT(client != NULL);
    make_target(call);
    if (call->verbose && !call->json) show_request(call);
    struct dure_client_request request = {.method = call->method,
                                          .url = call->target.data,
                                          .headers = (const char *const *)call->items.headers,
                                          .body = call->body.data,
                                          .body_len = call->body.len,
                                          .timeout_s = call->timeout_s,
                                          .on_body = on_body,
                                          .arg = call};
    int rv = dure_client_send(client, &request, &reply);
    int exit_status = rv == 0 ? dure_client_exit(reply.status) : 1;
    if (rv == 0 && call->json) {
        show_as_json(call, &reply);
    } else if (rv == 0) {
        show_head(call, &reply);
        show_body(call);
    } else {
        fprintf(stderr, "dure call: %s\n", dure_client_error(client));
    }
    if (fflush(stdout) != 0) exit_status = 1;
    dure_client_reply_fini(&reply);
    dure_client_free(client);
    return exit_status;
}

static const struct argp_option option_table[] = {
    {"url", 'u', "URL", 0, "the node (default: " DURE_CLIENT_URL ")", 0},
    {"body", 'b', "FILE", 0, "send FILE as it is; -: standard input", 0},
    {"include", 'i', NULL, 0, "show the head of the answer, too", 0},
    {"verbose", 'v', NULL, 0, "show the request, and the head of the answer", 0},
    {"style", KEY_STYLE, "auto|color|plain|raw", 0,
     "of JSON. color: indented, in colours. plain: indented. raw: as it came. auto: color on a "
     "terminal, else raw (default: auto)",
     0},
    {"timeout", KEY_TIMEOUT, "S", 0, "seconds for the whole (default: no limit)", 0},
    {"json", 'j', NULL, 0, "one JSON object: status, headers, body", 0},
    {0},
};

static const char doc[] =
    "Sends one request to a running node. METHOD is GET, or POST with a body, when it is left out."
    "\v"
    "A WORD is a part of the request: name=text and name:=json make the JSON body (=@ and :=@ take "
    "the "
    "value from a file), name==value the query string, Name:value a header. A backslash before one "
    "of "
    "these signs takes its meaning away.\n"
    "\n"
    "Exit status: 0 for an answer 2xx; 3, 4, 5 for those classes; 1 there was none (the message "
    "says "
    "why); 2 wrong command line.\n"
    "\n"
    "Environment: NO_COLOR, no colours when it is not empty.\n"
    "\n"
    "Examples:\n"
    "  dure call POST /shop/orders productId=1 quantity=10 userId=1\n"
    "  dure call /shop/orders status==주문완료 size==5\n"
    "  dure call DELETE /shop/orders/1 If-Match:'\"2\"'\n"
    "  dure call /shop/pays userId:=1 payAmount:=999999 Prefer:respond-async\n"
    "  dure call POST /shop/orders --body orders.ndjson Content-Type:application/x-ndjson\n"
    "  dure call /events topic==shop.pay.";

int dure_cmd_call(int argc, char **argv)
{
    struct call call = {.url = DURE_CLIENT_URL};
    const struct argp argp = {.options = option_table,
                              .parser = on_option,
                              .args_doc = "[METHOD] PATH [WORD...]",
                              .doc = doc};
    static char name[] = "dure call";
    if (dure_parse(&argp, name, argc, argv, &call) != 0) return DURE_EXIT_USAGE;
    if (call.style == AUTO) call.style = dure_json_view_colours(stdout) ? COLOUR : RAW;
    signal(SIGPIPE, SIG_IGN);
    int exit_status = make_body(&call) ? run(&call) : 1;
    dure_call_items_fini(&call.items);
    dure_buf_fini(&call.body);
    dure_buf_fini(&call.target);
    dure_buf_fini(&call.gathered);
    return exit_status;
}
