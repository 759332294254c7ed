"""Puts tests/lib on the path, for every test below, and looks for the binary before they start."""
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

import node as nodes  # noqa: E402 (after the path is set)


def pytest_sessionstart():
    # An end by TERM is one by Ctrl-C: fixtures tidy up. And what a shell starts in the background
    # ignores INT, as would all that the tests start from there, and send it to.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if not pathlib.Path(nodes.BINARY).is_file():
        pytest.exit(f"there is no {nodes.BINARY}: run tests/run, or name another in DURE_BIN", 2)
