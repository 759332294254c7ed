"""The operations page: the last minutes are there at once, and go on; who is gone is seen to be."""
import json
import time
import urllib.parse

import pytest

from cluster import Cluster
from node import Node, wait_until

CHARTS = ("throughput", "latency", "commit", "batch", "queues", "memory")


@pytest.fixture
def three(tmp_path):
    """Nodes that nobody starts again."""
    running = Cluster(tmp_path / "cluster").start()
    yield running
    running.check()
    running.stop()


def chart(browser, name="throughput"):
    """(how many samples it shows, when the first and the last of them ended); None: it is not there."""
    return browser.script("""
        const figure = document.querySelector(`[data-id="chart-${arguments[0]}"] figure`);
        if (figure === null || figure.querySelector("canvas") === null) return null;
        return ["points", "from", "to"].map(name => Number(figure.dataset[name]));""", name)


def drawn(browser, name, part):
    """How many pixels of a part of its canvas are not empty. The part: left, top, right, bottom as shares
    of its width and height, or in CSS pixels where they are more than 1."""
    return browser.script("""
        const canvas = document.querySelector(`[data-id="chart-${arguments[0]}"] canvas`);
        const [left, top, right, bottom] = arguments[1].map((value, i) =>
            value > 1 ? value / [canvas.clientWidth, canvas.clientHeight][i % 2] : value);
        const x = Math.floor(left * canvas.width), y = Math.floor(top * canvas.height);
        const pixels = canvas.getContext("2d").getImageData(
            x, y, Math.ceil(right * canvas.width) - x, Math.ceil(bottom * canvas.height) - y).data;
        let count = 0;
        for (let i = 3; i < pixels.length; i += 4) count += pixels[i] > 0;
        return count;""", name, part)


def line_at(browser, name, line, when):
    """Whether a line (by its colour: 1, 2 …) is drawn at this time."""
    return browser.script("""
        const figure = document.querySelector(`[data-id="chart-${arguments[0]}"] figure`);
        const canvas = figure.querySelector("canvas"), over = figure.querySelector(".u-over");
        const colour = getComputedStyle(figure.querySelectorAll(".swatch")[arguments[1] - 1]).backgroundColor;
        const wanted = colour.match(/\\d+/g).slice(0, 3).map(Number);
        const scale = canvas.width / canvas.clientWidth;
        const share = 1 - (Number(figure.dataset.end) - arguments[2]) / 300;
        const x = Math.round((over.offsetLeft + share * over.offsetWidth) * scale);
        const pixels = canvas.getContext("2d").getImageData(x, 0, 1, canvas.height).data;
        for (let i = 0; i < pixels.length; i += 4)
            if (wanted.every((value, j) => Math.abs(pixels[i + j] - value) < 12) && pixels[i + 3] > 200) return true;
        return false;""", name, line, when)


def orders(api, count):
    product = api.post("/shop/inventories", {"stockName": "Cup", "stockCount": count, "price": 1}).json()["id"]
    api.post("/shop/pays", {"userId": 77, "payAmount": 10 ** 9})
    for _ in range(count):
        assert api.post("/shop/orders", {"productId": product, "quantity": 1, "userId": 77}).status_code == 201


def history(api):
    return api.get("/metrics/history").json()["samples"]


def test_a_reloaded_page_is_full_at_once(node, open_browser, api):
    """What was done before the page was loaded stands in its charts with the first answer, and they go on
    from there without a hole."""
    orders(api, 20)
    done = time.time()
    wait_until(lambda: [s for s in history(api) if s["time"] > done * 1000], 10, "the samples of the orders")
    known = len(history(api))
    browser = open_browser(node.url).go("operations")
    browser.until(lambda: chart(browser), "the charts")
    count, first, last = chart(browser)
    assert count >= min(known, 150) and first < done + 2, "the samples from before are there"
    browser.until(lambda: chart(browser)[2] > last, "newer ones", 6)
    loaded = time.time()
    browser.driver.refresh()
    browser.until(lambda: chart(browser), "the charts again")
    count, first, last = chart(browser)
    assert count >= min(known, 150) and first < done + 2
    assert last > loaded - 6 and count >= (last - first) / 2 - 1, "none is left out"
    for name in CHARTS:
        assert chart(browser, name)[0] == count
        assert drawn(browser, name, [0.3, 0.02, 0.95, 0.8]) > 0, f"{name} has lines"
    browser.shot("operations-full")


