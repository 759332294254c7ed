/*
 * Notifications as a whole: what they consist of.
 */
#include "actors/notify/notify.h"

static struct dure_aggregate *const aggregates[] = {&notify_notification, &notify_endpoint, NULL};
static const struct dure_port *const ports[] = {&notify_port, NULL};

const struct dure_system notify_system = {
    .name = "notify", .aggregates = aggregates, .ports = ports,
};

static void put(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);
    DURE_ASSERT(len < size);
    memcpy(to, text, len + 1);
}

void notify_tell(struct dure_out *out, const char *type, int64_t subject, const char *customer,
                 const char *message)
{
    struct notify_send *send = dure_send(out, &notify_send, DURE_NEW);
    send->subject = subject;
    put(send->type, sizeof send->type, type);
    put(send->customer, sizeof send->customer, customer);
    put(send->message, sizeof send->message, message);
}
