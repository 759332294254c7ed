"""GET /metrics/history: what charts of the last minutes are drawn from."""
import signal
import time

import pytest

import node as nodes
from shop import Shop, is_problem

SLOT_MS = 2000
RATES = ("requests", "events", "commits", "turns", "sagas", "bulk_lines")
TIMES = ("http_p50", "http_p95", "http_p99", "commit_p50", "commit_p99")
GAUGES = ("in_flight", "queued", "mail", "unacknowledged", "actors_bytes", "http_bytes",
          "journal_bytes", "rows_bytes")


def history(api, **params):
    answer = api.get("/metrics/history", params=params)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"interval_ms", "nodes", "samples"} and body["interval_ms"] == SLOT_MS
    times = [sample["time"] for sample in body["samples"]]
    assert times == sorted(set(times)) and all(time % SLOT_MS == 0 for time in times)
    for sample in body["samples"]:
        assert set(sample) == {"time", "nodes", *RATES, *TIMES, *GAUGES}
    return body


def total(samples, name):
    """Of a rate: how many there were in all. A sample covers its slot, by and large."""
    return sum(sample[name] for sample in samples) * SLOT_MS / 1000


def test_what_was_done(fresh):
    """Orders stand in the samples of their time: rates, percentiles in seconds, what is there."""
    api = fresh.client()
    nodes.wait_until(lambda: history(api)["samples"], 10, "the first sample")
    began = history(api)["samples"][-1]["time"]
    shop = Shop(api, "/shop", user=1).open()
    for _ in range(30):
        shop.ordered(1)
    ended = time.time() * 1000

    def settled():
        samples = history(api, since=began)["samples"]
        return samples if samples and samples[-1]["time"] > ended else None
    samples = nodes.wait_until(settled, 10, "the samples of the orders")
    assert total(samples, "sagas") == pytest.approx(30, rel=0.1)
    assert total(samples, "events") > 4 * 30 * 0.9
    assert total(samples, "requests") > 30 * 0.9
    assert 0 < total(samples, "commits") < total(samples, "turns")
    busy = max(samples, key=lambda sample: sample["sagas"])
    assert 0 < busy["http_p50"] <= busy["http_p95"] <= busy["http_p99"] < 10
    assert 0 < busy["commit_p50"] <= busy["commit_p99"] < 10
    assert all(sample["nodes"] == [0] for sample in samples)
    assert samples[-1]["actors_bytes"] > 0 and samples[-1]["journal_bytes"] > 0

    [state] = history(api)["nodes"]
    assert state["node"] == 0 and state["up"] is True and state["shards"] == 64
    assert state["aggregates"]["shop.order"] == 30 and state["aggregates"]["shop.pay"] == 1
    assert state["peers_down"] == [] and state["sagas"] == {}
    assert state["events"] >= 4 * 30 and state["requests"] >= 30 and state["journal_bytes"] > 0
    assert {breaker["state"] for breaker in state["breakers"]} == {"closed"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart(fresh, how):
    """What a node has sampled is there when it comes back, however it went, and goes on behind a hole."""
    api = fresh.client()

    def three():
        samples = history(api)["samples"]
        return samples if len(samples) >= 3 else None
    before = nodes.wait_until(three, 15, "three samples")
    if how == signal.SIGKILL:
        fresh.kill()
    else:
        fresh.stop()
    fresh.start()
    assert history(api)["samples"][:3] == before
    began = time.time() * 1000

    def goes_on():
        samples = history(api)["samples"]
        return samples if samples[-1]["time"] > began else None
    samples = nodes.wait_until(goes_on, 10, "new samples")
    assert samples[:3] == before and samples[-1]["requests"] < 1000, "it counts from zero"


@pytest.mark.parametrize("damage", [
    lambda text: b"", lambda text: text[:7], lambda text: text[:1000], lambda text: b"x" * 200000,
    lambda text: text[:8] + b"\xff" + text[9:], lambda text: text + b"more",
    lambda text: text[:16] + bytes(len(text) - 16), lambda text: text[:16] + b"\xff" * (len(text) - 16),
])
def test_a_damaged_file(fresh, damage):
    """Whatever is in its file, the node starts, shows what makes sense of it, and goes on."""
    api = fresh.client()
    nodes.wait_until(lambda: history(api)["samples"], 10, "a sample")
    fresh.stop()
    file = fresh.data / "samples"
    file.write_bytes(damage(file.read_bytes()))
    fresh.start()
    began = time.time() * 1000
    nodes.wait_until(lambda: history(api)["samples"] and history(api)["samples"][-1]["time"] > began, 10,
                     "new samples")


def test_no_room_for_the_file(fresh):
    """Where there can be no file the history is kept in memory, and the log says so."""
    fresh.stop()
    (fresh.data / "samples").unlink(missing_ok=True)
    (fresh.data / "samples").mkdir()
    fresh.start()
    api = fresh.client()
    nodes.wait_until(lambda: history(api)["samples"], 10, "a sample")
    assert "the history is kept in memory only" in fresh.log.read_text("utf-8")


def test_no_answer_is_no_time(fresh):
    """Where nothing was answered a percentile is null, not zero."""
    api = fresh.client()
    quiet = nodes.wait_until(lambda: [sample for sample in history(api)["samples"]
                                      if sample["commits"] == 0], 10, "a quiet time")
    assert quiet[0]["commit_p50"] is None and quiet[0]["commit_p99"] is None


def test_since(api):
    """since leaves out what a page has: what ended by then, to the millisecond."""
    def three():
        samples = history(api)["samples"]
        return samples if len(samples) >= 3 else None
    samples = nodes.wait_until(three, 15, "three samples")
    second = samples[1]["time"]
    assert history(api, since=second)["samples"][0]["time"] == second + SLOT_MS
    assert history(api, since=second - 1)["samples"][0]["time"] == second
    assert history(api, since=samples[0]["time"] - 1)["samples"][:3] == samples[:3]
    assert history(api, since=2 ** 62)["samples"] == []
    assert len(history(api, since=0)["samples"]) >= 3


def test_settled(api):
    """A sample that was shown stays as it was: it is shown only when all have taken theirs."""
    seen = {}

    def watched():
        for sample in history(api)["samples"]:
            assert seen.setdefault(sample["time"], sample) == sample
        return len(seen) >= 3
    nodes.wait_until(watched, 15, "three samples")


@pytest.mark.parametrize("since", ["", "x", "-1", "1.5", "1e3", "0x10", " 1", "9223372036854775808",
                                   "1" * 300, "%00", "1%00"])
def test_nonsense(api, since):
    """What is no number of milliseconds is a 400."""
    problem = is_problem(api.get(f"/metrics/history?since={since}"), 400)
    assert "since" in problem["detail"]


def test_only_json(api):
    """It is JSON, and read only."""
    assert api.get("/metrics/history", headers={"Accept": "text/html"}).status_code == 406
    is_problem(api.post("/metrics/history", {}), 405)
    is_problem(api.get("/metrics/histories"), 404)
    is_problem(api.get("/metrics/history/1"), 404)
