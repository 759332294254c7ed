"""A journey: what one user of one system asks, one keyed request after another, and the answers.

Each journey has users of its own, so whatever is lost or done twice shows with them. It asks until it
has an answer, perhaps other nodes, and remembers it: the same key must give the same bytes for ever.
"""
from urllib.parse import quote

from node import wait_until
from recording import SETTLE_S, Request, Stubborn
from shop import path_of


class Journey:
    """`number` is unique among all journeys of a directory; `dice` decides where it leads."""
    name = None

    def __init__(self, number, dice):
        self.number, self.dice = number, dice
        self.requests = []
        self.connection = None

    def run(self, port, timeout):
        self.port, self.timeout = port, timeout
        self.connection = Stubborn(port, timeout)
        self.walk()

    def walk(self):
        raise NotImplementedError

    def ask(self, what, method, path, body=None, allowed=(200,)):
        """A command, until it is answered; returns the answer."""
        request = Request(method, path, body, f"{self.name}-{what}-{self.number}")
        self.requests.append(request)
        request.reply = self.answer(request)
        assert request.reply.status in allowed, (request, request.reply)
        return request.reply

    def answer(self, request):
        if self.dice.random() < 0.2:  # Perhaps another node.
            self.connection = Stubborn(self.port, self.timeout)
        return wait_until(lambda: request.send(self.connection), SETTLE_S, request.key)

    def read(self, path, good):
        """What GET shows, once all nodes are there to tell and good(it) is true."""
        def shown():
            reply = self.connection("GET", path)
            if reply.status != 200:
                assert reply.status == 503, (path, reply)
                return None
            body = reply.json()
            if "partial" in body.get("page", {}):
                return None
            return body if good(body) else None
        return wait_until(shown, SETTLE_S, f"{path} to be as it must become")

    def only(self, collection, good=lambda item: True, **fields):
        """The one item with these fields, once it is there."""
        query = "&".join(f"{name}={quote(str(value))}" for name, value in fields.items())
        rel = collection.rsplit("/", 1)[1]

        def one(body):
            items = body["_embedded"][rel]
            assert len(items) <= 1, f"more than one of {collection}?{query}: {items}"
            return items and good(items[0])
        return self.read(f"{collection}?{query}", one)["_embedded"][rel][0]

    def repeat(self):
        """Every request once more: the same answer again."""
        for request in self.requests:
            again = self.answer(request)
            assert again == request.reply, f"{request} was answered differently: {again}"


def kept(reply):
    """The id that an answer names, of what was made or of what was refused and kept."""
    if reply.status == 409:
        return int(path_of(reply.json()["instance"]).rsplit("/", 1)[1])
    return int(reply.location.rsplit("/", 1)[1])
