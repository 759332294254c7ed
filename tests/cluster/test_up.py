"""`dure up`: it starts nodes, keeps them running, says what is wrong, and leaves nothing behind."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
import requests

import node as nodes
from node import wait_until
from shop import DONE, Shop
from up import Up, alive


@pytest.fixture
def cluster(tmp_path):
    """Three nodes on an empty directory."""
    up = Up(tmp_path / "data").start()
    yield up
    up.stop()


@pytest.fixture
def fresh(tmp_path):
    """A cluster that is not started; whatever runs at the end is stopped."""
    up = Up(tmp_path / "data")
    yield up
    up.stop()


def pids(up):
    return [member["pid"] for member in up.members()]


def gone(*processes):
    wait_until(lambda: not any(map(alive, processes)), nodes.STOP_S, "the nodes to be gone")


def test_the_kill_of_the_readme(cluster):
    """README's line, as it is typed, kills node 1, which comes back."""
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    line, = re.findall(r"^(kill -9 .*?\)) +#", readme, re.M)
    before = cluster.pid(1)
    line = line.replace("build/dure", nodes.BINARY).replace("cmd/data", str(cluster.data))
    subprocess.run(["bash", "-c", line], check=True)
    gone(before)
    cluster.await_ready()
    assert cluster.member(1)["restarts"] == 1 and cluster.pid(1) != before


# ---- Start, orders, stop

def test_three_nodes_share_one_port(cluster):
    """Three processes own the shards among them, all answer on one port, and orders succeed."""
    status = cluster.status()
    assert status["nodes"] == 3 and status["shards"] == 64
    assert [member["shards"] for member in status["members"]] == [22, 21, 21]
    assert len(set(pids(cluster))) == 3
    shop = Shop(cluster.client()).open()
    for _ in range(12):  # A connection each: the kernel spreads them over the nodes.
        shop.api = cluster.client()
        assert shop.ordered(1)["status"] == DONE
    assert {member["state"] for member in cluster.members()} == {"ready"}


@contextlib.contextmanager
def held_up(data, number):
    """A node that cannot read its format file, and so does not come past its start, until this ends."""
    path = data / f"node-{number}" / "format"
    text = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    yield
    pipe = wait_until(lambda: writer_of(path), nodes.READY_S, "the node to read its format")
    path.unlink()
    path.write_bytes(text)
    os.write(pipe, text)
    os.close(pipe)


