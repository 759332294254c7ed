"""Deals: pieces of a product are reserved, perhaps picking a listing up, and handed over or cancelled."""
from secondhand import (CANCELED, IN_PROGRESS, MATCH, RESERVED, TOLD, TOLD_BACK, TOLD_REFUSED,
                        TRADED, TRADE_CANCELED)
from mixed.journey import Journey, kept

PIECES = (1_000_000, 300, 20)  # Of the products 1, 2 and 3.
TURNS = 1000


class Shelf(Journey):
    """The stock, at the beginning of a directory."""
    name = "secondhand-shelf"

    def walk(self):
        self.product = self.number
        self.ask("stock", "POST", "/secondhand/inventories", {
            "productid": self.product, "productname": f"product {self.product}",
            "qty": PIECES[self.product - 1]}, (201,))


class Deal(Journey):
    name = "secondhand"

    def walk(self):
        self.end = self.listing = None
        self.user, self.qty = f"user-{self.number}", self.dice.randint(1, 3)
        self.product = self.dice.choice((1, 1, 2, 3))
        if self.dice.random() < 0.2:
            self.listing = self.ask("list", "POST", "/secondhand/trades", {
                "productid": self.product, "userid": f"seller-{self.number}",
                "productname": "listed", "qty": 1, "price": "45000"}, (201,)).json()["id"]
        placed = self.ask("reserve", "POST", "/secondhand/reserves", {
            "productid": self.product, "userid": self.user, "productname": "wanted",
            "qty": self.qty, "price": 50000}, (201, 409))
        self.reserve = kept(placed)
        self.held = None  # Not yet known.
        if placed.status == 409:
            self.held = False
        elif self.dice.random() < 0.25:  # Without waiting for what becomes of it.
            self.cancel((200, 409))
            return
        self.decided()
        way = self.dice.random()
        if not self.held:
            self.cancel((409,))
        elif way < 0.4:
            self.cancel((200,))
        elif way < 0.7:
            self.hand_over()

    def decided(self):
        """Waits until it is certain whether there are pieces for the reservation."""
        trade = self.only("/secondhand/trades", lambda trade: trade["status"] == TRADE_CANCELED or
                          self.stock_taken(), reserveid=self.reserve)
        held = trade["status"] == IN_PROGRESS
        assert self.held in (None, held), trade
        self.trade, self.held = trade["id"], held

    def stock_taken(self):
        told = self.read(f"/secondhand/notices?userid={self.user}", lambda _body: True)
        return MATCH in (notice["status"] for notice in told["_embedded"]["notices"])

    def cancel(self, allowed):
        path = f"/secondhand/reserves/{self.reserve}/reservecancel"
        if self.ask("cancel", "PUT", path, None, allowed).status == 200:
            self.end = "cancel"
            self.ask("again", "PUT", path, None, (409,))

    def hand_over(self):
        """As soon as the reservation knows its stock. Then it is too late to cancel: 200 says only that
        this was not decided in time."""
        for turn in range(TURNS):
            done = self.ask(f"complete-{turn}", "PUT", f"/secondhand/trades/{self.trade}/complete",
                            None, (200, 409))
            if done.status == 200:
                break
            self.read(f"/secondhand/trades/{self.trade}", lambda _trade: True)
        else:
            raise AssertionError(f"trade {self.trade} cannot be handed over: {done}")
        self.end = "complete"
        self.ask("late", "PUT", f"/secondhand/reserves/{self.reserve}/reservecancel", None,
                 (200, 409))

    def statuses(self):
        """What reservation and trade must be in the end."""
        if self.end == "cancel" or self.held is False:
            return CANCELED, TRADE_CANCELED
        if self.end == "complete":
            return RESERVED, TRADED
        if self.held:
            return RESERVED, IN_PROGRESS
        return CANCELED, TRADE_CANCELED  # The stock was quicker with its no than the cancel.

    def told(self):
        """The lists of notices that fit: who cancels early may be told of the stock, or not."""
        if self.statuses()[0] == RESERVED:
            return [TOLD]
        if self.held:
            return [TOLD + TOLD_BACK]
        return [TOLD_REFUSED] if self.held is False else [TOLD_REFUSED, TOLD + TOLD_BACK]
