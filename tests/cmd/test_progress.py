"""Long work shows how far it is, as a bar on a terminal; elsewhere nothing, but for lines of `dure up`."""
import json
import re
import shutil
import signal

import pytest

import node as nodes
import stream
from terminal import Terminal
from up import Up

BAR = rb"\r%s \[#*\.*\] +\d+ %%, \d+ of \d+\x1b\[K"
GONE = b"\r\x1b[K"


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A cluster of one node that has taken orders for some seconds, stopped; its rows are gone, so that
    whoever starts it has all of the journal to read."""
    up = Up(tmp_path_factory.mktemp("grown") / "data", count=1).start()
    done = nodes.dure("bench", "--url", up.url, "--mode", "bulk", "--seconds", "4", "--json")
    assert (done.returncode, done.stderr) == (0, b"")  # No bar in a pipe.
    up.stop()
    shutil.rmtree(up.data / "node-0" / "state")
    return up.data


@pytest.fixture
def data(grown, tmp_path):
    """A copy to work on."""
    shutil.copytree(grown, tmp_path / "data", ignore=shutil.ignore_patterns("run"))
    (tmp_path / "data" / "run").mkdir()
    return tmp_path / "data"


def test_bench(tmp_path):
    """bench shows its bar on a terminal and takes it away."""
    running = nodes.Node(tmp_path / "data").start()
    bench = Terminal("bench", "--url", running.url, "--mode", "bulk", "--seconds", "2", "--warmup",
                     "0", "--json", out=False)
    assert bench.end() == 0
    assert re.search(BAR % b"measuring", bench.seen), bench.seen
    assert bench.seen.endswith(GONE)
    running.stop()


def test_rebuild_and_verify(data):
    """The same of rebuild and verify, whose words for programs are alone in a pipe."""
    rows = data / "node-0"
    rebuild = Terminal("rebuild", "--shards", 64, rows, out=False)
    assert rebuild.end() == 0
    assert re.search(BAR % b"replaying the journal", rebuild.seen), rebuild.seen
    assert rebuild.seen.endswith(GONE)
    done = nodes.dure("rebuild", rows, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    rebuilt = json.loads(done.stdout)
    verify = Terminal("verify", data, out=False)
    assert verify.end() == 0
    assert re.search(BAR % b"(checking records|replaying the journal|comparing rows)", verify.seen)
    assert verify.seen.endswith(GONE)
    done = nodes.dure("verify", data, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert found["findings"] == 0 and found["wrong"] == [] and found["rows"] > 1000
    assert rebuilt == {"dir": str(rows), "records": found["records"]}
    dumped = nodes.dure("dump", rows, "--json")
    assert dumped.stdout == nodes.dure("dump", rows).stdout
    assert all(json.loads(line)["specversion"] for line in dumped.stdout.splitlines()[:10])


def test_recovery_on_a_terminal(data):
    """`dure up` shows how far its nodes have recovered, as a bar, and takes it away."""
    up = Up(data, count=1)
    recovery = Terminal("up", *up.command()[len(nodes.WRAP) + 2:])
    shown = recovery.read(b"dure up: ready")
    recovery.process.send_signal(signal.SIGINT)
    assert recovery.end() == 0
    assert re.search(rb"recovering \[#*\.+\] +\d+ %, \d+ of \d+ records of 1 node, ", shown), shown
    assert GONE + b"node 0: ready after" in shown


def test_recovery_in_a_log(data):
    """Elsewhere `dure up` says now and then, in a line, which record a node has come to. The node is
    stopped and let go on for moments, so that its recovery lasts until that was said."""
    up = Up(data, count=1).launch()
    pid = nodes.wait_until(lambda: up.pid(0), 30, "a node")

    def said():
        return re.findall(r"^node 0: recovering, record (\d+) of (\d+), \d+\.\d s$",
                          up.log.read_text(), re.M)

    def lines():
        return up.log.read_text().count("\n")
    try:
        while not said():
            assert "ready" not in up.log.read_text(), "the recovery was over before it was told of"
            stream.pause(pid)
            before = lines()
            nodes.wait_until(lambda before=before: lines() > before, 10, "a line")
            stream.go_on(pid)
            read = progress_of(pid)
            nodes.wait_until(lambda read=read: progress_of(pid) > read, 10, "the node to go on")
    finally:
        stream.go_on(pid)
    up.await_ready(60)
    up.stop()
    told = [(int(done), int(total)) for done, total in said()]
    assert all(0 < done <= total for done, total in told) and told == sorted(told)
    assert "\x1b" not in up.log.read_text()


def progress_of(pid):
    """Processor time that it has had, in ticks."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_recovery_of_a_lone_node(data):
    """A node without a supervisor shows the bar itself."""
    up = Up(data, count=1)
    (data / "cluster").unlink()
    node = Terminal("node", "--data", data / "node-0", "--http", up.port, "--events", "-1",
                    "--replay", "-1", "--shards", "64", out=False)
    node.read(b"dure node: recovering [")
    nodes.wait_until(lambda: nodes.ready(up.port), 60, "the node")
    node.process.send_signal(signal.SIGTERM)
    assert node.end() == 0
    assert re.search(BAR % b"dure node: recovering", node.seen), node.seen
