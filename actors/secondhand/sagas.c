/*
 * The sagas of a reservation, each under its id, and that of a listing, under the trade's.
 *
 *   reserve  pick     pick @ shelf          its reply         no listing: a new trade
 *            open     open @ trade          TradeCompleted    undone by cancel: TradeCanceled
 *            take     take @ inventory      StockDecresed     not enough or none; undone by put-back
 *            confirm  confirm @ reserve     -                 refused when it was cancelled meanwhile
 *            settle   settle @ trade        -                 from now on it may be handed over
 *   cancel   hold     withdraw @ trade      -                 refused after the handover: nothing changes
 *            reserve  finish-cancel         ReserveCanceled
 *            trade    cancel @ trade        TradeCanceled
 *            stock    put-back @ inventory  -
 *   list     push     push @ shelf          -                 refused when it is full
 *
 * A product that was removed meanwhile has nothing to take back: that step counts as done.
 */
#include "actors/secondhand/secondhand.h"

#include <stdio.h>

#define INT(type, member, json) DURE_FIELD(type, member, json, DURE_INT, .flags = 0)

/* ---- Reserve -------------------------------------------------------------------------------- */

static const struct dure_field reserve_fields[] = {
    INT(struct secondhand_reserve_saga, reserve_id, "reserveid"),
    INT(struct secondhand_reserve_saga, product_id, "productid"),
    INT(struct secondhand_reserve_saga, qty, "qty"),
    INT(struct secondhand_reserve_saga, price, "price"),
    INT(struct secondhand_reserve_saga, trade_id, "tradeId"),
    DURE_FIELD(struct secondhand_reserve_saga, user_id, "userid", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct secondhand_reserve_saga, product_name, "productname", DURE_TEXT, .flags = 0),
};
static const struct dure_schema reserve_schema =
    DURE_SCHEMA("ReserveSaga", struct secondhand_reserve_saga, reserve_fields);

static int64_t reserved_product(const void *data)
{
    return ((const struct secondhand_reserve_saga *)data)->product_id;
}

static int64_t reserved(const void *data)
{
    return ((const struct secondhand_reserve_saga *)data)->reserve_id;
}

/* The listing, or a new one. */
static int64_t picked(const void *data)
{
    int64_t trade_id = ((const struct secondhand_reserve_saga *)data)->trade_id;
    return trade_id != DURE_NULL ? trade_id : DURE_NEW;
}

static int64_t opened(const void *data)
{
    return ((const struct secondhand_reserve_saga *)data)->trade_id;
}

static void learn_listing(void *data, const struct dure_outcome *outcome)
{
    const struct secondhand_listing *listing = outcome->reply;
    if (listing != NULL) ((struct secondhand_reserve_saga *)data)->trade_id = listing->trade_id;
}

static void fill_deal(const void *data, void *payload)
{
    const struct secondhand_reserve_saga *saga = data;
    struct secondhand_deal *deal = payload;
    deal->product_id = saga->product_id;
    deal->qty = saga->qty;
    deal->reserve_id = saga->reserve_id;
    memcpy(deal->user_id, saga->user_id, sizeof deal->user_id);
    memcpy(deal->product_name, saga->product_name, sizeof deal->product_name);
    if (saga->price != DURE_NULL) {
        snprintf(deal->price, sizeof deal->price, "%lld", (long long)saga->price);
    }
}

static void learn_trade(void *data, const struct dure_outcome *outcome)
{
    if (outcome->done) ((struct secondhand_reserve_saga *)data)->trade_id = outcome->id;
}

static void fill_take(const void *data, void *payload)
{
    const struct secondhand_reserve_saga *saga = data;
    struct secondhand_take *take = payload;
    take->qty = saga->qty;
    memcpy(take->user_id, saga->user_id, sizeof take->user_id);
}

static void fill_confirm(const void *data, void *payload)
{
    ((struct secondhand_confirm *)payload)->trade_id = opened(data);
}

