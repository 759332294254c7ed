/*
 * Notifications: kept until they are delivered.
 *
 *   send    → waiting: the adapter is asked (the port)
 *   answer  sent: the row goes · missed: again after the next time of the schedule, failed at its end ·
 *           gone: disabled, and the endpoint with it
 *   retry   failed or disabled → waiting, the schedule from its beginning
 *
 * The schedule is the one that the Standard Webhooks specification recommends ("Retry schedule").
 */
#include "actors/notify/notify.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
/* Behind the first attempt, the second, … */
static const int64_t schedule_ms[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                      10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
#define RETRIES (int64_t)(sizeof schedule_ms / sizeof schedule_ms[0])
/* For an adapter that has it and has not said anything. */
#define SILENCE_MS (2 * MINUTE)

static const char *const status_texts[] = {NULL, "waiting", "failed", "disabled", NULL};
static const char *const outcome_texts[] = {NULL, "sent", "missed", "gone", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct notify_notification, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(what.type, "type", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(what.subject, "subject", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(what.customer, "customer", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(what.message, "message", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(date, "date", DURE_DATE, .flags = DURE_GOVERNED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = status_texts),
    FIELD(attempts, "attempts", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(reason, "reason", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(asked, "asked", DURE_BOOL, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Notification", struct notify_notification, state_fields);

#define SEND(member, json, kind, ...) DURE_FIELD(struct notify_send, member, json, kind, __VA_ARGS__)
static const struct dure_field send_fields[] = {
    SEND(type, "type", DURE_TEXT, .flags = DURE_REQUIRED),
    SEND(subject, "subject", DURE_INT, .flags = 0),
    SEND(customer, "customer", DURE_TEXT, .flags = DURE_REQUIRED),
    SEND(message, "message", DURE_TEXT, .flags = DURE_REQUIRED),
};
static const struct dure_schema send_schema = DURE_SCHEMA("Notify", struct notify_send, send_fields);

static const struct dure_field asked_fields[] = {
    DURE_FIELD(struct notify_asked, attempt, "attempt", DURE_INT, .flags = 0),
};
static const struct dure_schema asked_schema =
    DURE_SCHEMA("NotifyAsked", struct notify_asked, asked_fields);

#define ANSWER(member, json, kind, ...)                                                            \
    DURE_FIELD(struct notify_answer, member, json, kind, __VA_ARGS__)
static const struct dure_field answer_fields[] = {
    ANSWER(outcome, "outcome", DURE_ENUM, .texts = outcome_texts),
    ANSWER(retry_ms, "retryMs", DURE_INT, .flags = 0),
    ANSWER(endpoint_id, "endpointId", DURE_INT, .flags = 0),
    ANSWER(reason, "reason", DURE_TEXT, .flags = 0),
    ANSWER(url, "url", DURE_TEXT, .flags = 0),
};
static const struct dure_schema answer_schema =
    DURE_SCHEMA("NotifyAnswer", struct notify_answer, answer_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

struct missed { uint8_t status; char reason[NOTIFY_REASON_BYTES]; };
static const struct dure_field missed_fields[] = {
    DURE_FIELD(struct missed, status, "status", DURE_ENUM, .texts = status_texts),
    DURE_FIELD(struct missed, reason, "reason", DURE_TEXT, .flags = 0),
};
static const struct dure_schema missed_schema =
    DURE_SCHEMA("NotifyMissed", struct missed, missed_fields);

static void apply_queued(void *state, const struct dure_event *event)
{
    struct notify_notification *notification = state;
    notification->id = event->id;
    notification->what = *(const struct notify_send *)event->data;
    notification->date = event->time_ms;
    notification->status = NOTIFY_WAITING;
    notification->attempts = 0;
}

static void apply_asked(void *state, const struct dure_event *event)
{
    struct notify_notification *notification = state;
    notification->attempts = ((const struct notify_asked *)event->data)->attempt;
    notification->status = NOTIFY_WAITING;
    notification->asked = 1;
}

static void apply_missed(void *state, const struct dure_event *event)
{
    const struct missed *missed = event->data;
    struct notify_notification *notification = state;
    notification->status = missed->status;
    notification->asked = 0;
    memcpy(notification->reason, missed->reason, sizeof notification->reason);
}

static struct dure_event_type queued = {
    .name = "NotificationQueued", .schema = &send_schema, .internal = true, .apply = apply_queued};
static struct dure_event_type asked = {
    .name = "NotificationAsked", .schema = &asked_schema, .internal = true, .apply = apply_asked};
static struct dure_event_type missed = {
    .name = "NotificationMissed", .schema = &missed_schema, .internal = true,
    .apply = apply_missed};
static struct dure_event_type sent = {
    .name = "NotificationSent", .internal = true, .removes = true};

/* ---- Commands -------------------------------------------------------------------------------- */

static void ask(struct dure_out *out, int64_t attempt, const struct dure_msg *in)
{
    ((struct notify_asked *)dure_emit(out, &asked))->attempt = attempt;
    dure_timer(out, in->now_ms + SILENCE_MS + (int64_t)(in->seed % SILENCE_MS));
}

static int queue(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    memcpy(dure_emit(out, &queued), in->data, sizeof(struct notify_send));
    ask(out, 1, in);
    return 0;
}

/* The same attempt again when nothing was heard of it. */
static int ask_again(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct notify_notification *notification = state;
    if (notification->status != NOTIFY_WAITING) return 0;
    ask(out, notification->asked == 1 ? notification->attempts : notification->attempts + 1, in);
    return 0;
}

static void miss(const struct notify_notification *notification,
                 const struct notify_answer *answer, const struct dure_msg *in,
                 struct dure_out *out)
{
    struct missed *event = dure_emit(out, &missed);
    memcpy(event->reason, answer->reason, sizeof event->reason);
    bool last = notification->attempts > RETRIES;
    event->status = answer->outcome == NOTIFY_GONE ? NOTIFY_DISABLED
                    : last                         ? NOTIFY_FAILED
                                                   : NOTIFY_WAITING;
    dure_timer(out, DURE_NULL);
    if (event->status != NOTIFY_WAITING) return;
    int64_t wait_ms = schedule_ms[notification->attempts - 1];
    wait_ms += (int64_t)(in->seed % (uint64_t)(wait_ms / 10)); /* Not all at one moment. */
    if (answer->retry_ms > wait_ms) wait_ms = answer->retry_ms;
    dure_timer(out, in->now_ms + wait_ms);
}

static int answer(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct notify_notification *notification = state;
    const struct notify_answer *answer = in->data;
    if (answer->outcome == NOTIFY_SENT) {
        dure_emit(out, &sent);
    } else if (notification->asked == 1) {
        miss(notification, answer, in, out);
        if (answer->outcome == NOTIFY_GONE && answer->endpoint_id != DURE_NULL) {
            struct notify_disable *disable =
                dure_send(out, &notify_endpoint_disable, answer->endpoint_id);
            memcpy(disable->url, answer->url, sizeof disable->url);
        }
    }
    return 0;
}

static bool may_retry(const void *state)
{
    return ((const struct notify_notification *)state)->status != NOTIFY_WAITING;
}

static int retry(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (!may_retry(state)) {
        dure_refuse(out, 409, "notification %lld is on its way", (long long)in->id);
        return 0;
    }
    ask(out, 1, in);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

const struct dure_command notify_send = {
    .name = "send", .aggregate = &notify_notification, .schema = &send_schema,
    .flags = DURE_CREATES, .handle = queue,
    .example = {"{\"type\":\"food.notification\",\"customer\":\"1\",\"message\":\"배달완료\"}"}};
static const struct dure_command notify_answer = {
    .name = "answer", .aggregate = &notify_notification, .schema = &answer_schema,
    .handle = answer};
static const struct dure_command notify_ask_again = {
    .name = "ask-again", .aggregate = &notify_notification, .handle = ask_again};
static const struct dure_command notify_retry = {
    .name = "retry", .aggregate = &notify_notification, .allowed = may_retry, .handle = retry,
    .example = {.after = "--notify=webhook:URL"}};

static const struct dure_command *const commands[] = {
    &notify_send, &notify_answer, &notify_ask_again, &notify_retry, NULL,
};
static struct dure_event_type *const events[] = {&queued, &asked, &missed, &sent, NULL};

struct dure_aggregate notify_notification = {
    .system = "notify", .name = "notification", .collection = "notifications",
    .schema = &state_schema, .commands = commands, .events = events, .create = &notify_send,
    .wake = &notify_ask_again, .removable = true,
    .made_by = "notify.notification.send --notify=webhook:URL",
};

static bool is_unanswered(const void *state)
{
    const struct notify_notification *notification = state;
    return notification->asked == 1 && notification->status == NOTIFY_WAITING;
}

const struct dure_port notify_port = {
    .system = "notify", .name = "notification", .asked = &asked, .answer = &notify_answer,
    .unanswered = is_unanswered,
};
