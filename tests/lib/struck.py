"""A client of a cluster that is struck: while each of its commands is under way, a node is killed."""
import random
import threading
import time

import requests

from cluster import Spread
from node import wait_until

SETTLE_S = 30


class Struck(Spread):
    """Command n goes to node n, and kill -9 hits node n + `offset` meanwhile, which is then started again.
    A command is repeated with its key, at the next node, until it has an answer. Reads wait for
    nothing but for all nodes to be there."""

    def __init__(self, cluster, offset):
        super().__init__([node.client() for node in cluster.nodes])
        self.cluster, self.offset = cluster, offset
        self.commands = 0
        self.dice = random.Random(offset)

    def __call__(self, method, path, **kwargs):
        if method == "GET":
            return super().__call__(method, path, **kwargs)
        self.turn = self.commands - 1
        self.commands += 1
        kwargs["headers"] = {"Idempotency-Key": f"command-{self.commands}", "Prefer": "wait=1",
                             **(kwargs.get("headers") or {})}
        answers = []
        asking = threading.Thread(target=lambda: answers.append(
            wait_until(lambda: self.answer(method, path, kwargs), SETTLE_S, "an answer")))
        victim = self.cluster.nodes[(self.commands - 1 + self.offset) % len(self.cluster.nodes)]
        asking.start()
        time.sleep(self.dice.uniform(0, 0.02))  # When it dies is the experiment.
        victim.kill()
        victim.start()
        self.cluster.whole()
        asking.join()
        (answer,), = answers
        return answer

    def answer(self, method, path, kwargs):
        """The response in a list (a refusal is no None); None: nobody answered, or somebody is missing."""
        try:
            response = super().__call__(method, path, **kwargs)
        except requests.RequestException:
            return None
        running = response.status_code == 409 and "Idempotency-Key" in response.text
        return None if running or response.status_code == 503 else [response]


def becomes(look, expected):
    """Waits until look() is what is expected, and says what it is if it never is."""
    seen = None

    def fits():
        nonlocal seen
        seen = look()
        return seen == expected
    try:
        wait_until(fits, SETTLE_S)
    except AssertionError as error:
        raise AssertionError(f"{seen} has not become {expected}") from error
