/*
 * The journey: see its header. Pure.
 */
#include "tests/unit/journey.h"

#include <string.h>

#define INT(type, member, json, ...)                                                               \
    DURE_FIELD(type, member, json, DURE_INT, .has_start = true, __VA_ARGS__)

/* ---- Payloads and states ------------------------------------------------------------------------ */

static const struct dure_field start_fields[] = {
    INT(struct journey_start, saga, "saga", .flags = 0),
    INT(struct journey_start, base, "base", .flags = 0),
    INT(struct journey_start, party_step, "partyStep", .flags = 0),
};
static const struct dure_schema start_schema =
    DURE_SCHEMA("Start", struct journey_start, start_fields);

#define NOTE(type, member, json) INT(type, member, json, .flags = 0)
static const struct dure_field notes_fields[] = {
    NOTE(struct journey_notes, learned_done, "learnedDone"),
    NOTE(struct journey_notes, learned_refused, "learnedRefused"),
    NOTE(struct journey_notes, learned_id, "learnedId"),
    NOTE(struct journey_notes, refused_step, "refusedStep"),
};
static const struct dure_schema notes_schema =
    DURE_SCHEMA("Notes", struct journey_notes, notes_fields);

static const struct dure_field traveller_fields[] = {
    INT(struct journey_traveller, id, "id", .flags = DURE_ID),
    NOTE(struct journey_traveller, started, "started"),
    NOTE(struct journey_traveller, finished, "finished"),
    NOTE(struct journey_traveller, refused, "refused"),
    NOTE(struct journey_traveller, learned_done, "learnedDone"),
    NOTE(struct journey_traveller, learned_refused, "learnedRefused"),
    NOTE(struct journey_traveller, learned_id, "learnedId"),
    NOTE(struct journey_traveller, refused_step, "refusedStep"),
};
static const struct dure_schema traveller_schema =
    DURE_SCHEMA("Traveller", struct journey_traveller, traveller_fields);

static const struct dure_field mood_fields[] = {
    NOTE(struct journey_mood, book, "book"),
    NOTE(struct journey_mood, unbook, "unbook"),
};
static const struct dure_schema mood_schema = DURE_SCHEMA("Mood", struct journey_mood, mood_fields);

static const struct dure_field party_fields[] = {
    INT(struct journey_party, id, "id", .flags = DURE_ID),
    NOTE(struct journey_party, booked, "booked"),
    NOTE(struct journey_party, unbooked, "unbooked"),
    NOTE(struct journey_party, refuses_book, "refusesBook"),
    NOTE(struct journey_party, refuses_unbook, "refusesUnbook"),
};
static const struct dure_schema party_schema =
    DURE_SCHEMA("Party", struct journey_party, party_fields);

/* ---- The traveller ------------------------------------------------------------------------------ */

static void apply_started(void *state, const struct dure_event *event)
{
    ((struct journey_traveller *)state)->id = event->id;
    ((struct journey_traveller *)state)->started++;
}

static void note(struct journey_traveller *traveller, const struct journey_notes *notes)
{
    traveller->learned_done = notes->learned_done;
    traveller->learned_refused = notes->learned_refused;
    traveller->learned_id = notes->learned_id;
    traveller->refused_step = notes->refused_step;
}

static void apply_finished(void *state, const struct dure_event *event)
{
    ((struct journey_traveller *)state)->finished++;
    note(state, event->data);
}

static void apply_refused(void *state, const struct dure_event *event)
{
    ((struct journey_traveller *)state)->refused++;
    note(state, event->data);
}

static struct dure_event_type started = {
    .name = "Started", .schema = &start_schema, .apply = apply_started};
static struct dure_event_type finished = {
    .name = "Finished", .schema = &notes_schema, .apply = apply_finished};
static struct dure_event_type refused = {
    .name = "Refused", .schema = &notes_schema, .apply = apply_refused};
static struct dure_event_type *const traveller_events[] = {&started, &finished, &refused, NULL};

struct data { /* Of every saga. */
    struct journey_start start;
    struct journey_notes notes;
    int64_t id;
};

