/*
 * What clients ask of the bike, second-hand and food systems in the simulation, and what they know of
 * it: a table of deeds, each a command of an aggregate, which the gateway carries like the shop's.
 *
 *   things      what was created and acknowledged: a reservation, an order …
 *   deeds       create a thing, or end one (cancel, return); chosen at random, asked until answered
 *   checks      check_deeds.c: no thing lost, none twice, every end once, the systems' own books
 */
#ifndef DURE_TESTS_SIM_DEEDS_H
#define DURE_TESTS_SIM_DEEDS_H

#include <stdbool.h>
#include <stdint.h>

struct dure_aggregate;
struct dure_command;
struct sim;
struct sim_client;
struct sim_reply;
struct sim_request;

enum sim_deed_kind {
    SIM_BIKE, SIM_POINTS, SIM_RIDE, SIM_RIDE_CANCEL, SIM_RIDE_RETURN,
    SIM_STOCK, SIM_DEAL, SIM_DEAL_CANCEL,
    SIM_DISH, SIM_MEAL, SIM_MEAL_CANCEL,
    SIM_DEEDS, /* Count. */
};

struct sim_deed {
    const char *name;
    struct dure_aggregate *aggregate;
    const char *command; /* NULL: it creates. */
    bool by_key;         /* Created under its natural key, the request's id. */
    /* Fills the payload, which has its defaults; NULL: there is none. */
    void (*fill)(const struct sim_request *request, void *payload);
    uint8_t (*status)(const void *state); /* NULL: it has none. */
};

struct sim_thing {
    enum sim_deed_kind kind; /* Which deed made it. */
    int64_t id;
    int32_t acked;           /* 201, 202 or 409 … */
    int64_t status;          /* … with this status. */
    unsigned ends;           /* That were acknowledged … */
    enum sim_deed_kind end;  /* … the last of which was this … */
    int64_t ended;           /* … with this status. */
};

const struct sim_deed *sim_deed(const struct sim_request *request);
bool sim_deed_creates(const struct sim_request *request);
const struct dure_command *sim_deed_command(const struct sim_deed *deed);

/* Makes the client's request one of these. */
void sim_deed_choose(struct sim_client *client);
void sim_deed_learn(struct sim_client *client, const struct sim_reply *reply);
void sim_check_deeds(struct sim *sim);

#endif
