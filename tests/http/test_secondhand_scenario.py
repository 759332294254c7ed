"""SPEC E: second-hand trade with its exact numbers, and everything it refuses."""
import itertools
import json

import pytest

import node as nodes
from notified import notified
from secondhand import (CANCELED, IN_PROGRESS, MATCH, MISMATCH, RESERVED, RETURNED, TOLD,
                        TOLD_BACK, TOLD_REFUSED, TRADED, TRADE_CANCELED, UNLISTED, Secondhand,
                        is_problem, wrong_fields)

_products = itertools.count(5000)


@pytest.fixture
def market(api):
    """A product with one piece of it, and a buyer, of this test's own."""
    product = next(_products)
    return Secondhand(api, user=f"buyer-{product}", product=product).add(qty=1)


@pytest.fixture
def rooted(tmp_path):
    """A node whose root system is secondhand."""
    running = nodes.Node(tmp_path / "data", "--root", "secondhand").start()
    yield running
    if running.process is not None:
        running.stop()


def plain(item):
    return {name: value for name, value in item.items() if name != "_links"}


@pytest.mark.parametrize("prefix", ["/secondhand", ""], ids=["prefixed", "unprefixed"])
@pytest.mark.parametrize("kind", [int, str], ids=["numbers", "strings"])
def test_scenario(rooted, prefix, kind):
    """From the reservation to its cancellation: every status, number, notice and event of SPEC E."""
    market = Secondhand(rooted.client(), prefix)
    stock = market.create("inventories", productid=kind(100), productname="애플워치", qty=kind(1))
    assert plain(stock) == {"id": 1, "productid": 100, "productname": "애플워치", "qty": 1,
                            "status": None}
    market.stock = 1
    made = market.create("reserves", productid=kind(100), userid="abc", productname="애플워치",
                         qty=kind(1), reserveDt="2024-04-04", address="서울시 강남구 1",
                         price=kind(50000))
    assert plain(made) == {
        "id": 1, "productid": 100, "userid": "abc", "productname": "애플워치", "qty": 1,
        "reserveDt": "2024-04-04T00:00:00.000+00:00", "address": "서울시 강남구 1", "price": 50000,
        "status": RESERVED}
    assert set(made["_links"]) == {"self", "reserve", "reservecancel"}
    assert plain(market.trade(made)) == {
        "id": 1, "productid": 100, "userid": "abc", "productname": "애플워치", "qty": 1,
        "price": "50000", "status": IN_PROGRESS, "reserveid": 1}
    assert plain(market.get("inventories", 1)) == {**plain(stock), "qty": 0, "status": MATCH}
    assert [row["status"] for row in market.find("notices")] == TOLD
    assert plain(market.get("notices", 1)) == {
        "id": 1, "productid": 100, "userid": "abc", "productname": "애플워치", "status": RESERVED}

    canceled = market.cancel(made)
    assert (canceled.status_code, plain(canceled.json())) == (
        200, {**plain(made), "status": CANCELED})
    assert set(canceled.json()["_links"]) == {"self", "reserve"}
    assert market.statuses(made) == (CANCELED, TRADE_CANCELED, 1)
    assert market.get("inventories", 1)["status"] == RETURNED
    assert [row["status"] for row in market.find("notices")] == TOLD + TOLD_BACK
    assert {row["userid"] for row in market.find("notices")} == {"abc"}

    assert notified(rooted) == [("secondhand.notice", "abc", status)
                                for status in TOLD + TOLD_BACK]
    rooted.stop()
    check_events(rooted.data)
    for command in ("verify", "rebuild", "verify"):
        done = nodes.dure(command, rooted.data)
        assert done.returncode == 0, done.stdout.decode()
        if command == "verify":
            assert [line for line in done.stdout.decode().splitlines() if "secondhand" in line] == [
                "secondhand: 1 reservations, 0 sagas under way, 0 steps left out",
                "secondhand stock: 1 = 1", "secondhand reserved: 0 = 0",
                "secondhand cancelled: 1 = 1", "secondhand notices: 5 = 5"]


RESERVE = ["id", "productid", "userid", "productname", "qty", "reserveDt", "address", "price",
           "status"]
