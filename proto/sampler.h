/*
 * Takes a node's samples (proto/samples.h), at the end of every slot of wall time.
 */
#ifndef DURE_PROTO_SAMPLER_H
#define DURE_PROTO_SAMPLER_H

#include "proto/samples.h"

struct uv_loop_s;
struct dure_gateway;
struct dure_sampler;

struct dure_sampler_options {
    struct uv_loop_s *loop;          /* NULL: samples are taken only by dure_sampler_take. */
    const struct dure_samples *past; /* What it begins with, copied; NULL: nothing. */
    void (*taken)(void *arg, const struct dure_sample *sample); /* NULL: nobody keeps them. */
    void *arg;
};

/* Begins to count, and by the loop's time to take samples. DURE_ENOMEM, DURE_ESYSTEM. */
DURE_MUST_CHECK int dure_sampler_open(struct dure_sampler **sampler,
                                      const struct dure_gateway *gateway,
                                      const struct dure_sampler_options *options);
/* Frees itself when the loop has closed its handle. Safe on NULL. */
void dure_sampler_close(struct dure_sampler *sampler);

/* The sample of the slot that has ended last, unless it is there already. */
void dure_sampler_take(struct dure_sampler *sampler);
const struct dure_samples *dure_sampler_samples(const struct dure_sampler *sampler);

#endif
