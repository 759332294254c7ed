"""SPEC G: the shop's scenario with its exact numbers, and everything it refuses."""
import pytest

from shop import (CANCELED, DONE, NO_MONEY, NO_PRODUCT, NO_STOCK, PRICE_DIFFERS, Shop, is_problem,
                  wrong_fields)


@pytest.mark.parametrize("prefix", ["/shop", ""], ids=["prefixed", "unprefixed"])
def test_scenario(fresh, prefix):
    """Ordering moves money, stock and a delivery; cancelling moves all of them back; both repeat."""
    shop = Shop(fresh.client(), prefix, user=1).open(money=999999, stock=1000, price=1000)

    order = shop.ordered(10)
    assert (order["price"], order["quantity"]) == (1000, 10)
    assert shop.holdings == (989999, 990)
    delivery, = shop.find("deliveries")
    assert (delivery["orderId"], delivery["status"], delivery["quantity"]) == (
        order["id"], "배송중", 10)
    page, = shop.find("mypages")
    assert (page["orderId"], page["productId"], page["userId"], page["quantity"],
            page["deliveryStatus"]) == (order["id"], shop.product, 1, 10, "배송중")

    canceled = shop.cancel(order["id"])
    assert (canceled.status_code, canceled.json()["status"]) == (200, CANCELED)
    assert shop.holdings == (999999, 1000)
    delivery, = shop.find("deliveries")
    assert delivery["status"] == "배송취소"
    page, = shop.find("mypages")
    assert page["deliveryStatus"] == "배송취소"

    shop.ordered(10)
    shop.ordered(10)
    assert shop.holdings == (979999, 980)
    assert len(shop.find("deliveries", status="배송중")) == 2


def test_prefixed_and_unprefixed_paths_are_one_resource(fresh):
    """What is made under /shop is there without the prefix, and the other way round."""
    api = fresh.client()
    prefixed, plain = Shop(api, "/shop").open(), Shop(api, "")
    order = prefixed.ordered(1)
    plain.product, plain.account, plain.user = prefixed.product, prefixed.account, prefixed.user
    delivery, = prefixed.find("deliveries")
    for collection, item in (("orders", order["id"]), ("inventories", prefixed.product),
                             ("pays", prefixed.account), ("deliveries", delivery["id"]),
                             ("mypages", order["id"])):
        a, b = prefixed.get(collection, item), plain.get(collection, item)
        a.pop("_links"), b.pop("_links")
        assert a == b
    assert plain.cancel(order["id"]).status_code == 200
    assert prefixed.get("orders", order["id"])["status"] == CANCELED


@pytest.mark.parametrize("quantity, money, status", [
    (1001, 99999999, NO_STOCK), (1000, 999999, NO_MONEY), (1001, 999999, NO_MONEY)])
def test_refusal_restores_everything(shop, quantity, money, status):
    """An order that money or stock cannot serve is kept as refused, and nothing else has changed."""
    shop.open(money=money, stock=1000, price=1000)
    order = shop.refused(shop.order(quantity), status)
    assert (order["quantity"], order["userId"], order["price"]) == (quantity, shop.user, 1000)
    assert shop.holdings == (money, 1000)
    assert shop.deliveries() == []
    assert all(page["deliveryStatus"] is None for page in shop.mypages())


def test_largest_order_that_money_allows(shop):
    """Exactly 999 units pass, and leave 999 of money and 1 of stock."""
    shop.open(money=999999, stock=1000, price=1000).ordered(999)
    assert shop.holdings == (999, 1)


def test_exact_money_and_exact_stock_pass(shop):
    """The last coin and the last unit can be spent: both end at 0."""
    shop.open(money=5000, stock=5, price=1000).ordered(5)
    assert shop.holdings == (0, 0)
    shop.refused(shop.order(1), NO_MONEY)


def test_unknown_product(shop):
    """An order for a product that does not exist is refused and takes no money."""
    shop.open()
    response = shop.order(1, productId=987654321)
    assert is_problem(response, 409)["detail"]
    shop.refused(response, NO_PRODUCT)
    assert shop.holdings == (999999, 1000)


