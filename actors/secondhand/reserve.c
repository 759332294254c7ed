/*
 * Reservations: taken at once, whatever else is down; then the reserve saga makes the trade and takes
 * the stock, and cancels both when the stock does not suffice.
 *
 *   place                              → 예약완료, ReserveCompleted, its saga runs
 *   reservecancel   confirmed          → (cancel saga) → 예약취소, unless it was handed over meanwhile
 *                   not yet confirmed  → 예약취소 at once; the reserve saga finds that, and undoes
 */
#include "actors/secondhand/secondhand.h"

const char *const secondhand_reserve_status_texts[] = {NULL, "예약완료", "예약취소", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct secondhand_reserve, member, json, kind, __VA_ARGS__)
/* Of the state, where `governed` says who changes them, and of the events, where nothing does. */
#define FIELDS(governed)                                                                           \
    FIELD(product_id, "productid", DURE_INT, .flags = (governed) | DURE_INDEXED),                  \
        FIELD(user_id, "userid", DURE_TEXT, .flags = (governed) | DURE_INDEXED),                   \
        FIELD(product_name, "productname", DURE_TEXT, .flags = (governed)),                        \
        FIELD(qty, "qty", DURE_INT, .flags = (governed)),                                          \
        FIELD(reserve_dt, "reserveDt", DURE_DATE, .flags = 0),                                     \
        FIELD(address, "address", DURE_TEXT, .flags = 0),                                          \
        FIELD(price, "price", DURE_INT, .flags = (governed)),                                      \
        FIELD(status, "status", DURE_ENUM, .flags = (governed) | DURE_INDEXED,                     \
              .texts = secondhand_reserve_status_texts)

static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELDS(DURE_GOVERNED),
    FIELD(trade_id, "tradeId", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(canceling, "canceling", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
    FIELD(refused, "refused", DURE_BOOL, .flags = DURE_HIDDEN, .start = 0, .has_start = true),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Reserve", struct secondhand_reserve, state_fields);
static const struct dure_field event_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = 0),
    FIELDS(0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("ReserveEvent", struct secondhand_reserve, event_fields);

#define PLACE(member, json, kind, ...)                                                             \
    DURE_FIELD(struct secondhand_place, member, json, kind, __VA_ARGS__)
static const struct dure_field place_fields[] = {
    PLACE(product_id, "productid", DURE_INT, .flags = DURE_REQUIRED),
    PLACE(user_id, "userid", DURE_TEXT, .flags = DURE_REQUIRED),
    PLACE(product_name, "productname", DURE_TEXT, .flags = 0),
    PLACE(qty, "qty", DURE_INT, .flags = DURE_REQUIRED, .min = 1, .max = SECONDHAND_AMOUNT_MAX),
    PLACE(reserve_dt, "reserveDt", DURE_DATE, .flags = 0),
    PLACE(address, "address", DURE_TEXT, .flags = 0),
    PLACE(price, "price", DURE_INT, .min = 0, .max = SECONDHAND_AMOUNT_MAX),
};
static const struct dure_schema place_schema =
    DURE_SCHEMA("PlaceReserve", struct secondhand_place, place_fields);
static const struct dure_field confirm_fields[] = {
    DURE_FIELD(struct secondhand_confirm, trade_id, "tradeId", DURE_INT, .flags = 0),
};
static const struct dure_schema confirm_schema =
    DURE_SCHEMA("ConfirmReserve", struct secondhand_confirm, confirm_fields);

/* ---- Events --------------------------------------------------------------------------------- */

static void apply_completed(void *state, const struct dure_event *event)
{
    const struct secondhand_reserve *made = event->data;
    struct secondhand_reserve *reserve = state;
    reserve->id = event->id;
    reserve->product_id = made->product_id;
    reserve->qty = made->qty;
    reserve->reserve_dt = made->reserve_dt;
    reserve->price = made->price;
    reserve->status = made->status;
    memcpy(reserve->user_id, made->user_id, sizeof reserve->user_id);
    memcpy(reserve->product_name, made->product_name, sizeof reserve->product_name);
    memcpy(reserve->address, made->address, sizeof reserve->address);
}

static void apply_canceled(void *state, const struct dure_event *event)
{
    struct secondhand_reserve *reserve = state;
    reserve->status = ((const struct secondhand_reserve *)event->data)->status;
    reserve->canceling = 0;
}

static void apply_confirmed(void *state, const struct dure_event *event)
{
    ((struct secondhand_reserve *)state)->trade_id =
        ((const struct secondhand_confirm *)event->data)->trade_id;
}

static void apply_refused(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_reserve *)state)->refused = 1;
}

static void apply_canceling(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_reserve *)state)->canceling = 1;
}

static void apply_kept(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct secondhand_reserve *)state)->canceling = 0;
}

struct dure_event_type secondhand_reserve_completed = {
    .name = "ReserveCompleted", .schema = &event_schema, .apply = apply_completed};
struct dure_event_type secondhand_reserve_canceled = {
    .name = "ReserveCanceled", .schema = &event_schema, .apply = apply_canceled};
static struct dure_event_type confirmed = {
    .name = "ReserveConfirmed", .schema = &confirm_schema, .internal = true,
    .apply = apply_confirmed};
static struct dure_event_type refused = {
    .name = "ReserveRefused", .internal = true, .apply = apply_refused};
static struct dure_event_type canceling = {
    .name = "ReserveCanceling", .internal = true, .apply = apply_canceling};
static struct dure_event_type kept = {
    .name = "ReserveKept", .internal = true, .apply = apply_kept};

