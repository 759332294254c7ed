/*
 * A system of one aggregate, and requests for it, in a gateway with nothing real around it
 * (gateway_world.h).
 */
#ifndef DURE_TESTS_GATEWAY_TOY_H
#define DURE_TESTS_GATEWAY_TOY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/gateway_world.h"

/* ---- A system of one aggregate -------------------------------------------------------------- */

struct account {
    int64_t id;
    char name[24];
    int64_t balance;
};
static const struct dure_field account_fields[] = {
    DURE_FIELD(struct account, id, "id", DURE_INT, .flags = DURE_ID),
    DURE_FIELD(struct account, name, "name", DURE_TEXT, .flags = DURE_REQUIRED),
    DURE_FIELD(struct account, balance, "balance", DURE_INT, .flags = DURE_GOVERNED),
};
static const struct dure_schema account_schema =
    DURE_SCHEMA("Account", struct account, account_fields);

struct amount {
    int64_t amount;
};
static const struct dure_field amount_fields[] = {
    DURE_FIELD(struct amount, amount, "amount", DURE_INT, .flags = DURE_REQUIRED, .min = 1,
               .max = 1000000),
};
static const struct dure_schema amount_schema = DURE_SCHEMA("Amount", struct amount, amount_fields);

static void copy_state(void *state, const struct dure_event *event)
{
    memcpy(state, event->data, sizeof(struct account));
}

static struct dure_event_type opened = {
    .name = "AccountOpened", .schema = &account_schema, .apply = copy_state};
static struct dure_event_type changed = {
    .name = "BalanceChanged", .schema = &account_schema, .apply = copy_state};
static struct dure_event_type *const events[] = {&opened, &changed, NULL};

static int handle_open(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct account *wanted = in->data;
    if (wanted->balance < 0 && wanted->balance != DURE_NULL) {
        dure_refuse(out, 400, "balance must not be negative");
        return 0;
    }
    struct account *account = dure_emit(out, &opened);
    *account = *wanted;
    account->id = in->id;
    if (account->balance == DURE_NULL) account->balance = 0;
    return 0;
}

static int handle_take(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct account *before = state;
    const struct amount *wanted = in->data;
    if (before->balance < wanted->amount) {
        dure_refuse(out, 409, "only %lld are left", (long long)before->balance);
        return 0;
    }
    struct account *account = dure_emit(out, &changed);
    *account = *before;
    account->balance -= wanted->amount;
    return 0;
}

static bool has_money(const void *state)
{
    return ((const struct account *)state)->balance > 0;
}

static struct dure_aggregate account;
static struct dure_command open_account = {.name = "open",
                                           .aggregate = &account,
                                           .schema = &account_schema,
                                           .flags = DURE_CREATES,
                                           .handle = handle_open};
static struct dure_command take = {.name = "take",
                                   .aggregate = &account,
                                   .schema = &amount_schema,
                                   .allowed = has_money,
                                   .handle = handle_take};
static const struct dure_command *const commands[] = {&open_account, &take, NULL};
static struct dure_aggregate account = {.system = "toy",
                                        .name = "account",
                                        .collection = "accounts",
                                        .schema = &account_schema,
                                        .commands = commands,
                                        .events = events,
                                        .create = &open_account,
                                        .editable = true,
                                        .removable = true};
static struct dure_aggregate *const aggregates[] = {&account, NULL};
static const struct dure_system toy = {.name = "toy", .aggregates = aggregates};
static const struct dure_system *const systems[] = {&toy, NULL};

static struct dure_span span(const char *text)
{
    return (struct dure_span){text, strlen(text)};
}

static void header(const char *name, const char *value)
{
    assert_true(exchange.request.headers_count < HEADERS_MAX);
    exchange.headers[exchange.request.headers_count++] =
        (struct dure_header){span(name), span(value)};
    exchange.request.headers = exchange.headers;
}

static void ask(enum dure_method method, const char *target, const char *body)
{
    const char *mark = strchr(target, '?');
    exchange.request.method = method;
    exchange.request.target = exchange.request.path = span(target);
    if (mark != NULL) {
        exchange.request.path.len = (size_t)(mark - target);
        exchange.request.query = span(mark + 1);
    }
    if (body != NULL) exchange.request.body = span(body);
    handler.on_request(handler.arg, &exchange);
}

/* A whole request: *headers are name, value, … NULL. The body ends with a NUL in the buffer. */
static inline int call(enum dure_method method, const char *target, const char *body, ...)
{
    clear();
    va_list more;
    va_start(more, body);
    for (const char *name; (name = va_arg(more, const char *)) != NULL;)
        header(name, va_arg(more, const char *));
    va_end(more);
    header("Host", "h");
    ask(method, target, body);
    for (int i = 0; i < 20 && !exchange.ended; i++) round_of_loop();
    assert_true(exchange.ended);
    dure_buf_byte(&exchange.body, '\0');
    dure_buf_byte(&exchange.reply_headers, '\0');
    return exchange.status;
}

static inline void has(const char *text)
{
    if (strstr(exchange.body.data, text) == NULL) fail_msg("no %s in %s", text, exchange.body.data);
}

static inline void has_header(const char *text)
{
    if (strstr(exchange.reply_headers.data, text) == NULL)
        fail_msg("no %s in %s", text, exchange.reply_headers.data);
}

#endif
