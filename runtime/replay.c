/*
 * From a place in the stream to events.
 *
 *   1. the record to begin with: where a reader stopped lately, or by the nearest waypoint
 *   2. record by record: what lies before the place is passed over, the rest must follow on without
 *      a gap; what the topic wants becomes a line
 *   3. it ends with the last record, or with enough events, bytes or records read
 *
 * The newest events are found the other way round, record by record from the end.
 *
 * Reading is bounded also where nothing matches: the place moves on, and the reader asks again. Any
 * thread; records are copied out one by one, so no read transaction lasts.
 */
#include "runtime/replay.h"

#include <xxhash.h>

#include "runtime/waypoint.h"

/* Journal read for one answer, at most: some 20 ms. */
#define SCAN_BYTES_MAX (16u * 1024 * 1024)

void dure_replayer_init(struct dure_replayer *replayer, struct dure_journal *journal,
                        struct dure_rows *rows, uint32_t shards)
{
    *replayer = (struct dure_replayer){.journal = journal, .rows = rows, .shards = shards};
    pthread_mutex_init(&replayer->mutex, NULL);
}

void dure_replayer_fini(struct dure_replayer *replayer)
{
    pthread_mutex_destroy(&replayer->mutex);
}

static uint32_t shard_of(const struct dure_replayer *replayer, int64_t id)
{
    int64_t shards = (int64_t)replayer->shards;
    return (uint32_t)(((id % shards) + shards) % shards);
}

/* ---- 1: where to begin ------------------------------------------------------------------------ */

static uint64_t hash_of(const struct dure_positions *at)
{
    return XXH3_64bits(at->last, at->shards * sizeof at->last[0]);
}

static bool recall(struct dure_replayer *replayer, const struct dure_positions *at, uint64_t *lsn)
{
    uint64_t hash = hash_of(at);
    bool found = false;
    pthread_mutex_lock(&replayer->mutex);
    for (size_t i = 0; i < DURE_REPLAY_PLACES && !found; i++) {
        found = replayer->places[i].lsn != 0 && replayer->places[i].hash == hash;
        if (found) *lsn = replayer->places[i].lsn;
    }
    pthread_mutex_unlock(&replayer->mutex);
    return found;
}

static void remember(struct dure_replayer *replayer, const struct dure_positions *at, uint64_t lsn)
{
    pthread_mutex_lock(&replayer->mutex);
    size_t i = replayer->places_next++ % DURE_REPLAY_PLACES;
    replayer->places[i].hash = hash_of(at);
    replayer->places[i].lsn = lsn;
    pthread_mutex_unlock(&replayer->mutex);
}

static int begin(struct dure_replayer *replayer, const struct dure_replay *replay, uint64_t *lsn)
{
    if (recall(replayer, &replay->at, lsn)) return 0;
    int rv = dure_waypoint_find(replayer->rows, &replay->at, replay->until, lsn);
    if (rv != 0) return rv;
    ++*lsn;
    uint64_t first = replayer->journal->ops->first(replayer->journal);
    if (*lsn < first) *lsn = first;
    return 0;
}

/* ---- 2: events -------------------------------------------------------------------------------- */

void dure_replay_line(const struct dure_entry_event *event, int64_t time_ms, uint32_t shards,
                      struct dure_buf *out)
{
    const struct dure_type *type = dure_registry_type_by_code(event->type_code);
    const struct dure_event_type *what =
        type != NULL ? dure_registry_event(type, event->event_code) : NULL;
    if (what == NULL || event->sequence == 0) return;
    dure_buf_text(out, type->name);
    dure_buf_byte(out, '.');
    dure_buf_text(out, what->name);
    dure_buf_byte(out, ' ');
    dure_cloudevent_write(event, time_ms, shards, out);
    dure_buf_byte(out, '\n');
}

static bool full(const struct dure_replay *replay)
{
    return replay->count >= replay->max || replay->lines.len >= replay->bytes_max;
}

/* Appends the event, if the topic wants it. */
static bool add_line(const struct dure_replayer *replayer, const char *topic,
                     const struct dure_entry_event *event, int64_t time_ms, struct dure_buf *lines)
{
    size_t before = lines->len;
    dure_replay_line(event, time_ms, replayer->shards, lines);
    const char *line = lines->data + before;
    size_t len = lines->len - before;
    const char *space = len > 0 ? memchr(line, ' ', len) : NULL;
    if (space != NULL && dure_topic_match(topic, line, (size_t)(space - line))) return true;
    lines->len = before;
    return false;
}

