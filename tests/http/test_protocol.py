"""A2, A8, A9: methods, statuses, limits, CORS, and clients that misbehave on the wire."""
import http.client
import re
import subprocess

import pytest

from shop import is_problem

COLLECTIONS = ("orders", "inventories", "deliveries", "pays", "mypages")


def exchange(node, data, answers=1):
    """Sends raw bytes; returns (status, headers, body) for each of the answers."""
    with node.raw() as sock:
        sock.sendall(data)
        results = []
        stream = sock.makefile("rb")
        for _ in range(answers):
            status = int(stream.readline().split()[1])
            headers = http.client.parse_headers(stream)
            results.append((status, headers, stream.read(int(headers["Content-Length"]))))
        return results


@pytest.mark.parametrize("path", [
    "/nosuch", "/shop", "/shop/nosuch", "/shop/nosuch/1", "/nosuch/orders", "/shop/orders/1/nosuch",
    "/shop/orders/abc", "/shop/orders/1.5", "/shop/orders/-1", "/shop/orders/0", "/shop/orders/1e3",
    "/shop/orders/99999999", "/shop/orders/99999999999999999999", "/shop/orders/%31x",
    "/shop/orders/1/events/2", "/shop/orders/0x1", "/shop/orders/%00", "/shop/orders/987654321/events",
    "/orders/abc", "/shop/Orders", "/%", "/shop//orders"])
def test_not_found(api, path):
    """An unknown path, collection or id, and an id that is no number, are a 404 problem."""
    is_problem(api.get(path), 404)


