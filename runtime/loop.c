/*
 * The loop: io.h on libuv.
 *
 *   1. poll phase  sockets bring requests, which become asks; `wake` says a store has finished
 *   2. check phase the stores' completions are fired, then one turn is run
 *   3. idle phase  only while `soon` was asked for: the next poll does not wait
 *
 * Wall time may jump; durations use the monotonic clock. Cannot fail after init. Loop thread, but
 * for dure_loop_wake.
 */
#include "runtime/loop.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static struct dure_loop *self(struct dure_io *io)
{
    return (struct dure_loop *)((char *)io - offsetof(struct dure_loop, io));
}

static int64_t wall_ms(struct dure_io *io)
{
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t mono_ns(struct dure_io *io)
{
    (void)io;
    return uv_hrtime();
}

/* xorshift128+ (Vigna 2014, "Further scramblings of Marsaglia's xorshift generators"), seeded by
 * the kernel: nothing here is a secret. */
static uint64_t random_u64(struct dure_io *io)
{
    uint64_t *seed = self(io)->seed;
    uint64_t a = seed[0], b = seed[1];
    seed[0] = b;
    a ^= a << 23;
    seed[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return seed[1] + b;
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle; /* Being active is its work. */
}

static void soon(struct dure_io *io)
{
    struct dure_loop *loop = self(io);
    if (loop->idle_on || loop->closing) return;
    uv_idle_start(&loop->idle, on_idle);
    loop->idle_on = true;
}

static void on_alarm(uv_timer_t *handle)
{
    struct dure_loop *loop = handle->data;
    loop->alarm_ms = 0;
    soon(&loop->io);
}

static void alarm_at(struct dure_io *io, int64_t due_ms)
{
    struct dure_loop *loop = self(io);
    if (loop->alarm_ms == due_ms || loop->closing) return;
    loop->alarm_ms = due_ms;
    int64_t in_ms = due_ms - wall_ms(io);
    uv_timer_start(&loop->alarm, on_alarm, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
}

struct pooled {
    uv_work_t uv;
    struct dure_work *work;
};

static void on_work(uv_work_t *uv)
{
    struct dure_work *work = ((struct pooled *)uv)->work;
    work->run(work);
}

static void on_work_done(uv_work_t *uv, int status)
{
    (void)status; /* Never cancelled. */
    struct dure_work *work = ((struct pooled *)uv)->work;
    free(uv);
    work->done(work);
}

static void queue_work(struct dure_io *io, struct dure_work *work)
{
    struct pooled *pooled = malloc(sizeof *pooled);
    DURE_ASSERT(pooled != NULL);
    pooled->work = work;
    int rv = uv_queue_work(self(io)->uv, &pooled->uv, on_work, on_work_done);
    DURE_ASSERT(rv == 0);
}

static void on_check(uv_check_t *handle)
{
    struct dure_loop *loop = handle->data;
    if (loop->rt == NULL) return;
    if (loop->idle_on) {
        uv_idle_stop(&loop->idle);
        loop->idle_on = false;
    }
    loop->journal->ops->poll(loop->journal);
    loop->rows->ops->poll(loop->rows);
    dure_turn_run(loop->rt);
    dure_checkpoint_step(loop->rt);
}

static void on_wake(uv_async_t *handle)
{
    (void)handle; /* The check phase of this round polls the stores. */
}

int dure_loop_init(struct dure_loop *loop, uv_loop_t *uv)
{
    *loop = (struct dure_loop){
        .io = {.wall_ms = wall_ms, .mono_ns = mono_ns, .random = random_u64, .soon = soon,
               .alarm = alarm_at, .work = queue_work},
        .uv = uv,
    };
    if (getrandom(loop->seed, sizeof loop->seed, 0) != sizeof loop->seed) return DURE_ESYSTEM;
    loop->seed[0] |= 1; /* Not all zero. */
    if (uv_check_init(uv, &loop->check) != 0 || uv_idle_init(uv, &loop->idle) != 0 ||
        uv_timer_init(uv, &loop->alarm) != 0 || uv_async_init(uv, &loop->wake, on_wake) != 0) {
        return DURE_ESYSTEM;
    }
    loop->check.data = loop->alarm.data = loop;
    return uv_check_start(&loop->check, on_check) == 0 ? 0 : DURE_ESYSTEM;
}

void dure_loop_attach(struct dure_loop *loop, struct dure_runtime *rt, struct dure_journal *journal,
                      struct dure_rows *rows)
{
    loop->rt = rt;
    loop->journal = journal;
    loop->rows = rows;
    if (rt != NULL) soon(&loop->io);
}

void dure_loop_wake(void *arg)
{
    struct dure_loop *loop = arg;
    uv_async_send(&loop->wake);
}

void dure_loop_close(struct dure_loop *loop)
{
    loop->closing = true;
    loop->rt = NULL;
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
}
