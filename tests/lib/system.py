"""What every system's users do: name a path, read an item, list a collection."""


class System:
    def __init__(self, api, prefix):
        self.api = api
        self.prefix = prefix

    def url(self, collection, item=None, rel=None):
        return "/".join(str(part) for part in (f"{self.prefix}/{collection}", item, rel)
                        if part is not None)

    def create(self, collection, **fields):
        response = self.api.post(self.url(collection), fields)
        assert response.status_code == 201, response.text
        return response.json()

    def get(self, collection, item):
        response = self.api.get(self.url(collection, item))
        assert response.status_code == 200, response.text
        return response.json()

    def find(self, collection, **filters):
        """All items of a small collection that match."""
        response = self.api.get(self.url(collection), params={"size": 1000, **filters})
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["page"]["totalPages"] <= 1
        return body["_embedded"][collection]
