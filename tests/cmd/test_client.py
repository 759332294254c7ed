"""Commands that talk to a running node: call, sagas, top."""
import json
import os
import re
import select
import signal
import subprocess

import pytest

import node as nodes
from shop import Shop
from terminal import Terminal


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    running = nodes.Node(tmp_path_factory.mktemp("node") / "data").start()
    Shop(running.client(), "/shop", user=1).open(money=100000, stock=100, price=10)
    yield running
    running.stop()


@pytest.fixture
def call(node):
    def run(*args, **kwargs):
        return nodes.dure("call", "--url", node.url, *args, **kwargs)
    return run


# ---- call ----------------------------------------------------------------------------------------


def test_call_order(call):
    """Texts, JSON, the method that a body brings, a query string, and a header."""
    done = call("POST", "/shop/orders", "productId=1", "quantity:=2", "userId=1")
    assert (done.returncode, done.stderr) == (0, b"")
    order = json.loads(done.stdout)
    assert (order["quantity"], order["status"]) == (2, "주문완료")
    again = json.loads(call("/shop/orders", "productId=1", "quantity=1", "userId=1").stdout)
    assert again["id"] == order["id"] + 1
    listed = json.loads(call("GET", "/shop/orders", "status==주문완료", "size==1").stdout)
    assert listed["page"]["size"] == 1 and listed["page"]["totalElements"] >= 2
    tag = json.loads(call(f"/shop/orders/{order['id']}", "--json").stdout)["headers"]["ETag"]
    assert call(f"/shop/orders/{order['id']}", f"If-None-Match:{tag}").returncode == 3
    assert call("DELETE", f"/shop/orders/{order['id']}", 'If-Match:"99"').returncode == 4
    assert call("DELETE", f"/shop/orders/{order['id']}", f"If-Match:{tag}").returncode == 0


@pytest.mark.parametrize("words, body", [
    (["a=1", "b:=1", "c:=true"], {"a": "1", "b": 1, "c": True}),
    (["a=b=c"], {"a": "b=c"}), (["a=x:y"], {"a": "x:y"}), ([r"a\:b=1"], {"a:b": "1"}),
    ([r"a\=b=1"], {"a=b": "1"}), (["a="], {"a": ""}), (["a:=[1,{}]"], {"a": [1, {}]}),
    (["a:=null"], {"a": None}), (["이름=값"], {"이름": "값"})])
def test_call_words(words, body, call):
    """Each kind of word becomes what httpie makes of it."""
    shown = call("-v", "POST", "/shop/orders", *words).stdout.decode()
    assert json.loads(shown.split("\n\n")[1]) == body


def test_call_files(call, tmp_path):
    """Values and whole bodies come from files, and from standard input."""
    (tmp_path / "text").write_text("TV=1:2")
    (tmp_path / "number").write_text("7\n")
    made = json.loads(call("/shop/inventories", f"stockName=@{tmp_path}/text",
                           f"stockCount:=@{tmp_path}/number", "price=1").stdout)
    assert (made["stockName"], made["stockCount"]) == ("TV=1:2", 7)
    (tmp_path / "lines").write_text('{"stockName":"a","stockCount":1,"price":1}\n' * 3)
    for path, given in ((tmp_path / "lines", None), ("-", (tmp_path / "lines").read_bytes())):
        done = call("POST", "/shop/inventories", "--body", path,
                    "Content-Type:application/x-ndjson", input=given)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["status"] for line in lines] == [201] * 3
    done = call("/shop/orders", "--body", "/nonexistent")
    assert done.returncode == 1 and b"cannot be read" in done.stderr


@pytest.mark.parametrize("args, status", [
    (["/livez"], 0), (["/shop/orders/987654"], 4), (["POST", "/shop/orders", "quantity=x"], 4),
    (["PATCH", "/livez"], 4), (["HEAD", "/shop/orders"], 0), (["OPTIONS", "/shop/orders"], 0)])
def test_call_exit_status(args, status, call):
    """The exit status tells the class of the answer."""
    done = call(*args)
    assert (done.returncode, done.stderr) == (status, b"")


def test_call_no_answer():
    """Nobody there: 1, and a sentence."""
    done = nodes.dure("call", "--url", f"127.0.0.1:{nodes.free_port()}", "/")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"dure call: ")


