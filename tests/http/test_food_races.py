"""SPEC F under contention: whoever comes first, the order, its money and its kitchen agree."""
import collections
import itertools
import random

import pytest

import node as nodes
from food import (CANCELED, COOKING, PAID, PAY_CANCELED, PAY_DONE, PAY_REJECTED, REJECTED, RIDING,
                  Food)
from test_shop_races import at_once, until_killed

_customers = itertools.count(9000)


@pytest.fixture
def food(api):
    return Food(api, customer=next(_customers)).add()


def codes(responses):
    return collections.Counter(response.status_code for response in responses)


def test_race_of_cancels(node, food):
    """Of many cancels of one order exactly one succeeds; the customer is told once."""
    for _ in range(3):
        order = food.ordered()
        url = food.url("orders", order["id"])

        def cancel(client, i):
            if i % 3 == 0:
                return client.delete(url)
            if i % 3 == 1:
                return client.patch(url, {"status": CANCELED})
            return client.put(url + "/cancel")
        got = codes(at_once(node, 12, cancel))
        assert got[409] == 11 and got[200] + got[204] == 1, got
        assert food.parts(order) == (CANCELED, PAY_CANCELED, "취소됨")
        assert food.messages(order).count("주문취소됨") == 1


def test_cancel_against_the_kitchen(node, food):
    """Cancel and start-cook at once: exactly one of them happens, wholly."""
    seen = collections.Counter()
    for turn in range(24):
        order = food.walk(food.ordered(), 1)
        kitchen = food.url("storeOrders", food.only("storeOrders", order)["id"], "start-cook")
        cancel = food.url("orders", order["id"], "cancel")
        responses = at_once(node, 2, lambda client, i: client.put([kitchen, cancel][i ^ turn % 2]))
        assert sorted(r.status_code for r in responses) == [200, 409], [r.text for r in responses]
        parts = food.parts(order)
        assert parts in ((CANCELED, PAY_CANCELED, "취소됨"), (COOKING, PAY_DONE, "요리중"))
        seen[parts[0]] += 1
    assert sum(seen.values()) == 24


def test_cancel_against_reject(node, food):
    """Cancel and reject at once: the money goes back once, for one reason."""
    for _ in range(16):
        order = food.ordered()
        reject = food.url("storeOrders", food.only("storeOrders", order)["id"], "reject")
        cancel = food.url("orders", order["id"], "cancel")
        responses = at_once(node, 2, lambda client, i: client.put([reject, cancel][i],
                                                                 {"reason": "x"}))
        assert sorted(r.status_code for r in responses) == [200, 409]
        assert food.parts(order) in ((CANCELED, PAY_CANCELED, "취소됨"),
                                     (REJECTED, PAY_REJECTED, "거부됨"))
        assert len(food.messages(order)) == 4


@pytest.mark.parametrize("steps, collection, rel", [
    (0, "storeOrders", "accept"), (1, "storeOrders", "start-cook"),
    (2, "storeOrders", "finish-cook"), (3, "deliveries", "accept"), (4, "deliveries", "confirm")])
def test_race_of_steps(node, food, steps, collection, rel):
    """Of many who take the same step one succeeds: one delivery, one rider, one message each."""
    order = food.walk(food.ordered(), steps)
    url = food.url(collection, food.only(collection, order)["id"], rel)
    assert codes(at_once(node, 10, lambda client, i: client.put(url))) == {200: 1, 409: 9}
    assert len(food.messages(order)) == 4 + steps
    assert len(food.find("deliveries", orderId=order["id"])) == (steps >= 2)
    assert food.get("topFoods", food.food)["orderCount"] == (steps >= 2)
    if rel == "accept" and collection == "deliveries":
        assert food.status(order) == RIDING


def test_race_of_ratings(node, food):
    """An order is rated once, however many try; ratings of many orders all count."""
    orders = [food.delivered() for _ in range(6)]
    scores = [random.Random(5).randint(1, 5) for _ in orders]

    def rate(client, i):
        order = orders[i % len(orders)]
        return client.put(food.url("orders", order["id"], "evaluate"),
                          {"score": scores[i % len(orders)]})
    assert codes(at_once(node, 24, rate)) == {200: 6, 409: 18}
    mean = pytest.approx(sum(scores) / 6)
    food.shows("topFoods", evalCount=6, totalScore=sum(scores), orderCount=6, score=mean)
    food.shows("foods", count=6, score=mean)


def test_race_of_order_and_availability(node, food):
    """A food that is switched off while it is ordered: each order is either made whole, or not at all."""
    before = food.totals()
    url = food.url("foods", food.food)

    def work(client, i):
        if i == 0:
            return client.patch(url, {"available": False})
        return client.post(food.url("orders"), {"foodId": food.food, "customerId": food.customer})
    responses = at_once(node, 16, work)
    made = [r.json() for r in responses[1:] if r.status_code == 201]
    assert codes(responses[1:])[409] == 15 - len(made)
    after = food.totals()
    assert [b - a for a, b in zip(before, after)] == [len(made)] * 3 + [0, 3 * len(made), len(made)]
    assert {order["status"] for order in made} <= {PAID}


def test_kill_under_load(tmp_path):
    """kill -9 while many order, cook, cancel and rate: the books fit, and no answer was untrue."""
    running = nodes.Node(tmp_path / "data").start()
    food = Food(running.client()).add()
    answered = []
    for kill in range(3):
        dice = [random.Random(kill * 100 + i) for i in range(8)]

        def work(client, i, done):
            own = Food(client, customer=i)
            own.food = food.food
            order = own.ordered()
            steps = dice[i].randint(0, 5)
            done.append((order["id"], None))
            if steps < 2 and dice[i].random() < 0.5:
                assert own.cancel(order).status_code == 200
                done[-1] = (order["id"], CANCELED)
                return
            own.walk(order, steps)
            done[-1] = (order["id"], own.get("orders", order["id"])["status"])
        answered += until_killed(running, 8, work)
        running.start()
        food.api = running.client()
    assert len(answered) > 60
    for order, status in answered:
        shown = food.get("orders", order)["status"]
        assert shown == status or status is None
    running.stop()
    verified = nodes.dure("verify", running.data)
    assert verified.returncode == 0, verified.stdout.decode()
