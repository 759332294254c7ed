/*
 * Notices of SSE streams. Pure; any thread.
 */
#include "proto/notices.h"

#include <string.h>

#include "proto/query_text.h"

static const struct {
    const char *word;
    uint32_t bit;
} words[] = {
    {"changes", DURE_ALSO_CHANGES},
    {"samples", DURE_ALSO_SAMPLES},
};

static uint32_t bit_of(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0)
            return words[i].bit;
    }
    return 0;
}

bool dure_also_read(struct dure_span query, uint32_t *also)
{
    char text[64];
    *also = 0;
    if (!dure_query_has(query, "also")) return true;
    if (!dure_query_text(query, "also", text, sizeof text)) return false;
    const char *word = text;
    for (;;) {
        size_t len = strcspn(word, ",");
        uint32_t bit = bit_of(word, len);
        if (bit == 0) return false;
        *also |= bit;
        if (word[len] == '\0') return true;
        word += len + 1;
    }
}

static void name(const char *path, bool *begun, struct dure_buf *out)
{
    dure_buf_text(out, *begun ? ",\"" : "\"");
    dure_buf_text(out, path);
    dure_buf_byte(out, '"');
    *begun = true;
}

static bool has_sagas(const struct dure_routes *routes, const struct dure_news *news)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        const struct dure_type *type = dure_registry_type(i);
        if (type->kind == DURE_KIND_SAGA && news->types[i] &&
            dure_route_serves(routes, type->system)) return true;
    }
    return false;
}

void dure_notice_write(const struct dure_routes *routes, const struct dure_news *news,
                       struct dure_buf *out)
{
    size_t before = out->len;
    bool begun = false;
    dure_buf_lit(out, "event: changes\ndata: {\"collections\":[");
    for (size_t i = 0; i < routes->collections_count; i++) {
        const struct dure_collection *collection = &routes->collections[i];
        if (news->types[collection->type->index]) name(collection->prefixed_path, &begun, out);
    }
    if (has_sagas(routes, news)) name("/sagas", &begun, out);
    if (!begun && news->events == 0) {
        out->len = before;
        return;
    }
    dure_buf_printf(out, "],\"events\":%llu}\n\n", (unsigned long long)news->events);
}
