"""`meson install`: what it puts where, and that the installed service's configuration is one."""
import os
import pathlib
import re
import subprocess

import pytest

import node as nodes
from shop import Shop
from up import Up

BUILD = pathlib.Path(nodes.BINARY).parent


def install(root):
    subprocess.run(["meson", "install", "--no-rebuild", "-C", BUILD, "--destdir", root],
                   check=True, capture_output=True, timeout=120)


def found(root):
    return {"/" + str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


@pytest.fixture(name="root", scope="module")
def installed(tmp_path_factory):
    """A tree with everything in it."""
    root = tmp_path_factory.mktemp("installed")
    install(root)
    return root


def test_files(root):
    """The binary, the service, its account and directory, its configuration."""
    assert found(root) >= {
        "/usr/local/bin/dure", "/usr/local/etc/dure/dure.conf",
        "/usr/local/lib/systemd/system/dure.service", "/usr/local/lib/sysusers.d/dure.conf",
        "/usr/local/lib/tmpfiles.d/dure.conf"}
    assert os.access(root / "usr/local/bin/dure", os.X_OK)
    done = nodes.dure("--version", binary=str(root / "usr/local/bin/dure"))
    assert done.returncode == 0 and done.stdout.startswith(b"dure ")


def test_unit_runs_what_is_installed(root):
    """The unit names the binary and the configuration where they lie."""
    unit = (root / "usr/local/lib/systemd/system/dure.service").read_text("utf-8")
    program, *words = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
    assert words[:2] == ["up", "--config"]
    assert {program, words[2]} <= found(root)
    assert "@" not in unit.replace("@system-service", "").replace("@privileged", "").replace(
        "@resources", "")


def test_changed_configuration_is_kept(tmp_path):
    """A second installation leaves the configuration as its owner has made it."""
    install(tmp_path)
    mine = tmp_path / "usr/local/etc/dure/dure.conf"
    mine.write_text("nodes = 1\n")
    install(tmp_path)
    assert mine.read_text("utf-8") == "nodes = 1\n"


@pytest.mark.parametrize("all_settings", [False, True], ids=["as it is", "every line in force"])
def test_configuration_works(root, tmp_path, all_settings):
    """The installed file is one that `dure up` takes, its examples included."""
    text = (root / "usr/local/etc/dure/dure.conf").read_text("utf-8")
    examples = re.findall(r"^# ([a-z-]+ = .*)$", text, re.M)
    assert len(examples) > 8
    config = tmp_path / "dure.conf"
    config.write_text("\n".join([text, *examples] if all_settings else [text]))
    up = Up(tmp_path / "data", "--config", str(config)).start()
    Shop(up.client()).open().ordered(1)
    up.stop()
