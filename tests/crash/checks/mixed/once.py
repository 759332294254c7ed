"""Each effect once: of each of these there is one for whom or what it is there, and none else."""

# (kind of journey, collection, field, of the journey): what was asked for, and nothing more.
MADE = [
    ("bike", "bike/approvals", "userId", lambda ride: ride.number),
    ("bike", "bike/points", "userId", lambda ride: ride.number),
    ("bike", "bike/reservations", "userId", lambda ride: ride.number),
    ("secondhand", "secondhand/reserves", "userid", lambda deal: deal.user),
    ("food", "food/orders", "customerId", lambda meal: meal.order and meal.number),
    ("food", "food/payments", "orderId", lambda meal: meal.order),
    ("dr", "dr/drs", "name", lambda demand: f"peak {demand.number}"),
]
AT_MOST = [("food/storeOrders", "orderId"), ("food/deliveries", "orderId"),
           ("dr/kepcos", "responseId"), ("dr/users", "name")]


def check(journeys, shown):
    for kind, collection, field, of in MADE:
        wanted = {of(journey) for journey in journeys[kind]} - {None}
        there = set(shown.by(collection, field))
        assert there == wanted, f"{collection}: {there - wanted} too many, {wanted - there} lost"
    for collection, field in AT_MOST:
        shown.by(collection, field)
    trades = [row["reserveid"] for row in shown("secondhand/trades") if row["reserveid"] is not None]
    assert sorted(trades) == sorted(deal.reserve for deal in journeys["secondhand"])
    one_response_each(journeys, shown)


def one_response_each(journeys, shown):
    """Of each demand one response for each user that was there when it started."""
    asked = sorted((row["drId"], row["userId"]) for row in shown("dr/responses"))
    assert asked == sorted((demand.demand, user) for demand in journeys["dr"]
                           for user in demand.asked)
