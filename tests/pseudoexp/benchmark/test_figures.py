"""All figures of a score: each against the few lines that define it, on made-up rows."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from pseudoexp.benchmark.figures import (
    EFFICIENCIES,
    FEWEST,
    MASS_EDGES,
    PT_EDGES,
    WEIGHTINGS,
    by_flavour,
    figures,
    in_pt_bins,
    scored,
    sculpting,
    subsample,
    weighting,
)
from pseudoexp.benchmark.flavours import BACKGROUNDS, SIGNAL
from pseudoexp.benchmark.metrics import Scored
from pseudoexp.errors import ConfigError


@dataclass(frozen=True)
class Part:
    """Made-up rows."""

    y: np.ndarray
    weight: np.ndarray
    physical: np.ndarray
    event: np.ndarray
    pt: np.ndarray
    mass: np.ndarray
    flavour: np.ndarray

    def at(self, rows: np.ndarray) -> "Part":
        """Return some rows."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def made_up(n: int = 6000, seed: int = 1) -> tuple[np.ndarray, Part]:
    """Return a score and rows."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=n) < 0.4).astype(np.int8)
    weight = rng.gamma(4.0, 0.25, n)
    pt = (250.0 + rng.exponential(200.0, n)).astype(np.float32)
    flavour = np.where(y == 1, SIGNAL, rng.choice(len(BACKGROUNDS), n, p=[0.03, 0.001, 0.05, 0.06, 0.1, 0.759])).astype(np.int8)
    mass = np.where(y == 1, rng.normal(125.0, 12.0, n), rng.uniform(40.0, 260.0, n)).astype(np.float32)
    score = rng.normal(size=n) + 1.5 * y + 0.001 * pt
    return score, Part(y, weight, weight * 10.0 ** -y, np.arange(n) // 2, pt, mass, flavour)


SCORE, PART = made_up()


def test_weightings() -> None:
    """Benchmark weights, none, cross-sections; anything else is the user's mistake."""
    assert weighting(PART, "benchmark") is PART.weight and weighting(PART, "physical") is PART.physical
    assert (weighting(PART, "unweighted") == 1.0).all() and len(WEIGHTINGS) == 3
    with pytest.raises(ConfigError, match="weighting 'best'; allowed: benchmark, unweighted, physical"):
        weighting(PART, "best")


def test_summary_of_every_weighting() -> None:
    """AUC as the share of pairs in order, rejections by the plain cut on sorted scores."""
    found = figures(SCORE, PART, 0.5)
    assert found["rows"] == {"signal": int(PART.y.sum()), "background": int((1 - PART.y).sum())}
    signal, background = SCORE[PART.y == 1], SCORE[PART.y == 0]
    for name in WEIGHTINGS:
        w = weighting(PART, name)
        ws, wb = w[PART.y == 1], w[PART.y == 0]
        pairs = ws @ (signal[:, None] > background) @ wb / ws.sum() / wb.sum()
        assert found["weightings"][name]["auc"] == pytest.approx(pairs)
        order = np.argsort(-signal)
        for efficiency in EFFICIENCIES:
            cut = signal[order][np.searchsorted(np.cumsum(ws[order]), efficiency * ws.sum() * (1 - 1e-12))]
            entry = found["weightings"][name]["rejection"][f"{efficiency:g}"]
            assert entry["rejection"] == pytest.approx(wb.sum() / wb[background >= cut].sum())
            assert entry["threshold"] == cut


def test_flavours_are_judged_against_all_signal() -> None:
    """Shares of the background add up to one; figures are those of signal and this flavour alone, none of too few rows."""
    found = by_flavour(SCORE, PART)
    assert sum(entry["share"] for entry in found.values()) == pytest.approx(1.0)
    for i, name in enumerate(BACKGROUNDS):
        rows = PART.flavour == i
        assert found[name]["rows"] == rows.sum()
        assert found[name]["share"] == pytest.approx(PART.weight[rows].sum() / PART.weight[PART.y == 0].sum())
        if rows.sum() < FEWEST:
            assert "auc" not in found[name]
            continue
        both = rows | (PART.y == 1)
        alone = Scored(SCORE[both], PART.y[both] == 1, PART.weight[both], PART.event[both])
        assert (found[name]["auc"], found[name]["auc_error"]) == alone.auc()
    assert any("auc" not in entry for entry in found.values())


