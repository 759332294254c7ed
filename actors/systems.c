/*
 * The systems of this binary, from the list in actors/meson.build: DURE_SYSTEMS is a SYSTEM(name)
 * for each, whose folder defines name_system.
 */
#include "actors/systems.h"

#define SYSTEM(name) extern const struct dure_system name##_system;
DURE_SYSTEMS
#undef SYSTEM

const struct dure_system *const *dure_systems(void)
{
#define SYSTEM(name) &name##_system,
    static const struct dure_system *const systems[] = {DURE_SYSTEMS NULL};
#undef SYSTEM
    return systems;
}
