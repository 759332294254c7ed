"""A client that remembers: what was asked, and what was answered, if anything.

Each flow (account, order, perhaps cancel) has a user of its own, so whatever is lost or done twice
shows in that user's one order and one balance.
"""
from dataclasses import dataclass, field
import http.client
import itertools
import json

from node import wait_until
from shop import CANCELED, CANCELING, DONE, PENDING, path_of

MONEY, PRICE = 10_000, 1_000
SETTLE_S = 30
TIMEOUT_S = 60
UNDECIDED = ["".join(f"%{byte:02X}" for byte in status.encode()) for status in (PENDING, CANCELING)]


class Gone(Exception):
    """The node went away before it had answered."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    location: str | None

    def json(self):
        return json.loads(self.body)


class Connection:
    """One keep-alive connection; about four times as quick as requests."""

    def __init__(self, port, timeout=TIMEOUT_S):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __call__(self, method, path, body=None, key=None, kind="application/json"):
        headers = {"Idempotency-Key": key} if key else {}
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.http.request(method, path, body, headers)
            response = self.http.getresponse()
            return Reply(response.status, response.read(), response.headers["Location"])
        except (OSError, http.client.HTTPException) as error:
            self.http.close()
            raise Gone from error

    def stream(self, path, commands):
        """Bulk: yields the results one by one; Gone when it ends too early."""
        body = b"".join(json.dumps(command).encode() + b"\n" for command in commands)
        try:
            self.http.request("POST", path, body, {"Content-Type": "application/x-ndjson"})
            response = self.http.getresponse()
            assert response.status == 200, response.read()
            count = 0
            while text := response.readline():
                if not text.endswith(b"\n"):
                    raise Gone
                count += 1
                yield json.loads(text)
            if count < len(commands):
                raise Gone
        except (OSError, http.client.HTTPException) as error:
            self.http.close()
            raise Gone from error

    def all(self, collection):
        """Every item, by walking with `after`."""
        items, key = [], "orderId" if collection == "mypages" else "id"
        while True:
            after = items[-1][key] if items else 0
            reply = self("GET", f"/shop/{collection}?after={after}&size=1000")
            assert reply.status == 200, reply
            body = reply.json()
            assert "partial" not in body["page"], body["page"]
            page = body["_embedded"][collection]
            if not page:
                return items
            items += page


class Stubborn(Connection):
    """For a cluster: a request without an answer counts as 503, and the next one connects anew."""

    def __call__(self, *args, **kwargs):
        try:
            return super().__call__(*args, **kwargs)
        except Gone:
            return Reply(503, b"", None)


@dataclass
class Request:
    """A keyed request and the answer that it got, if any."""
    method: str
    path: str
    body: dict | None
    key: str
    reply: Reply | None = None

    def send(self, connection):
        reply = connection(self.method, self.path, self.body, self.key)
        if reply.status == 409 and b"running" in reply.body and b"Idempotency" in reply.body:
            return None
        if reply.status == 503:
            return None  # Whoever has to do it is not there: again, by its key.
        return reply


@dataclass
class Flow:
    """One user's account, order and perhaps cancellation, each a keyed request."""
    user: int
    product: int
    quantity: int
    cancels: bool
    requests: list = field(default_factory=list)

    def following(self):
        """The next request, or None at the end of the flow."""
        step = len(self.requests)
        if step == 0:
            return Request("POST", "/shop/pays", {"userId": self.user, "payAmount": MONEY},
                           f"pay-{self.user}")
        if step == 1:
            return Request("POST", "/shop/orders", {
                "productId": self.product, "quantity": self.quantity, "userId": self.user},
                f"order-{self.user}")
        placed = self.requests[1].reply
        if step == 2 and self.cancels and placed.status == 201 and placed.json()["status"] == DONE:
            return Request("PUT", f"/shop/orders/{placed.json()['id']}/cancel", None,
                           f"cancel-{self.user}")
        return None

    def run(self, connection):
        while request := self.following():
            self.requests.append(request)
            request.reply = wait_until(lambda r=request: r.send(connection), SETTLE_S, request.key)
            self.judge(request)

    def judge(self, request):
        """An answer must be one that this shop can give."""
        status, expected = request.reply.status, {"pays": {201}, "orders": {201, 409}}
        kind = "cancel" if request.method == "PUT" else request.path.rsplit("/", 1)[1]
        assert status in expected.get(kind, {200}), (request, request.reply)

    def status(self):
        """Of the order, as it was answered; None without an answer."""
        return self.requests[1].reply.status if len(self.requests) > 1 else None

    def expected(self):
        """(order id, status) that the answers promise; (None, None) without an answered order."""
        if len(self.requests) < 2 or self.requests[1].reply is None:
            return None, None
        reply = self.requests[1].reply
        if reply.status == 409:
            return int(path_of(reply.json()["instance"]).rsplit("/", 1)[1]), None
        order = reply.json()
        if len(self.requests) == 3:
            assert self.requests[2].reply.status == 200
            canceled = self.requests[2].reply.json()
            assert canceled["id"] == order["id"]
            return order["id"], CANCELED
        return order["id"], order["status"] if order["status"] != PENDING else None


@dataclass
class Line:
    """One line of a bulk request (no key: never repeated) and its result, if any."""
    user: int
    product: int
    quantity: int
    result: dict | None = None


@dataclass
class Record:
    """All that was asked of one data directory, and answered."""
    stock: dict  # product → pieces at the start
    flows: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    accounts: dict = field(default_factory=dict)  # Of bulk: user → whether it was acknowledged.
    users: itertools.count = field(default_factory=lambda: itertools.count(1))

    def flow(self, rng):
        """A new one. The first product never runs out, the second does at some time, the third soon."""
        plenty, some, few = self.stock
        flow = Flow(next(self.users), rng.choice((plenty, plenty, plenty, some, few)),
                    rng.randint(1, 4), rng.random() < 0.4)
        if rng.random() < 0.1:
            flow.quantity = 11  # More than MONEY pays.
        self.flows.append(flow)
        return flow

    def batch(self, rng, count):
        """New users with an order each, for bulk."""
        plenty, some, few = self.stock
        lines = [Line(next(self.users), rng.choice((plenty, plenty, some, few)), rng.randint(1, 12))
                 for _ in range(count)]
        self.accounts.update((line.user, False) for line in lines)
        return lines


PIECES = (10_000_000, 2_000, 60)


def open_shop(connection):
    """Makes the products; returns their pieces by id."""
    stock = {}
    for number, pieces in enumerate(PIECES, 1):
        reply = connection("POST", "/shop/inventories", {
            "stockName": f"product {number}", "stockCount": pieces, "price": PRICE})
        assert reply.status == 201, reply
        stock[reply.json()["id"]] = pieces
    return stock


def settle(connection):
    """Waits until every saga that a crash interrupted has ended."""
    def pending():
        return sum(connection("GET", f"/shop/orders?size=1&status={status}").json()
                   ["page"]["totalElements"] for status in UNDECIDED)
    wait_until(lambda: pending() == 0, SETTLE_S, "pending sagas to end")


@dataclass
class Shown:
    """Everything that the shop shows, when nothing is under way."""
    connection: Connection
    orders: list
    accounts: list
    products: list
    deliveries: list
    pages: list

    @classmethod
    def of(cls, connection):
        return cls(connection, *(connection.all(name) for name in (
            "orders", "pays", "inventories", "deliveries", "mypages")))

    def order_of(self, user):
        """None when there is none; two are the business of checks/once.py."""
        if not hasattr(self, "by_user"):
            self.by_user = {order["userId"]: order for order in self.orders}
        return self.by_user.get(user)
