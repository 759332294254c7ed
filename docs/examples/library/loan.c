/*
 * Loans: requested, then decided by the lend saga; ended by a return.
 *
 *   lend     → requested → (lend saga) → lent | refused, with the reason
 *   return   lent → returned; the return saga puts the copy back
 */
#include "library.h"

static const char *const status_texts[] = {NULL, "requested", "lent", "refused", "returned", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct library_loan, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(book_id, "bookId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(reader_id, "readerId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(status, "status", DURE_ENUM, .flags = DURE_GOVERNED | DURE_INDEXED,
          .texts = status_texts),
    FIELD(due_ms, "dueDate", DURE_DATE, .flags = DURE_GOVERNED),
    FIELD(reason, "reason", DURE_TEXT, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Loan", struct library_loan, state_fields);

#define LEND(member, json)                                                                         \
    DURE_FIELD(struct library_lend, member, json, DURE_INT, .flags = DURE_REQUIRED, .min = 1,      \
               .max = INT64_MAX)
static const struct dure_field lend_fields[] = {
    LEND(book_id, "bookId"),
    LEND(reader_id, "readerId"),
};
static const struct dure_schema lend_schema =
    DURE_SCHEMA("Lend", struct library_lend, lend_fields);

#define EVENT(member, json, kind)                                                                  \
    DURE_FIELD(struct library_loan_event, member, json, kind, .flags = 0)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT),
    EVENT(book_id, "bookId", DURE_INT),
    EVENT(reader_id, "readerId", DURE_INT),
    EVENT(due_ms, "dueDate", DURE_DATE),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("LoanEvent", struct library_loan_event, event_fields);

static const struct dure_field reason_fields[] = {
    DURE_FIELD(struct library_reason, reason, "reason", DURE_TEXT, .flags = 0),
};
static const struct dure_schema reason_schema =
    DURE_SCHEMA("LoanReason", struct library_reason, reason_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

static void apply_requested(void *state, const struct dure_event *event)
{
    const struct library_lend *wanted = event->data;
    struct library_loan *loan = state;
    loan->id = event->id;
    loan->book_id = wanted->book_id;
    loan->reader_id = wanted->reader_id;
    loan->status = LIBRARY_REQUESTED;
}

static void apply_lent(void *state, const struct dure_event *event)
{
    struct library_loan *loan = state;
    loan->status = LIBRARY_LENT;
    loan->due_ms = ((const struct library_loan_event *)event->data)->due_ms;
}

static void apply_refused(void *state, const struct dure_event *event)
{
    struct library_loan *loan = state;
    loan->status = LIBRARY_REFUSED;
    memcpy(loan->reason, ((const struct library_reason *)event->data)->reason,
           sizeof loan->reason);
}

static void apply_returned(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct library_loan *)state)->status = LIBRARY_RETURNED;
}

static struct dure_event_type requested = {
    .name = "LoanRequested", .schema = &lend_schema, .internal = true, .apply = apply_requested};
static struct dure_event_type refused = {
    .name = "LoanRefused", .schema = &reason_schema, .internal = true, .apply = apply_refused};
struct dure_event_type library_book_lent = {
    .name = "BookLent", .schema = &event_schema, .apply = apply_lent};
struct dure_event_type library_book_returned = {
    .name = "BookReturned", .schema = &event_schema, .apply = apply_returned};

static void emit(struct dure_out *out, const struct dure_event_type *type,
                 const struct library_loan *loan, int64_t due_ms)
{
    *(struct library_loan_event *)dure_emit(out, type) = (struct library_loan_event){
        .id = loan->id, .book_id = loan->book_id, .reader_id = loan->reader_id, .due_ms = due_ms};
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int lend(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct library_lend *wanted = in->data;
    *(struct library_lend *)dure_emit(out, &requested) = *wanted;
    *(struct library_trip *)dure_start(out, &library_lend_saga, in->id) = (struct library_trip){
        .loan_id = in->id, .book_id = wanted->book_id, .reader_id = wanted->reader_id};
    return 0;
}

static int complete(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    emit(out, &library_book_lent, state, in->now_ms + LIBRARY_LOAN_MS);
    return 0;
}

static int refuse(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct library_reason *)dure_emit(out, &refused) = *(const struct library_reason *)in->data;
    return 0;
}

static bool is_lent(const void *state)
{
    return ((const struct library_loan *)state)->status == LIBRARY_LENT;
}

static int return_book(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct library_loan *loan = state;
    if (!is_lent(state)) {
        dure_refuse(out, 409, "loan %lld cannot be returned: it is %s", (long long)in->id,
                    status_texts[loan->status]);
        return 0;
    }
    emit(out, &library_book_returned, loan, loan->due_ms);
    *(struct library_trip *)dure_start(out, &library_return_saga, in->id) = (struct library_trip){
        .loan_id = in->id, .book_id = loan->book_id, .reader_id = loan->reader_id};
    return 0;
}

static const struct dure_command lend_book = {
    .name = "lend", .aggregate = &library_loan, .schema = &lend_schema, .flags = DURE_CREATES,
    .handle = lend};
const struct dure_command library_loan_complete = {
    .name = "complete", .aggregate = &library_loan, .handle = complete};
const struct dure_command library_loan_refuse = {
    .name = "refuse", .aggregate = &library_loan, .schema = &reason_schema, .handle = refuse};
static const struct dure_command return_loan = {
    .name = "return", .aggregate = &library_loan, .allowed = is_lent, .handle = return_book};

static const struct dure_command *const commands[] = {
    &lend_book, &library_loan_complete, &library_loan_refuse, &return_loan, NULL,
};
static struct dure_event_type *const events[] = {
    &requested, &refused, &library_book_lent, &library_book_returned, NULL,
};
static const struct dure_transition transitions[] = {
    {"status", LIBRARY_RETURNED, &return_loan},
    {0},
};

static const char *why_refused(const void *state)
{
    const struct library_loan *loan = state;
    return loan->reason[0] != '\0' ? loan->reason : NULL;
}

struct dure_aggregate library_loan = {
    .system = "library", .name = "loan", .collection = "loans", .schema = &state_schema,
    .commands = commands, .events = events, .create = &lend_book,
    .editable = true, .transitions = transitions, .refused = why_refused,
};
