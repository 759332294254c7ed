"""A2: bulk; commands as lines in, results as lines out, streamed, in order."""
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import node as nodes
from shop import DONE, NO_MONEY, NO_STOCK, Shop, is_problem

NDJSON = {"Content-Type": "application/x-ndjson"}


def bulk(api, path, lines, **headers):
    """POSTs lines (objects or bytes); returns the results."""
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode()
                      for line in lines) + b"\n"
    response = api("POST", path, data=body, headers={**NDJSON, **headers})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].split(";")[0] == "application/x-ndjson"
    assert response.content == b"" or response.content.endswith(b"\n")
    return [json.loads(line) for line in response.content.decode().splitlines()]


def line(shop, quantity, **fields):
    return {"productId": shop.product, "quantity": quantity, "userId": shop.user, **fields}


def test_order_is_kept(shop):
    """Each line has its result at its place: the item as GET shows it, or the problem."""
    shop.open(money=10000, stock=100, price=1000)
    results = bulk(shop.api, "/shop/orders", [
        line(shop, 1), line(shop, 0), line(shop, 2), line(shop, 8), line(shop, 3, price=5),
        line(shop, 1, productId=987654321), line(shop, 7)])
    assert [r["status"] for r in results] == [201, 400, 201, 409, 409, 409, 201]
    for result in results:
        if result["status"] == 201:
            assert result["item"]["id"] == result["id"]
            assert result["item"] == shop.get("orders", result["id"])
            assert result["item"]["status"] == DONE
        else:
            problem = result["problem"]
            assert problem["status"] == result["status"]
            assert {"type", "title", "detail", "instance", "message"} <= problem.keys()
    assert [e["field"] for e in results[1]["problem"]["errors"]] == ["quantity"]
    assert shop.holdings == (0, 90)


def test_unprefixed_and_other_collections(shop):
    """Every collection that takes POST takes bulk, with and without the prefix."""
    results = bulk(shop.api, "/inventories", [
        {"stockName": f"b{i}", "stockCount": i, "price": 1} for i in range(50)])
    assert [r["status"] for r in results] == [201] * 50
    assert [r["item"]["stockName"] for r in results] == [f"b{i}" for i in range(50)]
    results = bulk(shop.api, "/shop/pays", [{"userId": shop.user, "payAmount": 10}] * 20)
    assert [r["item"]["payAmount"] for r in results] == list(range(10, 210, 10))


def test_bulk_to_a_view(shop):
    """Bulk to a collection that takes no POST is a 405 as a whole."""
    is_problem(shop.api("POST", "/shop/mypages", data=b"{}\n", headers=NDJSON), 405)


@pytest.mark.parametrize("bad", [b"{", b"nonsense", b"[]", b"null", b'{"quantity":"abc"}', b"\xff\xfe",
                                 b"{}{}", b"\x00"], ids=ascii)
def test_a_bad_line_fails_alone(shop, bad):
    """A line that is no command is a 400 at its place; its neighbours are served."""
    shop.open()
    results = bulk(shop.api, "/shop/orders", [line(shop, 1), bad, line(shop, 1)])
    assert [r["status"] for r in results] == [201, 400, 201]
    assert shop.holdings == (997999, 998)


def test_a_huge_line_fails_alone(shop):
    """A line over the limit is refused at its place, however long; its neighbours are served."""
    shop.open()
    for size in (70_000, 3_000_000):
        huge = json.dumps(line(shop, 1, pad="x" * size)).encode()
        results = bulk(shop.api, "/shop/orders", [line(shop, 1), huge, line(shop, 1)])
        assert [r["status"] for r in results] == [201, 413, 201]
    assert shop.holdings == (995999, 996)


def test_empty_lines_and_crlf(shop):
    """Blank lines are no commands; CRLF ends a line as well; the last one needs no end."""
    shop.open()
    one = json.dumps(line(shop, 1)).encode()
    response = shop.api("POST", "/shop/orders", headers=NDJSON,
                        data=b"\n\n" + one + b"\r\n\r\n" + one + b"\n  \n" + one)
    assert response.status_code == 200
    results = [json.loads(text) for text in response.text.splitlines()]
    assert [r["status"] for r in results] == [201] * 3
    assert shop.holdings == (996999, 997)


