"""Puts tests/lib on the path, for every test below, and looks for the binary before they start."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

import node as nodes  # noqa: E402 (after the path is set)


def pytest_sessionstart():
    if not pathlib.Path(nodes.BINARY).is_file():
        pytest.exit(f"there is no {nodes.BINARY}: run tests/run, or name another in DURE_BIN", 2)
