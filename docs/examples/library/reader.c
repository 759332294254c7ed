/*
 * Readers: how many books each has now, and how many were read.
 */
#include "library.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct library_reader, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(name, "name", DURE_TEXT, .flags = DURE_REQUIRED),
    FIELD(loans, "loans", DURE_INT, .flags = DURE_GOVERNED, .has_start = true),
    FIELD(books_read, "booksRead", DURE_INT, .flags = DURE_GOVERNED, .has_start = true),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Reader", struct library_reader, state_fields);

static const struct dure_field registered_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = 0),
    FIELD(name, "name", DURE_TEXT, .flags = DURE_REQUIRED),
};
static const struct dure_schema registered_schema =
    DURE_SCHEMA("ReaderRegistered", struct library_reader, registered_fields);

static void apply_registered(void *state, const struct dure_event *event)
{
    struct library_reader *reader = state;
    reader->id = event->id;
    memcpy(reader->name, ((const struct library_reader *)event->data)->name, sizeof reader->name);
}

static void apply_borrowed(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct library_reader *)state)->loans++;
}

static void apply_gave_back(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct library_reader *)state)->loans--;
}

static void apply_counted(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct library_reader *)state)->books_read++;
}

static struct dure_event_type registered = {
    .name = "ReaderRegistered", .schema = &registered_schema, .apply = apply_registered};
/* Of the books that they tell of, others tell already: these are kept and not published. */
static struct dure_event_type borrowed = {
    .name = "ReaderBorrowed", .internal = true, .apply = apply_borrowed};
static struct dure_event_type gave_back = {
    .name = "ReaderGaveBack", .internal = true, .apply = apply_gave_back};
static struct dure_event_type counted = {
    .name = "ReaderCounted", .internal = true, .apply = apply_counted};

static int register_reader(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    struct library_reader *event = dure_emit(out, &registered);
    *event = *(const struct library_reader *)in->data;
    event->id = in->id;
    return 0;
}

static int borrow(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    if (((const struct library_reader *)state)->loans >= LIBRARY_LOANS_MAX) {
        dure_refuse(out, 409, "reader %lld has %d books already", (long long)in->id,
                    LIBRARY_LOANS_MAX);
    } else {
        (void)dure_emit(out, &borrowed);
    }
    return 0;
}

static int give_back(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    (void)dure_emit(out, &gave_back);
    return 0;
}

static int count(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    (void)dure_emit(out, &counted);
    return 0;
}

static const struct dure_command add_reader = {
    .name = "register", .aggregate = &library_reader, .schema = &registered_schema,
    .flags = DURE_CREATES, .handle = register_reader};
const struct dure_command library_reader_borrow = {
    .name = "borrow", .aggregate = &library_reader, .handle = borrow};
const struct dure_command library_reader_give_back = {
    .name = "give-back", .aggregate = &library_reader, .handle = give_back};
const struct dure_command library_reader_count = {
    .name = "count", .aggregate = &library_reader, .handle = count};

static const struct dure_command *const commands[] = {
    &add_reader, &library_reader_borrow, &library_reader_give_back, &library_reader_count, NULL,
};
static struct dure_event_type *const events[] = {
    &registered, &borrowed, &gave_back, &counted, NULL,
};

struct dure_aggregate library_reader = {
    .system = "library", .name = "reader", .collection = "readers", .schema = &state_schema,
    .commands = commands, .events = events, .create = &add_reader, .editable = true,
};
