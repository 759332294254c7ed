/*
 * The adapters of the dr system's meter port, by --meter:
 *
 *   simulated[:SEED]  a reading at once: floor(capacity × f), f from 0.90 to 1.00, one in eight not real;
 *                     the same for the same seed, demand and response. With the default seed SPEC C's
 *                     scenario gives its own readings.
 *   manual            none: rows wait for POST /kepcos
 *   http:URL          asks URL (cmd/meter_http.c)
 */
#ifndef DURE_CMD_METER_H
#define DURE_CMD_METER_H

#include "actors/dr/dr.h"
#include "proto/outgoing.h"
#include "proto/ports.h"

/* The reading that is simulated. */
struct dr_meter_answer dure_meter_simulate(uint64_t seed, const struct dr_meter_asked *asked);

struct dure_meter { /* Zeroed by the caller. */
    struct dure_outgoing *outgoing; /* http */
    char url[1024];
};

/* 0; DURE_EINVAL when `how` is none of these; what opening meets. */
DURE_MUST_CHECK int dure_meter_attach(struct dure_meter *meter, struct dure_ports *ports,
                                      uv_loop_t *uv, const char *how);
/* Before the ports are closed; those under way are answered as failed. */
void dure_meter_close(struct dure_meter *meter);
/* cmd/meter_http.c; arg is the meter. */
void dure_meter_http_ask(void *arg, struct dure_port_call *call);

#endif