def test_nothing_in_nothing_out(api):
    """An empty bulk body gives an empty result."""
    assert bulk(api, "/shop/orders", []) == []


def test_outcomes_in_bulk(shop):
    """Lines see each other's effects in order: money and stock run out where they should."""
    shop.open(money=25000, stock=20, price=1000)
    results = bulk(shop.api, "/shop/orders", [line(shop, 1)] * 30)
    assert [r["status"] for r in results] == [201] * 20 + [409] * 10
    assert shop.holdings == (5000, 0)
    assert len(shop.find("orders", userId=shop.user, status=NO_STOCK)) == 10
    results = bulk(shop.api, "/shop/orders", [line(shop, 6)] * 2)
    assert [r["status"] for r in results] == [409] * 2
    assert len(shop.find("orders", userId=shop.user, status=NO_MONEY)) == 2


def test_ten_thousand_lines_streamed(node, shop):
    """Results stream back while lines are still being sent, 10000 of them, in order."""
    count, batch = 10_000, 500
    shop.open(money=count * 1000, stock=count - 100, price=1000)
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    connection.putrequest("POST", "/shop/orders")
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()

    def send(lines):
        data = b"".join(json.dumps(entry).encode() + b"\n" for entry in lines)
        connection.send(b"%x\r\n%s\r\n" % (len(data), data))

    send([line(shop, 1)] * batch)
    response = connection.getresponse()  # The answer begins before the request has ended.
    assert response.status == 200
    results = [json.loads(response.readline())]
    for _ in range(count // batch - 1):
        send([line(shop, 1)] * batch)
        results += [json.loads(response.readline()) for _ in range(batch)]
    connection.send(b"0\r\n\r\n")
    results += [json.loads(text) for text in response.read().splitlines()]
    connection.close()
    assert [r["status"] for r in results] == [201] * (count - 100) + [409] * 100
    ids = [r["id"] for r in results if r["status"] == 201]
    assert ids == sorted(set(ids))
    assert shop.holdings == (100_000, 0)


def test_a_client_that_leaves_in_the_middle(node, shop):
    """A bulk request that is cut off leaves whole orders, and the node goes on."""
    shop.open()
    body = b"".join(json.dumps(line(shop, 1)).encode() + b"\n" for _ in range(200))
    for cut in (50, len(body) // 2, len(body) - 3):
        with node.raw() as sock:
            sock.sendall(b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson"
                         b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:cut])
    last = shop.ordered(1)
    for order in shop.find("orders", userId=shop.user):
        shop.settled(order["id"])
    orders = shop.find("orders", userId=shop.user)
    assert {o["status"] for o in orders} == {DONE} and last["id"] in [o["id"] for o in orders]
    assert shop.holdings == (999999 - 1000 * len(orders), 1000 - len(orders))


def test_bulk_race(node, shop):
    """Several bulk requests at once on one product: all in order, sums conserved."""
    shop.open(money=10**9, stock=3000, price=1000)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: bulk(node.client(), "/shop/orders", [line(shop, 1)] * 1000),
                             range(4)))
    statuses = [r["status"] for run in runs for r in run]
    assert (statuses.count(201), statuses.count(409)) == (3000, 1000)
    for run in runs:
        ids = [r["id"] for r in run if r["status"] == 201]
        assert ids == sorted(ids)
    assert shop.holdings == (10**9 - 3_000_000, 0)


HEAD = (b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        b"Content-Length: %d\r\n\r\n")


