/*
 * Writing and reading what goes over the sockets of the event stream. Pure; any thread.
 */
#include "proto/stream.h"

#include <jansson.h>
#include <stdlib.h>

/* What every event begins with: runtime/cloudevent.c. */
#define EVENT_BEGIN "{\"specversion\":\"1.0\",\"id\":\""

/* ---- Lines ------------------------------------------------------------------------------------- */

static bool digits(const char **at, const char *end, uint64_t *number)
{
    const char *from = *at;
    *number = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - from < 19) {
        *number = *number * 10 + (uint64_t)(*(*at)++ - '0');
    }
    return *at > from;
}

int dure_stream_line(const char **at, const char *end, struct dure_stream_line *line)
{
    if (*at >= end) return DURE_ENOTFOUND;
    size_t left = (size_t)(end - *at);
    const char *newline = memchr(*at, '\n', left);
    const char *space = newline != NULL ? memchr(*at, ' ', (size_t)(newline - *at)) : NULL;
    if (space == NULL) return DURE_EINVAL;
    *line = (struct dure_stream_line){.type = *at, .type_len = (size_t)(space - *at),
                                      .json = space + 1, .json_len = (size_t)(newline - space - 1)};
    *at = newline + 1;
    size_t begin = sizeof EVENT_BEGIN - 1;
    if (line->json_len <= begin || memcmp(line->json, EVENT_BEGIN, begin) != 0) return DURE_EINVAL;
    const char *id = line->json + begin;
    uint64_t shard;
    if (!digits(&id, newline, &shard) || shard >= DURE_SHARDS_MAX || *id++ != '-')
        return DURE_EINVAL;
    if (!digits(&id, newline, &line->sequence) || *id != '"') return DURE_EINVAL;
    line->shard = (uint32_t)shard;
    return 0;
}

/* ---- Batches ----------------------------------------------------------------------------------- */

static void write_node(int node, struct dure_buf *out)
{
    if (node < 0) return;
    dure_buf_lit(out, "\"node\":");
    dure_buf_i64(out, node);
    dure_buf_byte(out, ',');
}

int dure_stream_batch_write(int node, uint64_t lsn, const char *lines, size_t len,
                            struct dure_buf *out)
{
    uint64_t first[DURE_SHARDS_MAX] = {0}, last[DURE_SHARDS_MAX];
    uint32_t shards = 0;
    const char *at = lines;
    struct dure_stream_line line;
    int rv;
    while ((rv = dure_stream_line(&at, lines + len, &line)) == 0) {
        if (first[line.shard] == 0) first[line.shard] = line.sequence;
        last[line.shard] = line.sequence;
        if (line.shard >= shards) shards = line.shard + 1;
    }
    if (rv != DURE_ENOTFOUND) return rv;
    dure_buf_lit(out, DURE_STREAM_BATCH "{");
    write_node(node, out);
    if (lsn != 0) dure_buf_printf(out, "\"lsn\":%llu,", (unsigned long long)lsn);
    dure_buf_lit(out, "\"shards\":{");
    bool begun = false;
    for (uint32_t i = 0; i < shards; i++) {
        if (first[i] == 0) continue;
        dure_buf_printf(out, "%s\"%u\":[%llu,%llu]", begun ? "," : "", i,
                        (unsigned long long)first[i], (unsigned long long)last[i]);
        begun = true;
    }
    dure_buf_lit(out, "}}\n");
    dure_buf_add(out, lines, len);
    return 0;
}

void dure_stream_beacon_write(int node, const struct dure_positions *at, struct dure_buf *out)
{
    dure_buf_lit(out, DURE_STREAM_BATCH "{");
    write_node(node, out);
    dure_buf_lit(out, "\"at\":");
    dure_positions_write_json(at, out);
    dure_buf_lit(out, "}\n");
}

