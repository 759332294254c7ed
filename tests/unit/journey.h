/*
 * A system of sagas for unit tests: a traveller books with four parties, one after the other.
 *
 *   traveller.start { saga, base, party_step }   begins one of the sagas below under its own id;
 *                                     party i has the id base + i × party_step
 *   traveller.finish, traveller.refuse           what the saga tells it: noted in the state
 *   party.book, party.unbook                     counted; a party in a bad mood refuses
 *   party.mood { book, unbook }                  1: refuses from now on
 *
 *   trip      book 0, 1, 2, 3 (each undone by unbook), finish; refused: traveller.refuse
 *   strict    book 0, 1 (unless_gone), 2, all `must`, finish
 *   late      book 0, 1 (within 1 s, undo_late), 2, finish; refused: traveller.refuse
 *   patient   the same without undo_late
 */
#ifndef DURE_TESTS_JOURNEY_H
#define DURE_TESTS_JOURNEY_H

#include "runtime/dure.h"

#define JOURNEY_DEADLINE_MS 1000

enum journey_saga { JOURNEY_TRIP, JOURNEY_STRICT, JOURNEY_LATE, JOURNEY_PATIENT };

struct journey_start { int64_t saga, base, party_step; };
struct journey_notes { int64_t learned_done, learned_refused, learned_id, refused_step; };
struct journey_traveller {
    int64_t id, started, finished, refused;
    int64_t learned_done, learned_refused, learned_id, refused_step;
};
struct journey_mood { int64_t book, unbook; };
struct journey_party { int64_t id, booked, unbooked, refuses_book, refuses_unbook; };

extern struct dure_aggregate journey_traveller, journey_party;
extern const struct dure_command journey_start, journey_mood;
extern struct dure_event_type journey_booked, journey_unbooked;
extern struct dure_saga journey_trip, journey_strict, journey_late, journey_patient;
extern const struct dure_system *const journey_systems[];

#endif
