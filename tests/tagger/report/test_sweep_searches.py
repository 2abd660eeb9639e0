"""What a sweep's report says of a search: within one standard deviation, or not."""

import pytest

from tagger.report.sweep_searches import verdict
from tagger.report.sweep_tables import search_table


def _search(found, own=None):
    entry = {"index": 0, "rank": 2, "test": found} | ({} if own is None else {"own": own})
    candidates = [{"inputs": ["pt"], "layout": [2, 1]}] * 2
    return {"kind": "layouts", "candidates": candidates, "winners": [{"index": 1, "rank": 1, "test": [0.90, 0.92, 0.94]}],
            "found": [entry]}


@pytest.mark.parametrize(("found", "own", "within", "own_within"), [
    ([0.90, 0.91, 0.92], 0.899, True, False), ([0.88, 0.90, 0.91], 0.95, False, True), ([0.89, 0.89, 0.89], None, False, None)])
def test_verdict(found, own, within, own_within):
    told = verdict(_search(found, own))
    assert told["best"] == pytest.approx(0.92) and told["spread"] == pytest.approx(0.02)
    assert told["found"] == pytest.approx(sorted(found)[1]) and told["own"] == own and told["dead"] == 0
    assert (told["found_within"], told["own_within"]) == (within, own_within)
    assert search_table(_search(found, own)).rows[1][1][-1] == ("–" if own is None else f"{own:.4f}")


def test_dead_networks_count_in_medians_but_not_in_spreads():
    search = _search([0.90, 0.91, 0.5])
    search["winners"][0]["test"] = [0.90, 0.92, 0.94, 0.5, 0.5]
    told = verdict(search)
    assert told["best"] == 0.90 and told["dead"] == 2 and told["spread"] == pytest.approx(0.02) and told["found"] == 0.90
    assert [row[1][5] for row in search_table(search).rows] == ["2", "1"]
    assert search_table(_search([0.5, 0.5, 0.5])).rows[1][1][3:6] == ("0.5000", "0.0000", "3")
