/*
 * What clients do: products and accounts are opened first, then orders, cancels, deposits, edits
 * and reads at random. Here is also what they know afterwards: each answer is remembered, and a
 * read must never show less than an answer before it did.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

#define STOCK 300
#define PRICE_MAX 100
#define DEPOSIT_MAX 8000

unsigned sim_rank(int64_t status)
{
    switch ((enum shop_order_status)status) {
    case SHOP_ORDER_NONE: return 0;
    case SHOP_ORDER_RECEIVED: return 1;
    case SHOP_ORDER_CANCELING: return 3;
    case SHOP_ORDER_CANCELED: return 4;
    default: return 2;
    }
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static void open_product(struct sim_client *client)
{
    struct sim *sim = client->sim;
    client->request.op = SIM_OPEN_PRODUCT;
    client->request.quantity = 1 + (int64_t)sim_random(sim, STOCK);
    client->request.price = 1 + (int64_t)sim_random(sim, PRICE_MAX);
}

static void deposit(struct sim_client *client, struct sim_user *user)
{
    client->request.op = SIM_DEPOSIT;
    client->request.id = user->id;
    client->request.amount = 1 + (int64_t)sim_random(client->sim, DEPOSIT_MAX);
}

/* Client n opens product n, account n, n + clients, … */
static bool set_up(struct sim_client *client)
{
    struct sim *sim = client->sim;
    if (client->number < sim->settings.products && sim->products[client->number].id == 0) {
        open_product(client);
        return true;
    }
    for (unsigned i = client->number; i < sim->settings.users; i += sim->settings.clients) {
        if (sim->users[i].deposited > 0) continue;
        deposit(client, &sim->users[i]);
        return true;
    }
    return false;
}

static int64_t any_product(struct sim *sim)
{
    if (sim_dice(sim, 20)) return 1000000; /* There is none. */
    return sim->products[sim_random(sim, sim->settings.products)].id;
}

static void place(struct sim_client *client)
{
    struct sim *sim = client->sim;
    struct sim_request *request = &client->request;
    request->op = SIM_PLACE;
    request->id = any_product(sim);
    request->user_id = sim->users[sim_random(sim, sim->settings.users)].id;
    if (sim_dice(sim, 20)) request->user_id = 1000000; /* No account. */
    request->quantity = 1 + (int64_t)sim_random(sim, sim_dice(sim, 100) ? STOCK : 8);
    request->price = sim_dice(sim, 50) ? 1 + (int64_t)sim_random(sim, PRICE_MAX) : DURE_NULL;
    request->wait_ms = sim_dice(sim, 200) ? 0 : 1 + (int64_t)sim_random(sim, 2000);
}

static bool known_order(struct sim_client *client, enum sim_op op)
{
    struct sim *sim = client->sim;
    if (sim->orders_count == 0) return false;
    /* Mostly a late one: the others are cancelled. */
    uint64_t back = sim_random(sim, sim_dice(sim, 700) && sim->orders_count > 8 ? 8
                                                                               : sim->orders_count);
    client->order_at = sim->orders_count - 1 - back;
    client->request.op = op;
    client->request.id = sim->orders[client->order_at].id;
    client->seen = sim->orders[client->order_at].rank;
    client->request.wait_ms = sim_dice(sim, 200) ? 0 : 1 + (int64_t)sim_random(sim, 2000);
    return true;
}

/* Each product is edited by one client, so that the last value is known. */
static bool edit(struct sim_client *client)
{
    struct sim *sim = client->sim;
    if (client->number >= sim->settings.products) return false;
    struct sim_product *product = &sim->products[client->number];
    client->request.op = SIM_EDIT;
    client->request.id = product->id;
    client->request.value = (int64_t)++product->editing;
    client->request.price = 1 + (int64_t)sim_random(sim, PRICE_MAX);
    return true;
}

static void read_product(struct sim_client *client)
{
    struct sim *sim = client->sim;
    client->order_at = sim_random(sim, sim->settings.products);
    client->request.op = SIM_READ_PRODUCT;
    client->request.id = sim->products[client->order_at].id;
    client->seen = sim->products[client->order_at].edited;
}

