"""proto/server.h, driven through tests/http/echo_server.c by raw sockets and by real clients.

DURE_ECHO_SERVER names the binary; without it, the one built beside DURE_BIN is taken.
"""
import concurrent.futures
import http.client
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("DURE_ECHO_SERVER") or str(
    pathlib.Path(os.environ.get("DURE_BIN") or ROOT / "build-asan" / "dure").parent
    / "tests" / "http" / "echo_server")

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
CHUNKED = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Echo:
    """A running echo_server; options are its NAME=VALUE arguments."""

    def __init__(self, **options):
        args = [f"{name}={value}" for name, value in {"seconds": 120, **options}.items()]
        self.process = subprocess.Popen([BINARY, *args], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line.startswith("ready "), (line, self.process.stderr.read())
        self.port = int(line.split()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.draining = False

    def connect(self, timeout=10):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def stats(self):
        with self.connect() as sock:
            sock.sendall(GET % b"/stats")
            text = answers(sock, 1)[0][2].decode()
        return {name: int(value) for name, value in (line.split() for line in text.splitlines())}

    def drain(self):
        if not self.draining and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.draining = True

    def stop(self):
        """Ends it and says what it printed; fails when it does not leave cleanly."""
        self.drain()
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (0, "")
        return out


@pytest.fixture
def start():
    """Starts servers with options of the test's own."""
    servers = []

    def run(**options):
        servers.append(Echo(**options))
        return servers[-1]
    yield run
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def shared():
    server = Echo()
    yield server
    server.stop()


@pytest.fixture
def echo(shared):
    yield shared
    assert shared.process.poll() is None


def answers(sock, count, head=False):
    """Reads `count` answers: (status, headers, body)."""
    stream = sock.makefile("rb")
    results = []
    for _ in range(count):
        line = stream.readline()
        if not line:
            break
        status = int(line.split()[1])
        headers = http.client.parse_headers(stream)
        body = b""
        if headers.get("Transfer-Encoding") == "chunked" and not head:
            pieces = []
            while size := int(stream.readline(), 16):
                pieces.append(stream.read(size))
                stream.readline()
            stream.readline()
            body = b"".join(pieces)
        elif "Content-Length" in headers and not head:
            body = stream.read(int(headers["Content-Length"]))
        results.append((status, headers, body))
    return results


def all_bytes(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def wait_until(predicate, seconds=10):
    deadline = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


# ---- Requests and answers ------------------------------------------------------------------------


def test_keep_alive(echo):
    """One connection serves many requests, each answered with its own body."""
    with requests.Session() as session:
        for i in range(50):
            response = session.post(echo.url + "/echo", data=f"body {i}")
            assert (response.status_code, response.text) == (200, f"body {i}")
        assert "Date" in response.headers and response.headers.get("Connection") is None


def test_http_client(echo):
    """http.client gets along with lengths, chunks and HEAD on one connection."""
    client = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=10)
    for _ in range(3):
        client.request("POST", "/echo", body=iter([b"ab", b"c" * 5000]), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})
        assert client.getresponse().read() == b"ab" + b"c" * 5000
        client.request("HEAD", "/echo/head")
        response = client.getresponse()
        assert (response.status, response.read()) == (201, b"")
        assert int(response.headers["Content-Length"]) > 0
        client.request("GET", "/chunks?count=20&size=999")
        assert client.getresponse().read() == b"x" * 19980
    client.close()


def test_curl(echo):
    """curl posts with an expectation, and gets what it sent."""
    result = subprocess.run(
        ["curl", "-sS", "--http1.1", "-H", "Expect: 100-continue", "--data-binary", "x" * 90000,
         "-w", "\n%{http_code}", echo.url + "/echo"], capture_output=True, check=True, timeout=30)
    assert result.stdout == b"x" * 90000 + b"\n200"


@pytest.mark.parametrize("count", [1, 2, 16, 100, 1000])
def test_pipelining(echo, count):
    """Pipelined requests are answered in order, however many: beyond the bound they wait."""
    with echo.connect() as sock:
        sock.sendall(b"".join(GET % b"/%d" % i for i in range(count)))
        assert [body for _, _, body in answers(sock, count)] == [b"0 /%d" % i for i in range(count)]


def test_answers_out_of_order(echo):
    """Answers that are ready in the wrong order leave in the order of the requests."""
    delays = [200, 0, 100, 0, 50, 150, 1, 0]
    with echo.connect() as sock:
        sock.sendall(b"".join(POST % (b"/echo?delay=%d" % delay, 1, b"%d" % i)
                              for i, delay in enumerate(delays)))
        assert [body for _, _, body in answers(sock, len(delays))] == \
            [b"%d" % i for i in range(len(delays))]


def test_stream_waits_for_its_turn(echo):
    """A streamed answer behind a late one comes after it, whole."""
    with echo.connect() as sock:
        sock.sendall(POST % (b"/echo?delay=100", 4, b"late") + GET % b"/chunks?count=50&size=5000"
                     + GET % b"/next")
        bodies = [body for _, _, body in answers(sock, 3)]
    assert bodies == [b"late", b"x" * 250000, b"0 /next"]


def test_a_byte_at_a_time(echo):
    """Requests that trickle in are understood, with a length and chunked."""
    data = POST % (b"/echo", 3, b"abc") + CHUNKED % b"/echo" + b"2\r\nde\r\n0\r\nT: x\r\n\r\n"
    with echo.connect() as sock:
        for i in range(len(data)):
            sock.sendall(data[i:i + 1])
        assert [body for _, _, body in answers(sock, 2)] == [b"abc", b"de"]


def test_stream_both_ways(echo):
    """A streamed body comes back piece by piece before the request has ended."""
    with echo.connect() as sock:
        sock.sendall(CHUNKED % b"/stream" + b"3\r\nabc\r\n")
        stream = sock.makefile("rb")
        assert b"200" in stream.readline()
        http.client.parse_headers(stream)
        assert stream.readline() + stream.readline() == b"3\r\nabc\r\n"
        sock.sendall(b"2\r\nde\r\n0\r\n\r\n")
        assert stream.readline() + stream.readline() == b"2\r\nde\r\n"
        assert stream.readline() + stream.readline() == b"0\r\n\r\n"
        sock.sendall(GET % b"/on")
        assert b"201" in stream.readline()


def test_large_stream(echo):
    """A streamed body has no limit; nothing of 20 MB is lost on the way there and back."""
    piece = bytes(range(256)) * 256
    with echo.connect(timeout=30) as sock, concurrent.futures.ThreadPoolExecutor(1) as pool:
        chunk = b"%x\r\n%s\r\n" % (len(piece), piece)
        sent = pool.submit(sock.sendall, CHUNKED % b"/stream" + chunk * 320 + b"0\r\n\r\n")
        assert answers(sock, 1)[0][2] == piece * 320
        sent.result()


def test_paused_stream(echo):
    """A handler that pauses after each piece gets all of the body in the end."""
    body = os.urandom(300000)
    response = requests.post(echo.url + "/stream?pause=5", data=body, timeout=30)
    assert response.content == body


def test_early_answer_cuts_the_request(echo):
    """An answer before the end of the body is delivered, and the connection ends."""
    with echo.connect() as sock:
        sock.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 1000)
        (status, headers, body), = answers(sock, 1)
        assert (status, headers["Connection"], body) == (200, "close", b"early")
        sock.sendall(b"y" * 1000)
        assert all_bytes(sock) == b""


