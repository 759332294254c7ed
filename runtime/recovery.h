/*
 * Recovery, and the reading of events as it does it.
 */
#ifndef DURE_RUNTIME_RECOVERY_H
#define DURE_RUNTIME_RECOVERY_H

#include "runtime/core.h"
#include "runtime/record.h"

/* Reads an event's data (which follows its head in the record) into a struct of type->schema.
 * 0 or DURE_ECORRUPT. */
DURE_MUST_CHECK int dure_recovery_decode(const struct dure_event_type *type,
                                         const struct dure_entry_event *head, void *data);

#endif