static int take(struct dure_replayer *replayer, struct dure_replay *replay,
                const struct dure_entry_event *event, int64_t time_ms)
{
    uint64_t *last = &replay->at.last[shard_of(replayer, event->id)];
    if (event->sequence == 0 || *last == DURE_POSITION_NONE || event->sequence <= *last) return 0;
    if (event->sequence != *last + 1) return DURE_ENOTFOUND; /* Those between are trimmed away. */
    *last = event->sequence;
    if (add_line(replayer, replay->topic, event, time_ms, &replay->lines)) replay->count++;
    return 0;
}

/* 1: enough, within this record. */
static int read_record(struct dure_replayer *replayer, struct dure_replay *replay, uint64_t lsn,
                       const struct dure_buf *record)
{
    int rv = dure_record_check(record->data, record->len, lsn);
    if (rv != 0) return rv;
    size_t at = sizeof(struct dure_record_header);
    int64_t time_ms = ((const struct dure_record_header *)(const void *)record->data)->time_ms;
    const void *body;
    const struct dure_entry *entry;
    while (rv == 0 && (entry = dure_record_next(record->data, record->len, &at, &body)) != NULL) {
        if (entry->kind != DURE_ENTRY_EVENT) continue;
        if (full(replay)) return 1;
        rv = take(replayer, replay, body, time_ms);
    }
    return rv;
}

/* A record, or 1: it is trimmed, and *lsn is the first that is not. */
static int get(struct dure_replayer *replayer, uint64_t *lsn, struct dure_buf *record)
{
    record->len = 0;
    int rv = replayer->journal->ops->get(replayer->journal, *lsn, record);
    if (rv != DURE_ENOTFOUND) return rv;
    uint64_t first = replayer->journal->ops->first(replayer->journal);
    if (first <= *lsn) return DURE_ECORRUPT;
    *lsn = first;
    return 1;
}

static void note_first(struct dure_replayer *replayer, const struct dure_buf *record,
                       struct dure_positions *oldest, uint32_t *unknown)
{
    size_t at = sizeof(struct dure_record_header);
    const void *body;
    const struct dure_entry *entry;
    while ((entry = dure_record_next(record->data, record->len, &at, &body)) != NULL) {
        const struct dure_entry_event *event = body;
        if (entry->kind != DURE_ENTRY_EVENT || event->sequence == 0) continue;
        uint64_t *last = &oldest->last[shard_of(replayer, event->id)];
        if (*last != DURE_POSITION_NONE) continue;
        *last = event->sequence - 1;
        --*unknown;
    }
}

int dure_replay_oldest(struct dure_replayer *replayer, uint64_t until,
                       const struct dure_positions *ends, struct dure_positions *oldest)
{
    uint64_t lsn = replayer->journal->ops->first(replayer->journal);
    dure_positions_fill(oldest, replayer->shards, lsn <= 1 ? 0 : DURE_POSITION_NONE);
    uint32_t unknown = lsn <= 1 ? 0 : replayer->shards;
    struct dure_buf record = {0};
    int rv = 0;
    while (unknown > 0 && lsn <= until && rv >= 0) {
        rv = get(replayer, &lsn, &record);
        if (rv == 0) rv = dure_record_check(record.data, record.len, lsn);
        if (rv != 0) continue;
        note_first(replayer, &record, oldest, &unknown);
        lsn++;
    }
    dure_buf_fini(&record);
    for (uint32_t i = 0; i < oldest->shards; i++) {
        if (oldest->last[i] == DURE_POSITION_NONE) oldest->last[i] = ends->last[i];
    }
    return rv < 0 ? rv : 0;
}

/* ---- 3: up to the end ------------------------------------------------------------------------- */

static int check_ends(const struct dure_replay *replay, int wrong)
{
    for (uint32_t i = 0; i < replay->at.shards; i++) {
        uint64_t last = replay->at.last[i], end = replay->ends->last[i];
        if (last == DURE_POSITION_NONE) continue;
        if (wrong == DURE_EPRECONDITION ? last > end : last < end) return wrong;
    }
    return 0;
}

