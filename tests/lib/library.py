"""The library of docs/tutorial.md as its users see it: books, readers, loans and shelves."""
from shop import is_problem, path_of
from system import System

LIMIT = 3


class Library(System):
    def __init__(self, api, prefix="/library", copies=2):
        super().__init__(api, prefix)
        self.book = self.create("books", title="토지", author="박경리", copies=copies)["id"]
        self.reader = self.register()

    def register(self):
        return self.create("readers", name="Kim")["id"]

    def lend(self, **fields):
        """POSTs a loan; returns the response, whatever it is."""
        return self.api.post(self.url("loans"),
                             {"bookId": self.book, "readerId": self.reader, **fields})

    def lent(self, **fields):
        """The id of a loan that succeeds."""
        response = self.lend(**fields)
        assert response.status_code == 201, response.text
        assert response.json()["status"] == "lent"
        return response.json()["id"]

    def give_back(self, loan, client=None):
        return (client or self.api).put(self.url("loans", loan, "return"))

    def refused(self, response, reason):
        """A refused loan is a 409 that names the kept one and why."""
        problem = is_problem(response, 409)
        assert reason in problem["detail"], problem
        assert self.api.get(path_of(problem["instance"])).json()["status"] == "refused"

    def check(self, lent, times_lent, loans=None, read=0):
        """What book, shelf and reader say; the reader has all of them unless told."""
        book = self.get("books", self.book)
        shelf = self.get("shelves", self.book)
        reader = self.get("readers", self.reader)
        assert book["lent"] == lent
        assert (shelf["left"], shelf["timesLent"]) == (book["copies"] - lent, times_lent)
        assert (reader["loans"], reader["booksRead"]) == (lent if loans is None else loans, read)
