"""Calls typed with httpie, by httpie itself: it sends every value as a string."""
import json
import subprocess

import node as nodes


def typed(port, line, prefix=""):
    """(status, document or None) of `http METHOD :8088/path a=b …` as a shell reads it, on another
    port and with a prefix."""
    assert " :8088/" in line
    line = line.replace(" :8088/", f" :{port}{prefix}/", 1).removeprefix("http ")
    done = subprocess.run(
        ["bash", "-c", f"http --ignore-stdin --print=hb --pretty=none {line}"],
        capture_output=True, timeout=60, check=False, env=nodes.ENV)
    assert done.returncode == 0, (line, done)
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body.strip() else None