@pytest.mark.parametrize("args", [
    [], ["GET"], ["/x", "word"], ["/x", "=1"], ["/x", "a:=nonsense"], ["/x", "a:=@/nonexistent"],
    ["/x", "--style", "pink"], ["/x", "--timeout", "0"], ["/x", "a=1", "--body", "f"],
    ["nonsense/"], ["/x", "a=\udcff"], ["/x", "a:b\r\nc:d"]])
def test_call_wrong(args):
    """2 for what makes no request."""
    done = nodes.dure("call", *[os.fsencode(arg).decode("utf-8", "surrogateescape") for arg in args])
    assert (done.returncode, done.stdout) == (2, b""), done.stderr
    assert done.stderr.startswith(b"dure call: ")


def test_call_json(call):
    """--json: status, headers and body as one object, whatever the body is."""
    done = json.loads(call("/shop/orders/987654", "--json").stdout)
    assert (done["status"], done["body"]["status"]) == (404, 404)
    assert done["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(call("/livez", "--json").stdout)["body"] == "alive\n"
    assert json.loads(call("HEAD", "/livez", "--json").stdout)["body"] is None


def test_call_colours(node, call):
    """Colours on a terminal, none in a pipe, none when NO_COLOR says so; escapes stay escaped."""
    terminal = Terminal("call", "--url", node.url, "/shop/pays/1")
    assert terminal.end() == 0
    assert b'\x1b[34m"payAmount"\x1b[0m: \x1b[36m' in terminal.seen
    plain = re.sub(rb"\x1b\[\d+m", b"", terminal.seen)
    piped = call("/shop/pays/1").stdout
    assert json.loads(plain) == json.loads(piped) and b"\x1b" not in piped and b"\n" not in piped
    coloured = call("/shop/pays/1", "--style=color").stdout
    assert json.loads(re.sub(rb"\x1b\[\d+m", b"", coloured)) == json.loads(piped)
    made = call("/shop/inventories", "stockName:=\"\\u001b[2J\"", "stockCount=1", "price=1",
                "--style=color").stdout
    assert b"\\u001B[2J" in made and b"\x1b[2J" not in made


def test_call_streams(node):
    """An event stream is shown as it comes, without waiting for its end."""
    terminal = Terminal("call", "--url", node.url, "/events", "topic==shop.order.", err=False)
    nodes.wait_until(lambda: "dure_sse_streams 1" in node.client().get("/metrics").text
                     or b":" in terminal.seen or select.select([terminal.master], [], [], 0)[0],
                     what="the stream")
    def ordered():
        assert nodes.dure("call", "--url", node.url, "/shop/orders", "productId=1", "quantity=1",
                          "userId=1").returncode == 0
        return select.select([terminal.master], [], [], 1)[0]
    nodes.wait_until(ordered, what="an event")
    terminal.read(b"shop.order.OrderPlaced")
    terminal.process.send_signal(signal.SIGINT)
    terminal.end()


# ---- sagas ---------------------------------------------------------------------------------------


def parked(tmp_path):
    """A node with a saga that is parked: the account has no room for the money that comes back."""
    running = nodes.Node(tmp_path / "data").start()
    shop = Shop(running.client(), "/shop", user=1).open(money=1000, stock=10, price=100)
    order = shop.ordered(1)
    room = 10**15 - shop.money
    assert running.client().post("/shop/pays", {"userId": 1, "payAmount": room}).status_code == 201
    running.client().delete(f"/shop/orders/{order['id']}", headers={"Prefer": "respond-async"})
    nodes.wait_until(lambda: '"parked":true' in running.client().get("/sagas").text,
                     what="a parked saga")
    return running, order


def test_sagas(tmp_path):
    """Listed with its reason, refused a retry that changes nothing, then skipped; and then it is gone."""
    running, _ = parked(tmp_path)

    def sagas(*args):
        return nodes.dure("sagas", "--url", running.url, *args)
    shown = sagas()
    assert shown.returncode == 0, shown.stderr
    head, line = shown.stdout.decode().splitlines()
    assert head.split() == ["type", "id", "state", "step", "since", "reason"]
    assert re.match(r"shop\.cancel-saga +\d+  parked ", line) and "would exceed" in line
    [saga] = json.loads(sagas("--json").stdout)
    assert json.loads(sagas("--json", "--parked").stdout) == [saga]
    where = [saga["type"], str(saga["id"])]
    done = sagas("retry", *where)
    assert (done.returncode, done.stderr) == (0, b"") and b"tries again" in done.stdout
    nodes.wait_until(lambda: json.loads(sagas("--parked", "--json").stdout), what="parked again")
    done = json.loads(sagas("skip", *where, "--json").stdout)
    assert done["id"] == saga["id"]
    nodes.wait_until(lambda: sagas().stdout == b"no saga is under way\n", what="its end")
    gone = sagas("retry", *where)
    assert gone.returncode == 4 and b"404" in gone.stderr
    running.stop()
    assert sagas().returncode == 1


@pytest.mark.parametrize("args", [["retry"], ["retry", "shop.order-saga"], ["stop", "a", "1"],
                                  ["skip", "a", "x"], ["skip", "a", "1", "2"], ["skip", "a/b", "1"]])
def test_sagas_wrong(args):
    """2 for what names no saga."""
    done = nodes.dure("sagas", *args)
    assert (done.returncode, done.stdout) == (2, b"") and done.stderr.startswith(b"dure sagas: ")


# ---- top -----------------------------------------------------------------------------------------


def test_top_once(node, call):
    """--once: a table, or an object; what came meanwhile is in it."""
    done = nodes.dure("top", "--url", node.url, "--once", "--interval", "0.2")
    assert done.returncode == 0 and b"\x1b" not in done.stdout
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith(f"dure top: {node.url}, ") and ", 1 node, " in lines[0]
    assert lines[2].split()[:3] == ["node", "state", "req/s"] and lines[3].split()[:2] == ["0", "up"]
    process = subprocess.Popen([*nodes.WRAP, nodes.BINARY, "top", "--url", node.url, "--once",
                                "--json", "--interval", "2"], stdout=subprocess.PIPE, env=nodes.ENV)
    while process.poll() is None:
        assert call("/shop/orders", "productId=1", "quantity=1", "userId=1").returncode in (0, 4)
    page = json.loads(process.stdout.read())
    process.stdout.close()
    assert process.returncode == 0
    assert page["all"]["requests_per_second"] > 0 and page["all"]["records_per_second"] > 0
    assert page["all"]["p99_ms"] >= page["all"]["p50_ms"] > 0 and len(page["nodes"]) == 1
    assert page["all"]["aggregates"] >= 2 and page["seconds"] >= 2


def test_top_live(node):
    """On a terminal it draws over itself, on the other screen, and Ctrl-C gives everything back."""
    terminal = Terminal("top", "--url", node.url, "--interval", "0.1")
    terminal.read(b"\x1b[?1049h")
    for _ in range(3):
        terminal.seen = b""
        terminal.read(b"req/s")
        assert b"\x1b[K" in terminal.read(b"\x1b[J")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    assert terminal.seen.endswith(b"\x1b[?25h\x1b[?1049l")


def test_top_waits(tmp_path):
    """A node that is not there yet: it says so, and goes on when it comes. --once does not wait."""
    later = nodes.Node(tmp_path / "data")
    once = nodes.dure("top", "--url", later.url, "--once")
    assert (once.returncode, once.stdout) == (1, b"") and once.stderr.startswith(b"dure top: ")
    terminal = Terminal("top", "--url", later.url, "--interval", "0.1")
    terminal.read(b"connect")
    later.start()
    terminal.read(b"req/s")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 0
    later.stop()


# ---- --json ------------------------------------------------------------------------------------


def test_print_config_json():
    """--print-config --json has every setting of the file form, with the same values."""
    text = nodes.dure("node", "--print-config", "--memory-mb", "77").stdout.decode()
    settings = json.loads(nodes.dure("node", "--print-config", "--json", "--memory-mb", "77").stdout)
    assert settings["memory-mb"] == 77
    assert {name: str(value) for name, value in settings.items()} == {
        name: value.strip('"') for name, value in
        (line.split(" = ", 1) if " = " in line else (line.rstrip(" ="), "")
         for line in text.splitlines())}
