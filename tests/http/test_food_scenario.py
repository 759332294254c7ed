"""SPEC F: the delivery system's scenario with its exact numbers, and everything it refuses."""
import itertools
import json

import pytest

import node as nodes
from food import (ACCEPTED, CANCELED, COOKING, DELIVERED, PAID, PAY_CANCELED, PAY_DONE,
                  PAY_REJECTED, PLACED, REJECTED, RIDING, STEPS, TOO_LATE, UNAVAILABLE, WAITING,
                  Food, is_problem, path_of, wrong_fields)
from notified import notified

_customers = itertools.count(5000)


@pytest.fixture
def food(api):
    return Food(api, customer=next(_customers)).add()


@pytest.fixture
def rooted(tmp_path):
    """A node whose root system is food."""
    running = nodes.Node(tmp_path / "data", "--root", "food").start()
    yield running
    if running.process is not None:
        running.stop()


@pytest.mark.parametrize("prefix", ["/food", ""], ids=["prefixed", "unprefixed"])
@pytest.mark.parametrize("kind", [int, str], ids=["numbers", "strings"])
def test_scenario(rooted, prefix, kind):
    """From the order to its rating: every status, number and notification as SPEC F says."""
    food = Food(rooted.client(), prefix, customer=7)
    made = food.api.post(food.url("foods"), {"name": "Pizza", "storeId": kind(1)}).json()
    assert {name: made[name] for name in ("id", "name", "count", "score", "storeId",
                                          "available")} == {
        "id": 1, "name": "Pizza", "count": 0, "score": 0, "storeId": 1, "available": True}
    food.food = kind(1)
    order = food.ordered(customerId=kind(7))
    assert {name: order[name] for name in order if name != "_links"} == {
        "id": 1, "foodId": 1, "customerId": 7, "options": "cheese", "address": "서울시 강남구 1",
        "status": PAID, "score": 0, "paymentId": 1, "storeId": 1}
    assert food.totals() == [1, 1, 1, 0, 3, 1]
    payment, kitchen = food.only("payments", order), food.only("storeOrders", order)
    assert (payment["id"], payment["status"], payment["customerId"]) == (1, PAY_DONE, 7)
    assert {name: kitchen[name] for name in kitchen if name != "_links"} == {
        "id": 1, "foodId": 1, "orderId": 1, "status": "대기중", "paymentId": 1,
        "address": "서울시 강남구 1", "options": "cheese", "storeId": 1, "customerId": 7}

    assert food.ask("storeOrders", 1, "accept").json()["status"] == "접수됨"
    assert food.status(order) == ACCEPTED
    assert food.ask("storeOrders", 1, "start-cook").json()["status"] == "요리중"
    assert food.status(order) == COOKING
    assert is_problem(food.cancel(order), 409)["detail"] == TOO_LATE
    assert food.ask("storeOrders", 1, "finish-cook").json()["status"] == "요리완료"
    assert food.status(order) == WAITING
    delivery = food.only("deliveries", order)
    assert {name: delivery[name] for name in delivery if name != "_links"} == {
        "id": 1, "orderId": 1, "address": "서울시 강남구 1", "customerId": 7, "foodId": 1,
        "storeId": 1, "status": "대기중"}
    assert food.get("topFoods", 1)["orderCount"] == 1
    assert food.ask("deliveries", 1, "accept").json()["status"] == "배달중"
    assert food.status(order) == RIDING
    assert food.ask("deliveries", 1, "confirm").json()["status"] == "배달완료"
    assert food.status(order) == DELIVERED
    assert food.evaluate(order, kind(5)).json()["score"] == 5
    top = food.get("topFoods", 1)
    assert (top["name"], top["evalCount"], top["score"], top["totalScore"], top["orderCount"]) == (
        "Pizza", 1, 5, 5, 1)
    assert food.messages(order) == ["주문됨", "결제완료", "주문완료", "주문접수됨", "요리시작",
                                    "요리완료", "배달시작", "배달완료"]

    assert notified(rooted) == [("food.notification", "7", message)
                                for message in food.messages(order)]

    assert food.evaluate(food.delivered(), kind(2)).status_code == 200
    top = food.get("topFoods", 1)
    assert (top["evalCount"], top["totalScore"], top["score"], top["orderCount"]) == (2, 7, 3.5, 2)
    assert (food.get("foods", 1)["count"], food.get("foods", 1)["score"]) == (2, 3.5)
    assert food.find("topMenus") == [
        {**row, "_links": food.find("topMenus")[0]["_links"]} for row in food.find("topFoods")]
    rooted.stop()
    check_events(rooted.data)
    verified = nodes.dure("verify", rooted.data)
    assert verified.returncode == 0, verified.stdout.decode()
    rebuilt = nodes.dure("rebuild", rooted.data)
    assert rebuilt.returncode == 0, rebuilt.stdout.decode()
    assert nodes.dure("verify", rooted.data).returncode == 0