static const struct dure_saga_step reserve_steps[] = {
    {.name = "pick", .command = &secondhand_shelf_pick, .by_key = true, .target = reserved_product,
     .learn = learn_listing, .unless_gone = true},
    {.name = "open", .command = &secondhand_trade_open, .target = picked, .fill = fill_deal,
     .learn = learn_trade, .done = &secondhand_trade_completed, .undo = &secondhand_trade_cancel},
    {.name = "take", .command = &secondhand_inventory_take, .by_key = true,
     .target = reserved_product, .fill = fill_take, .done = &secondhand_stock_decreased,
     .missing = SECONDHAND_MISMATCH ": 없는 상품입니다", .undo = &secondhand_inventory_put_back,
     .fill_undo = fill_take},
    {.name = "confirm", .command = &secondhand_reserve_confirm, .target = reserved,
     .fill = fill_confirm},
    {.name = "settle", .command = &secondhand_trade_settle, .target = opened, .must = true},
};

struct dure_saga secondhand_reserve_saga = {
    .system = "secondhand", .name = "reserve-saga", .data = &reserve_schema,
    .steps = reserve_steps, .steps_count = sizeof reserve_steps / sizeof reserve_steps[0],
    .refuse = &secondhand_reserve_refuse,
};

/* ---- Cancel --------------------------------------------------------------------------------- */

static const struct dure_field cancel_fields[] = {
    INT(struct secondhand_cancel_saga, reserve_id, "reserveid"),
    INT(struct secondhand_cancel_saga, trade_id, "tradeId"),
    INT(struct secondhand_cancel_saga, product_id, "productid"),
    INT(struct secondhand_cancel_saga, qty, "qty"),
};
static const struct dure_schema cancel_schema =
    DURE_SCHEMA("CancelSaga", struct secondhand_cancel_saga, cancel_fields);

static int64_t canceled(const void *data)
{
    return ((const struct secondhand_cancel_saga *)data)->reserve_id;
}

static int64_t canceled_trade(const void *data)
{
    return ((const struct secondhand_cancel_saga *)data)->trade_id;
}

static int64_t canceled_product(const void *data)
{
    return ((const struct secondhand_cancel_saga *)data)->product_id;
}

static void fill_back(const void *data, void *payload)
{
    ((struct secondhand_take *)payload)->qty = ((const struct secondhand_cancel_saga *)data)->qty;
}

static const struct dure_saga_step cancel_steps[] = {
    {.name = "hold", .command = &secondhand_trade_withdraw, .target = canceled_trade},
    {.name = "reserve", .command = &secondhand_reserve_finish_cancel, .target = canceled,
     .done = &secondhand_reserve_canceled, .must = true},
    {.name = "trade", .command = &secondhand_trade_cancel, .target = canceled_trade,
     .done = &secondhand_trade_canceled, .must = true},
    {.name = "stock", .command = &secondhand_inventory_put_back, .by_key = true,
     .target = canceled_product, .fill = fill_back, .must = true, .unless_gone = true},
};

struct dure_saga secondhand_cancel_saga = {
    .system = "secondhand", .name = "cancel-saga", .data = &cancel_schema, .steps = cancel_steps,
    .steps_count = sizeof cancel_steps / sizeof cancel_steps[0],
    .refuse = &secondhand_reserve_keep,
};

/* ---- List ----------------------------------------------------------------------------------- */

static const struct dure_field list_fields[] = {
    INT(struct secondhand_list_saga, trade_id, "tradeId"),
    INT(struct secondhand_list_saga, product_id, "productid"),
};
static const struct dure_schema list_schema =
    DURE_SCHEMA("ListSaga", struct secondhand_list_saga, list_fields);

static int64_t listed_product(const void *data)
{
    return ((const struct secondhand_list_saga *)data)->product_id;
}

static void fill_listing(const void *data, void *payload)
{
    const struct secondhand_list_saga *saga = data;
    *(struct secondhand_listing *)payload =
        (struct secondhand_listing){.product_id = saga->product_id, .trade_id = saga->trade_id};
}

static const struct dure_saga_step list_steps[] = {
    {.name = "push", .command = &secondhand_shelf_push, .by_key = true, .target = listed_product,
     .fill = fill_listing},
};

struct dure_saga secondhand_list_saga = {
    .system = "secondhand", .name = "list-saga", .data = &list_schema, .steps = list_steps,
    .steps_count = sizeof list_steps / sizeof list_steps[0], .refuse = &secondhand_trade_unlist,
};
