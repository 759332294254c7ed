"""A4: lists; their shape, pages, sorting, filters, and walks."""
import pytest

from shop import DONE, NO_MONEY


@pytest.fixture(scope="module")
def many(shared):
    """45 products: names n00 … n44, prices 0 to 4 in turn; returns their ids."""
    api = shared.client()
    ids = []
    for i in range(45):
        response = api.post("/shop/inventories", {
            "stockName": f"n{i:02}", "stockCount": 10, "price": 7000 + i % 5})
        assert response.status_code == 201, response.text
        ids.append(response.json()["id"])
    return ids


def listed(api, query="", collection="inventories"):
    response = api.get(f"/shop/{collection}{query}")
    assert response.status_code == 200, response.text
    body = response.json()
    return body, [item["id"] for item in body["_embedded"][collection]]


def test_empty_list(fresh):
    """An empty collection answers 200 with an empty array that is present, and no pages."""
    api = fresh.client()
    for collection in ("orders", "inventories", "deliveries", "pays", "mypages"):
        for prefix in ("/shop", ""):
            response = api.get(f"{prefix}/{collection}")
            assert response.status_code == 200
            body = response.json()
            assert list(body) == ["_embedded", "_links", "page"]
            assert body["_embedded"] == {collection: []}
            assert body["page"] == {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}
            assert {"self", "profile"} <= body["_links"].keys()
            assert not {"next", "prev"} & body["_links"].keys()


def test_shape(api, many):
    """A list is _embedded, _links, page; its items are whole, with links, by ascending id."""
    body, ids = listed(api)
    assert list(body) == ["_embedded", "_links", "page"]
    assert list(body["page"]) == ["size", "totalElements", "totalPages", "number"]
    assert body["page"]["size"] == 20 and body["page"]["number"] == 0
    assert body["page"]["totalElements"] >= 45
    assert ids == sorted(ids) and len(ids) == 20
    first = body["_embedded"]["inventories"][0]
    assert api.get(first["_links"]["self"]["href"]).json() == first


def test_links_of_pages(api, many):
    """first, prev, next and last lead where they say; the ends have no prev and no next."""
    body, ids = listed(api, "?size=10&page=1")
    links = body["_links"]
    assert {"self", "first", "prev", "next", "last", "profile"} <= links.keys()
    pages = body["page"]["totalPages"]
    assert pages == (body["page"]["totalElements"] + 9) // 10
    for rel, number in (("self", 1), ("first", 0), ("prev", 0), ("next", 2), ("last", pages - 1)):
        assert api.get(links[rel]["href"]).json()["page"]["number"] == number
    assert "prev" not in listed(api, "?size=10&page=0")[0]["_links"]
    assert "next" not in listed(api, f"?size=10&page={pages - 1}")[0]["_links"]


@pytest.mark.parametrize("collection", ["orders", "inventories", "deliveries", "pays", "mypages"])
def test_profile_link(api, collection):
    """The profile link of every list leads somewhere."""
    body, _ = listed(api, collection=collection)
    assert api.get(body["_links"]["profile"]["href"]).status_code == 200


def test_next_links_walk_everything_once(api, many):
    """Following next from the first page meets each item exactly once, in order."""
    url, seen = "/shop/inventories?size=7&sort=price,desc", []
    while url:
        body = api.get(url).json()
        seen += [(item["price"], item["id"]) for item in body["_embedded"]["inventories"]]
        url = body["_links"].get("next", {}).get("href")
    assert len(seen) == body["page"]["totalElements"] == len({i for _, i in seen})
    assert [price for price, _ in seen] == sorted((price for price, _ in seen), reverse=True)


@pytest.mark.parametrize("query, size, number", [
    ("size=5", 5, 0), ("size=0", 1, 0), ("size=-3", 1, 0), ("size=1001", 1000, 0),
    ("size=99999999999999999999", 1000, 0), ("size=abc", 20, 0), ("size=", 20, 0),
    ("page=abc", 20, 0), ("page=-1", 20, 0), ("page=1&size=5", 5, 1), ("page=1.5", 20, 0),
    ("page=", 20, 0)])
def test_clamped_paging(api, many, query, size, number):
    """Paging out of range is clamped and nonsense means the default; neither is an error."""
    page = listed(api, "?" + query)[0]["page"]
    assert (page["size"], page["number"]) == (size, number)


def test_page_behind_the_end(api, many):
    """A page behind the last one is no error and shows no item twice."""
    body, ids = listed(api, "?page=50&size=20")
    last = body["page"]["totalPages"] - 1
    assert ids == [] or body["page"]["number"] == last


@pytest.mark.parametrize("sort, key, reverse", [
    ("sort=stockName,desc", lambda i: i["stockName"], True),
    ("sort=stockName", lambda i: i["stockName"], False),
    ("sort=id,desc", lambda i: i["id"], True),
    ("sort=stockCount,asc", lambda i: i["stockCount"], False),
    ("sort=price,desc&sort=stockName,asc", lambda i: (-i["price"], i["stockName"]), False),
    ("sort=price,asc&sort=id,desc", lambda i: (i["price"], -i["id"]), False)])
