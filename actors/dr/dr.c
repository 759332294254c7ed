/*
 * Demand response as a whole: what it consists of.
 */
#include "actors/dr/dr.h"

static struct dure_aggregate *const aggregates[] = {
    &dr_demand, &dr_response, &dr_kepco, &dr_user, &dr_user_info, NULL,
};
static struct dure_saga *const sagas[] = {&dr_answer_saga, NULL};
static struct dure_round *const rounds[] = {&dr_list_round, NULL};
static const struct dure_port *const ports[] = {&dr_meter, NULL};

const struct dure_system dr_system = {
    .name = "dr", .aggregates = aggregates, .sagas = sagas, .projections = dr_projections,
    .rounds = rounds, .ports = ports, .audit = &dr_audit,
};