/* {"5":10} → positions; the shards that are not named are NONE. */
static int read_map(const json_t *map, struct dure_positions *at)
{
    const char *key;
    json_t *value;
    dure_positions_fill(at, at->shards, DURE_POSITION_NONE);
    json_object_foreach((json_t *)(uintptr_t)map, key, value) {
        char *end;
        unsigned long shard = strtoul(key, &end, 10);
        if (end == key || *end != '\0' || shard >= at->shards) return DURE_EINVAL;
        if (!json_is_integer(value) || json_integer_value(value) < 0) return DURE_EINVAL;
        at->last[shard] = (uint64_t)json_integer_value(value);
    }
    return 0;
}

int dure_stream_batch_read(const char *batch, size_t len, const char **lines,
                           struct dure_positions *at, bool *beacon)
{
    size_t begin = sizeof DURE_STREAM_BATCH - 1;
    const char *newline = memchr(batch, '\n', len);
    if (newline == NULL || len < begin || memcmp(batch, DURE_STREAM_BATCH, begin) != 0)
        return DURE_EINVAL;
    *lines = newline + 1;
    *beacon = newline + 1 == batch + len;
    if (!*beacon) return 0;
    json_t *head = json_loadb(batch + begin, (size_t)(newline - batch) - begin, 0, NULL);
    int rv = read_map(json_object_get(head, "at"), at);
    json_decref(head);
    return rv;
}

/* ---- Requests ---------------------------------------------------------------------------------- */

