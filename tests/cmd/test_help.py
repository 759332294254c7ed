"""What the commands say about themselves, and how they take a wrong command line."""
import pathlib
import subprocess

import pytest

import node as nodes

COMMANDS = ["node", "call", "sagas", "top", "verify", "rebuild", "dump", "bench", "completion", "man"]
CMD = pathlib.Path(__file__).resolve().parents[2] / "cmd"


@pytest.mark.parametrize("command", COMMANDS)
def test_pages(command):
    """Purpose, synopsis, exit status and examples, on lines that fit a terminal."""
    done = nodes.dure(command, "--help")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert text.startswith(f"Usage: dure {command} [OPTION...]")
    assert "2 " in text.split("\nExit status: 0 ")[1]
    assert f" dure {command}" in text.split("\nExamples:\n")[1]
    assert max(map(len, text.splitlines())) < 80
    assert nodes.dure("help", command).stdout == done.stdout


@pytest.mark.parametrize("command", ["node", "rebuild", "bench"])
def test_numbers(command):
    """Every option that takes a number says its default."""
    text = nodes.dure(command, "--help").stdout.decode().replace("\n" + " " * 29, " ")
    numbers = [line for line in text.splitlines() if "=N " in line or "=S " in line]
    assert numbers
    for line in numbers:
        assert "default: " in line or "instead of" in line, line


def test_overview():
    """The list of commands; without any command it is an error."""
    done = nodes.dure("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout.decode()
    assert nodes.dure("help").stdout == done.stdout
    bare = nodes.dure()
    assert (bare.returncode, bare.stdout, bare.stderr) == (2, b"", done.stdout)


@pytest.mark.parametrize("args", [
    ("nothing",), ("help", "nothing"), ("verify",), ("verify", "a", "b"), ("verify", "--nothing"),
    ("dump",), ("dump", "-x", "a"), ("rebuild",), ("rebuild", "--shards", "0", "a"),
    ("rebuild", "--shards", "x", "a"), ("bench", "--nothing"), ("bench", "--connections", "0"),
    ("bench", "more"), ("node", "--nothing")])
def test_wrong_command_lines(args):
    """2, nothing on standard output, and a sentence that begins with who says it."""
    done = nodes.dure(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    said = done.stderr.decode()
    assert said.startswith(("dure: ", f"dure {args[0]}: ")), said


@pytest.mark.parametrize("script", ["up", "build", "install"])
def test_scripts(script):
    """--help does nothing but tell."""
    done = subprocess.run([CMD / script, "--help"], capture_output=True, text=True, check=False,
                          timeout=10)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: ./cmd/{script} ")
    assert "\nExit status: " in done.stdout and "\nExample" in done.stdout
