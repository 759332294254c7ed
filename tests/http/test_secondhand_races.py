"""SPEC E under contention: whoever comes first, reservation, trade, stock and notices agree."""
import collections
import itertools
import random

import pytest

import node as nodes
from secondhand import (CANCELED, IN_PROGRESS, RESERVED, TOLD, TOLD_BACK, TOLD_REFUSED, TRADED,
                        TRADE_CANCELED, Secondhand)
from test_shop_races import at_once, until_killed

_products = itertools.count(9000)


@pytest.fixture
def market(api):
    product = next(_products)
    return Secondhand(api, user=f"racer-{product}", product=product).add(qty=1)


def codes(responses):
    return collections.Counter(response.status_code for response in responses)


def test_race_for_the_last(node, market):
    """Two race for the last piece: one trade, stock 0, never -1; and again when it is back."""
    for turn in range(8):
        users = [f"{market.user}-{turn}-{i}" for i in range(2)]
        body = {"productid": market.product, "qty": 1}
        responses = at_once(node, 2, lambda client, i: client.post(
            market.url("reserves"), {**body, "userid": users[i]}))
        assert codes(responses) == {201: 1, 409: 1}
        loser, winner = sorted(responses, key=lambda r: r.status_code, reverse=True)
        kept, won = market.refused(loser), winner.json()
        assert market.statuses(won) == (RESERVED, IN_PROGRESS, 0)
        assert market.trade(kept)["status"] == TRADE_CANCELED
        market.told(TOLD, user=won["userid"])
        market.told(TOLD_REFUSED, user=kept["userid"])
        assert market.cancel(won).status_code == 200
        assert market.left == 1


def test_race_of_many_for_few(node, market):
    """Sixteen buyers of one piece each, five pieces: five trades in progress, stock 0."""
    market.add(qty=4)
    body = {"productid": market.product, "qty": 1, "userid": market.user}
    responses = at_once(node, 16, lambda client, i: client.post(market.url("reserves"), body))
    assert codes(responses) == {201: 5, 409: 11}
    assert market.left == 0
    trades = market.find("trades", productid=market.product)
    assert collections.Counter(trade["status"] for trade in trades) == {
        IN_PROGRESS: 5, TRADE_CANCELED: 11}
    market.told(5 * TOLD, 11 * TOLD_REFUSED)


def test_race_of_cancels(node, market):
    """Of many cancels of one reservation exactly one succeeds, and the stock is back once."""
    for turn in range(1, 4):
        reserve = market.reserved()
        url = market.url("reserves", reserve["id"])

        def cancel(client, i):
            if i % 3 == 0:
                return client.delete(url)
            if i % 3 == 1:
                return client.patch(url, {"status": CANCELED})
            return client.put(url + "/reservecancel")
        got = codes(at_once(node, 12, cancel))
        assert got[409] == 11 and got[200] + got[204] == 1, got
        assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 1)
        market.told(turn * TOLD, turn * TOLD_BACK)


def test_cancel_against_the_handover(node, market):
    """Cancel and handover at once: exactly one of them happens, wholly."""
    market.add(qty=23)
    left = 24
    for turn in range(24):
        reserve = market.reserved()
        urls = [market.url("trades", market.trade(reserve)["id"], "complete"),
                market.url("reserves", reserve["id"], "reservecancel")]
        responses = at_once(node, 2, lambda client, i: client.put(urls[i ^ turn % 2]))
        assert sorted(r.status_code for r in responses) == [200, 409], [r.text for r in responses]
        canceled = responses[1 ^ turn % 2].status_code == 200
        left -= not canceled
        assert market.statuses(reserve) == (
            (CANCELED, TRADE_CANCELED, left) if canceled else (RESERVED, TRADED, left))


def test_race_of_handovers(node, market):
    """Of many handovers of one trade one succeeds."""
    reserve = market.reserved()
    url = market.url("trades", market.trade(reserve)["id"], "complete")
    assert codes(at_once(node, 10, lambda client, i: client.put(url))) == {200: 1, 409: 9}
    assert market.statuses(reserve) == (RESERVED, TRADED, 0)


def test_race_for_listings(node, market):
    """Each listing goes to one reservation, however many come at once."""
    market.add(qty=99)
    listings = {market.listed()["id"] for _ in range(6)}
    body = {"productid": market.product, "qty": 1, "userid": market.user}
    responses = at_once(node, 12, lambda client, i: client.post(market.url("reserves"), body))
    assert codes(responses) == {201: 12}
    trades = market.find("trades", productid=market.product)
    assert len(trades) == 12 and listings <= {trade["id"] for trade in trades}
    assert sorted(trade["reserveid"] for trade in trades) == sorted(
        response.json()["id"] for response in responses)


def test_race_of_first_stocks(node, market):
    """Parallel first POSTs of one product end in one row that holds all of them."""
    product = next(_products)
    responses = at_once(node, 10, lambda client, i: client.post(
        market.url("inventories"), {"productid": product, "productname": "x", "qty": 3}))
    assert codes(responses) == {201: 10}
    row, = market.find("inventories", productid=product)
    assert row["qty"] == 30


def test_kill_under_load(tmp_path):
    """kill -9 while many reserve, cancel and hand over: the books fit, and no answer was untrue."""
    running = nodes.Node(tmp_path / "data").start()
    market = Secondhand(running.client())
    products = range(1, 4)
    for product in products:
        market.create("inventories", productid=product, productname="x", qty=40)
    answered = []
    for kill in range(3):
        dice = [random.Random(kill * 100 + i) for i in range(8)]

        def work(client, i, done):
            own = Secondhand(client, user=f"u{i}")
            own.product = dice[i].choice(products)
            response = own.reserve(dice[i].randint(1, 5))
            assert response.status_code in (201, 409), response.text
            if response.status_code == 409:  # Sold out: else it would be so for ever.
                own.create("inventories", productid=own.product, qty=5)
                return
            reserve = response.json()
            done.append((reserve["id"], None))
            if dice[i].random() < 0.1:
                assert own.complete(own.trade(reserve)).status_code == 200
                done[-1] = (reserve["id"], RESERVED)
            elif dice[i].random() < 0.8:
                assert own.cancel(reserve).status_code == 200
                done[-1] = (reserve["id"], CANCELED)
        answered += until_killed(running, 8, work)
        running.start()
        market.api = running.client()
        for product in products:
            market.create("inventories", productid=product, qty=40)
    assert len(answered) > 60
    for reserve, status in answered:
        assert market.get("reserves", reserve)["status"] == status or status is None
    running.stop()
    verified = nodes.dure("verify", running.data)
    assert verified.returncode == 0, verified.stdout.decode()
