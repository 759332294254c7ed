/*
 * Foods: the menus of the stores. Name, store and availability are edited; the number of ratings and
 * their average come from the orders. A food that is not available is not ordered any more.
 */
#include "actors/food/food.h"

#define FIELD(member, json, kind, ...) DURE_FIELD(struct food_food, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(name, "name", DURE_TEXT, .flags = DURE_REQUIRED),
    FIELD(count, "count", DURE_INT, .flags = DURE_GOVERNED, .start = 0, .has_start = true),
    FIELD(score, "score", DURE_REAL, .flags = DURE_GOVERNED, .start = 0, .has_start = true),
    FIELD(store_id, "storeId", DURE_INT, .flags = DURE_INDEXED),
    FIELD(available, "available", DURE_BOOL, .flags = 0, .start = 1, .has_start = true),
    FIELD(total_score, "totalScore", DURE_INT, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
};
static const struct dure_schema state_schema = DURE_SCHEMA("Food", struct food_food, state_fields);

/* POST /foods, and what is kept of it. */
#define ADD(member, json, kind, ...) DURE_FIELD(struct food_added, member, json, kind, __VA_ARGS__)
static const struct dure_field add_fields[] = {
    ADD(name, "name", DURE_TEXT, .flags = DURE_REQUIRED),
    ADD(store_id, "storeId", DURE_INT, .flags = 0),
    ADD(available, "available", DURE_BOOL, .start = 1, .has_start = true),
};
static const struct dure_schema add_schema = DURE_SCHEMA("AddFood", struct food_added, add_fields);

static const struct dure_field added_fields[] = {
    ADD(id, "id", DURE_INT, .flags = 0),
    ADD(name, "name", DURE_TEXT, .flags = 0),
    ADD(store_id, "storeId", DURE_INT, .flags = 0),
};
static const struct dure_schema added_schema =
    DURE_SCHEMA("FoodAdded", struct food_added, added_fields);

static const struct dure_field score_fields[] = {
    DURE_FIELD(struct food_score, score, "score", DURE_INT, .flags = 0),
};
static const struct dure_schema score_schema = DURE_SCHEMA("Rating", struct food_score, score_fields);

static const struct dure_field store_fields[] = {
    DURE_FIELD(struct food_store, store_id, "storeId", DURE_INT, .flags = 0),
};
static const struct dure_schema store_schema = DURE_SCHEMA("Store", struct food_store, store_fields);

static void apply_opened(void *state, const struct dure_event *event)
{
    const struct food_added *added = event->data;
    struct food_food *food = state;
    food->id = event->id;
    food->store_id = added->store_id;
    food->available = added->available;
    memcpy(food->name, added->name, sizeof food->name);
}

static void apply_rated(void *state, const struct dure_event *event)
{
    struct food_food *food = state;
    food->count++;
    food->total_score += ((const struct food_score *)event->data)->score;
    food->score = (double)food->total_score / (double)food->count;
}

static struct dure_event_type opened = {
    .name = "FoodOpened", .schema = &add_schema, .internal = true, .apply = apply_opened};
struct dure_event_type food_food_added = {.name = "FoodAdded", .schema = &added_schema};
struct dure_event_type food_food_rated = {
    .name = "FoodRated", .schema = &score_schema, .internal = true, .apply = apply_rated};

static int add(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct food_added *wanted = in->data;
    struct food_added *kept = dure_emit(out, &opened);
    *kept = *wanted;
    if (kept->available == -1) kept->available = 1;
    struct food_added *added = dure_emit(out, &food_food_added);
    *added = *kept;
    added->id = in->id;
    return 0;
}

/* For an order that was taken while this was not to be reached. */
static int check(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    const struct food_food *food = state;
    ((struct food_store *)dure_reply(out))->store_id = food->store_id;
    if (food->available != 1) dure_refuse(out, 409, "%s", FOOD_UNAVAILABLE);
    return 0;
}

static int rate(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct food_score *)dure_emit(out, &food_food_rated) = *(const struct food_score *)in->data;
    return 0;
}

static const struct dure_command food_food_add = {
    .name = "add", .aggregate = &food_food, .schema = &add_schema, .flags = DURE_CREATES,
    .handle = add,
    .example = {"{\"name\":\"Pizza\",\"storeId\":1}"}};
const struct dure_command food_food_check = {
    .name = "check", .aggregate = &food_food, .reply = &store_schema, .handle = check};
const struct dure_command food_food_rate = {
    .name = "rate", .aggregate = &food_food, .schema = &score_schema, .handle = rate};

static const struct dure_command *const commands[] = {
    &food_food_add, &food_food_check, &food_food_rate, NULL,
};
static struct dure_event_type *const events[] = {
    &opened, &food_food_added, &food_food_rated, NULL,
};

struct dure_aggregate food_food = {
    .system = "food", .name = "food", .collection = "foods", .schema = &state_schema,
    .commands = commands, .events = events, .create = &food_food_add, .editable = true,
    .removable = true,
};
