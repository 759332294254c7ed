/*
 * Events of a source that is played: numbers in place of a journal. Shared by the tests of those who
 * follow the stream.
 */
#ifndef DURE_TESTS_STREAM_WORLD_H
#define DURE_TESTS_STREAM_WORLD_H

#include "proto/stream.h"

/* libnng 1.5 forgets messages that are under way when a socket is closed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libnng.so\n";
}

/* Events of one shard in one reply, so that a replay takes several. */
#define REPLY_EVENTS 7

/* Every third event of a shard is of another type. */
static void write_event(uint32_t shard, uint64_t sequence, struct dure_buf *out)
{
    dure_buf_printf(out, "toy.thing.%s {\"specversion\":\"1.0\",\"id\":\"%u-%llu\",\"data\":{}}\n",
                    sequence % 3 == 0 ? "Third" : "Other", shard, (unsigned long long)sequence);
}

/* What a source answers that stands at `ends`; NONE there: the shard is not its own. */
static void write_replay(const struct dure_stream_request *request,
                         const struct dure_positions *ends, struct dure_buf *out)
{
    struct dure_stream_reply reply = {.end = true};
    if (request->from == DURE_STREAM_START) dure_positions_fill(&reply.at, ends->shards, 0);
    else reply.at = request->from == DURE_STREAM_END ? *ends : request->at;
    for (uint32_t i = 0; i < ends->shards; i++) {
        if (ends->last[i] == DURE_POSITION_NONE) reply.at.last[i] = DURE_POSITION_NONE;
        if (reply.at.last[i] == DURE_POSITION_NONE) continue;
        for (int n = 0; reply.at.last[i] < ends->last[i]; n++) {
            if (n == REPLY_EVENTS) {
                reply.end = false;
                break;
            }
            size_t before = reply.lines.len;
            write_event(i, ++reply.at.last[i], &reply.lines);
            const char *line = reply.lines.data + before;
            if (dure_topic_match(request->topic, line, strcspn(line, " "))) reply.count++;
            else reply.lines.len = before;
        }
    }
    dure_stream_reply_write(&reply, request->lines, out);
    dure_buf_fini(&reply.lines);
}

#endif
