/*
 * The three sagas of an order, each under the order's id.
 *
 *   order    pay      pay @ payment         OrderPaid        undone by give-back
 *            complete complete @ order      OrderCompleted   refused when it was cancelled meanwhile
 *   check    ask      check @ food          its reply        not served: the order is rejected
 *            confirm  confirm @ order       then the store has it
 *   cancel   kitchen  withdraw @ storeOrder 취소됨            refused when it cooks: nothing changes
 *            rider    withdraw @ delivery   취소됨
 *            money    give-back @ payment   결제 취소됨(User)
 *            finish   finish-cancel @ order OrderCanceled
 *
 * The check saga is for orders that were taken while the store was not to be reached. It waits for as
 * long as that takes: messages arrive, however late, exactly once.
 */
#include "actors/food/food.h"

/* ---- Order ---------------------------------------------------------------------------------- */

#define FIELD(member, json, ...) DURE_FIELD(struct food_order_saga, member, json, DURE_INT, __VA_ARGS__)
static const struct dure_field order_fields[] = {
    FIELD(order_id, "orderId", .flags = 0),
    FIELD(customer_id, "customerId", .flags = 0),
    FIELD(payment_id, "paymentId", .flags = 0),
};
static const struct dure_schema order_schema =
    DURE_SCHEMA("OrderSaga", struct food_order_saga, order_fields);

static int64_t ordered(const void *data)
{
    return ((const struct food_order_saga *)data)->order_id;
}

static void fill_pay(const void *data, void *payload)
{
    const struct food_order_saga *saga = data;
    *(struct food_pay *)payload =
        (struct food_pay){.order_id = saga->order_id, .customer_id = saga->customer_id};
}

static void learn_payment(void *data, const struct dure_outcome *outcome)
{
    if (outcome->done) ((struct food_order_saga *)data)->payment_id = outcome->id;
}

static void fill_user(const void *data, void *payload)
{
    (void)data;
    ((struct food_give_back *)payload)->status = FOOD_PAYMENT_CANCELED;
}

static void fill_paid(const void *data, void *payload)
{
    ((struct food_paid *)payload)->payment_id = ((const struct food_order_saga *)data)->payment_id;
}

static const struct dure_saga_step order_steps[] = {
    {.name = "pay", .command = &food_payment_pay, .by_key = true, .target = ordered,
     .fill = fill_pay, .learn = learn_payment, .done = &food_payment_paid,
     .undo = &food_payment_give_back, .fill_undo = fill_user},
    {.name = "complete", .command = &food_order_complete, .target = ordered, .fill = fill_paid,
     .done = &food_order_completed},
};

struct dure_saga food_order_saga = {
    .system = "food", .name = "order-saga", .data = &order_schema, .steps = order_steps,
    .steps_count = sizeof order_steps / sizeof order_steps[0], .refuse = &food_order_refuse,
};

/* ---- Check ---------------------------------------------------------------------------------- */

static const struct dure_field check_fields[] = {
    DURE_FIELD(struct food_check_saga, order_id, "orderId", DURE_INT, .flags = 0),
    DURE_FIELD(struct food_check_saga, food_id, "foodId", DURE_INT, .flags = 0),
    DURE_FIELD(struct food_check_saga, store_id, "storeId", DURE_INT, .flags = 0),
};
static const struct dure_schema check_schema =
    DURE_SCHEMA("CheckSaga", struct food_check_saga, check_fields);

static int64_t checked_food(const void *data)
{
    return ((const struct food_check_saga *)data)->food_id;
}

static int64_t checked_order(const void *data)
{
    return ((const struct food_check_saga *)data)->order_id;
}

static void learn_store(void *data, const struct dure_outcome *outcome)
{
    const struct food_store *store = outcome->reply;
    if (store != NULL) ((struct food_check_saga *)data)->store_id = store->store_id;
}

static void fill_store(const void *data, void *payload)
{
    ((struct food_store *)payload)->store_id = ((const struct food_check_saga *)data)->store_id;
}

static const struct dure_saga_step check_steps[] = {
    {.name = "ask", .command = &food_food_check, .target = checked_food, .learn = learn_store},
    {.name = "confirm", .command = &food_order_confirm, .target = checked_order,
     .fill = fill_store},
};

static void fill_disclaim(const void *data, size_t step, const char *reason, void *payload)
{
    (void)step;
    (void)reason;
    ((struct food_store *)payload)->store_id = ((const struct food_check_saga *)data)->store_id;
}

struct dure_saga food_check_saga = {
    .system = "food", .name = "check-saga", .data = &check_schema, .steps = check_steps,
    .steps_count = sizeof check_steps / sizeof check_steps[0], .refuse = &food_order_disclaim,
    .fill_refuse = fill_disclaim,
};

/* ---- Cancel --------------------------------------------------------------------------------- */

static const struct dure_field cancel_fields[] = {
    DURE_FIELD(struct food_cancel_saga, order_id, "orderId", DURE_INT, .flags = 0),
};
static const struct dure_schema cancel_schema =
    DURE_SCHEMA("CancelSaga", struct food_cancel_saga, cancel_fields);

static int64_t canceled(const void *data)
{
    return ((const struct food_cancel_saga *)data)->order_id;
}

static const struct dure_saga_step cancel_steps[] = {
    {.name = "kitchen", .command = &food_store_withdraw, .by_key = true, .target = canceled,
     .unless_gone = true},
    {.name = "rider", .command = &food_delivery_withdraw, .by_key = true, .target = canceled,
     .unless_gone = true, .must = true},
    {.name = "money", .command = &food_payment_give_back, .by_key = true, .target = canceled,
     .fill = fill_user, .done = &food_payment_returned, .unless_gone = true, .must = true},
    {.name = "finish", .command = &food_order_finish_cancel, .target = canceled,
     .done = &food_order_canceled, .must = true},
};

struct dure_saga food_cancel_saga = {
    .system = "food", .name = "cancel-saga", .data = &cancel_schema, .steps = cancel_steps,
    .steps_count = sizeof cancel_steps / sizeof cancel_steps[0], .refuse = &food_order_keep,
};
