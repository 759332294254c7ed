"""A4: lists; their shape, pages, sorting, filters, and walks."""
import pytest

from shop import DONE, NO_MONEY, wrong_fields


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
    ("page=", 20, 0), ("size=1000", 1000, 0), ("size=1", 1, 0), ("size=+5", 20, 0),
    ("size=5.0", 20, 0), ("size=0x10", 20, 0), ("size=007", 7, 0), ("page=-99999999999999999999", 20, 0),
    ("size=-", 20, 0), ("page=%00", 20, 0)])
def test_clamped_paging(api, many, query, size, number):
    """Paging out of range is clamped and nonsense means the default; neither is an error."""
    page = listed(api, "?" + query)[0]["page"]
    assert (page["size"], page["number"]) == (size, number)


def test_page_behind_the_end(api, many):
    """A page behind the last one is no error and shows no item twice."""
    body, ids = listed(api, "?page=50&size=20")
    last = body["page"]["totalPages"] - 1
    assert ids == [] and body["page"]["number"] == 50
    assert body["_links"]["prev"]["href"] == body["_links"]["last"]["href"]
    assert f"page={last}&" in body["_links"]["last"]["href"] and "next" not in body["_links"]


@pytest.mark.parametrize("more", ["", "&sort=price,desc", "&price=7001", "&price=7001&sort=price,desc"])
@pytest.mark.parametrize("page", [10**3, 10**6, 10**9, 2**63 - 1, 2**64, 10**30])
def test_page_far_behind_the_end(api, many, page, more):
    """However far behind the end, a page is empty and its totals are right."""
    body, ids = listed(api, f"?page={page}{more}")
    assert ids == []
    assert body["page"]["totalElements"] == listed(api, "?" + more)[0]["page"]["totalElements"]
    assert body["page"]["number"] == min(page, 2**63 - 1)


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


@pytest.mark.parametrize("query", ["sort=nosuch,asc", "sort=nosuch,desc", "sort=", "sort=,",
                                   "sort=,desc", "sort=desc", "sort=id,asc,", "sort=_links",
                                   "nosuch=1", "x", "=", "&&", "%zz=1", "=5", "sort", "page", "size"])
def test_odd_queries(api, many, query):
    """What names no field is ignored, in a sort as in a filter: the list is the default one."""
    assert listed(api, f"?{query}")[1] == listed(api)[1]


def test_odd_sorts(api, many):
    """Unknown fields of a sort are ignored, the known ones hold; a direction is asc or desc."""
    for query in ("sort=nosuch,price,desc", "sort=nosuch&sort=price,desc", "sort=price,DESC"):
        assert listed(api, f"?{query}")[1] == listed(api, "?sort=price,desc")[1]
    assert listed(api, "?sort=price,sideways")[1] == listed(api, "?sort=price")[1]
    assert listed(api, "?sort=price,stockName,desc")[1] == listed(
        api, "?sort=price,desc&sort=stockName,desc")[1]


def test_odd_filters(api, many):
    """A value that its field cannot have is a 400; of two values for a field the last holds."""
    assert api.get("/shop/inventories?price=%").status_code == 400
    assert listed(api, "?price=7001&price=7002")[1] == listed(api, "?price=7002")[1]
    assert listed(api, "?size=5&size=6")[0]["page"]["size"] == 6


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


@pytest.mark.parametrize("filters, count", [("", 45), ("&price=7001", 9), ("&stockName=n01", 1),
                                            ("&price=7001&stockName=n02", 0)])
