"""Every accepted response of an ended demand is settled, once; no other one is."""


def check(journeys, shown):
    accepted = {response for demand in journeys["dr"]
                for response, answer in demand.answers.items() if answer == "accept"}
    settlements = shown.by("dr/kepcos", "responseId")
    assert settlements.keys() == accepted
    for row in settlements.values():
        assert row["isReal"] is not None and row["adjustPoint"] >= 0, row