def test_no_account(shop):
    """An order of a user without an account is refused; no account is invented for them."""
    shop.open()
    shop.refused(shop.order(1, userId=987654321), NO_MONEY)
    assert shop.holdings == (999999, 1000)
    assert shop.find("pays", userId=987654321) == []
    assert shop.deliveries() == []


@pytest.mark.parametrize("quantity", [0, -1, None, "abc", 1.5, "1.5", "", [], {}, True, 1e30, 2**63],
                         ids=repr)
def test_bad_quantity(shop, quantity):
    """A quantity that is no positive whole number is a 400 on that field, and no order is made."""
    shop.open()
    before = len(shop.find("orders", userId=shop.user))
    assert wrong_fields(shop.order(quantity)) == {"quantity"}
    assert len(shop.find("orders", userId=shop.user)) == before
    assert shop.holdings == (999999, 1000)


def test_missing_fields_are_named_together(api):
    """An empty order names all three fields that it lacks."""
    assert wrong_fields(api.post("/shop/orders", {})) == {"productId", "quantity", "userId"}


def test_all_wrong_fields_are_named_together(api):
    """Wrong and missing fields stand in one answer."""
    response = api.post("/shop/orders", {"productId": "abc", "quantity": 1.5, "price": []})
    assert wrong_fields(response) == {"productId", "quantity", "userId", "price"}


def test_second_cancel(shop):
    """Cancelling twice is a 409 and refunds once."""
    shop.open()
    order = shop.ordered(3)
    assert shop.holdings == (996999, 997)
    assert shop.cancel(order["id"]).status_code == 200
    assert shop.holdings == (999999, 1000)
    assert is_problem(shop.cancel(order["id"]), 409)["detail"]
    assert shop.api.delete(shop.url("orders", order["id"])).status_code == 409
    assert shop.holdings == (999999, 1000)


def test_cancel_gives_back_what_was_ordered(shop):
    """Cancelling an order of 3 gives back 3 and its money, whatever else was ordered."""
    shop.open()
    three, seven = shop.ordered(3), shop.ordered(7)
    assert shop.holdings == (989999, 990)
    assert shop.cancel(three["id"]).status_code == 200
    assert shop.holdings == (992999, 993)
    assert shop.get("orders", seven["id"])["status"] == DONE


def test_refund_is_at_the_price_paid(shop):
    """A product that has become dearer meanwhile is refunded at the price that was paid."""
    shop.open(money=10000, stock=10, price=1000)
    order = shop.ordered(2)
    assert shop.api.patch(shop.url("inventories", shop.product), {"price": 4000}).status_code == 200
    assert shop.cancel(order["id"]).status_code == 200
    assert shop.holdings == (10000, 10)
    assert shop.ordered(1)["price"] == 4000


def test_refused_order_gives_nothing_back(shop):
    """Cancelling an order that was refused is a 409 and moves nothing."""
    shop.open(money=999999)
    order = shop.refused(shop.order(1000), NO_MONEY)
    assert is_problem(shop.cancel(order["id"]), 409)["detail"]
    assert shop.holdings == (999999, 1000)
    assert shop.get("orders", order["id"])["status"] == NO_MONEY


def test_cancel_of_unknown_order(shop):
    """Cancelling an order that never was is a 404."""
    is_problem(shop.cancel(987654321), 404)
    is_problem(shop.api.delete(shop.url("orders", 987654321)), 404)


def test_price_absent_equal_different(shop):
    """The unit price comes from the product: absent or equal is fine, different is refused."""
    shop.open()
    assert shop.ordered(1)["price"] == 1000
    assert shop.ordered(1, price=1000)["price"] == 1000
    assert shop.ordered(1, price="1000")["price"] == 1000
    assert shop.holdings == (996999, 997)
    shop.refused(shop.order(1, price=999), PRICE_DIFFERS)
    assert shop.holdings == (996999, 997)
    assert len(shop.deliveries()) == 3


