/*
 * Whenever event, then command.
 *
 *   BookReturned   reader: count
 */
#include "library.h"

static int64_t reader(const struct dure_event *event)
{
    return ((const struct library_loan_event *)event->data)->reader_id;
}

static const struct dure_policy count_read = {
    .name = "count-read", .event = &library_book_returned, .command = &library_reader_count,
    .target = reader};

const struct dure_policy *const library_policies[] = {&count_read, NULL};