static int on_start(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    static const struct dure_saga *const sagas[] = {
        &journey_trip, &journey_strict, &journey_late, &journey_patient};
    (void)state;
    const struct journey_start *start = in->data;
    *(struct journey_start *)dure_emit(out, &started) = *start;
    struct data *data = dure_start(out, sagas[start->saga], in->id);
    data->start = *start;
    data->id = in->id;
    return 0;
}

static int on_finish(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct journey_notes *)dure_emit(out, &finished) = *(const struct journey_notes *)in->data;
    return 0;
}

static int on_refuse(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct journey_notes *)dure_emit(out, &refused) = *(const struct journey_notes *)in->data;
    return 0;
}

#define OF_TRAVELLER(text, handler, payload, ...)                                                  \
    {.name = (text), .aggregate = &journey_traveller, .schema = (payload), .handle = (handler),    \
     __VA_ARGS__}
const struct dure_command journey_start =
    OF_TRAVELLER("start", on_start, &start_schema, .flags = DURE_CREATES);
static const struct dure_command finish =
    OF_TRAVELLER("finish", on_finish, &notes_schema, .flags = 0);
static const struct dure_command refuse =
    OF_TRAVELLER("refuse", on_refuse, &notes_schema, .flags = 0);
static const struct dure_command *const traveller_commands[] = {
    &journey_start, &finish, &refuse, NULL};

static const char *why_refused(const void *state)
{
    return ((const struct journey_traveller *)state)->refused > 0 ? "somebody was full" : NULL;
}

struct dure_aggregate journey_traveller = {
    .system = "journey", .name = "traveller", .collection = "travellers",
    .schema = &traveller_schema, .commands = traveller_commands, .events = traveller_events,
    .create = &journey_start, .refused = why_refused};

/* ---- The parties -------------------------------------------------------------------------------- */

static void apply_booked(void *state, const struct dure_event *event)
{
    ((struct journey_party *)state)->id = event->id;
    ((struct journey_party *)state)->booked++;
}

static void apply_unbooked(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct journey_party *)state)->unbooked++;
}

static void apply_mood(void *state, const struct dure_event *event)
{
    struct journey_party *party = state;
    const struct journey_mood *mood = event->data;
    party->id = event->id;
    party->refuses_book = mood->book;
    party->refuses_unbook = mood->unbook;
}

struct dure_event_type journey_booked = {.name = "Booked", .apply = apply_booked};
struct dure_event_type journey_unbooked = {.name = "Unbooked", .apply = apply_unbooked};
static struct dure_event_type mood_changed = {
    .name = "MoodChanged", .schema = &mood_schema, .internal = true, .apply = apply_mood};
static struct dure_event_type *const party_events[] = {
    &journey_booked, &journey_unbooked, &mood_changed, NULL};

static int on_book(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct journey_party *party = state;
    (void)in;
    if (party->refuses_book) dure_refuse(out, 409, "no booking here");
    else (void)dure_emit(out, &journey_booked);
    return 0;
}

static int on_unbook(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct journey_party *party = state;
    (void)in;
    if (party->refuses_unbook) dure_refuse(out, 409, "no unbooking here");
    else (void)dure_emit(out, &journey_unbooked);
    return 0;
}

static int on_mood(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    *(struct journey_mood *)dure_emit(out, &mood_changed) = *(const struct journey_mood *)in->data;
    return 0;
}

static const struct dure_command book = {
    .name = "book", .aggregate = &journey_party, .handle = on_book};
static const struct dure_command unbook = {
    .name = "unbook", .aggregate = &journey_party, .handle = on_unbook};
const struct dure_command journey_mood = {
    .name = "mood", .aggregate = &journey_party, .schema = &mood_schema, .flags = DURE_CREATES,
    .handle = on_mood};
static const struct dure_command *const party_commands[] = {&book, &unbook, &journey_mood, NULL};

struct dure_aggregate journey_party = {
    .system = "journey", .name = "party", .collection = "parties", .schema = &party_schema,
    .commands = party_commands, .events = party_events, .create = &journey_mood,
    .removable = true};

/* ---- The sagas ---------------------------------------------------------------------------------- */

