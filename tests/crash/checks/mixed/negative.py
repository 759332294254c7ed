"""No points and no stock are ever below zero."""


def check(_journeys, shown):
    for collection, field in (("bike/points", "totalPoint"), ("dr/users", "point"),
                              ("secondhand/inventories", "qty")):
        for row in shown(collection):
            assert row[field] >= 0, row
