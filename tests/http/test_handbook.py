"""The handbook, docs/handbook/: every command of a page is run by one shell, one after the other, in an
empty directory that has build/dure and docs; only the ports are others. Each answer is what the
page shows. And what a page names is there: links, options, settings, metrics."""
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import node as nodes
import walk
from ports import free_port

HANDBOOK = nodes.ROOT / "docs" / "handbook"
PAGES = sorted(HANDBOOK.glob("*.md"))
ORDER = {"productId": 1, "quantity": 1, "userId": 1}

# The binary as a page calls it, on the ports of the test.
WRAPPER = """#!/usr/bin/env bash
case $1 in
up) set -- up --http {:8088} --events {:8089} --replay {:8090} "${@:2}" ;;
tail) set -- tail --events tcp://127.0.0.1:8089 --replay tcp://127.0.0.1:8090 "${@:2}" ;;
bench | call | sagas | top) set -- "$1" --url http://127.0.0.1:8088 "${@:2}" ;;
esac
exec setpriv --pdeathsig KILL BINARY "$@"
"""


def by_name(path):
    return path.stem


def blocks(path):
    """[(language, text)] of the fenced blocks of a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)


def spans(path):
    """The code within the sentences of a page."""
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", prose)


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "build").mkdir()
    wrapper = tmp_path / "build" / "dure"
    binary = " ".join(map(shlex.quote, [*nodes.WRAP, nodes.BINARY]))
    (tmp_path / "docs").symlink_to(nodes.ROOT / "docs")
    env = nodes.ENV | {"PYTHONPATH": str(nodes.ROOT / "tests" / "lib" / "standin"),
                       "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    opened = walk.Shell(tmp_path, {number: free_port() for number in (8088, 8089, 8090)}, env)
    wrapper.write_text(re.sub(r"\{:(\d+)\}", r"\1", opened.meant(WRAPPER)).replace("BINARY", binary))
    wrapper.chmod(0o755)
    yield opened
    opened.close()
    for log in tmp_path.glob("*.log"):
        assert not nodes.REPORT.search(log.read_bytes()), log.read_text(errors="replace")[-8000:]


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_walk_of_a_page(shell, path):
    """Each command prints what the page shows below it; nothing, where it shows nothing."""
    api = nodes.Client(f"http://127.0.0.1:{shell.ports[8088]}")

    def order():
        assert api.post("/shop/orders", ORDER).status_code == 201

    for language, block in blocks(path):
        if language:
            continue
        for command, shown, comment in walk.commands(block):
            if comment == walk.ENDLESS:
                assert shown, command
                shell.watch(command, shown, order)
                continue
            printed = shell.run(command)
            walk.check_comment(comment, printed)
            if shown or not comment:
                assert re.fullmatch(walk.pattern(shown), walk.whole_lines(printed + "\n")), (
                    "\n".join([command, "-- is shown as", *shown, "-- and prints", printed]))


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_no_command_goes_untested(path):
    """A block is a walk, or a table of data in a language that says so."""
    for language, block in blocks(path):
        assert language or block.startswith("$ "), block
        assert language in ("", "json", "ini"), language


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_links_lead_somewhere(path):
    """Every relative link is a file of the tree, with the heading that it names; a picture is SVG."""
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    for target in targets:
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                     for heading in headings}
            assert anchor in slugs, target
        if file.suffix == ".svg":
            assert ElementTree.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_settings_that_are_named():
    """Every option that a page names is one of the command before it, or of any of ours; every DURE_
    variable is a setting of a node."""
    helps = {name: nodes.dure(name, "--help").stdout.decode()
             for name in ("node", "up", "status", "tail", "call", "sagas", "top", "verify", "rebuild",
                          "dump", "bench", "completion", "man")}
    named = [(path.stem, span) for path in PAGES for span in spans(path)]
    assert any(span.startswith("--") for _, span in named)
    for page, span in named:
        called = re.match(r"(?:build/)?dure ([a-z]+)", span)  # Not dure COMMAND: any of them.
        known = [helps[called[1]]] if called else helps.values()
        if span.startswith("--") or called:
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span):
                assert any(re.search(rf"{option}\b", text) for text in known), (page, span)
        for variable in re.findall(r"\bDURE_[A-Z_]+\b", span):
            flag = "--" + variable.removeprefix("DURE_").lower().replace("_", "-")
            assert re.search(rf"{flag}\b", helps["node"]), (page, span)


@pytest.mark.parametrize("path", [path for path in PAGES if "```ini" in path.read_text("utf-8")],
                         ids=by_name)
def test_cluster_files_that_are_shown(tmp_path, path):
    """A node takes a cluster file as it is shown: it only misses itself in it."""
    for text in [text for language, text in blocks(path) if language == "ini"]:
        file = tmp_path / "cluster"
        file.write_text(text)
        done = nodes.dure("node", "--cluster", file, "--node", "63", "--data", tmp_path / "data")
        assert done.returncode == 2
        assert done.stderr.decode() == f"dure node: there is no node 63 in {file}\n"


def test_metrics_that_are_named(fresh):
    """Every metric that a page names is one of /metrics, of a node or of a cluster."""
    told = fresh.client().get("/metrics").text
    source = (nodes.ROOT / "proto" / "metrics.c").read_text(encoding="utf-8")  # Peers and links.
    named = {name for path in PAGES for span in spans(path)
             for name in re.findall(r"^dure_[a-z_]+", span)}
    assert len(named) > 10
    for name in named:
        assert f"# TYPE {name} " in told or f'"{name}"' in source, name


def test_pages_are_short():
    """A newcomer reads a page in ten minutes: at most 2,000 words outside of its tables and blocks."""
    for path in PAGES:
        text = re.sub(r"^```.*?^```$|^\|[^\n]*$", "", path.read_text(encoding="utf-8"),
                      flags=re.M | re.S)
        assert len(text.split()) <= 2000, path.name


def test_copy_under_load(fresh, tmp_path):
    """What mdb_copy takes of a lone node's journal while orders run is a whole moment of it."""
    copy = tmp_path / "copy"
    (copy / "journal").mkdir(parents=True)
    bench = subprocess.Popen([nodes.BINARY, "bench", "--url", fresh.url, "--seconds", "60", "--mode",
                              "bulk", "--connections", "2", "--products", "10", "--users", "10"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=nodes.ENV)
    try:
        nodes.wait_until(lambda: orders(fresh) > 1000, 60, "orders")
        for name in ("format", "lock"):
            shutil.copy(fresh.data / name, copy)
        subprocess.run(["mdb_copy", fresh.data / "journal", copy / "journal"], check=True, timeout=60)
        there = orders(fresh)
        nodes.wait_until(lambda: orders(fresh) > there, 60, "more orders than were copied")
    finally:
        bench.kill()
        bench.wait()
    rebuilt = nodes.dure("rebuild", "--shards", "64", copy)
    assert rebuilt.returncode == 0, rebuilt
    done = nodes.dure("verify", copy)
    assert done.returncode == 0, done
    copied = int(re.search(r"^shop: (\d+) orders", done.stdout.decode(), re.M)[1])
    assert 1000 < copied <= there


def orders(node):
    return node.client().get("/shop/orders?size=1").json()["page"]["totalElements"]


def test_readme_links_to_every_page():
    readme = (nodes.ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in PAGES
            if f"(docs/handbook/{path.name})" not in readme] == []