static const struct dure_field data_fields[] = {
    NOTE(struct data, start.saga, "saga"), NOTE(struct data, start.base, "base"),
    NOTE(struct data, start.party_step, "partyStep"),
    NOTE(struct data, notes.learned_done, "learnedDone"),
    NOTE(struct data, notes.learned_refused, "learnedRefused"),
    NOTE(struct data, notes.learned_id, "learnedId"),
    NOTE(struct data, notes.refused_step, "refusedStep"),
    NOTE(struct data, id, "traveller"),
};
static const struct dure_schema data_schema = DURE_SCHEMA("Journey", struct data, data_fields);

static int64_t party(const void *data, int64_t number)
{
    const struct data *journey = data;
    return journey->start.base + number * journey->start.party_step;
}
static int64_t party_0(const void *data) { return party(data, 0); }
static int64_t party_1(const void *data) { return party(data, 1); }
static int64_t party_2(const void *data) { return party(data, 2); }
static int64_t party_3(const void *data) { return party(data, 3); }
static int64_t traveller(const void *data) { return ((const struct data *)data)->id; }

static void learn(void *data, const struct dure_outcome *outcome)
{
    struct journey_notes *notes = &((struct data *)data)->notes;
    if (outcome->done) notes->learned_done++;
    else notes->learned_refused++;
    notes->learned_id = outcome->id;
}

static void fill_finish(const void *data, void *payload)
{
    *(struct journey_notes *)payload = ((const struct data *)data)->notes;
}

static void fill_refuse(const void *data, size_t step, const char *reason, void *payload)
{
    (void)reason;
    fill_finish(data, payload);
    ((struct journey_notes *)payload)->refused_step = (int64_t)step;
}

#define BOOK(number, ...)                                                                          \
    {.name = "book-" #number, .command = &book, .target = party_##number, .learn = learn,          \
     .done = &journey_booked, __VA_ARGS__}
#define FINISH                                                                                     \
    {.name = "finish", .command = &finish, .target = traveller, .fill = fill_finish, .must = true}
#define STEPS(table) .data = &data_schema, .steps = (table),                                       \
    .steps_count = sizeof(table) / sizeof((table)[0])

static const struct dure_saga_step trip_steps[] = {
    BOOK(0, .undo = &unbook), BOOK(1, .undo = &unbook), BOOK(2, .undo = &unbook),
    BOOK(3, .undo = &unbook), FINISH};
struct dure_saga journey_trip = {.system = "journey", .name = "trip", STEPS(trip_steps),
                                 .refuse = &refuse, .fill_refuse = fill_refuse};

static const struct dure_saga_step strict_steps[] = {
    BOOK(0, .must = true), BOOK(1, .must = true, .unless_gone = true), BOOK(2, .must = true),
    FINISH};
struct dure_saga journey_strict = {.system = "journey", .name = "strict", STEPS(strict_steps)};

static const struct dure_saga_step late_steps[] = {
    BOOK(0, .undo = &unbook),
    BOOK(1, .undo = &unbook, .deadline_ms = JOURNEY_DEADLINE_MS, .undo_late = true),
    BOOK(2, .undo = &unbook), FINISH};
struct dure_saga journey_late = {.system = "journey", .name = "late", STEPS(late_steps),
                                 .refuse = &refuse, .fill_refuse = fill_refuse};

static const struct dure_saga_step patient_steps[] = {
    BOOK(0, .undo = &unbook),
    BOOK(1, .undo = &unbook, .deadline_ms = JOURNEY_DEADLINE_MS),
    BOOK(2, .undo = &unbook), FINISH};
struct dure_saga journey_patient = {.system = "journey", .name = "patient", STEPS(patient_steps),
                                    .refuse = &refuse, .fill_refuse = fill_refuse};

static struct dure_aggregate *const aggregates[] = {&journey_traveller, &journey_party, NULL};
static struct dure_saga *const sagas[] = {
    &journey_trip, &journey_strict, &journey_late, &journey_patient, NULL};
static const struct dure_system journey = {
    .name = "journey", .aggregates = aggregates, .sagas = sagas};
const struct dure_system *const journey_systems[] = {&journey, NULL};