def test_slow_reader(start):
    """A client that reads late gets all of a large streamed answer; the handler is held back."""
    echo = start(output_bytes_max=100000)
    with echo.connect(timeout=30) as sock:
        sock.sendall(GET % b"/chunks?count=3000&size=10000")
        time.sleep(0.3)
        assert len(answers(sock, 1)[0][2]) == 30000000


@pytest.mark.parametrize("code", [204, 304])
def test_statuses_without_body(echo, code):
    """204 and 304 have no body and do not disturb what follows."""
    with echo.connect() as sock:
        sock.sendall(GET % b"/status?code=%d" % code + GET % b"/next")
        (first, headers, _), (_, _, body) = answers(sock, 2)
        assert (first, body) == (code, b"0 /next") and "Content-Length" not in headers


def test_head(echo):
    """HEAD has the length of the body and no body."""
    with echo.connect() as sock:
        sock.sendall(b"HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\nHEAD /chunks?count=3 HTTP/1.1\r\nHost: x"
                     b"\r\n\r\n" + GET % b"/next")
        (_, headers, _), (_, chunks, _), (status, _, _) = answers(sock, 3, head=True)
        assert (headers["Content-Length"], chunks["Transfer-Encoding"], status) == \
            ("6", "chunked", 201)


def test_absolute_target(echo):
    """An absolute target is reduced to its path, and its authority replaces Host."""
    with echo.connect() as sock:
        sock.sendall(b"GET http://other:99/request?a=b HTTP/1.1\r\nHost: x\r\n\r\n")
        text = answers(sock, 1)[0][2].decode()
        assert "target /request?a=b\npath /request\nquery a=b\n" in text and "Host=other:99" in text


