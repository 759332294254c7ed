/*
 * Trades: a reservation's, from its first moment 거래 진행중; or a seller's listing, which becomes that
 * of the first reservation of its product.
 *
 *   list → (null) ─ open → 거래 진행중 ─ complete (the handover) → 거래완료
 *          open → 거래 진행중 ─ cancel → 예약취소로 거래취소
 *
 * Handed over only when the stock is taken (settled) and nobody is cancelling (withdrawn): this table
 * decides between a buyer who cancels and a handover.
 */
#include "actors/secondhand/secondhand.h"

const char *const secondhand_trade_status_texts[] = {
    NULL, "거래 진행중", "거래완료", "예약취소로 거래취소", "판매글 등록 불가", NULL,
};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct secondhand_trade, member, json, kind, __VA_ARGS__)
#define FIELDS(governed)                                                                           \
    FIELD(product_id, "productid", DURE_INT, .flags = (governed) | DURE_INDEXED),                  \
        FIELD(user_id, "userid", DURE_TEXT, .flags = (governed) | DURE_INDEXED),                   \
        FIELD(product_name, "productname", DURE_TEXT, .flags = (governed)),                        \
        FIELD(qty, "qty", DURE_INT, .flags = (governed)),                                          \
        FIELD(price, "price", DURE_TEXT, .flags = (governed)),                                     \
        FIELD(status, "status", DURE_ENUM, .flags = (governed) | DURE_INDEXED,                     \
              .texts = secondhand_trade_status_texts),                                             \
        FIELD(reserve_id, "reserveid", DURE_INT, .flags = (governed) | DURE_INDEXED)

static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELDS(DURE_GOVERNED),
    FIELD(settled, "settled", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
    FIELD(withdrawn, "withdrawn", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Trade", struct secondhand_trade, state_fields);
static const struct dure_field event_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = 0),
    FIELDS(0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("TradeEvent", struct secondhand_trade, event_fields);

#define DEAL(member, json, kind, ...)                                                              \
    DURE_FIELD(struct secondhand_deal, member, json, kind, __VA_ARGS__)
#define DEAL_FIELDS                                                                                \
    DEAL(product_id, "productid", DURE_INT, .flags = DURE_REQUIRED),                               \
        DEAL(user_id, "userid", DURE_TEXT, .flags = 0),                                            \
        DEAL(product_name, "productname", DURE_TEXT, .flags = 0),                                  \
        DEAL(qty, "qty", DURE_INT, .min = 1, .max = SECONDHAND_AMOUNT_MAX),                        \
        DEAL(price, "price", DURE_TEXT, .flags = 0)
static const struct dure_field list_fields[] = {DEAL_FIELDS};
static const struct dure_schema list_schema =
    DURE_SCHEMA("ListTrade", struct secondhand_deal, list_fields);
static const struct dure_field open_fields[] = {
    DEAL_FIELDS,
    DEAL(reserve_id, "reserveid", DURE_INT, .flags = 0),
};
static const struct dure_schema open_schema =
    DURE_SCHEMA("OpenTrade", struct secondhand_deal, open_fields);

/* ---- Events --------------------------------------------------------------------------------- */

static void apply_listed(void *state, const struct dure_event *event)
{
    const struct secondhand_deal *deal = event->data;
    struct secondhand_trade *trade = state;
    trade->id = event->id;
    trade->product_id = deal->product_id;
    trade->qty = deal->qty;
    memcpy(trade->user_id, deal->user_id, sizeof trade->user_id);
    memcpy(trade->product_name, deal->product_name, sizeof trade->product_name);
    memcpy(trade->price, deal->price, sizeof trade->price);
}

static void apply_public(void *state, const struct dure_event *event)
{
    const struct secondhand_trade *changed = event->data;
    struct secondhand_trade *trade = state;
    trade->id = event->id;
    trade->product_id = changed->product_id;
    trade->qty = changed->qty;
    trade->reserve_id = changed->reserve_id;
    trade->status = changed->status;
    memcpy(trade->user_id, changed->user_id, sizeof trade->user_id);
    memcpy(trade->product_name, changed->product_name, sizeof trade->product_name);
    memcpy(trade->price, changed->price, sizeof trade->price);
}

static void apply_settled(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_trade *)state)->settled = 1;
}

