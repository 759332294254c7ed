"""Kill -9 and look what is left: load that remembers every answer, and checks after each restart.

A Directory is one data directory that lives through many rounds. A round: load from several threads,
kill -9 at a random moment, restart, repeat with its key what got no answer, and compare everything
the node shows with everything it ever answered.

Each flow (account, order, perhaps cancel) has a user of its own, so whatever is lost or done twice
shows in that user's one order and one balance.
"""
from dataclasses import dataclass, field
import http.client
import itertools
import json
import random
import threading
import time

from node import Node, dure, wait_until
from shop import CANCELED, CANCELING, DONE, NO_MONEY, NO_STOCK, PENDING, path_of

MONEY, PRICE = 10_000, 1_000
# Product 1 never runs out, 2 does at some time, 3 soon does.
STOCK = {1: 10_000_000, 2: 2_000, 3: 60}
WORKERS, BULK_LINES, BETWEEN_BULKS = 4, 60, 10
SETTLE_S = 30


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

    def __init__(self, port):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

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
            page = reply.json()["_embedded"][collection]
            if not page:
                return items
            items += page


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


class Directory:
    """A data directory through its rounds. `seed` decides what is done and when it is killed."""

    def __init__(self, path, seed, say=print):
        self.random = random.Random(seed)
        self.say = say
        self.node = Node(path)
        self.users = itertools.count(1)
        self.flows, self.lines = [], []
        self.accounts = {}  # user → whether the account was acknowledged (bulk ones may not be)
        self.kills = 0
        self.failures = []

    def open(self):
        self.node.start()
        connection = Connection(self.node.port)
        for product, stock in STOCK.items():
            reply = connection("POST", "/shop/inventories", {
                "stockName": f"product {product}", "stockCount": stock, "price": PRICE})
            assert reply.status == 201 and reply.json()["id"] == product, reply
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

    def flow(self, rng):
        flow = Flow(next(self.users), rng.choice((1, 1, 1, 2, 3)), rng.randint(1, 4),
                    rng.random() < 0.4)
        if rng.random() < 0.1:
            flow.quantity = 11  # More than MONEY pays.
        self.flows.append(flow)
        return flow

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
            self.flow(rng).run(connection)

    def bulk(self, connection, rng):
        """Accounts and orders by the dozen, results noted one by one as they stream in."""
        while not self.stopping.is_set():
            users = [next(self.users) for _ in range(BULK_LINES)]
            self.accounts.update(dict.fromkeys(users, False))
            for result, user in zip(connection.stream("/shop/pays", [
                    {"userId": user, "payAmount": MONEY} for user in users]), users):
                assert result["status"] == 201, result
                self.accounts[user] = True
            lines = [Line(user, rng.choice((1, 1, 2, 3)), rng.randint(1, 12)) for user in users]
            self.lines += lines
            for result, line in zip(connection.stream("/shop/orders", [
                    {"productId": line.product, "quantity": line.quantity, "userId": line.user}
                    for line in lines]), lines):
                assert result["status"] in (201, 409), result
                line.result = result
            for _ in range(BETWEEN_BULKS):  # Each check walks all of it: not too much at a time.
                self.flow(rng).run(connection)

    # ---- one round

    def round(self):
        rng = self.random
        self.stopping, self.killed = threading.Event(), False
        works = [self.single] * WORKERS + [self.bulk]
        threads = [threading.Thread(target=self.guarded, args=(work, rng.getrandbits(32)))
                   for work in works]
        moment = rng.uniform(0, 0.05) if rng.random() < 0.2 else rng.uniform(0.2, 0.6)
        known = len(self.flows)
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
        self.settle()
        self.repeat(known)
        self.check(rng)
        self.node.check()
        self.say(f"  kill {self.kills} after {moment * 1000:.0f} ms: {len(self.flows)} flows, "
                 f"{len(self.lines)} bulk orders so far")

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

    def settle(self):
        """Waits until every saga that the crash interrupted has ended."""
        connection = Connection(self.node.port)

        def pending():
            counts = [connection("GET", f"/shop/orders?size=1&status={status}").json()
                      ["page"]["totalElements"] for status in PERCENT]
            return sum(counts)
        wait_until(lambda: pending() == 0, SETTLE_S, "pending sagas to end")

    def repeat(self, known):
        """Repeats by key: what had no answer gets one now, what had one gets the same again."""
        connection = Connection(self.node.port)
        recent, old = self.flows[known:], self.flows[:known]
        for flow in recent + self.random.sample(old, min(len(old), 20)):
            for request in flow.requests:
                again = wait_until(lambda r=request: r.send(connection), SETTLE_S, request.key)
                if request.reply is not None:
                    assert again == request.reply, f"{request} was answered differently: {again}"
                request.reply = again
                flow.judge(request)
            flow.run(connection)  # A flow that the kill cut short goes on to its end.
            if flow.requests[1].reply.status == 201:
                assert flow.requests[1].reply.json()["status"] in (DONE, PENDING)

    # ---- the truth

    def check(self, rng):
        connection = Connection(self.node.port)
        self.settle()
        orders = connection.all("orders")
        by_user = {}
        for order in orders:
            assert order["userId"] not in by_user, f"two orders where one was asked for: {order}"
            by_user[order["userId"]] = order
        self.check_flows(by_user)
        self.check_lines(by_user)
        self.check_money(connection, by_user)
        self.check_stock(connection, orders)
        self.check_views(connection, orders)
        for order in rng.sample(orders, min(len(orders), 5)):
            self.check_history(connection, order)

    def check_flows(self, by_user):
        for flow in self.flows:
            order_id, status = flow.expected()
            assert order_id is not None, flow
            order = by_user.get(flow.user)
            assert order is not None, f"acknowledged and lost: {flow}"
            assert (order["id"], order["productId"], order["quantity"]) == (
                order_id, flow.product, flow.quantity), (order, flow)
            if status is not None:
                assert order["status"] == status, (order, flow)
            elif flow.requests[1].reply.status == 409:
                assert order["status"] in (NO_MONEY, NO_STOCK), (order, flow)

    def check_lines(self, by_user):
        for line in self.lines:
            order = by_user.get(line.user)
            if line.result is None:
                continue  # Not acknowledged: it may be there or not; twice was ruled out above.
            assert order is not None, f"acknowledged and lost: {line}"
            if line.result["status"] == 201:
                assert order["id"] == line.result["id"], (order, line)
                assert line.result["item"]["status"] in (order["status"], PENDING), (order, line)
            else:
                assert order["status"] in (NO_MONEY, NO_STOCK), (order, line)

    def check_money(self, connection, by_user):
        accounts = {}
        for account in connection.all("pays"):
            assert account["userId"] not in accounts, f"two accounts of one user: {account}"
            accounts[account["userId"]] = account["payAmount"]
        promised = {flow.user for flow in self.flows}
        promised |= {user for user, answered in self.accounts.items() if answered}
        assert promised <= accounts.keys(), f"lost accounts: {promised - accounts.keys()}"
        for user, balance in accounts.items():
            order = by_user.get(user)
            spent = order["quantity"] * PRICE if order and order["status"] == DONE else 0
            assert balance == MONEY - spent, (balance, order)

    def check_stock(self, connection, orders):
        left = dict(STOCK)
        for order in orders:
            if order["status"] == DONE:
                left[order["productId"]] -= order["quantity"]
        shown = {item["id"]: item["stockCount"] for item in connection.all("inventories")}
        assert shown == left
        assert min(shown.values()) >= 0

    def check_views(self, connection, orders):
        """One delivery for each order that got so far, one mypages row for each order."""
        states = {DONE: "배송중", CANCELED: "배송취소"}
        expected = {order["id"]: states.get(order["status"]) for order in orders}
        deliveries = connection.all("deliveries")
        assert len({d["orderId"] for d in deliveries}) == len(deliveries)
        assert {d["orderId"]: d["status"] for d in deliveries} == {
            order: state for order, state in expected.items() if state}
        assert {page["orderId"]: page["deliveryStatus"]
                for page in connection.all("mypages")} == expected

    def check_history(self, connection, order):
        reply = connection("GET", f"/shop/orders/{order['id']}/events")
        assert reply.status == 200, reply
        body = reply.json()
        events = body if isinstance(body, list) else body["_embedded"]["events"]
        expected = ["OrderPlaced"] + ["OrderCanceled"] * (order["status"] == CANCELED)
        assert [event["data"]["eventType"] for event in events] == expected, (order, events)


PERCENT = ["".join(f"%{byte:02X}" for byte in status.encode()) for status in (PENDING, CANCELING)]


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
