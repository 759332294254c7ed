"""Meals: an order goes so far on its way, is cancelled, or rejected; some are rated. The food may be off,
or one that nobody has: then the store refuses it, at once or when it is there again."""
from food import (ACCEPTED, CANCELED, COOKING, DELIVERED, PAID, PAY_CANCELED, PAY_DONE, PAY_REJECTED,
                  REJECTED, RIDING, STEPS, UNAVAILABLE, WAITING)
from mixed.journey import Journey

REASON = "재료 소진"
STATUSES = (PAID, ACCEPTED, COOKING, WAITING, RIDING, DELIVERED)
KITCHEN = ("대기중", "접수됨", "요리중", "요리완료", "요리완료", "요리완료")
RIDER = (None, None, None, "대기중", "배달중", "배달완료")
FIRST = ["주문됨", "결제완료", "주문완료"]
MESSAGES = ["주문접수됨", "요리시작", "요리완료", "배달시작", "배달완료"]
UNKNOWN = 10**12  # No food has this id.


class Dish(Journey):
    """A food, at the beginning of a directory."""
    name = "food-dish"

    def walk(self):
        self.food = self.ask("food", "POST", "/food/foods", {
            "name": f"dish {self.number}", "storeId": self.number,
            "available": self.number > 1}, (201,)).json()["id"]


class Meal(Journey):
    name = "food"

    def walk(self):
        self.order = self.end = self.score = None
        self.progress = 0
        off, *there = self.dishes
        self.food = self.dice.choice((off, UNKNOWN + self.number, *there * 4))
        self.served = self.food in there
        placed = self.ask("order", "POST", "/food/orders", {
            "foodId": self.food, "customerId": self.number, "address": "서울시 강남구 1"},
            (201,) if self.served else (201, 409))
        if placed.status == 409:
            return
        self.order = placed.json()["id"]
        way = self.dice.random()
        if way < 0.15:
            self.cancel((200,) if self.served else (200, 409))
        elif self.in_the_kitchen():
            if way < 0.25:
                self.step("storeOrders", "reject", {"reason": REASON})
                self.end = "reject"
            else:
                self.go(self.dice.choice((0, 1, 2, 3, 4, 5, 5, 5)))

    def in_the_kitchen(self):
        """Waits until the store has it; False when the store has refused it."""
        order = self.only("/food/storeOrders", orderId=self.order)
        refused = order["status"] == "거부됨"
        assert refused != self.served, order
        if refused:
            self.end = "refuse"
        return not refused

    def step(self, collection, rel, body=None):
        item = self.only(f"/food/{collection}", orderId=self.order)["id"]
        self.ask(rel if collection == "storeOrders" else f"rider-{rel}", "PUT",
                 f"/food/{collection}/{item}/{rel}", body)

    def go(self, steps):
        for collection, rel in STEPS[:steps]:
            self.step(collection, rel)
            self.progress += 1
        if steps < 2 and self.dice.random() < 0.3:
            self.cancel((200,))
        if steps >= 2 and self.dice.random() < 0.3:  # Too late; 200: not decided in time.
            self.ask("late", "DELETE", f"/food/orders/{self.order}", None, (409, 204))
        if steps == 5 and self.dice.random() < 0.7:
            self.rate()

    def rate(self):
        path = f"/food/orders/{self.order}"
        self.read(path, lambda order: order["status"] == DELIVERED)
        self.score = self.dice.randint(1, 5)
        self.ask("rate", "PUT", f"{path}/evaluate", {"score": self.score})
        self.ask("rate-again", "PUT", f"{path}/evaluate", {"score": 1}, (409,))

    def cancel(self, allowed):
        """409 only when the store has refused it already."""
        path = f"/food/orders/{self.order}/cancel"
        if self.ask("cancel", "PUT", path, None, allowed).status == 409:
            self.end = "refuse"
        else:
            self.end = "cancel"

    def parts(self):
        """What order, payment, storeOrder and delivery must be in the end; the storeOrder of one that
        was cancelled need never have been."""
        if self.end == "cancel":
            return CANCELED, PAY_CANCELED, ("취소됨", None), None
        if self.end in ("reject", "refuse"):
            return REJECTED, PAY_REJECTED, ("거부됨",), None
        return STATUSES[self.progress], PAY_DONE, (KITCHEN[self.progress],), RIDER[self.progress]

    def messages(self):
        """The lists of messages that fit."""
        before = FIRST + MESSAGES[:self.progress]
        if self.end == "cancel":
            return [before + ["주문취소됨"], ["주문됨", "결제완료", "주문취소됨"]]
        if self.end == "reject":
            return [before + ["주문거부됨-" + REASON]]
        return [before + ["주문거부됨-" + UNAVAILABLE]] if self.end == "refuse" else [before]
