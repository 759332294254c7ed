"""A2, RFC 9110: every method on every resource, conditions, and what a client accepts."""
import pytest

from shop import is_problem

READS = {"GET", "HEAD", "OPTIONS"}
ITEM = READS | {"PUT", "PATCH", "DELETE"}
COMMAND = {"OPTIONS", "PUT", "POST"}

# Path → the methods that it takes; {order}, {product}, {pay} and {delivery} exist.
RESOURCES = {
    "/": READS, "/livez": READS, "/readyz": READS, "/metrics": READS,
    "/metrics/history": READS, "/sagas": READS,
    "/profile/shop/orders": READS, "/console/icon.svg": READS,
    "/shop/orders": READS | {"POST"}, "/orders": READS | {"POST"}, "/shop/orders/": READS | {"POST"},
    "/shop/inventories": READS | {"POST"}, "/shop/pays": READS | {"POST"},
    "/shop/deliveries": READS, "/mypages": READS,
    "/shop/orders/{order}": ITEM, "/inventories/{product}": ITEM, "/shop/pays/{pay}": ITEM,
    "/shop/mypages/{order}": READS, "/shop/orders/{order}/cancel": COMMAND,
    "/shop/orders/{order}/events": READS, "/shop/inventories/{product}/events": READS,
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}


@pytest.fixture
def ids(shop):
    order = shop.open().ordered(1)["id"]
    return {"order": order, "product": shop.product, "pay": shop.account,
            "delivery": shop.deliveries()[0]["id"]}


@pytest.mark.parametrize("path", RESOURCES)
def test_allow(api, ids, path):
    """OPTIONS is a 204 whose Allow is right: what is not in it is a 405 with the same Allow."""
    url = path.format(**ids)
    options = api("OPTIONS", url)
    assert (options.status_code, options.content) == (204, b"")
    assert set(options.headers["Allow"].split(", ")) == RESOURCES[path]
    for method in sorted(METHODS - RESOURCES[path]):
        response = api(method, url)
        if method == "HEAD":
            assert (response.status_code, response.content) == (405, b"")
        else:
            is_problem(response, 405)
        assert response.headers["Allow"] == options.headers["Allow"]


@pytest.mark.parametrize("path", [path for path in RESOURCES if "GET" in RESOURCES[path]])
def test_head(api, ids, path):
    """HEAD answers as GET does, with the same headers and no body."""
    url = path.format(**ids)
    get, head = api.get(url), api("HEAD", url)
    assert (head.status_code, head.content) == (get.status_code, b"") == (200, b"")
    names = {"Content-Type", "ETag"} | ({"Content-Length"} if "/metrics" not in path else set())
    for name in names:
        assert head.headers.get(name) == get.headers.get(name)
    assert "Content-Length" in head.headers


@pytest.mark.parametrize("path", ["/nosuch", "/shop/orders/987654321", "/shop/orders/x"])
def test_head_of_nothing(api, path):
    """HEAD of what is not there is a 404 without a body."""
    response = api("HEAD", path)
    assert (response.status_code, response.content) == (404, b"")


