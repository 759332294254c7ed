"""docs/deploy without a cluster: the manifests by Kubernetes' own schemas, the image by building it,
and the StatefulSet by running its pods' commands in the image's file system.

What is not there is stood in for: the registry's debian:12-slim by a tree of debootstrap, the
cluster's DNS by /etc/hosts, pods by mount namespaces, each with an address of its own on loopback.
Needs root.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest
import yaml

import stream
from cluster import is_whole
from node import Client, ROOT, free_port, wait_until
from shop import Shop
from tree import pristine

DEPLOY = ROOT / "docs" / "deploy"
FILES = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml")
               if path.name != "kustomization.yaml")
VALIDATE = ROOT / "tests" / "deploy" / "validate.mjs"
VERSION = re.search(r"^  version: '(.*)',$", (ROOT / "meson.build").read_text("utf-8"), re.M).group(1)


def documents():
    return {(one["kind"], one["metadata"]["name"]): one
            for path in FILES for one in yaml.safe_load_all(path.read_text("utf-8"))}


ALL = documents()
SET = ALL["StatefulSet", "dure"]["spec"]
POD = SET["template"]["spec"]
CONTAINER = POD["containers"][0]
CLUSTER = ALL["ConfigMap", "dure-cluster"]["data"]["cluster"]


# ---- The manifests

def findings(*paths):
    done = subprocess.run(["node", VALIDATE, *paths], check=True, capture_output=True, timeout=120)
    return json.loads(done.stdout)


def test_schemas():
    """Every manifest is what the schema of its kind says, and has no field that it does not know."""
    assert len(FILES) == 7 and len(ALL) == 8
    assert findings(*FILES) == []


@pytest.mark.parametrize("old,new,words", [
    ("replicas: 3", "replicas: three", "data/spec/replicas must be integer"),
    ("readinessProbe:", "readynessProbe:", "'\"readynessProbe\"' does not exist"),
    ("runAsNonRoot: true", 'runAsNonRoot: "yes"', "must be boolean"),
    ("  selector:\n    matchLabels: {app.kubernetes.io/name: dure}\n", "",
     "must have required property selector"),
    ("kind: StatefulSet", "kind: StatefulSets", "there is no StatefulSets in apps/v1"),
    ("apiVersion: apps/v1", "apiVersion: apps/v9", "there is no StatefulSet in apps/v9"),
    ("  replicas: 3", "  replicas: 3\n  replicas: 3", "unique"),
])
def test_the_check_looks(tmp_path, old, new, words):
    """The same check finds what is wrong in a broken one."""
    text = (DEPLOY / "kubernetes" / "statefulset.yaml").read_text("utf-8")
    assert old in text
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace(old, new, 1))
    said = "\n".join(one["message"] for one in findings(path))
    assert re.search(words, said), said


def test_kustomization_has_all():
    """`kubectl apply --kustomize` applies every file, into the namespace that there is."""
    told = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))
    assert sorted(told["resources"]) == [path.name for path in FILES]
    assert ("Namespace", told["namespace"]) in ALL


def test_one_number_of_nodes():
    """Replicas, the cluster file and both bounds of the autoscaler agree: nothing can be scaled."""
    count = SET["replicas"]
    scaler = ALL["HorizontalPodAutoscaler", "dure"]["spec"]
    assert re.search(rf"^nodes = {count}$", CLUSTER, re.M)
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (count, count)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dure"}
    assert ALL["PodDisruptionBudget", "dure"]["spec"]["maxUnavailable"] == 1
    assert ALL["ConfigMap", "dure-cluster"]["immutable"] is True


def test_names_meet():
    """Selectors choose the pods, names in the cluster file are those that the pods get, ports are
    ports of the container."""
    labels = SET["template"]["metadata"]["labels"]
    for kind, name, where in (("Service", "dure", "selector"), ("Service", "dure-nodes", "selector")):
        assert ALL[kind, name]["spec"][where] == labels
    for owner in (SET, ALL["PodDisruptionBudget", "dure"]["spec"]):
        assert owner["selector"]["matchLabels"] == labels
    assert ALL["NetworkPolicy", "dure"]["spec"]["podSelector"]["matchLabels"] == labels
    assert ("Service", SET["serviceName"]) in ALL
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    for door in ("bus", "events", "replay"):
        for i in range(SET["replicas"]):
            assert f"{door}-{i} = tcp://dure-{i}.{SET['serviceName']}.dure.svc.cluster.local:" \
                   f"{ports[door]}\n" in CLUSTER
    for name in ("dure", "dure-nodes"):
        for port in ALL["Service", name]["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]
    for rule in ALL["NetworkPolicy", "dure"]["spec"]["ingress"]:
        assert {port["port"] for port in rule["ports"]} <= ports.keys()
        assert ("from" in rule) == (rule["ports"][0]["port"] != "http")
    assert CONTAINER["image"] == f"dure:{VERSION}"


def test_pods_are_confined():
    """No root, no capabilities, nothing to write but the volume; limits and probes are there."""
    assert POD["securityContext"]["runAsNonRoot"] and POD["securityContext"]["runAsUser"] == 10001
    assert POD["securityContext"]["fsGroup"] == 10001
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    assert CONTAINER["resources"]["limits"].keys() == {"cpu", "memory"}
    for name, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
        assert CONTAINER[f"{name}Probe"]["httpGet"] == {"path": path, "port": "http"}
    assert POD["enableServiceLinks"] is False


# ---- The image

class Images:
    """buildah with a store of its own."""

    def __init__(self, directory):
        self.directory = directory

    def __call__(self, *words, timeout=120):
        done = subprocess.run(
            ["buildah", "--root", self.directory / "root", "--runroot", self.directory / "run",
             "--storage-driver", "vfs", *words], check=False, capture_output=True, text=True,
            cwd=ROOT, timeout=timeout)
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()


@pytest.fixture(name="images", scope="module")
def image_store(tmp_path_factory):
    images = Images(tmp_path_factory.mktemp("images"))
    base = images("from", "scratch")
    images("add", "--quiet", base, pristine(), "/")
    images("commit", "--quiet", base, "docker.io/library/debian:12-slim")
    yield images
    images("umount", "--all")
    shutil.rmtree(images.directory)


@pytest.fixture(name="image", scope="module")
def built_image(images):
    """Its file system, and how it is run."""
    images("build", "--isolation", "chroot", "--pull=never", "--format", "docker", "--file",
           "docs/deploy/Containerfile", "--tag", CONTAINER["image"], ".", timeout=1800)
    container = images("from", "--pull=never", CONTAINER["image"])
    told = json.loads(images("inspect", "--type", "image", CONTAINER["image"]))
    return pathlib.Path(images("mount", container)), told["Docker"]["config"]


def test_image(image):
    """It runs as the user that Kubernetes is told, has dure and no compiler, and is not large."""
    root, config = image
    assert config["User"] == "10001:10001" and config["Entrypoint"] == ["/usr/bin/dure"]
    assert config["Cmd"] == ["up"] and "/var/lib/dure" in config["Volumes"]
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "/usr/bin/dure"]
    state = os.stat(root / "var/lib/dure")
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (10001, 10001, 0o700)
    assert not (root / "source").exists() and not list((root / "usr/bin").glob("*gcc*"))
    assert not list((root / "var/lib/apt/lists").iterdir())


# In the image's file system, which cannot be written to but for the volume: $1 the root, $2 the
# volume, $3 the file of names, $4 the cluster file or "". Then the command.
CONFINED = """
set -e
root=$1 volume=$2 hosts=$3 cluster=$4
shift 4
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --bind "$hosts" "$root/etc/hosts"
mount --bind "$volume" "$root/var/lib/dure"
if [ -n "$cluster" ]; then
    touch "$root/var/lib/dure/cluster"
    mount --bind "$cluster" "$root/var/lib/dure/cluster"