def writer_of(pipe):
    """Its other end, once somebody reads from it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_slow_start_in_a_log(fresh):
    """What takes long to start is told by a line now and then, and then that it is ready."""
    fresh.start()
    fresh.stop()
    before = len(fresh.said())
    with held_up(fresh.data, 1):
        fresh.launch()
        wait_until(lambda: re.search(r"^node 1: starting, \d+\.\d s$", fresh.said()[before:], re.M),
                   nodes.READY_S, "a line of progress")
    fresh.await_ready()
    assert "node 1: ready after" in fresh.said()[before:]


def test_events_are_told_of(cluster, tmp_path):
    """/asyncapi.json of every node names the doors of the supervisor, with the ports they really have."""
    def ports(url):
        servers = requests.get(url + "/asyncapi.json", timeout=30).json()["servers"]
        return {name: one["variables"]["port"]["default"] for name, one in servers.items()}
    assert ports(cluster.url) == {"http": str(cluster.port), "events": str(cluster.events),
                                  "replay": str(cluster.replay)}
    chosen = Up(tmp_path / "chosen", "--events", "0", "--replay", "-1", count=2).start()
    try:
        url = re.search(r"events on tcp://127.0.0.1:(\d+)", chosen.log.read_text())
        assert ports(chosen.url) == {"http": str(chosen.port), "events": url[1]}
    finally:
        chosen.stop()


def test_stop_in_order(cluster):
    """SIGTERM: everybody leaves with a checkpoint, and the next start replays nothing."""
    Shop(cluster.client()).open().ordered(1)
    before = pids(cluster)
    cluster.stop()
    gone(*before)
    assert cluster.said().count(": stopped\n") == 3
    cluster.start()
    for member in cluster.members():
        assert member["says"]["lsn"] == member["says"]["checkpoint"], member


def test_data_survives(cluster):
    """What was acknowledged is there after a stop and a start, and new ids go on from there."""
    shop = Shop(cluster.client()).open()
    first = [shop.ordered(2)["id"] for _ in range(6)]
    cluster.stop()
    cluster.start()
    shop.api = cluster.client()
    assert shop.holdings == (999999 - 12000, 1000 - 12)
    assert shop.ordered(1)["id"] not in first


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_signals_that_stop(cluster, how):
    """Ctrl-C and a closed terminal stop it as SIGTERM does, and nothing is left behind."""
    before = pids(cluster)
    cluster.stop(how)
    gone(*before)
    assert not (cluster.data / "run" / "up.status").exists()


def test_ctrl_c_of_a_terminal(tmp_path):
    """Ctrl-C goes to the whole foreground group; the nodes are still stopped in order, once."""
    up = Up(tmp_path / "data").start()
    before = pids(up)
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(nodes.STOP_S) == 0
    up.process = None
    gone(*before)
    assert up.said().count(": stopped\n") == 3


def test_one_wish_as_two_signals(tmp_path):
    """timeout(1) sends its signal to the process and to the group: still one stop, in order."""
    up = Up(tmp_path / "data").start()
    for _ in range(2):
        up.process.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in up.said(), 10, "the stop to begin")
    assert up.process.wait(nodes.STOP_S) == 0
    up.process = None
    assert up.said().count(": stopped\n") == 3 and "at once" not in up.said()


def test_second_signal_stops_at_once(cluster):
    """A node that does not stop (it is suspended) keeps nobody longer than a second Ctrl-C."""
    before = pids(cluster)
    os.kill(before[1], signal.SIGSTOP)
    cluster.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in cluster.said(), 10, "the stop to begin")
    time.sleep(0.3)  # Two signals at once are one wish.
    cluster.stop(signal.SIGTERM, expected=1)
    gone(*before)


def test_stop_is_bounded(tmp_path):
    """A suspended node is killed when the limit is over; the others have long stopped."""
    up = Up(tmp_path / "data", "--drain-ms", "100").start()
    before = pids(up)
    os.kill(before[2], signal.SIGSTOP)
    began = time.monotonic()
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(nodes.STOP_S) == 1
    up.process = None
    assert time.monotonic() - began < 14
    gone(*before)
    assert "1 had to be killed" in up.said()
    assert up.said().count(": stopped\n") == 2


def test_the_supervisor_is_killed(cluster):
    """Without their supervisor the nodes stop cleanly; the next start waits for them, and serves."""
    before = pids(cluster)
    cluster.kill()
    cluster.start()
    gone(*before)
    assert len(set(pids(cluster)) | set(before)) == 6
    for member in cluster.members():
        assert member["says"]["lsn"] == member["says"]["checkpoint"], member


# ---- A node ends

@pytest.mark.alone
def test_killed_node_comes_back(cluster):
    """kill -9 of a node: another process has its place in under a second, with its data."""
    shop = Shop(cluster.client()).open()
    orders = [shop.ordered(1)["id"] for _ in range(6)]
    before = pids(cluster)
    began = time.monotonic()
    os.kill(before[1], signal.SIGKILL)
    wait_until(lambda: cluster.ready() and pids(cluster)[1] != before[1], 10, "node 1 to be back")
    took = time.monotonic() - began
    assert took < 5, took  # A bound for a sanitized build; what it says itself is below.
    assert "node 1: ended by signal 9 (Killed); starting it again" in cluster.said()
    assert "node 1: ready again, down for 0." in cluster.said()
    assert pids(cluster)[0] == before[0] and pids(cluster)[2] == before[2]
    assert cluster.member(1)["restarts"] == 1
    shop.api = cluster.client()
    for order in orders:
        assert shop.get("orders", order)["status"] == DONE
    shop.ordered(1)


def test_every_node_is_killed_at_once(cluster):
    """All nodes killed: all come back, and nothing is missing."""
    shop = Shop(cluster.client()).open()
    shop.ordered(5)
    before = pids(cluster)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: cluster.ready() and not set(before) & set(pids(cluster)), nodes.READY_S,
               "all nodes to be back")
    shop.api = cluster.client()
    assert shop.holdings == (999999 - 5000, 995)


def test_readyz_tells_of_a_suspended_node(cluster):
    """/readyz on the shared port says 503 while a node cannot serve, and 200 when it can again."""
    pid = cluster.pid(2)
    os.kill(pid, signal.SIGSTOP)
    try:
        def told():
            with socket.create_connection(("127.0.0.1", cluster.port), timeout=1) as sock:
                sock.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
                try:
                    return b" 503 " in sock.recv(64)
                except TimeoutError:
                    return False  # The kernel gave the connection to the suspended one.
        wait_until(told, 20, "a 503")
        assert cluster.member(2)["says"] is None
    finally:
        os.kill(pid, signal.SIGCONT)
    cluster.await_ready()


def damage(data, number):
    """Makes a node unable to recover: its rows claim more than its journal has."""
    journal = data / f"node-{number}" / "journal" / "data.mdb"
    content = journal.read_bytes()
    journal.write_bytes(b"\xff" * len(content))
    return journal, content


def test_cannot_recover_stays_down(fresh):
    """A node that fails to recover twice stays down and says why; the others serve; SIGUSR1 retries."""
    fresh.start()
    Shop(fresh.client()).open()
    fresh.stop()
    journal, content = damage(fresh.data, 1)
    fresh.launch()
    wait_until(lambda: fresh.members() and fresh.member(1)["state"] == "down", nodes.READY_S,
               "node 1 to be given up")
    assert fresh.member(1)["restarts"] == 1 and fresh.member(1)["why"]
    said = fresh.said()
    assert "node 1: stays down, since it has failed twice in a row" in said
    assert "kill -USR1" in said
    wait_until(lambda: [member["state"] for member in fresh.members()] == ["ready", "down", "ready"],
               nodes.READY_S, "the others to serve")
    told = nodes.dure("status", "--data", fresh.data)
    assert told.returncode == 1 and b"down" in told.stdout
    journal.write_bytes(content)
    fresh.process.send_signal(signal.SIGUSR1)
    fresh.await_ready()


def test_no_node_is_left(fresh):
    """When no node can recover, `dure up` ends with 1 instead of idling."""
    fresh.start()
    fresh.stop()
    for number in range(3):
        damage(fresh.data, number)
    status, said = fresh.run()
    assert status == 1 and "no node is left" in said


# ---- What is refused

def test_port_in_use(fresh):
    """Another program's port is refused by name before anything is started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", fresh.port))
        other.listen()
        status, said = fresh.run()
    assert status == 1 and f"port {fresh.port} of 127.0.0.1 is in use" in said
    assert not (fresh.data / "node-0").exists()


