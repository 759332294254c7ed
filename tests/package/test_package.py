"""The Debian package in a clean Debian: installed, run, booted with systemd, upgraded, purged.

The tests go on from each other, in their order, in one tree. They need root, and build-deb as
cmd/package leaves it.
"""
import json
import re
import subprocess

import pytest

import node as nodes
from node import wait_until
from tree import Tree
from up import Up

BUILT = nodes.ROOT / "build-deb"
IN_DEB = "/root/dure.deb"
DROP_IN = "/etc/systemd/system/dure.service.d/ports.conf"


@pytest.fixture(name="tree", scope="module")
def clean_debian(tmp_path_factory):
    tree = Tree(tmp_path_factory.mktemp("package") / "tree")
    tree.apt("update")
    yield tree
    tree.remove()


@pytest.fixture(name="deb", scope="module")
def built(tree):
    deb, = BUILT.glob("dure_*.deb")
    tree.path(IN_DEB).write_bytes(deb.read_bytes())
    return deb


class Installed(Up):
    """`dure up` in the tree, as the service's user, with the installed configuration."""

    def __init__(self, tree, log):
        super().__init__(log.with_suffix(""))
        self.tree = tree

    def command(self):
        return self.tree.command(
            "setpriv", "--reuid=dure", "--regid=dure", "--clear-groups", "--pdeathsig=TERM",
            "dure", "up", "--config", "/etc/dure/dure.conf", "--http", self.port,
            "--events", self.events, "--replay", self.replay)

    def status(self):
        told = self.tree.run("dure", "status", "--data", "/var/lib/dure", "--json", check=False)
        return json.loads(told.stdout) if told.stdout else None


