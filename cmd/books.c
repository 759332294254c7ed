/*
 * Keeping the books of all systems.
 *
 *   1. event, row   go to the audit of their system; a system that none came of is left out
 *   2. report       asks each audit, and writes what it says
 *
 * Cannot fail: memory that runs out is asserted. Main thread.
 */
#include "cmd/books.h"

#include <stdio.h>
#include <stdlib.h>

struct book {
    const struct dure_system *system;
    void *audit; /* NULL: it has none. */
    bool seen;   /* An event or a row. */
};

struct dure_books {
    size_t count;
    struct book books[];
};

struct dure_books *dure_books_new(void)
{
    const struct dure_system *const *systems = dure_registry_systems();
    size_t count = 0;
    while (systems[count] != NULL) count++;
    struct dure_books *books = calloc(1, sizeof *books + count * sizeof books->books[0]);
    DURE_ASSERT(books != NULL);
    books->count = count;
    for (size_t i = 0; i < count; i++) {
        books->books[i].system = systems[i];
        if (systems[i]->audit == NULL) continue;
        books->books[i].audit = calloc(1, systems[i]->audit->size);
        DURE_ASSERT(books->books[i].audit != NULL);
    }
    return books;
}

void dure_books_free(struct dure_books *books)
{
    for (size_t i = 0; books != NULL && i < books->count; i++) free(books->books[i].audit);
    free(books);
}

/* NULL: nobody keeps any of that type. */
static struct book *find(struct dure_books *books, const struct dure_type *type)
{
    for (size_t i = 0; i < books->count; i++) {
        struct book *book = &books->books[i];
        if (strcmp(book->system->name, type->system) != 0) continue;
        if (book->audit == NULL) return NULL;
        book->seen = true;
        return book;
    }
    return NULL;
}

void dure_books_event(struct dure_books *books, const struct dure_type *type,
                      const struct dure_event *event)
{
    struct book *book = find(books, type);
    if (book != NULL) book->system->audit->event(book->audit, type, event);
}

void dure_books_row(struct dure_books *books, const struct dure_type *type, int64_t id,
                    const void *state)
{
    struct book *book = find(books, type);
    if (book != NULL) book->system->audit->row(book->audit, type, id, state);
}

/* ---- What they say --------------------------------------------------------------------------- */

static void put(json_t *object, const struct dure_audit_term *term)
{
    if (term->name != NULL) json_object_set_new(object, term->name, json_integer(term->value));
}

static json_t *sum_json(const struct dure_audit_sum *sum)
{
    json_t *parts = json_object();
    put(parts, &sum->left);
    for (size_t i = 0; i < sum->right_count; i++) put(parts, &sum->right[i]);
    return json_pack("{s:s,s:I,s:I,s:o,s:b,s:b}", "name", sum->name, "left",
                     (json_int_t)sum->left.value, "right", (json_int_t)dure_audit_right(sum),
                     "parts", parts, "exact", sum->exact, "fits", dure_audit_sum_fits(sum));
}

static json_t *report_json(const struct dure_audit_report *report, const char *system)
{
    json_t *counts = json_object(), *sums = json_array();
    for (size_t i = 0; i < report->counts_count; i++) put(counts, &report->counts[i]);
    for (size_t i = 0; i < report->sums_count; i++)
        json_array_append_new(sums, sum_json(&report->sums[i]));
    return json_pack("{s:s,s:o,s:o}", "system", system, "counts", counts, "sums", sums);
}

static void print(const struct dure_audit_report *report, const char *system)
{
    struct dure_buf text = {0};
    dure_audit_text(report, system, &text);
    fwrite(text.data, 1, text.len, stdout);
    putchar('\n');
    dure_buf_fini(&text);
}

void dure_books_report(const struct dure_books *books, json_t *json,
                       void (*wrong)(void *arg, const char *system), void *arg)
{
    for (size_t i = 0; i < books->count; i++) {
        const struct book *book = &books->books[i];
        if (!book->seen) continue;
        struct dure_audit_report report = {0};
        book->system->audit->report(book->audit, &report);
        if (json != NULL)
            json_array_append_new(json, report_json(&report, book->system->name));
        else
            print(&report, book->system->name);
        if (!dure_audit_fits(&report)) wrong(arg, book->system->name);
    }
}
