/*
 * Lists.
 *
 *   1. the query string becomes a dure_query: page, size, sort, after, and filters by field
 *   2. the query runs (runtime/query.h) and gives the ids of the page
 *   3. each id is looked up and shown as it is now; one that has gone meanwhile is left out
 *   4. the answer waits until what it shows is on disk
 *
 * Paging out of range is clamped, nonsense means the default; what names no field is ignored, in a
 * sort as in a filter. A page behind the end is empty. A walk by ?after= goes by ascending id and has
 * no page number, so another sort or page along with it is a 400; where there are filters it has no
 * totals either, since counting would cost what the walk is to save. A filter value that its field
 * cannot hold is a 400, a page too deep in a large collection as well; too many queries are a 503.
 * Loop thread.
 */
#include "proto/list.h"

#include <stdlib.h>
#include <strings.h>

#include "proto/item.h"
#include "proto/problem.h"

#define VALUE_BYTES_MAX 1024
/* An item as JSON, about. */
#define ITEM_BYTES_MEAN 512

struct list {
    struct dure_query query;
    struct dure_call *call;
    bool impossible;      /* A filter that nothing can match. */
    size_t page;          /* As asked for: the query need not look behind the end. */
    struct dure_buf kept; /* Query string without paging, each parameter followed by '&'. */
    _Alignas(16) char wanted[];
};

/* ---- 1: the query string -------------------------------------------------------------------- */

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