@pytest.mark.parametrize("data, answer", [
    (b"GET / HTTP/1.0\r\n\r\n", b"Connection: close"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"Connection: close"),
    (b"GET /chunks?count=2&size=3 HTTP/1.0\r\n\r\n", b"\r\n\r\nxxxxxx")])
def test_connection_ends(echo, data, answer):
    """HTTP/1.0 and Connection: close end after the answer; 1.0 streams until then."""
    with echo.connect() as sock:
        sock.sendall(data)
        assert answer in all_bytes(sock)


def test_http10_keep_alive(echo):
    """HTTP/1.0 stays when the client asks for it, and is told so."""
    with echo.connect() as sock:
        for _ in range(3):
            sock.sendall(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            (status, headers, _), = answers(sock, 1)
            assert (status, headers["Connection"]) == (201, "keep-alive")


def test_half_close(echo):
    """A client that has shut down its side still gets its answers."""
    with echo.connect() as sock:
        sock.sendall(POST % (b"/echo?delay=100", 2, b"ab") + GET % b"/last")
        sock.shutdown(socket.SHUT_WR)
        data = all_bytes(sock)
    assert b"\r\n\r\nab" in data and data.endswith(b"0 /last")


# ---- 100-continue --------------------------------------------------------------------------------


def expecting(path, length, extra=b""):
    return (b"POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n%s\r\n"
            % (path, length, extra))


@pytest.mark.parametrize("path", [b"/echo", b"/stream"])
def test_continue(echo, path):
    """The body is asked for before it is sent, and before the answer begins."""
    with echo.connect() as sock:
        sock.sendall(expecting(path, 3))
        assert sock.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert answers(sock, 1)[0][2] == b"abc"


def test_continue_keeps_the_order(echo):
    """A 100 comes after the answers to earlier requests."""
    with echo.connect() as sock:
        sock.sendall(POST % (b"/echo?delay=100", 1, b"a") + expecting(b"/echo", 1))
        (first, _, body), (second, _, _) = answers(sock, 2)
        assert (first, body, second) == (200, b"a", 100)
        sock.sendall(b"b")
        assert answers(sock, 1)[0][2] == b"b"


@pytest.mark.parametrize("request_, status", [
    (expecting(b"/echo", 100001), 413),
    (expecting(b"/echo", 3, b"Host: y\r\n"), 400),
    (expecting(b"/echo", 3).replace(b"100-continue", b"magic"), 417)])
def test_no_continue_after_an_error(echo, request_, status):
    """Who will be refused is not asked to send the body first."""
    with echo.connect() as sock:
        sock.sendall(request_)
        (got, headers, _), = answers(sock, 1)
        assert (got, headers["Connection"]) == (status, "close")
        assert all_bytes(sock) == b""


# ---- Limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data, status", [
    (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 1024), 414),
    (b"GET /" + b"x" * 5000, 414),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n" % (b"x" * 4100), 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20 + b"\r\n", 431),
    (POST % (b"/echo", 100001, b""), 413),
    (CHUNKED % b"/echo" + b"186A1\r\n" + b"x" * 100001, 413),
    (CHUNKED % b"/echo" + b"4000\r\n%s\r\n" % (b"x" * 0x4000) * 7, 413),
    (b"GET / HTTP/3.0\r\n\r\n", 505), (b"\x16\x03\x01", 400), (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
    (CHUNKED.replace(b"chunked", b"gzip, chunked") % b"/echo", 501),
    (CHUNKED % b"/echo" + b"x\r\n", 400)], ids=lambda value: ascii(value)[:40])
def test_refusals(echo, data, status):
    """What is refused is answered once, says why, and ends the connection."""
    with echo.connect() as sock:
        sock.sendall(data)
        stream = all_bytes(sock)
    assert stream.startswith(b"HTTP/1.1 %d " % status) and stream.count(b"\r\nDate: ") == 1
    assert b"Connection: close\r\n" in stream and b'"detail":"' in stream
    assert b"application/problem+json" in stream


