/*
 * The query string of a list: page, size, sort, after, and filters by field.
 *
 * Paging out of range is clamped, nonsense means the default; what names no field is ignored, in a
 * sort as in a filter. A filter value that its field cannot hold is an error. A walk by ?after=
 * goes by ascending id and has no page number, so another sort or page along with it is an error,
 * too. Where the aggregate says so, ?near= finds by what a text begins with. ?sum= adds a number up
 * over all that match. Loop thread.
 */
#include "proto/list_query.h"

#include <stdlib.h>
#include <strings.h>

#include "proto/problem.h"

#define VALUE_BYTES_MAX 1024

static bool is(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(text, name, len) == 0;
}

/* A whole number within [min, max]; `nonsense` for what is none. */
static size_t clamp(const char *text, size_t len, size_t min, size_t max, size_t nonsense)
{
    bool negative = len > 0 && text[0] == '-';
    size_t from = negative ? 1 : 0;
    if (len == from) return nonsense;
    size_t value = 0;
    for (size_t i = from; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return nonsense;
        size_t digit = (size_t)(text[i] - '0');
        value = value > max / 10 || value * 10 > max - digit ? max : value * 10 + digit;
    }
    return negative || value < min ? min : value;
}

/* sort=field,asc|desc, or several fields before the direction. */
static void add_sorts(struct dure_query *query, const char *text, size_t len)
{
    const char *comma = memrchr(text, ',', len);
    bool descending = false;
    if (comma != NULL) {
        size_t last = len - (size_t)(comma + 1 - text);
        descending = last == 4 && strncasecmp(comma + 1, "desc", 4) == 0;
        if (descending || (last == 3 && strncasecmp(comma + 1, "asc", 3) == 0))
            len = (size_t)(comma - text);
    }
    while (len > 0 && query->sorts_count < DURE_QUERY_SORTS_MAX) {
        const char *end = memchr(text, ',', len);
        size_t name_len = end != NULL ? (size_t)(end - text) : len;
        const struct dure_field *field = dure_schema_find(query->type->schema, text, name_len);
        if (field != NULL && !(field->flags & DURE_HIDDEN))
            query->sorts[query->sorts_count++] = (struct dure_query_sort){field, descending};
        if (end == NULL) return;
        text += name_len + 1;
        len -= name_len + 1;
    }
}

static void add_filter(struct dure_list *list, const char *name, size_t name_len, const char *value,
                       size_t len, struct dure_field_errors *errors)
{
    struct dure_query *query = &list->query;
    const struct dure_field *field = dure_schema_find(query->type->schema, name, name_len);
    if (field == NULL || field->flags & DURE_HIDDEN) return;
    if (!dure_utf8_valid(value, len) ||
        dure_field_read_text(field, list->wanted, value, len) != 0) {
        /* A status that there is not is one that nobody has. */
        if (field->kind == DURE_ENUM)
            list->impossible = true;
        else
            dure_field_errors_add(errors, field->name, "cannot have this value");
        return;
    }
    for (size_t i = 0; i < query->filters_count; i++) {
        if (query->filters[i] == field) return; /* Named again: the last value holds. */
    }
    if (query->filters_count == DURE_QUERY_FILTERS_MAX) {
        dure_field_errors_add(errors, field->name, "is one filter too many");
        return;
    }
    query->filters[query->filters_count++] = field;
}

/* ?near=: what the aggregate's text begins with; nothing means everywhere. The last value holds. */
static void set_near(struct dure_list *list, const char *value, size_t len,
                     struct dure_field_errors *errors)
{
    struct dure_query *query = &list->query;
    const char *name = query->type->aggregate->near;
    if (!dure_utf8_valid(value, len)) {
        dure_field_errors_add(errors, "near", "cannot have this value");
        return;
    }
    free(list->near);
    list->near = strndup(value, len);
    DURE_ASSERT(list->near != NULL);
    query->near_text = list->near;
    query->near = len > 0 ? dure_schema_find(query->type->schema, name, strlen(name)) : NULL;
}

/* ?sum=: of whole numbers only, whose sum is exact. The last one holds. */
static void set_sum(struct dure_query *query, const char *name, size_t len,
                    struct dure_field_errors *errors)
{
    query->sum = dure_schema_find(query->type->schema, name, len);
    if (query->sum == NULL || query->sum->kind != DURE_INT || query->sum->flags & DURE_HIDDEN)
        dure_field_errors_add(errors, "sum", "must name a field of whole numbers");
}

