/*
 * The deeds of deeds.h: few bikes, pieces and dishes for many, so that most of it is contended for.
 */
#include "tests/sim/deeds.h"

#include <stdlib.h>

#include "actors/bike/bike.h"
#include "actors/food/food.h"
#include "actors/secondhand/secondhand.h"
#include "tests/sim/sim.h"

#define THINGS_OF_A_KIND 3 /* Bikes and dishes; and product numbers. */
#define NOBODY 1000000     /* There is no bike, product or dish of this id. */

/* ---- The table ------------------------------------------------------------------------------- */

static void fill_points(const struct sim_request *request, void *payload)
{
    struct bike_approval *approval = payload;
    approval->user_id = request->user_id;
    approval->price = request->amount;
}

static void fill_ride(const struct sim_request *request, void *payload)
{
    struct bike_place *place = payload;
    place->user_id = request->user_id;
    place->bike_id = request->quantity;
}

static void fill_stock(const struct sim_request *request, void *payload)
{
    struct secondhand_inventory *stock = payload;
    stock->product_id = request->id;
    stock->qty = request->quantity;
}

static void fill_deal(const struct sim_request *request, void *payload)
{
    struct secondhand_place *place = payload;
    place->product_id = request->amount;
    place->qty = request->quantity;
    snprintf(place->user_id, sizeof place->user_id, "user %lld", (long long)request->user_id);
}

static void fill_dish(const struct sim_request *request, void *payload)
{
    struct food_added *dish = payload;
    snprintf(dish->name, sizeof dish->name, "dish");
    dish->store_id = 1;
    dish->available = request->quantity > 1;
}

static void fill_meal(const struct sim_request *request, void *payload)
{
    struct food_place *place = payload;
    place->food_id = request->quantity;
    place->customer_id = request->user_id;
}

static uint8_t ride_status(const void *state)
{
    return ((const struct bike_reservation *)state)->status;
}

static uint8_t deal_status(const void *state)
{
    return ((const struct secondhand_reserve *)state)->status;
}

static uint8_t meal_status(const void *state)
{
    return ((const struct food_order *)state)->status;
}

static const struct sim_deed deeds[SIM_DEEDS] = {
    [SIM_BIKE] = {"bike", &bike_management, NULL, false, NULL, NULL},
    [SIM_POINTS] = {"points", &bike_approval, NULL, false, fill_points, NULL},
    [SIM_RIDE] = {"ride", &bike_reservation, NULL, false, fill_ride, ride_status},
    [SIM_RIDE_CANCEL] = {"ride cancel", &bike_reservation, "cancel", false, NULL, ride_status},
    [SIM_RIDE_RETURN] = {"ride return", &bike_reservation, "return", false, NULL, ride_status},
    [SIM_STOCK] = {"stock", &secondhand_inventory, NULL, true, fill_stock, NULL},
    [SIM_DEAL] = {"deal", &secondhand_reserve, NULL, false, fill_deal, deal_status},
    [SIM_DEAL_CANCEL] = {"deal cancel", &secondhand_reserve, "reservecancel", false, NULL,
                         deal_status},
    [SIM_DISH] = {"dish", &food_food, NULL, false, fill_dish, NULL},
    [SIM_MEAL] = {"meal", &food_order, NULL, false, fill_meal, meal_status},
    [SIM_MEAL_CANCEL] = {"meal cancel", &food_order, "cancel", false, NULL, meal_status},
};

const struct sim_deed *sim_deed(const struct sim_request *request)
{
    DURE_ASSERT(request->op == SIM_DEED && request->deed < SIM_DEEDS);
    return &deeds[request->deed];
}

bool sim_deed_creates(const struct sim_request *request)
{
    const struct sim_deed *deed = sim_deed(request);
    return deed->command == NULL && !deed->by_key;
}