static void apply_withdrawn(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_trade *)state)->withdrawn = 1;
}

static void apply_handed_over(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_trade *)state)->status = SECONDHAND_TRADE_DONE;
}

static void apply_unlisted(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_trade *)state)->status = SECONDHAND_TRADE_UNLISTED;
}

struct dure_event_type secondhand_trade_completed = {
    .name = "TradeCompleted", .schema = &event_schema, .apply = apply_public};
struct dure_event_type secondhand_trade_canceled = {
    .name = "TradeCanceled", .schema = &event_schema, .apply = apply_public};
static struct dure_event_type listed = {
    .name = "TradeListed", .schema = &list_schema, .internal = true, .apply = apply_listed};
static struct dure_event_type settled = {
    .name = "TradeSettled", .internal = true, .apply = apply_settled};
static struct dure_event_type withdrawn = {
    .name = "TradeWithdrawn", .internal = true, .apply = apply_withdrawn};
static struct dure_event_type handed_over = {
    .name = "TradeHandedOver", .internal = true, .apply = apply_handed_over};
static struct dure_event_type unlisted = {
    .name = "TradeUnlisted", .internal = true, .apply = apply_unlisted};
static struct dure_event_type taken_down = {
    .name = "TradeTakenDown", .internal = true, .removes = true};

/* ---- Listings ------------------------------------------------------------------------------- */

static int list_trade(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct secondhand_deal *deal = in->data;
    *(struct secondhand_deal *)dure_emit(out, &listed) = *deal;
    *(struct secondhand_list_saga *)dure_start(out, &secondhand_list_saga, in->id) =
        (struct secondhand_list_saga){.trade_id = in->id, .product_id = deal->product_id};
    return 0;
}

/* The shelf is full. The seller may have taken it down meanwhile. */
static int unlist(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    if (in->exists) (void)dure_emit(out, &unlisted);
    return 0;
}

static bool may_take_down(const void *state)
{
    uint8_t status = ((const struct secondhand_trade *)state)->status;
    return status == SECONDHAND_TRADE_LISTED || status == SECONDHAND_TRADE_UNLISTED;
}

static int take_down(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_trade *trade = state;
    if (!may_take_down(trade)) {
        dure_refuse(out, 409, "판매글이 아닙니다: %s", secondhand_trade_status_texts[trade->status]);
        return 0;
    }
    (void)dure_emit(out, &taken_down);
    *(struct secondhand_listing *)dure_send_by_key(out, &secondhand_shelf_drop, trade->product_id) =
        (struct secondhand_listing){.product_id = trade->product_id, .trade_id = in->id};
    return 0;
}

/* ---- A reservation's trade ------------------------------------------------------------------ */

/* A listing that was taken down in this very moment is there no more: then it is a new trade. */
static int open_trade(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_trade *listing = state;
    const struct secondhand_deal *deal = in->data;
    struct secondhand_trade *event = dure_emit(out, &secondhand_trade_completed);
    event->id = in->id;
    event->product_id = deal->product_id;
    event->qty = deal->qty;
    event->reserve_id = deal->reserve_id;
    event->status = SECONDHAND_TRADE_IN_PROGRESS;
    memcpy(event->user_id, deal->user_id, sizeof event->user_id);
    memcpy(event->product_name, deal->product_name, sizeof event->product_name);
    memcpy(event->price, deal->price, sizeof event->price);
    if (in->exists && deal->product_name[0] == '\0') {
        memcpy(event->product_name, listing->product_name, sizeof event->product_name);
    }
    if (in->exists && deal->price[0] == '\0') {
        memcpy(event->price, listing->price, sizeof event->price);
    }
    return 0;
}

/* A cancel that came first has the word. */
static int settle(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    if (((const struct secondhand_trade *)state)->status == SECONDHAND_TRADE_IN_PROGRESS) {
        (void)dure_emit(out, &settled);
    }
    return 0;
}

