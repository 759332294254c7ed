#!/usr/bin/env python3
"""Small measurements of a machine and a process, for tests/bench/run.

probe.py fdatasync DIR   p50 and p99 (ms) of writing 4 KiB and making it durable, in DIR
probe.py ready PORT PID SINCE  seconds from then (of the epoch) until GET /readyz says 200
probe.py pids DURE DIR         processes of the nodes of `dure up` on DIR
probe.py counts DURE DIR       what they have done: turns, and messages sent to each other
probe.py published HTTP        events published so far
probe.py console HTTP          KB that a browser loads before it shows the console, compressed
probe.py together              sums up what several `dure bench --journal --json` say on standard input
probe.py subscriber DURE HTTP EVENTS REPLAY
                               follows by `dure tail`, and checks that nothing is missing or double.
                               Told "stop" on a line, it suspends the tail; told "go", it lets it go on
                               and tells how far behind it was and when it had caught up
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

READY_S_MAX = 120


def fdatasync(directory):
    path = os.path.join(directory, "fdatasync")
    block = os.urandom(4096)
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    took = []
    # Overwrites within a file that is already there in full, as LMDB does once its file has grown:
    # an append would also measure the file system's metadata.
    os.write(fd, block * 256)
    os.fsync(fd)
    for i in range(2000):
        start = time.perf_counter()
        os.pwrite(fd, block, (i % 256) * 4096)
        os.fdatasync(fd)
        took.append((time.perf_counter() - start) * 1e3)
    os.close(fd)
    os.unlink(path)
    took.sort()
    print(json.dumps({"p50": round(took[len(took) // 2], 4),
                      "p99": round(took[len(took) * 99 // 100], 4)}))


def is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return sock.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def ready(port, pid, start):
    while not is_ready(port):
        if not os.path.exists(f"/proc/{pid}"):
            sys.exit("the process is gone")
        if time.time() - start > READY_S_MAX:
            sys.exit(f"not ready within {READY_S_MAX} s")
        time.sleep(0.002)
    print(round(time.time() - start, 3))


def members(dure, directory):
    """What each node says, once all of them do."""
    start = time.time()
    while True:
        asked = subprocess.run([dure, "status", "--data", directory, "--json"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        found = json.loads(asked.stdout)["members"] if asked.stdout else []
        if found and all(one["pid"] and one["says"] for one in found):
            return found
        if time.time() - start > READY_S_MAX:
            states = [(one["node"], one["state"], one["why"]) for one in found]
            sys.exit(f"not all nodes answer within {READY_S_MAX} s: {states} {asked.stderr}")
        time.sleep(0.1)


def pids(dure, directory):
    print(*(one["pid"] for one in members(dure, directory)))


def counts(dure, directory):
    found = members(dure, directory)
    print(*(sum(one["says"][name] for one in found) for name in ("turns", "sent")))


def journal_ends(http):
    """The last sequence of each shard."""
    url = f"http://127.0.0.1:{http}/events?from=end&max=1"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return {int(shard): last for shard, last in json.load(answer)["next"].items()}


def published(http):
    print(sum(journal_ends(http).values()))


def console(http):
    def load(path):
        request = urllib.request.Request(f"http://127.0.0.1:{http}{path}", headers={
            "Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "br"})
        return urllib.request.urlopen(request, timeout=10).read()

    page = urllib.request.urlopen(urllib.request.Request(
        f"http://127.0.0.1:{http}/", headers={"Accept": "text/html"}), timeout=10).read().decode()
    parts = ["/", *re.findall(r'(?:href|src)="(/console/[^"]+)"', page)]
    print(round(sum(len(load(path)) for path in parts) / 1000, 1))


def together():
    """From as many reports of `dure bench --journal` as were made side by side: one."""
    reports = [json.loads(line) for line in sys.stdin]
    latency = {name: sum(one["latency_ms"][name] for one in reports) / len(reports)
               for name in reports[0]["latency_ms"]}
    print(json.dumps({"orders_per_second": sum(one["orders_per_second"] for one in reports),
                      "latency_ms": {name: round(value, 3) for name, value in latency.items()}}))


class Subscriber:
    """What `dure tail` prints: of each shard every sequence, in order, once."""

    PLACE = re.compile(rb'"id":"(\d+)-(\d+)"')
    PATIENCE_S = 300

    def __init__(self, dure, http, events, replay):
        self.http = http
        self.at, self.first, self.count, self.flaw = {}, {}, 0, None
        self.tail = subprocess.Popen([dure, "tail", "--json", "--from", "end", "--events", events,
                                      "--replay", replay], stdout=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.tail.stdout:
            shard, sequence = map(int, self.PLACE.search(line).groups())
            last = self.at.get(shard)
            if last is not None and sequence != last + 1 and self.flaw is None:
                self.flaw = f"{shard}-{sequence} comes after {shard}-{last}"
            self.at[shard] = sequence
            self.count += 1

    def behind(self, ends):
        return sum(last - self.at[shard] for shard, last in ends.items() if shard in self.at)

    def wait(self, ends):
        """Until it has all of these."""
        start = time.time()
        while self.behind(ends) > 0:
            if self.tail.poll() is not None or time.time() - start > self.PATIENCE_S:
                sys.exit(f"the subscriber is {self.behind(ends)} events behind, and no nearer")
            time.sleep(0.02)
        return time.time() - start


def subscriber(*where):
    reader = Subscriber(*where)
    # However this ends, the tail does, too, suspended or not.
    signal.signal(signal.SIGTERM, lambda *_: (reader.tail.kill(), os._exit(0)))
    print("follows", flush=True)
    stopped = 0
    for line in sys.stdin:
        if line == "stop\n":
            reader.wait(journal_ends(reader.http))
            reader.tail.send_signal(signal.SIGSTOP)
            stopped = time.time()
            print("stopped", flush=True)
        elif line == "go\n":
            ends = journal_ends(reader.http)
            took = time.time() - stopped
            behind = reader.behind(ends)
            reader.tail.send_signal(signal.SIGCONT)
            caught_up = reader.wait(ends)
            exact = reader.flaw is None and reader.behind(ends) == 0
            print(json.dumps({"stopped_s": round(took, 1), "behind": behind,
                              "caught_up_s": round(caught_up, 2), "events": reader.count,
                              "exact": exact, "flaw": reader.flaw}), flush=True)
    reader.tail.kill()


if sys.argv[1] == "ready":
    ready(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
else:
    {"fdatasync": fdatasync, "pids": pids, "counts": counts, "published": published,
     "console": console, "subscriber": subscriber, "together": together}[sys.argv[1]](*sys.argv[2:])