static void read_parameter(struct dure_list *list, struct dure_span text,
                           struct dure_field_errors *errors)
{
    struct dure_query *query = &list->query;
    const char *equals = memchr(text.data, '=', text.len);
    size_t raw_len = equals != NULL ? (size_t)(equals - text.data) : text.len;
    char name[64], value[VALUE_BYTES_MAX];
    size_t name_len =
        dure_route_decode((struct dure_span){text.data, raw_len}, true, name, sizeof name);
    if (name_len == SIZE_MAX) return;
    struct dure_span rest = {0};
    if (equals != NULL) rest = (struct dure_span){equals + 1, text.len - raw_len - 1};
    size_t len = dure_route_decode(rest, true, value, sizeof value);
    if (len == SIZE_MAX) {
        if (dure_schema_find(query->type->schema, name, name_len) != NULL)
            dure_field_errors_add(errors, "", "a filter value is too long");
        return;
    }
    if (is(name, name_len, "page")) {
        list->page = clamp(value, len, 0, INT64_MAX, 0);
        return;
    }
    if (is(name, name_len, "size")) {
        query->size = clamp(value, len, 1, DURE_PAGE_SIZE_MAX, DURE_PAGE_SIZE_DEFAULT);
        return;
    }
    if (is(name, name_len, "after")) {
        query->by_after = true;
        query->after = (int64_t)clamp(value, len, 0, INT64_MAX, 0);
        return;
    }
    if (is(name, name_len, "sort"))
        add_sorts(query, value, len);
    else if (is(name, name_len, "sum"))
        set_sum(query, value, len, errors);
    else if (is(name, name_len, "near") && query->type->aggregate->near != NULL)
        set_near(list, value, len, errors);
    else if (equals != NULL)
        add_filter(list, name, name_len, value, len, errors);
    dure_problem_url(&list->kept, text);
    dure_buf_byte(&list->kept, '&');
}

static void read_query(struct dure_list *list, struct dure_span rest,
                       struct dure_field_errors *errors)
{
    list->query.size = DURE_PAGE_SIZE_DEFAULT;
    while (rest.len > 0) {
        const char *end = memchr(rest.data, '&', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;
        if (len > 0) read_parameter(list, (struct dure_span){rest.data, len}, errors);
        if (end == NULL) return;
        rest = (struct dure_span){end + 1, rest.len - len - 1};
    }
}

/* What would not be done had better not be asked for: a client that gets another order than it
 * wanted may not notice. */
static void check_walk(const struct dure_list *list, struct dure_field_errors *errors)
{
    const struct dure_query *query = &list->query;
    if (!query->by_after) return;
    bool by_id = query->sorts_count == 0 ||
                 ((query->sorts[0].field->flags & DURE_ID) && !query->sorts[0].descending);
    if (!by_id)
        dure_field_errors_add(errors, "sort", "is not for ?after=, which goes by ascending id");
    if (query->sum != NULL)
        dure_field_errors_add(errors, "sum", "is not for ?after=, which does not see all");
    if (list->page > 0)
        dure_field_errors_add(errors, "page", "is not for ?after=, which goes on from an id");
}

struct dure_list *dure_list_new(const struct dure_collection *collection, struct dure_span query,
                                struct dure_field_errors *errors)
{
    size_t size = sizeof(struct dure_list) + collection->type->state_size;
    struct dure_list *list = aligned_alloc(16, (size + 15) & ~(size_t)15);
    if (list == NULL) return NULL;
    *list = (struct dure_list){.query = {.type = collection->type}, .collection = collection};
    list->query.wanted = list->wanted;
    dure_schema_init(collection->type->schema, list->wanted);
    errors->count = 0;
    read_query(list, query, errors);
    check_walk(list, errors);
    return list;
}

void dure_list_clamp(struct dure_list *list, const struct dure_runtime *rt)
{
    int64_t count = rt->counters[list->query.type->index].count;
    size_t behind = (count > 0 ? (size_t)count : 0) / list->query.size + 1;
    list->query.page = list->page < behind ? list->page : behind;
}

void dure_list_free(struct dure_list *list)
{
    dure_query_fini(&list->query);
    dure_buf_fini(&list->kept);
    free(list->near);
    free(list);
}
