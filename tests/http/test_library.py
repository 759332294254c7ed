"""The system of docs/tutorial.md, over HTTP: a system of one's own does all that the five do."""
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import node as nodes
from library import LIMIT, Library
from shop import is_problem, wrong_fields


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    running = nodes.Node(tmp_path_factory.mktemp("library") / "data", binary=nodes.LIBRARY).start()
    yield running
    running.stop()


@pytest.fixture
def library(api):
    return Library(api)


def events(data):
    """[(type, data)] of the directory's journal, without the originals' first two fields."""
    done = nodes.dure("dump", data, binary=nodes.LIBRARY)
    assert done.returncode == 0, done
    found = []
    for line in done.stdout.decode().splitlines():
        event = json.loads(line)
        fields = dict(event["data"])
        assert event["type"].endswith("." + fields.pop("eventType"))
        assert isinstance(fields.pop("timestamp"), int)
        found.append((event["type"], fields))
    return found


@pytest.mark.parametrize("prefix", ["/library", ""], ids=["prefixed", "unprefixed"])
@pytest.mark.parametrize("kind", [int, str])
def test_scenario(tmp_path, prefix, kind):
    """Two copies: both are lent, the third loan is refused; one comes back and is lent again. The
    stream has what happened, and the books of the journal fit."""
    running = nodes.Node(tmp_path / "data", binary=nodes.LIBRARY).start()
    library = Library(running.client(), prefix, copies=kind(2))
    wish = {"bookId": kind(library.book), "readerId": kind(library.reader)}
    first, second = library.lent(**wish), library.lent(**wish)
    library.check(lent=2, times_lent=2)
    library.refused(library.lend(**wish), "every copy")
    assert library.give_back(first).json()["status"] == "returned"
    library.check(lent=1, times_lent=2, read=1)
    library.lent(**wish)
    library.check(lent=2, times_lent=3, read=1)
    due = library.get("loans", second)["dueDate"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", due)
    running.stop()
    told = events(running.data)
    assert [name for name, _ in told] == [
        "library.book.BookAdded", "library.reader.ReaderRegistered",
        *["library.book.CopyTaken", "library.loan.BookLent"] * 2,
        "library.loan.BookReturned", "library.book.CopyPutBack",
        "library.book.CopyTaken", "library.loan.BookLent"]
    assert told[0][1] == {"id": 1, "title": "토지", "author": "박경리", "copies": 2}
    assert told[4][1] == {"id": 1, "loanId": 2, "left": 0}
    assert told[5][1] == {"id": 2, "bookId": 1, "readerId": 1, "dueDate": due}
    for command in ("verify", "rebuild", "verify"):
        done = nodes.dure(command, running.data, binary=nodes.LIBRARY)
        assert done.returncode == 0, done
    books = done.stdout.decode()
    assert "library copies lent and loans: 2 = 2\n" in books
    assert "library copies lent and readers' books: 2 = 2\n" in books
    assert "library books with too many or too few lent: 0 = 0\n" in books


def test_unknown_reader(library):
    """The copy that was taken for nobody is back, and nothing was lent."""
    library.refused(library.lend(readerId=10**9), "no such reader")
    library.check(lent=0, times_lent=0)
    names = [event["data"]["eventType"] for event in library.api.get(
        library.url("books", library.book, "events")).json()["_embedded"]["events"]]
    assert names == ["BookAdded", "CopyTaken", "CopyPutBack"]


def test_unknown_book(library):
    library.refused(library.lend(bookId=10**9), "no such book")
    library.check(lent=0, times_lent=0)


def test_reader_has_enough(api):
    """A reader with three books is refused a fourth, until one is back; the copy is put back."""
    library = Library(api, copies=LIMIT + 2)
    loans = [library.lent() for _ in range(LIMIT)]
    library.refused(library.lend(), f"has {LIMIT} books")
    library.check(lent=LIMIT, times_lent=LIMIT)
    assert library.give_back(loans[0]).status_code == 200
    library.lent()
    library.check(lent=LIMIT, times_lent=LIMIT + 1, read=1)


@pytest.mark.parametrize("how", ["put", "post", "patch"])
def test_return_once(library, how):
    """A second return is 409, and counts nothing; so is that of a refused loan."""
    loan = library.lent()

    def give_back(loan):
        if how == "patch":
            return library.api.patch(library.url("loans", loan), {"status": "returned"})
        return getattr(library.api, how)(library.url("loans", loan, "return"))
    assert give_back(loan).json()["status"] == "returned"
    is_problem(give_back(loan), 409)
    library.check(lent=0, times_lent=1, read=1)
    refused = library.lend(bookId=10**9).json()["instance"].split("/")[-1]
    is_problem(give_back(refused), 409)
    is_problem(give_back(10**9), 404)


@pytest.mark.parametrize("collection, body, fields", [
    ("books", {}, ["title", "copies"]),
    ("books", {"title": "x", "copies": 0}, ["copies"]),
    ("books", {"title": "x", "copies": 1001}, ["copies"]),
    ("books", {"title": "", "copies": "many"}, ["title", "copies"]),
    ("readers", {"name": None}, ["name"]),
    ("loans", {"bookId": 1.5}, ["bookId", "readerId"]),
    ("loans", {"bookId": 0, "readerId": -1}, ["bookId", "readerId"]),
])
def test_bad_input(api, collection, body, fields):
    assert sorted(wrong_fields(api.post(f"/library/{collection}", body))) == sorted(fields)


def test_governed_fields(library):
    """What commands govern no PATCH changes; the title is free, and the shelf follows."""
    loan = library.lent()
    for collection, item, change in (("books", library.book, {"lent": 0}),
                                     ("books", library.book, {"copies": 9}),
                                     ("readers", library.reader, {"loans": 0}),
                                     ("loans", loan, {"status": "lent", "dueDate": "2030-01-01"}),
                                     ("loans", loan, {"status": "refused"})):
        is_problem(library.api.patch(library.url(collection, item), change), 409)
    library.check(lent=1, times_lent=1)
    assert library.api.patch(library.url("books", library.book), {"title": "Toji"}).ok
    assert library.get("shelves", library.book)["title"] == "Toji"


def test_shelves_are_read_only(library):
    path = library.url("shelves", library.book)
    for method, url in (("POST", library.url("shelves")), ("PUT", path), ("PATCH", path),
                        ("DELETE", path)):
        response = library.api(method, url, json={"left": 9})
        assert "GET" in response.headers["Allow"]
        is_problem(response, 405)


def test_race_for_the_last_copy(node, api):
    """Of many at once, each on a connection of its own, exactly one gets the copy; then exactly one
    returns it."""
    library = Library(api, copies=1)
    readers = [library.register() for _ in range(12)]
    together = threading.Barrier(len(readers))

    def at_once(ask):
        def one(reader):
            client = node.client()
            together.wait()
            return ask(client, reader)
        with ThreadPoolExecutor(len(readers)) as pool:
            return list(pool.map(one, readers))
    answers = at_once(lambda client, reader: client.post(
        "/library/loans", {"bookId": library.book, "readerId": reader}))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    library.check(lent=1, times_lent=1, loans=0)
    won, = [answer.json() for answer in answers if answer.status_code == 201]
    answers = at_once(lambda client, _: library.give_back(won["id"], client))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    library.check(lent=0, times_lent=1, loans=0)
    assert sum(library.get("readers", reader)["booksRead"] for reader in readers) == 1


def test_kill(tmp_path):
    """kill -9 right after the answers: what they told is there."""
    running = nodes.Node(tmp_path / "data", binary=nodes.LIBRARY).start()
    library = Library(running.client())
    library.give_back(library.lent())
    library.lent()
    running.kill()
    running.start()
    library.check(lent=1, times_lent=2, read=1)
    running.stop()


def test_the_five_are_there_as_well(api):
    """The line was added; nothing was taken away."""
    for path in ("/shop/orders", "/food/foods", "/dr/users", "/bike/points", "/secondhand/trades"):
        assert api.get(path).status_code == 200


def test_not_in_the_shipped_one(fresh):
    """dure itself does not have the library, neither by path nor by name."""
    for path in ("/library/books", "/books"):
        is_problem(fresh.client().get(path), 404)
    names = nodes.dure("--help").stdout.decode().split("systems on it:")[1].split(".")[0].split()
    with_it = nodes.dure("--help", binary=nodes.LIBRARY).stdout.decode()
    assert "library" not in names and f"{' '.join(names)} library." in with_it
