"""The shop as its users see it: a product, a user with an account, and what they do."""
from node import wait_until
from system import System

DONE = "주문완료"
PENDING = "주문접수"
CANCELING = "주문취소중"
CANCELED = "주문취소"
NO_MONEY = "잔액부족"
NO_STOCK = "재고부족"
NO_PRODUCT = "상품없음"
PRICE_DIFFERS = "가격불일치"

JSON = {"Content-Type": "application/json"}


def is_problem(response, status):
    """The shape of every error (A8); returns the problem."""
    assert response.status_code == status, f"{response.status_code}, not {status}: {response.text[:2000]}"
    assert response.headers["Content-Type"].split(";")[0] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail", "instance", "message"} <= problem.keys(), problem
    assert problem["status"] == status
    assert problem["message"] == problem["detail"]
    assert all(isinstance(problem[k], str) and problem[k]
               for k in ("type", "title", "detail", "instance")), problem
    return problem


def wrong_fields(response):
    """The fields that a 400 names; several messages about one field count once."""
    errors = is_problem(response, 400)["errors"]
    assert errors and all(set(e) == {"field", "message"} and e["message"] for e in errors), errors
    return {e["field"] for e in errors}


def path_of(url):
    """The path of an absolute or relative link."""
    return "/" + url.split("://", 1)[1].split("/", 1)[1] if "://" in url else url


class Shop(System):
    def __init__(self, api, prefix="/shop", user=1):
        super().__init__(api, prefix)
        self.user = user
        self.account = None
        self.product = None

    def open(self, money=999999, stock=1000, price=1000):
        """One product and one account with money, both new."""
        self.product = self.create("inventories", stockName="book", stockCount=stock,
                                   price=price)["id"]
        self.account = self.create("pays", userId=self.user, payAmount=money)["id"]
        return self

    def order(self, quantity, headers=None, **fields):
        """POSTs an order; returns the response, whatever it is."""
        body = {"productId": self.product, "quantity": quantity, "userId": self.user, **fields}
        return self.api.post(self.url("orders"), body, headers=headers)

    def ordered(self, quantity, **fields):
        """An order that succeeds."""
        response = self.order(quantity, **fields)
        assert response.status_code == 201, response.text
        order = response.json()
        assert order["status"] == DONE, order
        return order

    def cancel(self, order_id):
        return self.api.put(self.url("orders", order_id, "cancel"))

    @property
    def money(self):
        return self.get("pays", self.account)["payAmount"]

    @property
    def stock(self):
        return self.get("inventories", self.product)["stockCount"]

    @property
    def holdings(self):
        """(money, stock): what must be conserved."""
        return self.money, self.stock

    def deliveries(self, **filters):
        return self.find("deliveries", productId=self.product, **filters)

    def mypages(self, **filters):
        return self.find("mypages", userId=self.user, **filters)

    def refused(self, response, status):
        """A refused order is a 409 that names the kept order and says its status; returns it."""
        problem = is_problem(response, 409)
        kept = self.api.get(path_of(problem["instance"]))
        assert kept.status_code == 200, kept.text
        assert kept.json()["status"] == status
        assert problem["detail"].startswith(f"{status}: "), problem
        return kept.json()

    def settled(self, order_id, timeout=30):
        """The order once its saga has ended."""
        def ended():
            order = self.get("orders", order_id)
            return order if order["status"] not in (PENDING, CANCELING) else None
        return wait_until(ended, timeout, f"order {order_id} to end")
