"""A real Prometheus, on loopback, that scrapes as docs/prometheus.yml says."""
import functools
import subprocess

from node import ROOT, Client, wait_until
from ports import free_port

DOCS = ROOT / "docs"


@functools.lru_cache
def program(name):
    """The path of prometheus or promtool; Debian's package is fetched when there is none."""
    return subprocess.run([ROOT / "tests" / "lib" / "prometheus", name], check=True, timeout=300,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


class Prometheus:
    """It outlives neither this process nor stop(). Asks and judges twice a second."""

    def __init__(self, directory, target):
        directory.mkdir()
        self.log = directory / "log"
        self.port = free_port(self)
        text = (DOCS / "prometheus.yml").read_text("utf-8")
        for old, new in (("127.0.0.1:8088", f"127.0.0.1:{target}"),
                         ("prometheus-rules.yml", str(DOCS / "prometheus-rules.yml")),
                         ("scrape_interval: 15s", "scrape_interval: 500ms"),
                         ("evaluation_interval: 15s", "evaluation_interval: 500ms")):
            assert f"{old}\n" in text or f'{old}"' in text, old
            text = text.replace(old, new)
        (directory / "prometheus.yml").write_text(text)
        self.api = Client(f"http://127.0.0.1:{self.port}/api/v1")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", program("prometheus"),
                 "--config.file", directory / "prometheus.yml", "--storage.tsdb.path",
                 directory / "data", "--web.listen-address", f"127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(lambda: self.query('up{job="dure"} == 1'), 60, "the first scrape")
        except AssertionError:
            self.stop()
            raise AssertionError(self.log.read_text("utf-8")[-4000:])

    def query(self, expression):
        """[(labels, value)] now; none while it starts."""
        try:
            answer = self.api.get("/query", params={"query": expression})
        except OSError:
            return []
        if answer.status_code == 503:
            return []
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        result = answer.json()["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def target(self):
        target, = self.api.get("/targets").json()["data"]["activeTargets"]
        return target

    def alerts(self):
        """{(name, node): state} of those that are not quiet."""
        alerts = self.api.get("/alerts").json()["data"]["alerts"]
        return {(one["labels"]["alertname"], one["labels"].get("node")): one["state"]
                for one in alerts}

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
