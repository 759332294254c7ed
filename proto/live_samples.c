/*
 * Live samples.
 *
 *   1. wait   until a slot has ended and settled
 *   2. ask    all nodes for what is new, as the page of the history does
 *   3. tell   it as one event
 *
 * One question at a time: where its answer takes longer than a slot, the next one brings two
 * samples. Loop thread.
 */
#include "proto/live_samples.h"

#include <stdlib.h>
#include <uv.h>

#include "proto/history_page.h"

/* Timers count whole milliseconds, and may be a little early. */
#define LATE_MS 20

struct dure_live_samples {
    struct dure_history history; /* The question. */
    struct dure_live_samples_options options;
    uv_timer_t timer;
    bool wanted, asking;
    int64_t told_slot; /* 0: none yet. */
    struct dure_buf event;
};
_Static_assert(offsetof(struct dure_live_samples, history) == 0, "a history is its samples");

static int64_t settled_ms(const struct dure_live_samples *live)
{
    struct dure_io *io = live->options.gateway->rt->io;
    return io->wall_ms(io) - DURE_SAMPLE_SETTLE_MS;
}

/* ---- 3: tell --------------------------------------------------------------------------------- */

static void told(struct dure_history *history)
{
    struct dure_live_samples *live = (struct dure_live_samples *)history;
    live->options.gateway->calls_count--;
    live->asking = false;
    live->told_slot = history->until_slot;
    live->event.len = 0;
    dure_buf_lit(&live->event, "event: sample\ndata: ");
    dure_buf_add(&live->event, history->body.data, history->body.len);
    dure_buf_lit(&live->event, "\n\n");
    dure_history_fini(history);
    if (live->wanted && !live->options.gateway->closed)
        live->options.tell(live->options.arg, &live->event);
}

/* ---- 2: ask ---------------------------------------------------------------------------------- */

static void ask(struct dure_live_samples *live)
{
    struct dure_gateway *gateway = live->options.gateway;
    int64_t newest = settled_ms(live) / DURE_SAMPLE_MS;
    if (live->asking || gateway->sampler == NULL || gateway->stopping) return;
    /* The last one, or those that the last answer did not have; a clock may have been set back. */
    bool goes_on = live->told_slot > 0 && live->told_slot < newest;
    live->history =
        (struct dure_history){.gather = {.gateway = gateway},
                              .since_ms = (goes_on ? live->told_slot : newest - 1) * DURE_SAMPLE_MS,
                              .done = told};
    live->asking = true;
    gateway->calls_count++;
    if (dure_history_start(&live->history) == 0) return;
    gateway->calls_count--;
    live->asking = false;
}

/* ---- 1: wait --------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void await_sample(struct dure_live_samples *live)
{
    int64_t left_ms = DURE_SAMPLE_MS - settled_ms(live) % DURE_SAMPLE_MS;
    uv_update_time(live->timer.loop);
    int rv = uv_timer_start(&live->timer, on_timer, (uint64_t)left_ms + LATE_MS, 0);
    DURE_ASSERT(rv == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct dure_live_samples *live = timer->data;
    ask(live);
    await_sample(live);
}

void dure_live_samples_want(struct dure_live_samples *live, bool wanted)
{
    if (wanted == live->wanted) return;
    live->wanted = wanted;
    live->told_slot = 0;
    if (wanted)
        await_sample(live);
    else
        uv_timer_stop(&live->timer);
}

/* ---- Open, close ----------------------------------------------------------------------------- */

int dure_live_samples_open(struct dure_live_samples **out,
                           const struct dure_live_samples_options *options)
{
    struct dure_live_samples *live = calloc(1, sizeof *live);
    if (live == NULL) return DURE_ENOMEM;
    live->options = *options;
    if (uv_timer_init(options->loop, &live->timer) != 0) {
        free(live);
        return DURE_ESYSTEM;
    }
    live->timer.data = live;
    *out = live;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct dure_live_samples *live = handle->data;
    dure_buf_fini(&live->event);
    free(live);
}

void dure_live_samples_close(struct dure_live_samples *live)
{
    if (live == NULL) return;
    DURE_ASSERT(!live->asking);
    uv_close((uv_handle_t *)&live->timer, on_closed);
}