def curl(port, path, body=None):
    """What curl gets: (status, object)."""
    words = ["curl", "-s", "--max-time", "10", "-w", "\n%{http_code}",
             f"http://127.0.0.1:{port}/shop{path}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    text, status = told.rsplit("\n", 1)
    return int(status), json.loads(text)


def order(port, user):
    """A product, an account, an order; returns the order's path."""
    _, product = curl(port, "/inventories", {"stockName": "TV", "stockCount": 9, "price": 1000})
    curl(port, "/pays", {"userId": user, "payAmount": 5000})
    status, made = curl(port, "/orders",
                        {"productId": product["id"], "quantity": 2, "userId": user})
    assert (status, made["status"]) == (201, "주문완료")
    return f"/orders/{made['id']}"


def accounts(tree):
    """The lines of all accounts, by file."""
    return {name: tree.path(f"/etc/{name}").read_text("utf-8").splitlines()
            for name in ("passwd", "group", "shadow", "gshadow")}


# What apt, dpkg and systemd write about themselves.
OF_DEBIAN = ("/proc", "/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/etc/ld.so.cache",
             "/var/lib/systemd", "/run", "/root", "/tmp")


# ---- Before

def test_lintian(deb):
    """Debian's own checker finds nothing."""
    changes, = BUILT.glob("dure_*.changes")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", changes],
                          check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr
    assert deb.stat().st_size > 100_000


def test_dependencies_are_enough(tree, deb):
    """Everything it needs is installed first, so that what changes from here on is ours alone."""
    assert deb.exists()
    told = tree.apt("--simulate", "install", IN_DEB)
    needed = [name for name in re.findall(r"^Inst (\S+)", told, re.M) if name != "dure"]
    assert "libuv1" in needed and "liblmdb0" in needed
    tree.apt("install", *needed)
    tree.before = tree.files(*OF_DEBIAN)
    tree.accounts = accounts(tree)


# ---- Installed

def test_install(tree):
    """The package brings the binary, an account without a login, and an empty directory of its own."""
    told = tree.apt("install", IN_DEB)
    assert "Setting up dure" in told
    assert re.search(r"^dure:x:\d+:\d+:[^:]*:/var/lib/dure:/usr/sbin/nologin$",
                     "\n".join(accounts(tree)["passwd"]), re.M)
    state = tree.run("stat", "-c", "%U %G %a", "/var/lib/dure").stdout.split()
    assert state == ["dure", "dure", "700"] and not list(tree.path("/var/lib/dure").iterdir())
    assert tree.run("dure", "--version").stdout.startswith("dure ")
    for name in ("man/man1/dure-up.1.gz", "bash-completion/completions/dure.bash",
                 "zsh/vendor-completions/_dure", "fish/vendor_completions.d/dure.fish"):
        assert tree.path(f"/usr/share/{name}").stat().st_size > 100, name
    conffiles = tree.run("dpkg-query", "-W", "-f", "${Conffiles}", "dure").stdout
    assert "/etc/dure/dure.conf" in conffiles


def test_runs_without_systemd(tree, tmp_path):
    """`dure up` from the package as its user: an order by curl is done, and there at the next start."""
    up = Installed(tree, tmp_path / "up.log").start()
    path = order(up.port, user=1)
    up.stop()
    up.start()
    assert curl(up.port, path)[1]["status"] == "주문완료"
    up.stop()
    told = tree.run("dure", "verify", "/var/lib/dure").stdout
    assert " 0 findings" in told


def test_unit(tree):
    """systemd has nothing to say against the unit, and little is left to attack."""
    done = tree.run("systemd-analyze", "verify", "--man=no", "dure.service")
    assert (done.stdout, done.stderr) == ("", "")
    told = tree.run("systemd-analyze", "security", "--offline=true", "--threshold=15",
                    "dure.service").stdout
    assert float(re.search(r"Overall exposure level for dure.service: (\S+)", told).group(1)) <= 1.5


@pytest.fixture(name="booted", scope="module")
def booted_system(tree):
    """The tree as a running system; returns it and the port of the service."""
    ports = Up("unused")
    drop_in = tree.path(DROP_IN)
    drop_in.parent.mkdir()
    drop_in.write_text(f"[Service]\nEnvironment=DURE_HTTP={ports.port} DURE_EVENTS={ports.events} "
                       f"DURE_REPLAY={ports.replay}\n")
    tree.boot()
    yield tree, ports.port
    tree.halt()


def show(tree, name):
    return tree.inside("systemctl", "show", "dure", "--property", name, "--value").stdout.strip()


def test_service(booted):
    """Booted, the service is ready when systemd says so, without privileges, and takes an order."""
    tree, port = booted
    assert show(tree, "ActiveState") == "active" and show(tree, "NRestarts") == "0"
    assert show(tree, "StatusText") == "3 of 3 nodes serve"
    order(port, user=2)
    process = tree.inside("cat", f"/proc/{show(tree, 'MainPID')}/status").stdout
    for line in (r"CapEff:\s+0+", r"CapBnd:\s+0+", r"NoNewPrivs:\s+1", r"Seccomp:\s+2"):
        assert re.search(rf"^{line}$", process, re.M), line
    uid = tree.inside("id", "-u", "dure").stdout.strip()
    assert uid != "0" and re.search(rf"^Uid:\s+{uid}\s+{uid}\s", process, re.M)


def test_service_restarts(booted):
    """A node that is killed is the supervisor's to start again; the supervisor is systemd's."""
    tree, port = booted
    main = show(tree, "MainPID")

    def member():
        told = tree.inside("dure", "status", "--data", "/var/lib/dure", "--json", check=False).stdout
        return json.loads(told)["members"][0]
    tree.inside("sh", "-c", f"kill -KILL {member()['pid']}")
    wait_until(lambda: member()["restarts"] == 1 and member()["state"] == "ready", 30,
               "the node to be back")
    assert show(tree, "MainPID") == main
    tree.inside("sh", "-c", f"kill -KILL {main}")
    wait_until(lambda: show(tree, "NRestarts") == "1" and show(tree, "ActiveState") == "active", 60,
               "the service to be back")
    order(port, user=3)


def test_service_stops_in_order(booted):
    """`systemctl stop` ends in success, with every node's checkpoint written; start and it serves."""
    tree, port = booted
    tree.inside("systemctl", "stop", "dure")
    assert show(tree, "Result") == "success" and show(tree, "ActiveState") == "inactive"
    log = tree.inside("journalctl", "--unit", "dure", "--output", "cat").stdout
    assert log.count(": stopped\n") == 3
    tree.inside("systemctl", "start", "dure")
    order(port, user=4)


def test_wrong_setting_is_not_tried_again(booted):
    """A configuration that cannot be fails at once, with the line in the log."""
    tree, _ = booted
    conf = tree.path("/etc/dure/dure.conf")
    text = conf.read_text("utf-8")
    conf.write_text(text + "nosuch = 1\n")
    done = tree.inside("systemctl", "restart", "dure", check=False)
    assert done.returncode != 0 and show(tree, "ActiveState") == "failed"
    assert "nosuch" in tree.inside("journalctl", "--unit", "dure", "--output", "cat").stdout
    conf.write_text(text)
    tree.inside("systemctl", "restart", "dure")


# ---- And gone

def test_reinstall_keeps_the_data(tree, booted):
    """A new installation stops and starts the service; what was ordered is there."""
    running, port = booted
    path = order(port, user=5)
    main = show(running, "MainPID")
    running.inside("dpkg", "--install", IN_DEB)
    wait_until(lambda: show(running, "ActiveState") == "active" and
               show(running, "MainPID") not in (main, "0"), 60, "the service to be back")
    assert curl(port, path)[1]["status"] == "주문완료"
    assert tree is running


def test_remove(booted):
    """Removal stops the service; configuration and data stay."""
    tree, port = booted
    tree.inside("dpkg", "--remove", "dure")
    assert not nodes.ready(port)
    assert tree.path("/etc/dure/dure.conf").exists() and tree.path("/var/lib/dure/node-0").exists()
    assert not tree.path("/usr/bin/dure").exists()


def test_purge_leaves_the_data(tree):
    """Purged, nothing is left but the data, and the account that owns it."""
    tree.halt()
    tree.path(DROP_IN).unlink()
    tree.path(DROP_IN).parent.rmdir()
    tree.apt("purge", "dure")
    after = tree.files(*OF_DEBIAN)
    data = {name for name in after if name.startswith("/var/lib/dure")}
    assert "/var/lib/dure/node-0/journal/data.mdb" in data
    assert after.keys() - tree.before.keys() - data == set()
    assert tree.before.keys() - after.keys() == set()
    for name, lines in accounts(tree).items():
        new = [line for line in lines if line not in tree.accounts[name]]
        assert all(line.startswith("dure:") for line in new), new
