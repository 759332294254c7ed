"""Kill -9 and look what is left: load that remembers every answer, and checks after each restart.

A Directory is one data directory that lives through many rounds. A round: load from several threads,
kill -9 at a random moment, restart, repeat with its key what got no answer, and compare everything
the node shows with everything it ever answered (checks/, one invariant a file).
"""
import random
import threading
import time

from checks import check_all
from node import Node, dure, wait_until
from recording import MONEY, SETTLE_S, Connection, Gone, Record, Shown, open_shop, settle
from shop import DONE, PENDING

WORKERS, BULK_LINES, BETWEEN_BULKS = 4, 60, 10


class Directory:
    """A data directory through its rounds. `seed` decides what is done and when it is killed."""

    def __init__(self, path, seed, say=print):
        self.random = random.Random(seed)
        self.say = say
        self.node = Node(path)
        self.record = None
        self.kills = 0
        self.failures = []

    def open(self):
        self.node.start()
        self.record = Record(open_shop(Connection(self.node.port)))
        return self

    def close(self):
        """Stops cleanly; a directory that has been killed many times must verify."""
        if self.node.process is not None:
            self.node.stop()
        self.verify()

    def abandon(self):
        self.node.kill()

    def verify(self):
        checked = dure("verify", self.node.data)
        assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()

    # ---- load

    def guarded(self, work, seed):
        """Runs a worker until the node is killed; whatever else goes wrong is a failure."""
        try:
            work(Connection(self.node.port), random.Random(seed))
        except Gone as error:
            if not self.killed:
                self.failures.append(error)
        except BaseException as error:  # Reported by the main thread.
            self.failures.append(error)

    def single(self, connection, rng):
        while not self.stopping.is_set():
            self.record.flow(rng).run(connection)

    def bulk(self, connection, rng):
        """Accounts and orders by the dozen, results noted one by one as they stream in."""
        while not self.stopping.is_set():
            lines = self.record.batch(rng, BULK_LINES)
            for result, line in zip(connection.stream("/shop/pays", [
                    {"userId": line.user, "payAmount": MONEY} for line in lines]), lines):
                assert result["status"] == 201, result
                self.record.accounts[line.user] = True
            self.record.lines += lines
            for result, line in zip(connection.stream("/shop/orders", [
                    {"productId": line.product, "quantity": line.quantity, "userId": line.user}
                    for line in lines]), lines):
                assert result["status"] in (201, 409), result
                line.result = result
            for _ in range(BETWEEN_BULKS):  # Each check walks all of it: not too much at a time.
                self.record.flow(rng).run(connection)

    # ---- one round

    def round(self):
        rng = self.random
        self.stopping, self.killed = threading.Event(), False
        works = [self.single] * WORKERS + [self.bulk]
        threads = [threading.Thread(target=self.guarded, args=(work, rng.getrandbits(32)))
                   for work in works]
        moment = rng.uniform(0, 0.05) if rng.random() < 0.2 else rng.uniform(0.2, 0.6)
        known = len(self.record.flows)
        for thread in threads:
            thread.start()
        time.sleep(moment)  # Not a wait for something: the moment of the crash is the experiment.
        self.killed = True
        self.node.kill()
        self.kills += 1
        self.stopping.set()
        for thread in threads:
            thread.join()
        self.raise_failures()

        if rng.random() < 0.15:  # And now and then once more, in the middle of recovery.
            self.kill_while_starting(rng.uniform(0, 0.1))
        self.node.start()
        connection = Connection(self.node.port)
        settle(connection)
        self.repeat(known)
        settle(connection)
        check_all(self.record, Shown.of(connection), rng)
        self.node.check()
        self.say(f"  kill {self.kills} after {moment * 1000:.0f} ms: {len(self.record.flows)} flows, "
                 f"{len(self.record.lines)} bulk orders so far")

    def kill_while_starting(self, after_s):
        killer = threading.Timer(after_s, lambda: self.node.process and self.node.process.kill())
        killer.start()
        try:
            self.node.start()
        except AssertionError:
            pass  # It was killed before it was ready.
        killer.join()
        self.node.kill()
        self.kills += 1

    def raise_failures(self):
        if self.failures:
            raise self.failures[0]

    def repeat(self, known):
        """Repeats by key: what had no answer gets one now, what had one gets the same again."""
        connection = Connection(self.node.port)
        recent, old = self.record.flows[known:], self.record.flows[:known]
        for flow in recent + self.random.sample(old, min(len(old), 20)):
            for request in flow.requests:
                again = wait_until(lambda r=request: r.send(connection), SETTLE_S, request.key)
                if request.reply is not None:
                    assert again == request.reply, f"{request} was answered differently: {again}"
                request.reply = again
                flow.judge(request)
            flow.run(connection)  # A flow that the kill cut short goes on to its end.
            if flow.requests[1].reply.status == 201:
                assert flow.requests[1].reply.json()["status"] in (DONE, PENDING), flow


def run(path, seed, rounds, say=print):
    """Rounds on one directory, verified after half of them and at the end; returns the kills."""
    directory = Directory(path, seed, say).open()
    try:
        for number in range(rounds):
            directory.round()
            if number == rounds // 2:
                directory.close()
                directory.node.start()
        directory.close()
    finally:
        directory.abandon()
    return directory.kills
