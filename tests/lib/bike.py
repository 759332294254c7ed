"""The bike system as its users see it: bikes, points, reservations and the dashboard."""
from node import wait_until
from shop import is_problem, path_of, wrong_fields  # noqa: F401  The shape of errors is everybody's.
from system import System

RECEIVED, RESERVED, CANCELED, RETURNED = "예약접수", "예약완료", "예약취소", "사용완료"
UNKNOWN_BIKE, TAKEN, TOO_FEW = "없는 자전거", "이미 예약", "포인트가 부족"
FARE = 1000

# What a reservation no longer allows once it has ended, by each way to ask for it.
WAYS_TO_CANCEL = ["put", "post", "delete", "patch"]
WAYS_TO_RETURN = ["put", "post", "patch"]


class Bike(System):
    def __init__(self, api, prefix="/bike", user=10):
        super().__init__(api, prefix)
        self.user = user
        self.bike = None

    def add(self, points=None, **fields):
        """A new bike; with `points`, a purchase of them."""
        self.bike = self.create("managements", **{
            "color": "green", "registeredDate": "2024-04-04", **fields})["bikeId"]
        if points is not None:
            self.buy(points)
        return self

    def approve(self, price, **fields):
        return self.api.post(self.url("approvals"), {"userId": self.user, "price": price, **fields})

    def buy(self, price):
        response = self.approve(price)
        assert response.status_code == 201, response.text
        return response.json()

    def reserve(self, headers=None, **fields):
        """POSTs a reservation; returns the response, whatever it is."""
        body = {"userId": self.user, "bikeId": self.bike, **fields}
        return self.api.post(self.url("reservations"), body, headers=headers)

    def reserved(self, **fields):
        """The number of a reservation that succeeds."""
        response = self.reserve(**fields)
        assert response.status_code == 201, response.text
        assert response.json()["reserveStatus"] == RESERVED
        return response.json()["reserveNo"]

    def ask(self, number, rel, way="put", client=None):
        """Cancels or returns a reservation, one way or another; the response."""
        api = client or self.api
        url = self.url("reservations", number)
        if way == "delete":
            assert rel == "cancel"
            return api.delete(url)
        if way == "patch":
            return api.patch(url, {"reserveStatus": CANCELED if rel == "cancel" else RETURNED})
        return (api.post if way == "post" else api.put)(f"{url}/{rel}")

    def cancel(self, number, **how):
        return self.ask(number, "cancel", **how)

    def give_back(self, number, **how):
        return self.ask(number, "return", **how)

    def status(self, number):
        """Of the reservation, which the dashboard shows as well."""
        status = self.get("reservations", number)["reserveStatus"]
        assert self.get("reservationDashboards", number)["reserveStatus"] == status
        return status

    @property
    def points(self):
        return self.get("points", self.user)["totalPoint"]

    def is_free(self):
        """Whether somebody else with points can reserve it; afterwards it is as before."""
        other = Bike(self.api, self.prefix, user=self.user + 10**9)
        other.bike = self.bike
        other.buy(FARE)
        response = other.reserve()
        if response.status_code == 409:
            assert TAKEN in is_problem(response, 409)["detail"]
            return False
        assert response.status_code == 201, response.text
        assert other.give_back(response.json()["reserveNo"]).status_code == 200
        return True

    def refused(self, response, reason):
        """A refused reservation is a 409 that names the kept one and why; returns it."""
        problem = is_problem(response, 409)
        assert reason in problem["detail"], problem
        kept = self.api.get(path_of(problem["instance"]))
        assert kept.status_code == 200, kept.text
        kept = kept.json()
        assert kept["reserveStatus"] == CANCELED
        assert self.get("reservationDashboards", kept["reserveNo"])["reserveStatus"] == CANCELED
        return kept

    def becomes(self, number, status, timeout=30):
        return wait_until(
            lambda: self.get("reservations", number)["reserveStatus"] == status, timeout,
            f"reservation {number} to become {status}")

    def shows(self, number, status):
        """The dashboard becomes this: in a cluster it may be another node's."""
        wait_until(lambda: self.get("reservationDashboards", number)["reserveStatus"] == status,
                   10, f"the dashboard to show {status} for reservation {number}")
