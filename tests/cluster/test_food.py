"""SPEC F on three nodes: the whole way of an order wherever its food is, and the fault isolation for
real: the node that owns the food is killed, stopped, or cut short of time."""
import itertools
import os
import re
import signal
import time

import pytest

import node as nodes
from cluster import Cluster
from food import (CANCELED, DELIVERED, PAID, PAY_CANCELED, PAY_DONE, PAY_REJECTED, REJECTED,
                  UNAVAILABLE, Food, is_problem)
from node import wait_until
from test_food_races import (  # noqa: F401 (these are as true of a cluster as of one node)
    test_cancel_against_reject, test_cancel_against_the_kitchen,
    test_race_of_cancels, test_race_of_order_and_availability, test_race_of_ratings,
    test_race_of_steps)
from test_food_scenario import (  # noqa: F401
    test_available_at_the_start, test_bad_orders, test_cancel, test_evaluate, test_get_only,
    test_history, test_idempotency_key, test_nobody_opens_what_orders_open, test_payments,
    test_reject, test_reject_without_a_reason, test_riders_near_the_customer,
    test_statuses_by_patch, test_steps_out_of_order, test_unknown_ids, test_what_cannot_be_ordered)

_customers = itertools.count(7000)


@pytest.fixture
def food(api):
    return Food(api, customer=next(_customers)).add()


@pytest.fixture
def three(tmp_path):
    """A cluster of this test's own, all of whose books fit in the end."""
    cluster = Cluster(tmp_path / "cluster").start()
    yield cluster
    for one in cluster.nodes:
        if one.process is not None:
            os.kill(one.pid, signal.SIGCONT)
    cluster.check()
    cluster.stop()


def kitchen_at(cluster, owner, at):
    """A food that node `owner` has, ordered through node `at`."""
    food = Food(cluster.nodes[owner].client()).add(store=3)
    assert cluster.owner(food.food) == owner
    food.api = cluster.nodes[at].client()
    return food


def timed(food, **fields):
    began = time.monotonic()
    response = food.order(**fields)
    return response, time.monotonic() - began


@pytest.mark.parametrize("owner", [0, 1, 2])
def test_scenario(cluster, owner):
    """The scenario with the food at each of the nodes and every request at the next one."""
    food = kitchen_at(cluster, owner, 0)
    food.api = cluster.client()
    first, second = food.delivered(), food.delivered()
    assert first["storeId"] == 3
    assert food.evaluate(first, 5).status_code == 200
    food.shows("topFoods", evalCount=1, totalScore=5, score=5, orderCount=2)
    assert food.evaluate(second, "2").status_code == 200
    food.shows("topFoods", evalCount=2, totalScore=7, score=3.5, orderCount=2)
    food.shows("foods", count=2, score=3.5)
    for order in (first, second):
        assert food.parts(order) == (DELIVERED, PAY_DONE, "요리완료")
        assert food.messages(order) == ["주문됨", "결제완료", "주문완료", "주문접수됨", "요리시작",
                                        "요리완료", "배달시작", "배달완료"]


def breaker(node, owner):
    text = node.client().get("/metrics").text
    found = re.search(rf'^dure_breaker_state{{[^}}]*look="food.store",peer="{owner}"[^}}]*}} (\d+)$',
                      text, re.M)
    return int(found.group(1))


@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_food_node_down(three, how):
    """With the food's node gone an order is 201 within 600 ms; what that node would have refused is
    rejected with the money back when it is there again, and the rest goes to the kitchen."""
    food = kitchen_at(three, 1, 0)
    off = Food(three.nodes[1].client()).add(available=False).food
    unknown = food.food + 64 * 3 * 100
    assert three.owner(unknown) == three.owner(off) == 1
    gone = three.nodes[1]
    os.kill(gone.pid, how)
    orders, took = [], []
    for wanted in [food.food, unknown, off] * 4:
        response, seconds = timed(food, foodId=wanted)
        assert (response.status_code, response.json()["status"]) == (201, PAID), response.text
        orders.append(response.json())
        took.append(seconds)
    assert max(took) < 0.6, took
    assert all(order["storeId"] is None for order in orders)
    assert min(took) < 0.2, took
    canceled = orders.pop(0)
    assert food.cancel(canceled).status_code == 200
    assert breaker(three.nodes[0], 1) != 0
    if how == signal.SIGKILL:
        gone.kill()
        gone.start()
    else:
        os.kill(gone.pid, signal.SIGCONT)
    three.whole()
    for order in orders:
        if order["foodId"] == food.food:
            wait_until(lambda o=order: food.find("storeOrders", orderId=o["id"]), 30, "the kitchen")
            assert food.parts(order) == (PAID, PAY_DONE, "대기중")
            assert food.only("storeOrders", order)["storeId"] == 3
        else:
            food.becomes(order, REJECTED)
            assert food.parts(order) == (REJECTED, PAY_REJECTED, "거부됨")
            assert food.messages(order)[3:] == ["주문거부됨-" + UNAVAILABLE]
    assert food.parts(canceled) == (CANCELED, PAY_CANCELED, None)

    def refused():
        return food.order(foodId=unknown).status_code == 409
    wait_until(refused, 30, "the breaker to close")
    assert breaker(three.nodes[0], 1) == 0
    assert food.ordered()["storeId"] == 3


def test_other_foods_meanwhile(three):
    """The breaker is one for each node: foods of those that are there are checked as ever."""
    down, here = kitchen_at(three, 1, 0), kitchen_at(three, 2, 0)
    three.nodes[1].kill()
    for _ in range(8):
        assert down.order().status_code == 201
    for _ in range(3):
        assert here.ordered()["storeId"] == 3
        is_problem(here.order(foodId=here.food + 64 * 3 * 100), 409)
    assert breaker(three.nodes[0], 2) == 0
    three.nodes[1].start()


def test_order_node_killed_while_the_check_waits(three):
    """The node that took the order may die as well: the check waits on its disk."""
    food = kitchen_at(three, 1, 0)
    three.nodes[1].kill()
    unknown = food.food + 64 * 3 * 100
    served, gone = food.order().json(), food.order(foodId=unknown).json()
    three.nodes[0].kill()
    three.nodes[0].start()
    three.nodes[1].start()
    three.whole()
    food.becomes(gone, REJECTED)
    wait_until(lambda: food.find("storeOrders", orderId=served["id"]), 30, "the kitchen")
    assert food.parts(gone) == (REJECTED, PAY_REJECTED, "거부됨")
    assert food.parts(served) == (PAID, PAY_DONE, "대기중")
    assert len(food.find("notificationLogs", orderId=served["id"])) == 3


def test_kill_under_load(three):
    """Whichever node dies in the middle of orders, each order and its rating counts once."""
    food = kitchen_at(three, 1, 0)
    orders = []
    for turn in range(12):
        if turn in (3, 6, 9):
            victim = three.nodes[(turn // 3) % 3]
            victim.kill()
            victim.start()
            three.whole()
        food.api = three.nodes[turn % 3].client()
        orders.append(food.delivered())
        assert food.evaluate(orders[-1], 1 + turn % 5).status_code == 200
    scores = sum(1 + turn % 5 for turn in range(12))
    food.shows("topFoods", evalCount=12, totalScore=scores, orderCount=12)
    food.shows("foods", count=12)
    for order in orders:
        assert len(food.messages(order)) == 8