# Aggregate, event, the fields behind eventType and timestamp: in the order they happen.
STORE = ["id", "foodId", "orderId", "customerId", "storeId", "address", "options"]
EVENTS = [
    ("order", "OrderPlaced", ["id", "foodId", "customerId"]),
    ("payment", "OrderPaid", ["id", "orderId", "customerId", "status"]),
    ("order", "OrderCompleted", ["id", "foodId", "customerId", "options", "address", "status",
                                 "score", "paymentId", "storeId"]),
    ("storeOrder", "OrderAccepted", STORE), ("storeOrder", "CookingStarted", STORE),
    ("storeOrder", "Cooked", STORE),
    ("delivery", "DeliveryStarted", ["id", "orderId", "customerId"]),
    ("delivery", "Delivered", ["id", "orderId", "customerId"]),
    ("order", "OrderEvalutated", ["id", "foodId", "score", "customerId"]),
]


def dumped(data):
    """[(type, fields)] of the journal."""
    done = nodes.dure("dump", data)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(event["data"]["eventType"] == event["type"].split(".")[2] for event in events)
    return [(event["type"], list(event["data"])[2:]) for event in events]


def check_events(data):
    """One food and two orders have left exactly their events, with the fields of SPEC F."""
    assert dumped(data) == [("food.food.FoodAdded", ["id", "name", "storeId"])] + 2 * [
        (f"food.{aggregate}.{name}", fields) for aggregate, name, fields in EVENTS]


def test_events_of_refusals(fresh):
    """Rejected and cancelled orders say so, with what their consumers need."""
    food = Food(fresh.client()).add()
    food.step(food.ordered(), "storeOrders", "reject", {"reason": "재료 소진"})
    food.cancel(food.ordered())
    food.order(foodId=99)
    fresh.stop()
    first = [(f"food.{aggregate}.{name}", fields) for aggregate, name, fields in EVENTS[:3]]
    assert dumped(fresh.data)[1:] == (
        first + [("food.storeOrder.OrderRejected", ["id", "orderId", "reason", "customerId"])] +
        first + [("food.order.OrderCanceled", ["id", "foodId", "customerId"])])
    assert nodes.dure("verify", fresh.data).returncode == 0


@pytest.mark.parametrize("how", ["unknown", "unavailable", "removed"])
def test_what_cannot_be_ordered(food, how):
    """An unknown, unavailable or removed food: 409, no order, no payment."""
    if how == "unavailable":
        assert food.api.patch(food.url("foods", food.food), {"available": "false"}).status_code == 200
    if how == "removed":
        assert food.api.delete(food.url("foods", food.food)).status_code == 204
    before = food.totals()
    response = food.order(**({"foodId": 987654321} if how == "unknown" else {}))
    problem = is_problem(response, 409)
    assert (problem["detail"], problem["instance"]) == (UNAVAILABLE, "/food/orders")
    assert food.totals() == before
    if how == "unavailable":
        assert food.api.patch(food.url("foods", food.food), {"available": True}).status_code == 200
        assert food.ordered()["foodId"] == food.food


def test_refusals_leave_no_gap(fresh):
    """What was refused has not used up an id."""
    food = Food(fresh.client()).add()
    for expected in (1, 2):
        is_problem(food.order(foodId=99), 409)
        assert food.ordered()["id"] == expected


def test_available_at_the_start(food):
    """A food may be added as not available yet."""
    food.add(available=False)
    is_problem(food.order(), 409)


@pytest.mark.parametrize("body, fields", [
    ({}, {"foodId", "customerId"}), ({"foodId": "x", "customerId": 1}, {"foodId"}),
    ({"foodId": 1.5, "customerId": "y", "address": []}, {"foodId", "customerId", "address"})],
    ids=repr)