def header_lines(size, count=2):
    """`count` header lines of together `size` bytes, line ends included."""
    lines = [b"Host: x\r\n"] + [b"A: b\r\n"] * (count - 2)
    return b"".join(lines) + b"Z: %s\r\n" % (b"z" * (size - len(b"".join(lines)) - 5))


def whole(size, more=b""):
    """A request with so many bytes of header lines, which end in `more`."""
    return b"GET /a HTTP/1.1\r\n" + header_lines(size - len(more)) + more + b"\r\n"


# What the limit on the left allows, given the size to try.
EDGES = {
    "target": (1024, 414, lambda n: b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * (n - 1))),
    "header bytes": (4096, 431, whole),
    "header bytes in two lines": (4096, 431, lambda n: whole(n, b"B: b\r\n")),
    "headers": (20, 431, lambda n: b"GET /a HTTP/1.1\r\n" + header_lines(1000, n) + b"\r\n"),
    "body": (100000, 413, lambda n: POST % (b"/echo", n, b"x" * n)),
    "chunked body": (100000, 413, lambda n: CHUNKED % b"/echo" + b"%x\r\n%s\r\n0\r\n\r\n" % (
        n, b"x" * n)),
    "body of two chunks": (100000, 413, lambda n: CHUNKED % b"/echo" + (
        b"1\r\nx\r\n%x\r\n%s\r\n0\r\n\r\n" % (n - 1, b"x" * (n - 1)))),
    "trailer bytes": (4096, 431, lambda n: CHUNKED % b"/echo" + b"0\r\nT: %s\r\n\r\n" % (
        b"t" * (n - 5))),
    "trailers": (20, 431, lambda n: CHUNKED % b"/echo" + b"0\r\n" + b"T: t\r\n" * n + b"\r\n"),
}


@pytest.mark.parametrize("pieces", [1, 2, 7], ids="{} pieces".format)
@pytest.mark.parametrize("edge", EDGES)
def test_limits_to_the_byte(echo, edge, pieces):
    """Exactly the limit is taken and the connection goes on; one more is refused with its status."""
    limit, status, request = EDGES[edge]
    for excess in (-1, 0, 1):
        with echo.connect() as sock:
            data = request(limit + excess)
            step = len(data) // pieces + 1
            for at in range(0, len(data), step):
                sock.sendall(data[at:at + step])
            if excess <= 0:
                sock.sendall(GET % b"/next")
                assert [got in (200, 201) for got, _, _ in answers(sock, 2)] == [True] * 2
            else:
                assert answers(sock, 1)[0][0] == status


def test_refusal_waits_for_its_turn(echo):
    """A malformed request behind good ones is answered after them, and nothing after it."""
    with echo.connect() as sock:
        sock.sendall(POST % (b"/echo?delay=100", 1, b"a") + GET % b"/b" + b"BAD\r\n\r\n" + GET % b"/c")
        statuses = [status for status, _, _ in answers(sock, 9)]
        assert statuses == [200, 201, 400]


def test_refusal_reaches_who_still_sends(echo):
    """The answer to a body that is too large is not lost in a reset."""
    for _ in range(20):
        with echo.connect() as sock:
            try:
                sock.sendall(POST % (b"/echo", 400000, b"x" * 400000))
            except OSError:
                pytest.fail("reset while sending")
            assert answers(sock, 1)[0][0] == 413


def test_bad_chunk_in_a_stream(echo):
    """A streamed body that turns out malformed cuts the answer short; the handler is told."""
    before = int(requests.get(echo.url + "/aborts", timeout=10).text)
    with echo.connect() as sock:
        sock.sendall(CHUNKED % b"/stream" + b"3\r\nabc\r\nx\r\n")
        data = all_bytes(sock)
        assert data.startswith(b"HTTP/1.1 200") and not data.endswith(b"0\r\n\r\n")
    assert int(requests.get(echo.url + "/aborts", timeout=10).text) == before + 1


def busy_refused(echo):
    with echo.connect() as sock:
        sock.sendall(GET % b"/x")
        return answers(sock, 1)[0][0] == 503


def test_exchanges_max(start):
    """Beyond exchanges_max a request is refused at once with 503, and the connection lives."""
    echo = start(exchanges_max=2)
    with echo.connect() as busy, echo.connect() as sock:
        busy.sendall(POST % (b"/echo?delay=2000", 1, b"a") * 2)
        wait_until(lambda: busy_refused(echo))
        sock.sendall(GET % b"/x" + POST % (b"/echo", 5, b"abcde"))
        refused = answers(sock, 2)
        assert select.select([busy], [], [], 0)[0] == []  # They are still under way.
        assert [(status, headers["Retry-After"]) for status, headers, _ in refused] == \
            [(503, "1")] * 2
        assert [body for _, _, body in answers(busy, 2)] == [b"a", b"a"]
        sock.sendall(GET % b"/x")
        assert answers(sock, 1)[0][0] == 201


