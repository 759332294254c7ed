/*
 * A node on the leash.
 *
 *   1. recovering   told as it goes on
 *   2. ready        told once; "status" is answered from now on
 *      joined       told once, when all other nodes are reachable
 *   3. drained      told once; the node stays, so that commands of other nodes still find it
 *   4. "exit", or the supervisor is gone: leave
 *
 * The answer to "status" is one JSON object of what this node alone can know. Cannot fail. Loop
 * thread.
 */
#include "cmd/supervised.h"

#include "cmd/progress.h"

#include <string.h>

#include "runtime/links.h"

#define JOINING_EVERY_MS 5

void dure_supervised_progress(void *arg, uint64_t done, uint64_t total)
{
    struct dure_supervised *supervised = arg;
    static char recovering[] = "dure node: recovering";
    if (supervised->fd < 0) {
        dure_progress_show(recovering, done, total);
        return;
    }
    dure_leash_say(supervised->fd, "recovering %llu %llu", (unsigned long long)done,
                   (unsigned long long)total);
}

/* ---- Status -----------------------------------------------------------------------------------*/

static uint64_t count_types(const struct dure_runtime *rt, bool sagas)
{
    uint64_t count = 0;
    for (size_t i = 0; i < dure_registry_count(); i++) {
        enum dure_type_kind kind = dure_registry_type(i)->kind;
        if (sagas ? kind == DURE_KIND_SAGA : kind == DURE_KIND_AGGREGATE)
            count += (uint64_t)rt->counters[i].count;
    }
    return count;
}

static void answer_status(const struct dure_supervised *supervised)
{
    const struct dure_runtime *rt = supervised->rt;
    struct dure_journal *journal = rt->journal;
    dure_leash_say(
        supervised->fd,
        "status {\"lsn\":%llu,\"checkpoint\":%llu,\"tailBytes\":%llu,\"journalBytes\":%llu,"
        "\"rowsBytes\":%llu,\"memoryBytes\":%lld,\"aggregates\":%llu,\"sagas\":%llu,"
        "\"commands\":%u,\"turns\":%llu,\"sent\":%llu,\"resent\":%llu,"
        "\"unacknowledged\":%llu,\"unreachable\":%u}",
        (unsigned long long)rt->lsn_durable, (unsigned long long)dure_checkpoint_lsn(rt),
        (unsigned long long)dure_checkpoint_tail_bytes(rt),
        (unsigned long long)journal->ops->bytes(journal),
        (unsigned long long)rt->rows->ops->bytes(rt->rows), (long long)rt->memory_bytes,
        (unsigned long long)count_types(rt, false), (unsigned long long)count_types(rt, true),
        rt->asks_count, (unsigned long long)rt->metrics.turns,
        rt->links == NULL ? 0ull : (unsigned long long)rt->links->sent,
        rt->links == NULL ? 0ull : (unsigned long long)rt->links->resent,
        rt->links == NULL ? 0ull : (unsigned long long)rt->links->parcels,
        supervised->unreachable(supervised->arg));
}

/* ---- Life -------------------------------------------------------------------------------------*/

static void on_heard(void *arg, const char *text)
{
    struct dure_supervised *supervised = arg;
    if (strcmp(text, "status") == 0) {
        answer_status(supervised);
    } else if (strcmp(text, "exit") == 0) {
        supervised->told_to_leave = true;
    }
}

static void on_gone(void *arg)
{
    struct dure_supervised *supervised = arg;
    supervised->told_to_leave = true;
    supervised->stop(supervised->arg);
}

int dure_supervised_open(struct dure_supervised *supervised, uv_loop_t *loop,
                         const struct dure_runtime *rt)
{
    if (supervised->fd < 0) return 0;
    supervised->rt = rt;
    supervised->leash.heard = on_heard;
    supervised->leash.gone = on_gone;
    supervised->leash.arg = supervised;
    int rv = uv_timer_init(loop, &supervised->joining);
    DURE_ASSERT(rv == 0);
    supervised->joining.data = supervised;
    return dure_leash_open(&supervised->leash, loop, supervised->fd);
}

static void on_joining(uv_timer_t *timer)
{
    struct dure_supervised *supervised = timer->data;
    if (supervised->unreachable(supervised->arg) > 0) return;
    uv_timer_stop(timer);
    dure_leash_say(supervised->fd, "joined");
}

void dure_supervised_ready(struct dure_supervised *supervised, uint16_t port, double took_ms)
{
    if (!supervised->leash.open) return;
    dure_leash_say(supervised->fd, "ready %u %.0f %llu", port, took_ms,
                   (unsigned long long)supervised->rt->lsn_durable);
    uv_timer_start(&supervised->joining, on_joining, 0, JOINING_EVERY_MS);
}

void dure_supervised_drained(struct dure_supervised *supervised)
{
    if (!supervised->leash.open) return;
    dure_leash_say(supervised->fd, "drained");
}

bool dure_supervised_may_leave(const struct dure_supervised *supervised)
{
    return supervised->fd < 0 || supervised->told_to_leave;
}

void dure_supervised_close(struct dure_supervised *supervised)
{
    if (!supervised->leash.open) return;
    uv_close((uv_handle_t *)&supervised->joining, NULL);
    dure_leash_close(&supervised->leash, NULL);
}
