/*
 * What a loan needs of others, and gives back when it ends.
 *
 *   lend      copy    take @ book        refused: unknown, or all lent; undone by put-back
 *             card    borrow @ reader    refused: unknown, or three books already
 *             finish  complete @ loan    BookLent
 *   return    copy    put-back @ book
 *             card    give-back @ reader
 */
#include "library.h"

#include <stdio.h>

#define TRIP(member, json) DURE_FIELD(struct library_trip, member, json, DURE_INT, .flags = 0)
static const struct dure_field fields[] = {
    TRIP(loan_id, "loanId"),
    TRIP(book_id, "bookId"),
    TRIP(reader_id, "readerId"),
};
static const struct dure_schema schema = DURE_SCHEMA("Trip", struct library_trip, fields);

static int64_t loan(const void *data)
{
    return ((const struct library_trip *)data)->loan_id;
}

static int64_t book(const void *data)
{
    return ((const struct library_trip *)data)->book_id;
}

static int64_t reader(const void *data)
{
    return ((const struct library_trip *)data)->reader_id;
}

static void fill_copy(const void *data, void *payload)
{
    ((struct library_copy *)payload)->loan_id = loan(data);
}

static void fill_refuse(const void *data, size_t step, const char *reason, void *payload)
{
    (void)data;
    (void)step;
    struct library_reason *refused = payload;
    snprintf(refused->reason, sizeof refused->reason, "%s", reason);
}

static const struct dure_saga_step lend_steps[] = {
    {.name = "copy", .command = &library_book_take, .target = book, .fill = fill_copy,
     .missing = "there is no such book", .undo = &library_book_put_back, .fill_undo = fill_copy},
    {.name = "card", .command = &library_reader_borrow, .target = reader,
     .missing = "there is no such reader"},
    {.name = "finish", .command = &library_loan_complete, .target = loan, .must = true},
};
static const struct dure_saga_step return_steps[] = {
    {.name = "copy", .command = &library_book_put_back, .target = book, .fill = fill_copy,
     .must = true},
    {.name = "card", .command = &library_reader_give_back, .target = reader, .must = true},
};

struct dure_saga library_lend_saga = {
    .system = "library", .name = "lend-saga", .data = &schema, .steps = lend_steps,
    .steps_count = sizeof lend_steps / sizeof lend_steps[0],
    .refuse = &library_loan_refuse, .fill_refuse = fill_refuse,
};
struct dure_saga library_return_saga = {
    .system = "library", .name = "return-saga", .data = &schema, .steps = return_steps,
    .steps_count = sizeof return_steps / sizeof return_steps[0],
};
