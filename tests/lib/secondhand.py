"""Second-hand trade as its users see it: stock, listings, reservations, trades, notices."""
from node import wait_until
from shop import is_problem, path_of, wrong_fields  # noqa: F401  The shape of errors is everybody's.
from system import System

RESERVED, CANCELED = "예약완료", "예약취소"
IN_PROGRESS, TRADED, TRADE_CANCELED = "거래 진행중", "거래완료", "예약취소로 거래취소"
UNLISTED = "판매글 등록 불가"
MATCH = "거래 진행 중 재고와 실제 거래량 일치"
MISMATCH = "거래 진행 중 재고와 실제 거래량 불일치로 거래 불가"
RETURNED = "거래 취소로 인한 재고 감소 없음"

TOLD = [RESERVED, IN_PROGRESS, MATCH]             # Of a reservation that holds,
TOLD_BACK = [CANCELED, TRADE_CANCELED]            # of its cancellation,
TOLD_REFUSED = [RESERVED, IN_PROGRESS, TRADE_CANCELED, CANCELED]  # of one without stock.


class Secondhand(System):
    def __init__(self, api, prefix="/secondhand", user="abc", product=100):
        super().__init__(api, prefix)
        self.user = user
        self.product = product
        self.stock = None  # Id of the inventory.

    def add(self, qty=1, **fields):
        """Puts stock of the product there."""
        self.stock = self.create("inventories", productid=self.product, productname="애플워치",
                                 qty=qty, **fields)["id"]
        return self

    def reserve(self, qty=1, headers=None, **fields):
        """POSTs a reservation; returns the response, whatever it is."""
        body = {"productid": self.product, "userid": self.user, "productname": "애플워치",
                "qty": qty, "address": "서울시 강남구 1", "price": 50000, **fields}
        return self.api.post(self.url("reserves"), body, headers=headers)

    def reserved(self, qty=1, **fields):
        """A reservation that holds."""
        response = self.reserve(qty, **fields)
        assert response.status_code == 201, response.text
        assert response.json()["status"] == RESERVED
        return response.json()

    def refused(self, response):
        """It is a 409 that names the kept reservation, which is cancelled; returns that."""
        problem = is_problem(response, 409)
        kept = self.api.get(path_of(problem["instance"]))
        assert (kept.status_code, kept.json()["status"]) == (200, CANCELED), kept.text
        assert problem["detail"].startswith(MISMATCH), problem
        return kept.json()

    def listed(self, seller="seller", **fields):
        return self.create("trades", **{"productid": self.product, "userid": seller,
                                        "productname": "애플워치", "qty": 1, "price": "45000",
                                        **fields})

    def trade(self, reserve):
        """The one trade of a reservation."""
        trade, = self.find("trades", reserveid=reserve["id"])
        return trade

    def cancel(self, reserve):
        return self.api.put(self.url("reserves", reserve["id"], "reservecancel"))

    def complete(self, trade):
        return self.api.put(self.url("trades", trade["id"], "complete"))

    @property
    def left(self):
        return self.get("inventories", self.stock)["qty"]

    def statuses(self, reserve):
        """(reservation, trade, pieces left): where everything stands."""
        return (self.get("reserves", reserve["id"])["status"], self.trade(reserve)["status"],
                self.left)

    def messages(self, user=None):
        """What a user has been told, in no order: on a cluster each node counts for itself."""
        return sorted(row["status"] for row in self.find("notices", userid=user or self.user))

    def told(self, *expected, user=None):
        """Waits until that is what a user has been told, and says so if it never is."""
        wanted = sorted(sum(expected, []))
        wait_until(lambda: self.messages(user) == wanted, 20,
                   f"{wanted} to be told, not {self.messages(user)}")

    def settled(self, reserve, trade, timeout=30):
        """Waits until the trade of a reservation has this status."""
        wait_until(lambda: [row["status"] for row in
                            self.find("trades", reserveid=reserve["id"])] == [trade],
                   timeout, f"the trade of {reserve['id']} to become {trade}")