def test_port_of_another_cluster(cluster, tmp_path):
    """Two clusters never share a port by accident, though nodes of one cluster do."""
    status, said = Up(tmp_path / "other", port=cluster.port).run()
    assert status == 1 and "is in use" in said


def test_directory_in_use(cluster):
    """A second `dure up` on a directory is refused with the process that has it."""
    status, said = Up(cluster.data).run()
    assert status == 1
    assert f"is in use: process {cluster.process.pid} runs a cluster on it" in said


def test_another_number_of_nodes(fresh):
    """The nodes of a directory cannot be more or fewer later on; without a number it has its own."""
    fresh.count = 2
    fresh.start()
    fresh.stop()
    fresh.count = 3
    status, said = fresh.run()
    assert status == 2 and "was made for 2 nodes, not 3" in said and "--nodes 2" in said
    fresh.count = None
    fresh.start()
    assert fresh.status()["nodes"] == 2


def test_another_number_of_shards(fresh):
    """Nor can its shards."""
    fresh.args = ("--shards", "16")
    fresh.start()
    assert fresh.status()["shards"] == 16
    fresh.stop()
    fresh.args = ("--shards", "32")
    status, said = fresh.run()
    assert status == 2 and "has 16 shards, not 32" in said


def test_lone_directory(tmp_path):
    """The data of a lone node is not taken for a cluster's."""
    lone = nodes.Node(tmp_path / "data").start()
    lone.stop()
    status, said = Up(tmp_path / "data").run()
    assert status == 2 and "holds the data of a lone node" in said