def test_address_goes_to_the_delivery(shop):
    """The address of an order is its delivery's; without one it is null."""
    shop.open()
    with_address = shop.ordered(1, address="서울시 강남구 1")
    without = shop.ordered(1)
    assert [d["address"] for d in shop.deliveries(orderId=with_address["id"])] == ["서울시 강남구 1"]
    assert [d["address"] for d in shop.deliveries(orderId=without["id"])] == [None]


def test_second_pay_tops_up(shop):
    """A second POST /pays of a user adds to the one account that they have."""
    shop.open(money=1000)
    again = shop.api.post(shop.url("pays"), {"userId": shop.user, "payAmount": 500, "point": 7})
    assert again.status_code == 201
    assert (again.json()["id"], again.json()["payAmount"], again.json()["point"]) == (
        shop.account, 1500, 7)
    assert len(shop.find("pays", userId=shop.user)) == 1
    assert shop.money == 1500


@pytest.mark.parametrize("body, fields", [
    ({}, {"userId", "payAmount"}), ({"userId": 5, "payAmount": -1}, {"payAmount"}),
    ({"userId": "x", "payAmount": "y", "point": "z"}, {"userId", "payAmount", "point"})], ids=repr)
def test_bad_pay(api, body, fields):
    """A top-up without a user or with a negative amount is a 400 on these fields."""
    assert wrong_fields(api.post("/shop/pays", body)) == fields


@pytest.mark.parametrize("body", [
    {"stockName": "a", "stockCount": -1, "price": 1}, {"stockName": "a", "stockCount": "x", "price": 1},
    {"stockName": "a", "stockCount": 0.5, "price": 1}], ids=repr)
def test_bad_inventory(api, body):
    """A stock count that is negative or no whole number is a 400 on that field."""
    assert wrong_fields(api.post("/shop/inventories", body)) == {"stockCount"}


def test_mypage_follows_and_is_read_only(shop):
    """mypages is keyed by order, follows the delivery, and answers 405 with Allow to every write."""
    shop.open()
    order = shop.ordered(2)
    url = shop.url("mypages", order["id"])
    page = shop.get("mypages", order["id"])
    assert (page["orderId"], page["quantity"], page["deliveryStatus"]) == (order["id"], 2, "배송중")
    for method, where in (("POST", shop.url("mypages")), ("PUT", url), ("PATCH", url),
                          ("DELETE", url)):
        response = shop.api(method, where, json={"deliveryStatus": "x"})
        is_problem(response, 405)
        assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))
    shop.cancel(order["id"])
    assert shop.get("mypages", order["id"])["deliveryStatus"] == "배송취소"


@pytest.mark.parametrize("status", [NO_PRODUCT, PRICE_DIFFERS, NO_MONEY, NO_STOCK])
def test_mypage_of_a_refused_order(shop, status):
    """Every order has its mypages row; a refused one without any delivery, whatever the reason."""
    shop.open(money=5000, stock=3, price=1000)
    wrong = {NO_PRODUCT: {"productId": 987654321}, PRICE_DIFFERS: {"price": 7}}.get(status, {})
    quantity = {NO_MONEY: 6, NO_STOCK: 4}.get(status, 2)
    order = shop.refused(shop.order(quantity, **wrong), status)
    page = shop.get("mypages", order["id"])
    assert [page[field] for field in ("orderId", "productId", "userId", "quantity",
                                      "deliveryStatus")] == [
        order["id"], order["productId"], shop.user, quantity, None]
    assert [row["orderId"] for row in shop.mypages()] == [order["id"]]
    assert shop.holdings == (5000, 3)


def test_huge_total_is_refused_not_wrapped(shop):
    """quantity × price beyond 64 bits is refused; the sum never wraps round to something payable."""
    shop.open(money=999999, stock=1000, price=10**15)
    for quantity in (10**15, 2**64 // 10**15 + 1, 10**18, 2**63 - 1):
        response = shop.order(quantity)
        assert response.status_code in (400, 409), response.text
    assert shop.holdings == (999999, 1000)
