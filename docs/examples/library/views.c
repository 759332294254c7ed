/*
 * The shelves: a row per book, fed by the events of the book and of its loans.
 */
#include "library.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct library_shelf, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    FIELD(book_id, "bookId", DURE_INT, .flags = DURE_ID),
    FIELD(title, "title", DURE_TEXT, .flags = DURE_INDEXED),
    FIELD(left, "left", DURE_INT, .flags = 0),
    FIELD(times_lent, "timesLent", DURE_INT, .has_start = true),
};
static const struct dure_schema schema = DURE_SCHEMA("Shelf", struct library_shelf, fields);

struct dure_aggregate library_shelf = {
    .system = "library", .name = "shelf", .collection = "shelves", .schema = &schema,
};

static int64_t book_of(const struct dure_event *event)
{
    return ((const struct library_loan_event *)event->data)->book_id;
}

static void create(void *row, const struct dure_event *event)
{
    const struct library_book *book = event->data;
    struct library_shelf *shelf = row;
    shelf->book_id = event->id;
    shelf->left = book->copies;
    memcpy(shelf->title, book->title, sizeof shelf->title);
}

static void rename_book(void *row, const struct dure_event *event)
{
    const struct library_book *book = event->data;
    memcpy(((struct library_shelf *)row)->title, book->title, sizeof book->title);
}

static void move(void *row, const struct dure_event *event)
{
    ((struct library_shelf *)row)->left = ((const struct library_copy *)event->data)->left;
}

static void count(void *row, const struct dure_event *event)
{
    (void)event;
    ((struct library_shelf *)row)->times_lent++;
}

#define SHELF .view = &library_shelf
static const struct dure_projection
    created = {SHELF, .event = &library_book_added, .creates = true, .apply = create},
    edited = {SHELF, .edits = &library_book, .apply = rename_book},
    taken = {SHELF, .event = &library_copy_taken, .apply = move},
    put_back = {SHELF, .event = &library_copy_put_back, .apply = move},
    lent = {SHELF, .event = &library_book_lent, .target = book_of, .apply = count};

const struct dure_projection *const library_projections[] = {
    &created, &edited, &taken, &put_back, &lent, NULL,
};
