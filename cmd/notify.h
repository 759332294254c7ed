/*
 * The adapters of the notification port, by --notify:
 *
 *   log          a line on stdout each (the default)
 *   webhook:URL  POSTs by the Standard Webhooks specification 1.0.0 (cmd/webhook.c), signed with
 *                --notify-secret, to public addresses only unless --notify-private 1
 */
#ifndef DURE_CMD_NOTIFY_H
#define DURE_CMD_NOTIFY_H

#include "actors/notify/notify.h"
#include "cmd/log.h"
#include "proto/outgoing.h"
#include "proto/ports.h"

#define DURE_NOTIFY_SECRETS_MAX 4
#define DURE_NOTIFY_SECRET_BYTES_MAX 64

struct dure_notify_options {
    const char *how;    /* --notify */
    const char *secret; /* "whsec_" and base64 of 24 to 64 bytes; several, between blanks, all sign. */
    bool private_allowed;
    struct dure_log *log; /* For "log". */
};

struct dure_notify { /* Zeroed by the caller. */
    struct dure_runtime *rt;
    struct dure_log *log;
    struct dure_outgoing *outgoing;
    int64_t endpoint_id; /* Of its row, if it is disabled. */
    char url[NOTIFY_URL_BYTES];
    size_t secrets_count;
    struct { uint8_t bytes[DURE_NOTIFY_SECRET_BYTES_MAX]; size_t len; } secrets[DURE_NOTIFY_SECRETS_MAX];
};

/* 0; DURE_EINVAL with a sentence; what opening meets. */
DURE_MUST_CHECK int dure_notify_attach(struct dure_notify *notify, struct dure_ports *ports,
                                       uv_loop_t *uv, struct dure_runtime *rt,
                                       const struct dure_notify_options *options,
                                       const char **message);
/* Before the ports are closed; those under way are answered as missed. */
void dure_notify_close(struct dure_notify *notify);

/* ---- cmd/webhook.c --------------------------------------------------------------------------- */

/* DURE_EINVAL: no secret, or one that is not of this form. */
DURE_MUST_CHECK int dure_webhook_secrets(struct dure_notify *notify, const char *text);
/*
 * The value of webhook-signature: "v1,<base64>" for each secret, of HMAC-SHA256 over
 * "<id>.<seconds>.<body>".
 */
void dure_webhook_sign(const struct dure_notify *notify, const char *id, int64_t seconds,
                       const char *body, size_t body_len, struct dure_buf *out);
void dure_webhook_ask(void *notify, struct dure_port_call *call);

#endif