def narrow(node, timeout=60):
    """A connection whose client's kernel holds few unread bytes, so that the node has to."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    sock.settimeout(timeout)
    sock.connect(("127.0.0.1", node.port))
    return sock


def results_of(sock):
    """Reads one whole answer: its results."""
    response = http.client.HTTPResponse(sock)
    response.begin()
    assert response.status == 200
    return [json.loads(text) for text in response.read().splitlines()]


def test_send_all_then_read(node, shop):
    """A client that reads nothing before it has sent 20000 lines gets all their results then."""
    count = 20_000
    shop.open(money=10**9, stock=count, price=1)
    body = (json.dumps(line(shop, 1)).encode() + b"\n") * count
    with narrow(node) as sock:
        sock.sendall(HEAD % len(body) + body)
        assert [r["status"] for r in results_of(sock)] == [201] * count
    assert shop.holdings == (10**9 - count, 0)


def test_hundred_megabytes(node, shop):
    """100 MB of lines, sent as fast as they are taken by who reads meanwhile, never stall."""
    count = 25_000
    shop.open(money=10**9, stock=count, price=1)
    body = json.dumps(line(shop, 1, pad="x" * 4100)).encode() + b"\n"
    assert len(body) * count > 100_000_000
    with node.raw(timeout=30) as sock, ThreadPoolExecutor(1) as pool:
        def send():
            sock.sendall(HEAD % (len(body) * count))
            for _ in range(count // 100):
                sock.sendall(body * 100)
        sent = pool.submit(send)
        assert [r["status"] for r in results_of(sock)] == [201] * count
        sent.result()
    assert shop.holdings == (10**9 - count, 0)


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A node that keeps no more than 1 MiB of unread results, and is impatient."""
    running = nodes.Node(tmp_path_factory.mktemp("strict") / "data", "--bulk-unread-bytes-max",
                         str(2**20), "--write-timeout-ms", "2000").start()
    yield running
    running.stop()


def send_until_full(sock, data):
    """Sends what the node and both kernels take, until nothing moves for 300 ms; the bytes sent."""
    sock.settimeout(0.3)
    at = 0
    try:
        while at < len(data):
            at += sock.send(data[at:at + 65536])
    except TimeoutError:
        pass
    sock.settimeout(60)
    return at


def many_lines(strict, user):
    """A shop, and far more lines than 1 MiB of results and the kernels' buffers can hold."""
    shop = Shop(strict.client(), "/shop", user=user).open(money=10**9, stock=10**6, price=1)
    return shop, (json.dumps(line(shop, 1, pad="x" * 400)).encode() + b"\n") * 60_000


def test_back_pressure(strict):
    """Beyond the bound the node stops reading; when the client reads at last, all goes on."""
    shop, body = many_lines(strict, 1)
    with narrow(strict) as sock, ThreadPoolExecutor(1) as pool:
        sock.sendall(HEAD % len(body))
        at = send_until_full(sock, body)
        assert at < len(body)
        sent = pool.submit(sock.sendall, body[at:])
        assert [r["status"] for r in results_of(sock)] == [201] * 60_000
        sent.result()
    assert shop.stock == 10**6 - 60_000


def test_a_client_that_never_reads(strict):
    """Beyond the bound, a client that goes on not reading is cut off; what was taken stays whole."""
    shop, body = many_lines(strict, 2)
    with narrow(strict) as sock:
        sock.sendall(HEAD % len(body))
        assert send_until_full(sock, body) < len(body)
        nodes.wait_until(lambda: "\ndure_http_open_connections 1\n" in shop.api.get("/metrics").text, 20,
                         "the connection to be cut off")
    orders = 10**6 - shop.stock
    assert 0 < orders < 60_000
    assert shop.money == 10**9 - orders
    assert shop.api.get("/shop/orders", params={"userId": 2, "status": DONE,
                                                "size": 1}).json()["page"]["totalElements"] == orders


def test_reading_late_while_still_sending(tmp_path):
    """A client that reads nothing for longer than the write time-out is kept while it sends."""
    running = nodes.Node(tmp_path / "data", "--write-timeout-ms", "1000").start()
    shop = Shop(running.client(), "/shop", user=1).open(money=10**9, stock=10**6, price=1)
    lines = (json.dumps(line(shop, 1)).encode() + b"\n") * 1500
    with narrow(running) as sock:
        sock.sendall(HEAD % (len(lines) * 20))
        for _ in range(20):  # After 4 MiB of results the kernels are full, and the node waits.
            sock.sendall(lines)
            time.sleep(0.15)
        assert [r["status"] for r in results_of(sock)] == [201] * 30_000
    running.stop()
