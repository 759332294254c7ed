"""What `dure up` tells systemd: the messages of sd_notify(3), taken by a socket of the test."""
import os
import pathlib
import signal
import socket
import time

import pytest

import node as nodes
from node import wait_until
from shop import Shop
from test_up import damage
from up import Up


class Systemd:
    """Takes what a service says, each message as (process, {name: value})."""

    def __init__(self, monkeypatch, name, **environment):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.heard = []
        for variable, value in {"NOTIFY_SOCKET": name, **environment}.items():
            monkeypatch.setitem(nodes.ENV, variable, value)

    def hear(self, timeout):
        self.socket.settimeout(timeout)
        text, extra, *_ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        pid = int.from_bytes(extra[0][2][:4], "little")
        self.heard.append((pid, dict(line.split("=", 1) for line in text.decode().splitlines())))
        return self.heard[-1]

    def until(self, name, value="1", timeout=nodes.READY_S):
        """Waits for a message that says this."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.hear(max(deadline - time.monotonic(), 0.001))
            if message[1].get(name) == value:
                return message

    def rest(self):
        """What has come by now, all of it."""
        try:
            while True:
                self.hear(0.001)
        except (TimeoutError, BlockingIOError):
            return self.heard


@pytest.mark.parametrize("name", ["path", "abstract"])
def test_ready_and_stopping(tmp_path, monkeypatch, name):
    """READY=1 comes once, when orders can be placed, and STOPPING=1 when the stop begins."""
    address = str(tmp_path / "notify") if name == "path" else f"@dure-test-{os.getpid()}"
    systemd = Systemd(monkeypatch, address)
    up = Up(tmp_path / "data").launch()
    pid, message = systemd.until("READY")
    assert message["STATUS"] == "3 of 3 nodes serve"
    Shop(up.client()).open().ordered(1)
    os.kill(up.pid(1), signal.SIGKILL)
    systemd.until("STATUS", "2 of 3 nodes serve")
    systemd.until("STATUS", "3 of 3 nodes serve")
    main = up.process.pid
    up.stop()
    heard = systemd.rest()
    assert {who for who, _ in heard} == {pid} == {main}
    assert [message for _, message in heard if "READY" in message] == [
        {"READY": "1", "STATUS": "3 of 3 nodes serve"}]
    assert heard[-1][1] == {"STOPPING": "1", "STATUS": "stopping"}
    assert not [message for _, message in heard if "WATCHDOG" in message]


def test_nodes_do_not_speak_for_the_service(tmp_path, monkeypatch):
    """The nodes have nothing of NOTIFY_SOCKET in their environment."""
    systemd = Systemd(monkeypatch, str(tmp_path / "notify"), WATCHDOG_USEC="60000000")
    up = Up(tmp_path / "data").launch()
    systemd.until("READY")
    for number in range(3):
        environment = pathlib.Path(f"/proc/{up.pid(number)}/environ").read_bytes()
        assert b"ASAN_OPTIONS=" in environment  # It is one.
        assert b"NOTIFY_SOCKET" not in environment and b"WATCHDOG" not in environment
    up.stop()


def test_a_node_that_stays_down(tmp_path, monkeypatch):
    """Two of three nodes are better than none: the service becomes ready and says what is missing."""
    up = Up(tmp_path / "data").start()
    up.stop()
    damage(up.data, 1)
    systemd = Systemd(monkeypatch, str(tmp_path / "notify"))
    up.launch()
    _, message = systemd.until("READY")
    assert message["STATUS"] == "2 of 3 nodes serve, 1 stay down"
    up.stop()


@pytest.mark.parametrize("whose", ["ours", "another's"])
def test_watchdog(tmp_path, monkeypatch, whose):
    """WATCHDOG=1 comes at half the period, as long as the supervisor's loop turns; to whom it is
    not addressed, says nothing."""
    environment = {"WATCHDOG_USEC": "400000"} | ({} if whose == "ours" else {"WATCHDOG_PID": "1"})
    systemd = Systemd(monkeypatch, str(tmp_path / "notify"), **environment)
    up = Up(tmp_path / "data").launch()
    systemd.until("READY")
    if whose == "ours":
        systemd.until("WATCHDOG")
        systemd.until("WATCHDOG")
        up.process.send_signal(signal.SIGSTOP)
        systemd.rest()
        count = len(systemd.heard)
        with pytest.raises(TimeoutError):
            systemd.hear(1)
        up.process.send_signal(signal.SIGCONT)
        systemd.until("WATCHDOG")
        assert len(systemd.heard) > count
    up.stop()
    told = [message for _, message in systemd.rest() if "WATCHDOG" in message]
    assert bool(told) == (whose == "ours")


@pytest.mark.parametrize("name", ["relative", "", "/" + "x" * 200, "/nobody/listens"])
def test_no_socket_to_speak_of(tmp_path, monkeypatch, name):
    """An address that is none, or where nobody listens, keeps nothing from working."""
    monkeypatch.setitem(nodes.ENV, "NOTIFY_SOCKET", name)
    up = Up(tmp_path / "data", count=1).start()
    wait_until(up.ready, 5)
    up.stop()
