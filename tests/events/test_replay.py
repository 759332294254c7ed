"""Replay: pages, positions, groups, and requests that make no sense."""
import json

import pytest

import stream
from shop import is_problem


def test_pages(node):
    """Pages of any size put together are the whole stream; "end" comes with the last one only."""
    node.order_bulk(50)
    whole = node.all_events()
    assert len(whole) == 200
    for size in (1, 7, 199, 200, 201, 10**9):
        events, at, pages = [], "start", 0
        while True:
            reply = node.ask({"from": at, "max": size})
            assert reply["count"] == len(reply["events"]) <= size
            events += reply["events"]
            pages += 1
            if reply["end"]:
                break
            assert reply["events"]
            at = reply["next"] if pages % 2 else reply["position"]
            if size == 1 and pages == 20:
                break
        stream.same(events, whole[:20] if size == 1 else whole)


def test_one_shard(node):
    """Only the shards that "from" names are read: what a gap in one of them needs."""
    node.order_bulk(70)
    whole = stream.by_shard(node.all_events())
    for shard in (1, 2, 63):
        reply = node.ask({"from": {str(shard): 1}})
        assert reply["events"] == whole[shard][1:]
        assert reply["next"] == {str(shard): len(whole[shard])}


def test_end(node):
    """"end" is where nothing is left to read, and what comes later lies behind it."""
    node.order_bulk(3)
    end = node.ask({"from": "end"})
    assert end["events"] == [] and end["end"] is True
    node.order_bulk(2)
    later = node.all_events(since=end["next"])
    assert len(later) == 8
    stream.check_exact(later, since=end["next"])


def test_over_restarts_and_checkpoints(node):
    """Any old position can be read from, after checkpoints and restarts too."""
    marks = []
    for _ in range(4):
        for _ in range(3):
            node.order_bulk(500)
            marks.append(node.ask({"from": "end"})["next"])
        node.stop()  # Writes a checkpoint.
        node.start()
    whole = stream.by_shard(node.all_events())
    assert sum(map(len, whole.values())) == 4 * 12 * 500
    for mark in marks:
        events = node.all_events(since=mark)
        stream.check_exact(events, since=mark)
        assert len(events) == sum(map(len, whole.values())) - sum(mark.values())
    node.kill()
    node.start()
    stream.same(node.all_events(), [event for found in whole.values() for event in found])


@pytest.mark.parametrize("request_, word", [
    ("no json", "bad"), ("[]", "bad"), ("{}", "bad"), ('{"from":7}', "bad"),
    ('{"from":"p!"}', "bad"), ('{"from":"pQA"}', "bad"), ('{"from":{"64":1}}', "bad"),
    ('{"from":{"x":1}}', "bad"), ('{"from":{"1":-1}}', "bad"), ('{"from":{"1":"1"}}', "bad"),
    ('{"from":"start","max":0}', "bad"), ('{"from":"start","topic":7}', "bad"),
    ('{"group":"../x"}', "bad"), ('{"group":""}', "bad"), ('{"group":"g","commit":5}', "bad"),
    (json.dumps({"group": "g" * 65}), "bad"), ('{"from":{"1":1000000}}', "ahead"),
    ("\0" * 60000, "bad"), (json.dumps({"from": "start", "topic": "x" * 512}), "bad"),
])
def test_refusals(node, request_, word):
    """What cannot be answered is refused with a word and a sentence; the node serves on."""
    reply = node.ask(request_)
    assert reply["error"] == word and len(reply["detail"]) > 10
    assert node.ask({"from": "start"})["end"] is True


def test_groups(node):
    """A group's position is kept over kill -9; groups do not know of one another."""
    assert node.ask({"group": "a"}) == {"group": "a", "position": None, "next": None}
    node.order_bulk(3)
    at = node.ask({"from": "start", "max": 5})
    kept = node.ask({"group": "a", "commit": at["next"]})
    assert kept["next"] == at["next"] and kept["position"] == at["position"]
    assert node.ask({"group": "b", "commit": at["position"]})["next"] == at["next"]
    node.kill()
    node.start()
    assert node.ask({"group": "a"}) == {**kept, "group": "a"}
    assert node.ask({"group": "c"})["position"] is None
    node.ask({"group": "a", "commit": node.ask({"from": "end"})["next"]})
    assert node.ask({"group": "a"}) != kept
    assert node.ask({"group": "b"})["next"] == at["next"]


def test_http_batches(node):
    """?from= pages by its next links; wrong positions are 400, those beyond the end 409."""
    node.order_bulk(10)
    api = node.client()
    url, events = "/events?from=start&max=9&topic=shop.", []
    for _ in range(5):
        page = api.get(url).json()
        events += page["events"]
        url = page["_links"]["next"]["href"]
        if page["end"]:
            break
    stream.same(events, node.all_events())
    assert api.get(url).json()["events"] == []
    is_problem(api.get("/events?from=nonsense"), 400)
    is_problem(api.get("/events", headers={"Last-Event-ID": "x"}), 400)
    is_problem(api.post("/events", {}), 405)
    ahead = node.ask({"from": "end"})["position"]
    node.stop()
    other = stream.StreamNode(node.data.with_name("other")).start()
    other.stock_up()
    is_problem(other.client().get("/events", params={"from": ahead}), 409)
    is_problem(other.client().get("/events", headers={"Last-Event-ID": ahead}), 409)
    other.stop()
    node.start()


def test_tail_refuses(node):
    """tail ends with a sentence when its position belongs elsewhere, and on wrong usage."""
    node.order_bulk(5)
    ahead = node.ask({"from": "end"})["position"]
    other = stream.StreamNode(node.data.with_name("other")).start()
    done = stream.tail_once(other, "--from", ahead)
    assert done.returncode == 1 and b"beyond the end" in done.stderr
    other.stop()
    for args in (["--from", "x"], ["--group", "/"], ["--count", "0"], ["--events", "x"], ["a", "b"]):
        done = stream.nodes.dure("tail", *args)
        assert done.returncode == 2 and done.stderr


def test_the_newest(node):
    """from=last brings the newest, the oldest of them first, and a place behind which it goes on: asked
    of the replay door, as a batch, and as the beginning of a stream."""
    node.order_bulk(40)
    events = node.all_events()
    newest = [event["id"] for event in events[-7:]]
    reply = node.ask({"from": "last", "max": 7})
    assert [event["id"] for event in reply["events"]] == newest and reply["end"]
    api = node.client()
    page = api.get("/events?from=last&max=7").json()
    assert page["events"] == reply["events"] and page["position"] == reply["position"]
    assert page["_links"]["self"]["href"].endswith("/events?from=last&max=7")
    assert api.get(page["_links"]["next"]["href"]).json()["events"] == []
    paid = [event for event in events if event["type"] == "shop.pay.PayApproval"]
    assert node.ask({"from": "last", "max": 3, "topic": "shop.pay."})["events"] == paid[-3:]
    assert node.ask({"from": "last", "topic": "no.such."})["events"] == []
    few = stream.Sse(node, "?from=last&max=7")
    assert few.wait(7)[:7] == events[-7:]
    few.close()
    sse = stream.Sse(node, "?from=last")
    assert sse.wait(100)[:100] == events[-100:]
    node.order_bulk(5)
    sse.wait(120)
    stream.same(sse.events, node.all_events()[-120:])
    again = stream.Sse(node, last_id=sse.ids[60])
    assert [stream.key(event) for event in again.wait(59)[:59]] \
        == [stream.key(event) for event in sse.events[61:]]
    sse.close()
    again.close()