TRADE = ["id", "productid", "userid", "productname", "qty", "price", "status", "reserveid"]
EVENTS = {
    "reserve.ReserveCompleted": RESERVE, "reserve.ReserveCanceled": RESERVE,
    "trade.TradeCompleted": TRADE, "trade.TradeCanceled": TRADE,
    "inventory.StockDecresed": ["id", "productid", "productname", "qty", "status"],
    "notice.StatusUpdated": ["id", "productid", "userid", "productname", "status"],
}
NOTICE = "notice.StatusUpdated"


def dumped(data):
    """[type without the system] of the journal's events, whose fields are SPEC's."""
    done = nodes.dure("dump", data)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    for event in events:
        assert list(event["data"]) == ["eventType", "timestamp",
                                       *EVENTS[event["type"].removeprefix("secondhand.")]]
        assert event["data"]["eventType"] == event["type"].split(".")[2]
    return [event["type"].removeprefix("secondhand.") for event in events]


def kinds(events):
    """Those that are not notices, in order; each of them has one."""
    assert events.count(NOTICE) * 2 == len(events)
    return [name for name in events if name != NOTICE]


def check_events(data):
    assert kinds(dumped(data)) == [
        "reserve.ReserveCompleted", "trade.TradeCompleted", "inventory.StockDecresed",
        "reserve.ReserveCanceled", "trade.TradeCanceled"]


def test_events_of_a_refusal(fresh):
    """Without stock the trade and the reservation are cancelled, and nothing of the stock is said."""
    market = Secondhand(fresh.client()).add(qty=1)
    market.refused(market.reserve(2))
    fresh.stop()
    assert kinds(dumped(fresh.data)) == ["reserve.ReserveCompleted", "trade.TradeCompleted",
                                         "trade.TradeCanceled", "reserve.ReserveCanceled"]
    assert nodes.dure("verify", fresh.data).returncode == 0


# ---- Stock ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("qty, stock", [(2, 1), (1, 0), (1001, 1000)])
def test_not_enough_stock(market, qty, stock):
    """A reservation of more than there is leaves the stock as it was, and is cancelled, as its trade."""
    market.product = next(_products)
    market.add(qty=stock)
    reserve = market.refused(market.reserve(qty))
    assert (reserve["qty"], reserve["price"], reserve["userid"]) == (qty, 50000, market.user)
    assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, stock)
    assert market.get("inventories", market.stock)["status"] == MISMATCH
    market.told(TOLD_REFUSED)


def test_unknown_product(market):
    """A product without any stock is refused in the same words, and no stock is invented for it."""
    market.product = next(_products)
    reserve = market.refused(market.reserve())
    assert market.trade(reserve)["status"] == TRADE_CANCELED
    assert market.find("inventories", productid=market.product) == []
    market.told(TOLD_REFUSED)


def test_second_buyer_of_the_last_one(market):
    """The last one is sold once; who comes second is refused, until it is back."""
    first = market.reserved()
    second = market.refused(market.reserve(userid="second"))
    assert market.statuses(first) == (RESERVED, IN_PROGRESS, 0)
    assert market.cancel(first).status_code == 200
    third = market.reserved(userid="third")
    assert market.statuses(third) == (RESERVED, IN_PROGRESS, 0)
    assert market.get("reserves", second["id"])["status"] == CANCELED


def test_exactly_what_is_there(market):
    """All pieces can go at once, and all come back."""
    market.product = next(_products)
    market.add(qty=7)
    reserve = market.reserved(7)
    assert market.statuses(reserve) == (RESERVED, IN_PROGRESS, 0)
    market.cancel(reserve)
    assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 7)


def test_second_stock_adds(market):
    """A second POST of a product adds to the one row; a name that comes along replaces the old one."""
    again = market.create("inventories", productid=str(market.product), qty="4")
    assert (again["id"], again["qty"], again["productname"]) == (market.stock, 5, "애플워치")
    named = market.create("inventories", productid=market.product, productname="시계", qty=0)
    assert (named["id"], named["qty"], named["productname"]) == (market.stock, 5, "시계")
    assert len(market.find("inventories", productid=market.product)) == 1


def test_stock_has_a_maximum(market):
    """More than can be counted is refused, and nothing is added."""
    response = market.api.post(market.url("inventories"),
                               {"productid": market.product, "qty": 10**15})
    assert is_problem(response, 409)["detail"]
    assert market.left == 1


