/*
 * Demand response (SPEC C): states, payloads and descriptors that its files share.
 *
 * Customers (users) are asked to cut power while a demand (dr) runs. Each has one response to it; when
 * it ends, each accepted response is settled once by what the customer's meter shows (kepco).
 *
 * Points are whole; capacities and reductions are in the unit of the users' capacity.
 */
#ifndef DURE_ACTORS_DR_DR_H
#define DURE_ACTORS_DR_DR_H

#include "runtime/audit.h"
#include "runtime/dure.h"

#define DR_NAME_BYTES 256
#define DR_TYPE_BYTES 64
/* Beyond, sums could overflow: refused where they are entered. */
#define DR_POINT_MAX INT64_C(1000000000000000)
#define DR_ADJUST_MAX INT64_C(1000000000000)

/* ---- States ---------------------------------------------------------------------------------- */

enum dr_status { DR_STATUS_NONE, DR_RUNNING, DR_ENDED };
extern const char *const dr_status_texts[];

struct dr_demand {
    int64_t id, date;
    uint8_t status; /* enum dr_status */
    char name[DR_NAME_BYTES], type[DR_TYPE_BYTES];
};

enum dr_answer { DR_ANSWER_NONE, DR_IGNORE, DR_ACCEPT, DR_DENY };
extern const char *const dr_answer_texts[];

struct dr_response {
    int64_t id, user_id, dr_id, user_capacity;
    uint8_t answer; /* enum dr_answer */
    int8_t asking;  /* Its answer saga runs. */
    int8_t closed;  /* The demand has ended: the answer stands. */
    int8_t owed;    /* It was accepted then: there is a kepco of it. */
    char user_name[DR_NAME_BYTES];
};

struct dr_kepco {
    int64_t id, dr_id, user_id, response_id, adjust_point;
    int64_t capacity, attempt; /* Hidden: what the meter is asked with, and how often it was. */
    uint8_t response_answer;
    int8_t is_real;            /* Absent: not settled. */
    int8_t asked;              /* Hidden: the meter has not answered yet. */
};

struct dr_user {
    int64_t id, point, capacity;
    int64_t registered_ms;                /* Hidden: demands that started before do not ask it. */
    int64_t opened, earned, withdrawn;    /* Hidden: point = opened + earned - withdrawn. */
    char name[DR_NAME_BYTES];
};

struct dr_user_info { int64_t id, point, capacity; char name[DR_NAME_BYTES]; };

/* ---- Payloads -------------------------------------------------------------------------------- */

struct dr_start { int64_t date; char name[DR_NAME_BYTES], type[DR_TYPE_BYTES]; };
struct dr_round { int64_t dr_id, started_ms; }; /* To users, then to responses. */
struct dr_list { int64_t user_id, dr_id, user_capacity; char user_name[DR_NAME_BYTES]; };
struct dr_choose { uint8_t answer; };
struct dr_open { int64_t dr_id, user_id, response_id, capacity; };
struct dr_measured { /* POST /kepcos */
    int64_t dr_id, user_id, response_id, adjust_point;
    uint8_t response_answer;
    int8_t is_real;
};
struct dr_points { int64_t point; };

/* The meter port: the question, and what came of it. */
struct dr_meter_asked { int64_t attempt, dr_id, user_id, response_id, capacity; };
enum dr_meter_outcome { DR_METER_NONE, DR_METER_READ, DR_METER_FAILED, DR_METER_BY_HAND };
struct dr_meter_answer {
    uint8_t outcome; /* enum dr_meter_outcome */
    int64_t retry_ms; /* FAILED: not before; absent: as usual. */
    int64_t adjust_point;
    int8_t is_real;
};

/* ---- Events that others listen to ------------------------------------------------------------ */

struct dr_demand_event { int64_t id, date; uint8_t status; char name[DR_NAME_BYTES], type[DR_TYPE_BYTES]; };
struct dr_user_event { int64_t id, point, capacity; char name[DR_NAME_BYTES]; };

extern struct dure_event_type dr_started, dr_ended;
extern struct dure_event_type dr_list_saved, dr_accept_chosen, dr_deny_chosen;
extern struct dure_event_type dr_meter_asked, dr_reduction_check;
extern struct dure_event_type dr_user_registered, dr_point_changed, dr_point_withdrawn;

/* ---- Commands that others give --------------------------------------------------------------- */

extern const struct dure_command dr_demand_end, dr_demand_confirm;
extern const struct dure_command dr_response_list, dr_response_accept, dr_response_deny,
    dr_response_choose, dr_response_keep, dr_response_close, dr_response_correct,
    dr_response_explain;
extern const struct dure_command dr_kepco_open, dr_kepco_answer;
extern const struct dure_command dr_user_list, dr_user_add_points;
extern const struct dure_schema dr_round_schema;

/* ---- The rest -------------------------------------------------------------------------------- */

struct dr_answer_saga { int64_t response_id, dr_id; uint8_t answer; };

extern struct dure_saga dr_answer_saga;
extern struct dure_round dr_list_round;
extern const struct dure_port dr_meter;
extern struct dure_aggregate dr_demand, dr_response, dr_kepco, dr_user, dr_user_info;
extern const struct dure_projection *const dr_projections[];
extern const struct dure_audit dr_audit;
extern const struct dure_system dr_system;

#endif
