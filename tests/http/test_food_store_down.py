"""SPEC F's fault isolation: orders are taken while the store is down or slow, and put right when it is
back; the circuit breaker keeps orders from waiting for it."""
import re
import time

import pytest

import node as nodes
from food import (CANCELED, PAID, PAY_CANCELED, PAY_DONE, PAY_REJECTED, PLACED, REJECTED, Food,
                  UNAVAILABLE, is_problem)
from node import wait_until

CLOSED, HALF_OPEN, OPEN = 0, 1, 2
FAILURES = 5  # In a row: then the breaker opens.


class Store:
    """A node whose store can be cut off and brought back."""

    def __init__(self, data, outage):
        self.node = nodes.Node(data, "--root", "food", "--outage", outage).start()
        self.food = Food(self.node.client())

    def toggle(self):
        self.node.toggle_outage()

    def metric(self, name, look="food.store"):
        text = self.node.client().get("/metrics").text
        return int(re.search(rf'^{name}{{look="{look}",peer="0"}} (\d+)$', text, re.M).group(1))

    @property
    def breaker(self):
        return self.metric("dure_breaker_state")

    def timed(self, **fields):
        """An order; how long its answer took, in seconds."""
        began = time.monotonic()
        response = self.food.order(**fields)
        return response, time.monotonic() - began

    def restart(self):
        self.node.kill()
        self.node.start()
        self.food.api = self.node.client()


@pytest.fixture
def store(tmp_path, request):
    made = Store(tmp_path / "data", request.param)
    made.food.add("Pizza", store=3)
    made.good = made.food.food
    made.food.add("Off", store=3, available=False)
    made.off = made.food.food
    made.food.food = made.good
    yield made
    if made.node.process is not None:
        made.node.stop()
    verified = nodes.dure("verify", made.node.data)
    assert verified.returncode == 0, verified.stdout.decode()


DOWN = pytest.mark.parametrize("store", ["food.food=down"], indirect=True)
SLOW = pytest.mark.parametrize("store", ["food.food=900"], indirect=True)
EITHER = pytest.mark.parametrize("store", ["food.food=down", "food.food=900"], indirect=True)
SLOW_ENOUGH = pytest.mark.parametrize("store", ["food.food=100"], indirect=True)


@pytest.mark.alone
@EITHER
def test_orders_are_taken(store):
    """201 within 600 ms, paid; the first few wait for the store, then none does."""
    took = []
    for _ in range(FAILURES + 5):
        response, seconds = store.timed()
        assert (response.status_code, response.json()["status"]) == (201, PAID)
        assert seconds < 0.6, took
        took.append(seconds)
    assert all(seconds > 0.45 for seconds in took[:FAILURES]), took
    assert sum(seconds < 0.4 for seconds in took[FAILURES:]) >= 4, took
    assert store.metric("dure_breaker_opened_total") >= 1
    assert store.metric("dure_breaker_denied_total") >= 4


@DOWN
def test_put_right_when_it_is_back(store):
    """What the store can serve comes to its kitchen, with the store's id; an unknown or unavailable
    food ends 주문거부됨 with the money back. Until then the kitchen sees nothing."""
    food = store.food
    orders = [food.order(foodId=wanted).json() for wanted in (store.good, 987654321, store.off)]
    for order in orders:
        assert (order["status"], order["storeId"]) == (PAID, None)
        assert food.parts(order) == (PAID, PAY_DONE, None)
        assert food.messages(order) == ["주문됨", "결제완료", "주문완료"]
    assert food.sagas().count("food.check-saga") == 3
    store.toggle()
    served, unknown, off = orders
    food.becomes(unknown, REJECTED)
    food.becomes(off, REJECTED)
    wait_until(lambda: food.find("storeOrders", orderId=served["id"]), 10, "the kitchen to see it")
    assert food.parts(served) == (PAID, PAY_DONE, "대기중")
    assert food.get("orders", served["id"])["storeId"] == 3
    assert food.only("storeOrders", served)["storeId"] == 3
    for order in (unknown, off):
        assert food.parts(order) == (REJECTED, PAY_REJECTED, "거부됨")
        assert food.messages(order)[3:] == ["주문거부됨-" + UNAVAILABLE]
    assert food.messages(served) == ["주문됨", "결제완료", "주문완료"]
    food.walk(served, 5)
    assert food.evaluate(served, 5).status_code == 200
    assert food.get("topFoods", store.good)["orderCount"] == 1
    assert "food.check-saga" not in food.sagas()


@SLOW
def test_slow_store_is_checked_at_once_afterwards(store):
    """A slow store gets its messages all the same: each order is checked right after it is taken."""
    food = store.food
    served, unknown = food.order().json(), food.order(foodId=987654321).json()
    food.becomes(unknown, REJECTED)
    wait_until(lambda: food.find("storeOrders", orderId=served["id"]), 10, "the kitchen to see it")
    assert food.parts(unknown) == (REJECTED, PAY_REJECTED, "거부됨")
    assert food.parts(served) == (PAID, PAY_DONE, "대기중")


@pytest.mark.alone
@SLOW_ENOUGH
def test_slow_within_the_limit(store):
    """A store that answers within 500 ms is waited for: its refusal is a 409, and nothing is made."""
    food = store.food
    before = food.totals()
    response, seconds = store.timed(foodId=987654321)
    assert is_problem(response, 409)["detail"] == UNAVAILABLE
    assert 0.09 < seconds < 0.5
    assert food.totals() == before
    response, seconds = store.timed()
    assert response.json()["storeId"] == 3 and 0.09 < seconds < 0.5
    assert store.breaker == CLOSED and store.metric("dure_breaker_opened_total") == 0


