"""The five scenarios with SPEC's numbers on three nodes, while at every single command a node is killed:
the one that has been asked, the next, or the one after that."""
import json

import pytest

import node as nodes
from bike import CANCELED as RIDE_CANCELED
from bike import RESERVED, RETURNED, Bike
from cluster import Cluster
from dr import Dr
from food import DELIVERED, PAID, PAY_DONE, STEPS, Food
from secondhand import (CANCELED, IN_PROGRESS, TOLD, TOLD_BACK, TRADE_CANCELED, Secondhand)
from shop import CANCELED as ORDER_CANCELED
from shop import DONE, Shop
from struck import Struck, becomes


@pytest.fixture(params=[0, 1, 2], ids=["asked one dies", "next one dies", "third one dies"])
def struck(tmp_path, request):
    """A client whose every command kills. In the end all books fit, and no saga is left."""
    cluster = Cluster(tmp_path / "cluster", "--meter", "manual").start()
    client = Struck(cluster, request.param)
    yield client
    becomes(lambda: client.get("/sagas").json()["_embedded"]["sagas"], [])
    cluster.check()
    cluster.stop()
    verified = nodes.dure("verify", cluster.directory, "--json")
    assert verified.returncode == 0, verified.stdout.decode()
    systems = json.loads(verified.stdout)["systems"]
    assert systems and all(line["exact"] and line["fits"] for s in systems for line in s["sums"])


def test_shop(struck):
    """999999 and 1000 become 989999 and 990, 999999 and 1000 again, 979999 and 980; two deliveries."""
    shop = Shop(struck).open(money=999999, stock=1000, price=1000)
    order = shop.order(10).json()
    becomes(lambda: shop.get("orders", order["id"])["status"], DONE)
    assert shop.holdings == (989999, 990)

    def delivered(): return [row["status"] for row in shop.find("deliveries")]
    def shown(): return [row["deliveryStatus"] for row in shop.find("mypages")]
    becomes(delivered, ["배송중"])
    becomes(shown, ["배송중"])
    assert shop.cancel(order["id"]).status_code == 200
    becomes(lambda: shop.get("orders", order["id"])["status"], ORDER_CANCELED)
    becomes(lambda: shop.holdings, (999999, 1000))
    becomes(shown, ["배송취소"])
    for _ in range(2):
        again = shop.order(10).json()
        becomes(lambda order=again: shop.get("orders", order["id"])["status"], DONE)
    assert shop.holdings == (979999, 980)
    becomes(lambda: sorted(delivered()), ["배송중", "배송중", "배송취소"])


def test_dr(struck):
    """samsung, lg and sk: two accept, 383 and 295 are real; 1383, 1295 and 1000 points."""
    dr = Dr(struck)
    users = [dr.user(name, point=1000, capacity=capacity)
             for name, capacity in (("samsung", 400), ("lg", 300), ("sk", 500))]
    demand = dr.start(users=3)
    listed = {row["userId"]: row for row in dr.responses(demand)}
    assert [listed[user]["userCapacity"] for user in users] == [400, 300, 500]
    assert {row["answer"] for row in listed.values()} == {"ignore"}
    responses = [listed[user]["id"] for user in users]
    answers = ("accept", "accept", "deny")
    for response, answer in zip(responses, answers):
        assert dr.answer(response, answer).status_code == 200
        becomes(lambda r=response: dr.get("responses", r)["answer"], answer)
    assert struck.put(dr.url("drs", demand, "end")).status_code == 200
    becomes(lambda: sorted(row["responseId"] for row in dr.kepcos(demand)), sorted(responses[:2]))
    for response, points in zip(responses, (383, 295)):
        assert dr.measure(response, points).status_code == 201
    becomes(lambda: [dr.point(user) for user in users], [1383, 1295, 1000])
    assert dr.answer(responses[0], "deny").status_code in (200, 409)  # 200: not decided in time.
    assert struck.put(dr.url("drs", demand, "end")).status_code == 409
    assert [dr.get("responses", response)["answer"] for response in responses] == list(answers)
    assert len(dr.kepcos(demand)) == 2 and len(dr.responses(demand)) == 3


def test_bike(struck):
    """3000 and 8000 points; reserved 7000, cancelled 8000, reserved 7000, returned 7000."""
    bike = Bike(struck).add()

    def points(): return [row["totalPoint"] for row in bike.find("points", userId=bike.user)]
    bike.buy(3000)
    becomes(points, [3000])
    bike.buy(5000)
    becomes(points, [8000])
    for end, status, left in (("cancel", RIDE_CANCELED, 8000), ("return", RETURNED, 7000)):
        number = bike.reserve().json()["reserveNo"]
        bike.becomes(number, RESERVED)
        becomes(points, [7000])
        bike.shows(number, RESERVED)
        assert bike.ask(number, end).status_code == 200
        bike.becomes(number, status)
        becomes(points, [left])
        bike.shows(number, status)
        becomes(lambda: struck.get("/sagas").json()["_embedded"]["sagas"], [])  # The bike is free.
    assert bike.is_free()
    assert points() == [7000]


def test_secondhand(struck):
    """One piece: reserved, 0 left and 3 notices; cancelled, 1 left and 2 notices more."""
    market = Secondhand(struck).add(qty=1)
    reserve = market.reserve().json()
    market.settled(reserve, IN_PROGRESS)
    becomes(lambda: market.left, 0)
    market.told(TOLD)
    assert market.cancel(reserve).status_code == 200
    becomes(lambda: market.get("reserves", reserve["id"])["status"], CANCELED)
    becomes(lambda: market.statuses(reserve), (CANCELED, TRADE_CANCELED, 1))
    market.told(TOLD, TOLD_BACK)


def test_food(struck):
    """Two orders all the way, rated 5 and 2: score 5, then 3.5 of two; eight notifications each."""
    food = Food(struck).add(store=1)
    orders = [meal(food), meal(food)]
    for order, score, shown in (
            (orders[0], 5, {"evalCount": 1, "totalScore": 5, "score": 5, "orderCount": 2}),
            (orders[1], 2, {"evalCount": 2, "totalScore": 7, "score": 3.5, "orderCount": 2})):
        assert food.evaluate(order, score).status_code == 200
        food.shows("topFoods", **shown)
    for order in orders:
        assert food.parts(order) == (DELIVERED, PAY_DONE, "요리완료")
        becomes(lambda o=order: food.messages(o), [
            "주문됨", "결제완료", "주문완료", "주문접수됨", "요리시작", "요리완료", "배달시작", "배달완료"])


def meal(food):
    order = food.order().json()
    food.becomes(order, PAID)
    for turn, (collection, rel) in enumerate(STEPS):
        becomes(lambda c=collection: len(food.find(c, orderId=order["id"])), 1)
        assert food.step(order, collection, rel).status_code == 200
        if turn == 1:
            assert food.cancel(order).status_code in (200, 409)  # 200: not decided in time.
    food.becomes(order, DELIVERED)
    return order
