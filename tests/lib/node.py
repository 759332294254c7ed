"""A real dure node as a child process, and a client that talks to it.

DURE_BIN names the binary (default build-asan/dure); DURE_WRAP is a command put before it; ports.py
tells of DURE_PORTS.
"""
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import time

import requests

from ports import free_port, listeners

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("DURE_BIN") or str(ROOT / "build-asan" / "dure")
LIBRARY = f"{BINARY}-library"  # The same with the system of docs/tutorial.md.
WRAP = shlex.split(os.environ.get("DURE_WRAP", ""))

READY_S = 30
STOP_S = 30

# What a sanitizer or a failed assertion leaves in the log.
REPORT = re.compile(rb"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|dure: bug at")

# The node takes every DURE_* variable as a setting of its own, so ours are kept from it.
ENV = {name: value for name, value in os.environ.items() if not name.startswith("DURE_")} | {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1",
    # nng 1.5 forgets a message when a connection ends right while it is being sent.
    "LSAN_OPTIONS": f"print_suppressions=0:suppressions={ROOT / 'tests' / 'lib' / 'lsan.supp'}",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": f"exitcode=99:second_deadlock_stack=1:suppressions={ROOT}/tests/lib/tsan.supp",
}


def wait_until(predicate, timeout=10, what="the predicate"):
    """Polls until predicate() is true, and returns its value."""
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def ready(port):
    """True when GET /readyz says 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return sock.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


class Node:
    """One `dure node` on a data directory. It outlives neither this process nor stop()/kill()."""

    def __init__(self, data, *args, port=None, log=None, wrap=(), binary=BINARY):
        self.data = pathlib.Path(data)
        self.binary = binary
        self.args = args
        self.wrap = wrap  # A command put before the binary.
        self.port = port or free_port(self)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = pathlib.Path(log) if log else self.data.with_name(self.data.name + ".log")
        self.process = None

    def launch(self):
        """Starts the process; it may not be ready yet."""
        assert self.process is None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *WRAP, *self.wrap, self.binary, "node",
                 "--data", str(self.data), "--http", str(self.port), "--root", "shop",
                 "--events", "-1", "--replay", "-1", *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENV)
        return self

    def start(self, ready_s=READY_S):
        """Starts it and waits until it is ready."""
        return self.launch().await_ready(ready_s)

    def await_ready(self, ready_s=READY_S):
        deadline = time.monotonic() + ready_s
        while not self.ready():
            if self.process.poll() is not None:
                self.fail(f"the node ended with {self.process.returncode} instead of getting ready")
            if time.monotonic() > deadline:
                self.fail(f"the node was not ready after {ready_s} s")
            time.sleep(0.005)
        return self

    def ready(self):
        """True when it is this process, and no other, that says so."""
        return ready(self.port) and self.port in listeners(self.pid)

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        """Fails when the node has crashed or a sanitizer has reported."""
        if REPORT.search(self.log.read_bytes()):
            self.fail("a sanitizer or an assertion reported")
        if self.process is not None and self.process.poll() is not None:
            self.fail(f"the node ended by itself with {self.process.returncode}")

    def stop(self, how=signal.SIGTERM):
        """Stops it cleanly; fails unless it leaves with 0 and without a report."""
        self.begin_stop(how)
        self.await_stop()

    def begin_stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)

    def await_stop(self):
        if self.process is None:
            return
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self.fail(f"the node did not stop within {STOP_S} s")
        self.process = None
        self.check()
        if status != 0:
            self.fail(f"the node stopped with {status}")

    def kill(self):
        """kill -9. Nothing that runs in the node gets a chance."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def toggle_outage(self):
        """Ends what --outage makes, or begins it again. It has been done when this returns: the node takes
        a signal in the round of its loop that it comes in, perhaps behind a request, but no later."""
        self.process.send_signal(signal.SIGUSR1)
        for _ in range(2):
            assert self.client().get("/livez").status_code == 200

    def fail(self, why):
        tail = self.log.read_bytes()[-8000:].decode("utf-8", "replace")
        raise AssertionError(f"{why}; its log:\n{tail}")

    def client(self, prefix=""):
        return Client(self.url + prefix)

    def raw(self, timeout=10):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def dure(*args, env=None, binary=BINARY, **kwargs):
    """Runs a subcommand of the binary to its end. `env` comes on top of the environment."""
    return subprocess.run([*WRAP, binary, *map(str, args)], capture_output=True,
                          env=ENV | (env or {}), timeout=120, check=False, **kwargs)


class Client:
    """requests, relative to a base address, and without anything of the environment's.

    One connection: not for use from several threads at once.
    """

    def __init__(self, base):
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method, path, **kwargs):
        kwargs.setdefault("timeout", 60)
        kwargs.setdefault("allow_redirects", False)
        url = path if path.startswith("http://") else self.base + path
        return self.session.request(method, url, **kwargs)

    def get(self, path, **kwargs):
        return self("GET", path, **kwargs)

    def post(self, path, json=None, **kwargs):
        return self("POST", path, json=json, **kwargs)

    def put(self, path, json=None, **kwargs):
        return self("PUT", path, json=json, **kwargs)

    def patch(self, path, json=None, **kwargs):
        return self("PATCH", path, json=json, **kwargs)

    def delete(self, path, **kwargs):
        return self("DELETE", path, **kwargs)
