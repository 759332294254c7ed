/*
 * Counters of changes: written by the feed, compared by the hub. Pure; any thread.
 */
#include "proto/changes.h"

#include <jansson.h>

/* Directories and rounds cannot be read by anybody. */
static bool is_shown(const struct dure_type *type)
{
    return type->kind == DURE_KIND_AGGREGATE || type->kind == DURE_KIND_VIEW ||
           type->kind == DURE_KIND_SAGA;
}

void dure_changes_write(int node, const struct dure_changes *changes, struct dure_buf *out)
{
    dure_buf_printf(out, DURE_CHANGES_TOPIC "{\"node\":%d,\"epoch\":%llu,\"events\":%llu,\"types\":{",
                    node, (unsigned long long)changes->epoch, (unsigned long long)changes->events);
    bool begun = false;
    for (size_t i = 0; i < dure_registry_count(); i++) {
        if (changes->counts[i] == 0 || !is_shown(dure_registry_type(i))) continue;
        dure_buf_printf(out, "%s\"%s\":%llu", begun ? "," : "", dure_registry_type(i)->name,
                        (unsigned long long)changes->counts[i]);
        begun = true;
    }
    dure_buf_lit(out, "}}\n");
}

static bool read_number(const json_t *root, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(root, name);
    bool fits = json_is_integer(value) && json_integer_value(value) >= 0;
    if (fits) *number = (uint64_t)json_integer_value(value);
    return fits;
}

int dure_changes_read(const char *text, size_t len, uint32_t *node, struct dure_changes *changes)
{
    size_t begin = sizeof DURE_CHANGES_TOPIC - 1;
    if (len < begin || memcmp(text, DURE_CHANGES_TOPIC, begin) != 0) return DURE_EINVAL;
    json_t *root = json_loadb(text + begin, len - begin, 0, NULL);
    const json_t *types = json_object_get(root, "types");
    uint64_t number = UINT64_MAX;
    *changes = (struct dure_changes){0};
    bool fits = json_is_object(types) && read_number(root, "node", &number) &&
                number < DURE_SOURCES_MAX && read_number(root, "epoch", &changes->epoch) &&
                read_number(root, "events", &changes->events);
    for (size_t i = 0; fits && i < dure_registry_count(); i++) {
        (void)read_number(types, dure_registry_type(i)->name, &changes->counts[i]);
    }
    json_decref(root);
    *node = (uint32_t)number;
    return fits ? 0 : DURE_EINVAL;
}

/* ---- What is news of it -------------------------------------------------------------------------- */

void dure_news_add(struct dure_news *news, const struct dure_news *more)
{
    news->any = news->any || more->any;
    news->events += more->events;
    for (size_t i = 0; i < DURE_TYPES_MAX; i++) news->types[i] = news->types[i] || more->types[i];
}

void dure_news_all(struct dure_news *news)
{
    news->any = true;
    memset(news->types, true, sizeof news->types);
}

static void compare(const struct dure_changes *before, const struct dure_changes *now,
                    struct dure_news *news)
{
    for (size_t i = 0; i < dure_registry_count(); i++) {
        if (now->counts[i] == before->counts[i]) continue;
        news->types[i] = true;
        news->any = true;
    }
    if (now->events <= before->events) return;
    news->events += now->events - before->events;
    news->any = true;
}

void dure_watch_hear(struct dure_watch *watch, const char *text, size_t len, int64_t now_ms,
                     struct dure_news *news)
{
    uint32_t node;
    struct dure_changes now;
    if (dure_changes_read(text, len, &node, &now) != 0) return;
    bool same = watch->nodes[node].there && watch->nodes[node].last.epoch == now.epoch;
    if (same) compare(&watch->nodes[node].last, &now, news);
    else dure_news_all(news);
    watch->nodes[node].there = true;
    watch->nodes[node].heard_ms = now_ms;
    watch->nodes[node].last = now;
}

void dure_watch_tick(struct dure_watch *watch, int64_t now_ms, struct dure_news *news)
{
    for (size_t i = 0; i < DURE_SOURCES_MAX; i++) {
        if (!watch->nodes[i].there) continue;
        if (now_ms - watch->nodes[i].heard_ms < DURE_CHANGES_SILENT_MS) continue;
        watch->nodes[i].there = false;
        dure_news_all(news);
    }
}
