"""How nodes reach one another: ipc, tcp and TLS, one common port, and what is refused at the start."""
import subprocess

import pytest

import node as nodes
from cluster import Cluster, is_whole
from node import free_port, wait_until
from shop import Shop


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)


def certificate(directory, name, common_name, ca=None):
    """A key and a certificate, by itself or of a CA that was made before."""
    openssl(directory, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    subject = ["-subj", f"/CN={common_name}", "-addext", f"subjectAltName=DNS:{common_name}"]
    if ca is None:
        openssl(directory, "req", "-x509", "-new", "-key", f"{name}.key", "-days", "2", *subject,
                "-out", f"{name}.pem")
        return
    openssl(directory, "req", "-new", "-key", f"{name}.key", *subject, "-out", f"{name}.csr")
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey",
            f"{ca}.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out",
            f"{name}.pem")


def addresses(scheme, count=3):
    return [f"{scheme}://127.0.0.1:{free_port()}" for _ in range(count)]


def tls_lines(name, common_name="dure"):
    return ["tls-ca = ca.pem", f"tls-cert = {name}.pem", f"tls-key = {name}.key",
            f"tls-name = {common_name}"]


def works(cluster):
    """An order whose product, account and saga lie on three nodes."""
    shop = Shop(cluster.client(), "/shop", user=1)
    shop.open(money=10_000, stock=10)
    shop.ordered(3)
    assert shop.holdings == (7000, 7)


def test_tcp(tmp_path):
    """A cluster over tcp:// works."""
    cluster = Cluster(tmp_path / "c", bus=addresses("tcp")).start()
    works(cluster)
    cluster.stop()


def test_tls(tmp_path):
    """A cluster over tls+tcp:// works, its files named relative to the cluster file."""
    directory = tmp_path / "c"
    directory.mkdir()
    certificate(directory, "ca", "test CA")
    certificate(directory, "node", "dure", ca="ca")
    cluster = Cluster(directory, bus=addresses("tls+tcp"), lines=tls_lines("node")).start()
    works(cluster)
    cluster.stop()


@pytest.mark.parametrize("who", ["stranger", "other"])
def test_tls_strangers(tmp_path, who):
    """Neither a certificate of another CA nor one of another name gets in."""
    directory = tmp_path / "c"
    directory.mkdir()
    certificate(directory, "ca", "test CA")
    certificate(directory, "node", "dure", ca="ca")
    certificate(directory, "stranger", "dure")
    certificate(directory, "other", "somebody", ca="ca")
    cluster = Cluster(directory, count=2, bus=addresses("tls+tcp", 2), lines=tls_lines("node"))
    cluster.start()
    cluster.nodes[1].stop()
    right = cluster.file.read_text()
    cluster.file.write_text(right.replace("node.pem", f"{who}.pem").replace("node.key", f"{who}.key"))
    cluster.nodes[1].start()
    client = cluster.nodes[0].client()
    wait_until(lambda: not is_whole(client), what="the end of the old node")
    # It is dialled every 0.2 s: silence for longer than that is no accident.
    with pytest.raises(AssertionError, match="in vain"):
        wait_until(lambda: is_whole(client) or is_whole(cluster.nodes[1].client()), 1.5)
    cluster.nodes[1].stop()
    cluster.file.write_text(right)
    cluster.nodes[1].start()
    cluster.whole()
    cluster.stop()


def test_one_port(tmp_path):
    """All nodes on one port: whichever the kernel chooses answers for the cluster."""
    cluster = Cluster(tmp_path / "c", port=free_port())
    for one in cluster.nodes:
        one.launch()
    wait_until(cluster.nodes[0].ready, 30, "the port to be ready, which is when all of them are")
    cluster.whole()
    shop = Shop(cluster.nodes[0].client(), "/shop", user=1).open(money=10_000, stock=10)
    ids = set()
    for _ in range(200):
        answer = cluster.nodes[0].client().post("/shop/inventories", {
            "stockName": "n", "stockCount": 1, "price": 1}, headers={"Connection": "close"})
        ids.add(cluster.owner(answer.json()["id"]))
        if len(ids) == 3:
            break
    assert ids == {0, 1, 2}  # Every node has taken some.
    for _ in range(5):
        shop.api = cluster.nodes[0].client()
        shop.ordered(1)
    assert shop.holdings == (5000, 5)
    cluster.stop()