fi
exec chroot "$root" setpriv --reuid=10001 --regid=10001 --clear-groups --bounding-set=-all \\
    --no-new-privs --pdeathsig=KILL "$@"
"""


class Container:
    """A process in the image, as its runtime would start it."""

    def __init__(self, image, directory, environment, hosts="", cluster=""):
        self.root, self.config = image
        self.directory = directory
        self.environment = dict(one.split("=", 1) for one in self.config["Env"]) | environment
        (directory / "volume").mkdir(parents=True)
        os.chown(directory / "volume", 10001, 10001)
        (directory / "hosts").write_text("127.0.0.1 localhost\n" + hosts)
        self.cluster = directory / "cluster" if cluster else ""
        if cluster:
            self.cluster.write_text(cluster)
        self.log = directory / "log"
        self.process = None

    def command(self, *words):
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", CONFINED, "sh",
                self.root, self.directory / "volume", self.directory / "hosts", self.cluster,
                "env", "-i", *(f"{name}={value}" for name, value in self.environment.items()), *words]

    def start(self, *args):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*self.config["Entrypoint"], *(args or self.config["Cmd"])),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def run(self, *words):
        return subprocess.run(self.command(*words), check=False, capture_output=True, text=True,
                              timeout=60)

    def said(self):
        return self.log.read_text("utf-8", "replace")

    def stop(self, how=signal.SIGTERM):
        process, self.process = self.process, None
        process.send_signal(how)
        status = process.wait(30)
        assert how != signal.SIGTERM or status == 0, self.said()


def test_image_runs_a_cluster(image, tmp_path):
    """As it is, the image runs `dure up`; its health check follows it."""
    ports = [free_port() for _ in range(3)]
    one = Container(image, tmp_path / "one", {
        "DURE_HOST": "127.0.0.1", "DURE_HTTP": str(ports[0]), "DURE_EVENTS": str(ports[1]),
        "DURE_REPLAY": str(ports[2])})
    health = one.config["Healthcheck"]["Test"][1:]
    assert one.run(*health).returncode != 0
    one.start()
    try:
        wait_until(lambda: one.run(*health).returncode == 0, 30, "its health")
        Shop(Client(f"http://127.0.0.1:{ports[0]}"), "/shop").open().ordered(1)
    finally:
        one.stop()
    assert one.said().count(": stopped\n") == 3


# ---- The StatefulSet

class Pod(Container):
    """Pod `number` of the StatefulSet: its environment, names and files, but an address of its own."""

    def __init__(self, image, directory, number, ports, extra=None):
        self.address = f"127.0.1.{number + 1}"
        hosts = "".join(f"127.0.1.{i + 1} dure-{i}.dure-nodes.dure.svc.cluster.local\n"
                        for i in range(SET["replicas"]))
        cluster = CLUSTER
        for port, here in ports.items():
            cluster = cluster.replace(f":{port}\n", f":{here}\n")
        environment = {one["name"]: one.get("value", str(number)) for one in CONTAINER["env"]}
        field, = (one["valueFrom"]["fieldRef"]["fieldPath"] for one in CONTAINER["env"]
                  if "valueFrom" in one)
        assert field == "metadata.labels['apps.kubernetes.io/pod-index']"
        assert environment["DURE_HOST"] == "0.0.0.0"
        self.port = ports[8088]
        super().__init__(image, directory, environment | (extra or {}) | {
            "DURE_HOST": self.address, "DURE_HTTP": str(self.port)}, hosts, cluster)
        self.url = f"http://{self.address}:{self.port}"

    def start(self, *args):
        return super().start(*(args or CONTAINER["args"]))

    def client(self, prefix=""):
        return Client(self.url + prefix)

    def probe(self, name):
        try:
            path = CONTAINER[f"{name}Probe"]["httpGet"]["path"]
            return self.client().get(path, timeout=5).status_code == 200
        except OSError:
            return False


@pytest.fixture(name="ports", scope="module")
def ports_here():
    return {port: free_port() for port in (8088, 4600, 4601, 4602)}


@pytest.fixture(name="pods", scope="module")
def stateful_set(image, ports, tmp_path_factory):
    directory = tmp_path_factory.mktemp("pods")
    pods = [Pod(image, directory / str(i), i, ports) for i in range(SET["replicas"])]
    for pod in pods:
        pod.start()
    try:
        for pod in pods:
            wait_until(lambda pod=pod: pod.probe("readiness"), 30, pod.said())
        yield pods
    finally:
        for pod in pods:
            if pod.process is not None:
                pod.stop()


def together(pods):
    for pod in pods:
        wait_until(lambda pod=pod: is_whole(pod.client()), 30, "the pods to meet")


def events(pod):
    page = pod.client().get("/events?from=start&max=10000").json()
    return None if "missing" in page else page["events"]


def test_pods_are_one_cluster(pods):
    """Orders by any pod, lists and events of all of them by each."""
    together(pods)
    for user, pod in enumerate(pods, start=1):
        shop = Shop(pod.client(), "/shop", user=user).open()
        shop.ordered(1)
    shown = [wait_until(lambda pod=pod: events(pod), 30, "the events of all") for pod in pods]
    assert {stream.key(event)[0] % 3 for event in shown[0]} == {0, 1, 2}
    for one in shown[1:]:
        stream.same(one, shown[0])
    for pod in pods:
        assert pod.probe("liveness") and pod.probe("startup")
        assert pod.client().get("/shop/orders").json()["page"]["totalElements"] == 3
        assert pod.client().get("/metrics").text.count("dure_node_up{") == 3


def test_a_pod_is_killed(pods):
    """The others stay ready; started again on its volume, it has everything."""
    together(pods)
    before = [stream.key(event) for event in wait_until(lambda: events(pods[0]), 30, "events")]
    pods[1].stop(signal.SIGKILL)
    assert pods[0].probe("readiness") and pods[2].probe("readiness")
    wait_until(lambda: not is_whole(pods[0].client()), 30, "the others to notice")
    pods[1].start()
    together(pods)
    after = wait_until(lambda: events(pods[1]), 30, "the events of all")
    assert set(before) <= {stream.key(event) for event in after}


def test_one_pod_more_does_not_start(image, ports, tmp_path):
    """A fourth replica ends with a sentence: that is why the autoscaler is bounded."""
    pod = Pod(image, tmp_path / "3", 3, ports).start()
    assert pod.process.wait(30) == 2 and "there is no node 3" in pod.said()


def test_service_links_would_break_it(image, ports, tmp_path):
    """The variable that Kubernetes makes of a Service called dure is refused: they must be off."""
    pod = Pod(image, tmp_path / "0", 0, ports, {"DURE_SERVICE_HOST": "10.0.0.1"}).start()
    assert pod.process.wait(30) == 2 and "DURE_SERVICE_HOST" in pod.said()


def test_limits_are_those_of_the_settings(pods):
    """The memory limit leaves room for the actors' budget, and for requests and answers under way."""
    told = pods[0].run("/usr/bin/dure", "node", "--print-config").stdout
    settings = dict(line.split(" = ", 1) for line in told.splitlines() if " = " in line)
    budget = int(settings["memory-mb"]) << 20
    budget += int(settings["requests-bytes-max"]) + int(settings["unread-bytes-max"])
    resources = CONTAINER["resources"]

    def size(text):
        return int(text[:-2]) << {"Mi": 20, "Gi": 30}[text[-2:]]
    assert budget <= size(resources["requests"]["memory"]) < size(resources["limits"]["memory"])
    graceful = int(settings["drain-ms"]) / 1000 + 0.5 + 10  # Then the supervisor would kill.
    pause = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] > graceful + pause
    assert (pods[0].root / CONTAINER["lifecycle"]["preStop"]["exec"]["command"][0].lstrip("/")).exists()
