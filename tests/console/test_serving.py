"""How the console's files are served: small, compressed, cached, and under a strict policy."""
import re

import pytest

FIRST_LOAD_BYTES_MAX = 200_000
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def raw(api, path, encoding):
    """(response, body as it came over the wire)"""
    response = api.get(path, headers={**HTML, "Accept-Encoding": encoding}, stream=True)
    return response, response.raw.read(decode_content=False)


def parts(api):
    """What the page loads at once."""
    html = api.get("/", headers=HTML).text
    found = re.findall(r'(?:href|src)="(/console/[^"]+)"', html)
    assert found and not re.findall(r'(?:href|src)="(?!/console/)', html)
    return found


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_the_first_load_is_small(api, encoding):
    """The page and all it loads at once are under 200 KB compressed."""
    sizes = {path: len(raw(api, path, encoding)[1]) for path in ["/", *parts(api)]}
    assert sum(sizes.values()) < FIRST_LOAD_BYTES_MAX, sizes


def test_each_file_in_each_encoding(api):
    """The same bytes in every encoding, with the right type, an ETag of its own, and a 304 for it; names
    with a hash are kept for good, the page itself is asked for again."""
    for path in ["/", *parts(api)]:
        plain, body = raw(api, path, "identity")
        assert plain.status_code == 200 and "Content-Encoding" not in plain.headers
        kind = TYPES.get(path.rpartition(".")[2], "text/html; charset=utf-8")
        assert plain.headers["Content-Type"] == kind
        hashed = re.search(r"-[A-Z0-9]{8}\.", path)
        assert ("immutable" if hashed else "no-cache") in plain.headers["Cache-Control"]
        tags = {plain.headers["ETag"]}
        for encoding in ("gzip", "br"):
            response, packed = raw(api, path, encoding)
            assert response.headers["Content-Encoding"] == encoding
            assert "Accept-Encoding" in response.headers["Vary"]
            assert len(packed) < len(body)
            tags.add(response.headers["ETag"])
            again = api.get(path, headers={**HTML, "Accept-Encoding": encoding,
                                           "If-None-Match": response.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert len(tags) == 3
        assert api.get(path, headers=HTML).content == body  # requests unpacks gzip.


def test_the_policy(api):
    """Only its own files, no inline scripts, no frames, nothing guessed."""
    headers = api.get("/", headers=HTML).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_programs_get_links_instead(api):
    """Who does not name HTML gets the collections as HAL; they lead somewhere."""
    response = api.get("/")
    assert response.headers["Content-Type"] == "application/hal+json"
    links = response.json()["_links"]
    assert api.get(links["shop/orders"]["href"]).status_code == 200
    assert "Accept" in response.headers["Vary"]


def test_what_is_not_there(api):
    """Another name below /console/ is a 404 problem, and no other path is taken from the API."""
    for path in ("/console/none.js", "/console/", "/console/index.html/x"):
        assert api.get(path).status_code == 404