const struct dure_command *sim_deed_command(const struct sim_deed *deed)
{
    if (deed->command == NULL) return deed->aggregate->create;
    const struct dure_command *const *at = deed->aggregate->commands;
    while (strcmp((*at)->name, deed->command) != 0) at++;
    return *at;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static struct sim_thing *some(struct sim *sim, enum sim_deed_kind kind, size_t *count)
{
    struct sim_thing *found = NULL;
    *count = 0;
    for (size_t i = 0; i < sim->things_count; i++) {
        if (sim->things[i].kind != kind) continue;
        if (sim_random(sim, ++*count) == 0) found = &sim->things[i];
    }
    return found;
}

/* Of one that is there, or of none. */
static int64_t some_id(struct sim *sim, const struct sim_thing *thing)
{
    return sim_dice(sim, 30) ? NOBODY : thing->id;
}

/* A ride, deal or meal, or what they need first; or the end of one. */
static void ride(struct sim_client *client, struct sim_request *request)
{
    size_t bikes, rides;
    struct sim *sim = client->sim;
    struct sim_thing *bike = some(sim, SIM_BIKE, &bikes), *last = some(sim, SIM_RIDE, &rides);
    if (bikes < THINGS_OF_A_KIND) request->deed = SIM_BIKE;
    else if (sim_dice(sim, 250)) request->deed = SIM_POINTS;
    else if (rides > 0 && sim_dice(sim, 500)) {
        request->deed = sim_dice(sim, 500) ? SIM_RIDE_CANCEL : SIM_RIDE_RETURN;
        request->id = last->id;
    } else {
        request->deed = SIM_RIDE;
        request->quantity = some_id(sim, bike);
    }
    request->amount = 1 + (int64_t)sim_random(sim, 3 * (uint64_t)bike_fare);
}

static void deal(struct sim_client *client, struct sim_request *request)
{
    size_t deals;
    struct sim *sim = client->sim;
    struct sim_thing *last = some(sim, SIM_DEAL, &deals);
    int64_t product = 1 + (int64_t)sim_random(sim, THINGS_OF_A_KIND);
    request->quantity = 1 + (int64_t)sim_random(sim, 4);
    request->amount = product;
    if (sim_dice(sim, 250)) {
        request->deed = SIM_STOCK;
        request->id = product;
    } else if (deals > 0 && sim_dice(sim, 400)) {
        request->deed = SIM_DEAL_CANCEL;
        request->id = last->id;
    } else {
        request->deed = SIM_DEAL;
    }
}

static void meal(struct sim_client *client, struct sim_request *request)
{
    size_t dishes, meals;
    struct sim *sim = client->sim;
    struct sim_thing *dish = some(sim, SIM_DISH, &dishes), *last = some(sim, SIM_MEAL, &meals);
    if (dishes < THINGS_OF_A_KIND) {
        request->deed = SIM_DISH;
        request->quantity = (int64_t)sim_random(sim, 4);
    } else if (meals > 0 && sim_dice(sim, 400)) {
        request->deed = SIM_MEAL_CANCEL;
        request->id = last->id;
    } else {
        request->deed = SIM_MEAL;
        request->quantity = some_id(sim, dish);
    }
}

void sim_deed_choose(struct sim_client *client)
{
    static void (*const systems[])(struct sim_client *, struct sim_request *) = {ride, deal, meal};
    struct sim *sim = client->sim;
    struct sim_request *request = &client->request;
    request->op = SIM_DEED;
    request->user_id = 1 + (int64_t)sim_random(sim, sim->settings.users);
    request->wait_ms = sim_dice(sim, 200) ? 0 : 1 + (int64_t)sim_random(sim, 2000);
    systems[sim_random(sim, 3)](client, request);
}

/* ---- Learning -------------------------------------------------------------------------------- */

static void add(struct sim *sim, struct sim_thing thing)
{
    if (sim->things_count == sim->things_cap) {
        sim->things_cap = sim->things_cap ? sim->things_cap * 2 : 256;
        sim->things = realloc(sim->things, sim->things_cap * sizeof sim->things[0]);
        DURE_ASSERT(sim->things != NULL);
    }
    sim->things[sim->things_count++] = thing;
}

/* A dish that is not there is found out before the order, mostly: nothing is kept of that. */
static bool is_kept(const struct sim_request *request, const struct sim_reply *reply)
{
    return reply->status != 409 || request->deed != SIM_MEAL || reply->id != 0;
}

static void learn_end(struct sim *sim, const struct sim_request *request,
                      const struct sim_reply *reply)
{
    if (reply->status == 409) return;
    for (size_t i = 0; i < sim->things_count; i++) {
        struct sim_thing *thing = &sim->things[i];
        if (sim_deed(request)->aggregate != deeds[thing->kind].aggregate ||
            thing->id != request->id) {
            continue;
        }
        thing->ends++;
        thing->end = (enum sim_deed_kind)request->deed;
        thing->ended = reply->a;
    }
}

void sim_deed_learn(struct sim_client *client, const struct sim_reply *reply)
{
    struct sim *sim = client->sim;
    const struct sim_request *request = &client->request;
    const struct sim_deed *deed = sim_deed(request);
    bool creates = deed->command == NULL, pending = reply->status == 202;
    if (reply->status != (creates ? 201 : 200) && reply->status != 409 && !pending) {
        sim_fail(sim, "a %s was answered with %d", deed->name, reply->status);
        return;
    }
    sim->deeds[request->deed] += reply->status != 409;
    if (request->deed == SIM_STOCK) sim->pieces += request->quantity;
    if (!creates) {
        learn_end(sim, request, reply);
    } else if (!deed->by_key && is_kept(request, reply)) {
        add(sim, (struct sim_thing){.kind = (enum sim_deed_kind)request->deed, .id = reply->id,
                                    .acked = reply->status, .status = reply->a});
    }
}
