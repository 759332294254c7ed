/*
 * Parameters are separated by '&' (WHATWG URL, application/x-www-form-urlencoded). Pure.
 */
#include "proto/query_text.h"

#include <string.h>

#include "proto/route.h"

static bool find(struct dure_span query, const char *name, struct dure_span *value)
{
    size_t name_len = strlen(name);
    const char *at = query.data, *end = query.data + query.len;
    while (query.len > 0 && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL) stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        if (equals != NULL && (size_t)(equals - at) == name_len && memcmp(at, name, name_len) == 0) {
            *value = (struct dure_span){equals + 1, (size_t)(stop - equals - 1)};
            return true;
        }
        at = stop + 1;
    }
    return false;
}

bool dure_query_has(struct dure_span query, const char *name)
{
    struct dure_span value;
    return find(query, name, &value);
}

bool dure_query_text(struct dure_span query, const char *name, char *out, size_t cap)
{
    struct dure_span value;
    out[0] = '\0';
    if (!find(query, name, &value)) return false;
    size_t len = dure_route_decode(value, true, out, cap - 1);
    bool fits = len != SIZE_MAX && memchr(out, '\0', len) == NULL; /* "1%00" is not "1". */
    out[fits ? len : 0] = '\0';
    return fits;
}
