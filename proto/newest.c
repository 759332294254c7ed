/*
 * Newest events.
 *
 *   1. each part is read from its end, a line at a time
 *   2. of what they end with, the line with the latest `time` goes first
 *   3. what was taken is turned round
 *
 * A CloudEvent's time has a fixed width and zone (runtime/cloudevent.c), so that times compare as text.
 * Any thread.
 */
#include "proto/newest.h"

#define TIME "\"time\":\""
#define TIME_BYTES 23 /* Up to the milliseconds. */
#define PARTS_MAX 64

struct tail {
    const char *data, *time; /* Of its last line; NULL: there is none left. */
    size_t begin, end;       /* That line. */
};

/* To the line that ends before `end`. */
static void step(struct tail *tail, size_t end)
{
    tail->time = NULL;
    tail->end = end;
    if (end == 0) return;
    const char *newline = memrchr(tail->data, '\n', end - 1); /* But its own. */
    tail->begin = newline != NULL ? (size_t)(newline + 1 - tail->data) : 0;
    const char *time = memmem(tail->data + tail->begin, end - tail->begin, TIME, sizeof TIME - 1);
    size_t room = time != NULL ? (size_t)(tail->data + end - time) : 0;
    /* A line without one is none of ours: it comes at once, and is not compared. */
    tail->time = room > sizeof TIME + TIME_BYTES ? time + sizeof TIME - 1 : "9";
}

static struct tail *latest(struct tail *tails, size_t count)
{
    struct tail *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (tails[i].time == NULL) continue;
        if (found == NULL || strncmp(tails[i].time, found->time, TIME_BYTES) > 0) found = &tails[i];
    }
    return found;
}

static void turn_round(const struct dure_buf *lines, struct dure_buf *out)
{
    struct tail tail = {.data = lines->data};
    for (step(&tail, lines->len); tail.time != NULL; step(&tail, tail.begin)) {
        dure_buf_add(out, lines->data + tail.begin, tail.end - tail.begin);
    }
}

uint32_t dure_newest_merge(const struct dure_buf *parts, size_t count, uint32_t max,
                           struct dure_buf *out)
{
    struct tail tails[PARTS_MAX], *from;
    struct dure_buf newest = {0}; /* The newest first. */
    uint32_t taken = 0;
    DURE_ASSERT(count <= PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        tails[i] = (struct tail){.data = parts[i].data};
        step(&tails[i], parts[i].len);
    }
    while (taken < max && (from = latest(tails, count)) != NULL) {
        dure_buf_add(&newest, from->data + from->begin, from->end - from->begin);
        step(from, from->begin);
        taken++;
    }
    turn_round(&newest, out);
    dure_buf_fini(&newest);
    return taken;
}