def test_a_time_without_nodes_is_a_gap(tmp_path, open_browser):
    """While nobody answers the table says so and the charts go on, empty; when the node is back the lines
    begin again, and none of them leads through the time between."""
    running = Node(tmp_path / "data").start()
    api = running.client()
    wait_until(lambda: len(history(api)) >= 3, 15, "three samples")
    browser = open_browser(running.url).go("operations")
    browser.forgive = ("Failed to load", "ERR_")
    browser.until(lambda: chart(browser, "memory"), "the charts")
    stopped = time.time()
    running.stop()
    browser.see('[data-node="0"][data-up="false"]', timeout=10)
    browser.until(lambda: browser.script("return Number(document.querySelector('[data-id=chart-memory] figure')"
                                         ".dataset.end)") > stopped + 8, "time to go on")
    running.start()
    browser.see('[data-node="0"][data-up="true"]')
    again = time.time()
    browser.until(lambda: chart(browser, "memory")[2] > again + 4, "samples of the node that is back")
    browser.shot("operations-gap")
    _, first, last = chart(browser, "memory")
    assert first < stopped, "what was known before is kept"
    assert line_at(browser, "memory", 3, first + 2) and line_at(browser, "memory", 3, last - 1)
    assert not line_at(browser, "memory", 3, (stopped + again) / 2)
    running.check()
    running.stop()


def test_a_quiet_time_has_no_percentiles(node, open_browser, api):
    """Where nothing was committed no line of commit times leads through, and a value alone is a dot."""
    def burst():
        orders(api, 1)
        done = time.time() * 1000
        return wait_until(lambda: [s["time"] / 1000 for s in history(api)
                                   if s["time"] > done - 2000 and s["commit_p99"] is not None], 10, "its sample")[0]
    one = burst()
    wait_until(lambda: len([s for s in history(api) if s["time"] / 1000 > one + 2]) >= 3, 15, "a quiet time")
    two = burst()
    quiet = next(s["time"] / 1000 for s in history(api) if one + 2 < s["time"] / 1000 < two and s["commit_p99"] is None)
    browser = open_browser(node.url).go("operations")
    browser.until(lambda: chart(browser, "commit"), "the charts")
    assert line_at(browser, "commit", 2, one) and line_at(browser, "commit", 2, two)
    assert not line_at(browser, "commit", 2, quiet)
    browser.shot("operations-quiet")


