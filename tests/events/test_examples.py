"""The clients of docs/examples follow and fill gaps: all of them print the same, exactly.

follow.py runs with pip's pynng where it is installed, else with the stand-in of tests/lib.
"""
import os
import pathlib
import subprocess
import sys

import pytest

import stream
from node import ROOT, wait_until

EXAMPLES = ROOT / "docs" / "examples"


def command(name, tmp_path):
    if name == "follow.c":
        binary = tmp_path / "follow"
        subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", EXAMPLES / name, "-o", binary, "-lnng",
                        "-ljansson"], check=True)
        return [binary], None
    if name == "follow.py":
        return ([sys.executable, EXAMPLES / name],
                {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lib" / "standin")})
    return [EXAMPLES / name], None


def begin(node, tmp_path, name, topic):
    """The example, following; nothing acknowledges that, so orders are made until it shows one."""
    start, env = command(name, tmp_path)
    follower = stream.Process([*start, topic, node.events_url, node.replay_url], env)

    def seen():
        node.order_bulk(1)
        return follower.events
    wait_until(seen, 30, f"{name} to show an order")
    return follower


@pytest.mark.parametrize("topic", ["", "shop.pay."])
@pytest.mark.parametrize("name", ["follow.c", "follow.py", "follow.sh"])
def test_example(node, tmp_path, name, topic):
    """From its first event on it prints every event of its topic once, also after standing still."""
    follower = begin(node, tmp_path, name, topic)
    node.order_bulk(20)
    # Everything that it starts stands still, and the live events overflow.
    group = [int(pid) for pid in subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(follower.process.pid)], capture_output=True,
        check=False).stdout.split()] + [follower.process.pid]
    for pid in group:
        stream.pause(pid)
    for _ in range(10):
        node.order_bulk(300)
    for pid in group:
        stream.go_on(pid)
    node.order_bulk(1)
    whole = stream.by_shard(node.all_events(topic))
    wanted = {shard: found[-1]["id"] for shard, found in whole.items()}

    def all_there():
        if follower.process.poll() is not None:
            raise AssertionError(follower.process.stderr.read().decode())
        last = {stream.key(event)[0]: event["id"] for event in follower.events}
        return last == wanted
    wait_until(all_there, 60, f"{name} to catch up")
    for shard, found in stream.by_shard(follower.events).items():
        assert found == whole[shard][-len(found):]
    follower.stop()
    wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in group), 10,
               "all that it started to be gone")
