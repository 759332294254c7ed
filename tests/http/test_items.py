"""A2, A3: single items; every method on them, their links, versions and governed fields."""
import pytest

from shop import CANCELED, DONE, is_problem, path_of, wrong_fields

FIELDS = {
    "orders": ["id", "productId", "quantity", "userId", "status", "price"],
    "inventories": ["id", "stockName", "stockCount", "status", "price"],
    "deliveries": ["id", "orderId", "userId", "address", "quantity", "status", "productId"],
    "pays": ["id", "payAmount", "userId", "status", "point"],
    "mypages": ["orderId", "productId", "userId", "quantity", "deliveryStatus"],
}
RELS = {"orders": "order", "inventories": "inventory", "deliveries": "delivery", "pays": "pay",
        "mypages": "mypage"}


@pytest.fixture
def items(shop):
    """One item of each collection, as collection → its representation."""
    shop.open()
    order = shop.ordered(2)
    return {
        "orders": shop.get("orders", order["id"]),
        "inventories": shop.get("inventories", shop.product),
        "deliveries": shop.get("deliveries", shop.deliveries()[0]["id"]),
        "pays": shop.get("pays", shop.account),
        "mypages": shop.get("mypages", order["id"]),
    }


@pytest.fixture
def product(shop):
    """The path of a new product."""
    return shop.url("inventories", shop.open().product)


@pytest.mark.parametrize("collection", FIELDS)
def test_shape(items, collection, api):
    """An item has its fields in the documented order, the id too, then _links with self and rel."""
    item = items[collection]
    assert list(item) == FIELDS[collection] + ["_links"]
    links = item["_links"]
    assert list(links)[:2] == ["self", RELS[collection]]
    assert links["self"] == links[RELS[collection]]
    assert links["self"]["href"].startswith(api.base + "/")
    assert api.get(links["self"]["href"]).json() == item


def test_types(items):
    """Numbers are numbers, absent values are null, and nothing is left out."""
    order, product, delivery = items["orders"], items["inventories"], items["deliveries"]
    assert all(type(order[field]) is int for field in FIELDS["orders"] if field != "status")
    assert product["status"] is None or isinstance(product["status"], str)
    assert delivery["address"] is None
    assert items["pays"]["point"] is None or type(items["pays"]["point"]) is int


def test_created_item(shop):
    """201 carries Location, which is the self link and leads to the very item in the body."""
    shop.open()
    response = shop.order(1)
    assert response.status_code == 201
    assert response.headers["Content-Type"].split(";")[0] in ("application/json",
                                                              "application/hal+json")
    item = response.json()
    assert response.headers["Location"] == item["_links"]["self"]["href"]
    assert shop.api.get(response.headers["Location"]).json() == item


def test_command_links_follow_the_state(shop):
    """A link per command that the present state allows: cancel on a done order, none afterwards."""
    shop.open()
    order = shop.ordered(1)
    links = order["_links"]
    assert links["cancel"]["href"] == links["self"]["href"] + "/cancel"
    canceled = shop.api.put(links["cancel"]["href"])
    assert canceled.status_code == 200
    assert "cancel" not in canceled.json()["_links"]
    assert "cancel" not in shop.get("orders", order["id"])["_links"]


@pytest.mark.parametrize("how", ["put", "post", "delete", "patch"])
def test_every_way_to_cancel(shop, how):
    """PUT and POST …/cancel, DELETE, and PATCH of the status are one command."""
    shop.open()
    url = shop.url("orders", shop.ordered(1)["id"])
    response = {
        "put": lambda: shop.api.put(url + "/cancel"),
        "post": lambda: shop.api.post(url + "/cancel"),
        "delete": lambda: shop.api.delete(url),
        "patch": lambda: shop.api.patch(url, {"status": CANCELED}),
    }[how]()
    if how == "delete":
        assert (response.status_code, response.content) == (204, b"")
    else:
        assert response.status_code == 200, response.text
        assert response.json()["status"] == CANCELED
    assert shop.api.get(url).json()["status"] == CANCELED
    assert shop.holdings == (999999, 1000)
    assert shop.api.delete(url).status_code == 409
    assert shop.api.put(url + "/cancel").status_code == 409
    assert shop.api.patch(url, {"status": CANCELED}).status_code == 409