def test_removed_stock(market):
    """DELETE takes a product's row away: a cancel then has nothing to give back to."""
    reserve = market.reserved()
    assert market.api.delete(market.url("inventories", market.stock)).status_code == 204
    assert market.cancel(reserve).status_code == 200
    assert market.trade(reserve)["status"] == TRADE_CANCELED
    market.refused(market.reserve())
    assert market.find("inventories", productid=market.product) == []
    assert market.add(qty=3).left == 3


@pytest.mark.parametrize("body, fields", [
    ({}, {"productid", "qty"}), ({"productid": 1, "qty": -1}, {"qty"}),
    ({"productid": "x", "qty": 1.5}, {"productid", "qty"}),
    ({"productid": 1, "qty": 10**15 + 1}, {"qty"})], ids=repr)
def test_bad_stock(api, body, fields):
    """All wrong and missing fields are named together."""
    assert wrong_fields(api.post("/secondhand/inventories", body)) == fields


# ---- Reservations --------------------------------------------------------------------------------

@pytest.mark.parametrize("qty", [0, -1, None, "abc", 1.5, "0", "", [], 2**63], ids=repr)
def test_bad_quantity(market, qty):
    """A quantity that is no positive whole number is a 400, and no reservation is made."""
    assert wrong_fields(market.reserve(qty)) == {"qty"}
    assert market.find("reserves", userid=market.user) == []
    assert market.messages() == []
    assert market.left == 1


@pytest.mark.parametrize("body, fields", [
    ({}, {"productid", "userid", "qty"}),
    ({"productid": "x", "userid": "", "qty": 0, "price": -1, "reserveDt": "soon"},
     {"productid", "userid", "qty", "price", "reserveDt"})], ids=repr)
def test_bad_reservations(api, body, fields):
    """All wrong and missing fields are named together."""
    assert wrong_fields(api.post("/secondhand/reserves", body)) == fields


def test_a_status_that_a_client_sends(market):
    """The status is the reservation's own, whatever a client names in its POST."""
    made = market.reserved(status=CANCELED, id=99, tradeId=5, refused=True)
    assert (made["status"], made["id"] != 99) == (RESERVED, True)


@pytest.mark.parametrize("how", ["put", "post", "delete", "patch", "replace"])
def test_cancel(market, how):
    """However it is asked, a cancel gives the stock back once; a second one is a 409."""
    reserve = market.reserved()
    url = market.url("reserves", reserve["id"])

    def cancel():
        if how == "delete":
            return market.api.delete(url)
        if how in ("patch", "replace"):
            return market.api("PATCH" if how == "patch" else "PUT", url, json={
                "status": CANCELED})
        return market.api(how.upper(), url + "/reservecancel")
    assert cancel().status_code == (204 if how == "delete" else 200)
    assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 1)
    market.told(TOLD, TOLD_BACK)
    # A PUT of what it is already changes nothing: a client sends back what it has read.
    again = cancel()
    assert again.status_code == 200 if how == "replace" else is_problem(again, 409)["detail"]
    for again in (market.cancel(reserve), market.api.delete(url)):
        assert is_problem(again, 409)["detail"]
    assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 1)
    market.told(TOLD, TOLD_BACK)


def test_cancel_of_a_refused_one(market):
    """What was refused is cancelled already: 409, and nothing comes back that never went."""
    reserve = market.refused(market.reserve(2))
    is_problem(market.cancel(reserve), 409)
    assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 1)
    market.told(TOLD_REFUSED)


def test_unknown_ids(api):
    """Commands to what does not exist are a 404."""
    for path in ("reserves/987654321/reservecancel", "trades/987654321/complete",
                 "reserves/x/reservecancel"):
        is_problem(api.put(f"/secondhand/{path}"), 404)
    for collection in ("reserves", "trades", "inventories", "notices"):
        is_problem(api.get(f"/secondhand/{collection}/987654321"), 404)
        is_problem(api.delete(f"/secondhand/{collection}/987654321"), 404)