def test_bad_orders(api, body, fields):
    """All wrong and missing fields are named together."""
    assert wrong_fields(api.post("/food/orders", body)) == fields


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_steps_out_of_order(food, done):
    """After each number of steps exactly the next one is allowed; all others are a 409."""
    order = food.walk(food.ordered(), done)
    before = food.parts(order)
    for at, (collection, rel) in enumerate(STEPS):
        if at == done or (collection == "deliveries" and done < 3):
            continue
        assert is_problem(food.step(order, collection, rel), 409)["detail"]
    if done != 0:
        assert is_problem(food.step(order, "storeOrders", "reject"), 409)["detail"]
    assert food.parts(order) == before
    offered = set(food.only("storeOrders", order)["_links"]) - {"self", "storeOrder"}
    assert offered == ({"accept", "reject"}, {"start-cook"}, {"finish-cook"}, set(), set(),
                       set())[done]


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_cancel(food, done):
    """Before cooking a cancel gives the money back, once; from then on it is a 409."""
    order = food.walk(food.ordered(), done)
    before, told = food.parts(order), food.messages(order)
    response = food.api.delete(food.url("orders", order["id"]))
    if done < 2:
        assert response.status_code == 204
        assert food.parts(order) == (CANCELED, PAY_CANCELED, "취소됨")
        assert food.messages(order) == told + ["주문취소됨"]
        assert is_problem(food.step(order, "storeOrders", STEPS[done][1]), 409)
    else:
        assert is_problem(response, 409)["detail"] == TOO_LATE
        assert food.parts(order) == before
        assert food.messages(order) == told
    after = food.parts(order)
    for again in (food.cancel(order), food.api.patch(food.url("orders", order["id"]),
                                                     {"status": CANCELED})):
        assert is_problem(again, 409)["detail"]
    assert food.parts(order) == after


def test_reject(food):
    """A rejected order gives the money back and says why; nothing follows it."""
    order = food.ordered()
    response = food.step(order, "storeOrders", "reject", {"reason": "재료 소진"})
    assert response.json()["status"] == "거부됨"
    assert food.parts(order) == (REJECTED, PAY_REJECTED, "거부됨")
    assert food.messages(order)[-1] == "주문거부됨-재료 소진"
    for rel in ("accept", "reject", "start-cook", "finish-cook"):
        is_problem(food.step(order, "storeOrders", rel), 409)
    is_problem(food.cancel(order), 409)
    assert food.parts(order) == (REJECTED, PAY_REJECTED, "거부됨")
    assert len(food.messages(order)) == 4


def test_reject_without_a_reason(food):
    """The reason may be missing."""
    order = food.ordered()
    assert food.step(order, "storeOrders", "reject").status_code == 200
    assert food.messages(order)[-1] == "주문거부됨-"


def test_statuses_by_patch(food):
    """PATCH of a status is its command; anything else, or out of order, is a 409."""
    order = food.ordered()
    kitchen = food.url("storeOrders", food.only("storeOrders", order)["id"])
    is_problem(food.api.patch(kitchen, {"status": "요리중"}), 409)
    for status in ("접수됨", "요리중", "요리완료"):
        assert food.api.patch(kitchen, {"status": status}).json()["status"] == status
    rider = food.url("deliveries", food.only("deliveries", order)["id"])
    for status in ("배달중", "배달완료"):
        assert food.api.patch(rider, {"status": status}).json()["status"] == status
    assert food.status(order) == DELIVERED
    url = food.url("orders", order["id"])
    for body in ({"status": PLACED}, {"status": "x"}, {"score": 5}, {"paymentId": 9}):
        is_problem(food.api.patch(url, body), 409)
    assert food.get("orders", order["id"])["score"] == 0


def test_evaluate(food):
    """Only after delivery, only once, only 1 to 5."""
    order = food.ordered()
    for collection, rel in STEPS:
        is_problem(food.evaluate(order, 5), 409)
        assert food.step(order, collection, rel).status_code == 200
    for score in (0, 6, -1, "abc", 1.5, None):
        assert wrong_fields(food.evaluate(order, score)) == {"score"}
    assert wrong_fields(food.ask("orders", order["id"], "evaluate", {})) == {"score"}
    assert food.get("topFoods", food.food)["evalCount"] == 0
    assert food.evaluate(order, 4).status_code == 200
    is_problem(food.evaluate(order, 3), 409)
    food.shows("topFoods", evalCount=1, totalScore=4, score=4, orderCount=1)
    food.shows("foods", count=1, score=4)


