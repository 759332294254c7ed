"""Clients that ask for much and do not read it: memory stays bounded, others notice nothing, and
they are cut off after the deadline."""
import re
import socket
import time

import pytest

import node as nodes
from shop import CANCELING, Shop

MIB = 2**20
PRODUCTS = 1000
PAGE = b"GET /shop/inventories?size=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
# A sanitizer would keep freed memory for a while, and so hide what is measured.
LEAN = ["env", "ASAN_OPTIONS=detect_leaks=0:exitcode=99:quarantine_size_mb=4"]


class Slow:
    """A node with a shop of many products, and clients that read nothing."""

    def __init__(self, data, *args):
        self.node = nodes.Node(data, *args, wrap=LEAN).start()
        self.shop = Shop(self.node.client(), "/shop", user=1).open(money=10**9, stock=10**6, price=1)
        lines = b"".join(b'{"stockName":"product number %d","stockCount":1,"price":1}\n' % i
                         for i in range(PRODUCTS))
        assert self.shop.api.post("/shop/inventories", data=lines, headers={
            "Content-Type": "application/x-ndjson"}).content.count(b'"status":201') == PRODUCTS
        self.socks = []

    def connect(self):
        """A connection whose client's kernel holds little, so that the node has to."""
        sock = socket.socket()
        self.socks.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(60)
        sock.connect(("127.0.0.1", self.node.port))
        return sock

    def number(self, name):
        page = self.shop.api.get("/metrics").text
        return int(re.search(rf"^{name} (\d+)$", page, re.M).group(1))

    def memory(self):
        with open(f"/proc/{self.node.pid}/status", encoding="ascii") as status:
            return int(re.search(r"^RssAnon:\s+(\d+) kB$", status.read(), re.M).group(1)) * 1024

    def order(self):
        """Somebody else's order; the seconds it took."""
        began = time.monotonic()
        self.shop.ordered(1)
        return time.monotonic() - began

    def close(self):
        for sock in self.socks:
            sock.close()
        self.node.stop()


@pytest.fixture
def slow(tmp_path):
    running = []

    def start(*args):
        running.append(Slow(tmp_path / "data", *args))
        return running[-1]
    yield start
    for one in running:
        one.close()


def test_one_client_is_held_back(slow):
    """A client that asks for 100 pages in one go and reads none gets few of them made; when it reads
    at last, it gets them all, whole and in order."""
    one = slow()
    sock = one.connect()
    sock.sendall(PAGE * 100 + b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    nodes.wait_until(lambda: one.number("dure_http_unread_bytes") > 0)
    most = 0
    for _ in range(20):
        one.order()
        most = max(most, one.number("dure_http_unread_bytes"))
    assert most < 4 * MIB
    data = bytearray()
    while piece := sock.recv(MIB):
        data += piece
    assert data.count(b"HTTP/1.1 200 ") == 101
    assert data.count(b'"totalElements":1001,') == 100
    nodes.wait_until(lambda: one.number("dure_http_unread_bytes") < MIB)


@pytest.mark.alone
def test_many_clients(slow):
    """Beyond the bound of all together the slowest are cut off; memory stays near the bound, and
    everybody else is served as ever."""
    one = slow("--unread-bytes-max", str(24 * MIB))
    one.order()
    before = one.memory()
    took, unread, memory = [], [], []
    for _ in range(60):
        sock = one.connect()
        sock.sendall(PAGE * 100)
        took.append(one.order())
        unread.append(one.number("dure_http_unread_bytes"))
        memory.append(one.memory() - before)
    nodes.wait_until(lambda: one.number("dure_http_timeouts_total") > 0)
    assert max(unread) <= 26 * MIB
    assert max(memory) <= 80 * MIB, max(memory)
    assert max(took) < 2
    # One that reads is not the slowest, even now.
    assert one.shop.api.get("/shop/inventories?size=1000").json()["page"]["totalElements"] == 1001


@pytest.mark.parametrize("target", [b"/shop/inventories?size=1000", b"/shop/inventories/1/events",
                                    b"/metrics"])
def test_cut_off_after_the_deadline(slow, target):
    """Whatever it is that a client does not read: it is cut off when it has taken nothing for the
    time-out, and its memory is free again."""
    one = slow("--write-timeout-ms", "400")
    for _ in range(30):
        one.order()  # Something for the history to tell.
    for _ in range(5):
        # As many as it takes to fill the kernel's buffers.
        one.connect().sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target * 4000)
    nodes.wait_until(lambda: one.number("dure_http_timeouts_total") == 5, 30)
    nodes.wait_until(lambda: one.number("dure_http_open_connections") == 1)
    assert one.number("dure_http_unread_bytes") < MIB
    one.order()


def test_bulk_behind_a_command_that_waits(slow):
    """Results of a bulk request cannot leave before the answer to a request before it; they are kept
    up to the bound, too, and then its lines wait."""
    one = slow("--bulk-unread-bytes-max", str(MIB))
    shop = one.shop
    order = shop.ordered(1)["id"]
    shop.create("pays", userId=1, payAmount=10**15 - shop.money)  # The refund has no room: it parks.
    sock = one.connect()
    sock.sendall(b"PUT /shop/orders/%d/cancel HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\n"
                 b"Content-Length: 0\r\n\r\n" % order)
    count = 40_000
    body = b'{"stockName":"x","stockCount":1,"price":1,"pad":"%s"}\n' % (b"x" * 400) * count
    sock.sendall(b"POST /shop/inventories HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 b"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n" % len(body))
    sock.setblocking(False)
    sent = 0

    def push():
        """Sends what is taken; true when nothing more is."""
        nonlocal sent
        before, made = sent, one.number("dure_asks_total")
        try:
            while sent < len(body):
                sent += sock.send(body[sent:sent + 65536])
        except BlockingIOError:
            pass
        return sent == before and one.number("dure_asks_total") == made
    nodes.wait_until(push, 30)
    assert sent < len(body)
    assert one.number("dure_http_unread_bytes") < 8 * MIB
    assert shop.get("orders", order)["status"] == CANCELING
    one.order()  # Makes room for the refund …
    saga = shop.api.get("/sagas").json()["_embedded"]["sagas"][0]
    assert shop.api.post(saga["_links"]["retry"]["href"]).status_code == 202
    stream = bytearray()  # … and everything goes on.
    while stream.count(b'"status":201') < count:
        push()
        sock.settimeout(60)
        piece = sock.recv(MIB)
        assert piece
        stream += piece
        sock.setblocking(False)
    assert stream.startswith(b"HTTP/1.1 200 ")
