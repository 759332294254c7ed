/*
 * Hanging up on publishers.
 *
 * A context of its own sees every message. nng delivers to a receive that waits from within the
 * connection's callback, before it reads on; so there must always be one that waits, or the message
 * is queued and delivered at another moment. A callback occupies one of nng's threads, so more
 * receives than it has threads are enough.
 */
#include "proto/hangup.h"

#include <nng/protocol/pubsub0/sub.h>
#include <time.h>

/* nng has at most 16 threads for callbacks. */
#define RECEIVES 20
#define LOOK_MS 2

struct receive {
    nng_ctx ctx;
    nng_aio *aio;
};

static void on_message(void *arg)
{
    struct receive *receive = arg;
    if (nng_aio_result(receive->aio) != 0) return;
    nng_msg *msg = nng_aio_get_msg(receive->aio);
    /* With its dialer, or it would be made again. It may be gone already. */
    (void)nng_dialer_close(nng_pipe_dialer(nng_msg_get_pipe(msg)));
    nng_msg_free(msg);
    nng_ctx_recv(receive->ctx, receive->aio);
}

void dure_hangup(nng_socket sub, const void *topic, size_t topic_len,
                 bool (*connected)(void *arg), void *arg, int limit_ms)
{
    struct receive receives[RECEIVES] = {0};
    nng_ctx ctx;
    if (!connected(arg) || nng_ctx_open(&ctx, sub) != 0) return;
    int code = 0, count = 0;
    while (code == 0 && count < RECEIVES) {
        struct receive *receive = &receives[count];
        receive->ctx = ctx;
        code = nng_aio_alloc(&receive->aio, on_message, receive);
        if (code != 0) break;
        nng_ctx_recv(ctx, receive->aio);
        count++;
    }
    /* Only now, so that nothing is queued before. */
    if (code == 0) code = nng_ctx_set(ctx, NNG_OPT_SUB_SUBSCRIBE, topic, topic_len);
    for (int ms = 0; code == 0 && ms < limit_ms && connected(arg); ms += LOOK_MS) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    }
    nng_ctx_close(ctx);
    for (int i = 0; i < count; i++) nng_aio_free(receives[i].aio); /* Waits for its callback. */
}
