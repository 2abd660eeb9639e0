"""`quantise` under a limit of LUTs: what is kept fits and is the best that does; synthesis has the last word."""

import numpy as np
import pytest

pytest.importorskip("hgq")
pytest.importorskip("da4ml")
import quantised_toy as toy

from pseudoexp.errors import ConfigError
from tagger import bit_budget
from tagger.bit_budget import BestUnder, Candidate, estimated_luts
from tagger.quantise import QuantiseOptions, quantise

LIMIT = 700.0


@pytest.fixture(scope="module")
def under():
    options = QuantiseOptions(luts=LIMIT, epochs=14, batch=32, learning_rate=1e-2)
    return quantise(toy.float_run().model, toy.data(), options)


def test_the_network_kept_fits(under):
    said = under.summary["luts"]
    assert said["limit"] == LIMIT and said["synthesised"] is None and said["fitting_epochs"] >= 1
    assert 0.2 * LIMIT < estimated_luts(under.model) == said["estimated"] <= LIMIT
    assert under.summary["val_auc"] > under.summary["float_val_auc"] - 0.02
    kept = under.summary["epoch"] - 1
    assert under.history["val_auc"][kept] == pytest.approx(under.summary["val_auc"], abs=1e-3)


def test_the_goal_falls_and_is_followed(under):
    goal, ebops = under.history["goal"], under.history["ebops"]
    assert goal[0] > goal[2] > goal[4] and ebops[-1] < 0.5 * ebops[0]
    assert max(size / aim for size, aim in zip(ebops, goal, strict=True)) < 1.4  # one step of the descent
    assert ebops[-1] < 1.3 * goal[-1]


class Recorder:
    """A network that is its weights."""

    def set_weights(self, weights):
        self.weights = weights


def judged(monkeypatch, limit, luts, areas):
    """What is kept of candidates with so many LUTs as synthesised."""
    import hgq.utils

    monkeypatch.setattr(hgq.utils, "trace_minmax", lambda model, x: 0)
    monkeypatch.setattr(bit_budget, "estimated_luts", lambda model: 100.0)
    keeper = BestUnder(limit, 10, np.zeros((1, 1), np.float32), lambda model: luts[model.weights[0]])
    keeper.set_model(Recorder())
    keeper.candidates = [Candidate(i + 1, area, luts[i] - 5.0, [i]) for i, area in enumerate(areas)]
    keeper.restore()
    return keeper


def test_synthesis_steps_down_from_the_best(monkeypatch):
    """What the first one takes tells that the one of 110 is too large as well."""
    keeper = judged(monkeypatch, 100.0, [90.0, 120.0, 99.0, 110.0], [0.90, 0.95, 0.92, 0.94])
    assert keeper.model.weights == [2] and keeper.best_epoch == 3
    assert [one["synthesised"] for one in keeper.summary["luts"]["tried"]] == [120.0, 99.0]


def test_a_limit_that_nothing_meets_is_one_line(monkeypatch):
    with pytest.raises(ConfigError, match="no network of at most 100 LUTs"):
        judged(monkeypatch, 100.0, [101.0], [0.9])


def test_a_network_that_always_says_the_same_is_none(monkeypatch):
    assert judged(monkeypatch, 500.0, [0.0, 400.0], [0.9, 0.8]).best_epoch == 2
    with pytest.raises(ConfigError, match="no network of at most 500 LUTs"):
        judged(monkeypatch, 500.0, [0.0, 0.0], [0.9, 0.8])


def test_options_are_checked():
    with pytest.raises(ConfigError, match=r"luts 3\.0"):
        QuantiseOptions(luts=3.0)