bool dure_stream_group_valid(const char *group)
{
    size_t len = strspn(group, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return len > 0 && len < DURE_STREAM_GROUP_BYTES && group[len] == '\0' && group[0] != '.';
}

static void write_position(const struct dure_positions *at, struct dure_buf *out)
{
    dure_buf_byte(out, '"');
    dure_positions_write(at, out);
    dure_buf_byte(out, '"');
}

static const char *const words[] = {NULL, "start", "end", "last"};

const char *dure_stream_from_word(enum dure_stream_from from)
{
    return words[from];
}

enum dure_stream_from dure_stream_from_of(const char *word)
{
    for (int i = DURE_STREAM_START; i <= DURE_STREAM_LAST; i++) {
        if (strcmp(word, words[i]) == 0) return (enum dure_stream_from)i;
    }
    return DURE_STREAM_AT;
}

void dure_stream_request_write(const struct dure_stream_request *request, struct dure_buf *out)
{
    if (request->group[0] != '\0') {
        dure_buf_printf(out, "{\"group\":\"%s\"", request->group);
        if (request->commit) {
            dure_buf_lit(out, ",\"commit\":");
            write_position(&request->at, out);
        }
        dure_buf_byte(out, '}');
        return;
    }
    dure_buf_lit(out, "{\"from\":");
    const char *word = dure_stream_from_word(request->from);
    if (word != NULL) dure_buf_printf(out, "\"%s\"", word);
    else write_position(&request->at, out);
    json_t *topic = json_string(request->topic);
    char *text = topic != NULL ? json_dumps(topic, JSON_ENCODE_ANY) : NULL;
    json_decref(topic);
    if (text != NULL) {
        dure_buf_lit(out, ",\"topic\":");
        dure_buf_text(out, text);
        free(text);
    }
    dure_buf_printf(out, ",\"max\":%u%s}", request->max, request->lines ? ",\"lines\":true" : "");
}

/* "p…" or a map. */
static int read_positions(const json_t *value, uint32_t shards, struct dure_positions *at)
{
    at->shards = shards;
    if (json_is_object(value)) return read_map(value, at);
    if (!json_is_string(value)) return DURE_EINVAL;
    int rv = dure_positions_read(at, json_string_value(value), json_string_length(value));
    return rv == 0 && at->shards != shards ? DURE_EINVAL : rv;
}

static const char *read_from(struct dure_stream_request *request, const json_t *from,
                             uint32_t shards)
{
    const char *word = json_string_value(from);
    request->from = word != NULL ? dure_stream_from_of(word) : DURE_STREAM_AT;
    if (request->from == DURE_STREAM_AT && read_positions(from, shards, &request->at) != 0) {
        return "\"from\" must be \"start\", \"end\", \"last\", a position, or an object of shard "
               "and sequence";
    }
    return NULL;
}

static const char *read_group(struct dure_stream_request *request, const json_t *group,
                              const json_t *commit, uint32_t shards)
{
    const char *name = json_string_value(group);
    if (name == NULL || !dure_stream_group_valid(name))
        return "\"group\" must be 1 to 64 letters, digits, '.', '_' or '-'";
    strcpy(request->group, name);
    request->commit = commit != NULL;
    if (request->commit && read_positions(commit, shards, &request->at) != 0)
        return "\"commit\" must be a position, or an object of shard and sequence";
    return NULL;
}

static const char *read_rest(struct dure_stream_request *request, const json_t *root)
{
    const json_t *topic = json_object_get(root, "topic"), *max = json_object_get(root, "max");
    if (topic != NULL) {
        if (!json_is_string(topic) || json_string_length(topic) >= sizeof request->topic)
            return "\"topic\" must be a string of less than 512 bytes: prefixes, separated by commas";
        strcpy(request->topic, json_string_value(topic));
    }
    if (max != NULL) {
        if (!json_is_integer(max) || json_integer_value(max) < 1)
            return "\"max\" must be a number from 1";
        json_int_t most = json_integer_value(max);
        request->max = most > DURE_STREAM_MAX ? DURE_STREAM_MAX : (uint32_t)most;
    }
    request->lines = json_is_true(json_object_get(root, "lines"));
    return NULL;
}

int dure_stream_request_read(struct dure_stream_request *request, const char *text, size_t len,
                             uint32_t shards, const char **detail)
{
    *request = (struct dure_stream_request){.max = DURE_STREAM_MAX_DEFAULT};
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *from = json_object_get(root, "from"), *group = json_object_get(root, "group");
    if (!json_is_object(root)) *detail = "the request is no JSON object";
    else if (group != NULL)
        *detail = read_group(request, group, json_object_get(root, "commit"), shards);
    else if (from == NULL) *detail = "the request needs \"from\" or \"group\"";
    else *detail = read_from(request, from, shards);
    if (*detail == NULL) *detail = read_rest(request, root);
    json_decref(root);
    return *detail == NULL ? 0 : DURE_EINVAL;
}

/* ---- Replies ----------------------------------------------------------------------------------- */

static void write_events(const struct dure_buf *lines, struct dure_buf *out)
{
    const char *at = lines->data;
    struct dure_stream_line line;
    bool begun = false;
    dure_buf_lit(out, ",\"events\":[");
    while (lines->len > 0 && dure_stream_line(&at, lines->data + lines->len, &line) == 0) {
        if (begun) dure_buf_byte(out, ',');
        begun = true;
        dure_buf_add(out, line.json, line.json_len);
    }
    dure_buf_byte(out, ']');
}

void dure_stream_reply_write(const struct dure_stream_reply *reply, bool lines,
                             struct dure_buf *out)
{
    dure_buf_printf(out, "{\"shards\":%u,\"count\":%u,\"end\":%s", reply->at.shards, reply->count,
                    reply->end ? "true" : "false");
    for (size_t i = 0; i < reply->missing_count; i++) {
        dure_buf_printf(out, "%s%u", i == 0 ? ",\"missing\":[" : ",", reply->missing[i]);
    }
    if (reply->missing_count > 0) dure_buf_byte(out, ']');
    dure_buf_lit(out, ",\"position\":");
    write_position(&reply->at, out);
    if (lines) {
        dure_buf_lit(out, "}\n");
        dure_buf_add(out, reply->lines.data, reply->lines.len);
        return;
    }
    dure_buf_lit(out, ",\"next\":");
    dure_positions_write_json(&reply->at, out);
    write_events(&reply->lines, out);
    dure_buf_byte(out, '}');
}

static const struct {
    int rv;
    const char *name, *text;
} errors[] = {
    {DURE_EINVAL, "bad", "the request cannot be read"},
    {DURE_ENOTFOUND, "gone", "the journal does not reach back so far; begin at \"start\""},
    {DURE_EPRECONDITION, "ahead",
     "the position lies beyond the end of the journal: it belongs to another data directory"},
    {DURE_EUNAVAILABLE, "unavailable", "a node does not answer, try again later"},
    {DURE_EIO, "failed", "the journal cannot be read"},
};
#define ERRORS (sizeof errors / sizeof errors[0])

const char *dure_stream_error_text(int rv)
{
    for (size_t i = 0; i < ERRORS; i++) {
        if (errors[i].rv == rv) return errors[i].text;
    }
    return dure_error_info(rv)->text;
}

void dure_stream_error_write(int rv, const char *detail, struct dure_buf *out)
{
    size_t i = 0;
    while (i < ERRORS - 1 && errors[i].rv != rv) i++;
    if (detail == NULL) detail = errors[i].text;
    json_t *text = json_pack("{ssss}", "error", errors[i].name, "detail", detail);
    char *dump = text != NULL ? json_dumps(text, JSON_COMPACT) : NULL;
    json_decref(text);
    dure_buf_text(out, dump != NULL ? dump : "{\"error\":\"failed\"}");
    free(dump);
}

static int read_error(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "error"));
    if (name == NULL) return 0;
    for (size_t i = 0; i < ERRORS; i++) {
        if (strcmp(errors[i].name, name) == 0) return errors[i].rv;
    }
    return DURE_EFORMAT;
}

