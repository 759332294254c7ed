"""A real cluster under mixed load, hit again and again, and what is left of it.

A Cluster is one data directory of three nodes that lives through many rounds. A round: load from
several threads (the shop's here, the other systems' in mixed/), faults at random moments (faults.py),
until every node is back; then the load ends, what had no answer is repeated with its key, and
everything that the cluster shows is compared with everything that it ever answered (checks/, one
invariant a file). Subscribers follow the event stream through all of it (subscribers.py), and must
have got all of it after each round. At the end the cluster is stopped, and the journals themselves
are looked at.
"""
import random
import re
import threading
import time

from checks import check_all, check_streams, journals, stream_journals
from faults import some_fault
from mixed import Mixed
from node import dure, wait_until
from recording import MONEY, SETTLE_S, Connection, Gone, Record, Shown, Stubborn, open_shop
from shop import DONE, PENDING
from stream import StreamUp
from subscribers import Subscribers

NODES, WORKERS, BULK_LINES, BETWEEN_BULKS = 3, 3, 40, 10
ANSWER_S = 5  # A suspended node holds a connection no longer than this.


class Cluster:
    """A data directory through its rounds. `seed` decides what is asked and what is hit when."""

    def __init__(self, path, seed, say=print):
        self.random = random.Random(seed)
        self.say = say
        self.up = StreamUp(path, count=NODES)
        self.record = self.mixed = self.subscribers = None
        self.kills = self.rounds = 0
        self.failures = []
        self.stopping = threading.Event()

    def open(self):
        self.up.start()
        self.subscribers = Subscribers(self.up)
        self.record = Record(open_shop(self.connect()))
        self.mixed = Mixed(self.up.port, ANSWER_S)
        self.mixed.open()
        return self

    def connect(self):
        return Connection(self.up.port)

    def close(self):
        """Stops it in order; then the journals must agree with everything, too."""
        self.quiet()
        shown = Shown.of(self.connect())
        self.subscribers.replay()
        check_streams(self.subscribers)
        self.subscribers.stop()
        self.up.stop()
        directories = [self.up.data / f"node-{number}" for number in range(NODES)]
        checked = dure("verify", self.up.data)
        assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()
        events = journals.check(directories, shown)
        stream_journals.check(self.subscribers, events)
        self.mixed.check_journals(events)

    def abandon(self):
        if self.subscribers is not None:
            self.subscribers.abandon()
        if self.up.process is not None:
            self.up.process.terminate()
            self.up.process.wait()
            self.up.process = None

    # ---- load

    def guarded(self, work, seed):
        """Whatever goes wrong in a worker is reported by the main thread."""
        try:
            work(random.Random(seed))
        except BaseException as error:
            self.failures.append(error)
            self.stopping.set()

    def single(self, rng):
        connection = Stubborn(self.up.port, ANSWER_S)
        while not self.stopping.is_set():
            self.record.flow(rng).run(connection)
            if rng.random() < 0.2:  # Perhaps another node.
                connection = Stubborn(self.up.port, ANSWER_S)

    def bulk(self, rng):
        """Accounts and orders by the dozen, without keys: what gets no answer is never repeated."""
        stubborn = Stubborn(self.up.port, ANSWER_S)
        while not self.stopping.is_set():
            try:
                self.batch(Connection(self.up.port, ANSWER_S), rng)
            except (Gone, AssertionError) as error:
                if not isinstance(error, Gone) and "503" not in str(error):
                    raise
            for _ in range(BETWEEN_BULKS):
                self.record.flow(rng).run(stubborn)

    def batch(self, connection, rng):
        lines = self.record.batch(rng, BULK_LINES)
        for result, line in zip(connection.stream("/shop/pays", [
                {"userId": line.user, "payAmount": MONEY} for line in lines]), lines):
            assert result["status"] in (201, 503), result
            self.record.accounts[line.user] = result["status"] == 201
        self.record.lines += lines
        for result, line in zip(connection.stream("/shop/orders", [
                {"productId": line.product, "quantity": line.quantity, "userId": line.user}
                for line in lines]), lines):
            assert result["status"] in (201, 409, 503), result
            line.result = result

    # ---- one round

    def round(self):
        rng, self.stopping = self.random, threading.Event()
        works = [self.single] * WORKERS + [self.bulk] + self.mixed.works(self.stopping)
        threads = [threading.Thread(target=self.guarded, args=(work, rng.getrandbits(32)))
                   for work in works]
        known, before, hits = len(self.record.flows), len(self.mixed.journeys), []
        for thread in threads:
            thread.start()
        for _ in range(rng.choice((1, 1, 2, 3))):
            time.sleep(rng.uniform(0.05, 0.4))  # When it happens is the experiment.
            name, kills = some_fault(self.up, rng)
            self.kills += kills
            hits.append(name)
            self.subscribers.disturb(rng)
        self.up.await_ready()
        self.stopping.set()
        for thread in threads:
            thread.join()
        if self.failures:
            raise self.failures[0]
        self.quiet()
        self.repeat(known)
        self.mixed.repeat(before, rng)
        self.quiet()
        check_all(self.record, Shown.of(self.connect()), rng)
        self.mixed.check(self.connect())
        self.subscribers.replay()
        check_streams(self.subscribers)
        self.up.check()
        self.rounds += 1
        self.say(f"  round {self.rounds}: {', '.join(hits)}; {len(self.record.flows)} flows, "
                 f"{len(self.record.lines)} bulk orders, {self.mixed}, "
                 f"{len(self.subscribers.replayed)} events so far, {self.kills} kills")

    def quiet(self):
        """Waits until nothing is under way: no command, no saga, no message, and no new record."""
        self.up.await_ready()
        before = []

        def still():
            nonlocal before
            says = [member["says"] or {} for member in self.up.members()]
            now = [says_one.get("lsn") for says_one in says]
            same, before = now == before and None not in now, now
            return same and all(one["commands"] == one["sagas"] == one["unacknowledged"] == 0
                                for one in says)
        wait_until(still, SETTLE_S, "everything to come to rest")

    def repeat(self, known):
        """Repeats by key, at any node: the same answer again, and one for what had none."""
        recent, old = self.record.flows[known:], self.record.flows[:known]
        for flow in recent + self.random.sample(old, min(len(old), 20)):
            connection = self.connect() if self.random.random() < 0.2 else None
            connection = connection or Stubborn(self.up.port, ANSWER_S)
            for request in flow.requests:
                again = wait_until(lambda r=request, c=connection: r.send(c), SETTLE_S, request.key)
                if request.reply is not None:
                    assert again == request.reply, f"{request} was answered differently: {again}"
                request.reply = again
                flow.judge(request)
            flow.run(connection)  # A flow that was cut short goes on to its end.
            if flow.status() == 201:
                assert flow.requests[1].reply.json()["status"] in (DONE, PENDING), flow

    def slowest_return_s(self):
        """The longest time for which a node was down, as the supervisor tells."""
        times = re.findall(r"ready again, down for (\d+\.\d+) s", self.up.said())
        return max(map(float, times), default=0.0)


def run(path, seed, rounds, kills=0, say=print):
    """Rounds on one directory, and more until so many kills; returns (kills, slowest return in s)."""
    cluster = Cluster(path, seed, say)
    try:
        cluster.open()
        while cluster.rounds < rounds or cluster.kills < kills:
            cluster.round()
        cluster.close()
    finally:
        cluster.abandon()
    return cluster.kills, cluster.slowest_return_s()
