"""Demands: every customer is asked, some accept, some change their minds, and the end settles. One
after another, so that it is known who was there at each start."""
from dataclasses import dataclass

from mixed.journey import Journey

CUSTOMERS = 12  # Each is asked by each demand.


@dataclass
class Customer:
    opened: int
    capacity: int
    withdrawn: int = 0


class Demand(Journey):
    name = "dr"

    def walk(self):
        if len(self.customers) < CUSTOMERS:
            self.register()
        path = "/dr/drs"
        self.demand = self.ask("start", "POST", path, {"name": f"peak {self.number}",
                                                       "type": "reliable"}, (201,)).json()["id"]
        self.asked = set(self.customers)
        self.answers = {}
        listed = self.responses(len(self.asked))
        assert {row["userId"] for row in listed} == self.asked, listed
        self.listed = [row["id"] for row in listed]
        for response in self.listed:
            self.choose(response)
        self.withdraw()
        self.ask("end", "PUT", f"{path}/{self.demand}/end")
        self.ask("end-again", "PUT", f"{path}/{self.demand}/end", None, (409,))
        self.ask("late", "PUT", f"/dr/responses/{self.listed[0]}/accept", None,
                 (409, 200))  # 200: not decided in time.

    def register(self):
        fields = {"name": f"user {self.number}", "point": 1000,
                  "capacity": self.dice.randint(100, 500)}
        user = self.ask("user", "POST", "/dr/users", fields, (201,)).json()["id"]
        assert user not in self.customers
        self.customers[user] = Customer(fields["point"], fields["capacity"])

    def responses(self, count):
        rows = self.read(f"/dr/responses?drId={self.demand}&size=1000",
                         lambda body: body["page"]["totalElements"] >= count)
        return rows["_embedded"]["responses"]

    def choose(self, response):
        for turn in range(self.dice.choice((0, 1, 1, 2))):
            answer = self.dice.choice(("accept", "accept", "deny"))
            self.ask(f"answer-{response}-{turn}", "PUT", f"/dr/responses/{response}/{answer}")
            self.read(f"/dr/responses/{response}", lambda row, a=answer: row["answer"] == a)
            self.answers[response] = answer

    def withdraw(self):
        user = self.dice.choice(sorted(self.customers))
        points = self.dice.choice((10, 10**6))
        reply = self.ask("withdraw", "PUT", f"/dr/users/{user}/withdrawpoint", {"point": points},
                         (200, 409))
        if reply.status == 200:
            self.customers[user].withdrawn += points
