"""A cluster run by `dure up`, and its nodes as processes that can be killed, stopped and continued."""
import json
import os
import pathlib
import signal
import subprocess

import node as nodes
from node import wait_until


def stands_still(pid):
    """All its threads are stopped (proc(5), the third field of stat)."""
    stats = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


class Up:
    """One `dure up` on a data directory. It outlives neither this process nor stop()/kill()."""

    def __init__(self, data, *args, count=None, port=None):
        self.data = pathlib.Path(data)
        self.args = args
        self.count = count  # None: the default, or what the directory has.
        self.port = port or nodes.free_port(self)
        self.events = nodes.free_port(self)
        self.replay = nodes.free_port(self)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.data.with_name(self.data.name + ".log")
        self.process = None

    def command(self):
        count = ["--nodes", str(self.count)] if self.count else []
        return [*nodes.WRAP, nodes.BINARY, "up", "--data", str(self.data), *count,
                "--http", str(self.port), "--events", str(self.events),
                "--replay", str(self.replay), *self.args]

    def launch(self):
        """Starts it, without waiting."""
        assert self.process is None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *self.command()], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=nodes.ENV, start_new_session=True)
        return self

    def start(self):
        self.launch()
        self.await_ready()
        return self

    def await_ready(self, timeout=nodes.READY_S):
        """Until every node can serve, and reach the others."""
        def ready():
            if self.process.poll() is not None:
                self.fail(f"dure up ended with {self.process.returncode}")
            return self.ready()
        wait_until(ready, timeout, "all nodes to be ready")

    def await_rest(self, timeout=60):
        """Until nothing is under way any more: sagas that a kill interrupted go on after it."""
        def resting():
            says = [member["says"] for member in self.members()]
            return says and all(one and not one["sagas"] and not one["unacknowledged"] for one in says)
        wait_until(resting, timeout, "sagas to end")

    def ready(self):
        """True when every node says that all can serve: one that is asked may not know yet."""
        if not nodes.ready(self.port):
            return False
        status = self.status()
        return status is not None and all(
            member["state"] == "ready" and member["says"] and member["says"]["unreachable"] == 0
            for member in status["members"])

    def status(self):
        """What `dure status --json` says, or None while nobody answers."""
        told = nodes.dure("status", "--data", self.data, "--json")
        return json.loads(told.stdout) if told.stdout else None

    def members(self):
        status = self.status()
        return status["members"] if status else []

    def member(self, number):
        return self.members()[number]

    def pid(self, number):
        """The process of a node that runs."""
        def running():
            members = self.members()
            return members[number]["pid"] if members else 0
        return wait_until(running, nodes.READY_S, f"node {number} to run")

    def send(self, number, how):
        pid = self.pid(number)
        os.kill(pid, how)
        if how == signal.SIGSTOP:  # Threads that run on other processors stop a little later.
            wait_until(lambda: stands_still(pid), 20, f"node {number} to stand still")

    def run(self):
        """To its end, for a start that must fail; returns (status, all it said)."""
        done = subprocess.run(self.command(), capture_output=True, env=nodes.ENV, timeout=60,
                              check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def stop(self, how=signal.SIGTERM, expected=0):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            status = self.process.wait(nodes.STOP_S)
        except subprocess.TimeoutExpired:
            self.fail("dure up did not stop")
        self.process = None
        self.check()
        assert status == expected, f"dure up stopped with {status}: {self.said()[-4000:]}"

    def kill(self):
        """kill -9 of the supervisor: its nodes stop by themselves."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def said(self):
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def check(self):
        if nodes.REPORT.search(self.log.read_bytes()):
            self.fail("a sanitizer or an assertion reported")

    def fail(self, why):
        raise AssertionError(f"{why}; its log:\n{self.said()[-8000:]}")

    def client(self, prefix=""):
        return nodes.Client(self.url + prefix)


def alive(pid):
    """True while the process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