def test_payments(food):
    """A paid order is not paid again, an unknown one is a 404; a payment is not edited or removed."""
    order = food.ordered()
    before = food.totals()
    is_problem(food.api.post(food.url("payments"), {"orderId": order["id"]}), 409)
    is_problem(food.api.post(food.url("payments"), {"orderId": "987654321"}), 404)
    assert wrong_fields(food.api.post(food.url("payments"), {})) == {"orderId"}
    assert food.totals() == before
    url = food.url("payments", order["paymentId"])
    for method in ("PUT", "PATCH", "DELETE"):
        is_problem(food.api(method, url, json={"status": PAY_REJECTED}), 405)


@pytest.mark.parametrize("collection", ["topFoods", "topMenus", "orderStatuses",
                                        "notificationLogs"])
def test_get_only(food, collection):
    """What follows by itself is not written: 405 with Allow."""
    food.ordered()
    item = food.find(collection)[0]
    url = food.url(collection, item["id"])
    for method, where in (("POST", food.url(collection)), ("PUT", url), ("PATCH", url),
                          ("DELETE", url)):
        response = food.api(method, where, json={"message": "x"})
        is_problem(response, 405)
        assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))


def test_nobody_opens_what_orders_open(api):
    """A store order and a delivery come from their order, never from outside."""
    for collection in ("storeOrders", "deliveries"):
        is_problem(api.post(f"/food/{collection}", {"orderId": 1}), 405)


def test_unknown_ids(api):
    """Commands to what does not exist are a 404."""
    for collection, rel in STEPS + [("orders", "cancel"), ("orders", "evaluate")]:
        is_problem(api.put(f"/food/{collection}/987654321/{rel}", {"score": 5}), 404)


def test_riders_near_the_customer(food):
    """?near= finds waiting deliveries by what their address begins with, along with other filters."""
    places = ["서울시 강남구 1", "서울시 강남구 2", "서울시 서초구 1", "부산시 1", "seoul 100%_"]
    here = {place: food.walk(food.ordered(address=f"{food.customer} {place}"), 3)["id"]
            for place in places}

    def near(text, **filters):
        found = food.find("deliveries", near=f"{food.customer} {text}", **filters)
        return {row["orderId"] for row in found}
    ids = list(here.values())
    assert near("서울시 강남구") == set(ids[:2])
    assert near("서울시") == set(ids[:3])
    assert near("") == set(ids)
    assert near("대전시") == near("울시") == near("서울시 강남구 11") == set()
    assert near("seoul 100%") == set(ids[4:])
    assert near("SEOUL") == set()
    rider = food.find("deliveries", orderId=ids[0])[0]
    assert food.ask("deliveries", rider["id"], "accept").status_code == 200
    assert near("서울시 강남구", status="대기중") == {ids[1]}
    assert near("서울시", status="배달중") == {ids[0]}
    page = food.api.get(food.url("deliveries"), params={
        "near": f"{food.customer} 서울시", "size": 2}).json()
    assert page["page"]["totalElements"] == 3
    after = food.api.get(path_of(page["_links"]["next"]["href"])).json()
    both = page["_embedded"]["deliveries"] + after["_embedded"]["deliveries"]
    assert {row["orderId"] for row in both} == set(ids[:3])


def test_history(food):
    """An order's own events are its history."""
    order = food.walk(food.ordered(), 5)
    assert food.evaluate(order, 3).status_code == 200
    events = food.api.get(food.url("orders", order["id"], "events")).json()["_embedded"]["events"]
    assert [event["data"]["eventType"] for event in events] == [
        "OrderPlaced", "OrderCompleted", "OrderEvalutated"]


def test_idempotency_key(food):
    """The same key gives the same order, byte for byte; a refusal as well."""
    headers = {"Idempotency-Key": f"food-{food.customer}"}
    first, second = food.order(headers=headers), food.order(headers=headers)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert len(food.find("orders", customerId=food.customer)) == 1
    headers = {"Idempotency-Key": f"food-no-{food.customer}"}
    refused = [food.order(headers=headers, foodId=987654321) for _ in range(2)]
    assert refused[0].status_code == 409 and refused[0].content == refused[1].content