def test_connections_max(start):
    """A connection too many is told 503 and closed; when one leaves there is room again."""
    echo = start(connections_max=3)
    socks = [echo.connect() for _ in range(3)]
    for sock in socks:
        sock.sendall(GET % b"/a")
        assert answers(sock, 1)[0][0] == 201
    with echo.connect() as extra:
        (status, headers, _), = answers(extra, 1)
        assert (status, headers["Retry-After"], headers["Connection"]) == (503, "1", "close")
    socks.pop().close()

    def served():
        with echo.connect() as sock:
            sock.sendall(GET % b"/a")
            return answers(sock, 1)[0][0] == 201
    wait_until(served)
    for sock in socks:
        sock.close()


# ---- Time ----------------------------------------------------------------------------------------


SHORT = {"header_timeout_ms": 300, "body_timeout_ms": 300, "idle_timeout_ms": 600,
         "write_timeout_ms": 400}


def trickle(sock, data, pause):
    """Sends a byte at a time until the server has something to say; returns the seconds it took."""
    began = time.monotonic()
    sock.settimeout(pause)
    for i in range(len(data)):
        try:
            sock.sendall(data[i:i + 1])
            sock.recv(1, socket.MSG_PEEK)
            break
        except TimeoutError:
            continue
    sock.settimeout(10)
    return time.monotonic() - began


def test_slow_headers(start):
    """More bytes of the headers do not put their deadline off: 408."""
    echo = start(**SHORT)
    with echo.connect() as sock:
        took = trickle(sock, b"GET /" + b"x" * 100, 0.05)
        assert 0.25 < took < 4
        assert answers(sock, 1)[0][0] == 408
        assert all_bytes(sock) == b""
    assert echo.stats()["timeouts_total"] == 1


def test_slow_headers_after_a_request(start):
    """The deadline of the headers holds for later requests of a connection, too."""
    echo = start(**SHORT)
    with echo.connect() as sock:
        sock.sendall(GET % b"/a" + b"GET /b")
        assert [status for status, _, _ in answers(sock, 2)] == [201, 408]


@pytest.mark.parametrize("head", [b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
                                  CHUNKED % b"/echo" + b"3\r\nab"])
def test_silent_body(start, head):
    """A body that stops coming is a 408."""
    echo = start(**SHORT)
    with echo.connect() as sock:
        sock.sendall(head)
        assert answers(sock, 1)[0][0] == 408


def test_trickling_body(start):
    """A buffered body that never stops and never ends is given up in the end: 408."""
    echo = start(**{**SHORT, "body_timeout_ms": 100})
    with echo.connect() as sock:
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
        took = trickle(sock, b"x" * 9999, 0.02)
        assert 0.9 < took < 10
        assert answers(sock, 1)[0][0] == 408


def test_silent_stream_is_aborted(start):
    """A streamed body that stops coming ends the exchange; the handler is told."""
    echo = start(**SHORT)
    with echo.connect() as sock:
        sock.sendall(CHUNKED % b"/stream" + b"3\r\nabc\r\n")
        assert not all_bytes(sock).endswith(b"0\r\n\r\n")
    assert requests.get(echo.url + "/aborts", timeout=10).text == "1"


def test_idle(start):
    """An idle connection is closed without a word, a new one and a used one; a busy one is not."""
    echo = start(**SHORT)
    with echo.connect() as new, echo.connect() as used, echo.connect() as busy:
        used.sendall(GET % b"/a")
        assert answers(used, 1)[0][0] == 201
        busy.sendall(POST % (b"/echo?delay=1200", 1, b"a"))
        assert all_bytes(new) == b"" and all_bytes(used) == b""
        assert answers(busy, 1)[0][2] == b"a"


def test_client_that_takes_nothing(start):
    """A client that does not read its answer is cut off; the handler is told."""
    echo = start(**SHORT)
    with echo.connect() as sock:
        sock.sendall(GET % b"/chunks?count=100000&size=10000")
        wait_until(lambda: requests.get(echo.url + "/aborts", timeout=10).text == "1")
    assert echo.stats()["exchanges"] == 1  # That of /stats itself.


