"""Food delivery as its users see it: a customer, a store with its kitchen, and a rider."""
from node import wait_until
from shop import is_problem, path_of, wrong_fields  # noqa: F401  The shape of errors is everybody's.
from system import System

PLACED, PAID, ACCEPTED = "주문됨", "결제완료", "주문접수됨"
COOKING, WAITING, RIDING, DELIVERED = "요리중", "배달대기", "배달중", "배달완료"
REJECTED, CANCELED = "주문거부됨", "주문취소됨"
PAY_DONE, PAY_REJECTED, PAY_CANCELED = "성공", "결제 취소됨", "결제 취소됨(User)"
UNAVAILABLE = "현재 주문 불가능한 메뉴입니다."
TOO_LATE = "주문을 취소할 수 없습니다."

# Each is a step on the way of an order, and where it is asked.
STEPS = [("storeOrders", "accept"), ("storeOrders", "start-cook"), ("storeOrders", "finish-cook"),
         ("deliveries", "accept"), ("deliveries", "confirm")]


class Food(System):
    def __init__(self, api, prefix="/food", customer=7):
        super().__init__(api, prefix)
        self.customer = customer
        self.food = None

    def add(self, name="Pizza", store=1, **fields):
        self.food = self.create("foods", name=name, storeId=store, **fields)["id"]
        return self

    def order(self, headers=None, **fields):
        """POSTs an order; returns the response, whatever it is."""
        body = {"foodId": self.food, "customerId": self.customer, "address": "서울시 강남구 1",
                "options": "cheese", **fields}
        return self.api.post(self.url("orders"), body, headers=headers)

    def ordered(self, **fields):
        """An order that is paid at once."""
        response = self.order(**fields)
        assert response.status_code == 201, response.text
        order = response.json()
        assert order["status"] == PAID, order
        return order

    def only(self, collection, order):
        """The one item of an order."""
        item, = self.find(collection, orderId=order["id"])
        return item

    def ask(self, collection, item, rel, body=None):
        return self.api.put(self.url(collection, item, rel), body)

    def step(self, order, collection, rel, body=None):
        """One step on the way of an order; returns the response."""
        return self.ask(collection, self.only(collection, order)["id"], rel, body)

    def walk(self, order, count):
        """The first steps of STEPS, each of which succeeds."""
        for collection, rel in STEPS[:count]:
            response = self.step(order, collection, rel)
            assert response.status_code == 200, response.text
        return order

    def delivered(self, **fields):
        return self.walk(self.ordered(**fields), len(STEPS))

    def cancel(self, order):
        return self.ask("orders", order["id"], "cancel")

    def evaluate(self, order, score):
        return self.ask("orders", order["id"], "evaluate", {"score": score})

    def status(self, order):
        """Of the order, which the view shows as well."""
        status = self.get("orders", order["id"])["status"]
        assert self.get("orderStatuses", order["id"])["status"] == status
        return status

    def messages(self, order):
        return [row["message"] for row in self.find("notificationLogs", orderId=order["id"])]

    def parts(self, order):
        """(order, payment, storeOrder): their statuses; None where there is none."""
        def of(collection):
            found = self.find(collection, orderId=order["id"])
            assert len(found) <= 1, found
            return found[0]["status"] if found else None
        return self.status(order), of("payments"), of("storeOrders")

    def sagas(self):
        """The types of those that are under way."""
        return [saga["type"] for saga in self.api.get("/sagas").json()["_embedded"]["sagas"]]

    def becomes(self, order, status, timeout=30):
        return wait_until(lambda: self.get("orders", order["id"])["status"] == status, timeout,
                          f"order {order['id']} to become {status}")

    def shows(self, collection, **fields):
        """The food's row becomes this: in a cluster it may be another node's."""
        def shown():
            row = self.get(collection, self.food)
            return {name: row[name] for name in fields}
        wait_until(lambda: shown() == fields, 10, f"{collection} to show {fields}, not {shown()}")

    def totals(self):
        """How many orders, payments, storeOrders, deliveries and notifications there are."""
        return [self.api.get(self.url(name), params={"size": 1}).json()["page"]["totalElements"]
                for name in ("orders", "payments", "storeOrders", "deliveries",
                             "notificationLogs", "orderStatuses")]
