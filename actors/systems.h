/*
 * The systems that this binary can serve.
 */
#ifndef DURE_ACTORS_SYSTEMS_H
#define DURE_ACTORS_SYSTEMS_H

#include "runtime/dure.h"

/* NULL at the end; static. */
const struct dure_system *const *dure_systems(void);

#endif