def test_bins_of_pt() -> None:
    """Every row in one bin; efficiencies of the common cut average to those of all rows."""
    cut = scored(SCORE, PART).threshold(0.5)
    bins = in_pt_bins(SCORE, PART, cut)
    assert [(b["low"], b["high"]) for b in bins] == list(pairwise(PT_EDGES)) and sum(b["rows"] for b in bins) == len(SCORE)
    for label, name in ((1, "signal"), (0, "background")):
        parts = [(PART.weight[(PART.y == label) & (PART.pt >= b["low"]) & (PART.pt < b["high"])].sum(), b[f"{name}_efficiency"])
                 for b in bins]
        total = PART.weight[PART.y == label].sum()
        passed = PART.weight[(PART.y == label) & (cut <= SCORE)].sum()
        assert sum(w * e for w, e in parts) / total == pytest.approx(passed / total)
    rows = (PART.pt >= 250.0) & (PART.pt < 350.0)
    assert bins[0]["auc"] == Scored(SCORE[rows], PART.y[rows] == 1, PART.weight[rows], PART.event[rows]).auc()[0]


def test_cuts_of_bins_and_spectra() -> None:
    """The bins follow the headline's cut, each spectrum its own; the edges are those of BENCHMARK.md."""
    found = figures(SCORE, PART, 0.7)
    assert found["pt_bins"] == in_pt_bins(SCORE, PART, scored(SCORE, PART).threshold(0.7))
    assert found["mass_sculpting"] == {f"{e:g}": sculpting(scored(SCORE, PART), PART, e) for e in (0.3, 0.5, 0.6, 0.7)}
    assert MASS_EDGES.tolist() == list(range(50, 251, 10)) and PT_EDGES == (250, 350, 500, 750, 1000, 3000)


def test_too_few_rows_or_weights_have_no_figures() -> None:
    """19 rows of a class, or rows of no weight."""
    signal, background = np.flatnonzero(PART.y == 1), np.flatnonzero(PART.y == 0)
    for few, expected in ((FEWEST - 1, False), (FEWEST, True)):
        rows = np.zeros(len(SCORE), bool)
        rows[signal[:few]] = rows[background[:500]] = True
        assert (subsample(SCORE, PART, rows) is not None) == expected
    weightless = replace(PART, weight=np.where(PART.y == 1, PART.weight, 0.0))
    assert subsample(SCORE, weightless, np.ones(len(SCORE), bool)) is None


def test_noise_of_the_sculpting() -> None:
    """A score that knows nothing of the mass gives the noise on average; one that is the mass gives much more."""
    ratios = []
    for seed in range(12):
        score, part = made_up(4000, seed + 10)
        entry = sculpting(scored(score, part), part, 0.5)
        ratios.append((entry["distance"] / entry["noise"]) ** 2)
        passed = (part.y == 0) & (score >= scored(score, part).threshold(0.5))
        np.testing.assert_allclose(entry["after"], np.histogram(part.mass[passed], MASS_EDGES, weights=part.weight[passed])[0])
        assert entry["rows_after"] == passed.sum()
    assert 0.6 < np.mean(ratios) < 1.15  # the sample cut is part of its parent
    near = -np.abs(PART.mass - 125.0).astype(float)
    entry = sculpting(scored(near, PART), PART, 0.5)
    assert entry["distance"] > 5 * entry["noise"]
    nothing = sculpting(scored(np.where(PART.y == 1, 1.0, 0.0) + 1e-6 * SCORE, PART), PART, 0.5)
    assert nothing["distance"] is None and nothing["rows_after"] == 0