@pytest.mark.alone
@DOWN
def test_breaker(store):
    """Failures open it; it half-opens by itself, one try at a time; the first success closes it."""
    assert store.breaker == CLOSED
    for _ in range(FAILURES):
        assert store.timed()[0].status_code == 201
    assert store.breaker == OPEN
    assert store.timed()[1] < 0.4

    def tried_again():
        """An order is again the one that waits for the store."""
        return store.timed()[1] > 0.45
    wait_until(tried_again, 10, "the breaker to let one try")
    assert store.breaker == OPEN
    assert store.metric("dure_breaker_opened_total") >= 2
    store.toggle()
    response = wait_until(lambda: (lambda r: r if r.json()["storeId"] == 3 else None)(
        store.food.order()), 10, "an order that is checked at once")
    assert response.status_code == 201
    assert store.breaker == CLOSED
    is_problem(store.food.order(foodId=987654321), 409)
    store.toggle()
    assert store.timed()[1] > 0.45


@DOWN
def test_cancel_before_the_store_is_back(store):
    """A customer may cancel meanwhile: the money is back, and the kitchen never sees the order."""
    food = store.food
    order = food.order().json()
    assert food.cancel(order).status_code == 200
    assert food.parts(order) == (CANCELED, PAY_CANCELED, None)
    gone = food.order(foodId=987654321).json()
    assert food.cancel(gone).status_code == 200
    store.toggle()
    wait_until(lambda: "food.check-saga" not in food.sagas(), 10, "the checks")
    for canceled in (order, gone):
        assert food.parts(canceled) == (CANCELED, PAY_CANCELED, None)
        assert food.messages(canceled)[-1] == "주문취소됨"
        is_problem(food.cancel(canceled), 409)


@DOWN
def test_kill_while_it_is_down(store):
    """kill -9, with checks and ratings waiting: they wait on disk, and take effect once."""
    food = store.food
    store.toggle()
    rated = food.delivered()
    store.toggle()
    orders = [food.order(foodId=wanted).json() for wanted in (store.good, 987654321)]
    assert food.evaluate(rated, 4).status_code == 200
    assert food.get("foods", store.good)["count"] == 0
    assert food.get("topFoods", store.good)["evalCount"] == 1
    for _ in range(3):
        store.restart()
        assert food.parts(orders[0]) == (PAID, PAY_DONE, None)
    store.toggle()
    food.becomes(orders[1], REJECTED)
    wait_until(lambda: food.get("foods", store.good)["count"] == 1, 10, "the rating")
    store.restart()
    assert food.parts(orders[1]) == (REJECTED, PAY_REJECTED, "거부됨")
    assert food.parts(orders[0]) == (PAID, PAY_DONE, "대기중")
    assert (food.get("foods", store.good)["count"], food.get("foods", store.good)["score"]) == (1, 4)


@DOWN
def test_stop_while_an_order_looks(store):
    """A stop does not wait for the store: the order that looked is refused, and nothing of it is there."""
    food = store.food
    before = food.totals()
    import threading
    answers = []
    client = Food(store.node.client())
    client.food = store.good
    thread = threading.Thread(target=lambda: answers.append(client.order()))
    thread.start()
    wait_until(lambda: 'dure_asks_in_flight 1' in food.api.get("/metrics").text, 5, "the order")
    store.node.stop()
    thread.join()
    response, = answers
    assert response.status_code in (201, 503)
    store.node.start()
    food.api = store.node.client()
    taken = response.status_code == 201
    assert food.totals()[0] == before[0] + taken


@pytest.mark.parametrize("store", ["food.payment=down"], indirect=True)
def test_pay_by_hand(store):
    """An order that waits for its payment is paid by POST /payments, once, whoever comes later."""
    food = store.food
    waiting = food.order(headers={"Prefer": "wait=0"}).json()
    canceled = food.order(headers={"Prefer": "respond-async"}).json()
    assert food.parts(waiting) == (PLACED, None, None)
    paid = food.api.post(food.url("payments"), {"orderId": str(waiting["id"])})
    assert (paid.status_code, paid.json()["status"], paid.json()["customerId"]) == (
        201, PAY_DONE, food.customer)
    assert food.parts(waiting) == (PAID, PAY_DONE, "대기중")
    is_problem(food.api.post(food.url("payments"), {"orderId": waiting["id"]}), 409)
    cancel = food.api.put(food.url("orders", canceled["id"], "cancel"),
                          headers={"Prefer": "respond-async"})
    assert cancel.status_code == 200
    is_problem(food.api.post(food.url("payments"), {"orderId": canceled["id"]}), 409)
    store.toggle()
    food.becomes(canceled, CANCELED)
    wait_until(lambda: "food.order-saga" not in food.sagas(), 10, "the sagas")
    assert food.parts(waiting) == (PAID, PAY_DONE, "대기중")
    assert food.messages(waiting) == ["주문됨", "결제완료", "주문완료"]
    assert food.parts(canceled) == (CANCELED, PAY_CANCELED, None)
    assert len(food.find("payments")) == 2


@pytest.mark.parametrize("text", ["food.food", "food.nobody=down", "=down", "food.food=",
                                  "food.food=soon", "food.food=-1", "food.topFood=down"])
def test_bad_outage(tmp_path, text):
    """An outage of nothing, or of no length, does not start."""
    done = nodes.dure("node", "--data", tmp_path / "data", "--http", 0, "--outage", text)
    assert done.returncode == 2
    assert b"--outage" in done.stderr