def test_put_of_the_status_is_the_command(shop):
    """PUT of a whole order whose status is the cancelled one cancels it."""
    shop.open()
    order = shop.ordered(1)
    response = shop.api.put(shop.url("orders", order["id"]), {**order, "status": CANCELED})
    assert response.status_code == 200, response.text
    assert response.json()["status"] == CANCELED
    assert shop.holdings == (999999, 1000)


@pytest.mark.parametrize("patch", [
    {"status": "배송중"}, {"status": "잔액부족"}, {"status": "주문취소중"}, {"quantity": 5},
    {"price": 1}, {"productId": 99}, {"userId": 99}, {"status": None}], ids=repr)
def test_governed_fields_of_an_order(shop, patch):
    """No field of an order can be set: anything but a legal transition is a 409 and changes nothing."""
    shop.open()
    url = shop.url("orders", shop.ordered(1)["id"])
    before = shop.api.get(url).json()
    is_problem(shop.api.patch(url, patch), 409)
    assert shop.api.get(url).json() == before


def test_patch_with_governed_and_editable_fields_is_all_or_nothing(shop, product):
    """A PATCH that also touches a governed field changes nothing at all."""
    before = shop.api.get(product).json()
    is_problem(shop.api.patch(product, {"stockName": "new", "stockCount": 5}), 409)
    assert shop.api.get(product).json() == before


def test_patch(shop, product):
    """PATCH changes the fields that it names, null clears, others stay; numbers may be strings."""
    response = shop.api.patch(product, {"price": "1200", "stockName": "책"})
    assert response.status_code == 200
    item = response.json()
    assert (item["price"], item["stockName"], item["stockCount"]) == (1200, "책", 1000)
    assert shop.api.get(product).json() == item
    assert shop.api.patch(product, {"status": "판매중"}).json()["status"] == "판매중"
    assert shop.api.patch(product, {"status": None}).json()["status"] is None
    assert shop.api.patch(product, {"nosuch": 1}).status_code == 200
    assert shop.api.patch(product, {}).status_code == 200
    assert wrong_fields(shop.api.patch(product, {"price": "abc"})) == {"price"}


@pytest.mark.parametrize("kind", ["application/merge-patch+json", "application/json",
                                  "application/hal+json", "application/json; charset=utf-8"])
def test_patch_media_types(shop, product, kind):
    """Every JSON media type is JSON."""
    response = shop.api("PATCH", product, data=b'{"price":7}', headers={"Content-Type": kind})
    assert (response.status_code, response.json()["price"]) == (200, 7)


def test_put(shop, product):
    """PUT replaces: editable fields that it does not name become null, governed ones stay."""
    response = shop.api.put(product, {"stockName": "pen", "price": 5, "status": "판매중"})
    assert response.status_code == 200, response.text
    assert response.json()["status"] == "판매중"
    assert shop.api.put(product, {"stockName": "ink", "price": 6}).json()["status"] is None
    item = shop.api.get(product).json()
    assert (item["stockName"], item["price"], item["stockCount"]) == ("ink", 6, 1000)
    is_problem(shop.api.put(product, {"stockName": "ink", "price": 6, "stockCount": 1}), 409)


@pytest.mark.parametrize("method, body", [("PUT", {"stockName": "x"}), ("PATCH", {"price": None}),
                                          ("PATCH", {"price": ""}), ("PATCH", {"price": -1})],
                         ids=["PUT without", "PATCH null", "PATCH empty", "PATCH negative"])
def test_a_price_that_is_none(shop, product, method, body):
    """A product cannot lose its price to an edit; or if it can, it cannot be ordered then."""
    response = shop.api(method, product, json=body)
    if response.status_code == 400:
        assert wrong_fields(response) == {"price"}
        shop.ordered(1)
    else:
        assert (response.status_code, response.json()["price"]) == (200, None)
        is_problem(shop.order(1), 409)
        assert shop.holdings == (999999, 1000)