void sim_client_choose(struct sim_client *client)
{
    struct sim *sim = client->sim;
    if (set_up(client)) return;
    if (sim->phase == SIM_SETUP) { /* The others are not ready. */
        client->busy = false;
        return;
    }
    if (sim_dice(sim, sim->settings.others)) {
        sim_deed_choose(client);
        return;
    }
    uint64_t dice = sim_random(sim, 100);
    if (dice < 20 && known_order(client, SIM_CANCEL)) return;
    if (dice < 35 && known_order(client, SIM_READ_ORDER)) return;
    if (dice < 45 && edit(client)) return;
    if (dice < 60) read_product(client);
    else if (dice < 67) deposit(client, &sim->users[sim_random(sim, sim->settings.users)]);
    else place(client);
}

/* ---- Learning -------------------------------------------------------------------------------- */

static void learn_place(struct sim_client *client, const struct sim_reply *reply)
{
    struct sim *sim = client->sim;
    const struct sim_request *request = &client->request;
    if (reply->status != 201 && reply->status != 202 && reply->status != 409) {
        sim_fail(sim, "an order was answered with %d", reply->status);
        return;
    }
    if (sim->orders_count == sim->orders_cap) {
        sim->orders_cap = sim->orders_cap ? sim->orders_cap * 2 : 256;
        sim->orders = realloc(sim->orders, sim->orders_cap * sizeof sim->orders[0]);
        DURE_ASSERT(sim->orders != NULL);
    }
    sim->orders[sim->orders_count++] = (struct sim_order){
        .id = reply->id, .product_id = request->id, .user_id = request->user_id,
        .quantity = request->quantity, .status = reply->a, .rank = sim_rank(reply->a),
        .acked = reply->status};
    sim->places++;
}

static void raise(struct sim *sim, struct sim_order *order, unsigned seen, int64_t status)
{
    unsigned rank = sim_rank(status);
    if (rank < seen) {
        sim_fail(sim, "order %lld was seen at %u, and then at %u (status %lld)",
                 (long long)order->id, seen, rank, (long long)status);
    }
    if (rank > order->rank) order->rank = rank;
}

static void learn_cancel(struct sim_client *client, const struct sim_reply *reply)
{
    struct sim_order *order = &client->sim->orders[client->order_at];
    if (reply->status == 200 || reply->status == 202) order->cancels++;
    else if (reply->status != 409) {
        sim_fail(client->sim, "a cancel was answered with %d", reply->status);
    }
    raise(client->sim, order, 0, reply->a);
}

static void learn_product(struct sim_client *client, const struct sim_reply *reply)
{
    struct sim *sim = client->sim;
    struct sim_product *product = &sim->products[client->order_at];
    if (reply->status != 200 || (uint64_t)reply->a < client->seen) {
        sim_fail(sim, "product %lld was read as edit %lld (%d), %llu had been seen before",
                 (long long)product->id, (long long)reply->a, reply->status,
                 (unsigned long long)client->seen);
    }
    if ((uint64_t)reply->a > product->edited) product->edited = (uint64_t)reply->a;
}

void sim_client_learn(struct sim_client *client, const struct sim_reply *reply)
{
    struct sim *sim = client->sim;
    const struct sim_request *request = &client->request;
    switch ((enum sim_op)request->op) {
    case SIM_OPEN_PRODUCT:
        sim->products[client->number].id = reply->id;
        sim->products[client->number].opened = request->quantity;
        break;
    case SIM_DEPOSIT:
        for (unsigned i = 0; i < sim->settings.users; i++) {
            if (sim->users[i].id == request->id) sim->users[i].deposited += request->amount;
        }
        sim->deposits++;
        if (reply->status != 201) sim_fail(sim, "a deposit was answered with %d", reply->status);
        break;
    case SIM_PLACE: learn_place(client, reply); break;
    case SIM_CANCEL: learn_cancel(client, reply); break;
    case SIM_EDIT:
        if (reply->status != 200) sim_fail(sim, "an edit was answered with %d", reply->status);
        if ((uint64_t)request->value > sim->products[client->number].edited) {
            sim->products[client->number].edited = (uint64_t)request->value;
        }
        break;
    case SIM_READ_ORDER:
        if (reply->status != 200) {
            sim_fail(sim, "order %lld was acknowledged, and is read as %d",
                     (long long)request->id, reply->status);
        }
        raise(sim, &sim->orders[client->order_at], (unsigned)client->seen, reply->a);
        break;
    case SIM_READ_PRODUCT: learn_product(client, reply); break;
    case SIM_DEED: sim_deed_learn(client, reply); break;
    }
}
