/*
 * Notifications as webhooks, by the Standard Webhooks specification 1.0.0
 * (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md):
 *
 *   webhook-id         the same for each attempt: who gets it twice knows it by that
 *   webhook-timestamp  of this attempt, in seconds
 *   webhook-signature  v1,<base64 of HMAC-SHA256(secret, id.timestamp.body)>
 *   {"type":"food.notification","timestamp":"…","data":{"id":"12","customer":"7","message":"…"}}
 *
 *   2xx    delivered
 *   410    the endpoint wants no more: it is disabled
 *   other  missed: the notification comes again by its schedule, not before what Retry-After says
 *
 * Time-outs, failed connections, 429 and 5xx count for the breaker. Loop thread.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/notify.h"
#include "runtime/date.h"

#define TIMEOUT_MS 15000 /* The specification recommends 15 to 30 s. */
#define SECRET_PREFIX "whsec_"
#define SECRET_BYTES_MIN 24

/* ---- Signing --------------------------------------------------------------------------------- */

/* EVP_DecodeBlock counts the padding as bytes. */
static int decode_secret(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
    uint8_t bytes[DURE_NOTIFY_SECRET_BYTES_MAX + 3];
    if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof bytes) return DURE_EINVAL;
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len);
    if (decoded < 0) return DURE_EINVAL;
    int padding = (text[len - 1] == '=') + (text[len - 2] == '=');
    *out_len = (size_t)(decoded - padding);
    if (*out_len < SECRET_BYTES_MIN || *out_len > DURE_NOTIFY_SECRET_BYTES_MAX) return DURE_EINVAL;
    memcpy(out, bytes, *out_len);
    return 0;
}

int dure_webhook_secrets(struct dure_notify *notify, const char *text)
{
    const size_t prefix = sizeof SECRET_PREFIX - 1;
    notify->secrets_count = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");
        if (notify->secrets_count == DURE_NOTIFY_SECRETS_MAX || len < prefix ||
            memcmp(text, SECRET_PREFIX, prefix) != 0 ||
            decode_secret(text + prefix, len - prefix, notify->secrets[notify->secrets_count].bytes,
                          &notify->secrets[notify->secrets_count].len) != 0) {
            return DURE_EINVAL;
        }
        notify->secrets_count++;
        text += len;
    }
    return notify->secrets_count > 0 ? 0 : DURE_EINVAL;
}

void dure_webhook_sign(const struct dure_notify *notify, const char *id, int64_t seconds,
                       const char *body, size_t body_len, struct dure_buf *out)
{
    struct dure_buf content = {0};
    dure_buf_printf(&content, "%s.%" PRId64 ".", id, seconds);
    dure_buf_add(&content, body, body_len);
    for (size_t i = 0; i < notify->secrets_count; i++) {
        unsigned char mac[EVP_MAX_MD_SIZE];
        unsigned int mac_len = 0;
        char base64[2 * EVP_MAX_MD_SIZE];
        const unsigned char *made =
            HMAC(EVP_sha256(), notify->secrets[i].bytes, (int)notify->secrets[i].len,
                 (const unsigned char *)content.data, content.len, mac, &mac_len);
        DURE_ASSERT(made != NULL);
        EVP_EncodeBlock((unsigned char *)base64, mac, (int)mac_len);
        dure_buf_printf(out, "%sv1,%s", i > 0 ? " " : "", base64);
    }
    dure_buf_fini(&content);
}

/* ---- One attempt ----------------------------------------------------------------------------- */

struct attempt {
    struct dure_outgoing_request request;
    struct dure_notify *notify;
    struct dure_port_call *call;
    const char *headers[6];
    char id_header[96], timestamp_header[64], trace_header[DURE_PORT_TRACE_BYTES];
    struct dure_buf signature_header, body;
};
_Static_assert(offsetof(struct attempt, request) == 0, "an attempt is its request");

static void give_back(struct dure_port_call *call, uint8_t outcome, const char *reason, bool up)
{
    struct notify_answer *answer = call->answer;
    answer->outcome = outcome;
    snprintf(answer->reason, sizeof answer->reason, "%s", reason);
    if (!dure_utf8_valid(answer->reason, strlen(answer->reason))) answer->reason[0] = '\0';
    dure_port_answer(call, up);
}

static void say_gone(const struct dure_notify *notify, struct dure_port_call *call)
{
    struct notify_answer *answer = call->answer;
    answer->endpoint_id = notify->endpoint_id;
    snprintf(answer->url, sizeof answer->url, "%s", notify->url);
    give_back(call, NOTIFY_GONE, "410: the endpoint wants no more", true);
}

