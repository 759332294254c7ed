/*
 * Notifications: notify.h tells what there is. Loop thread.
 */
#include "cmd/notify.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define CALLS_MAX 64
/* An endpoint gets no more at a time: it is somebody's web server. */
#define WEBHOOKS_MAX 16

/* Text of customers goes between quotes and escaped: a line stays a line. */
static void print_it(const struct dure_port_call *call, const struct notify_send *what)
{
    struct dure_buf line = {0};
    dure_buf_printf(&line, "dure notify: %lld ", (long long)call->id);
    dure_json_string(&line, what->type, strlen(what->type));
    dure_buf_lit(&line, " to ");
    dure_json_string(&line, what->customer, strlen(what->customer));
    dure_buf_lit(&line, ": ");
    dure_json_string(&line, what->message, strlen(what->message));
    dure_buf_byte(&line, '\n');
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
    dure_buf_fini(&line);
}

static void log_fields(struct dure_notify *notify, const struct dure_port_call *call,
                       const struct notify_send *what)
{
    char ids[DURE_LOG_TRACE_BYTES];
    struct dure_log_field fields[] = {{"id", NULL, (double)call->id, 0},
                                      {"type", what->type, 0, 0},
                                      {"customer", what->customer, 0, 0},
                                      {"message", what->message, 0, 0},
                                      {0}, {0}, {0}}; /* The trace, and the end. */
    dure_log_trace(fields + 4, ids, call->trace);
    dure_log_say(notify->log, "info", DURE_LOG_NOTIFICATION, "", fields);
}

static void log_it(void *arg, struct dure_port_call *call)
{
    struct dure_notify *notify = arg;
    struct dure_view view;
    if (dure_runtime_view(notify->rt, notify_notification.type, call->id, &view) == 0) {
        const struct notify_send *what = &((const struct notify_notification *)view.state)->what;
        if (notify->log != NULL && notify->log->format != DURE_LOG_TEXT) log_fields(notify, call, what);
        else print_it(call, what);
    }
    ((struct notify_answer *)call->answer)->outcome = NOTIFY_SENT;
    dure_port_answer(call, true);
}

/* In a shard of this node, so that it needs nobody else to say that an endpoint is gone. */
static int64_t endpoint_id(const struct dure_runtime *rt, const char *url)
{
    const int64_t shards = rt->options.shards;
    int64_t hash = (int64_t)(XXH3_64bits(url, strlen(url)) >> 16); /* JSON numbers have 53 bits. */
    return hash / shards * shards + rt->options.node;
}

static int attach_webhook(struct dure_notify *notify, uv_loop_t *uv,
                          const struct dure_notify_options *options, const char *url,
                          const char **message)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        *message = "--notify webhook:URL needs an http or https URL";
        return DURE_EINVAL;
    }
    if (dure_webhook_secrets(notify, options->secret) != 0) {
        *message = "--notify-secret must be \"whsec_\" and the base64 of 24 to 64 bytes";
        return DURE_EINVAL;
    }
    snprintf(notify->url, sizeof notify->url, "%s", url);
    notify->endpoint_id = endpoint_id(notify->rt, url);
    return dure_outgoing_open(&notify->outgoing, uv, options->private_allowed);
}

int dure_notify_attach(struct dure_notify *notify, struct dure_ports *ports, uv_loop_t *uv,
                       struct dure_runtime *rt, const struct dure_notify_options *options,
                       const char **message)
{
    static const char webhook[] = "webhook:";
    struct dure_adapter adapter = {.ask = log_it, .arg = notify, .calls_max = CALLS_MAX};
    notify->log = options->log;
    notify->rt = rt;
    if (strncmp(options->how, webhook, sizeof webhook - 1) == 0) {
        const char *url = options->how + sizeof webhook - 1;
        int rv = attach_webhook(notify, uv, options, url, message);
        if (rv != 0) return rv;
        adapter.ask = dure_webhook_ask;
        adapter.calls_max = WEBHOOKS_MAX;
    } else if (strcmp(options->how, "log") != 0) {
        *message = "--notify is log or webhook:URL";
        return DURE_EINVAL;
    }
    return dure_ports_attach(ports, &notify_port, &adapter);
}

void dure_notify_close(struct dure_notify *notify)
{
    if (notify->outgoing != NULL) dure_outgoing_close(notify->outgoing);
    notify->outgoing = NULL;
}
