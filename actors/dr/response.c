/*
 * Responses: one per user and demand, made by the demand's list, answered by the user while the
 * demand runs, closed by its end.
 *
 *   ignore → accept ↔ deny, then closed. Closed and accepted: settled by a kepco, once. A reduction
 *   that was none makes it deny.
 *
 * An answer takes effect by the answer saga, which asks the demand first.
 */
#include "actors/dr/dr.h"

const char *const dr_answer_texts[] = {NULL, "ignore", "accept", "deny", NULL};

#define FIELD(member, json, kind, ...)                                                             \
    DURE_FIELD(struct dr_response, member, json, kind, __VA_ARGS__)
static const struct dure_field state_fields[] = {
    FIELD(id, "id", DURE_INT, .flags = DURE_ID),
    FIELD(user_id, "userId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(dr_id, "drId", DURE_INT, .flags = DURE_GOVERNED | DURE_INDEXED),
    FIELD(user_capacity, "userCapacity", DURE_INT, .flags = DURE_GOVERNED),
    FIELD(answer, "answer", DURE_ENUM, .flags = DURE_GOVERNED, .texts = dr_answer_texts),
    FIELD(user_name, "userName", DURE_TEXT, .flags = DURE_GOVERNED),
    FIELD(asking, "asking", DURE_BOOL, .flags = DURE_HIDDEN),
    FIELD(closed, "closed", DURE_BOOL, .flags = DURE_HIDDEN),
    FIELD(owed, "owed", DURE_BOOL, .flags = DURE_HIDDEN),
};
static const struct dure_schema state_schema =
    DURE_SCHEMA("Response", struct dr_response, state_fields);

#define LIST(member, json, kind, ...) DURE_FIELD(struct dr_list, member, json, kind, __VA_ARGS__)
static const struct dure_field list_fields[] = {
    LIST(user_id, "userId", DURE_INT, .flags = 0),
    LIST(dr_id, "drId", DURE_INT, .flags = 0),
    LIST(user_capacity, "userCapacity", DURE_INT, .flags = 0),
    LIST(user_name, "userName", DURE_TEXT, .flags = 0),
};
static const struct dure_schema list_schema = DURE_SCHEMA("List", struct dr_list, list_fields);

static const struct dure_field choose_fields[] = {
    DURE_FIELD(struct dr_choose, answer, "answer", DURE_ENUM, .texts = dr_answer_texts),
};
static const struct dure_schema choose_schema =
    DURE_SCHEMA("Choose", struct dr_choose, choose_fields);

/* ---- Events ---------------------------------------------------------------------------------- */

struct response_event {
    int64_t id, user_id, dr_id, user_capacity;
    uint8_t answer;
};
#define EVENT(member, json, kind, ...)                                                             \
    DURE_FIELD(struct response_event, member, json, kind, __VA_ARGS__)
static const struct dure_field event_fields[] = {
    EVENT(id, "id", DURE_INT, .flags = 0),
    EVENT(user_id, "userId", DURE_INT, .flags = 0),
    EVENT(dr_id, "drId", DURE_INT, .flags = 0),
    EVENT(user_capacity, "userCapacity", DURE_INT, .flags = 0),
    EVENT(answer, "answer", DURE_ENUM, .texts = dr_answer_texts),
};
static const struct dure_schema event_schema =
    DURE_SCHEMA("ResponseEvent", struct response_event, event_fields);

static void apply_made(void *state, const struct dure_event *event)
{
    const struct response_event *made = event->data;
    struct dr_response *response = state;
    response->id = event->id;
    response->user_id = made->user_id;
    response->dr_id = made->dr_id;
    response->user_capacity = made->user_capacity;
    response->answer = made->answer;
    response->asking = response->closed = response->owed = 0;
}

static void apply_named(void *state, const struct dure_event *event)
{
    const struct dr_list *listed = event->data;
    struct dr_response *response = state;
    memcpy(response->user_name, listed->user_name, sizeof response->user_name);
}

static void apply_asked(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct dr_response *)state)->asking = 1;
}

static void apply_chosen(void *state, const struct dure_event *event)
{
    struct dr_response *response = state;
    response->answer = ((const struct response_event *)event->data)->answer;
    response->asking = 0;
}

static void apply_kept(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct dr_response *)state)->asking = 0;
}

static void apply_saved(void *state, const struct dure_event *event)
{
    (void)event;
    struct dr_response *response = state;
    response->closed = 1;
    response->owed = response->answer == DR_ACCEPT;
}

static void apply_corrected(void *state, const struct dure_event *event)
{
    (void)event;
    ((struct dr_response *)state)->answer = DR_DENY;
}

static struct dure_event_type list_made = {
    .name = "ListMade", .schema = &event_schema, .apply = apply_made};
static struct dure_event_type named = {
    .name = "ResponseNamed", .schema = &list_schema, .internal = true, .apply = apply_named};
static struct dure_event_type asked = {
    .name = "AnswerAsked", .internal = true, .apply = apply_asked};
static struct dure_event_type kept = {.name = "AnswerKept", .internal = true, .apply = apply_kept};
static struct dure_event_type corrected = {
    .name = "AnswerCorrected", .internal = true, .apply = apply_corrected};
struct dure_event_type dr_accept_chosen = {
    .name = "AcceptChosen", .schema = &event_schema, .apply = apply_chosen};
struct dure_event_type dr_deny_chosen = {
    .name = "DenyChosen", .schema = &event_schema, .apply = apply_chosen};
struct dure_event_type dr_list_saved = {
    .name = "ListSaved", .schema = &event_schema, .apply = apply_saved};

