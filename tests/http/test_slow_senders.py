"""Clients that send bodies and never their ends: what they make the node hold is bounded for all of
them together, and who does send is served."""
import re

import pytest

import node as nodes
from shop import Shop

MIB = 2**20
BOUND = 8 * MIB
JSON = b"Content-Type: application/json\r\n"
NDJSON = b"Content-Type: application/x-ndjson\r\n"
LINE = b"POST /shop/orders HTTP/1.1\r\nHost: x\r\n"
LEAN = ["env", "ASAN_OPTIONS=detect_leaks=0:exitcode=99:quarantine_size_mb=4"]


class Held:
    """A node with a small bound, and clients that hold its memory."""

    def __init__(self, data):
        self.node = nodes.Node(data, "--requests-bytes-max", str(BOUND), wrap=LEAN).start()
        self.shop = Shop(self.node.client()).open(money=10**9, stock=10**6, price=1)
        self.socks = []

    def send(self, data):
        """Opens a connection and sends; what is not taken any more is not sent."""
        sock = self.node.raw(30)
        self.socks.append(sock)
        try:
            sock.sendall(data)
        except OSError:
            pass
        return sock

    def number(self, name):
        page = self.shop.api.get("/metrics").text
        return int(re.search(rf"^{name} (\d+)$", page, re.M).group(1))

    def close(self):
        for sock in self.socks:
            sock.close()
        self.node.stop()


@pytest.fixture
def held(tmp_path):
    running = Held(tmp_path / "data")
    yield running
    running.close()


def head(kind, length):
    return LINE + b"%sContent-Length: %d\r\n\r\n" % (kind, length)


def received(sock):
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


@pytest.mark.parametrize("start, size", [
    (head(JSON, MIB), 900_000),
    (LINE + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n", 900_000),
    (LINE + b"X-Filler: ", 30_000),
], ids=["body", "chunks", "head"])
def test_unfinished_requests(held, start, size):
    """The node holds no more than its bound: who has been silent for longest gets 503 with
    Retry-After and is closed, others are kept, and orders are taken all the time."""
    count = 3 * BOUND // size
    for i in range(count):
        held.send(start + b"x" * size)
        if i % 16 == 0:
            held.shop.ordered(1)
            assert held.number("dure_http_request_bytes") <= BOUND + MIB
    nodes.wait_until(lambda: held.number("dure_http_refused_total") >= count // 2)
    answer = received(held.socks[0])
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"\r\nRetry-After: 1\r\n" in answer and b"\r\nConnection: close\r\n" in answer
    assert b"application/problem+json" in answer
    for sock in held.socks:
        sock.close()
    nodes.wait_until(lambda: held.number("dure_http_request_bytes") < MIB)
    assert held.number("dure_http_refused_total") < count


def test_unfinished_lines(held):
    """The beginnings of lines of bulk requests are held, too: the oldest of such are cut off."""
    line = b'{"pad":"' + b"x" * 60_000
    count = 3 * BOUND // len(line)
    for i in range(count):
        held.send(head(NDJSON, MIB) + line)
        if i % 16 == 0:
            held.shop.ordered(1)
            assert held.number("dure_http_request_bytes") <= BOUND + MIB
    nodes.wait_until(lambda: held.number("dure_http_refused_total") >= count // 2)
    assert received(held.socks[0]).startswith(b"HTTP/1.1 200 ")  # Its results had begun.


def test_largest_bodies_one_after_the_other(held):
    """The bound is of what is held at a time: any number of the largest bodies passes."""
    body = b'{"productId":1,"pad":"%s"}' % (b"x" * (MIB - 30))
    for _ in range(3 * BOUND // MIB):
        assert held.shop.api.post("/shop/orders", data=body,
                                  headers={"Content-Type": "application/json"}).status_code == 400
    assert held.number("dure_http_refused_total") == 0
