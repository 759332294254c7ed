/*
 * Words of a command line to the parts of a request. Main thread only.
 */
#include "cmd/call_items.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES 256

enum sign { NONE, HEADER, QUERY, TEXT, TEXT_FILE, VALUE, VALUE_FILE };

static const struct {
    const char *text;
    enum sign sign;
} signs[] = {
    /* Longer ones before those that they begin with. */
    {":=@", VALUE_FILE}, {":=", VALUE}, {"==", QUERY},
    {"=@", TEXT_FILE},   {"=", TEXT},   {":", HEADER},
};

/* Which sign, the name before it, and what stands behind. */
static enum sign split(const char *word, char name[NAME_BYTES], const char **value)
{
    size_t len = 0;
    for (const char *at = word; *at != '\0' && len + 1 < NAME_BYTES; at++) {
        if (*at == '\\' && (at[1] == ':' || at[1] == '=' || at[1] == '\\')) {
            name[len++] = *++at;
            continue;
        }
        for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
            size_t size = strlen(signs[i].text);
            if (strncmp(at, signs[i].text, size) != 0) continue;
            name[len] = '\0';
            *value = at + size;
            return len > 0 ? signs[i].sign : NONE;
        }
        name[len++] = *at;
    }
    return NONE;
}

int dure_call_items_read(const char *path, struct dure_buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    if (file == NULL) return DURE_EIO;
    size_t len;
    while ((len = fread(dure_buf_reserve(out, 65536), 1, 65536, file)) > 0) out->len += len;
    int rv = ferror(file) ? DURE_EIO : 0;
    if (!standard) fclose(file);
    return rv;
}

static int set(struct dure_call_items *items, const char *name, json_t *value, const char **why)
{
    if (value == NULL) {
        *why = "its value is no JSON (texts have = instead of :=)";
        return DURE_EINVAL;
    }
    if (items->body == NULL) items->body = json_object();
    if (json_object_set_new(items->body, name, value) == 0) return 0;
    *why = "it is not UTF-8";
    return DURE_EINVAL;
}

static int set_file(struct dure_call_items *items, const char *name, const char *path, bool json,
                    const char **why)
{
    struct dure_buf text = {0};
    int rv = dure_call_items_read(path, &text);
    if (rv != 0) *why = "its file cannot be read";
    if (rv == 0) {
        const char *bytes = text.len > 0 ? text.data : "";
        json_t *value = json ? json_loadb(bytes, text.len, JSON_DECODE_ANY, NULL)
                             : json_stringn(bytes, text.len);
        rv = set(items, name, value, why);
    }
    dure_buf_fini(&text);
    return rv == 0 ? 0 : DURE_EINVAL;
}

static void add_escaped(struct dure_buf *out, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
    DURE_ASSERT(escaped != NULL);
    dure_buf_text(out, escaped);
    curl_free(escaped);
}

static void add_query(struct dure_call_items *items, const char *name, const char *value)
{
    if (items->query.len > 0) dure_buf_byte(&items->query, '&');
    add_escaped(&items->query, name);
    dure_buf_byte(&items->query, '=');
    add_escaped(&items->query, value);
}

void dure_call_items_header(struct dure_call_items *items, const char *name, const char *value)
{
    items->headers = realloc(items->headers, (items->headers_count + 2) * sizeof(char *));
    DURE_ASSERT(items->headers != NULL);
    char **header = &items->headers[items->headers_count++];
    /* By "Name:" libcurl leaves out one of its own. */
    int len = asprintf(header, *value != '\0' ? "%s: %s" : "%s:%s", name, value);
    DURE_ASSERT(len > 0);
    items->headers[items->headers_count] = NULL;
}

bool dure_call_items_has_header(const struct dure_call_items *items, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < items->headers_count; i++) {
        const char *header = items->headers[i];
        if (strncasecmp(header, name, len) == 0 && header[len] == ':') return true;
    }
    return false;
}

int dure_call_items_add(struct dure_call_items *items, const char *word, const char **why)
{
    char name[NAME_BYTES];
    const char *value;
    switch (split(word, name, &value)) {
    case TEXT: return set(items, name, json_string(value), why);
    case VALUE: return set(items, name, json_loads(value, JSON_DECODE_ANY, NULL), why);
    case TEXT_FILE: return set_file(items, name, value, false, why);
    case VALUE_FILE: return set_file(items, name, value, true, why);
    case QUERY: add_query(items, name, value); return 0;
    case HEADER:
        if (strpbrk(word, "\r\n") == NULL) {
            dure_call_items_header(items, name, value);
            return 0;
        }
        *why = "a header is one line";
        return DURE_EINVAL;
    case NONE: break;
    }
    *why = "it is none of name=text, name:=json, name==value, Name:value";
    return DURE_EINVAL;
}

void dure_call_items_fini(struct dure_call_items *items)
{
    json_decref(items->body);
    dure_buf_fini(&items->query);
    for (size_t i = 0; i < items->headers_count; i++) free(items->headers[i]);
    free(items->headers);
    *items = (struct dure_call_items){0};
}