static void emit_canceled(struct dure_out *out, const struct secondhand_reserve *reserve)
{
    struct secondhand_reserve *event = dure_emit(out, &secondhand_reserve_canceled);
    *event = *reserve;
    event->status = SECONDHAND_RESERVE_CANCELED;
}

/* ---- Placing -------------------------------------------------------------------------------- */

static int place(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct secondhand_place *wanted = in->data;
    struct secondhand_reserve *event = dure_emit(out, &secondhand_reserve_completed);
    event->id = in->id;
    event->product_id = wanted->product_id;
    event->qty = wanted->qty;
    event->reserve_dt = wanted->reserve_dt;
    event->price = wanted->price;
    event->status = SECONDHAND_RESERVE_DONE;
    memcpy(event->user_id, wanted->user_id, sizeof event->user_id);
    memcpy(event->product_name, wanted->product_name, sizeof event->product_name);
    memcpy(event->address, wanted->address, sizeof event->address);

    struct secondhand_reserve_saga *saga = dure_start(out, &secondhand_reserve_saga, in->id);
    saga->reserve_id = in->id;
    saga->product_id = wanted->product_id;
    saga->qty = wanted->qty;
    saga->price = wanted->price;
    memcpy(saga->user_id, wanted->user_id, sizeof saga->user_id);
    memcpy(saga->product_name, wanted->product_name, sizeof saga->product_name);
    return 0;
}

/* Trade and stock are there: refused only when the buyer was faster, and then the saga undoes them. */
static int confirm(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (((const struct secondhand_reserve *)state)->status == SECONDHAND_RESERVE_CANCELED) {
        dure_refuse(out, 409, "예약 %lld은 취소되었습니다", (long long)in->id);
        return 0;
    }
    *(struct secondhand_confirm *)dure_emit(out, &confirmed) =
        *(const struct secondhand_confirm *)in->data;
    return 0;
}

static int refuse(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    const struct secondhand_reserve *reserve = state;
    if (reserve->status == SECONDHAND_RESERVE_CANCELED) return 0;
    (void)dure_emit(out, &refused);
    emit_canceled(out, reserve);
    return 0;
}

/* ---- Cancelling ----------------------------------------------------------------------------- */

static bool may_cancel(const void *state)
{
    const struct secondhand_reserve *reserve = state;
    return reserve->status == SECONDHAND_RESERVE_DONE && reserve->canceling != 1;
}

static int cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct secondhand_reserve *reserve = state;
    if (!may_cancel(reserve)) {
        dure_refuse(out, 409, "예약을 취소할 수 없습니다: %s",
                    reserve->canceling == 1 ? "취소 중"
                                            : secondhand_reserve_status_texts[reserve->status]);
        return 0;
    }
    if (reserve->trade_id == DURE_NULL) {
        emit_canceled(out, reserve);
        return 0;
    }
    (void)dure_emit(out, &canceling);
    struct secondhand_cancel_saga *saga = dure_start(out, &secondhand_cancel_saga, in->id);
    *saga = (struct secondhand_cancel_saga){.reserve_id = in->id, .trade_id = reserve->trade_id,
                                            .product_id = reserve->product_id,
                                            .qty = reserve->qty};
    return 0;
}

static int finish_cancel(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)in;
    emit_canceled(out, state);
    return 0;
}

/* It has been handed over. */
static int keep(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    (void)dure_emit(out, &kept);
    return 0;
}

/* ---- The aggregate -------------------------------------------------------------------------- */

static const struct dure_command secondhand_reserve_place = {
    .name = "place", .aggregate = &secondhand_reserve, .schema = &place_schema,
    .flags = DURE_CREATES, .handle = place,
    .example = {"{\"productid\":100,\"userid\":\"abc\",\"productname\":\"애플워치\",\"qty\":1,"
                "\"address\":\"서울시 강남구 1\",\"price\":50000}",
                "secondhand.inventory.add"}};
const struct dure_command secondhand_reserve_confirm = {
    .name = "confirm", .aggregate = &secondhand_reserve, .schema = &confirm_schema,
    .handle = confirm};
const struct dure_command secondhand_reserve_refuse = {
    .name = "refuse", .aggregate = &secondhand_reserve, .handle = refuse};
static const struct dure_command secondhand_reserve_cancel = {
    .name = "reservecancel", .aggregate = &secondhand_reserve, .allowed = may_cancel,
    .handle = cancel};
const struct dure_command secondhand_reserve_finish_cancel = {
    .name = "finish-cancel", .aggregate = &secondhand_reserve, .handle = finish_cancel};
const struct dure_command secondhand_reserve_keep = {
    .name = "keep", .aggregate = &secondhand_reserve, .handle = keep};

static const struct dure_command *const commands[] = {
    &secondhand_reserve_place,  &secondhand_reserve_confirm,       &secondhand_reserve_refuse,
    &secondhand_reserve_cancel, &secondhand_reserve_finish_cancel, &secondhand_reserve_keep,
    NULL,
};
static struct dure_event_type *const events[] = {
    &secondhand_reserve_completed, &secondhand_reserve_canceled, &confirmed, &refused, &canceling,
    &kept, NULL,
};
static const struct dure_transition transitions[] = {
    {"status", SECONDHAND_RESERVE_CANCELED, &secondhand_reserve_cancel}, {0},
};

static const char *why_refused(const void *state)
{
    return ((const struct secondhand_reserve *)state)->refused == 1 ? SECONDHAND_MISMATCH : NULL;
}

struct dure_aggregate secondhand_reserve = {
    .system = "secondhand", .name = "reserve", .collection = "reserves", .schema = &state_schema,
    .commands = commands, .events = events, .create = &secondhand_reserve_place,
    .remove = &secondhand_reserve_cancel, .editable = true, .transitions = transitions,
    .refused = why_refused,
};
