"""SPEC E on three nodes: the scenario wherever the product is; reservations while the node that has the
stock and the listings is gone; and kills, after which all books fit."""
import itertools

import pytest

import node as nodes
from cluster import Cluster
from node import wait_until
from notified import notified
from secondhand import (CANCELED, IN_PROGRESS, RESERVED, RETURNED, TOLD, TOLD_BACK, TOLD_REFUSED,
                        TRADED, TRADE_CANCELED, Secondhand, is_problem)
from test_secondhand_races import (  # noqa: F401 (these are as true of a cluster as of one node)
    test_cancel_against_the_handover, test_race_for_listings, test_race_for_the_last,
    test_race_of_cancels, test_race_of_first_stocks, test_race_of_handovers,
    test_race_of_many_for_few)
from test_secondhand_scenario import (  # noqa: F401
    test_a_listing_gives_what_a_reservation_leaves_out,
    test_a_listing_is_cancelled_with_its_reservation, test_a_listing_taken_down,
    test_a_status_that_a_client_sends,
    test_bad_listings, test_bad_quantity, test_bad_reservations, test_bad_stock, test_cancel,
    test_cancel_of_a_refused_one, test_exactly_what_is_there, test_governed_fields, test_handover,
    test_history, test_idempotency_key, test_listing, test_listings_in_their_order,
    test_no_handover, test_not_enough_stock, test_removed_stock,
    test_second_buyer_of_the_last_one, test_second_stock_adds, test_stock_has_a_maximum,
    test_too_many_listings,
    test_unknown_ids, test_unknown_product)

_products = itertools.count(20000)


def product_of(cluster, owner):
    """A fresh product whose stock and listings that node has."""
    return next(p for p in _products if cluster.owner(p) == owner)


@pytest.fixture
def market(api):
    product = next(_products)
    return Secondhand(api, user=f"buyer-{product}", product=product).add(qty=1)


@pytest.fixture
def three(tmp_path):
    """A cluster of this test's own, all of whose books fit in the end."""
    cluster = Cluster(tmp_path / "cluster").start()
    yield cluster
    cluster.check()
    cluster.stop()
    verified = nodes.dure("verify", cluster.directory)
    assert verified.returncode == 0, verified.stdout.decode()


def market_at(cluster, owner, at):
    """A product with one piece that node `owner` has, reserved through node `at`."""
    product = product_of(cluster, owner)
    market = Secondhand(cluster.nodes[owner].client(), user=f"buyer-{product}", product=product)
    market.add(qty=1)
    assert cluster.owner(market.stock) == owner
    market.api = cluster.nodes[at].client()
    return market


@pytest.mark.parametrize("owner", [0, 1, 2])
def test_scenario(cluster, owner):
    """The scenario with the product at each of the nodes and every request at the next one."""
    market = market_at(cluster, owner, 0)
    market.api = cluster.client()
    reserve = market.reserved()
    assert market.statuses(reserve) == (RESERVED, IN_PROGRESS, 0)
    market.told(TOLD)
    is_problem(market.reserve(userid="second"), 409)
    assert market.cancel(reserve).status_code == 200
    assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 1)
    assert market.get("inventories", market.stock)["status"] == RETURNED
    market.told(TOLD, TOLD_BACK)
    is_problem(market.cancel(reserve), 409)
    sent = [message for _, customer, message in notified(*cluster.nodes)
            if customer == market.user]
    assert sorted(sent) == sorted(TOLD + TOLD_BACK)


def pending(market, qty=1, **fields):
    """A reservation of which only it itself is there yet."""
    response = market.reserve(qty, headers={"Prefer": "respond-async"}, **fields)
    assert (response.status_code, response.json()["status"]) == (201, RESERVED), response.text
    return response.json()


def test_reservations_while_the_stock_is_down(three):
    """Reservations are taken; their trades, stock and notices follow when the node is there again."""
    market = market_at(three, 1, 0)
    three.nodes[1].kill()
    first, second = pending(market), pending(market, userid="second")
    huge = pending(market, 99, userid="third")
    waited = market.reserve(userid="fourth")  # Without a wish to be answered at once: after 2 s.
    assert (waited.status_code, waited.json()["status"]) == (201, RESERVED)
    assert market.messages() == [RESERVED]
    three.nodes[1].start()
    three.whole()
    market.settled(huge, TRADE_CANCELED)
    market.told(TOLD_REFUSED, user="third")

    def one_has_it():
        found = [market.find("trades", reserveid=reserve["id"]) for reserve in rivals]
        return sorted(trade["status"] for trades in found for trade in trades) == [
            IN_PROGRESS, TRADE_CANCELED, TRADE_CANCELED]
    rivals = (first, second, waited.json())
    wait_until(one_has_it, 30, "one to have it")
    for reserve in rivals:
        won = market.trade(reserve)["status"] == IN_PROGRESS
        market.told(TOLD if won else TOLD_REFUSED, user=reserve["userid"])
        assert market.statuses(reserve) == (
            (RESERVED, IN_PROGRESS, 0) if won else (CANCELED, TRADE_CANCELED, 0))


@pytest.mark.parametrize("sent", [False, True], ids=["not yet taken", "taken"])
def test_cancel_while_the_stock_is_down(three, sent):
    """A cancel is taken as well, whether the stock had been taken or not; it is back once."""
    market = market_at(three, 1, 0)
    reserve = market.reserved() if sent else None
    three.nodes[1].kill()
    reserve = reserve or pending(market)
    canceled = market.cancel(reserve)
    assert (canceled.status_code, canceled.json()["status"]) == (200, CANCELED)
    is_problem(market.cancel(reserve), 409)
    three.nodes[1].start()
    three.whole()
    market.settled(reserve, TRADE_CANCELED)
    wait_until(lambda: market.left == 1, 30, "the stock to be back")
    market.told(TOLD, TOLD_BACK)
    wait_until(lambda: market.api.get("/sagas").json()["_embedded"]["sagas"] == [], 30, "the end")


def test_kill_under_load(three):
    """Whichever node dies in the middle of reservations, each takes and gives back once."""
    markets = [market_at(three, owner, 0) for owner in range(3)]
    for market in markets:
        market.add(qty=23)
    kept = canceled = 0
    for turn in range(18):
        market = markets[turn % 3]
        market.api = three.nodes[turn // 3 % 3].client()
        if turn % 6 == 5:  # One of the nodes that this reservation needs dies in the middle of it.
            victim = three.nodes[turn % 3]
            reserve = pending(market)
            victim.kill()
            victim.start()
            three.whole()
        else:
            reserve = market.reserved()
        market.settled(reserve, IN_PROGRESS)

        def handed_over(market=market, reserve=reserve):
            return market.complete(market.trade(reserve)).status_code == 200
        if turn % 2:
            wait_until(handed_over, 30, "the handover")
            assert market.trade(reserve)["status"] == TRADED
            kept += 1
        else:
            wait_until(lambda: market.cancel(reserve).status_code in (200, 409), 30, "the cancel")
            market.settled(reserve, TRADE_CANCELED)
            canceled += 1
    assert (kept, canceled) == (9, 9)
    for market in markets:
        market.api = three.client()
    wait_until(lambda: sum(market.left for market in markets) == 3 * 24 - kept, 30, "the stock")