static int read_position(const json_t *root, struct dure_positions *at)
{
    const json_t *position = json_object_get(root, "position");
    if (!json_is_string(position)) return DURE_EFORMAT;
    int rv = dure_positions_read(at, json_string_value(position), json_string_length(position));
    return rv == 0 ? 0 : DURE_EFORMAT;
}

int dure_stream_reply_read(struct dure_stream_reply *reply, const char *text, size_t len)
{
    const char *newline = memchr(text, '\n', len);
    size_t head = newline != NULL ? (size_t)(newline - text) : len;
    json_t *root = json_loadb(text, head, 0, NULL);
    int rv = json_is_object(root) ? read_error(root) : DURE_EFORMAT;
    if (rv == 0) rv = read_position(root, &reply->at);
    if (rv == 0) {
        reply->count += (uint32_t)json_integer_value(json_object_get(root, "count"));
        reply->end = json_is_true(json_object_get(root, "end"));
        const json_t *missing = json_object_get(root, "missing");
        for (size_t i = 0; i < json_array_size(missing) && reply->missing_count < 64; i++) {
            reply->missing[reply->missing_count++] =
                (uint32_t)json_integer_value(json_array_get(missing, i));
        }
        if (newline != NULL) dure_buf_add(&reply->lines, newline + 1, len - head - 1);
    }
    json_decref(root);
    return rv;
}

void dure_stream_group_write(const char *group, const struct dure_positions *at,
                             struct dure_buf *out)
{
    dure_buf_printf(out, "{\"group\":\"%s\",\"position\":", group);
    if (at == NULL) {
        dure_buf_lit(out, "null,\"next\":null}");
        return;
    }
    write_position(at, out);
    dure_buf_lit(out, ",\"next\":");
    dure_positions_write_json(at, out);
    dure_buf_byte(out, '}');
}

int dure_stream_group_read(struct dure_positions *at, const char *text, size_t len)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    int rv = json_is_object(root) ? read_error(root) : DURE_EFORMAT;
    if (rv == 0 && json_is_null(json_object_get(root, "position"))) rv = DURE_ENOTFOUND;
    else if (rv == 0) rv = read_position(root, at);
    json_decref(root);
    return rv;
}
