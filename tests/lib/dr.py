"""The dr system as its users see it: customers, demands, answers, settlements."""
from node import wait_until


class Dr:
    def __init__(self, api, prefix="/dr"):
        self.api = api
        self.prefix = prefix

    def url(self, *parts):
        return "/".join(str(part) for part in (self.prefix, *parts))

    def get(self, collection, item):
        response = self.api.get(self.url(collection, item))
        assert response.status_code == 200, response.text
        return response.json()

    def find(self, collection, **filters):
        """All items of a collection that match, oldest first."""
        items, after = [], 0
        while True:
            response = self.api.get(self.url(collection),
                                    params={"size": 1000, "after": after, **filters})
            assert response.status_code == 200, response.text
            page = response.json()["_embedded"][collection]
            if not page:
                return items
            items += page
            after = page[-1]["id"]

    def user(self, name, point=0, capacity=0):
        response = self.api.post(self.url("users"),
                                 {"name": name, "point": point, "capacity": capacity})
        assert response.status_code == 201, response.text
        return response.json()["id"]

    def start(self, users=None, **fields):
        """A new demand; with `users`, returns once as many responses are there."""
        response = self.api.post(self.url("drs"), {"name": "peak", "type": "reliable", **fields})
        assert response.status_code == 201, response.text
        demand = response.json()
        assert demand["status"] == "running"
        if users is not None:
            wait_until(lambda: len(self.responses(demand["id"])) == users, 30,
                       f"{users} responses of DR {demand['id']}")
        return demand["id"]

    def end(self, demand):
        response = self.api.put(self.url("drs", demand, "end"))
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "end"

    def responses(self, demand):
        return self.find("responses", drId=demand)

    def response_of(self, demand, user):
        response, = self.find("responses", drId=demand, userId=user)
        return response["id"]

    def answer(self, response, answer):
        return self.api.put(self.url("responses", response, answer))

    def answered(self, response, answer):
        got = self.answer(response, answer)
        assert got.status_code == 200, got.text
        assert got.json()["answer"] == answer
        return got.json()

    def measure(self, response, adjust_point, is_real=True, **fields):
        return self.api.post(self.url("kepcos"), {"responseId": response, "isReal": is_real,
                                                  "adjustPoint": adjust_point, **fields})

    def measured(self, response, adjust_point, is_real=True):
        """A reading that is taken. Another node's response hears a little later that its demand has ended."""
        def taken():
            answer = self.measure(response, adjust_point, is_real)
            assert answer.status_code in (201, 409), answer.text
            return answer.status_code == 201
        wait_until(taken, 20, f"the reading of response {response}")

    def point(self, user):
        return self.get("users", user)["point"]

    def kepcos(self, demand):
        return self.find("kepcos", drId=demand)

    def settled(self, demand, count, timeout=30):
        """The settlements of a demand once `count` of them have a reading."""
        def all_read():
            rows = self.kepcos(demand)
            return rows if sum(row["isReal"] is not None for row in rows) == count else None
        return wait_until(all_read, timeout, f"{count} readings of DR {demand}")