def test_put_names_what_is_missing(shop, product):
    """PUT would make missing fields null: required ones are a 400 that names all of them at once."""
    before = shop.api.get(product).json()
    assert wrong_fields(shop.api.put(product, {})) == {"stockName", "price"}
    assert wrong_fields(shop.api.put(product, {"price": "x"})) == {"stockName", "price"}
    assert wrong_fields(shop.api.put(product, {"stockName": None, "price": 1})) == {"stockName"}
    assert wrong_fields(shop.api.patch(product, {"stockName": "", "price": None})) == {
        "stockName", "price"}
    is_problem(shop.api.put(product, {"stockCount": 5}), 400)
    assert shop.api.get(product).json() == before


def test_put_null(shop):
    """A null is as good as absent: it clears what is optional, and a required field is named. A
    governed field never becomes null; it stays, or the PUT is a 409 that changes nothing."""
    order = shop.open().ordered(1)["id"]
    delivery = shop.find("deliveries", orderId=order)[0]["id"]
    pay = shop.url("pays", shop.account)
    item = shop.api.put(pay, {"userId": shop.user, "point": 5, "status": "vip"}).json()
    assert (item["point"], item["status"], item["payAmount"]) == (5, "vip", 998999)
    item = shop.api.put(pay, {"userId": shop.user, "point": None, "status": None}).json()
    assert (item["point"], item["status"], item["payAmount"]) == (None, None, 998999)
    urls = (pay, shop.url("inventories", shop.product), shop.url("deliveries", delivery),
            shop.url("orders", order))
    for url in urls:
        before = shop.api.get(url).json()
        for name in [name for name in before if name not in ("id", "_links")]:
            response = shop.api.put(url, {**before, name: None})
            if response.status_code == 200:
                assert response.json() == {**before, name: response.json()[name]}
                assert response.json()[name] in (None, before[name])
            elif response.status_code == 400:
                assert wrong_fields(response) == {name}
            else:
                is_problem(response, 409)
            if response.status_code != 200:
                assert shop.api.get(url).json() == before
            assert shop.api.put(url, before).json() == before
    assert wrong_fields(shop.api.put(urls[1], {"stockName": None, "price": None,
                                               "status": None})) == {"stockName", "price"}
    is_problem(shop.api.put(urls[1], {"stockName": "x", "price": 1, "stockCount": None}), 409)
    is_problem(shop.api.put(urls[3], {"status": None}), 409)
    assert shop.holdings == (998999, 999)


def test_put_of_what_get_showed(shop, product):
    """A client may send back the whole item, unchanged governed fields, id and _links included."""
    item = shop.api.get(product).json()
    response = shop.api.put(product, {**item, "price": 1300})
    assert response.status_code == 200, response.text
    assert response.json() == {**item, "price": 1300}


def test_put_never_creates(shop):
    """PUT and PATCH of an id that is not there are 404 and leave nothing behind."""
    url = shop.url("inventories", 987654321)
    is_problem(shop.api.put(url, {"stockName": "x", "price": 1}), 404)
    is_problem(shop.api.patch(url, {"stockName": "x"}), 404)
    for body in ({}, {"price": "abc"}, [], {"status": 5, "stockCount": 1}):
        is_problem(shop.api.put(url, body), 404)
    is_problem(shop.api.patch(url, {"price": "abc"}), 404)
    is_problem(shop.api.get(url), 404)


def test_delete_of_plain_data(shop, product):
    """DELETE removes plain data: 204, then 404 for everything, and it leaves the list."""
    assert shop.api.delete(product).status_code == 204
    for method in ("GET", "HEAD", "DELETE"):
        assert shop.api(method, product).status_code == 404
    is_problem(shop.api.patch(product, {"price": 1}), 404)
    assert shop.product not in [item["id"] for item in shop.find("inventories", price=1000)]


def test_order_for_a_removed_product(shop, product):
    """A removed product cannot be ordered, and its id is not given again."""
    assert shop.api.delete(product).status_code == 204
    is_problem(shop.order(1), 409)
    assert shop.money == 999999
    assert shop.product not in [
        shop.create("inventories", stockName="b", stockCount=1, price=1)["id"] for _ in range(10)]


