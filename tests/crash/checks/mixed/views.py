"""The views say what the aggregates say that they show."""
from collections import Counter


def check(journeys, shown):
    assert {int(row["reserveNo"]): (row["userId"], row["bikeId"], row["reserveStatus"])
            for row in shown("bike/reservationDashboards")} == {
        row["reserveNo"]: (row["userId"], row["bikeId"], row["reserveStatus"])
        for row in shown("bike/reservations")}
    fields = ("id", "foodId", "customerId", "status")
    assert rows(shown("food/orderStatuses"), fields) == rows(shown("food/orders"), fields)
    fields = ("id", "name", "point", "capacity")
    assert rows(shown("dr/getUserInfos"), fields) == rows(shown("dr/users"), fields)
    top_foods(journeys["food"], shown)


def rows(items, fields):
    return sorted(tuple(item[name] for name in fields) for item in items)


def top_foods(journeys, shown):
    """How often each food was cooked and rated, and how."""
    cooked, rated, total = Counter(), Counter(), Counter()
    for meal in journeys:
        cooked[meal.food] += meal.progress >= 3
        rated[meal.food] += meal.score is not None
        total[meal.food] += meal.score or 0
    for row in shown("food/topFoods"):
        food = row["id"]
        assert (row["orderCount"], row["evalCount"], row["totalScore"]) == (
            cooked[food], rated[food], total[food]), row
        assert abs((row["score"] or 0) - (total[food] / rated[food] if rated[food] else 0)) < 1e-6
