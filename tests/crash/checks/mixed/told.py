"""Each user is told of everything that happened to what is theirs, once."""
from collections import defaultdict


def check(journeys, shown):
    notices = gathered(shown("secondhand/notices"), "userid", "status")
    for deal in journeys["secondhand"]:
        assert notices.pop(deal.user, []) in [sorted(told) for told in deal.told()], deal.requests
    assert not notices, "told to nobody who is there"
    messages = gathered(shown("food/notificationLogs"), "orderId", "message")
    for meal in journeys["food"]:
        if meal.order is not None:
            told = messages.pop(meal.order, [])
            assert told in [sorted(fits) for fits in meal.messages()], (told, meal.requests)
    assert not messages, "told of no order that is there"


def gathered(rows, key, what):
    lists = defaultdict(list)
    for row in rows:
        lists[row[key]].append(row[what])
    return {key: sorted(texts) for key, texts in lists.items()}