def test_a_long_directory(tmp_path):
    """A directory whose socket paths are too long for the kernel is no obstacle."""
    directory = tmp_path / ("d" * 150)
    cluster = Cluster(directory).start()
    works(cluster)
    cluster.stop()


@pytest.mark.parametrize("change, words", [
    (lambda text: text.replace("nodes = 3", "nodes = 4"), "bus-3 is missing"),
    (lambda text: text.replace("shards = 64", "shards = 2"), "nodes are more than shards"),
    (lambda text: text.replace("shards = 64", "shards = x"), "shards is no number"),
    (lambda text: text.replace("bus-1 = ipc", "bus-1 = ftp"), "bus-1 is no address"),
    (lambda text: text.replace("bus-1 = ipc://run/node-1.bus", "bus-1 = tls+tcp://h:1"), "tls-ca"),
    (lambda text: text + "events-0 = ipc://x\n", "events-0 is no address"),
    (lambda text: text + "replay-9x = tcp://127.0.0.1:1\n", "replay-9x names no node"),
    (lambda text: text + "events-0 = tcp://127.0.0.1:1\n", "events-0 and replay-0 are for every node"),
    (lambda text: text + "replay-1 = tcp://127.0.0.1:1\n", "events-1 and replay-1 are for every node"),
    (lambda text: text + "color = red\n", "color is no setting of a cluster file"),
    (lambda text: text + "just words\n", "\"=\" is missing after just"),
    (lambda text: text.replace("nodes = 3\n", ""), "nodes is missing"),
    (lambda text: "", "shards is missing"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_cluster_files(tmp_path, change, words):
    """A cluster file that makes no sense ends the start with a sentence that says why."""
    cluster = Cluster(tmp_path / "c")
    cluster.file.write_text(change(cluster.file.read_text()))
    done = nodes.dure("node", "--cluster", cluster.file, "--node", 0, "--http", 0)
    assert done.returncode == 2 and words in done.stderr.decode()
    assert not (tmp_path / "c" / "node-0").exists()


def test_no_such_node(tmp_path):
    """A number that no node has, and a file that is not there, are said so."""
    cluster = Cluster(tmp_path / "c")
    done = nodes.dure("node", "--cluster", cluster.file, "--node", 3, "--http", 0)
    assert done.returncode == 2 and "there is no node 3" in done.stderr.decode()
    done = nodes.dure("node", "--cluster", tmp_path / "none", "--node", 0, "--http", 0)
    assert done.returncode == 2 and "none" in done.stderr.decode()


def test_a_node_that_runs_already(tmp_path):
    """A second process for the same node is refused, and the first goes on."""
    cluster = Cluster(tmp_path / "c").start()
    done = nodes.dure("node", "--cluster", cluster.file, "--node", 1, "--http", 0)
    assert done.returncode == 1 and str(cluster.nodes[1].data) in done.stderr.decode()
    works(cluster)
    cluster.stop()


@pytest.mark.parametrize("change", [
    lambda text: text.replace("shards = 64", "shards = 32"),
    lambda text: text.replace("nodes = 3", "nodes = 2").replace("bus-2 = ipc://run/node-2.bus\n", ""),
], ids=["shards", "nodes"])
def test_a_directory_of_another_cluster(tmp_path, change):
    """Data made for other shards or another number of nodes is not opened: its ids would lie."""
    cluster = Cluster(tmp_path / "c").start()
    works(cluster)
    cluster.stop()
    cluster.file.write_text(change(cluster.file.read_text()))
    done = nodes.dure("node", "--cluster", cluster.file, "--node", 0, "--http", 0)
    assert done.returncode == 2 and "cluster" in done.stderr.decode(), done.stderr


def test_a_directory_used_alone(tmp_path):
    """A node's directory of a cluster is not opened as if it were all, nor the other way round."""
    cluster = Cluster(tmp_path / "c").start()
    cluster.stop()
    done = nodes.dure("node", "--data", cluster.nodes[0].data, "--http", 0)
    assert done.returncode == 2 and "cluster" in done.stderr.decode(), done.stderr
    alone = nodes.Node(tmp_path / "c" / "alone").start()
    alone.stop()
    (tmp_path / "c" / "node-0").rename(tmp_path / "c" / "before")
    alone.data.rename(tmp_path / "c" / "node-0")
    done = nodes.dure("node", "--cluster", cluster.file, "--node", 0, "--http", 0)
    assert done.returncode == 2 and "cluster" in done.stderr.decode(), done.stderr
