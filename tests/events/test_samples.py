"""?also=samples: a stream tells every two seconds how the nodes do."""
import time

import pytest

import stream
from cluster import Cluster
from node import wait_until

SLOT_MS = 2000


@pytest.fixture
def watch(node):
    watching = stream.Sse(node, "?topic=@&also=samples")
    yield watching
    assert watching.events == [] and watching.notices == []
    watching.close()


def times(watching):
    return [sample["time"] for told in list(watching.samples) for sample in told["samples"]]


def test_one_after_the_other(node, watch):
    """Each sample once, none left out, soon after its time has ended; and the same as the history has."""
    def four():
        found = times(watch)
        return found if len(found) >= 4 else None
    found = wait_until(four, 20, "four samples")
    assert found == list(range(found[0], found[0] + SLOT_MS * len(found), SLOT_MS))
    count = len(found)
    wait_until(lambda: len(times(watch)) > count, 10, "one more")
    assert time.time() * 1000 - times(watch)[-1] < 1500
    history = {sample["time"]: sample for sample in node.client().get("/metrics/history").json()["samples"]}
    for told in watch.samples:
        assert told["interval_ms"] == SLOT_MS and [state["up"] for state in told["nodes"]] == [True]
        assert told["samples"] == [history[sample["time"]] for sample in told["samples"]]


def test_between_the_events(node):
    """Events keep their places and their ids: a sample has none, and moves nobody's."""
    watching = stream.Sse(node, "?also=samples,changes")
    wait_until(lambda: watching.samples, 10, "a sample")
    before = watching.last_id
    count = len(watching.samples)
    wait_until(lambda: len(watching.samples) > count, 10, "another")
    assert watching.last_id == before and watching.events == []
    node.order_bulk(50)
    wait_until(lambda: len(watching.events) >= 200, 20, "the events")
    stream.check_exact(watching.events)
    wait_until(lambda: any(sample["sagas"] > 0 for told in list(watching.samples)
                           for sample in told["samples"]), 10, "a sample of the orders")
    assert watching.notices
    watching.close()


def test_only_who_asks(node):
    """Without the word there are none; a word that is none is a 400 that names those that are."""
    plain, asked = stream.Sse(node), stream.Sse(node, "?also=samples")
    wait_until(lambda: len(asked.samples) >= 2, 20, "two samples")
    assert plain.samples == [] and plain.response.status == 200
    plain.close()
    asked.close()
    answer = node.client().get("/events?also=sample", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 400 and "samples" in answer.json()["detail"]


def test_who_goes_and_comes(node):
    """After a pause in which nobody listened the newest is told, and nothing of before."""
    one = stream.Sse(node, "?also=samples")
    wait_until(lambda: one.samples, 10, "a sample")
    one.close()
    first = times(one)[-1]
    wait_until(lambda: node.client().get(f"/metrics/history?since={first + 2 * SLOT_MS}").json()["samples"],
               20, "some time")
    other = stream.Sse(node, "?also=samples")
    wait_until(lambda: other.samples, 10, "a sample")
    assert len(other.samples[0]["samples"]) == 1 and times(other)[0] > first + 2 * SLOT_MS
    other.close()


def test_a_cluster(tmp_path):
    """Any node tells the same of all; one that is killed is said to be down within four seconds, and the
    others' samples go on; when it is back so are its numbers."""
    cluster = Cluster(tmp_path / "cluster").start()
    one, two = (stream.Sse(cluster.nodes[i], "?topic=@&also=samples") for i in (0, 2))
    wait_until(lambda: all(one.samples and one.samples[-1]["samples"] and
                           one.samples[-1]["samples"][-1]["nodes"] == [0, 1, 2] for one in (one, two)), 15,
               "samples of all")
    cluster.nodes[1].kill()
    killed = time.time()

    def up(told):
        return [state["node"] for state in told["nodes"] if state["up"]]
    wait_until(lambda: up(one.samples[-1]) == up(two.samples[-1]) == [0, 2], 4, "the node to be missed")
    wait_until(lambda: times(one)[-1] > killed * 1000 + SLOT_MS, 10, "samples without it")
    assert one.samples[-1]["samples"][-1]["nodes"] == [0, 2]
    cluster.nodes[1].start()
    wait_until(lambda: up(one.samples[-1]) == [0, 1, 2] and one.samples[-1]["samples"][-1]["nodes"] == [0, 1, 2],
               20, "the node again")
    both = {sample["time"]: sample for told in list(one.samples) for sample in told["samples"]}
    same = [both[sample["time"]] == sample for told in list(two.samples) for sample in told["samples"]
            if sample["time"] in both]
    assert len(same) >= 3 and all(same)
    assert times(one) == sorted(set(times(one)))
    one.close()
    two.close()
    cluster.check()
    cluster.stop()
