/*
 * Notifications as a whole: what they consist of.
 */
#include "actors/notify/notify.h"

static struct dure_aggregate *const aggregates[] = {&notify_notification, &notify_endpoint, NULL};
static const struct dure_port *const ports[] = {&notify_port, NULL};

const struct dure_system notify_system = {
    .name = "notify", .aggregates = aggregates, .ports = ports,
};
