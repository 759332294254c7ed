"""A trace goes from node to node: with requests to the owner of their shard, and with a saga's messages."""
import json
import os
import re
import signal

import pytest
import requests

from cluster import Cluster
from node import wait_until
from shop import Shop
from test_log import READ
from test_trace import (SENT, TRACE, events, opened, test_bulk, test_carried_by_a_saga,  # noqa: F401
                        test_invalid, told, trace_of)
from up import Up


def test_steps_on_three_nodes(running):
    """The steps of one saga on three nodes: the same trace and span in the event of each."""
    api = running.client()
    shop = Shop(api, "/shop", user=None)
    products = [shop.create("inventories", stockName="book", stockCount=1000, price=10)["id"]
                for _ in range(3)]
    assert {running.owner(product) for product in products} == {0, 1, 2}
    for user in range(1, 10):
        shop.create("pays", userId=user, payAmount=1000)
    crossed = set()
    for i, user in enumerate(range(1, 10)):
        trace = f"{user:032x}"
        body = {"productId": products[i // 3], "quantity": 1, "userId": user}
        answer = api.post("/shop/orders", body, headers={"traceparent": f"00-{trace}-{user:016x}-01"})
        assert answer.status_code == 201 and answer.json()["status"] == "주문완료"
        assert told(answer)[0] == trace

        def all_told(trace=trace):
            found = [event for event in events(api, topic="shop.") if trace_of(event) == trace]
            return found if len(found) >= 4 else None
        found = wait_until(all_told, 20, "the events")
        kinds = sorted(event["type"].rsplit(".", 1)[1] for event in found)
        assert kinds == ["DeliveryStarted", "OrderPlaced", "PayApproval", "StockDecreased"]
        assert {event["traceparent"] for event in found} == {answer.headers["traceresponse"]}
        crossed.add(len({running.owner(int(event["source"].rsplit("/", 1)[1])) for event in found}))
    assert max(crossed) > 1


def test_lines_by_the_owner_of_a_key(running):
    """Lines of accounts go to the nodes that own them, and carry the trace of their request."""
    lines = "".join(f'{{"userId":{user},"payAmount":100}}\n' for user in range(101, 113))
    answer = running.client().post("/shop/pays", data=lines, headers={
        "Content-Type": "application/x-ndjson", "traceparent": SENT})
    assert answer.text.count('"status":201') == 12 and told(answer)[0] == TRACE


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_the_line_of_a_failure(form, tmp_path):
    """A request that fails since its owner is down has a line with its trace where it was taken."""
    cluster = Cluster(tmp_path / "cluster", "--log-format", form).start()
    cluster.nodes[2].kill()
    entry = cluster.nodes[0]
    answer = wait_until(lambda: [found for found in [entry.client().get(
        "/shop/orders/2", headers={"traceparent": SENT})] if found.status_code == 503],
        20, "the 503")[0]
    lines = wait_until(lambda: [line for line in entry.log.read_text().splitlines() if TRACE in line],
                       10, "the line")
    cluster.stop()
    line = lines[-1]
    if form == "json":
        fields = json.loads(line)
        assert (fields["level"], fields["status"], fields["node"]) == ("error", 503, 0)
        assert (fields["trace_id"], fields["span_id"]) == told(answer)[:2]
    else:
        assert f" level=error node=0 msg=request method=GET path=/shop/orders/2 status=503 " in line
        assert line.endswith(f"trace_id={TRACE} span_id={told(answer)[1]}")


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_lines_of_dure_up(form, tmp_path):
    """All that `dure up` prints is lines of the format, its own and its nodes': which node, how it ended
    and why, and the failure that a client saw meanwhile."""
    up = Up(tmp_path / "data", "--log-format", form).start()
    nodes = [member["pid"] for member in up.members()]
    os.kill(nodes[1], signal.SIGSTOP)  # It is there, but gone for the others.

    def refused():
        try:
            answer = up.client().get("/readyz", headers={"traceparent": SENT}, timeout=1)
        except requests.exceptions.Timeout:
            return None  # All nodes have one port: this connection was node 1's.
        return [answer] if answer.status_code == 503 else None  # Itself, it is as good as False.
    [answer] = wait_until(refused, 30, "a 503")
    os.kill(nodes[1], signal.SIGKILL)
    wait_until(lambda: up.member(1)["restarts"] == 1 and up.ready(), 60, "node 1 to be back")
    up.stop()
    lines = [READ[form](line) for line in up.log.read_text().splitlines()]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z", line["time"]) and line["level"] and line["msg"]
    said = [(line.get("node") and str(line["node"]) or str(line.get("node", "up")), line["level"],
             line["msg"]) for line in lines]
    assert ("1", "error", "ended by signal 9 (Killed); starting it again") in said
    assert any(who == "up" and msg.startswith(f"ready: {up.url},") for who, _, msg in said)
    assert [msg for who, _, msg in said if who == "2"][-1] == "stopped"
    failed = [line for line in lines if line["msg"] == "request"]
    assert told(answer)[:2] in {(line["trace_id"], line["span_id"]) for line in failed}
    assert {str(line["status"]) for line in failed} == {"503"}


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_why_a_node_stays_down(form, tmp_path):
    """The sentence that a node said last is told as such, not as a line within a line."""
    up = Up(tmp_path / "data", "--log-format", form).start()
    up.stop()
    journal = up.data / "node-1" / "journal" / "data.mdb"
    journal.write_bytes(b"\xff" * 8192)
    up.launch()
    wait_until(lambda: up.members() and up.member(1)["state"] == "down", 30, "node 1 to stay down")
    up.stop()
    lines = [READ[form](line) for line in up.log.read_text().splitlines()]
    [why] = {line["msg"] for line in lines if line["msg"].startswith("ended with status 1: ")
             and "starting it again" not in line["msg"]}
    assert str(up.data) in why and "time" not in why and '"' not in why


@pytest.mark.parametrize("form", ["json", "text"])
def test_nobody_dies_of_a_request(form, tmp_path):
    """A node that is killed right after a line that tells of a request is not said to have died of it."""
    up = Up(tmp_path / "data", "--nodes", "1", "--log-format", form, "--", "--log-requests", "all").start()
    os.kill(up.member(0)["pid"], signal.SIGKILL)
    wait_until(lambda: up.member(0)["restarts"] == 1 and up.ready(), 60, "the node to be back")
    up.stop()
    said = up.log.read_text()
    assert "/readyz" in said
    assert len(re.findall(r"ended by signal 9 \(Killed\); starting it again", said)) == 1, said
