"""Those who follow the event stream of a cluster while it is hit, one through each door.

    tail     dure tail --json, one process for the whole time
    group    dure tail --group, its output in a file; killed with -9 and started again
    sse      GET /events with Last-Event-ID, again at some node whenever it ends, now and then by itself
    topic    the same with a topic
    nng      a plain SUB socket, and a REQ one that fetches what SUB has lost

Each only ever gathers what comes, as users would; what they have gathered is for checks/ to judge,
against `replayed`: what the replay door tells of all shards once everything is at rest.
"""
import http.client
import json
import subprocess
import threading

import node as nodes
import stream

SYSTEMS = ["shop.", "dr.", "bike.", "secondhand.", "food."]
RETRY_S = 0.05  # Between attempts to connect to something that is down.


class Tail:
    topic = ""

    def __init__(self, up):
        self.process = stream.tail(up, "--from", "start")

    def events(self):
        status = self.process.process.poll()
        assert status is None, f"dure tail ended with {status}"
        return self.process.events

    def disturb(self, _rng):
        """It goes on by itself, whatever happens."""

    def stop(self):
        assert self.process.stop() == 0


class Group:
    """Its file is all that it leaves; a line without an end was being written when it was killed."""
    topic = ""

    def __init__(self, up, path):
        self.command = stream.tail_command(up, "--json", "--group", "crash", "--from", "start")
        self.path, self.parsed, self.at = path, [], 0
        self.process = None
        self.launch()

    def launch(self):
        with open(self.path, "ab") as file, open(f"{self.path}.log", "ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.command],
                                            stdin=subprocess.DEVNULL, stdout=file, stderr=log,
                                            env=nodes.ENV)

    def events(self):
        status = self.process.poll()
        assert status is None, f"dure tail --group ended with {status}: see {self.path}.log"
        with open(self.path, "rb") as file:
            file.seek(self.at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.parsed.append(json.loads(line))
                self.at += len(line)
        return self.parsed

    def disturb(self, rng):
        if rng.random() < 0.5:
            self.process.kill()
            self.process.wait()
            self.launch()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0


class Follower:
    """Something of ours that follows in a thread until it is told to stop."""

    def __init__(self, up, topic):
        self.up, self.topic = up, topic
        self.gathered, self.failure = [], None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.guarded, daemon=True)
        self.thread.start()

    def guarded(self):
        try:
            self.follow()
        except BaseException as error:  # Reported by events().
            self.failure = error

    def events(self):
        if self.failure is not None:
            raise self.failure
        return self.gathered

    def disturb(self, rng):
        """For those that nothing else disturbs."""

    def stop(self):
        self.stopping.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.events()


class Sse(Follower):
    def __init__(self, up, topic=""):
        self.leave = threading.Event()
        super().__init__(up, topic)

    def connected(self, last_id):
        """A stream that goes on behind last_id, from whichever node takes it; None: none does."""
        query = [f"topic={self.topic}"] * bool(self.topic) + ["from=start"] * (last_id is None)
        try:
            sse = stream.Sse(self.up, "?" + "&".join(query) if query else "", last_id=last_id,
                             into=self.gathered)
        except (OSError, http.client.HTTPException):
            return None
        if sse.response.status == 200:
            return sse
        body = sse.response.read()
        sse.connection.close()
        assert sse.response.status == 503, body
        return None

    def follow(self):
        last_id = None
        while not self.stopping.is_set():
            sse = self.connected(last_id)
            if sse is None:
                self.stopping.wait(RETRY_S)
                continue
            while not (sse.ended.wait(RETRY_S) or self.leave.is_set() or self.stopping.is_set()):
                pass
            self.leave.clear()
            sse.close()
            last_id = sse.last_id

    def disturb(self, rng):
        if rng.random() < 0.3:
            self.leave.set()


class Nng(Follower):
    """What SUB brings, if it is the next of its shard; what it did not bring, by REQ."""

    def follow(self):
        with stream.pynng.Sub0(dial=self.up.events_url, topics=self.topic or SYSTEMS,
                               recv_timeout=500) as live:
            self.at = None
            while not self.stopping.is_set():
                try:
                    line = live.recv()
                except stream.pynng.Timeout:
                    self.fill()  # What was lost last is followed by nothing that tells it.
                    continue
                event = json.loads(line[line.index(b"{"):])
                shard, sequence = stream.key(event)
                if self.at is None or sequence > self.at[str(shard)] + 1:
                    self.fill()
                if self.at is not None and sequence == self.at[str(shard)] + 1:
                    self.at[str(shard)] += 1
                    self.gathered.append(event)

    def fill(self):
        """As far as the nodes that answer know; who is down is asked again another time."""
        while not self.stopping.is_set():
            try:
                reply = self.up.ask({"from": self.at or "start"}, timeout=2000)
            except stream.pynng.NNGException:
                return
            if "error" in reply:
                assert reply["error"] == "unavailable", reply
                return
            self.gathered += reply["events"]
            self.at = {**(self.at or {}), **reply["next"]}
            if reply["end"]:
                return


class Subscribers:
    def __init__(self, up):
        self.up = up
        self.each = {"tail": Tail(up), "group": Group(up, up.data.with_name("group.json")),
                     "sse": Sse(up), "topic": Sse(up, "shop.pay."), "nng": Nng(up, "")}
        self.replayed, self.at = [], "start"

    def disturb(self, rng):
        """Some have a mishap of their own."""
        for one in self.each.values():
            one.disturb(rng)

    def replay(self):
        """Brings `replayed` up to now, with what every node tells."""
        while True:
            reply = self.up.ask({"from": self.at})
            if "error" in reply:
                assert reply["error"] == "unavailable", reply
                nodes.wait_until(lambda: "error" not in self.up.ask({"from": "end"}), 30, "replay")
                continue
            self.replayed += reply["events"]
            self.at = reply["next"] if self.at == "start" else {**self.at, **reply["next"]}
            if reply.get("missing"):
                nodes.wait_until(lambda: "missing" not in self.up.ask({"from": "end"}), 30,
                                 "every node to answer replay")
            elif reply["end"]:
                return

    def stop(self):
        for one in self.each.values():
            one.stop()

    def abandon(self):
        """Whatever state they are in."""
        for one in self.each.values():
            if isinstance(one, Follower):
                one.stopping.set()
        for process in (self.each["tail"].process.process, self.each["group"].process):
            process.kill()
            process.wait()
