/*
 * A small system for unit tests: counters that pass on, tell and wake, and two views of them.
 *
 *   add    { amount }  Added: sum += amount; below 0: refused 409
 *   pass   { amount }  add, and the same add for the counter id + 1
 *   tell   { amount }  Told; the policy adds the amount to the counter id + VILLAGE_TOLD
 *   alarm  { amount }  the timer is set to that time; DURE_NULL takes it back
 *   wake               Woke: wakes + 1, and woken_at; what the timer brings
 *   tally  (view)      per id % 10: how many Added, their sum, and their amounts in order
 *   echo   (view)      per counter: Told creates it, Added is counted only where it exists
 */
#ifndef DURE_TESTS_VILLAGE_H
#define DURE_TESTS_VILLAGE_H

#include "runtime/dure.h"

#define VILLAGE_TOLD 1000

struct village_counter { int64_t id, sum, wakes, woken_at; };
struct village_add { int64_t amount; };
struct village_tally { int64_t id, count, sum, order; };
struct village_echo { int64_t id, told, added; };

extern struct dure_aggregate village_counter, village_tally, village_echo;
extern const struct dure_command village_add, village_pass, village_tell, village_alarm;
extern struct dure_event_type village_added, village_told, village_woke;
extern const struct dure_system village;
/* For dure_registry_init. */
extern const struct dure_system *const village_systems[];

#endif
