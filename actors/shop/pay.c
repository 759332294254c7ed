/*
 * Accounts: one per user (the natural key), opened and topped up by the same POST. The balance moves
 * only by the sagas' commands; the point number is kept and echoed.
 */
#include "actors/shop/shop.h"

#define FIELD(member, json, kind, ...) DURE_FIELD(struct shop_pay, member, json, kind, __VA_ARGS__)

static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(pay_amount, "payAmount", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED, .min = 0,
          .max = SHOP_AMOUNT_MAX),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED | DURE_INDEXED),
    FIELD(status, "status", DURE_TEXT, .flags = 0),
    FIELD(point, "point", DURE_INT, .flags = 0),
};
static const struct dure_schema state_schema = DURE_SCHEMA("Pay", struct shop_pay, state_fields);

#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct shop_pay_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(pay_amount, "payAmount", DURE_INT, .flags = 0),
    EVENT(user_id, "userId", DURE_INT, .flags = 0),
    EVENT(status, "status", DURE_TEXT, .flags = 0),
    EVENT(point, "point", DURE_INT, .flags = 0),
    EVENT(order_id, "orderId", DURE_INT, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("PayEvent", struct shop_pay_event, event_fields);

/* An opening or a top-up: what came in, and the account afterwards. */
static const struct dure_field deposit_fields[] = {
    DURE_FIELD(struct shop_deposit, amount, "amount", DURE_INT, .flags = 0),
    DURE_FIELD(struct shop_deposit, pay.pay_amount, "payAmount", DURE_INT, .flags = 0),
    DURE_FIELD(struct shop_deposit, pay.user_id, "userId", DURE_INT, .flags = 0),
    DURE_FIELD(struct shop_deposit, pay.status, "status", DURE_TEXT, .flags = 0),
    DURE_FIELD(struct shop_deposit, pay.point, "point", DURE_INT, .flags = 0),
};
static const struct dure_schema deposit_schema =
    DURE_SCHEMA("Deposit", struct shop_deposit, deposit_fields);

static const struct dure_field take_fields[] = {
    DURE_FIELD(struct shop_take, amount, "amount", DURE_INT, .flags = 0),
    DURE_FIELD(struct shop_take, order_id, "orderId", DURE_INT, .flags = 0),
};
static const struct dure_schema take_schema =
    DURE_SCHEMA("TakeMoney", struct shop_take, take_fields);

static void apply_deposited(void *state, const struct dure_event *event)
{
    const struct shop_deposit *deposit = event->data;
    struct shop_pay *pay = state;
    *pay = deposit->pay;
    pay->id = event->id;
}

static void apply_moved(void *state, const struct dure_event *event)
{
    ((struct shop_pay *)state)->pay_amount =
        ((const struct shop_pay_event *)event->data)->pay_amount;
}

struct dure_event_type shop_pay_deposited = {
    .name = "PayDeposited", .schema = &deposit_schema, .internal = true, .apply = apply_deposited};
struct dure_event_type shop_pay_approval = {
    .name = "PayApproval", .schema = &event_schema, .apply = apply_moved};
struct dure_event_type shop_pay_canceled = {
    .name = "PayCanceled", .schema = &event_schema, .apply = apply_moved};

static void emit_moved(struct dure_out *out, const struct dure_event_type *type,
                       const struct shop_pay *pay, int64_t pay_amount, int64_t order_id)
{
    struct shop_pay_event *event = dure_emit(out, type);
    event->id = pay->id;
    event->pay_amount = pay_amount;
    event->user_id = pay->user_id;
    event->point = pay->point;
    event->order_id = order_id;
    memcpy(event->status, pay->status, sizeof event->status);
}

static int deposit(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_pay *pay = state, *wanted = in->data;
    int64_t balance = in->exists ? pay->pay_amount : 0;
    if (wanted->pay_amount > SHOP_AMOUNT_MAX - balance) {
        dure_refuse(out, 409, "the balance would exceed %lld", (long long)SHOP_AMOUNT_MAX);
        return 0;
    }
    struct shop_deposit *event = dure_emit(out, &shop_pay_deposited);
    event->amount = wanted->pay_amount;
    event->pay = in->exists ? *pay : *wanted;
    event->pay.pay_amount = balance + wanted->pay_amount;
    if (in->exists && wanted->point != DURE_NULL) event->pay.point = wanted->point;
    if (in->exists && wanted->status[0] != '\0') {
        memcpy(event->pay.status, wanted->status, sizeof event->pay.status);
    }
    return 0;
}

static int take(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_pay *pay = state;
    const struct shop_take *wanted = in->data;
    if (wanted->amount > pay->pay_amount) {
        dure_refuse(out, 409, "잔액부족: 잔액은 %lld입니다", (long long)pay->pay_amount);
        return 0;
    }
    emit_moved(out, &shop_pay_approval, pay, pay->pay_amount - wanted->amount, wanted->order_id);
    return 0;
}

/* An account that was filled up meanwhile has no room: the saga parks until it has. */
static int give_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct shop_pay *pay = state;
    const struct shop_take *back = in->data;
    if (back->amount > SHOP_AMOUNT_MAX - pay->pay_amount) {
        dure_refuse(out, 409, "the balance would exceed %lld", (long long)SHOP_AMOUNT_MAX);
        return 0;
    }
    emit_moved(out, &shop_pay_canceled, pay, pay->pay_amount + back->amount, back->order_id);
    return 0;
}

static const struct dure_command shop_pay_deposit = {
    .name = "deposit", .aggregate = &shop_pay, .schema = &state_schema, .flags = DURE_CREATES,
    .handle = deposit,
    .example = {"{\"userId\":1,\"payAmount\":999999}"}};
const struct dure_command shop_pay_take = {
    .name = "take", .aggregate = &shop_pay, .schema = &take_schema, .handle = take};
const struct dure_command shop_pay_give_back = {
    .name = "give-back", .aggregate = &shop_pay, .schema = &take_schema, .handle = give_back};

static const struct dure_command *const commands[] = {
    &shop_pay_deposit, &shop_pay_take, &shop_pay_give_back, NULL,
};
static struct dure_event_type *const events[] = {
    &shop_pay_deposited, &shop_pay_approval, &shop_pay_canceled, NULL,
};

struct dure_aggregate shop_pay = {
    .system = "shop", .name = "pay", .collection = "pays", .schema = &state_schema,
    .commands = commands, .events = events, .create = &shop_pay_deposit, .key = "userId",
    .editable = true, .removable = true,
};