@pytest.mark.parametrize("args,named", [
    (("--nodes", "0"), "--nodes takes a whole number"),
    (("--nodes", "65"), "--nodes takes a whole number"),
    (("--http", "port"), "--http takes a whole number"),
    (("--shards", "2"), "need at least as many --shards"),
    (("extra",), "unexpected argument"),
    (("--root", "nowhere"), "there is no system \"nowhere\""),
    (("--", "--memory-mb", "none"), "memory-mb must be a whole number"),
])
def test_wrong_settings(tmp_path, args, named):
    """A wrong setting is named and nothing stays behind, whether we or a node finds it."""
    status, said = Up(tmp_path / "data", *args).run()
    assert status == 2 and named in said, said


def test_options_reach_the_nodes(tmp_path):
    """What follows -- is every node's: a body limit of 2000 bytes refuses 3000."""
    up = Up(tmp_path / "data", "--", "--body-bytes-max", "2000").start()
    answer = up.client().post("/shop/inventories", {"stockName": "x" * 3000})
    assert answer.status_code == 413
    up.stop()


def test_pinned(tmp_path):
    """With --pin each node runs on one processor, neighbours on different ones while there are some."""
    up = Up(tmp_path / "data", "--pin", count=2).start()
    cpus = [os.sched_getaffinity(pid) for pid in pids(up)]
    assert [len(one) for one in cpus] == [1, 1]
    assert cpus[0] != cpus[1] or len(os.sched_getaffinity(0)) == 1
    up.stop()


def test_a_long_path(tmp_path):
    """A directory whose path is longer than a socket's may be (107 bytes) works all the same."""
    data = tmp_path / ("d" * 100) / ("e" * 60)
    data.parent.mkdir()
    up = Up(data).start()
    Shop(up.client()).open().ordered(1)
    up.stop()


def test_one_node(tmp_path):
    """A cluster of one is a cluster: it serves, is restarted, and says how it is."""
    up = Up(tmp_path / "data", count=1).start()
    shop = Shop(up.client()).open()
    os.kill(up.pid(0), signal.SIGKILL)
    wait_until(lambda: up.member(0)["restarts"] == 1 and up.ready(), nodes.READY_S, "it to be back")
    shop.api = up.client()
    shop.ordered(1)
    up.stop()


# ---- dure status

def test_status_as_a_table(cluster):
    """A person sees a line a node and no parked sagas; a script sees the exit status."""
    told = nodes.dure("status", "--data", cluster.data)
    lines = told.stdout.decode().splitlines()
    assert told.returncode == 0 and told.stderr == b""
    rows = [line.split() for line in lines if line[:4].strip().isdigit()]
    assert [row[:3] for row in rows] == [
        [str(number), "ready", str(pid)] for number, pid in enumerate(pids(cluster))]
    assert lines[-1] == "parked sagas: none"


def test_status_of_nothing(tmp_path, fresh):
    """Without a running cluster it says which of the two it is."""
    told = nodes.dure("status", "--data", tmp_path / "nothing")
    assert told.returncode == 1 and b"is no directory of `dure up`" in told.stderr
    fresh.start()
    fresh.stop()
    told = nodes.dure("status", "--data", fresh.data)
    assert told.returncode == 1 and b"no `dure up` runs on" in told.stderr


def test_many_ask_at_once(cluster):
    """Askers at the same time all get an answer, also more than it keeps waiting at a time."""
    asking = [subprocess.Popen([*nodes.WRAP, nodes.BINARY, "status", "--json", "--data",
                                str(cluster.data)], stdout=subprocess.PIPE, env=nodes.ENV)
              for _ in range(12)]
    for process in asking:
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0 and out.startswith(b'{"')