static void free_attempt(struct attempt *attempt)
{
    dure_buf_fini(&attempt->signature_header);
    dure_buf_fini(&attempt->body);
    free(attempt);
}

static void on_answer(struct dure_outgoing_request *request,
                      const struct dure_outgoing_answer *answer)
{
    struct attempt *attempt = (struct attempt *)request;
    struct dure_port_call *call = attempt->call;
    int status = answer->status;
    char reason[NOTIFY_REASON_BYTES];
    snprintf(reason, sizeof reason, "%s", answer->error);
    if (status != 0) snprintf(reason, sizeof reason, "status %d", status);
    if (answer->retry_after_ms > 0) {
        ((struct notify_answer *)call->answer)->retry_ms = answer->retry_after_ms;
    }
    bool up = status != 0 && status != 429 && status < 500;
    if (status >= 200 && status < 300) give_back(call, NOTIFY_SENT, reason, true);
    else if (status == 410) say_gone(attempt->notify, call);
    else give_back(call, NOTIFY_MISSED, reason, up);
    free_attempt(attempt);
}

static void write_body(const struct notify_notification *notification, struct dure_buf *out)
{
    const struct notify_send *what = &notification->what;
    char date[DURE_DATE_TEXT_LEN];
    dure_buf_lit(out, "{\"type\":");
    dure_json_string(out, what->type, strlen(what->type));
    dure_buf_lit(out, ",\"timestamp\":\"");
    dure_date_write(notification->date, date);
    dure_buf_add(out, date, sizeof date);
    dure_buf_lit(out, "\",\"data\":{\"subject\":");
    if (what->subject != DURE_NULL) dure_buf_i64(out, what->subject);
    else dure_buf_lit(out, "null");
    dure_buf_lit(out, ",\"customer\":");
    dure_json_string(out, what->customer, strlen(what->customer));
    dure_buf_lit(out, ",\"message\":");
    dure_json_string(out, what->message, strlen(what->message));
    dure_buf_lit(out, "}}");
}

static int post(struct attempt *attempt, const struct notify_notification *notification)
{
    struct dure_notify *notify = attempt->notify;
    int64_t seconds = notify->rt->io->wall_ms(notify->rt->io) / 1000;
    char id[64];
    /* The moment it was made keeps ids apart over data directories, too. */
    snprintf(id, sizeof id, "msg_%" PRIx64 "_%" PRId64, (uint64_t)notification->date,
             notification->id);
    write_body(notification, &attempt->body);
    snprintf(attempt->id_header, sizeof attempt->id_header, "webhook-id: %s", id);
    snprintf(attempt->timestamp_header, sizeof attempt->timestamp_header,
             "webhook-timestamp: %" PRId64, seconds);
    dure_buf_lit(&attempt->signature_header, "webhook-signature: ");
    dure_webhook_sign(notify, id, seconds, attempt->body.data, attempt->body.len,
                      &attempt->signature_header);
    dure_buf_byte(&attempt->signature_header, '\0');
    attempt->headers[0] = "Content-Type: application/json";
    attempt->headers[1] = attempt->id_header;
    attempt->headers[2] = attempt->timestamp_header;
    attempt->headers[3] = attempt->signature_header.data;
    dure_port_trace_header(attempt->call, attempt->trace_header);
    if (attempt->trace_header[0] != '\0') attempt->headers[4] = attempt->trace_header;
    attempt->request = (struct dure_outgoing_request){
        .url = notify->url, .headers = attempt->headers, .body = attempt->body.data,
        .body_len = attempt->body.len, .timeout_ms = TIMEOUT_MS, .cb = on_answer};
    return dure_outgoing_post(notify->outgoing, &attempt->request);
}

void dure_webhook_ask(void *arg, struct dure_port_call *call)
{
    struct dure_notify *notify = arg;
    struct dure_view view;
    if (dure_runtime_view(notify->rt, notify_endpoint.type, notify->endpoint_id, &view) == 0) {
        say_gone(notify, call);
        return;
    }
    if (dure_runtime_view(notify->rt, notify_notification.type, call->id, &view) != 0) {
        give_back(call, NOTIFY_MISSED, "it is gone", true); /* Deleted meanwhile. */
        return;
    }
    struct attempt *attempt = calloc(1, sizeof *attempt);
    int rv = DURE_ENOMEM;
    if (attempt != NULL) {
        attempt->notify = notify;
        attempt->call = call;
        rv = post(attempt, view.state);
        if (rv != 0) free_attempt(attempt);
    }
    if (rv != 0) give_back(call, NOTIFY_MISSED, dure_error_info(rv)->text, false);
}