static bool may_complete(const void *state)
{
    const struct secondhand_trade *trade = state;
    return trade->status == SECONDHAND_TRADE_IN_PROGRESS && trade->settled == 1 &&
           trade->withdrawn != 1;
}

static int complete(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_trade *trade = state;
    if (may_complete(trade)) {
        (void)dure_emit(out, &handed_over);
    } else if (trade->status == SECONDHAND_TRADE_LISTED) {
        dure_refuse(out, 409, "거래를 완료할 수 없습니다: 예약이 없습니다");
    } else {
        dure_refuse(out, 409, "거래를 완료할 수 없습니다: %s%s",
                    secondhand_trade_status_texts[trade->status],
                    trade->withdrawn == 1 ? ", 예약 취소 중" : "");
    }
    (void)in;
    return 0;
}

static int withdraw(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    if (((const struct secondhand_trade *)state)->status == SECONDHAND_TRADE_DONE) {
        dure_refuse(out, 409, "예약을 취소할 수 없습니다: 거래완료");
    } else {
        (void)dure_emit(out, &withdrawn);
    }
    return 0;
}

static int cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    struct secondhand_trade *event = dure_emit(out, &secondhand_trade_canceled);
    *event = *(const struct secondhand_trade *)state;
    event->status = SECONDHAND_TRADE_CANCELED;
    return 0;
}

/* ---- The aggregate -------------------------------------------------------------------------- */

static const struct dure_command secondhand_trade_list = {
    .name = "list", .aggregate = &secondhand_trade, .schema = &list_schema, .flags = DURE_CREATES,
    .handle = list_trade,
    .example = {"{\"productid\":100,\"userid\":\"seller\",\"productname\":\"애플워치\",\"qty\":1,"
                "\"price\":\"50000\"}"}};
const struct dure_command secondhand_trade_unlist = {
    .name = "unlist", .aggregate = &secondhand_trade, .flags = DURE_CREATES, .handle = unlist};
static const struct dure_command secondhand_trade_take_down = {
    .name = "takedown", .aggregate = &secondhand_trade, .allowed = may_take_down,
    .handle = take_down,
    .example = {.status = 204}};
const struct dure_command secondhand_trade_open = {
    .name = "open", .aggregate = &secondhand_trade, .schema = &open_schema, .flags = DURE_CREATES,
    .handle = open_trade};
const struct dure_command secondhand_trade_settle = {
    .name = "settle", .aggregate = &secondhand_trade, .handle = settle};
static const struct dure_command secondhand_trade_complete = {
    .name = "complete", .aggregate = &secondhand_trade, .allowed = may_complete,
    .handle = complete,
    .example = {.after = "secondhand.reserve.place"}};
const struct dure_command secondhand_trade_withdraw = {
    .name = "withdraw", .aggregate = &secondhand_trade, .handle = withdraw};
const struct dure_command secondhand_trade_cancel = {
    .name = "cancel", .aggregate = &secondhand_trade, .handle = cancel};

static const struct dure_command *const commands[] = {
    &secondhand_trade_list,   &secondhand_trade_unlist,   &secondhand_trade_take_down,
    &secondhand_trade_open,   &secondhand_trade_settle,   &secondhand_trade_complete,
    &secondhand_trade_withdraw, &secondhand_trade_cancel, NULL,
};
static struct dure_event_type *const events[] = {
    &secondhand_trade_completed, &secondhand_trade_canceled, &listed,   &settled, &withdrawn,
    &handed_over,                &unlisted,                  &taken_down, NULL,
};
static const struct dure_transition transitions[] = {
    {"status", SECONDHAND_TRADE_DONE, &secondhand_trade_complete}, {0},
};

static const char *why_refused(const void *state)
{
    const struct secondhand_trade *trade = state;
    return trade->status == SECONDHAND_TRADE_UNLISTED ? secondhand_trade_status_texts[trade->status]
                                                      : NULL;
}

struct dure_aggregate secondhand_trade = {
    .system = "secondhand", .name = "trade", .collection = "trades", .schema = &state_schema,
    .commands = commands, .events = events, .create = &secondhand_trade_list,
    .remove = &secondhand_trade_take_down, .editable = true, .transitions = transitions,
    .refused = why_refused,
};
