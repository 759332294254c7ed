"""A command with a terminal of its own."""
import os
import pty
import select
import subprocess
import time

import node as nodes


class Terminal:
    """A command with a terminal of its own for its output, its errors, or both."""

    def __init__(self, *args, out=True, err=True):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*nodes.WRAP, nodes.BINARY, *map(str, args)], stdin=subprocess.DEVNULL,
            stdout=slave if out else subprocess.DEVNULL, stderr=slave if err else subprocess.PIPE,
            env=nodes.ENV | {"TERM": "xterm"})
        os.close(slave)
        self.seen = b""

    def read(self, wanted=None, timeout=60):
        """Until `wanted` has come, or to the end."""
        deadline = time.monotonic() + timeout
        while wanted is None or wanted not in self.seen:
            assert time.monotonic() < deadline, f"waited for {wanted} in vain: {self.seen}"
            if not select.select([self.master], [], [], 0.2)[0]:
                continue
            try:
                more = os.read(self.master, 65536)
            except OSError:  # The other end is closed: Linux says EIO.
                more = b""
            if not more:
                assert wanted is None, f"it ended without {wanted}: {self.seen}"
                return self.seen
            self.seen += more
        return self.seen

    def end(self):
        self.read()
        status = self.process.wait(60)
        os.close(self.master)
        if self.process.stderr:
            self.process.stderr.close()
        return status