@pytest.mark.parametrize("size", [1, 3, 9, 1000])
def test_next_links_of_a_walk(api, many, filters, count, size):
    """A walk's next links meet every match once, and the last page has none, full or not."""
    url, seen, pages = f"/shop/inventories?after={many[0] - 1}&size={size}{filters}", [], 0
    while url:
        body = api.get(url).json()
        seen += [item["id"] for item in body["_embedded"]["inventories"]]
        pages += 1
        assert "prev" not in body["_links"] and "last" not in body["_links"]
        url = body["_links"].get("next", {}).get("href")
    mine = [item for item in seen if item <= many[-1]]
    assert mine == sorted(set(mine)) and len(mine) == count
    assert pages == max(1, -(-len(seen) // size))


def test_next_links_of_a_walk_by_index(shop):
    """The same where the filter is an index, and rows have not been written back yet."""
    shop.open(money=10**6, stock=10**3, price=1)
    ids = [shop.ordered(1)["id"] for _ in range(6)]
    for size in (2, 3, 6, 7):
        url, seen = f"/shop/orders?userId={shop.user}&after=0&size={size}", []
        while url:
            body = shop.api.get(url).json()
            page = [item["id"] for item in body["_embedded"]["orders"]]
            assert page
            seen += page
            url = body["_links"].get("next", {}).get("href")
        assert seen == ids


@pytest.mark.parametrize("query, wrong", [
    ("sort=price", {"sort"}), ("sort=id,desc", {"sort"}), ("sort=price,id,asc", {"sort"}),
    ("page=1", {"page"}), ("sort=price&page=7&price=7001", {"sort", "page"}),
    ("sort=id,asc", set()), ("sort=id,price,asc", set()), ("page=0", set()), ("sort=nosuch", set())])
def test_a_walk_in_another_order(api, many, query, wrong):
    """A walk goes by ascending id; what asks for another order or for a page is told so."""
    for url in (f"?after={many[4]}&size=3&{query}", f"?{query}&size=3&after={many[4]}"):
        if wrong:
            assert wrong_fields(api.get(f"/shop/inventories{url}")) == wrong
        else:
            body, ids = listed(api, url)
            assert ids == many[5:8]
            assert listed(api, "?" + body["_links"]["next"]["href"].split("?")[1])[1] == many[8:11]


def test_page_of_a_walk(api, many):
    """A walk has totals without filters, and none with them."""
    plain, ids = listed(api, f"?after={many[4]}&size=3")
    assert ids == many[5:8]
    assert plain["page"] == {"size": 3, "number": 0, **{
        name: listed(api, "?size=3")[0]["page"][name] for name in ("totalElements", "totalPages")}}
    assert listed(api, f"?after={many[4]}&price=7001")[0]["page"] == {"size": 20, "number": 0}


@pytest.mark.parametrize("after", ["", "abc", "-1", "-99999999999999999999", "1.5", "%00"])
def test_a_walk_from_nonsense(api, many, after):
    """A walk from what is no id begins at the beginning."""
    assert listed(api, f"?after={after}&size=5")[1] == listed(api, "?size=5")[1]


@pytest.mark.parametrize("after", [2**63 - 1, 2**63, 10**30])
def test_a_walk_from_behind_the_end(api, many, after):
    """A walk from behind the last id is empty and ends."""
    body, ids = listed(api, f"?after={after}")
    assert ids == [] and "next" not in body["_links"]


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


def test_sum(api, many):
    """?sum= adds a field up over all that match, not only those of the page, and is kept in the links."""
    body, ids = listed(api, "?price=7001&sum=stockCount&size=2")
    assert len(ids) == 2 and body["page"]["totalElements"] == 9
    assert body["page"]["sum"] == {"stockCount": 90}
    following = api.get(body["_links"]["next"]["href"]).json()
    assert following["page"]["sum"] == {"stockCount": 90}
    by_price, _ = listed(api, "?price=7001&sum=price&sort=stockName,desc")
    assert by_price["page"]["sum"] == {"price": 9 * 7001}
    nobody, _ = listed(api, "?price=6999&sum=price")
    assert nobody["page"]["totalElements"] == 0 and nobody["page"]["sum"] == {"price": 0}
    never, _ = listed(api, "?status=nosuch&sum=quantity", "orders")
    assert never["page"]["sum"] == {"quantity": 0}
    before, _ = listed(api, "?sum=price")
    made = api.post("/shop/inventories", {"stockName": "one", "stockCount": 1, "price": 5}).json()
    after, _ = listed(api, "?sum=price")
    assert after["page"]["sum"]["price"] - before["page"]["sum"]["price"] == 5
    assert api.patch(f"/shop/inventories/{made['id']}", {"price": 11}).status_code == 200
    again, _ = listed(api, "?sum=price&size=1")
    assert again["page"]["sum"]["price"] - before["page"]["sum"]["price"] == 11


@pytest.mark.parametrize("query", ["sum=nosuch", "sum=stockName", "sum=", "sum=price&after=0"])
def test_sum_of_what(api, query):
    """What has no sum is a 400 that names it."""
    assert wrong_fields(api.get(f"/shop/inventories?{query}")) == {"sum"}