def asked(browser):
    """The paths that were asked for since the last call."""
    requests = (json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance"))
    return [urllib.parse.urlsplit(one["params"]["request"]["url"]).path for one in requests
            if one["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("page", ["operations", ""])
def test_nothing_is_asked_for_in_vain(node, open_browser, api, page):
    """While the stream lives nothing is polled: after the page is there, what is new comes by itself."""
    wait_until(lambda: len(history(api)) >= 2, 10, "two samples")
    browser = open_browser(node.url).go(page)
    browser.see('[data-id="connection"][data-state="live"]')
    browser.until(lambda: chart(browser) if page else browser.find('[data-id="nodes-up"]'), "the numbers")
    wait_until(lambda: not asked(browser), 15, "the page to be all there")
    began = history(api)[-1]["time"]
    product = api.post("/shop/inventories", {"stockName": "Cup", "stockCount": 99, "price": 1}).json()["id"]
    count = api.get("/metrics/history", params={"since": 2 ** 53 - 1}).json()["nodes"][0]["aggregates"]
    if page:
        browser.until(lambda: chart(browser)[2] * 1000 >= began + 8000, "four samples", 20)
        shown = f'{sum(count.values()):,}'
        browser.reads('[data-node="0"] td:nth-child(4)', shown)
    else:
        wait_until(lambda: history(api)[-1]["time"] >= began + 8000, 20, "four samples")
        shown = str(sum(count.values()))
        browser.until(lambda: shown in browser.text('[data-id="running"]'), f"{shown} things")
    assert product and asked(browser) == []


def test_without_the_stream(node, open_browser, api):
    """While the stream cannot be had the numbers are asked for, and when it is there again they are not."""
    wait_until(lambda: len(history(api)) >= 2, 10, "two samples")
    browser = open_browser(node.url)
    browser.forgive = ("Failed to load", "ERR_", "MIME type")
    browser.command("Network.enable")
    browser.command("Network.setBlockedURLs", urls=["*/events*"])
    try:
        browser.go("operations")
        browser.until(lambda: chart(browser), "the charts")
        last = chart(browser)[2]
        browser.until(lambda: chart(browser)[2] >= last + 4, "newer ones", 10)
        assert asked(browser).count("/metrics/history") >= 2
        assert browser.find('[data-node="0"][data-up="true"]')
    finally:
        browser.command("Network.setBlockedURLs", urls=[])
    browser.see('[data-id="connection"][data-state="live"]')
    last = chart(browser)[2]
    browser.until(lambda: chart(browser)[2] >= last + 4, "one that the stream told", 12)
    asked(browser)
    browser.until(lambda: chart(browser)[2] >= last + 10, "more of them", 12)
    assert asked(browser) == []


def test_nothing_is_cut_off(node, open_browser, api):
    """Times and values stand on the canvas in full, from the first moment on, on a phone as well."""
    wait_until(lambda: len(history(api)) >= 2, 10, "two samples")
    for language, phone in (("ko", True), ("en", True), ("en", False)):
        browser = open_browser(node.url, language, phone).go("operations")
        browser.until(lambda b=browser: all(chart(b, name) for name in CHARTS), "the charts")
        browser.script("document.querySelector('[data-id=chart-throughput]').scrollIntoView()")
        browser.shot("operations-first")
        for name in CHARTS:
            assert drawn(browser, name, [0.2, 0.86, 0.99, 1]) > 0, f"{name} has times"
            assert drawn(browser, name, [0, 0, 44, 0.8]) > 0, f"{name} has values"
            for edge, part in (("right", [0.995, 0, 1, 1]), ("left", [0, 0, 0.004, 1]), ("bottom", [0, 0.995, 1, 1])):
                assert drawn(browser, name, part) == 0, f"{name}: something is cut off at the {edge}"


def test_a_node_is_killed(three, open_browser):
    """A node that is gone is down in the table within four seconds, its time is shaded, and the lines of
    the others go on; all of it without a click."""
    api = three.nodes[0].client()
    wait_until(lambda: history(api) and history(api)[-1]["nodes"] == [0, 1, 2], 15, "a sample of all")
    browser = open_browser(three.nodes[0].url).go("operations")
    browser.forgive = ("Failed to load", "ERR_")
    for number in range(3):
        browser.see(f'[data-node="{number}"][data-up="true"]')
    browser.until(lambda: chart(browser), "the charts")
    three.nodes[1].kill()
    gone = time.time()
    browser.see('[data-node="1"][data-up="false"]', timeout=4)
    browser.reads('[data-node="1"]', "Down", timeout=1)
    assert browser.find('[data-node="0"][data-up="true"]') and browser.find('[data-node="2"][data-up="true"]')
    browser.until(lambda: chart(browser)[2] > gone + 2, "samples without it", 10)
    browser.reads('[data-id="chart-throughput"] figcaption', "Some nodes are not in it")
    browser.shot("operations-node-down")
    three.nodes[1].start()
    browser.see('[data-node="1"][data-up="true"]', timeout=20)
