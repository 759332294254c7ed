"""Points and pieces are conserved, for each user and each product."""
from collections import Counter

from secondhand import IN_PROGRESS, TRADED

from mixed.secondhand import PIECES


def check(journeys, shown):
    points = {row["userId"]: row["totalPoint"] for row in shown("bike/points")}
    assert points == {ride.number: ride.points() for ride in journeys["bike"]}
    pieces(shown)
    earnings(journeys["dr"], shown)
    ratings(journeys["food"], shown)


def pieces(shown):
    """Left and in trades that hold, together, is what there was."""
    there = Counter({row["productid"]: row["qty"] for row in shown("secondhand/inventories")})
    for trade in shown("secondhand/trades"):
        if trade["status"] in (IN_PROGRESS, TRADED):
            there[trade["productid"]] += trade["qty"]
    assert there == Counter(dict(enumerate(PIECES, 1)))


def earnings(journeys, shown):
    earned = Counter()
    for row in shown("dr/kepcos"):
        earned[row["userId"]] += row["adjustPoint"] if row["isReal"] else 0
    customers = journeys[0].customers if journeys else {}
    assert {row["id"]: row["point"] for row in shown("dr/users")} == {
        user: one.opened + earned[user] - one.withdrawn for user, one in customers.items()}


def ratings(journeys, shown):
    """Every rating that was taken is in its food, once."""
    rated = {row["id"]: [] for row in shown("food/foods")}
    for meal in journeys:
        if meal.score is not None:
            rated[meal.food].append(meal.score)
    for row in shown("food/foods"):
        scores = rated[row["id"]]
        average = sum(scores) / len(scores) if scores else 0
        assert row["count"] == len(scores) and abs(row["score"] - average) < 1e-6, (row, scores)
