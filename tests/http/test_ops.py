"""A10 and the process itself: probes, metrics, starting and stopping."""
import re
import signal
import threading

import pytest

import node as nodes
from shop import PENDING, Shop

SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*",?)*\})? '
                    r"([-+]?[0-9.]+([eE][-+]?[0-9]+)?|[-+]?Inf|NaN)( [0-9]+)?$")


def test_probes(api):
    """A running node is alive and ready."""
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").status_code == 200


def test_metrics(shop):
    """/metrics is Prometheus text: typed families of well-formed samples, and counters that move."""
    def scrape():
        response = shop.api.get("/metrics")
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        samples, types = {}, {}
        for text in response.text.splitlines():
            if text.startswith("# TYPE "):
                name, kind = text.split()[2:]
                assert name not in types and kind in ("counter", "gauge", "histogram", "summary",
                                                      "untyped")
                types[name] = kind
            elif text and not text.startswith("#"):
                assert SAMPLE.match(text), text
                name, value = text.rsplit(" ", 1)
                assert name not in samples, f"{name} twice"
                samples[name] = float(value)
        for name in samples:
            family = name.split("{")[0]
            assert any(re.sub(f"{suffix}$", "", family) in types
                       for suffix in ("", "_bucket", "_sum", "_count")), f"{name} has no type"
        return samples

    before = scrape()
    shop.open().ordered(1)
    after = scrape()
    assert before and before.keys() <= after.keys()
    assert any(after[name] > before[name] for name in before if name.split("{")[0].endswith("_total"))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_stop_under_load(tmp_path, how):
    """A signal under load stops the node with 0; every answer given before is kept, once."""
    running = nodes.Node(tmp_path / "data").start()
    shop = Shop(running.client(), "/shop", user=1).open(money=10**9, stock=10**6)
    answered, stopped = [], threading.Event()

    def load():
        client = running.client()
        while not stopped.is_set():
            try:
                response = client.post("/shop/orders", {"productId": 1, "quantity": 1, "userId": 1})
            except OSError:
                return
            if response.status_code == 201:
                answered.append(response.json()["id"])
            else:
                assert response.status_code == 503, response.text

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    nodes.wait_until(lambda: len(answered) > 50, 30, "50 orders")
    running.stop(how)
    stopped.set()
    for thread in threads:
        thread.join()
    running.start()
    shop.api = running.client()
    orders = []
    while True:
        after = orders[-1]["id"] if orders else 0
        page = shop.api.get(f"/shop/orders?after={after}&size=1000").json()["_embedded"]["orders"]
        if not page:
            break
        orders += page
    orders = [shop.settled(o["id"]) if o["status"] == PENDING else o for o in orders]
    assert len(set(answered)) == len(answered)
    assert set(answered) <= {order["id"] for order in orders}
    assert shop.holdings == (10**9 - 1000 * len(orders), 10**6 - len(orders))
    running.stop()
    assert nodes.dure("verify", running.data).returncode == 0


def test_one_directory_has_one_node(fresh):
    """A second node on the same directory refuses to start and does not disturb the first."""
    second = nodes.dure("node", "--data", fresh.data, "--http", nodes.free_port(), "--root", "shop")
    assert second.returncode != 0
    assert second.stderr
    Shop(fresh.client(), "/shop").open().ordered(1)


def test_verify_of_a_running_node_is_refused(fresh):
    """`dure verify` of a directory in use, or of none, says so and fails."""
    assert nodes.dure("verify", fresh.data).returncode != 0
    assert nodes.dure("verify", fresh.data.with_name("nosuch")).returncode != 0


@pytest.mark.parametrize("args", [["--http", "abc"], ["--http", "99999"], ["--bogus"], ["extra"],
                                  ["--root", "nosuch"]], ids=" ".join)
def test_bad_options(tmp_path, args):
    """A wrong option ends the node at once, with a sentence that names it."""
    done = nodes.dure("node", "--data", tmp_path / "data", *args)
    assert done.returncode not in (0, 99) and done.returncode > 0
    assert done.stderr


@pytest.mark.parametrize("args", [["--help"], ["node", "--help"], ["verify", "--help"]], ids=" ".join)
def test_help(args):
    """--help explains itself and ends with 0."""
    done = nodes.dure(*args)
    assert done.returncode == 0 and b"sage" in done.stdout


def test_taken_port(fresh, tmp_path):
    """A port that is taken ends the node with a message, not with a wait."""
    done = nodes.dure("node", "--data", tmp_path / "other", "--http", fresh.port, "--root", "shop")
    assert done.returncode > 0 and str(fresh.port).encode() in done.stderr