def test_sort(api, many, sort, key, reverse):
    """sort orders by any field, either way, and by several."""
    items = listed(api, f"?size=1000&{sort}")[0]["_embedded"]["inventories"]
    assert len(items) >= 45
    assert [key(i) for i in items] == sorted((key(i) for i in items), reverse=reverse)


@pytest.mark.parametrize("query", ["sort=nosuch,asc", "sort=price,sideways", "sort=", "sort=,",
                                   "nosuch=1", "x", "=", "&&", "size=5&size=6", "%zz=1", "price=%"])
def test_odd_queries(api, many, query):
    """A query that makes no sense is ignored or refused with 400, never worse."""
    assert api.get(f"/shop/inventories?{query}").status_code in (200, 400)


def test_filter_on_every_field(api, many):
    """?field=value filters by equality on any field, by the value that an item shows."""
    item = api.get(f"/shop/inventories/{many[7]}").json()
    for field in ("id", "stockName", "stockCount", "price"):
        response = api.get("/shop/inventories", params={field: item[field], "size": 1000})
        found = response.json()["_embedded"]["inventories"]
        assert item in found
        assert {i[field] for i in found} == {item[field]}
        assert response.json()["page"]["totalElements"] == len(found)


def test_filters_combine(api, many):
    """Several filters must all hold; paging, links and totals count what matches."""
    body, ids = listed(api, "?price=7003&size=4&page=1")
    assert body["page"] == {"size": 4, "totalElements": 9, "totalPages": 3, "number": 1}
    assert ids == [many[i] for i in (23, 28, 33, 38)]
    after = api.get(body["_links"]["next"]["href"]).json()
    assert [i["id"] for i in after["_embedded"]["inventories"]] == [many[43]]
    assert listed(api, "?price=7003&stockName=n08")[1] == [many[8]]
    assert listed(api, "?price=7003&stockName=n09")[1] == []


def test_filter_by_korean_status(shop):
    """A percent-encoded Korean status filters orders, and keeps its encoding in the links."""
    shop.open(money=3000)
    done = [shop.ordered(1)["id"] for _ in range(3)]
    refused = shop.refused(shop.order(1), NO_MONEY)["id"]
    for status, ids in ((DONE, done), (NO_MONEY, [refused]), ("없음", [])):
        found = shop.find("orders", userId=shop.user, status=status)
        assert [order["id"] for order in found] == ids
    body = shop.api.get(shop.url("orders"), params={
        "status": DONE, "userId": shop.user, "size": 2}).json()
    assert body["page"]["totalElements"] == 3
    following = shop.api.get(body["_links"]["next"]["href"]).json()
    assert [order["id"] for order in following["_embedded"]["orders"]] == done[2:]
    raw = shop.api.get(f"/shop/orders?userId={shop.user}&status=%EC%A3%BC%EB%AC%B8%EC%99%84%EB%A3%8C")
    assert raw.json()["page"]["totalElements"] == 3


def test_filters_follow_changes(shop):
    """A filter answers by the present state: what was cancelled leaves one status for the other."""
    shop.open()
    order = shop.ordered(1)
    assert len(shop.find("orders", userId=shop.user, status=DONE)) == 1
    shop.cancel(order["id"])
    assert shop.find("orders", userId=shop.user, status=DONE) == []
    assert len(shop.find("orders", userId=shop.user, status="주문취소")) == 1


def test_filter_of_a_wrong_type(api, many):
    """A filter value that the field cannot have matches nothing or is a 400."""
    response = api.get("/shop/inventories?price=abc")
    assert response.status_code == 400 or response.json()["_embedded"]["inventories"] == []


def test_after_walks_everything_once(api, many):
    """?after=<id>&size= meets each item exactly once, by ascending id, and ends empty."""
    seen, after = [], 0
    while True:
        _, ids = listed(api, f"?after={after}&size=13")
        if not ids:
            break
        seen += ids
        after = ids[-1]
    assert seen == sorted(set(seen))
    assert set(many) <= set(seen)
    assert len(seen) == listed(api)[0]["page"]["totalElements"]
    assert listed(api, f"?after={many[-1]}&size=13&price=7000")[1] == []


def test_after_with_a_filter(api, many):
    """after and a filter together walk what matches."""
    assert listed(api, f"?after={many[10]}&size=3&price=7001")[1] == [
        many[11], many[16], many[21]]


def test_lists_show_what_was_just_answered(shop):
    """A list that is asked for after an answer contains what that answer acknowledged."""
    shop.open()
    for count in range(1, 31):
        order = shop.ordered(1)
        found = shop.find("orders", userId=shop.user)
        assert [o["id"] for o in found][-1] == order["id"] and len(found) == count


def test_links_keep_the_query(api, many):
    """Page links keep the size, the sort and the filters."""
    body, _ = listed(api, "?price=7002&size=3&sort=stockName,desc")
    following = api.get(body["_links"]["next"]["href"]).json()
    names = [i["stockName"] for i in following["_embedded"]["inventories"]]
    assert names == ["n27", "n22", "n17"]