def test_governed_fields(market):
    """Quantity, price, product, user and status are not edited; address and date are."""
    reserve = market.reserved()
    url = market.url("reserves", reserve["id"])
    for body in ({"qty": 5}, {"price": 1}, {"productid": 1}, {"userid": "x"}, {"status": "x"}):
        is_problem(market.api.patch(url, body), 409)
    edited = market.api.patch(url, {"address": "부산시 1", "reserveDt": "2024-05-05", "qty": "1"})
    assert (edited.status_code, edited.json()["address"]) == (200, "부산시 1")
    trade = market.url("trades", market.trade(reserve)["id"])
    for body in ({"status": TRADE_CANCELED}, {"status": "x"}, {"qty": 2}, {"reserveid": 9}):
        is_problem(market.api.patch(trade, body), 409)
    stock = market.url("inventories", market.stock)
    for body in ({"qty": 9}, {"status": MATCH + "?"}, {"productid": 1}):
        is_problem(market.api.patch(stock, body), 409)
    assert market.api.patch(stock, {"productname": "시계"}).json()["productname"] == "시계"
    assert market.statuses(reserve) == (RESERVED, IN_PROGRESS, 0)


# ---- Listings, trades, handover ------------------------------------------------------------------

def test_listing(market):
    """A seller's listing is picked up by the first reservation of its product, and by no other."""
    listing = market.listed()
    assert plain(listing) == {
        "id": listing["id"], "productid": market.product, "userid": "seller",
        "productname": "애플워치", "qty": 1, "price": "45000", "status": None, "reserveid": None}
    market.add(qty=2)
    first, second = market.reserved(), market.reserved()
    picked = market.trade(first)
    assert plain(picked) == {**plain(listing), "userid": market.user, "price": "50000",
                             "status": IN_PROGRESS, "reserveid": first["id"]}
    assert market.trade(second)["id"] != listing["id"]
    market.told(TOLD, TOLD)
    assert market.messages("seller") == []


def test_listings_in_their_order(market):
    """Of several listings the oldest goes first; those of other products stay."""
    listings = [market.listed(seller=f"s{i}")["id"] for i in range(3)]
    market.add(qty=9)
    other = Secondhand(market.api, user="x", product=next(_products)).listed()
    got = [market.trade(market.reserved())["id"] for _ in range(4)]
    assert got[:3] == listings and got[3] not in listings
    assert market.get("trades", other["id"])["status"] is None


def test_a_listing_gives_what_a_reservation_leaves_out(market):
    """Without a name or a price of its own a reservation takes the listing's."""
    listing = market.listed()
    trade = market.trade(market.reserved(productname=None, price=None))
    assert (trade["id"], trade["productname"], trade["price"]) == (
        listing["id"], "애플워치", "45000")


def test_a_listing_is_cancelled_with_its_reservation(market):
    """A picked-up listing ends as its reservation does; the next one makes a trade of its own."""
    listing = market.listed()
    reserve = market.reserved()
    market.cancel(reserve)
    assert market.get("trades", listing["id"])["status"] == TRADE_CANCELED
    assert market.trade(market.reserved())["id"] != listing["id"]


def test_a_listing_taken_down(market):
    """DELETE takes a listing away, so that nobody picks it; a trade in progress stays."""
    gone, kept = market.listed(), market.listed()
    assert "takedown" in gone["_links"]
    assert market.api.delete(market.url("trades", gone["id"])).status_code == 204
    is_problem(market.api.get(market.url("trades", gone["id"])), 404)
    trade = market.trade(market.reserved())
    assert trade["id"] == kept["id"]
    assert is_problem(market.api.delete(market.url("trades", kept["id"])), 409)["detail"]


def test_too_many_listings(market):
    """24 listings of a product may wait; one more is refused, and a place that is free is taken."""
    waiting = [market.listed()["id"] for _ in range(24)]
    response = market.api.post(market.url("trades"), {"productid": market.product})
    assert is_problem(response, 409)["detail"].startswith(UNLISTED)
    one, = market.find("trades", productid=market.product, status=UNLISTED)
    assert market.api.delete(market.url("trades", waiting[3])).status_code == 204
    last = market.listed()["id"]
    assert market.api.delete(market.url("trades", one["id"])).status_code == 204
    market.add(qty=50)
    del waiting[3]
    assert [market.trade(market.reserved())["id"] for _ in range(24)] == waiting + [last]


@pytest.mark.parametrize("body, fields", [
    ({}, {"productid"}), ({"productid": "x", "qty": 0}, {"productid", "qty"})], ids=repr)
