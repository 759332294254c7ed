"""No acknowledged command is lost: everything stands as the answers promise."""


def check(journeys, shown):
    rides(journeys["bike"], shown)
    deals(journeys["secondhand"], shown)
    meals(journeys["food"], shown)
    demands(journeys["dr"], shown)


def rides(journeys, shown):
    reservations = shown.by("bike/reservations", "reserveNo")
    for ride in journeys:
        row = reservations[ride.reservation]
        assert (row["userId"], row["bikeId"], row["reserveStatus"]) == (
            ride.number, ride.bike, ride.status()), (row, ride.requests)


def deals(journeys, shown):
    reserves = shown.by("secondhand/reserves", "id")
    trades = {row["reserveid"]: row for row in shown("secondhand/trades")}
    listings = shown.by("secondhand/trades", "id")
    for deal in journeys:
        reserve, trade = reserves[deal.reserve], trades[deal.reserve]
        assert (reserve["userid"], reserve["qty"], reserve["productid"]) == (
            deal.user, deal.qty, deal.product), (reserve, deal.requests)
        assert (reserve["status"], trade["status"]) == deal.statuses(), (
            reserve, trade, deal.requests)
        assert deal.listing is None or deal.listing in listings, deal.requests


def meals(journeys, shown):
    orders = shown.by("food/orders", "id")
    others = [shown.by(f"food/{name}", "orderId")
              for name in ("payments", "storeOrders", "deliveries")]
    for meal in journeys:
        if meal.order is None:
            continue
        order = orders[meal.order]
        assert (order["foodId"], order["customerId"], order["score"]) == (
            meal.food, meal.number, meal.score or 0), (order, meal.requests)
        payment, store, delivery = [rows.get(meal.order, {}).get("status") for rows in others]
        status, paid, kitchen, rider = meal.parts()
        assert (order["status"], payment, delivery) == (status, paid, rider), (
            order, payment, delivery, meal.requests)
        assert store in kitchen, (order, store, meal.requests)


def demands(journeys, shown):
    statuses = {row["id"]: row["status"] for row in shown("dr/drs")}
    assert statuses == {demand.demand: "end" for demand in journeys}
    unreal = {row["responseId"] for row in shown("dr/kepcos") if not row["isReal"]}
    answers = {}
    for demand in journeys:
        answers.update(demand.answers)
    for row in shown("dr/responses"):
        wanted = answers.get(row["id"], "ignore")
        if row["id"] in unreal:
            assert wanted == "accept", row
            wanted = "deny"
        assert row["answer"] == wanted, (row, wanted)
