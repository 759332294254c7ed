/*
 * Two views. topFoods (topMenus): a row per food from FoodAdded on, with what was cooked and how it
 * was rated. orderStatuses: a row per order from its first moment on, with each status it takes.
 */
#include "actors/food/food.h"

/* ---- topFoods ------------------------------------------------------------------------------- */

#define TOP(member, json, kind, ...) DURE_FIELD(struct food_top, member, json, kind, __VA_ARGS__)
static const struct dure_field top_fields[] = {
    TOP(id, "id", DURE_INT, .flags = DURE_ID),
    TOP(name, "name", DURE_TEXT, .flags = 0),
    TOP(eval_count, "evalCount", DURE_INT, .start = 0, .has_start = true),
    TOP(score, "score", DURE_REAL, .start = 0, .has_start = true),
    TOP(total_score, "totalScore", DURE_INT, .start = 0, .has_start = true),
    TOP(order_count, "orderCount", DURE_INT, .start = 0, .has_start = true),
};
static const struct dure_schema top_schema = DURE_SCHEMA("TopFood", struct food_top, top_fields);

struct dure_aggregate food_top = {
    .system = "food", .name = "topFood", .collection = "topFoods", .alias = "topMenus",
    .schema = &top_schema, .made_by = "food.food.add",
};

static int64_t food_cooked_of(const struct dure_event *event)
{
    return ((const struct food_store_event *)event->data)->food_id;
}

static int64_t food_evaluated_of(const struct dure_event *event)
{
    return ((const struct food_evaluated *)event->data)->food_id;
}

static void add_food(void *row, const struct dure_event *event)
{
    const struct food_added *added = event->data;
    struct food_top *top = row;
    top->id = event->id;
    memcpy(top->name, added->name, sizeof top->name);
}

static void count_order(void *row, const struct dure_event *event)
{
    (void)event;
    ((struct food_top *)row)->order_count++;
}

static void count_score(void *row, const struct dure_event *event)
{
    struct food_top *top = row;
    top->eval_count++;
    top->total_score += ((const struct food_evaluated *)event->data)->score;
    top->score = (double)top->total_score / (double)top->eval_count;
}

static const struct dure_projection top_added = {
    .event = &food_food_added, .view = &food_top, .creates = true, .apply = add_food};
static const struct dure_projection top_cooked = {
    .event = &food_cooked, .view = &food_top, .target = food_cooked_of, .apply = count_order};
static const struct dure_projection top_evaluated = {
    .event = &food_order_evaluated, .view = &food_top, .target = food_evaluated_of,
    .apply = count_score};

/* ---- orderStatuses -------------------------------------------------------------------------- */

#define STATUS(member, json, kind, ...)                                                            \
    DURE_FIELD(struct food_order_view, member, json, kind, __VA_ARGS__)
static const struct dure_field status_fields[] = {
    STATUS(id, "id", DURE_INT, .flags = DURE_ID),
    STATUS(food_id, "foodId", DURE_INT, .flags = 0),
    STATUS(customer_id, "customerId", DURE_INT, .flags = DURE_INDEXED),
    STATUS(status, "status", DURE_ENUM, .flags = DURE_INDEXED, .texts = food_order_status_texts),
};
static const struct dure_schema status_schema =
    DURE_SCHEMA("OrderStatus", struct food_order_view, status_fields);

struct dure_aggregate food_order_view = {
    .system = "food", .name = "orderStatus", .collection = "orderStatuses",
    .schema = &status_schema, .made_by = "food.order.place",
};

static void add_order(void *row, const struct dure_event *event)
{
    const struct food_received *received = event->data;
    struct food_order_view *view = row;
    view->id = event->id;
    view->food_id = received->place.food_id;
    view->customer_id = received->place.customer_id;
    view->status = FOOD_ORDER_PLACED;
}

static void complete(void *row, const struct dure_event *event)
{
    (void)event;
    ((struct food_order_view *)row)->status = FOOD_ORDER_PAID;
}

static void cancel(void *row, const struct dure_event *event)
{
    (void)event;
    ((struct food_order_view *)row)->status = FOOD_ORDER_CANCELED;
}

static void move(void *row, const struct dure_event *event)
{
    ((struct food_order_view *)row)->status = ((const struct food_follow *)event->data)->status;
}

static const struct dure_projection status_received = {
    .event = &food_order_received, .view = &food_order_view, .creates = true,
    .apply = add_order};
static const struct dure_projection status_completed = {
    .event = &food_order_completed, .view = &food_order_view, .apply = complete};
static const struct dure_projection status_canceled = {
    .event = &food_order_canceled, .view = &food_order_view, .apply = cancel};
static const struct dure_projection status_moved = {
    .event = &food_order_moved, .view = &food_order_view, .apply = move};

const struct dure_projection *const food_projections[] = {
    &top_added,        &top_cooked,      &top_evaluated, &status_received,
    &status_completed, &status_canceled, &status_moved,  NULL,
};