static void emit_public(struct dure_out *out, const struct dure_event_type *type,
                        const struct dr_response *response, uint8_t answer)
{
    struct response_event *event = dure_emit(out, type);
    *event = (struct response_event){.id = response->id, .user_id = response->user_id,
                                     .dr_id = response->dr_id,
                                     .user_capacity = response->user_capacity, .answer = answer};
}

/* ---- Made by the list, closed by it ---------------------------------------------------------- */

static int list(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    const struct dr_list *wanted = in->data;
    struct dr_response response = {.id = in->id, .user_id = wanted->user_id,
                                   .dr_id = wanted->dr_id,
                                   .user_capacity = wanted->user_capacity};
    emit_public(out, &list_made, &response, DR_IGNORE);
    if (wanted->user_name[0] == '\0') return 0;
    struct dr_list *name = dure_emit(out, &named); /* ListMade does not carry it. */
    memcpy(name->user_name, wanted->user_name, sizeof name->user_name);
    return 0;
}

static int close_list(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_response *response = state;
    const struct dr_round *round = in->data;
    if (response->dr_id != round->dr_id || response->closed) {
        dure_refuse(out, 409, "it is of another DR, or closed");
        return 0;
    }
    emit_public(out, &dr_list_saved, response, response->answer);
    if (response->answer != DR_ACCEPT) return 0;
    struct dr_open *open = dure_send_by_key(out, &dr_kepco_open, in->id);
    *open = (struct dr_open){.dr_id = response->dr_id, .user_id = response->user_id,
                             .response_id = in->id, .capacity = response->user_capacity};
    return 0;
}

/* The meter showed no reduction. */
static int correct(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    dure_emit(out, &corrected);
    return 0;
}

/* Why there is nothing to settle by a reading of this response. */
static int explain(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_response *response = state;
    if (!response->closed) {
        dure_refuse(out, 409, "DR %lld of response %lld has not ended", (long long)response->dr_id,
                    (long long)in->id);
    } else if (!response->owed) {
        dure_refuse(out, 409, "the answer of response %lld was %s: nothing is settled",
                    (long long)in->id, dr_answer_texts[response->answer]);
    } else {
        dure_refuse(out, 409, "the settlement of response %lld is being made", (long long)in->id);
    }
    return 0;
}

/* ---- Answered by the user -------------------------------------------------------------------- */

static bool may_answer(const void *state)
{
    return !((const struct dr_response *)state)->closed;
}

static int answer(const struct dr_response *response, enum dr_answer wanted,
                  const struct dure_msg *in, struct dure_out *out)
{
    if (response->closed) {
        dure_refuse(out, 409, "DR %lld has ended", (long long)response->dr_id);
        return 0;
    }
    if (response->asking) {
        dure_refuse(out, 409, "another answer of response %lld is being taken", (long long)in->id);
        return 0;
    }
    dure_emit(out, &asked);
    struct dr_answer_saga *saga = dure_start(out, &dr_answer_saga, in->id);
    *saga = (struct dr_answer_saga){.response_id = in->id, .dr_id = response->dr_id,
                                    .answer = (uint8_t)wanted};
    return 0;
}

static int accept(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return answer(state, DR_ACCEPT, in, out);
}

static int deny(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    return answer(state, DR_DENY, in, out);
}

/* The same answer again is fine, and no event. */
static int choose(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    const struct dr_response *response = state;
    uint8_t wanted = ((const struct dr_choose *)in->data)->answer;
    if (response->closed) {
        dure_refuse(out, 409, "DR %lld has ended", (long long)response->dr_id);
    } else if (response->answer == wanted) {
        dure_emit(out, &kept);
    } else {
        emit_public(out, wanted == DR_ACCEPT ? &dr_accept_chosen : &dr_deny_chosen, response,
                    wanted);
    }
    return 0;
}

static int keep(const void *state, const struct dure_msg *in, struct dure_out *out)
{
    (void)state;
    (void)in;
    dure_emit(out, &kept);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

const struct dure_command dr_response_list = {
    .name = "list", .aggregate = &dr_response, .schema = &list_schema, .flags = DURE_CREATES,
    .handle = list};
const struct dure_command dr_response_accept = {
    .name = "accept", .aggregate = &dr_response, .allowed = may_answer, .handle = accept};
const struct dure_command dr_response_deny = {
    .name = "deny", .aggregate = &dr_response, .allowed = may_answer, .handle = deny};
const struct dure_command dr_response_choose = {
    .name = "choose", .aggregate = &dr_response, .schema = &choose_schema, .handle = choose};
const struct dure_command dr_response_keep = {
    .name = "keep", .aggregate = &dr_response, .handle = keep};
const struct dure_command dr_response_close = {
    .name = "close", .aggregate = &dr_response, .schema = &dr_round_schema, .handle = close_list};
const struct dure_command dr_response_correct = {
    .name = "correct", .aggregate = &dr_response, .handle = correct};
const struct dure_command dr_response_explain = {
    .name = "explain", .aggregate = &dr_response, .handle = explain};

static const struct dure_command *const commands[] = {
    &dr_response_list, &dr_response_accept, &dr_response_deny, &dr_response_choose,
    &dr_response_keep, &dr_response_close, &dr_response_correct, &dr_response_explain, NULL,
};
static struct dure_event_type *const events[] = {
    &list_made, &named, &asked, &kept, &dr_accept_chosen, &dr_deny_chosen, &dr_list_saved,
    &corrected, NULL,
};
static const struct dure_transition transitions[] = {
    {"answer", DR_ACCEPT, &dr_response_accept}, {"answer", DR_DENY, &dr_response_deny}, {0},
};

struct dure_aggregate dr_response = {
    .system = "dr", .name = "response", .collection = "responses", .schema = &state_schema,
    .commands = commands, .events = events, .put_keeps = true, .transitions = transitions,
    .made_by = "dr.user.register dr.dr.start",
};
