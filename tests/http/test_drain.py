"""Stopping with requests under way: each is answered or cut off cleanly; the node ends with 0."""
import json
import signal
import socket
import time

import pytest

import node as nodes
from shop import DONE, Shop, is_problem

NDJSON = (b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
          b"Transfer-Encoding: chunked\r\n\r\n")


class Stopping:
    """A node with a shop, that is to be stopped and looked at again afterwards."""

    def __init__(self, data, *args):
        self.node = nodes.Node(data, *args).start()
        self.shop = Shop(self.node.client(), "/shop", user=1).open(money=10**9, stock=10**6, price=1)
        self.shop.api.session.close()

    def term(self, how=signal.SIGTERM):
        self.node.process.send_signal(how)

    def ended(self, timeout):
        """Waits for the end; it is a clean one."""
        status = self.node.process.wait(timeout)
        self.node.process = None
        self.node.check()
        assert status == 0

    def again(self):
        """Started again: the shop as it was left. The directory has passed `dure verify` before."""
        assert nodes.dure("verify", self.node.data).returncode == 0
        self.node.start()
        self.shop.api = self.node.client()
        return self.shop


@pytest.fixture
def stopping(tmp_path):
    running = []

    def start(*args):
        running.append(Stopping(tmp_path / "data", *args))
        return running[-1]
    yield start
    for one in running:
        one.node.stop()


def order_line(shop):
    return json.dumps({"productId": shop.product, "quantity": 1, "userId": 1}).encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def everything(sock):
    data = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def not_listening(node):
    try:
        node.raw().close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass  # It was about to be taken when the listener was closed: ask again.
    return False


def results(stream):
    """The whole result lines in the bytes of a chunked answer."""
    head, _, rest = stream.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        size = int(size or b"0", 16)
        if size == 0:
            break
        body += rest[:size]
        rest = rest[size + 2:]
    return [json.loads(line) for line in body.split(b"\n")[:-1]]


def test_half_a_request(stopping):
    """A request whose body is still coming is answered, what is pipelined behind it as well; readyz
    says 503 meanwhile, and nobody new is let in."""
    one = stopping("--drain-ms", "60000")
    body = order_line(one.shop)
    with one.node.raw() as sock, one.node.raw() as idle:
        sock.sendall(b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
                     + body[:10])
        one.term()
        assert everything(idle) == b""
        nodes.wait_until(lambda: not_listening(one.node))
        sock.sendall(body[10:] + b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        first, second = everything(sock).split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"201 ") and DONE.encode() in first
    assert second.startswith(b"503 ") and b"Connection: close\r\n" in second
    one.ended(20)  # Far less than the drain limit: nothing was left to wait for.
    assert [order["id"] for order in one.again().find("orders")] == [1]


def test_bulk_that_ends(stopping):
    """A bulk request under way goes on during the drain; when it ends, so does the node."""
    one = stopping("--drain-ms", "60000")
    line = order_line(one.shop) + b"\n"
    with one.node.raw() as sock:
        sock.sendall(NDJSON + chunk(line * 500))
        assert sock.recv(1)  # It has begun.
        one.term()
        nodes.wait_until(lambda: not_listening(one.node))
        began = time.monotonic()
        sock.sendall(chunk(line * 500) + b"0\r\n\r\n")
        stream = b"H" + everything(sock)
    assert time.monotonic() - began < 20  # The drain limit is not waited for.
    assert stream.endswith(b"\r\n0\r\n\r\n")
    assert [r["status"] for r in results(stream)] == [201] * 1000
    one.ended(20)
    assert one.again().stock == 10**6 - 1000


def test_bulk_without_end(stopping):
    """A bulk request that does not end is cut off at the drain limit, without a last chunk; all that
    was answered is there, and nothing is half done."""
    one = stopping("--drain-ms", "400")
    line = order_line(one.shop) + b"\n"
    with one.node.raw() as sock:
        sock.sendall(NDJSON + chunk(line * 300))
        stream = b""
        while stream.count(b'"status":201') < 300:
            stream += sock.recv(65536)
        one.term()
        began = time.monotonic()
        try:
            while True:
                sock.sendall(chunk(line * 10))
                sock.setblocking(False)
                try:
                    piece = sock.recv(1 << 20)
                    if not piece:
                        break
                    stream += piece
                except BlockingIOError:
                    pass
                sock.settimeout(10)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert 0.3 < time.monotonic() - began < 5
    one.ended(20)
    assert not stream.endswith(b"\r\n0\r\n\r\n")
    answered = [r["id"] for r in results(stream)]
    assert len(answered) >= 300
    shop = one.again()
    orders = 10**6 - shop.stock
    assert orders >= len(answered) and shop.money == 10**9 - orders
    assert all(shop.get("orders", order)["status"] == DONE for order in answered[::50])


@pytest.mark.parametrize("data", [
    b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", b"GET /shop/ord",
    NDJSON], ids=["body", "head", "bulk"])
def test_requests_that_never_end(stopping, data):
    """Requests that never come to an end are cut off at the drain limit, not waited for."""
    one = stopping("--drain-ms", "300")
    socks = [one.node.raw() for _ in range(20)]
    for sock in socks:
        sock.sendall(data)
    with one.node.raw() as sock:  # All of those have been read by the time that this is answered.
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(64).startswith(b"HTTP/1.1 200 ")
        one.term()
        assert b"503 " not in everything(sock)
    for sock in socks:
        stream = everything(sock)
        assert stream == b"" or data == NDJSON
        sock.close()
    one.ended(20)
    one.again().ordered(1)


def test_waiting_reader(stopping):
    """A client that does not read its answers holds the end up no longer than the drain limit."""
    one = stopping("--drain-ms", "300")
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", one.node.port))
        sock.sendall(NDJSON + chunk((order_line(one.shop) + b"\n") * 30_000) + b"0\r\n\r\n")
        one.term()
        one.ended(20)
    shop = one.again()
    assert shop.money == 10**9 - (10**6 - shop.stock)


def test_no_drain(stopping):
    """With a drain limit of 0 the node ends at once, and still cleanly."""
    one = stopping("--drain-ms", "0")
    with one.node.raw() as sock:
        sock.sendall(NDJSON + chunk((order_line(one.shop) + b"\n") * 100))
        assert sock.recv(1)
        one.term()
        one.ended(20)
    shop = one.again()
    assert shop.money == 10**9 - (10**6 - shop.stock)


def test_second_signal(stopping):
    """A second signal ends the node at once, as a crash would: all that was answered is there."""
    one = stopping("--drain-ms", "60000")
    with one.node.raw() as sock:
        sock.sendall(NDJSON + chunk((order_line(one.shop) + b"\n") * 100))
        stream = b""
        while stream.count(b'"status":201') < 100:
            stream += sock.recv(65536)
        one.term()
        nodes.wait_until(lambda: not_listening(one.node))
        one.term()
        assert one.node.process.wait(5) == 128 + signal.SIGTERM
    one.node.process = None
    assert one.again().stock == 10**6 - 100
    is_problem(one.shop.api.get("/shop/orders/101"), 404)
