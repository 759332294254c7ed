"""Ports that nobody else takes meanwhile.

A port is reserved by a lock on a file that the test process holds, so that two test runs of a user,
or two nodes of one run, never get the same one, also between two starts of a node. DURE_PORTS is the
range (default 20000-29999): below the ephemeral ones, so that no client's socket takes a port either.
"""
import fcntl
import os
import pathlib
import random
import socket
import tempfile
import weakref

RANGE = range(*map(int, os.environ.get("DURE_PORTS", "20000-29999").split("-")))
DIRECTORY = pathlib.Path(tempfile.gettempdir()) / f"dure-test-ports-{os.getuid()}"


def _lock(number):
    """A descriptor that holds the lock, or None. The file stays, empty: to remove it would race."""
    lock = os.open(DIRECTORY / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except BlockingIOError:
        os.close(lock)
        return None


def _unused(number):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
            return True
        except OSError:
            return False


def free_port(owner=None):
    """A free loopback port, reserved as long as its owner lives, or to the end of the process."""
    DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    for number in random.SystemRandom().sample(RANGE, len(RANGE)):
        lock = _lock(number)
        if lock is None:
            continue
        if _unused(number):
            if owner is not None:
                weakref.finalize(owner, os.close, lock)
            return number
        os.close(lock)
    raise RuntimeError(f"no free port in {RANGE}")


def listeners(pid):
    """The TCP ports that a process listens on."""
    inodes = set()
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return set()  # It has ended.
    for descriptor in descriptors:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            continue  # Closed meanwhile.
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = pathlib.Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:  # LISTEN
                found.add(int(fields[1].rsplit(":", 1)[1], 16))
    return found
