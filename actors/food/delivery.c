/*
 * Deliveries: one an order (the natural key), made when it is cooked.
 *
 *   대기중 ─ accept (a rider picks it) → 배달중 ─ confirm (the customer has it) → 배달완료
 *   대기중 ─ withdraw → 취소됨
 *
 * Riders find waiting ones near the customer: GET /deliveries?status=대기중&near=<address prefix>.
 */
#include "actors/food/food.h"

static const char *const status_texts[] = {NULL, "대기중", "배달중", "배달완료", "취소됨", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_delivery, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(order_id, "orderId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(address, "address", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(customer_id, "customerId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(food_id, "foodId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(store_id, "storeId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED, .texts = status_texts),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Delivery", struct food_delivery, state_fields);

/* What the kitchen's event tells is all that is needed. */
#define OPEN(member, json, kind, ...)                                                              \
    DURE_FIELD(struct food_store_event, member, json, kind, __VA_ARGS__)
static const struct dure_field open_fields[] = {
    OPEN(order_id, "orderId", DURE_INT, .flags = 0),
    OPEN(address, "address", DURE_TEXT, .flags = 0),
    OPEN(customer_id, "customerId", DURE_INT, .flags = 0),
    OPEN(food_id, "foodId", DURE_INT, .flags = 0),
    OPEN(store_id, "storeId", DURE_INT, .flags = 0),
};
static const struct dure_schema open_schema =
    DURE_SCHEMA("OpenDelivery", struct food_store_event, open_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct food_delivery_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(order_id, "orderId", DURE_INT, .flags = 0),
    EVENT(customer_id, "customerId", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("DeliveryEvent", struct food_delivery_event, event_fields);

static void apply_opened(void *state, const struct dure_event *event)
{
    const struct food_store_event *open = event->data;
    struct food_delivery *delivery = state;
    delivery->id = event->id;
    delivery->order_id = open->order_id;
    delivery->customer_id = open->customer_id;
    delivery->food_id = open->food_id;
    delivery->store_id = open->store_id;
    delivery->status = FOOD_DELIVERY_WAITING;
    memcpy(delivery->address, open->address, sizeof delivery->address);
}

static void apply_started(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_delivery *)state)->status = FOOD_DELIVERY_RIDING;
}

static void apply_delivered(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_delivery *)state)->status = FOOD_DELIVERY_DONE;
}

static void apply_withdrawn(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct food_delivery *)state)->status = FOOD_DELIVERY_CANCELED;
}

static struct dure_event_type opened = {
    .name = "DeliveryOpened", .schema = &open_schema, .internal = true, .apply = apply_opened};
static struct dure_event_type withdrawn = {
    .name = "DeliveryWithdrawn", .internal = true, .apply = apply_withdrawn};
struct dure_event_type food_delivery_started = {
    .name = "DeliveryStarted", .schema = &event_schema, .apply = apply_started};
struct dure_event_type food_delivered = {
    .name = "Delivered", .schema = &event_schema, .apply = apply_delivered};

static int open_delivery(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct food_store_event *)dure_emit(out, &opened) = *(const struct food_store_event *)in->data;
    return 0;
}

static bool is_waiting(const void *state)
{
    return ((const struct food_delivery *)state)->status == FOOD_DELIVERY_WAITING;
}

static bool is_riding(const void *state)
{
    return ((const struct food_delivery *)state)->status == FOOD_DELIVERY_RIDING;
}

static int step(const struct food_delivery *delivery, bool allowed, const struct dure_msg *in,
                struct dure_out *out, const struct dure_event_type *type)
{
    if (!allowed) {
        dure_refuse(out, 409, "배달이 %s 상태입니다: %s", status_texts[delivery->status],
                    in->command->name);
        return 0;
    }
    *(struct food_delivery_event *)dure_emit(out, type) = (struct food_delivery_event){
        .id = in->id, .order_id = delivery->order_id, .customer_id = delivery->customer_id};
    return 0;
}

static int accept_delivery(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return step(state, is_waiting(state), in, out, &food_delivery_started);
}

static int confirm(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return step(state, is_riding(state), in, out, &food_delivered);
}

static int withdraw(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    if (is_waiting(state)) (void)dure_emit(out, &withdrawn);
    else dure_refuse(out, 409, "%s", FOOD_TOO_LATE);
    return 0;
}

const struct dure_command food_delivery_open = {
    .name = "open", .aggregate = &food_delivery, .schema = &open_schema, .flags = DURE_CREATES,
    .handle = open_delivery};
const struct dure_command food_delivery_withdraw = {
    .name = "withdraw", .aggregate = &food_delivery, .handle = withdraw};
static const struct dure_command food_delivery_accept = {
    .name = "accept", .aggregate = &food_delivery, .allowed = is_waiting,
    .handle = accept_delivery};
static const struct dure_command food_delivery_confirm = {
    .name = "confirm", .aggregate = &food_delivery, .allowed = is_riding, .handle = confirm,
    .example = {.after = "food.delivery.accept"}};

static const struct dure_command *const commands[] = {
    &food_delivery_open, &food_delivery_withdraw, &food_delivery_accept, &food_delivery_confirm,
    NULL,
};
static struct dure_event_type *const events[] = {
    &opened, &withdrawn, &food_delivery_started, &food_delivered, NULL,
};
static const struct dure_transition transitions[] = {
    {"status", FOOD_DELIVERY_RIDING, &food_delivery_accept},
    {"status", FOOD_DELIVERY_DONE, &food_delivery_confirm},
    {0},
};

struct dure_aggregate food_delivery = {
    .system = "food", .name = "delivery", .collection = "deliveries", .schema = &state_schema,
    .commands = commands, .events = events, .editable = true, .transitions = transitions,
    .key = "orderId", .near = "address", .made_by = "food.storeOrder.finish-cook",
};
