"""What the stopped nodes' journals say: everything happened as often as it should, to each of whom it
happened. Not part of ALL: it needs the events, not the service."""
from collections import Counter

from secondhand import CANCELED

# Where an event says to whom it happened, if not by its id.
WHOSE = {"PointOrdered": "userId", "PointIncreased": "userId", "PointUsed": "userId",
         "PointReturned": "userId", "BikeReserved": "reserveNo", "Canceled": "reserveNo",
         "BikeReturned": "reserveNo", "TradeCompleted": "reserveid", "TradeCanceled": "reserveid",
         "OrderPaid": "orderId", "OrderAccepted": "orderId", "CookingStarted": "orderId",
         "Cooked": "orderId", "OrderRejected": "orderId", "DeliveryStarted": "orderId",
         "Delivered": "orderId", "ReductionCheck": "responseId"}
# As often as there are things, not journeys: registrations, and what told.py counts.
NOT_COUNTED = {"BikeRegistrated", "StockDecresed", "StatusUpdated", "FoodAdded", "AcceptChosen",
               "DenyChosen", "PointChanged", "PointWithdrawn"}


def check(journeys, events):
    expected = Counter()
    for kind, told in (("bike", ride), ("secondhand", deal), ("food", meal), ("dr", demand)):
        for journey in journeys[kind]:
            for event, of in told(journey):
                expected[kind, event, of] += 1
    early = {meal.order for meal in journeys["food"] if meal.end == "cancel"}
    seen = counted(events)
    for order in early:  # Cancelled before or after it was complete.
        expected["food", "OrderCompleted", order] = seen["food", "OrderCompleted", order]
        assert seen["food", "OrderCompleted", order] <= 1, order
    differ = {key: (seen[key], expected[key]) for key in seen.keys() | expected.keys()
              if seen[key] != expected[key]}
    assert not differ, f"happened, should have: {differ}"


def counted(events):
    seen = Counter()
    for event in events:
        system, data = event["type"].split(".")[0], event["data"]
        kind = data["eventType"]
        if system in ("bike", "secondhand", "food", "dr") and kind not in NOT_COUNTED:
            seen[system, kind, data[WHOSE.get(kind, "id")]] += 1
    return seen


def ride(journey):
    user, reservation = journey.number, journey.reservation
    yield from (("PointOrdered", user), ("PointIncreased", user))
    if journey.holds:
        yield from (("BikeReserved", reservation), ("PointUsed", user))
    if journey.end == "return":
        yield "BikeReturned", reservation
    if journey.end == "cancel":
        yield from (("Canceled", reservation), ("PointReturned", user))


def deal(journey):
    yield from (("ReserveCompleted", journey.reserve), ("TradeCompleted", journey.reserve))
    if journey.statuses()[0] == CANCELED:
        yield from (("ReserveCanceled", journey.reserve), ("TradeCanceled", journey.reserve))


def meal(journey):
    if journey.order is None:
        return
    steps = ("OrderAccepted", "CookingStarted", "Cooked", "DeliveryStarted", "Delivered")
    for event in ("OrderPlaced", "OrderPaid", "OrderCompleted", *steps[:journey.progress]):
        if event != "OrderCompleted" or journey.end != "cancel":
            yield event, journey.order
    if journey.end in ("reject", "refuse"):
        yield "OrderRejected", journey.order
    if journey.end == "cancel":
        yield "OrderCanceled", journey.order
    if journey.score is not None:
        yield "OrderEvalutated", journey.order


def demand(journey):
    yield from (("DRstarted", journey.demand), ("DRended", journey.demand))
    for response in journey.listed:
        yield from (("ListMade", response), ("ListSaved", response))
    for response, answer in journey.answers.items():
        if answer == "accept":
            yield "ReductionCheck", response
