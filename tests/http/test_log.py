"""The node's log: sentences, or logfmt or JSON lines that a machine reads whatever clients have sent."""
import json
import re
import select
import signal
import subprocess

import pytest

import node as nodes
from shop import Shop
from test_trace import SENT, TRACE, events, told

ODD = 'q"uo\\te\n\x1b[31m=안녕'


def logged(node):
    return node.log.read_text().splitlines()


def parse_logfmt(line):
    """Strictly what the writer may write: nothing between the fields, nothing left over."""
    found = re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=\\\x00-\x1f\x7f]+)(?: |$)', line)
    assert " ".join(f"{name}={value}" for name, value in found) == line
    return {name: json.loads(value) if value.startswith('"') else value for name, value in found}


READ = {"json": json.loads, "logfmt": parse_logfmt}


def check_line(line, node="0"):
    assert list(line)[:2] == ["time", "level"] and list(line)[2:4] == ["node", "msg"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["level"] in ("info", "warn", "error") and str(line["node"]) == node


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_requests(form, tmp_path):
    """Each line is one of the format; that of a request tells the trace and span of its answer."""
    running = nodes.Node(tmp_path / "data", "--log-format", form, "--log-requests", "all").start()
    api = running.client()
    shop = Shop(api, "/shop", user=1).open()
    bulk = '{"stockName":"a","stockCount":1,"price":1}\n' * 3
    answers = [
        api.post("/shop/orders", {"productId": shop.product, "quantity": 1, "userId": 1},
                 headers={"traceparent": SENT}),
        api.get('/shop/orders/1"%0Alevel=fake x'),
        api.post("/shop/inventories", data=bulk, headers={"Content-Type": "application/x-ndjson"}),
        api.post("/notify/notifications", {"type": "a b", "customer": ODD, "message": "a=b c"})]
    nodes.wait_until(lambda: any("customer" in line for line in logged(running)))
    found = events(api)
    running.stop()
    lines = [READ[form](line) for line in logged(running)]
    for line in lines:
        check_line(line)
    assert lines[0]["msg"] == "ready" and lines[0]["url"] == running.url
    requests = {line["span_id"]: line for line in lines if line["msg"] == "request"}
    for answer, method, path in zip(answers, ["POST", "GET", "POST", "POST"], [
            "/shop/orders", "/shop/orders/1%22%0Alevel=fake%20x", "/shop/inventories",
            "/notify/notifications"]):
        line = requests[told(answer)[1]]
        assert (line["trace_id"], line["method"], line["path"], str(line["status"])) == \
            (told(answer)[0], method, path, str(answer.status_code))
        assert re.fullmatch(r"\d+(\.\d+)?", str(line["ms"]))
    assert told(answers[0])[0] == TRACE
    assert answers[0].headers["traceresponse"] in {event["traceparent"] for event in found}
    [notice] = [line for line in lines if line["msg"] == "notification"]
    assert (notice["customer"], notice["message"], notice["type"]) == (ODD, "a=b c", "a b")
    assert (notice["trace_id"], notice["span_id"]) == told(answers[3])[:2]


def fill(running, shop):
    """Takes all places of the node that runs: sagas that cannot end. The socket is to be kept."""
    line = json.dumps({"productId": shop.product, "quantity": 1, "userId": 1}) + "\n"
    sock = running.raw()
    sock.sendall(b"POST /shop/orders HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\n"
                 b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        sock.sendall(f"{len(line):x}\r\n{line}\r\n".encode())
    nodes.wait_until(lambda: "\ndure_asks_in_flight 3\n" in shop.api.get("/metrics").text)
    return sock


@pytest.mark.parametrize("form, which, seen", [
    ("text", "auto", []), ("text", "errors", ["503"]), ("text", "all", ["404", "503"]),
    ("json", "auto", ["503"]), ("json", "none", []), ("logfmt", "auto", ["503"])])
def test_which(form, which, seen, tmp_path):
    """--log-requests: none, those answered with 5xx, or all; auto depends on who reads."""
    running = nodes.Node(tmp_path / "data", "--log-format", form, "--log-requests", which,
                         "--outage", "shop.delivery=down", "--asks-max", "3").start()
    shop = Shop(running.client(), "/shop", user=1).open()
    sock = fill(running, shop)
    assert shop.api.get("/shop/orders/17", headers={"traceparent": SENT}).status_code == 404
    refused = shop.api.post("/shop/inventories", {"stockName": "x", "stockCount": 1, "price": 1},
                            headers={"traceparent": SENT})
    assert refused.status_code == 503
    sock.close()
    running.stop()
    lines = [line for line in logged(running) if TRACE in line]
    status = {"text": r" (\d+) [\d.]+ ms", "json": r'"status":(\d+)', "logfmt": r" status=(\d+)"}[form]
    assert [re.search(status, line).group(1) for line in lines] == seen


def test_text(tmp_path):
    """Sentences by default, one for each request if that is wanted."""
    running = nodes.Node(tmp_path / "data", "--log-requests", "all").start()
    running.client().get("/shop/orders/17", headers={"traceparent": SENT})
    running.stop()
    assert re.search(rf"^dure node: request: GET /shop/orders/17 404 \d+\.\d{{3}} ms trace {TRACE}$",
                     running.log.read_text(), re.M)
    assert all(line.startswith("dure node: ") for line in logged(running))


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_what_keeps_it_from_starting(form, tmp_path):
    """Errors are lines of the format, too, with a sentence that says what is wrong."""
    (tmp_path / "data").write_text("no directory")
    done = nodes.dure("node", "--data", tmp_path / "data", "--log-format", form)
    assert done.returncode == 1
    [line] = [READ[form](line) for line in done.stderr.decode().splitlines()]
    check_line(line)
    assert line["level"] == "error" and str(tmp_path / "data") in line["msg"]


@pytest.mark.parametrize("args", [["--log-format", "xml"], ["--log-requests", "some"],
                                  ["--trace-percent", "101"]])
def test_wrong_settings(args, tmp_path):
    """2, and what there is."""
    done = nodes.dure("node", "--data", tmp_path / "data", *args)
    assert done.returncode == 2
    assert b"must be" in done.stderr or b"there are:" in done.stderr


def test_nobody_reads(tmp_path):
    """A reader that stops reading keeps nobody waiting: lines are dropped, and their number is told. A
    path that is too long is cut off."""
    running = nodes.Node(tmp_path / "data", "--log-format", "json", "--log-requests", "all")
    process = subprocess.Popen(
        [*nodes.WRAP, nodes.BINARY, "node", "--data", str(running.data), "--http", str(running.port),
         "--events", "-1", "--replay", "-1", *running.args],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=nodes.ENV)
    running.process = process
    nodes.wait_until(running.ready, 30, "the node")
    api = running.client()
    path = "/shop/orders/" + "9" * 3000
    asked = 2000  # 2.4 MB of lines: more than a pipe and the buffer hold.
    for _ in range(asked):
        assert api.get(path).status_code == 404
    seen = b""
    running.process = None
    process.send_signal(signal.SIGTERM)
    while select.select([process.stdout], [], [], 30)[0]:
        more = process.stdout.read1(1 << 20)
        if not more:
            break
        seen += more
    assert process.wait(30) == 0
    process.stdout.close()
    lines = [json.loads(line) for line in seen.splitlines()]
    dropped = sum(line.get("lines", 0) for line in lines if line["msg"] == "dropped")
    assert dropped > 0
    taken = sum(line["msg"] == "request" and line["path"] == path[:1024] + "..." for line in lines)
    assert taken + dropped >= asked
