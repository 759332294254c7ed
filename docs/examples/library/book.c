/*
 * Books. Of each there are so many copies, and so many of them are lent.
 */
#include "library.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct library_book, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(title, "title", DURE_TEXT, .flags = DURE_REQUIRED | DURE_INDEXED),
    FIELD(author, "author", DURE_TEXT, .flags = 0),
    FIELD(copies, "copies", DURE_INT, .flags = DURE_GOVERNED | DURE_REQUIRED, .min = 1,
          .max = LIBRARY_COPIES_MAX),
    FIELD(lent, "lent", DURE_INT, .flags = DURE_GOVERNED, .has_start = true),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Book", struct library_book, state_fields);

static const struct dure_field added_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = 0),
    FIELD(title, "title", DURE_TEXT, .flags = DURE_REQUIRED),
    FIELD(author, "author", DURE_TEXT, .flags = 0),
    FIELD(copies, "copies", DURE_INT, .flags = DURE_REQUIRED, .min = 1, .max = LIBRARY_COPIES_MAX),
};
static const struct dure_schema added_schema =
    DURE_SCHEMA("BookAdded", struct library_book, added_fields);

static const struct dure_field copy_fields[] = {
    DURE_FIELD(struct library_copy, id, "id", DURE_INT, .flags = 0),
    DURE_FIELD(struct library_copy, loan_id, "loanId", DURE_INT, .flags = 0),
    DURE_FIELD(struct library_copy, left, "left", DURE_INT, .flags = 0),
};
static const struct dure_schema copy_schema =
    DURE_SCHEMA("Copy", struct library_copy, copy_fields);

/* ---- Events: only these change a book -------------------------------------------------------- */

static void apply_added(void *state, const struct dure_event *event)
{
    struct library_book *book = state;
    *book = *(const struct library_book *)event->data;
    book->id = event->id;
    book->lent = 0;
}

static void apply_moved(void *state, const struct dure_event *event)
{
    struct library_book *book = state;
    book->lent = book->copies - ((const struct library_copy *)event->data)->left;
}

struct dure_event_type library_book_added = {
    .name = "BookAdded", .schema = &added_schema, .apply = apply_added};
struct dure_event_type library_copy_taken = {
    .name = "CopyTaken", .schema = &copy_schema, .apply = apply_moved};
struct dure_event_type library_copy_put_back = {
    .name = "CopyPutBack", .schema = &copy_schema, .apply = apply_moved};

/* ---- Commands -------------------------------------------------------------------------------- */

static int add(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    struct library_book *event = dure_emit(out, &library_book_added);
    *event = *(const struct library_book *)in->data;
    event->id = in->id;
    return 0;
}

static void move(const struct dure_msg *in, struct dure_out *out,
                 const struct dure_event_type *type, int64_t left)
{
    *(struct library_copy *)dure_emit(out, type) = (struct library_copy){
        .id = in->id, .loan_id = ((const struct library_copy *)in->data)->loan_id, .left = left};
}

static int take(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct library_book *book = state;
    if (book->lent == book->copies) {
        dure_refuse(out, 409, "every copy of book %lld is lent", (long long)in->id);
        return 0;
    }
    move(in, out, &library_copy_taken, book->copies - book->lent - 1);
    return 0;
}

static int put_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct library_book *book = state;
    move(in, out, &library_copy_put_back, book->copies - book->lent + 1);
    return 0;
}

static const struct dure_command add_book = {
    .name = "add", .aggregate = &library_book, .schema = &added_schema, .flags = DURE_CREATES,
    .handle = add};
const struct dure_command library_book_take = {
    .name = "take", .aggregate = &library_book, .schema = &copy_schema, .handle = take};
const struct dure_command library_book_put_back = {
    .name = "put-back", .aggregate = &library_book, .schema = &copy_schema, .handle = put_back};

/* ---- The aggregate --------------------------------------------------------------------------- */

static const struct dure_command *const commands[] = {
    &add_book, &library_book_take, &library_book_put_back, NULL,
};
static struct dure_event_type *const events[] = {
    &library_book_added, &library_copy_taken, &library_copy_put_back, NULL,
};

struct dure_aggregate library_book = {
    .system = "library", .name = "book", .collection = "books", .schema = &state_schema,
    .commands = commands, .events = events, .create = &add_book, .editable = true,
};
