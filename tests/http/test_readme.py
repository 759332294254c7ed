"""README's walk, as it is written there: every command is run by a shell, one after the other, on a
fresh node; only the port is another. Each answer is what README shows."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest

import node as nodes
import walk

README = (nodes.ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (nodes.ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
ADDRESS = "localhost:8088"


def commands(document):
    """[(command, the lines shown below it, the comment behind it)] of the walk, in order."""
    section = re.search(r"^## A walk.*?(?=^## )", document, re.M | re.S).group(0)
    block, = re.findall(r"^```\n(.*?)^```$", section, re.M | re.S)
    return walk.commands(block)


def run(command, port):
    """What the command prints; it succeeds."""
    assert ADDRESS in command
    done = subprocess.run(["bash", "-c", command.replace(ADDRESS, f"127.0.0.1:{port}")],
                          capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, (command, done)
    return done.stdout.decode()


def test_walk(fresh):
    """The walk through the shop shows what the node answers."""
    check_walk(README, fresh.port)


@pytest.mark.parametrize("path", [path for path in sorted((nodes.ROOT / "docs" / "systems").glob("*.md"))
                                  if "## A walk" in path.read_text(encoding="utf-8")],
                         ids=lambda path: path.stem)
def test_walk_of_a_system(tmp_path, path):
    """The walk through each other system, as the root of its paths, shows what the node answers."""
    running = nodes.Node(tmp_path / "data", "--root", path.stem).start()
    check_walk(path.read_text(encoding="utf-8"), running.port)
    running.stop()


def test_walk_of_the_tutorial(tmp_path):
    """The walk through the library, by the binary that has it, shows what the node answers."""
    running = nodes.Node(tmp_path / "data", "--root", "library", binary=nodes.LIBRARY).start()
    check_walk(TUTORIAL, running.port)
    running.stop()
    done = nodes.dure("verify", running.data, binary=nodes.LIBRARY)
    assert done.returncode == 0, done
    shown, = re.findall(r"^```\n(library: .*?)^```$", TUTORIAL, re.M | re.S)
    assert shown in done.stdout.decode()


def test_code_of_the_tutorial():
    """Each file of the example stands in the tutorial, word for word and whole; and so does the one
    line, in the list as it is."""
    blocks = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", TUTORIAL, re.M | re.S)
    shown = {}
    for name, text in blocks:
        shown[name] = shown.get(name, "") + text
    line = "  'library',\n"
    listed = shown.pop("actors/meson.build")
    assert listed.count(line) == 1
    assert listed.replace(line, "") in (nodes.ROOT / "actors" / "meson.build").read_text()
    folder = nodes.ROOT / "docs" / "examples" / "library"
    assert shown == {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_one_folder_and_one_line(tmp_path):
    """A copy of the tree, with the folder in actors/ and the line in the list, makes actors that have
    the system. Nothing else is changed."""
    tree = tmp_path / "tree"
    shutil.copytree(nodes.ROOT, tree, ignore=lambda folder, names: [
        name for name in names if name in (".git", ".cache", "node_modules")
        or pathlib.Path(folder) == nodes.ROOT and name.startswith("build")])
    shutil.copytree(tree / "docs" / "examples" / "library", tree / "actors" / "library")
    systems = tree / "actors" / "meson.build"
    systems.write_text(systems.read_text().replace("systems = [\n", "systems = [\n  'library',\n"))
    for command in (["meson", "setup", "-Doptimization=0", "-Ddebug=false", "made"],
                    ["ninja", "-C", "made", "actors/libdure_actors.a"]):
        done = subprocess.run(command, cwd=tree, capture_output=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    names = subprocess.run(["nm", "made/actors/libdure_actors.a"], cwd=tree, capture_output=True,
                           check=True).stdout.decode()
    assert re.search(r" D library_system$", names, re.M)
    assert re.search(r" U library_system$", names, re.M)


def check_walk(document, port):
    steps = commands(document)
    assert len(steps) >= 10
    assert all(shown or comment for _, shown, comment in steps)
    for command, shown, comment in steps:
        printed = run(command, port)
        walk.check_comment(comment, printed)
        if not shown:
            continue
        assert re.fullmatch(walk.pattern(shown), printed.rstrip("\n") + "\n"), (command, printed)
        if shown[0].startswith("{"):
            # Not only somewhere: what is shown in full is in the document, by name.
            document = json.loads(printed)
            fields = json.loads(re.sub(r',?"_links":\{.*', "", shown[0]) + "}")
            shown_in_full = {name: value for name, value in fields.items() if value != walk.ELLIPSIS}
            assert shown_in_full.items() <= document.items()


def test_httpie_line():
    """The command that README names for httpie asks for what the curl command below it asks for."""
    path, user, amount = re.search(r"`http POST :8088(/\w+) userId=(\d+) payAmount=(\d+)`",
                                   README).groups()
    body = json.dumps({"userId": int(user), "payAmount": int(amount)}, separators=(",", ":"))
    assert f"{ADDRESS}{path} " in README and body in README


@pytest.mark.parametrize("text", re.findall(r"(?:build/dure|\./cmd/up|tests/\w+/run)(?: [^\n`#]*)?",
                                            README))
def test_commands_are_there(text):
    """What README calls is there, and takes the subcommand or the options that README shows."""
    program, *args = text.split()
    assert (nodes.ROOT / program).exists() or program == "build/dure"
    if program == "build/dure":
        done = nodes.dure(*args[:1], "--help")
        assert done.returncode == 0 and b"Usage" in done.stdout
    for option in [arg for arg in args if arg.startswith("--") and program == "./cmd/up"]:
        usage = subprocess.run([nodes.ROOT / program, "--help"], capture_output=True, check=True)
        assert option.encode() in usage.stdout


def test_what_cannot_be_done(fresh):
    """The refusals that README lists are what the node says."""
    api = fresh.client()
    for path, body in (("/inventories", {"stockName": "TV", "stockCount": 1000, "price": 1000}),
                       ("/pays", {"userId": 1, "payAmount": 10**9}),
                       ("/pays", {"userId": 2, "payAmount": 1})):
        assert api.post(path, body).status_code == 201

    def order(**fields):
        return api.post("/orders", {"productId": 1, "userId": 1, **fields})
    text = re.search(r"What cannot be done.*?\n\n", README, re.S).group(0).replace("\n", " ")
    for wish, answer in (("1001 pieces of 1000 → 409 `재고부족`", order(quantity=1001)),
                         ("too little money → 409 `잔액부족`", order(quantity=1, userId=2))):
        status, word = re.search(r"(\d+) `(\w+)`", wish).groups()
        assert wish in text and answer.status_code == int(status)
        assert word in answer.json()["detail"]
    assert "a second cancel → 409" in text
    kept = order(quantity=1).json()["_links"]["self"]["href"]
    assert [api.delete(kept).status_code for _ in range(2)] == [204, 409]
    assert "a quantity of 0 → 400 naming the field" in text
    refused = order(quantity=0)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["quantity"]


def test_paths_that_readme_names(fresh):
    """Every other path that README names answers."""
    paths = set(re.findall(r"`(/[a-z]+)`", README)) - {"/shop"}
    assert {"/metrics", "/livez", "/readyz", "/sagas"} <= paths
    for path in paths:
        assert fresh.client().get(path).status_code == 200, path