def test_options_of_the_server(node):
    """OPTIONS * names what the server knows."""
    with node.raw() as sock:
        sock.sendall(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n" in answer


def test_options_does_not_ask_for_the_id(api):
    """What a path takes is known without its id: OPTIONS and 405 come before 404."""
    assert api("OPTIONS", "/shop/orders/987654321").status_code == 204
    is_problem(api.post("/shop/orders/987654321", {}), 405)
    is_problem(api("DELETE", "/shop/mypages/987654321"), 405)
    is_problem(api("GET", "/shop/orders/987654321/cancel"), 405)
    for method, path in (("PUT", "/cancel"), ("POST", "/cancel"), ("GET", "/events"), ("GET", ""),
                         ("DELETE", ""), ("PATCH", "")):
        is_problem(api(method, f"/shop/orders/987654321{path}", json={}), 404)
    is_problem(api("OPTIONS", "/nosuch"), 404)


# ---- Conditions (RFC 9110 section 13.1) ----------------------------------------------------------


@pytest.fixture
def product(shop):
    return shop.url("inventories", shop.open().product)


def tags(api, url):
    """An entity tag that is stale now, and the present one."""
    stale = api.get(url).headers["ETag"]
    assert api.patch(url, {"status": "changed"}).status_code == 200
    present = api.get(url).headers["ETag"]
    assert stale != present
    return stale, present


@pytest.mark.parametrize("condition, status", [
    ("{present}", 304), ("W/{present}", 304), ("{stale}", 200), ("{stale}, {present}", 304),
    ('"x", W/{present} ,"y"', 304), ("*", 304), ("nonsense", 200), ('"x', 200), ("", 200), (",,", 200),
    ("w/{present}", 200), ("{unquoted}", 200)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match(api, product, method, condition, status):
    """If-None-Match compares weakly, against any of a list; a match is a 304 with the ETag alone."""
    stale, present = tags(api, product)
    value = condition.format(stale=stale, present=present, unquoted=present.strip('"'))
    response = api(method, product, headers={"If-None-Match": value})
    assert response.status_code == status
    assert response.headers["ETag"] == present
    if status == 304:
        assert response.content == b"" and "Content-Type" not in response.headers


@pytest.mark.parametrize("condition, status", [
    ("{present}", 200), ("W/{present}", 412), ("{stale}", 412), ("{stale}, {present}", 200),
    ('"x",{present}', 200), ("*", 200), ("nonsense", 412), ('"x"', 412), ("", 412), (",", 412),
    ("{unquoted}", 412), ('"99999999999999999999"', 412), ('"-1"', 412)])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_if_match(api, product, method, condition, status):
    """If-Match compares strongly, against any of a list; nothing changes on a 412."""
    stale, present = tags(api, product)
    value = condition.format(stale=stale, present=present, unquoted=present.strip('"'))
    response = api(method, product, json={"stockName": "new", "price": 77},
                   headers={"If-Match": value})
    assert response.status_code == status
    if status == 412:
        is_problem(response, 412)
    assert (api.get(product).json()["price"] == 77) == (status == 200)


def test_if_match_over_several_lines(node, api, product):
    """Several If-Match lines are one list."""
    stale, present = tags(api, product)
    body = b'{"price":5}'
    request = (b"PATCH %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-Match: %s\r\nIf-Match: %s\r\n"
               b"Content-Length: %d\r\n\r\n%s")
    for first, second, status in ((stale, '"x"', b"412"), (stale, present, b"200")):
        with node.raw() as sock:
            sock.sendall(request % (product.encode(), first.encode(), second.encode(), len(body), body))
            assert sock.recv(65536).split()[1] == status


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_none_match_on_changes(api, product, method):
    """On a change, If-None-Match with the present version or * is a 412; with others it goes on."""
    stale, present = tags(api, product)
    body = {"stockName": "new", "price": 77}
    for value in ("*", present, f"W/{present}", f"{stale}, {present}"):
        is_problem(api(method, product, json=body, headers={"If-None-Match": value}), 412)
    assert api.get(product).json()["price"] == 1000
    assert api(method, product, json=body,
               headers={"If-None-Match": stale}).status_code in (200, 204)


def test_conditions_on_what_is_not_there(api):
    """A condition does not hide that there is nothing: 404, not 412."""
    for header in ("If-Match", "If-None-Match"):
        for method in ("GET", "PATCH", "DELETE"):
            is_problem(api(method, "/shop/inventories/987654321", json={"price": 1},
                           headers={header: "*"}), 404)


# ---- Accept (RFC 9110 section 12.5.1) ------------------------------------------------------------


@pytest.mark.parametrize("accept, kind", [
    ("application/hal+json", "application/hal+json"), ("application/json", "application/json"),
    ("*/*", "application/hal+json"), ("application/json;q=0.9, application/hal+json;q=0.1",
                                      "application/json"),
    ("application/hal+json;q=0.2, */*;q=0.9", "application/json"),
    ("application/json;q=0, */*", "application/hal+json"), ("application/json ; q=0.001", "application/json"),
    ("APPLICATION/JSON;Q=1.0", "application/json"), ("text/html;q=1, */*;q=0.001", "application/hal+json"),
    ("application/json;version=1", "application/json"), ("application/vnd.x+json", "application/json"),
    ("application/json;q=0", None), ("*/*;q=0", None), ("*/*;q=0.000", None),
    ("application/*;q=0, */*;q=0.5", None), ("application/json;q=0, application/hal+json;q=0, */*", None),
    ("text/*", None), ("application/xml;q=0.5, text/html", None)])
def test_accept_by_quality(api, product, accept, kind):
    """The most specific range decides, then quality; nothing acceptable is a 406 problem."""
    for url in (product, "/shop/inventories?size=1"):
        response = api.get(url, headers={"Accept": accept})
        if kind is None:
            is_problem(response, 406)
        else:
            assert (response.status_code, response.headers["Content-Type"]) == (200, kind)


def test_accept_does_not_stop_a_preflight_or_a_probe(api):
    """Pages that are no JSON do not mind an Accept without JSON, nor does OPTIONS."""
    html = {"Accept": "text/html"}
    for path in ("/", "/livez", "/readyz", "/metrics"):
        assert api.get(path, headers=html).status_code == 200
    assert api("OPTIONS", "/shop/orders", headers=html).status_code == 204
