/*
 * The meter: meter.h tells what there is. Loop thread.
 */
#include "cmd/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define SEED_DEFAULT 1810
#define CALLS_MAX 64
#define MILLION INT64_C(1000000)

struct dr_meter_answer dure_meter_simulate(uint64_t seed, const struct dr_meter_asked *asked)
{
    const int64_t who[2] = {asked->dr_id, asked->response_id};
    uint64_t dice = XXH3_64bits_withSeed(who, sizeof who, seed);
    int64_t capacity = asked->capacity != DURE_NULL ? asked->capacity : 0;
    int64_t factor = 900000 + (int64_t)(dice % 100001); /* Millionths. */
    return (struct dr_meter_answer){
        .outcome = DR_METER_READ,
        /* In two parts: the product of a large capacity would not fit. */
        .adjust_point = capacity / MILLION * factor + capacity % MILLION * factor / MILLION,
        .is_real = (dice >> 40) % 8 != 0,
    };
}

static void simulate(void *arg, struct dure_port_call *call)
{
    *(struct dr_meter_answer *)call->answer =
        dure_meter_simulate((uint64_t)(uintptr_t)arg, call->asked);
    dure_port_answer(call, true);
}

static void by_hand(void *arg, struct dure_port_call *call)
{
    (void)arg;
    ((struct dr_meter_answer *)call->answer)->outcome = DR_METER_BY_HAND;
    dure_port_answer(call, true);
}

/* "simulated" or "simulated:7" */
static int read_seed(const char *text, uint64_t *seed)
{
    *seed = SEED_DEFAULT;
    if (*text == '\0') return 0;
    char *end;
    *seed = strtoull(text + 1, &end, 10);
    return *text == ':' && end != text + 1 && *end == '\0' ? 0 : DURE_EINVAL;
}

/* "http:URL", and a URL as it is. */
static const char *url_of(const char *how)
{
    if (strncmp(how, "http:http", 9) == 0) how += 5;
    bool url = strncmp(how, "http://", 7) == 0 || strncmp(how, "https://", 8) == 0;
    return url ? how : NULL;
}

int dure_meter_attach(struct dure_meter *meter, struct dure_ports *ports, uv_loop_t *uv,
                      const char *how)
{
    static const char simulated[] = "simulated";
    struct dure_adapter adapter = {.ask = by_hand, .calls_max = CALLS_MAX};
    if (strncmp(how, simulated, sizeof simulated - 1) == 0) {
        uint64_t seed;
        if (read_seed(how + sizeof simulated - 1, &seed) != 0) return DURE_EINVAL;
        adapter.ask = simulate;
        adapter.arg = (void *)(uintptr_t)seed;
    } else if (url_of(how) != NULL) {
        snprintf(meter->url, sizeof meter->url, "%s", url_of(how));
        adapter.ask = dure_meter_http_ask;
        adapter.arg = meter;
        int rv = dure_outgoing_open(&meter->outgoing, uv, true); /* The operator chose it. */
        if (rv != 0) return rv;
    } else if (strcmp(how, "manual") != 0) {
        return DURE_EINVAL;
    }
    return dure_ports_attach(ports, &dr_meter, &adapter);
}

void dure_meter_close(struct dure_meter *meter)
{
    if (meter->outgoing != NULL) dure_outgoing_close(meter->outgoing);
    meter->outgoing = NULL;
}