@pytest.mark.parametrize("collection", ["inventories", "pays", "deliveries"])
def test_cancel_after_a_participant_is_gone(shop, product, collection):
    """What an order still needs cannot be removed; or if it can, cancelling ends all the same."""
    order = shop.ordered(1)
    item = {"inventories": shop.product, "pays": shop.account,
            "deliveries": shop.deliveries()[0]["id"]}[collection]
    if shop.api.delete(shop.url(collection, item)).status_code == 409:
        assert shop.cancel(order["id"]).status_code == 200
        assert shop.holdings == (999999, 1000)
        return
    assert shop.cancel(order["id"]).status_code in (200, 409)
    assert shop.settled(order["id"], timeout=5)["status"] == CANCELED
    if collection != "pays":
        assert shop.money == 999999


def test_etag_and_if_none_match(shop, product):
    """ETag is the version: the same until a change, which If-None-Match answers with 304."""
    first = shop.api.get(product)
    tag = first.headers["ETag"]
    assert tag.strip("W/").startswith('"')
    again = shop.api.get(product, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    for value in ("*", f'"nosuch", {tag}'):
        assert shop.api.get(product, headers={"If-None-Match": value}).status_code == 304
    assert shop.api.get(product, headers={"If-None-Match": '"nosuch"'}).status_code == 200
    shop.ordered(1)
    changed = shop.api.get(product, headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_if_match_on_changes(shop, product):
    """A change with a stale If-Match is a 412 and changes nothing; with the present one it works."""
    stale = shop.api.get(product).headers["ETag"]
    assert shop.api.patch(product, {"price": 1}, headers={"If-Match": stale}).status_code == 200
    whole = {"stockName": "pen", "price": 2}
    for method, body in (("PATCH", {"price": 2}), ("PUT", whole), ("DELETE", None)):
        is_problem(shop.api(method, product, json=body, headers={"If-Match": stale}), 412)
    assert shop.api.get(product).json()["price"] == 1
    fresh = shop.api.get(product).headers["ETag"]
    assert shop.api.put(product, whole, headers={"If-Match": fresh}).status_code == 200
    assert shop.api.patch(product, {"price": 3}, headers={"If-Match": "*"}).status_code == 200
    fresh = shop.api.get(product).headers["ETag"]
    assert shop.api.delete(product, headers={"If-Match": fresh}).status_code == 204


def test_if_match_on_a_command(shop):
    """A command with a stale If-Match is a 412; with the present version it runs."""
    shop.open()
    url = shop.url("orders", shop.ordered(1)["id"])
    is_problem(shop.api.put(url + "/cancel", headers={"If-Match": '"0"'}), 412)
    assert shop.api.get(url).json()["status"] == DONE
    tag = shop.api.get(url).headers["ETag"]
    assert shop.api.put(url + "/cancel", headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize("collection", FIELDS)
def test_head(items, collection, shop):
    """HEAD answers as GET does, headers and all, without a body; on items and on lists."""
    key = FIELDS[collection][0]
    for url in (shop.url(collection, items[collection][key]), shop.url(collection)):
        get, head = shop.api.get(url), shop.api("HEAD", url)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers.get(name) == get.headers.get(name)


def test_forwarded_host(shop):
    """Links carry the host and scheme that the client used before the gateway."""
    headers = {"X-Forwarded-Host": "shop.example.com", "X-Forwarded-Proto": "https"}
    shop.open()
    created = shop.order(1, headers=headers)
    item = created.json()
    assert created.headers["Location"].startswith("https://shop.example.com/")
    for link in item["_links"].values():
        assert link["href"].startswith("https://shop.example.com/")
    path = path_of(item["_links"]["self"]["href"])
    assert shop.api.get(path).json()["id"] == item["id"]
    listed = shop.api.get(shop.url("orders"), headers=headers).json()
    assert all(link["href"].startswith("https://shop.example.com/")
               for link in listed["_links"].values())
    plain = shop.api.get(path, headers={"Host": "other.example:81"}).json()
    assert plain["_links"]["self"]["href"].startswith("http://other.example:81/")


def test_hostile_host(shop):
    """A Host that would break the JSON or the header is refused or escaped, never echoed raw."""
    shop.open()
    for host in ('a"b', "a b", "a<b>"):
        response = shop.api.get(shop.url("inventories", shop.product),
                                headers={"X-Forwarded-Host": host})
        assert response.status_code in (200, 400)
        response.json()
