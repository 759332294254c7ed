/*
 * Shelves: the listings of a product that wait for a buyer, oldest first. One a product (the natural
 * key), so that two reservations never pick the same listing. Not reachable from outside.
 */
#include "actors/secondhand/secondhand.h"

#define LISTING(i)                                                                                 \
    DURE_FIELD(struct secondhand_shelf, listings[i], "listing" #i, DURE_INT, .flags = 0)
static const struct dure_field state_fields[] = {
    DURE_FIELD(struct secondhand_shelf, id, "id", DURE_INT, .flags = DURE_ID),
    DURE_FIELD(struct secondhand_shelf, product_id, "productid", DURE_INT, .flags = 0),
    LISTING(0), LISTING(1), LISTING(2), LISTING(3), LISTING(4), LISTING(5), LISTING(6), LISTING(7),
    LISTING(8), LISTING(9), LISTING(10), LISTING(11), LISTING(12), LISTING(13), LISTING(14),
    LISTING(15), LISTING(16), LISTING(17), LISTING(18), LISTING(19), LISTING(20), LISTING(21),
    LISTING(22), LISTING(23),
};
_Static_assert(sizeof state_fields / sizeof state_fields[0] == SECONDHAND_LISTINGS_MAX + 2,
               "a field for each listing");
static const struct dure_schema state_schema =
    DURE_SCHEMA("Shelf", struct secondhand_shelf, state_fields);

static const struct dure_field listing_fields[] = {
    DURE_FIELD(struct secondhand_listing, product_id, "productid", DURE_INT, .flags = 0),
    DURE_FIELD(struct secondhand_listing, trade_id, "tradeId", DURE_INT, .flags = 0),
};
static const struct dure_schema listing_schema =
    DURE_SCHEMA("Listing", struct secondhand_listing, listing_fields);

static size_t count(const struct secondhand_shelf *shelf)
{
    size_t n = 0;
    while (n < SECONDHAND_LISTINGS_MAX && shelf->listings[n] != DURE_NULL) n++;
    return n;
}

static size_t find(const struct secondhand_shelf *shelf, int64_t trade_id)
{
    size_t i = 0;
    while (i < SECONDHAND_LISTINGS_MAX && shelf->listings[i] != trade_id) i++;
    return i;
}

static void apply_pushed(void *state, const struct dure_event *event)
{
    const struct secondhand_listing *listing = event->data;
    struct secondhand_shelf *shelf = state;
    shelf->id = event->id;
    shelf->product_id = listing->product_id;
    shelf->listings[count(shelf)] = listing->trade_id;
}

static void apply_removed(void *state, const struct dure_event *event)
{
    struct secondhand_shelf *shelf = state;
    size_t i = find(shelf, ((const struct secondhand_listing *)event->data)->trade_id);
    for (; i + 1 < SECONDHAND_LISTINGS_MAX; i++) shelf->listings[i] = shelf->listings[i + 1];
    shelf->listings[SECONDHAND_LISTINGS_MAX - 1] = DURE_NULL;
}

static struct dure_event_type pushed = {
    .name = "ListingPushed", .schema = &listing_schema, .internal = true, .apply = apply_pushed};
static struct dure_event_type removed = {
    .name = "ListingRemoved", .schema = &listing_schema, .internal = true, .apply = apply_removed};

static int push(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (count(state) == SECONDHAND_LISTINGS_MAX) {
        dure_refuse(out, 409, "%s: 상품의 판매글이 이미 %d개입니다",
                    secondhand_trade_status_texts[SECONDHAND_TRADE_UNLISTED],
                    SECONDHAND_LISTINGS_MAX);
        return 0;
    }
    *(struct secondhand_listing *)dure_emit(out, &pushed) =
        *(const struct secondhand_listing *)in->data;
    return 0;
}

/* The oldest one, if there is any. */
static int pick(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    const struct secondhand_shelf *shelf = state;
    struct secondhand_listing *reply = dure_reply(out);
    reply->trade_id = shelf->listings[0];
    if (reply->trade_id == DURE_NULL) return 0;
    *(struct secondhand_listing *)dure_emit(out, &removed) = (struct secondhand_listing){
        .product_id = shelf->product_id, .trade_id = reply->trade_id};
    return 0;
}

/* Taken down by its seller; a reservation may have been faster. */
static int drop(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_listing *listing = in->data;
    if (find(state, listing->trade_id) == SECONDHAND_LISTINGS_MAX) return 0;
    *(struct secondhand_listing *)dure_emit(out, &removed) = *listing;
    return 0;
}

const struct dure_command secondhand_shelf_push = {
    .name = "push", .aggregate = &secondhand_shelf, .schema = &listing_schema,
    .flags = DURE_CREATES, .handle = push};
const struct dure_command secondhand_shelf_pick = {
    .name = "pick", .aggregate = &secondhand_shelf, .reply = &listing_schema, .handle = pick};
const struct dure_command secondhand_shelf_drop = {
    .name = "drop", .aggregate = &secondhand_shelf, .schema = &listing_schema, .handle = drop};

static const struct dure_command *const commands[] = {
    &secondhand_shelf_push, &secondhand_shelf_pick, &secondhand_shelf_drop, NULL,
};
static struct dure_event_type *const events[] = {&pushed, &removed, NULL};

struct dure_aggregate secondhand_shelf = {
    .system = "secondhand", .name = "shelf", .schema = &state_schema, .commands = commands,
    .events = events, .key = "productid",
};
