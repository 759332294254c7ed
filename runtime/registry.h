/*
 * The registered types: one per aggregate, key directory, saga, round or view. Global, made once at
 * start, and fixed from then on. Private to the runtime, as is all that core.h brings.
 */
#ifndef DURE_RUNTIME_REGISTRY_H
#define DURE_RUNTIME_REGISTRY_H

#include "runtime/dure.h"

enum dure_type_kind { DURE_KIND_AGGREGATE, DURE_KIND_DIRECTORY, DURE_KIND_SAGA, DURE_KIND_VIEW,
                      DURE_KIND_ROUND };

struct dure_type {
    enum dure_type_kind kind;
    uint16_t index;          /* In the registry: 0 … count - 1. */
    uint32_t code;           /* On disk: xxh64 of name, low 32 bits; collisions refused at start. */
    char name[64];           /* "shop.order", "shop.pay#key", "shop.order-saga" */
    const char *system;
    const struct dure_schema *schema;  /* Whole state; for a saga: of the data behind the header. */
    size_t state_size;                 /* Bytes of the state, header included. */
    struct dure_aggregate *aggregate;  /* AGGREGATE and VIEW, and DIRECTORY (the one it serves). */
    const struct dure_saga *saga;      /* SAGA */
    const struct dure_round *round;    /* ROUND */
    struct dure_type *directory;       /* AGGREGATE with a natural key. */
    /* Made by the registry: every aggregate has them. Internal; payload = the whole state. Edited's
     * apply copies the editable fields; Removed removes. */
    struct dure_event_type edited, removed;
    /* Of sagas: a person has left a step out; payload = the saga's data. Only audits look at it. */
    struct dure_event_type skipped;
};

/* Sagas and rounds are journaled by their state, once a group, their timer with it. */
static inline bool dure_type_by_state(const struct dure_type *type)
{
    return type->kind == DURE_KIND_SAGA || type->kind == DURE_KIND_ROUND;
}

struct dure_event_rules {
    const struct dure_policy *policies[DURE_RULES_MAX];
    const struct dure_projection *projections[DURE_RULES_MAX];
    const struct dure_round *rounds[DURE_RULES_MAX], *thens[DURE_RULES_MAX];
    const struct dure_port *ports[DURE_RULES_MAX];
    size_t policies_count, projections_count, rounds_count, thens_count, ports_count;
};

/* Registers the systems (NULL-terminated). Once per process. Prints and returns DURE_EINVAL when a
 * table contradicts itself. */
DURE_MUST_CHECK int dure_registry_init(const struct dure_system *const *systems);
const struct dure_system *const *dure_registry_systems(void);
size_t dure_registry_count(void);
struct dure_type *dure_registry_type(size_t index);
size_t dure_registry_looks(void); /* How many; their indexes are 0 … count - 1. */
const struct dure_look *dure_registry_look(size_t index);
struct dure_type *dure_registry_type_by_code(uint32_t code);               /* NULL: unknown. */
struct dure_event_type *dure_registry_event(const struct dure_type *type, uint32_t code);
const struct dure_command *dure_registry_command(const struct dure_type *type, uint32_t code);
uint32_t dure_registry_code(const char *name); /* The hash used for types, events, commands. */

#endif
