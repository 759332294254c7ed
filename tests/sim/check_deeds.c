/*
 * The bike, second-hand and food systems at the end of a run: every acknowledged thing is there and has
 * become what it lawfully may, no request made two, no end was taken twice, and the books that
 * `dure verify` looks at fit over all nodes together.
 */
#include <stdlib.h>

#include "actors/bike/bike.h"
#include "actors/food/food.h"
#include "actors/secondhand/secondhand.h"
#include "tests/sim/sim.h"

/* ---- Acknowledged ---------------------------------------------------------------------------- */

static bool ride_fits(const struct sim_thing *ride, uint8_t status)
{
    if (ride->acked == 409) return ride->ends == 0 && status == BIKE_CANCELED;
    if (ride->ends == 1) {
        return status == (ride->end == SIM_RIDE_CANCEL ? BIKE_CANCELED : BIKE_RETURNED);
    }
    if (ride->status == BIKE_RESERVED) return status == BIKE_RESERVED;
    return status == BIKE_RESERVED || status == BIKE_CANCELED;
}

static bool deal_fits(const struct sim_thing *deal, uint8_t status)
{
    if (deal->acked == 409) return deal->ends == 0 && status == SECONDHAND_RESERVE_CANCELED;
    if (deal->ends == 1) return status == SECONDHAND_RESERVE_CANCELED;
    return deal->acked == 202 || status == SECONDHAND_RESERVE_DONE;
}

static bool meal_fits(const struct sim_thing *meal, uint8_t status)
{
    if (meal->acked == 409) return meal->ends == 0 && status == FOOD_ORDER_REJECTED;
    if (meal->ends == 1 && meal->ended == FOOD_ORDER_CANCELED) return status == FOOD_ORDER_CANCELED;
    /* The store may have been quicker with its no. */
    if (meal->ends == 1) return status == FOOD_ORDER_CANCELED || status == FOOD_ORDER_REJECTED;
    return status == FOOD_ORDER_PAID || status == FOOD_ORDER_REJECTED;
}

static void check_thing(struct sim *sim, const struct sim_thing *thing)
{
    struct sim_request made = {.op = SIM_DEED, .deed = (uint32_t)thing->kind};
    const struct sim_deed *deed = sim_deed(&made);
    const void *state = sim_look(sim, deed->aggregate, thing->id);
    if (state == NULL) {
        sim_fail(sim, "%s %lld was acknowledged with %d, and is not there", deed->name,
                 (long long)thing->id, thing->acked);
        return;
    }
    if (deed->status == NULL) return;
    uint8_t status = deed->status(state);
    bool fits = thing->ends <= 1 && (thing->kind == SIM_RIDE   ? ride_fits(thing, status)
                                     : thing->kind == SIM_DEAL ? deal_fits(thing, status)
                                                               : meal_fits(thing, status));
    if (fits) return;
    sim_fail(sim, "%s %lld was answered %d as %lld, ended %u times (%lld), and is %d", deed->name,
             (long long)thing->id, thing->acked, (long long)thing->status, thing->ends,
             (long long)thing->ended, status);
}

/* ---- Once ------------------------------------------------------------------------------------ */

static void check_count(struct sim *sim, enum sim_deed_kind kind)
{
    struct sim_request made = {.op = SIM_DEED, .deed = (uint32_t)kind};
    const struct sim_deed *deed = sim_deed(&made);
    int64_t there = 0, known = 0;
    for (unsigned i = 0; i < sim->settings.nodes; i++) {
        there += sim->nodes[i].rt->counters[deed->aggregate->type->index].count;
    }
    for (size_t i = 0; i < sim->things_count; i++) known += sim->things[i].kind == kind;
    if (there == known) return;
    sim_fail(sim, "%lld of %s were acknowledged, there are %lld", (long long)known, deed->name,
             (long long)there);
}

/* ---- Books ----------------------------------------------------------------------------------- */

struct book {
    const struct dure_system *system;
    void *audit;
    const struct dure_type *type;
};

static void on_event(struct sim *sim, void *arg, const struct dure_type *type,
                     const struct dure_event *event, const struct dure_entry_event *head)
{
    (void)sim;
    (void)head;
    struct book *book = arg;
    book->system->audit->event(book->audit, type, event);
}

static void on_row(struct sim *sim, void *arg, int64_t id, const void *state)
{
    (void)sim;
    struct book *book = arg;
    book->system->audit->row(book->audit, book->type, id, state);
}

static void check_book(struct sim *sim, const struct dure_system *system)
{
    struct book book = {.system = system, .audit = calloc(1, system->audit->size)};
    DURE_ASSERT(book.audit != NULL);
    sim_each_event(sim, on_event, &book);
    for (size_t i = 0; i < dure_registry_count(); i++) {
        book.type = dure_registry_type(i);
        sim_each(sim, dure_registry_type(i), on_row, &book);
    }
    struct dure_audit_report report = {0};
    system->audit->report(book.audit, &report);
    if (!dure_audit_fits(&report)) {
        struct dure_buf out = {0};
        dure_audit_text(&report, system->name, &out);
        sim_fail(sim, "the books of %s do not fit: %.*s", system->name, (int)out.len, out.data);
        dure_buf_fini(&out);
    }
    free(book.audit);
}

static void add_stock(struct sim *sim, void *arg, int64_t id, const void *state)
{
    (void)sim;
    (void)id;
    *(int64_t *)arg += ((const struct secondhand_inventory *)state)->qty;
}

static void add_held(struct sim *sim, void *arg, int64_t id, const void *state)
{
    (void)sim;
    (void)id;
    const struct secondhand_trade *trade = state;
    if (trade->status == SECONDHAND_TRADE_IN_PROGRESS) *(int64_t *)arg += trade->qty;
}

/* What clients put there; the books only know what arrived. */
static void check_pieces(struct sim *sim)
{
    int64_t pieces = 0;
    sim_each(sim, secondhand_inventory.type, add_stock, &pieces);
    sim_each(sim, secondhand_trade.type, add_held, &pieces);
    if (pieces == sim->pieces) return;
    sim_fail(sim, "%lld pieces were put there, there are %lld", (long long)sim->pieces,
             (long long)pieces);
}

void sim_check_deeds(struct sim *sim)
{
    static const enum sim_deed_kind made[] = {SIM_BIKE, SIM_POINTS, SIM_RIDE, SIM_DEAL, SIM_DISH,
                                              SIM_MEAL};
    static const struct dure_system *const systems[] = {&bike_system, &secondhand_system,
                                                        &food_system};
    for (size_t i = 0; i < sim->things_count; i++) check_thing(sim, &sim->things[i]);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) check_count(sim, made[i]);
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) check_book(sim, systems[i]);
    check_pieces(sim);
}
