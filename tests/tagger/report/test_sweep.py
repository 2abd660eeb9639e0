"""What a sweep's report says of a search: within one standard deviation, or not."""

import pytest

from tagger.report.sweep import search_table, verdict


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
    assert told["found"] == pytest.approx(sum(found) / 3) and told["own"] == own
    assert (told["found_within"], told["own_within"]) == (within, own_within)
    assert search_table(_search(found, own)).rows[1][1][-1] == ("–" if own is None else f"{own:.4f}")
