/*
 * An answer counts only while its demand runs, which the demand alone knows: it is asked first.
 *
 *   step     command              refused by
 *   confirm  confirm @ dr         the demand has ended
 *   choose   choose  @ response   it has been closed meanwhile
 */
#include "actors/dr/dr.h"

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct dr_answer_saga, member, json, kind, __VA_ARGS__)
static const struct dure_field fields[] = {
    FIELD(response_id, "responseId", DURE_INT, .flags = 0),
    FIELD(dr_id, "drId", DURE_INT, .flags = 0),
    FIELD(answer, "answer", DURE_ENUM, .texts = dr_answer_texts),
};
static const struct dure_schema schema = DURE_SCHEMA("AnswerSaga", struct dr_answer_saga, fields);

static int64_t demand(const void *data)
{
    return ((const struct dr_answer_saga *)data)->dr_id;
}

static int64_t response(const void *data)
{
    return ((const struct dr_answer_saga *)data)->response_id;
}

static void fill_choose(const void *data, void *payload)
{
    ((struct dr_choose *)payload)->answer = ((const struct dr_answer_saga *)data)->answer;
}

static const struct dure_saga_step steps[] = {
    {.name = "confirm", .command = &dr_demand_confirm, .target = demand},
    {.name = "choose", .command = &dr_response_choose, .target = response, .fill = fill_choose},
};

struct dure_saga dr_answer_saga = {
    .system = "dr", .name = "answer-saga", .data = &schema, .steps = steps,
    .steps_count = sizeof steps / sizeof steps[0], .refuse = &dr_response_keep,
};
