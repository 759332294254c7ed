/*
 * A lending library: states, payloads and descriptors that its files share.
 *
 * The folder includes itself by "library.h", so that it works where it lies: here, or in actors/.
 */
#ifndef DURE_LIBRARY_H
#define DURE_LIBRARY_H

#include "runtime/audit.h"
#include "runtime/dure.h"

#define LIBRARY_TEXT_BYTES 128
#define LIBRARY_COPIES_MAX 1000
#define LIBRARY_LOANS_MAX 3 /* That a reader has at a time. */
#define LIBRARY_LOAN_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

/* ---- States ---------------------------------------------------------------------------------- */

struct library_book {
    int64_t id, copies, lent;
    char title[LIBRARY_TEXT_BYTES], author[LIBRARY_TEXT_BYTES];
};

struct library_reader {
    int64_t id, loans, books_read;
    char name[LIBRARY_TEXT_BYTES];
};

enum library_status {
    LIBRARY_STATUS_NONE,
    LIBRARY_REQUESTED, /* Its saga runs. */
    LIBRARY_LENT,
    LIBRARY_REFUSED,
    LIBRARY_RETURNED,
};

struct library_loan {
    int64_t id, book_id, reader_id, due_ms;
    uint8_t status;                      /* enum library_status */
    char reason[DURE_SAGA_REASON_BYTES]; /* Hidden: why it was refused; "": it was not. */
};

struct library_shelf { /* View: a row per book. */
    int64_t book_id, left, times_lent;
    char title[LIBRARY_TEXT_BYTES];
};

/* ---- Payloads and events --------------------------------------------------------------------- */

struct library_copy { int64_t id, loan_id, left; };
struct library_lend { int64_t book_id, reader_id; }; /* POST /loans */
struct library_loan_event { int64_t id, book_id, reader_id, due_ms; };
struct library_reason { char reason[DURE_SAGA_REASON_BYTES]; };

extern struct dure_event_type library_book_added, library_copy_taken, library_copy_put_back;
extern struct dure_event_type library_book_lent, library_book_returned;

/* ---- Commands that sagas and policies give --------------------------------------------------- */

extern const struct dure_command library_book_take, library_book_put_back;
extern const struct dure_command library_reader_borrow, library_reader_give_back,
    library_reader_count;
extern const struct dure_command library_loan_complete, library_loan_refuse;

/* ---- The rest -------------------------------------------------------------------------------- */

struct library_trip { int64_t loan_id, book_id, reader_id; }; /* Data of both sagas. */

extern struct dure_saga library_lend_saga, library_return_saga;
extern struct dure_aggregate library_book, library_reader, library_loan, library_shelf;
extern const struct dure_policy *const library_policies[];
extern const struct dure_projection *const library_projections[];
extern const struct dure_audit library_audit;
extern const struct dure_system library_system;

#endif
