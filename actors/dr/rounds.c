/*
 * The list of a demand: DRstarted asks every user that exists then, each of whom gets a response
 * (ListMade); DRended closes these responses (ListSaved).
 */
#include "actors/dr/dr.h"

static const struct dure_field fields[] = {
    DURE_FIELD(struct dr_round, dr_id, "drId", DURE_INT, .flags = 0),
    DURE_FIELD(struct dr_round, started_ms, "startedMs", DURE_INT, .flags = 0),
};
const struct dure_schema dr_round_schema = DURE_SCHEMA("ListRound", struct dr_round, fields);

static void fill(const struct dure_event *event, void *payload)
{
    *(struct dr_round *)payload = (struct dr_round){.dr_id = event->id,
                                                    .started_ms = event->time_ms};
}

struct dure_round dr_list_round = {
    .system = "dr", .name = "list-round", .event = &dr_started, .command = &dr_user_list,
    .fill = fill, .then = &dr_ended, .then_command = &dr_response_close,
};
