"""A real Prometheus on a cluster: docs/prometheus.yml, its alerts, and the dashboard's panels."""
import json
import math
import os
import re
import signal
import subprocess
import threading

import pytest

import node as nodes
from node import wait_until
from scraper import DOCS, Prometheus, program
from shop import Shop
from up import Up

RULES = (DOCS / "prometheus-rules.yml").read_text("utf-8")
DASHBOARD = json.loads((DOCS / "grafana" / "dure.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(f"{panel['title']} {target['refId']}", target["expr"])
           for panel in PANELS for target in panel["targets"]]


def told(expression):
    """As Grafana sends it: all nodes, and a range that has several scrapes in it."""
    return expression.replace("$__rate_interval", "4s").replace("$node", ".*")


def names(text):
    return set(re.findall(r"\bdure_[a-z_]+", text))


@pytest.fixture(name="up", scope="module")
def loaded_cluster(tmp_path_factory):
    """Three nodes, as `dure up` runs them, with orders coming in as long as the tests run."""
    up = Up(tmp_path_factory.mktemp("prometheus") / "data").start()
    over = threading.Event()

    def load():
        shop = Shop(up.client(), "/shop", user=1).open(money=10**9, stock=10**6)
        bulk = "\n".join(json.dumps({"productId": shop.product, "quantity": 1, "userId": 1})
                         for _ in range(20))
        while not over.wait(0.02):
            up.client().post("/shop/orders", {"productId": shop.product, "quantity": 1, "userId": 1})
            up.client().post("/shop/orders", data=bulk,
                             headers={"Content-Type": "application/x-ndjson"})
    thread = threading.Thread(target=load)
    thread.start()
    yield up
    over.set()
    thread.join()
    up.stop()


@pytest.fixture(name="prometheus", scope="module")
def running_prometheus(up, tmp_path_factory):
    prometheus = Prometheus(tmp_path_factory.mktemp("scraper") / "prometheus", up.port)
    wait_until(lambda: prometheus.query(told(
        "sum(rate(dure_sagas_ended_total[$__rate_interval])) > 0")), 30, "rates")
    yield prometheus
    prometheus.stop()


def test_configuration():
    """Prometheus' own checker accepts the configuration and the rules, and no broken ones."""
    for kind, path in (("config", DOCS / "prometheus.yml"), ("rules", DOCS / "prometheus-rules.yml")):
        done = subprocess.run([program("promtool"), "check", kind, path], check=False,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr
    done = subprocess.run([program("promtool"), "check", "rules", "/dev/stdin"], check=False,
                          input=RULES.replace("expr: up", "expr: up{"), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode != 0


def test_scrape(prometheus):
    """The cluster is one target, each node a label value, and no scrape failed."""
    assert prometheus.target()["health"] == "up" and not prometheus.target()["lastError"]
    assert sorted(labels["node"] for labels, _ in prometheus.query("dure_node_up == 1")) == list("012")
    assert prometheus.query("scrape_samples_scraped")[0][1] > 300


def test_every_metric_is_there(prometheus):
    """Whatever name the dashboard or a rule has, of each node there is a value of that name."""
    wanted = names(RULES) | names(json.dumps(DASHBOARD))
    assert len(wanted) > 45
    missing = [name for name in sorted(wanted)
               if {labels.get("node") for labels, _ in prometheus.query(name)} != set("012")]
    assert missing == []


@pytest.mark.parametrize("expression", [expr for _, expr in TARGETS], ids=[name for name, _ in TARGETS])
def test_panels(prometheus, expression):
    """What a panel asks has an answer under load, in numbers."""
    values = [value for _, value in prometheus.query(told(expression))]
    assert values and all(value >= 0 for value in values if not math.isnan(value))
    assert not all(map(math.isnan, values))


def test_dashboard_is_one():
    """Panels have their own ids and places, a title, a unit and a data source that can be chosen."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids) > 30
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    for panel in PANELS:
        assert panel["title"] and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert target["legendFormat"] or panel["type"] == "stat"
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(PANELS)))
    assert used == variables == {"datasource", "node"}


# ---- Alerts

# Of each alert: series that make it fire, and after how long; the same a little better does not.
STEADY, STILL = "0+0x400", "1x400"
ALERTS = {
    "DureGone": ("2m", {'up{job="dure",instance="x"}': ("0x400", STILL)}),
    "DureNodeDown": ("1m", {'dure_node_up{node="1"}': ("0x400", STILL)}),
    "DureNodesApart": ("2m", {'dure_peer_up{node="1",peer="2"}': ("0x400", STILL)}),
    "DureDiskFull": ("6m", {'dure_nospace_total{node="1"}': ("0+1x400", STEADY)}),
    "DureJournalFails": ("6m", {'dure_journal_failed_total{node="1"}': ("0+1x400", STEADY)}),
    "DureSagaParked": ("2m", {
        'dure_sagas{node="1",type="shop.order-saga",state="parked"}': ("2x400", "0x400"),
        'dure_sagas{node="1",type="shop.order-saga",state="forward"}': ("9x400", "9x400")}),
    "DureErrors": ("11m", {
        'dure_http_requests_total{node="1",status="201"}': ("0+100x400", "0+1000x400"),
        'dure_http_requests_total{node="1",status="503"}': ("0+5x400", "0+5x400")}),
    "DureOverload": ("11m", {'dure_http_refused_total{node="1"}': ("0+1x400", STEADY),
                             'dure_asks_refused_total{node="1"}': (STEADY, STEADY)}),
    "DureSlow": ("16m", {
        'dure_http_request_seconds_bucket{node="1",le="1"}': ("0+90x400", "0+100x400"),
        'dure_http_request_seconds_bucket{node="1",le="2"}': ("0+100x400", "0+100x400"),
        'dure_http_request_seconds_bucket{node="1",le="+Inf"}': ("0+100x400", "0+100x400")}),
    "DureDiskSlow": ("16m", {
        'dure_commit_seconds_bucket{node="1",le="0.1"}': ("0+90x400", "0+100x400"),
        'dure_commit_seconds_bucket{node="1",le="0.2"}': ("0+100x400", "0+100x400"),
        'dure_commit_seconds_bucket{node="1",le="+Inf"}': ("0+100x400", "0+100x400")}),
    "DureCheckpointsStand": ("35m", {
        'dure_checkpoints_total{node="1"}': (STEADY, "0+1x400"),
        'dure_journal_bytes_total{node="1"}': ("0+100000000x400", "0+100000000x400")}),
    "DureUnacknowledged": ("6m", {'dure_links_unacknowledged{node="1"}': ("20000x400", "9000x400")}),
    "DureBreakerOpen": ("2m", {'dure_breaker_state{node="1",look="food.food",peer="2"}':
                               ("2x400", "1x400")}),
    "DurePortDown": ("6m", {'dure_port_breaker_open{node="1",port="dr.meter"}': (STILL, "0x400")}),
}


def test_every_alert_has_a_case():
    """No rule goes without the test below, and none says nothing."""
    found = re.findall(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", RULES, re.S)
    assert {name for name, _ in found} == ALERTS.keys()
    for name, body in found:
        assert re.search(r"severity: (page|ticket)", body) and "summary: " in body, name


@pytest.mark.parametrize("fires", [True, False], ids=["bad", "good"])
@pytest.mark.parametrize("alert", ALERTS)
def test_alerts(tmp_path, alert, fires):
    """Each fires when it is bad for long enough, with the summary filled in, and not otherwise."""
    after, series = ALERTS[alert]
    firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    case = {
        "rule_files": [str(DOCS / "prometheus-rules.yml")], "evaluation_interval": "15s",
        "tests": [{"interval": "15s",
                   "input_series": [{"series": name, "values": values[0 if fires else 1]}
                                    for name, values in series.items()],
                   "promql_expr_test": [
                       {"expr": firing, "eval_time": after,
                        "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}]}]}
    path = tmp_path / "case.yml"
    path.write_text(json.dumps(case))
    done = subprocess.run([program("promtool"), "test", "rules", path], check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_quiet_while_all_is_well(prometheus):
    """A cluster under a light load sets no alert off; one for slowness may be pending on a busy machine."""
    assert "firing" not in prometheus.alerts().values()


def test_killed_node_is_noticed(up, prometheus):
    """A node that is stopped shows as down, alone; when it is back, the alert goes."""
    pid = up.pid(1)
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: ("DureNodeDown", "1") in prometheus.alerts(), 30, "the alert")
        down = [labels["node"] for labels, _ in prometheus.query("dure_node_up == 0")]
        assert down == ["1"]
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: ("DureNodeDown", "1") not in prometheus.alerts(), 60, "the alert to go")
    assert nodes.ready(up.port)