def test_path_traversal(node):
    """Dots in a path lead nowhere."""
    for path in (b"/../etc/passwd", b"/shop/../../etc/passwd", b"/%2e%2e/etc/passwd", b"/..%2f"):
        (status, _, _), = exchange(node, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status in (400, 404)


def test_prefix_of_another_system_does_not_show_the_shop(api):
    """A collection is not reachable under a system that does not have it."""
    is_problem(api.get("/food/pays"), 404)
    is_problem(api.get("/bike/orders"), 404)


@pytest.mark.parametrize("method, path, allowed", [
    ("PUT", "/shop/orders", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("PATCH", "/shop/orders", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("DELETE", "/shop/orders", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("DELETE", "/inventories", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("POST", "/shop/orders/{order}", {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}),
    ("GET", "/shop/orders/{order}/cancel", {"OPTIONS", "PUT", "POST"}),
    ("DELETE", "/shop/orders/{order}/cancel", {"OPTIONS", "PUT", "POST"}),
    ("POST", "/shop/orders/{order}/events", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}),
    ("TRACE", "/shop/orders", {"GET", "HEAD", "OPTIONS", "POST"})])
def test_method_not_allowed(shop, method, path, allowed):
    """A wrong method on a known path is a 405 problem whose Allow lists the right ones."""
    order = shop.open().ordered(1)["id"]
    response = shop.api(method, path.format(order=order))
    is_problem(response, 405)
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_options(api, collection):
    """OPTIONS is a 204 with Allow, without a body."""
    response = api("OPTIONS", f"/shop/{collection}")
    assert (response.status_code, response.content) == (204, b"")
    allowed = set(response.headers["Allow"].split(", "))
    assert {"GET", "HEAD", "OPTIONS"} <= allowed
    assert ("POST" in allowed) == (collection not in ("mypages", "deliveries"))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_preflight(api, method):
    """A preflight is a 204 that allows the origin, credentials, the method and the headers."""
    response = api("OPTIONS", "/shop/orders", headers={
        "Origin": "http://ui.example:8080", "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type, x-anything"})
    assert response.status_code == 204
    headers = response.headers
    assert headers["Access-Control-Allow-Origin"] == "http://ui.example:8080"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert method in headers["Access-Control-Allow-Methods"]
    assert "x-anything" in headers["Access-Control-Allow-Headers"].lower()


def test_cors_on_answers(shop):
    """Every answer to a request with an Origin echoes it with credentials; errors do, too."""
    origin = {"Origin": "http://ui.example:8080"}
    shop.open()
    for response in (shop.api.get("/shop/orders", headers=origin), shop.order(1, headers=origin),
                     shop.order(0, headers=origin), shop.api.get("/nosuch", headers=origin)):
        assert response.headers["Access-Control-Allow-Origin"] == "http://ui.example:8080"
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert "origin" in response.headers["Vary"].lower()
    assert "Access-Control-Allow-Origin" not in shop.api.get("/shop/orders").headers


def test_body_over_the_limit(api):
    """A body over 1 MiB is a 413, and one just below is read."""
    response = api.post("/shop/inventories", {"stockName": "x" * 2**20})
    is_problem(response, 413)
    below = b'{"stockName":"a","stockCount":1,"price":1,"pad":"' + b"x" * (2**20 - 100) + b'"}'
    assert api("POST", "/shop/inventories", data=below,
               headers={"Content-Type": "application/json"}).status_code == 201


def test_chunked_body_over_the_limit(api):
    """The limit holds for a body that does not announce its length."""
    def chunks():
        for _ in range(40):
            yield b" " * 65536
    try:
        response = api("POST", "/shop/inventories", data=chunks(),
                       headers={"Content-Type": "application/json"})
    except OSError:
        return  # Cut off while still sending: fine, too.
    is_problem(response, 413)


def test_target_over_the_limit(api):
    """A request target over 8 KiB is a 414."""
    is_problem(api.get("/shop/orders?x=" + "y" * 9000), 414)


@pytest.mark.parametrize("headers", [{"X-Big": "y" * 40000}, {f"X-{i}": "1" for i in range(200)}],
                         ids=["long", "many"])
def test_headers_over_the_limit(api, headers):
    """Headers over 32 KiB, or more than 100, are a 431."""
    is_problem(api.get("/shop/orders", headers=headers), 431)


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("limit, status, request_", [
    (8192, 414, lambda n: b"GET /shop/orders?x=%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"y" * (n - 15))),
    (32768, 431, lambda n: b"GET /livez HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n" % (b"a" * (n - 14))),
    (100, 431, lambda n: b"GET /livez HTTP/1.1\r\nHost: x\r\n%s\r\n" % (b"A: b\r\n" * (n - 1))),
    (2**20, 413, lambda n: b"POST /shop/inventories HTTP/1.1\r\nHost: x\r\nContent-Length: %d"
                           b"\r\n\r\n%s" % (n, b'{"stockName":"a","stockCount":1,"price":1}'.ljust(n)))],
    ids=["target", "header bytes", "headers", "body"])
def test_limits_to_the_byte(node, limit, status, request_, excess):
    """What a node allows is 8 KiB of target, 32 KiB of headers, 100 of them, 1 MiB of body."""
    (got, _, _), = exchange(node, request_(limit + excess))
    assert got == status if excess else got in (200, 201)


@pytest.mark.parametrize("data", [
    b"NONSENSE\r\n\r\n", b"GET\r\n\r\n", b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /livez HTTP/1.1\r\n\r\n",
    b"POST /shop/pays HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST /shop/pays HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /shop/pays HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /shop/pays HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /livez HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ids=lambda data: ascii(data[:40]))
def test_malformed_requests(node, data):
    """What is no HTTP is answered with a 4xx or 505 and cut off; the node lives on."""
    with node.raw() as sock:
        sock.sendall(data)
        sock.shutdown(1)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    assert answer == b"" or answer.split()[1] in (b"400", b"405", b"501", b"505"), answer[:200]
    assert len(re.findall(rb"^HTTP/1.1 \d", answer, re.M)) <= 1
    assert node.ready()


def test_pipelining(node):
    """Pipelined requests are answered in order."""
    paths = [b"/livez", b"/nosuch", b"/shop/orders", b"/shop/pays/abc"] * 25
    data = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
    statuses = [status for status, _, _ in exchange(node, data, len(paths))]
    assert statuses == [200, 404, 200, 404] * 25


def test_pipelined_writes(node, shop):
    """Pipelined orders are all served, each answered in its place."""
    shop.open(money=10000, stock=100, price=1000)
    body = b'{"productId":%d,"quantity":1,"userId":%d}' % (shop.product, shop.user)
    request = (b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    answers = exchange(node, request * 15, 15)
    assert sorted(status for status, _, _ in answers) == [201] * 10 + [409] * 5
    assert shop.holdings == (0, 90)


def test_a_byte_at_a_time(node):
    """A request that trickles in is understood."""
    body = b'{"stockName":"a","stockCount":1,"price":1}'
    request = (b"POST /shop/inventories HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s"
               % (len(body), body))
    with node.raw() as sock:
        for i in range(len(request)):
            sock.sendall(request[i:i + 1])
        assert sock.recv(4096).startswith(b"HTTP/1.1 201 ")


def test_chunked_body(node):
    """A chunked body is as good as one with a length."""
    (status, _, _), = exchange(node, b"POST /shop/inventories HTTP/1.1\r\nHost: x\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n"
                               b'10;ext=1\r\n{"stockName":"a"\r\n1A\r\n,"stockCount":1,"price":1}\r\n'
                               b"0\r\nTrailer: x\r\n\r\n")
    assert status == 201


def test_http_1_0_and_connection_close(node):
    """HTTP/1.0 and Connection: close end the connection after the answer."""
    for head in (b"GET /livez HTTP/1.0\r\n\r\n",
                 b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
        with node.raw() as sock:
            sock.sendall(head)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        assert answer.split()[1] == b"200"


def test_clients_that_leave(node, api):
    """Clients that go away in the middle of a request or an answer cost nothing."""
    for data in (b"GET /shop/ord", b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
                 b"GET /shop/inventories?size=1000 HTTP/1.1\r\nHost: x\r\n\r\n" * 50):
        for _ in range(20):
            with node.raw() as sock:
                sock.sendall(data)
    assert api.get("/readyz").status_code == 200


def test_curl(node, shop):
    """curl alone can do everything: create, read, order, cancel, with Korean text."""
    def curl(*args):
        out = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", *args], check=True, timeout=30,
                             capture_output=True, text=True).stdout
        return out.rsplit("\n", 1)

    shop.open()
    body, status = curl(f"{node.url}/orders", "-H", "Content-Type: application/json", "-d",
                        f'{{"productId":{shop.product},"quantity":1,"userId":{shop.user}}}')
    assert status == "201" and "주문완료" in body
    url = shop.find("orders", userId=shop.user)[0]["_links"]["self"]["href"]
    assert curl("-X", "PATCH", url, "-H", "Content-Type: application/json", "-d",
                '{"status":"주문취소"}')[1] == "200"
    assert curl("-X", "DELETE", url)[1] == "409"
    assert curl("-I", url)[1] == "200"
    assert curl("-X", "POST", f"{node.url}/orders")[1] == "400"