static void add_filter(struct list *list, const char *name, size_t name_len, const char *value,
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

static void read_parameter(struct list *list, struct dure_span text,
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
    else if (equals != NULL)
        add_filter(list, name, name_len, value, len, errors);
    dure_problem_url(&list->kept, text);
    dure_buf_byte(&list->kept, '&');
}

static void read_query(struct list *list, struct dure_field_errors *errors)
{
    struct dure_span rest = list->call->request->query;
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
static void check_walk(const struct list *list, struct dure_field_errors *errors)
{
    const struct dure_query *query = &list->query;
    if (!query->by_after) return;
    bool by_id = query->sorts_count == 0 ||
                 ((query->sorts[0].field->flags & DURE_ID) && !query->sorts[0].descending);
    if (!by_id)
        dure_field_errors_add(errors, "sort", "is not for ?after=, which goes by ascending id");
    if (list->page > 0)
        dure_field_errors_add(errors, "page", "is not for ?after=, which goes on from an id");
}

/* ---- 3: the page ---------------------------------------------------------------------------- */

/* ,"next":{"href":"http://host/shop/orders?status=…&page=1&size=20"} */
static void open_link(const struct list *list, const char *rel, struct dure_buf *out)
{
    struct dure_origin origin = dure_item_origin(list->call);
    dure_buf_byte(out, '"');
    dure_buf_text(out, rel);
    dure_buf_lit(out, "\":{\"href\":\"");
    dure_buf_add(out, origin.base, origin.base_len);
    dure_buf_text(out, origin.path);
    dure_buf_byte(out, '?');
    dure_buf_add(out, list->kept.data, list->kept.len);
}

static void page_link(const struct list *list, const char *rel, size_t page, struct dure_buf *out)
{
    open_link(list, rel, out);
    dure_buf_lit(out, "page=");
    dure_buf_u64(out, page);
    dure_buf_lit(out, "&size=");
    dure_buf_u64(out, list->query.size);
    dure_buf_lit(out, "\"},");
}

static void after_link(const struct list *list, const char *rel, int64_t after,
                       struct dure_buf *out)
{
    open_link(list, rel, out);
    dure_buf_lit(out, "after=");
    dure_buf_i64(out, after);
    dure_buf_lit(out, "&size=");
    dure_buf_u64(out, list->query.size);
    dure_buf_lit(out, "\"},");
}

static void write_links(const struct list *list, size_t pages, struct dure_buf *out)
{
    const struct dure_query *query = &list->query;
    dure_buf_lit(out, "\"_links\":{");
    if (query->by_after) {
        after_link(list, "self", query->after, out);
        after_link(list, "first", 0, out);
        if (query->more && query->ids_count > 0)
            after_link(list, "next", query->ids[query->ids_count - 1], out);
    } else {
        page_link(list, "self", list->page, out);
        page_link(list, "first", 0, out);
        if (list->page > 0 && pages > 0)
            page_link(list, "prev", list->page > pages ? pages - 1 : list->page - 1, out);
        if (list->page + 1 < pages) page_link(list, "next", list->page + 1, out);
        page_link(list, "last", pages > 0 ? pages - 1 : 0, out);
    }
    struct dure_origin origin = dure_item_origin(list->call);
    dure_buf_lit(out, "\"profile\":{\"href\":\"");
    dure_buf_add(out, origin.base, origin.base_len);
    dure_buf_lit(out, "/profile");
    dure_buf_text(out, list->call->route.collection->prefixed_path);
    dure_buf_lit(out, "\"}}");
}

static void write_page(const struct list *list, size_t pages, struct dure_buf *out)
{
    const struct dure_query *query = &list->query;
    dure_buf_lit(out, ",\"page\":{\"size\":");
    dure_buf_u64(out, query->size);
    if (query->total >= 0) {
        dure_buf_lit(out, ",\"totalElements\":");
        dure_buf_i64(out, query->total);
        dure_buf_lit(out, ",\"totalPages\":");
        dure_buf_u64(out, pages);
    }
    dure_buf_lit(out, ",\"number\":");
    dure_buf_u64(out, query->by_after ? 0 : list->page);
    dure_buf_byte(out, '}');
}

static int write_items(const struct list *list, struct dure_buf *out)
{
    struct dure_call *call = list->call;
    const struct dure_collection *collection = call->route.collection;
    struct dure_origin origin = dure_item_origin(call);
    bool first = true;
    for (size_t i = 0; i < list->query.ids_count; i++) {
        struct dure_view view;
        int rv = dure_runtime_view(call->gateway->rt, collection->type, list->query.ids[i], &view);
        if (rv == DURE_ENOTFOUND) continue;
        if (rv != 0) return rv;
        if (!first) dure_buf_byte(out, ',');
        first = false;
        dure_item_write(collection, origin, &view, out);
    }
    return 0;
}

static int write_list(const struct list *list)
{
    struct dure_call *call = list->call;
    const struct dure_query *query = &list->query;
    size_t pages = 0;
    if (query->total > 0) pages = ((size_t)query->total + query->size - 1) / query->size;
    call->status = 200;
    if (call->accept == DURE_ACCEPT_JSON)
        dure_buf_lit(&call->headers, "Content-Type: application/json\r\n");
    else
        dure_buf_lit(&call->headers, "Content-Type: application/hal+json\r\n");
    dure_buf_lit(&call->body, "{\"_embedded\":{\"");
    dure_buf_text(&call->body, call->route.collection->aggregate->collection);
    dure_buf_lit(&call->body, "\":[");
    int rv = write_items(list, &call->body);
    dure_buf_lit(&call->body, "]},");
    write_links(list, pages, &call->body);
    write_page(list, pages, &call->body);
    dure_buf_byte(&call->body, '}');
    return rv;
}

/* ---- 2 and 4 -------------------------------------------------------------------------------- */

static void finish(struct list *list)
{
    dure_query_fini(&list->query);
    dure_buf_fini(&list->kept);
    free(list);
}

static void done(struct dure_query *query)
{
    struct list *list = (struct list *)query;
    struct dure_call *call = list->call;
    int rv = query->rv;
    bool outdated = query->outdated;
    dure_call_clear(call);
    if (rv == 0 && !outdated) rv = write_list(list);
    finish(list);
    if (rv == 0 && outdated)
        dure_call_again(call, dure_list_get, DURE_ENOSPC);
    else if (rv != 0)
        dure_call_fail(call, rv);
    else
        dure_call_respond_durable(call, dure_list_get);
}

_Static_assert(offsetof(struct list, query) == 0, "a query is its list");

/* The page asked for, or one behind the end of everything. */
static size_t last_page(const struct list *list)
{
    const struct dure_runtime *rt = list->call->gateway->rt;
    int64_t count = rt->counters[list->query.type->index].count;
    size_t behind = (count > 0 ? (size_t)count : 0) / list->query.size + 1;
    return list->page < behind ? list->page : behind;
}

void dure_list_get(struct dure_call *call)
{
    const struct dure_collection *collection = call->route.collection;
    size_t size = sizeof(struct list) + collection->type->state_size;
    struct list *list = aligned_alloc(16, (size + 15) & ~(size_t)15);
    if (list == NULL) {
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    *list = (struct list){.query = {.type = collection->type, .done = done}, .call = call};
    list->query.wanted = list->wanted;
    dure_schema_init(collection->type->schema, list->wanted);
    struct dure_field_errors errors;
    errors.count = 0;
    read_query(list, &errors);
    check_walk(list, &errors);
    list->query.page = last_page(list);
    if (errors.count == 0 && list->impossible) {
        done(&list->query);
        return;
    }
    int rv = 0;
    if (errors.count == 0) {
        dure_exchange_expect(call->exchange, list->query.size * ITEM_BYTES_MEAN);
        rv = dure_query_start(call->gateway->rt, &list->query);
    }
    if (errors.count == 0 && rv == 0) return;
    finish(list);
    if (errors.count > 0) {
        dure_call_problem(call, 400, "some parameters are wrong, see errors", &errors);
        dure_call_respond(call);
    } else if (rv == DURE_EINVAL) {
        dure_call_refuse(call, 400, "this page lies too deep: walk by ?after=<id>, or filter");
    } else {
        dure_call_fail(call, rv);
    }
}
