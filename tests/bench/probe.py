#!/usr/bin/env python3
"""Small measurements of a machine and a process, for tests/bench/run.

probe.py fdatasync DIR   p50 and p99 (ms) of writing 4 KiB and making it durable, in DIR
probe.py ready PORT PID SINCE  seconds from then (of the epoch) until GET /readyz says 200
probe.py pids DURE DIR         processes of the nodes of `dure up` on DIR
probe.py counts DURE DIR       what they have done: turns, and messages sent to each other
"""
import json
import os
import socket
import subprocess
import sys
import time

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


if sys.argv[1] == "ready":
    ready(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
else:
    {"fdatasync": fdatasync, "pids": pids, "counts": counts}[sys.argv[1]](*sys.argv[2:])
