/*
 * Settlements: one per accepted response of an ended demand, under the response's id as their key.
 *
 *   open      the end of the demand makes it; the meter is asked (the port)
 *   answer    what the port says: a reading settles it; a failure asks again later; "by hand" waits
 *   measure   POST /kepcos: a reading by hand settles it, too
 *   settled   once, whichever comes first: the user gets the points, or the response becomes deny
 *
 * The timer is always set until then, so that no question is lost for good.
 */
#include "actors/dr/dr.h"

/* For an adapter that has the question and has not said anything, or a node that stopped meanwhile. */
#define SILENCE_MS (2 * 60 * 1000)
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS (5 * 60 * 1000)
/* Rows that wait for somebody: another meter may be configured by then. */
#define BY_HAND_MS (60 * 60 * 1000)

#define FIELD(member, json, kind, ...) DURE_FIELD(struct dr_kepco, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(dr_id, "drId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(response_id, "responseId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(response_answer, "responseAnswer", DURE_ENUM, .flags = DURE_GOVERNED,
          .texts = dr_answer_texts),
    FIELD(adjust_point, "adjustPoint", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(is_real, "isReal", DURE_BOOL, .flags = DURE_GOVERNED),
    FIELD(capacity, "capacity", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(attempt, "attempt", DURE_INT, .flags = DURE_HIDDEN),
    FIELD(asked, "asked", DURE_BOOL, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema = DURE_SCHEMA("Kepco", struct dr_kepco, state_fields);

#define OPEN(member, json, kind, ...) DURE_FIELD(struct dr_open, member, json, kind, __VA_ARGS__)
static const struct dure_field open_fields[] = {
    OPEN(dr_id, "drId", DURE_INT, .flags = 0),
    OPEN(user_id, "userId", DURE_INT, .flags = 0),
    OPEN(response_id, "responseId", DURE_INT, .flags = 0),
    OPEN(capacity, "capacity", DURE_INT, .flags = 0),
};
static const struct dure_schema open_schema = DURE_SCHEMA("OpenKepco", struct dr_open, open_fields);

#define MEASURED(member, json, kind, ...)                                                          \
    DURE_FIELD(struct dr_measured, member, json, kind, __VA_ARGS__)
static const struct dure_field measured_fields[] = {
    MEASURED(dr_id, "drId", DURE_INT, .flags = 0),
    MEASURED(user_id, "userId", DURE_INT, .flags = 0),
    MEASURED(response_id, "responseId", DURE_INT, .flags = DURE_REQUIRED),
    MEASURED(response_answer, "responseAnswer", DURE_ENUM, .texts = dr_answer_texts),
    MEASURED(adjust_point, "adjustPoint", DURE_INT, .flags = DURE_REQUIRED, .min = 0,
             .max = DR_ADJUST_MAX),
    MEASURED(is_real, "isReal", DURE_BOOL, .flags = DURE_REQUIRED),
};
static const struct dure_schema measured_schema =
    DURE_SCHEMA("Measure", struct dr_measured, measured_fields);

#define ASKED(member, json, kind, ...)                                                             \
    DURE_FIELD(struct dr_meter_asked, member, json, kind, __VA_ARGS__)
static const struct dure_field asked_fields[] = {
    ASKED(attempt, "attempt", DURE_INT, .flags = 0),
    ASKED(dr_id, "drId", DURE_INT, .flags = 0),
    ASKED(user_id, "userId", DURE_INT, .flags = 0),
    ASKED(response_id, "responseId", DURE_INT, .flags = 0),
    ASKED(capacity, "capacity", DURE_INT, .flags = 0),
};
static const struct dure_schema asked_schema =
    DURE_SCHEMA("MeterAsked", struct dr_meter_asked, asked_fields);

#define ANSWER(member, json, kind, ...)                                                            \
    DURE_FIELD(struct dr_meter_answer, member, json, kind, __VA_ARGS__)
static const char *const outcome_texts[] = {NULL, "read", "failed", "by hand", NULL};
static const struct dure_field answer_fields[] = {
    ANSWER(outcome, "outcome", DURE_ENUM, .texts = outcome_texts),
    ANSWER(retry_ms, "retryMs", DURE_INT, .flags = 0),
    ANSWER(adjust_point, "adjustPoint", DURE_INT, .flags = 0),
    ANSWER(is_real, "isReal", DURE_BOOL, .flags = 0),
};
static const struct dure_schema answer_schema =
    DURE_SCHEMA("MeterAnswer", struct dr_meter_answer, answer_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

struct check_event {
    int64_t id, dr_id, user_id, response_id, adjust_point;
    uint8_t response_answer;
    int8_t is_real;
};
#define EVENT(member, json, kind, ...) DURE_FIELD(struct check_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(dr_id, "drId", DURE_INT, .flags = 0),
    EVENT(user_id, "userId", DURE_INT, .flags = 0),
    EVENT(response_id, "responseId", DURE_INT, .flags = 0),
    EVENT(response_answer, "responseAnswer", DURE_ENUM, .texts = dr_answer_texts),
    EVENT(adjust_point, "adjustPoint", DURE_INT, .flags = 0),
    EVENT(is_real, "isReal", DURE_BOOL, .flags = 0),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("ReductionCheck", struct check_event, event_fields);

static void apply_opened(void *state, const struct dure_event *event)
{
    const struct dr_open *open = event->data;
    struct dr_kepco *kepco = state;
    kepco->id = event->id;
    kepco->dr_id = open->dr_id;
    kepco->user_id = open->user_id;
    kepco->response_id = open->response_id;
    kepco->capacity = open->capacity;
    kepco->response_answer = DR_ACCEPT;
}

static void apply_asked(void *state, const struct dure_event *event)
{
    struct dr_kepco *kepco = state;
    kepco->attempt = ((const struct dr_meter_asked *)event->data)->attempt;
    kepco->asked = 1;
}

static void apply_missed(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct dr_kepco *)state)->asked = 0;
}

static void apply_checked(void *state, const struct dure_event *event)
{
    const struct check_event *check = event->data;
    struct dr_kepco *kepco = state;
    kepco->adjust_point = check->adjust_point;
    kepco->is_real = check->is_real;
    kepco->asked = 0;
}

static struct dure_event_type opened = {
    .name = "KepcoOpened", .schema = &open_schema, .internal = true, .apply = apply_opened};
struct dure_event_type dr_meter_asked = {
    .name = "MeterAsked", .schema = &asked_schema, .internal = true, .apply = apply_asked};
static struct dure_event_type missed = {
    .name = "MeterMissed", .internal = true, .apply = apply_missed};
struct dure_event_type dr_reduction_check = {
    .name = "ReductionCheck", .schema = &event_schema, .apply = apply_checked};

/* ---- Asking the meter ------------------------------------------------------------------------ */

static bool is_settled(const struct dr_kepco *kepco)
{
    return kepco->is_real >= 0;
}

static void ask_meter(struct dure_out *out, const struct dr_open *what, int64_t attempt,
                      const struct dure_msg *in)
{
    struct dr_meter_asked *asked = dure_emit(out, &dr_meter_asked);
    *asked = (struct dr_meter_asked){.attempt = attempt, .dr_id = what->dr_id,
                                     .user_id = what->user_id, .response_id = what->response_id,
                                     .capacity = what->capacity};
    dure_timer(out, in->now_ms + SILENCE_MS + (int64_t)(in->seed % SILENCE_MS));
}

static int open_kepco(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    if (in->exists) {
        dure_refuse(out, 409, "kepco %lld is there already", (long long)in->id);
        return 0;
    }
    memcpy(dure_emit(out, &opened), in->data, sizeof(struct dr_open));
    ask_meter(out, in->data, 1, in);
    return 0;
}

static int ask_again(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_kepco *kepco = state;
    if (is_settled(kepco)) return 0;
    struct dr_open what = {.dr_id = kepco->dr_id, .user_id = kepco->user_id,
                           .response_id = kepco->response_id, .capacity = kepco->capacity};
    ask_meter(out, &what, kepco->attempt + 1, in);
    return 0;
}

/* ---- Settling -------------------------------------------------------------------------------- */

static void settle(const struct dr_kepco *kepco, int64_t adjust_point, bool is_real,
                   struct dure_out *out)
{
    struct check_event *check = dure_emit(out, &dr_reduction_check);
    *check = (struct check_event){.id = kepco->id, .dr_id = kepco->dr_id,
                                  .user_id = kepco->user_id, .response_id = kepco->response_id,
                                  .adjust_point = adjust_point,
                                  .response_answer = kepco->response_answer, .is_real = is_real};
    dure_timer(out, DURE_NULL);
    if (is_real) {
        struct dr_points *points = dure_send(out, &dr_user_add_points, kepco->user_id);
        points->point = adjust_point;
    } else {
        dure_send(out, &dr_response_correct, kepco->response_id);
    }
}

static int answer(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_kepco *kepco = state;
    const struct dr_meter_answer *answer = in->data;
    if (is_settled(kepco)) {
        dure_refuse(out, 409, "response %lld is settled", (long long)kepco->response_id);
    } else if (answer->outcome == DR_METER_READ) {
        settle(kepco, answer->adjust_point, answer->is_real == 1, out);
    } else {
        int64_t wait_ms =
            answer->outcome == DR_METER_BY_HAND
                ? BY_HAND_MS
                : dure_backoff_ms(kepco->attempt, RETRY_FIRST_MS, RETRY_MAX_MS, in->seed);
        dure_emit(out, &missed);
        if (answer->retry_ms > wait_ms) wait_ms = answer->retry_ms;
        dure_timer(out, in->now_ms + wait_ms);
    }
    return 0;
}

static bool differs(int64_t named, int64_t own)
{
    return named != DURE_NULL && named != own;
}

static int measure(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_kepco *kepco = state;
    const struct dr_measured *measured = in->data;
    if (is_settled(kepco)) {
        dure_refuse(out, 409, "response %lld is settled", (long long)kepco->response_id);
    } else if (differs(measured->dr_id, kepco->dr_id) ||
               differs(measured->user_id, kepco->user_id)) {
        dure_refuse(out, 409, "response %lld is of DR %lld and user %lld",
                    (long long)kepco->response_id, (long long)kepco->dr_id,
                    (long long)kepco->user_id);
    } else if (measured->response_answer != DR_ANSWER_NONE &&
               measured->response_answer != kepco->response_answer) {
        dure_refuse(out, 409, "the answer of response %lld was %s", (long long)kepco->response_id,
                    dr_answer_texts[kepco->response_answer]);
    } else {
        settle(kepco, measured->adjust_point, measured->is_real == 1, out);
    }
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static const struct dure_command dr_kepco_measure = {
    .name = "measure", .aggregate = &dr_kepco, .schema = &measured_schema, .handle = measure,
    .example = {"{\"responseId\":1,\"adjustPoint\":383,\"isReal\":true}",
                "dr.response.accept dr.dr.end --meter=manual"}};
const struct dure_command dr_kepco_open = {
    .name = "open", .aggregate = &dr_kepco, .schema = &open_schema, .flags = DURE_CREATES,
    .handle = open_kepco};
const struct dure_command dr_kepco_answer = {
    .name = "answer", .aggregate = &dr_kepco, .schema = &answer_schema, .handle = answer};
static const struct dure_command dr_kepco_ask_again = {
    .name = "ask-again", .aggregate = &dr_kepco, .handle = ask_again};

static const struct dure_command *const commands[] = {
    &dr_kepco_measure, &dr_kepco_open, &dr_kepco_answer, &dr_kepco_ask_again, NULL,
};
static struct dure_event_type *const events[] = {
    &opened, &dr_meter_asked, &missed, &dr_reduction_check, NULL,
};

struct dure_aggregate dr_kepco = {
    .system = "dr", .name = "kepco", .collection = "kepcos", .schema = &state_schema,
    .commands = commands, .events = events, .create = &dr_kepco_measure, .key = "responseId",
    .unkeyed = &dr_response_explain, .wake = &dr_kepco_ask_again,
    .made_by = "dr.response.accept dr.dr.end",
};

static bool is_unanswered(const void *state)
{
    return ((const struct dr_kepco *)state)->asked == 1;
}

const struct dure_port dr_meter = {
    .system = "dr", .name = "meter", .asked = &dr_meter_asked, .answer = &dr_kepco_answer,
    .unanswered = is_unanswered,
};
