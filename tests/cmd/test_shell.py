"""Completions and man pages: from the option tables, so none is missing, and sound by their readers."""
import json
import re
import subprocess

import pytest

import node as nodes

OVERVIEW = nodes.dure("--help").stdout.decode().split("Commands:\n")[1].split("\n\n")[0]
COMMANDS = [line.split()[0] for line in OVERVIEW.splitlines()]


def options(command):
    """The long options of a command, as --help has them."""
    text = nodes.dure(command, "--help").stdout.decode()
    return set(re.findall(r"^ +(?:-.,|-\?,)? *--([a-z-]+)", text, re.M)) - {"usage"}


def run(*args, **kwargs):
    return subprocess.run(list(map(str, args)), capture_output=True, text=True, timeout=60,
                          check=False, **kwargs)


@pytest.fixture
def script(tmp_path):
    def write(shell):
        done = nodes.dure("completion", shell)
        assert (done.returncode, done.stderr) == (0, b"")
        path = tmp_path / f"_dure.{shell}"
        path.write_bytes(done.stdout)
        return path
    return write


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_syntax(shell, script):
    """The shell itself finds nothing wrong with the script, and every option of every command is in it."""
    path = script(shell)
    done = run(shell, "-n", path)
    assert (done.returncode, done.stderr) == (0, "")
    text = path.read_text()
    for command in COMMANDS:
        for option in options(command):
            assert re.search(rf"(--|-l ){option}\b", text), (command, option)


def bash(path, line):
    """What Tab offers at the end of the line."""
    words = line.split(" ")
    code = (f"source {path}; COMP_WORDS=({' '.join(repr(word) for word in words)}); "
            f"COMP_CWORD={len(words) - 1}; compopt() {{ :; }}; _dure; "
            'printf "%s\\n" "${COMPREPLY[@]}"')
    done = run("bash", "-c", code)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return set(done.stdout.split())


def test_bash_completes(script, tmp_path):
    """Commands, options, values that a table lists, directories, the words of a command."""
    path = script("bash")
    assert bash(path, "dure ") == set(COMMANDS) | {"help", "--help", "--version"}
    assert bash(path, "dure ver") == {"verify"}
    assert bash(path, "dure bench --mo") == {"--mode"}
    assert bash(path, "dure bench --mode ") == {"single", "pipelined", "bulk"}
    assert bash(path, "dure bench --mode = b") == {"bulk"}
    for command in COMMANDS:
        assert bash(path, f"dure {command} --") == {f"--{name}" for name in options(command)}
    assert bash(path, "dure completion ") == {"bash", "zsh", "fish"}
    assert bash(path, "dure call P") == {"POST", "PUT", "PATCH"}
    assert bash(path, "dure sagas ") == {"retry", "skip"}
    assert bash(path, "dure man ver") == {"verify"}
    (tmp_path / "data-directory").mkdir()
    (tmp_path / "data-file").touch()
    assert bash(path, f"dure verify {tmp_path}/data-") == {f"{tmp_path}/data-directory"}


def test_fish_completes(script):
    """fish offers the same."""
    path = script("fish")

    def offered(line):
        done = run("fish", "--no-config", "-c", f"source {path}; complete -C '{line}'")
        assert done.returncode == 0, done.stderr
        return {text.split("\t")[0] for text in done.stdout.splitlines()}
    assert offered("dure ") >= set(COMMANDS)
    assert offered("dure bench --mode ") == {"single", "pipelined", "bulk"}
    for command in COMMANDS:
        assert offered(f"dure {command} --") >= {f"--{name}" for name in options(command)}


def test_zsh_loads(script):
    """zsh defines the function and takes it as dure's completion."""
    path = script("zsh")
    done = run("zsh", "-f", "-c", f"autoload -Uz compinit; compinit -D -u; source {path}; "
               "print ${_comps[dure]}; functions _dure > /dev/null")
    assert (done.returncode, done.stdout, done.stderr) == (0, "_dure\n", "")


@pytest.mark.parametrize("shell", [["tcsh"], [], ["bash", "zsh"]])
def test_completion_wrong(shell):
    """2 for a shell there is nothing for."""
    done = nodes.dure("completion", *shell)
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    where = tmp_path_factory.mktemp("man")
    done = nodes.dure("man", "--dir", where)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    return where


def test_pages(pages):
    """A page for each command and one for dure; mandoc and man have nothing to warn about."""
    names = {"dure.1"} | {f"dure-{command}.1" for command in COMMANDS}
    assert {path.name for path in pages.iterdir()} == names
    for path in pages.iterdir():
        lint = run("mandoc", "-Tlint", "-Wwarning", path)
        assert (lint.returncode, lint.stdout) == (0, ""), lint.stdout
    everything = "".join(path.read_text() for path in pages.iterdir())
    assert "\\&.nothing" not in everything


@pytest.mark.parametrize("command", COMMANDS)
def test_page(command, pages):
    """The page tells what --help tells: every option, the exit status, the examples."""
    shown = run("mandoc", "-Tutf8", "-O", "width=200", pages / f"dure-{command}.1").stdout
    shown = re.sub(".\b", "", shown).replace("‐", "-").replace("−", "-")
    for name in options(command):
        assert f"--{name}" in shown, name
    assert re.search(r"^EXIT STATUS$", shown, re.M) and re.search(r"^SYNOPSIS$", shown, re.M)
    helped = nodes.dure(command, "--help").stdout.decode()
    for line in helped.partition("\nExamples:\n")[2].splitlines():
        assert line.strip() in shown
    assert nodes.dure("man", command, env={"SOURCE_DATE_EPOCH": "0"}).stdout.count(b"1970-01-01") == 1
    assert nodes.dure("man", command, env={"SOURCE_DATE_EPOCH": "0"}).stdout == \
        nodes.dure("man", command, env={"SOURCE_DATE_EPOCH": "86399"}).stdout


def test_man_wrong():
    """No page for what is no command; no directory, no page."""
    assert nodes.dure("man", "nothing").returncode == 2
    assert nodes.dure("man", "node", "--dir", "/tmp").returncode == 2
    done = nodes.dure("man", "--dir", "/nonexistent")
    assert done.returncode == 1 and b"/nonexistent/dure.1" in done.stderr


def test_json():
    """--json, which every command that prints has: the tables for programs, the scripts as they are."""
    for command in COMMANDS:
        assert "json" in options(command), command
    done = nodes.dure("man", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert [one["command"] for one in told] == COMMANDS
    for one in told:
        assert {option["name"] for option in one["options"]} | {"help"} == options(one["command"])
        assert "Exit status: " in one["text"] and "\v" not in one["text"]
    tail = json.loads(nodes.dure("man", "tail", "--json").stdout)
    assert tail == next(one for one in told if one["command"] == "tail")
    assert {"name": "json", "letter": "j", "value": None,
            "help": "print CloudEvents JSON, one a line"} in tail["options"]
    for shell in ("bash", "zsh", "fish"):
        done = nodes.dure("completion", shell, "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout) == {
            "shell": shell, "script": nodes.dure("completion", shell).stdout.decode()}
    assert nodes.dure("man", "--json", "--dir", "/tmp").returncode == 2
