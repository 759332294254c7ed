/*
 * The library as a whole: what it consists of.
 */
#include "library.h"

static struct dure_aggregate *const aggregates[] = {
    &library_book, &library_reader, &library_loan, &library_shelf, NULL,
};
static struct dure_saga *const sagas[] = {&library_lend_saga, &library_return_saga, NULL};

const struct dure_system library_system = {
    .name = "library", .aggregates = aggregates, .sagas = sagas, .policies = library_policies,
    .projections = library_projections, .audit = &library_audit,
};
