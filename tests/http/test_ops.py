"""A10 and the process itself: probes, metrics, starting and stopping."""
import re
import signal
import subprocess
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


def families(page):
    """The page, family by family: name → (type, [(sample name, labels, value)]). Strict: HELP, then
    TYPE, then the samples, each family once and in one piece, each line ended."""
    assert page.endswith("\n") and "\r" not in page
    found, name = {}, None
    lines = iter(page.splitlines())
    for text in lines:
        if text.startswith("# HELP "):
            _, _, name, meaning = text.split(" ", 3)
            assert name not in found and meaning.endswith("."), text
            kind = re.fullmatch(rf"# TYPE {name} (counter|gauge|histogram)", next(lines))
            found[name] = (kind.group(1), [])
            continue
        assert SAMPLE.match(text), text
        sample, labels, value = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", text).groups()
        assert re.fullmatch(name + ("_(bucket|sum|count)" if found[name][0] == "histogram" else ""),
                            sample), text
        found[name][1].append((sample, labels, float(value)))
    return found


def test_metrics_to_the_letter(shop):
    """Every family has its help, type and samples; names follow the conventions; buckets add up."""
    shop.open().ordered(1)
    page = shop.api.get("/metrics").text
    found = families(page)
    assert found
    for name, (kind, samples) in found.items():
        assert re.fullmatch(r"dure_[a-z]+(_[a-z]+)*", name) and samples, name
        assert (kind == "counter") == name.endswith("_total"), name
        assert name + "_total" not in found, f"{name} and {name}_total"
        assert not re.search(r"_(ms|milliseconds|us|ns|kb|mb|kib|mib)(_|$)", name), name
        assert len({sample[:2] for sample in samples}) == len(samples), f"{name}: a sample twice"
        assert all(value >= 0 for _, _, value in samples)
        if kind == "histogram":
            check_histogram(name, samples)


def check_histogram(name, samples):
    bounds = [float(re.fullmatch('le="([^"]+)"', labels).group(1))
              for sample, labels, _ in samples if sample == name + "_bucket"]
    counts = [value for sample, _, value in samples if sample == name + "_bucket"]
    values = {sample: value for sample, _, value in samples}
    assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf")
    assert counts == sorted(counts) and counts[-1] == values[name + "_count"]
    assert (values[name + "_sum"] > 0) == (counts[-1] > 0)


def test_metrics_pass_promtool(shop):
    """Prometheus' own checker has nothing to say about the page."""
    tool = subprocess.run([nodes.ROOT / "tests" / "lib" / "prometheus", "promtool"], check=True, timeout=300,
                          stdout=subprocess.PIPE, text=True).stdout.strip()
    shop.open().ordered(1)
    page = shop.api.get("/metrics").content
    done = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, timeout=60,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = subprocess.run([tool, "check", "metrics"], input=page.replace(b"# TYPE", b"# TIPE") + b"x\n",
                          capture_output=True, timeout=60, check=False)
    assert done.returncode != 0  # It does look.


def test_journal_metrics(fresh):
    """The journal's counters count what one order appends, and nothing while nothing happens."""
    api = fresh.client()

    def journal():
        found = families(api.get("/metrics").text)
        return [found[f"dure_journal_{what}_total"][1][0][2] for what in ("records", "bytes")]

    shop = Shop(api, "/shop").open()
    before = journal()
    assert journal() == before
    shop.ordered(1)
    records, size = (after - was for after, was in zip(journal(), before))
    assert records == 1 and 200 < size < 4096


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
    done = nodes.dure("node", "--data", tmp_path / "other", "--http", fresh.port, "--root", "shop",
                      "--events", "-1", "--replay", "-1")
    assert done.returncode > 0 and str(fresh.port).encode() in done.stderr