int dure_replay_read(struct dure_replayer *replayer, struct dure_replay *replay)
{
    DURE_ASSERT(replay->at.shards == replayer->shards && replay->max > 0);
    replay->end = false;
    int rv = check_ends(replay, DURE_EPRECONDITION);
    uint64_t lsn = replay->until + 1;
    bool behind = rv == 0 && check_ends(replay, DURE_ENOTFOUND) != 0;
    if (behind) rv = begin(replayer, replay, &lsn);
    if (rv != 0) return rv;
    struct dure_buf record = {0};
    uint64_t read = 0;
    while (rv == 0 && lsn <= replay->until && read < SCAN_BYTES_MAX && !full(replay)) {
        rv = get(replayer, &lsn, &record);
        if (rv == 1) {
            rv = 0;
            continue;
        }
        if (rv == 0) rv = read_record(replayer, replay, lsn, &record);
        read += record.len;
        if (rv == 0) lsn++;
    }
    dure_buf_fini(&record);
    if (rv < 0) return rv;
    replay->end = lsn > replay->until;
    remember(replayer, &replay->at, lsn);
    /* All that a shard still had to tell is trimmed away. */
    return replay->end ? check_ends(replay, DURE_ENOTFOUND) : 0;
}

/* ---- The newest ------------------------------------------------------------------------------- */

/* Where the line begins that ends before `end`. */
static size_t line_before(const struct dure_buf *lines, size_t end)
{
    const char *newline = memrchr(lines->data, '\n', end - 1); /* But its own. */
    return newline != NULL ? (size_t)(newline + 1 - lines->data) : 0;
}

/* Appends lines in the opposite order, the last one first, as many as there is room for. */
static uint32_t turn_round(const struct dure_buf *lines, uint32_t max, size_t bytes_max,
                           struct dure_buf *out)
{
    uint32_t count = 0;
    for (size_t end = lines->len; end > 0 && count < max && out->len < bytes_max; count++) {
        size_t begin = line_before(lines, end);
        dure_buf_add(out, lines->data + begin, end - begin);
        end = begin;
    }
    return count;
}

static int lines_of_record(const struct dure_replayer *replayer, const char *topic, uint64_t lsn,
                           const struct dure_buf *record, struct dure_buf *lines)
{
    int rv = dure_record_check(record->data, record->len, lsn);
    if (rv != 0) return rv;
    size_t at = sizeof(struct dure_record_header);
    int64_t time_ms = ((const struct dure_record_header *)(const void *)record->data)->time_ms;
    const void *body;
    const struct dure_entry *entry;
    while ((entry = dure_record_next(record->data, record->len, &at, &body)) != NULL) {
        if (entry->kind == DURE_ENTRY_EVENT)
            (void)add_line(replayer, topic, body, time_ms, lines);
    }
    return 0;
}

int dure_replay_last(struct dure_replayer *replayer, struct dure_replay *replay)
{
    struct dure_journal *journal = replayer->journal;
    struct dure_buf record = {0}, lines = {0}, newest = {0}; /* The last one: newest first. */
    uint64_t first = journal->ops->first(journal), read = 0;
    int rv = 0;
    for (uint64_t lsn = replay->until; rv == 0 && lsn > 0 && lsn >= first; lsn--) {
        if (replay->count >= replay->max || newest.len >= replay->bytes_max) break;
        if (read >= SCAN_BYTES_MAX) break;
        record.len = lines.len = 0;
        rv = journal->ops->get(journal, lsn, &record);
        if (rv == DURE_ENOTFOUND && lsn < journal->ops->first(journal)) {
            rv = 0; /* Trimmed meanwhile. */
            break;
        }
        if (rv == 0) rv = lines_of_record(replayer, replay->topic, lsn, &record, &lines);
        read += record.len;
        replay->count +=
            turn_round(&lines, replay->max - replay->count, replay->bytes_max, &newest);
    }
    (void)turn_round(&newest, replay->count, SIZE_MAX, &replay->lines);
    dure_buf_fini(&record);
    dure_buf_fini(&lines);
    dure_buf_fini(&newest);
    replay->at = *replay->ends;
    replay->end = true;
    return rv;
}