def test_waiting_for_the_handler_is_not_the_clients_fault(start):
    """While the server does not read on, the deadlines of the client stand still."""
    echo = start(**SHORT, pipeline_max=2)
    with echo.connect() as sock:
        sock.sendall(POST % (b"/echo?delay=500", 1, b"a") * 2 + GET % b"/late")
        assert [status for status, _, _ in answers(sock, 3)] == [200, 200, 201]


# ---- Many, and those that leave ------------------------------------------------------------------


def test_clients_that_leave(start):
    """Clients that go in the middle of anything leave nothing behind."""
    echo = start()
    middles = [b"", b"GET /", POST % (b"/echo", 9, b"abc"), CHUNKED % b"/stream" + b"3\r\nabc\r\n",
               POST % (b"/echo?delay=100", 1, b"a") * 5, GET % b"/chunks?count=10000&size=10000",
               CHUNKED % b"/stream?pause=50" + b"3\r\nabc\r\n", GET % b"/a" * 500]
    for linger in (b"\1\0\0\0\0\0\0\0", b"\0" * 8):  # A reset, and an orderly end.
        for middle in middles * 5:
            with echo.connect() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                sock.sendall(middle)
    wait_until(lambda: echo.stats()["connections"] == 1 and echo.stats()["exchanges"] == 1)


def test_many_connections(echo):
    """A thousand connections at once are all served."""
    socks = [echo.connect(timeout=30) for _ in range(1000)]
    for i, sock in enumerate(socks):
        sock.sendall(POST % (b"/echo?delay=50", 4, b"%04d" % i))
    for i, sock in enumerate(socks):
        assert answers(sock, 1)[0][2] == b"%04d" % i
        sock.close()


def test_parallel_clients(echo):
    """Clients in parallel each get their own answers."""
    def client(number):
        with requests.Session() as session:
            for i in range(30):
                text = f"{number}.{i}" * 50
                assert session.post(f"{echo.url}/echo?delay={i % 3}", data=text,
                                    timeout=30).text == text
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(client, range(16)))


def test_shared_port(start):
    """Two servers share a port when both ask for it, and only then."""
    first = start(reuse=1)
    second = start(reuse=1, port=first.port)
    assert second.port == first.port
    refused = subprocess.run([BINARY, f"port={first.port}"], capture_output=True, timeout=10,
                             check=False)
    assert refused.returncode == 1 and b"in use" in refused.stderr


# ---- Drain ---------------------------------------------------------------------------------------


def test_drain(start):
    """A drain answers what runs, with Connection: close, closes who idles, takes nobody new."""
    echo = start()
    with echo.connect() as idle, echo.connect() as busy, echo.connect() as piped:
        idle.sendall(GET % b"/a")
        assert answers(idle, 1)[0][0] == 201
        busy.sendall(POST % (b"/echo?delay=400", 1, b"a"))
        piped.sendall(POST % (b"/echo?delay=400", 1, b"b") + POST % (b"/echo?delay=200", 1, b"c"))
        time.sleep(0.1)
        echo.drain()
        assert all_bytes(idle) == b""
        with pytest.raises(OSError):
            echo.connect().close()
        (_, headers, body), = answers(busy, 1)
        assert (headers["Connection"], body) == ("close", b"a")
        (_, first, _), (_, last, body) = answers(piped, 2)
        assert (first["Connection"], last["Connection"], body) == (None, "close", b"c")
        assert all_bytes(busy) == all_bytes(piped) == b""
    assert echo.process.wait(10) == 0
    assert echo.process.stdout.read() == "drained\n"


def test_drain_takes_what_was_sent_before(start):
    """Requests that had reached the machine before the drain began are answered."""
    for _ in range(10):
        echo = start()
        with echo.connect() as sock:
            sock.sendall(GET % b"/a")
            echo.drain()
            assert answers(sock, 1)[0][0] == 201


def test_drain_ends_in_time(start):
    """A drain does not wait longer than it was told."""
    echo = start(drain_ms=300)
    with echo.connect() as sock:
        sock.sendall(POST % (b"/echo?delay=3000", 1, b"a"))
        time.sleep(0.1)
        began = time.monotonic()
        echo.drain()
        assert echo.process.stdout.readline() == "drained\n"
        assert 0.2 < time.monotonic() - began < 2.5
        assert all_bytes(sock) == b""
