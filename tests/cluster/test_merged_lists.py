"""Lists over rows of all nodes: one order, right totals, whatever node is asked."""
import functools
import random

import pytest

SEED = 20261121


@pytest.fixture(scope="module")
def products(running):
    """240 products, made at all nodes in turn; few different values, so that many are equal."""
    rng = random.Random(SEED)
    api = running.client()
    made = []
    for i in range(240):
        response = api.post("/shop/inventories", {
            "stockName": rng.choice(["가", "나", "a", "b", f"x{i}"]),
            "status": rng.choice([None, "sold", "새것"]),
            "stockCount": rng.randrange(6), "price": rng.choice([1, 2, 1000])})
        assert response.status_code == 201, response.text
        made.append(response.json())
    assert {item["status"] for item in made} == {None, "sold", "새것"}
    assert {running.owner(item["id"]) for item in made} == {0, 1, 2}
    return made


def compare(sorts, a, b):
    """The order of A4: sort fields, absent first, texts by their bytes; then ids."""
    for field, descending in sorts:
        x, y = a[field], b[field]
        if x == y:
            continue
        if x is None or y is None:
            order = -1 if x is None else 1
        else:
            x, y = (v.encode() if isinstance(v, str) else v for v in (x, y))
            order = -1 if x < y else 1
        return -order if descending else order
    return a["id"] - b["id"]


def expected(items, filters, sorts):
    found = [i for i in items if all(i[field] == value for field, value in filters.items())]
    return [i["id"] for i in sorted(found, key=functools.cmp_to_key(functools.partial(compare, sorts)))]


def asked(client, query):
    response = client.get("/shop/inventories", params=query)
    assert response.status_code == 200, response.text
    assert "Dure-Partial" not in response.headers
    body = response.json()
    return [item["id"] for item in body["_embedded"]["inventories"]], body


@pytest.mark.parametrize("number", [0, 1, 2])
def test_merged_pages(cluster, products, number):
    """Any page of any sort and filter is what sorting and filtering all rows at once gives."""
    rng = random.Random(SEED + number)
    client = cluster.nodes[number].client()
    for _ in range(150):
        sorts = [(field, rng.random() < 0.5) for field in
                 rng.sample(["stockName", "status", "stockCount", "price", "id"], rng.randrange(4))]
        filters = {field: rng.choice(products)[field] for field in
                   rng.sample(["stockName", "stockCount", "price"], rng.randrange(3))}
        filters = {field: value for field, value in filters.items() if value is not None}
        size, page = rng.choice([1, 3, 7, 20, 1000]), rng.choice([0, 0, 1, 2, 5, 40])
        query = {**filters, "sum": "stockCount", "sort": [f"{field},{'desc' if down else 'asc'}" for field, down in sorts],
                 "size": size, "page": page}
        ids, body = asked(client, query)
        want = expected(products, filters, sorts)
        assert ids == want[page * size:(page + 1) * size], query
        assert body["page"] == {"size": size, "totalElements": len(want),
                                "totalPages": -(-len(want) // size), "number": page,
                                "sum": {"stockCount": sum(i["stockCount"] for i in products
                                                          if i["id"] in want)}}, query
        assert ("next" in body["_links"]) == ((page + 1) * size < len(want))


@pytest.mark.parametrize("filters", [{}, {"price": 1000}, {"stockCount": 3, "price": 2}], ids=str)
@pytest.mark.parametrize("size", [1, 9, 1000])
def test_merged_walk(cluster, products, filters, size):
    """?after= visits every row once, by ascending id, though each page is asked of another node."""
    client, seen = cluster.client(), []
    path, params = "/shop/inventories", {**filters, "after": 0, "size": size}
    while path is not None:
        response = client.get(path, params=params)
        body, params = response.json(), None
        seen += [item["id"] for item in body["_embedded"]["inventories"]]
        path = body["_links"].get("next", {}).get("href")
    assert seen == expected(products, filters, [])


def test_items_are_whole(cluster, products):
    """A row of another node looks in a list as it looks by itself, links included."""
    client = cluster.client()
    _, body = asked(client, {"size": 1000})
    listed = body["_embedded"]["inventories"]
    assert len(listed) == 240
    for item in listed[::11]:
        assert client.get(item["_links"]["self"]["href"]).json() == item


def test_every_node_says_the_same(cluster, products):
    """With the same Host the nodes' answers are equal, byte for byte."""
    for query in ("?size=1000", "?sort=price,desc&sort=stockName&page=3", "?after=50&size=5"):
        answers = {node.client().get("/shop/inventories" + query, headers={"Host": "x"}).content
                   for node in cluster.nodes}
        assert len(answers) == 1


def test_what_was_just_changed(cluster, products):
    """A list at any node shows what was answered at any other before it was asked."""
    api = cluster.client()
    for i in range(60):
        made = api.post("/shop/inventories", {"stockName": "new", "stockCount": 77_000 + i,
                                              "price": 5}).json()
        ids, _ = asked(api, {"stockCount": 77_000 + i})
        assert ids == [made["id"]]
        path = f"/shop/inventories/{made['id']}"
        assert api.patch(path, {"stockName": "changed"}).status_code == 200
        _, body = asked(api, {"stockCount": 77_000 + i})
        assert body["_embedded"]["inventories"][0]["stockName"] == "changed"
        assert api.delete(path).status_code == 204
        assert asked(api, {"stockCount": 77_000 + i})[0] == []


def test_wrong_parameters(cluster):
    """What is wrong is a 400 that names it, at every node."""
    for node in cluster.nodes:
        response = node.client().get("/shop/inventories?price=abc&after=1&sort=price")
        assert response.status_code == 400
        assert {e["field"] for e in response.json()["errors"]} == {"price", "sort"}