def test_bad_listings(api, body, fields):
    """All wrong and missing fields are named together."""
    assert wrong_fields(api.post("/secondhand/trades", body)) == fields


@pytest.mark.parametrize("how", ["put", "patch"])
def test_handover(market, how):
    """After the handover the trade is done: no event, no notice, no stock; and no way back."""
    reserve = market.reserved()
    trade = market.trade(reserve)
    assert "complete" in trade["_links"]

    def complete():
        if how == "put":
            return market.complete(trade)
        return market.api.patch(market.url("trades", trade["id"]), {"status": TRADED})
    done = complete()
    assert (done.status_code, done.json()["status"]) == (200, TRADED)
    assert market.statuses(reserve) == (RESERVED, TRADED, 0)
    for again in (complete(), market.cancel(reserve),
                  market.api.delete(market.url("reserves", reserve["id"]))):
        assert is_problem(again, 409)["detail"]
    assert market.statuses(reserve) == (RESERVED, TRADED, 0)
    market.told(TOLD)
    events = market.api.get(market.url("trades", trade["id"], "events")).json()
    assert [event["data"]["eventType"] for event in events["_embedded"]["events"]] == [
        "TradeCompleted"]


def test_no_handover(market):
    """A listing without a buyer, and a cancelled or refused trade, are not handed over."""
    is_problem(market.complete(market.listed()), 409)
    canceled = market.reserved()
    market.cancel(canceled)
    refused = market.refused(market.reserve(2))
    for reserve in (canceled, refused):
        assert is_problem(market.complete(market.trade(reserve)), 409)["detail"]
        assert market.statuses(reserve) == (CANCELED, TRADE_CANCELED, 1)


# ---- Notices -------------------------------------------------------------------------------------

def test_notice_by_hand(fresh):
    """POST /notices tells somebody: StatusUpdated, and out through the port."""
    market = Secondhand(fresh.client())
    made = market.create("notices", productid="7", userid=12, productname="x", status="알림")
    assert plain(made) == {"id": 1, "productid": 7, "userid": "12", "productname": "x",
                           "status": "알림"}
    assert wrong_fields(market.api.post(market.url("notices"), {})) == {"userid"}
    edited = market.api.patch(market.url("notices", 1), {"productname": "y"})
    assert edited.json()["productname"] == "y"
    assert market.api.delete(market.url("notices", 1)).status_code == 204
    assert notified(fresh) == [("secondhand.notice", "12", "알림")]
    fresh.stop()
    assert dumped(fresh.data) == [NOTICE]
    assert nodes.dure("verify", fresh.data).returncode == 0


def test_methods(market):
    """What a collection does not know is a 405 that says what it does."""
    reserve = market.reserved()
    for method, path in (("DELETE", "reserves"), ("PUT", "trades"), ("PATCH", "notices"),
                         ("GET", f"reserves/{reserve['id']}/reservecancel")):
        response = market.api(method, market.url(path), json={})
        is_problem(response, 405)
        assert response.headers["Allow"]


def test_history(market):
    """A reservation's own events are its history."""
    reserve = market.reserved()
    market.cancel(reserve)
    events = market.api.get(market.url("reserves", reserve["id"], "events")).json()
    assert [event["data"]["eventType"] for event in events["_embedded"]["events"]] == [
        "ReserveCompleted", "ReserveCanceled"]


def test_idempotency_key(market):
    """The same key gives the same reservation, byte for byte; a refusal as well."""
    market.add(qty=5)
    for qty in (2, 99):
        headers = {"Idempotency-Key": f"second-{market.product}-{qty}"}
        first, again = (market.reserve(qty, headers=headers) for _ in range(2))
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert market.left == 4
    assert len(market.find("reserves", userid=market.user)) == 2


def test_bulk(market):
    """Reservations line by line: each on its own; one that fails takes none along."""
    market.add(qty=2)
    lines = [{"productid": market.product, "userid": market.user, "qty": qty}
             for qty in (1, 0, 5, 2, 1)]
    response = market.api("POST", market.url("reserves"),
                          data="".join(json.dumps(line) + "\n" for line in lines),
                          headers={"Content-Type": "application/x-ndjson"})
    assert response.status_code == 200
    assert [json.loads(line)["status"] for line in response.text.splitlines()] == [
        201, 400, 409, 201, 409]
    assert market.left == 0
