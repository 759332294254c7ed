/*
 * What must fit, whatever happened: copies that are lent = loans that are lent = books that readers
 * have. While sagas are under way, or after a step was left out, it is shown and not judged.
 */
#include "library.h"

struct audit {
    uint64_t pending, skipped, wrong_books;
    int64_t copies, loans, readers;
};

static void on_event(void *arg, const struct dure_type *type, const struct dure_event *event)
{
    if (event->type == &type->skipped) ((struct audit *)arg)->skipped++;
}

static void on_row(void *arg, const struct dure_type *type, int64_t id, const void *state)
{
    (void)id;
    struct audit *audit = arg;
    if (type == library_book.type) {
        const struct library_book *book = state;
        audit->copies += book->lent;
        audit->wrong_books += book->lent < 0 || book->lent > book->copies;
    }
    if (type == library_loan.type) {
        audit->loans += ((const struct library_loan *)state)->status == LIBRARY_LENT;
    }
    if (type == library_reader.type) {
        audit->readers += ((const struct library_reader *)state)->loans;
    }
    audit->pending += type == library_lend_saga.type || type == library_return_saga.type;
}

static void report(const void *arg, struct dure_audit_report *out)
{
    const struct audit *audit = arg;
    bool exact = audit->pending == 0 && audit->skipped == 0;
    dure_audit_count(out, "sagas under way", audit->pending);
    dure_audit_count(out, "steps left out", audit->skipped);
    dure_audit_line(out, "library copies lent and loans", audit->copies, audit->loans, exact);
    dure_audit_line(out, "library copies lent and readers' books", audit->copies, audit->readers,
                    exact);
    dure_audit_line(out, "library books with too many or too few lent",
                    (int64_t)audit->wrong_books, 0, true);
}

const struct dure_audit library_audit = {
    .size = sizeof(struct audit), .event = on_event, .row = on_row, .report = report,
};
