/*
 * Directories (directory.c): from a natural key to the aggregate that has it.
 */
#ifndef DURE_RUNTIME_DIRECTORY_H
#define DURE_RUNTIME_DIRECTORY_H

#include "runtime/actor.h"
#include "runtime/mail.h"

struct dure_directory_state { int64_t key, target; }; /* target: id of the aggregate; 0: none. */

/* directory.c: passes COMMAND mail on to the aggregate of this key, making one for CREATES. False:
 * it refused, and the mail ends here. */
bool dure_directory_handle(struct dure_runtime *rt, struct dure_actor *actor,
                           struct dure_mail *mail);

#endif
