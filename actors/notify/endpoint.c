/*
 * Endpoints that want no more notifications (410 Gone): a row for each. DELETE takes it away, and
 * deliveries go on. A row belongs to the node that heard it.
 */
#include "actors/notify/notify.h"

static const struct dure_field state_fields[] = {
    DURE_FIELD(struct notify_endpoint, id, "id", DURE_INT, .flags = DURE_ID),
    DURE_FIELD(struct notify_endpoint, url, "url", DURE_TEXT, .flags = DURE_GOVERNED),
    DURE_FIELD(struct notify_endpoint, date, "disabledDate", DURE_DATE, .flags = DURE_GOVERNED),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Endpoint", struct notify_endpoint, state_fields);
static const struct dure_field disable_fields[] = {
    DURE_FIELD(struct notify_disable, url, "url", DURE_TEXT, .flags = 0),
};
static const struct dure_schema disable_schema =
    DURE_SCHEMA("DisableEndpoint", struct notify_disable, disable_fields);

static void apply_disabled(void *state, const struct dure_event *event)
{
    struct notify_endpoint *endpoint = state;
    endpoint->id = event->id;
    endpoint->date = event->time_ms;
    memcpy(endpoint->url, ((const struct notify_disable *)event->data)->url, sizeof endpoint->url);
}

static struct dure_event_type disabled = {
    .name = "EndpointDisabled", .schema = &disable_schema, .internal = true,
    .apply = apply_disabled};

static int disable(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    if (in->exists) return 0;
    memcpy(dure_emit(out, &disabled), in->data, sizeof(struct notify_disable));
    return 0;
}

const struct dure_command notify_endpoint_disable = {
    .name = "disable", .aggregate = &notify_endpoint, .schema = &disable_schema,
    .flags = DURE_CREATES, .handle = disable};
static const struct dure_command *const commands[] = {&notify_endpoint_disable, NULL};
static struct dure_event_type *const events[] = {&disabled, NULL};

struct dure_aggregate notify_endpoint = {
    .system = "notify", .name = "endpoint", .collection = "endpoints", .schema = &state_schema,
    .commands = commands, .events = events, .removable = true,
};
