"""AUC, rejection and their errors against hand-made cases, scikit-learn and pseudo-experiments."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from pseudoexp.benchmark.metrics import Scored, jensen_shannon


def sample(rng, n=2000, shift=1.0):
    signal = rng.random(n) < 0.4
    return rng.normal(0, 1, n) + shift * signal, signal, rng.gamma(2.0, 1.0, n)


def test_auc_by_hand():
    # pairs (signal, background): 3 > 2, 3 > 1, 1 < 2, 1 = 1: (1 + 1 + 0 + 1/2) / 4
    assert Scored([3, 1, 2, 1], [True, True, False, False]).auc()[0] == pytest.approx(2.5 / 4)
    # weights: signal 3 and 1, background 1 and 2: (3*1 + 3*2 + 0 + 1*2/2) / (4 * 3)
    assert Scored([3, 1, 2, 1], [True, True, False, False], [3, 1, 1, 2]).auc()[0] == pytest.approx(10 / 12)


def test_auc_equals_scikit_learn_with_weights_and_ties():
    rng = np.random.default_rng(1)
    score, signal, weight = sample(rng)
    for values in (score, np.round(score, 1), np.zeros_like(score)):
        expected = roc_auc_score(signal, values, sample_weight=weight)
        assert Scored(values, signal, weight).auc()[0] == pytest.approx(expected, abs=1e-12)


def test_auc_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(2)
    score, signal, weight = sample(rng)
    event = rng.integers(0, 900, len(score))
    order = rng.permutation(len(score))
    first = Scored(score, signal, weight, event).auc()
    assert Scored(score[order], signal[order], weight[order], event[order]).auc() == pytest.approx(first)


def test_rejection_by_hand():
    # signal 4 3 2 1; at 50 % the threshold is 3, which background 5 and 3 of eight pass
    score = [4, 3, 2, 1, 5, 3, 2, 1, 0, 0, 0, 0]
    point = Scored(score, [True] * 4 + [False] * 8).rejection(0.5)
    assert (point["threshold"], point["passed"], point["rejection"]) == (3.0, 2, pytest.approx(4.0))
    assert point["n_eff_passed"] == pytest.approx(2.0)


def test_weighted_rejection_by_hand():
    # weights 1 1 6 in the signal: 60 % need the first three; background: 2 of 2 + 8 passes
    point = Scored([9, 8, 5, 6, 1], [True, True, True, False, False], [1, 1, 6, 2, 8]).rejection(0.6)
    assert point["threshold"] == 5.0
    assert point["rejection"] == pytest.approx(10 / 2)


def test_rejection_equals_scikit_learns_curve():
    score, signal, weight = sample(np.random.default_rng(3), 5000)
    rates, efficiencies, _ = roc_curve(signal, score, sample_weight=weight, drop_intermediate=False)
    for efficiency in (0.3, 0.5, 0.7):
        expected = rates[np.searchsorted(efficiencies, efficiency)]
        assert Scored(score, signal, weight).rejection(efficiency)["background"] == pytest.approx(expected, abs=1e-12)


def test_rejection_without_passing_background_is_a_limit():
    signal = np.arange(700) < 100
    point = Scored(np.where(signal, 1.0, 0.0), signal).rejection(0.5)
    assert point["rejection"] is None
    assert point["rejection_above"] == pytest.approx(200.0)


def test_a_given_cut_by_hand():
    # signal 4 3 2 1 of weights 1 1 1 5, background 5 3 2 1 of weights 2 2 4 8; 3 and above pass
    point = Scored([4, 3, 2, 1, 5, 3, 2, 1], [True] * 4 + [False] * 4, [1, 1, 1, 5, 2, 2, 4, 8]).at(2.5)
    assert (point["signal"], point["background"], point["rejection"], point["passed"]) == pytest.approx((0.25, 0.25, 4.0, 2))
    assert point["signal_error"] == pytest.approx(np.sqrt(2 * 0.75**2 + 0.25**2 + (5 * 0.25) ** 2) / 8)
    assert point["background_error"] == pytest.approx(np.sqrt(2 * (2 * 0.75) ** 2 + (4 * 0.25) ** 2 + (8 * 0.25) ** 2) / 16)
    assert point["rejection_error"] == pytest.approx(16 * point["background_error"])
    nothing = Scored([1, 0, 0], [True, False, False]).at(0.5)
    assert nothing["rejection"] is None and nothing["rejection_above"] == pytest.approx(2 / 3)


def test_errors_at_a_given_cut_are_the_scatter():
    """Two rows of the same score per event: the errors are those of independent events."""
    rng, found = np.random.default_rng(6), []
    for _ in range(300):
        score, signal, weight = (np.tile(a, 2) for a in sample(rng, 800))
        found.append(Scored(score, signal, weight, np.tile(np.arange(800), 2)).at(0.8))
    for key in ("signal", "background"):
        assert np.mean([f[f"{key}_error"] for f in found]) == pytest.approx(np.std([f[key] for f in found]), rel=0.12)


def test_effective_size_by_hand():
    scored = Scored(np.zeros(4), [True, False, False, False], [1, 1, 1, 2], [7, 1, 1, 2])
    # the three background rows are two events of weight 2: n_eff = 4^2 / 8
    assert scored.effective_size(~scored.signal) == pytest.approx(2.0)


def test_doubling_rows_of_an_event_adds_no_information():
    rng = np.random.default_rng(4)
    score, signal, weight = sample(rng, 3000)
    event = np.arange(len(score))
    once, twice = (Scored(*(np.tile(a, k) for a in (score, signal, weight, event))) for k in (1, 2))
    assert twice.auc() == pytest.approx(once.auc())
    a, b = once.rejection(0.5), twice.rejection(0.5)
    assert b["rejection_error"] == pytest.approx(a["rejection_error"], rel=1e-6)
    assert b["n_eff_passed"] == pytest.approx(a["n_eff_passed"])


def test_errors_equal_the_spread_of_pseudo_experiments():
    """Pulls over 400 samples of correlated, weighted rows: the spread is the mean error within 12 %."""
    rng = np.random.default_rng(5)
    areas, rates = [], []
    for _ in range(400):
        event = np.repeat(np.arange(500), 2)  # two correlated rows per event
        signal = event % 2 == 0
        score = rng.normal(0, 1, 500)[event] * 0.8 + rng.normal(0, 0.6, 1000) + 1.5 * signal
        scored = Scored(score, signal, rng.gamma(2.0, 1.0, 500)[event], event)
        areas.append(scored.auc())
        point = scored.rejection(0.5)
        rates.append((point["background"], point["background_error"]))
    for values in (np.array(areas), np.array(rates, dtype=float)):
        values = values[np.isfinite(values[:, 1])]
        assert np.sqrt(np.mean(values[:, 1] ** 2)) == pytest.approx(values[:, 0].std(), rel=0.12)


@pytest.mark.parametrize("efficiency", [0.5, 0.97])
def test_threshold_adds_to_the_error(efficiency):
    """With few signal rows and much background the error is the threshold's alone, also where the curve steepens."""
    rng = np.random.default_rng(6)
    background = rng.normal(0, 1, 40_000)
    rates, errors = [], []
    for _ in range(200):
        score = np.concatenate([rng.normal(2, 1, 400), background])
        point = Scored(score, np.arange(len(score)) < 400).rejection(efficiency)
        rates.append(point["background"])
        errors.append(point["background_error"])
    assert np.mean(errors) == pytest.approx(np.std(rates), rel=0.15)


def test_jensen_shannon():
    from scipy.spatial.distance import jensenshannon

    rng = np.random.default_rng(7)
    p, q = rng.random(12), rng.random(12)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2))
    assert jensen_shannon(p, 3 * p) == pytest.approx(0.0, abs=1e-7)
    assert jensen_shannon([1, 0], [0, 5]) == pytest.approx(1.0)


@pytest.mark.parametrize("weighted", [False, True])
def test_errors_are_those_of_resampled_events(weighted):
    """One Poisson number of mean 1 for all rows of an event, 400 times, against the errors of one sample."""
    rng = np.random.default_rng(8)
    rows_of = rng.choice([1, 2, 3], size=2500, p=[0.6, 0.3, 0.1])
    event = np.repeat(np.arange(2500), rows_of)
    signal = event < 1000
    score = rng.normal(0, 0.8, 2500)[event] + rng.normal(0, 0.6, len(event)) + 1.6 * signal
    weight = np.where(signal, rng.gamma(2.0, 0.5, 2500)[event], 1.0) if weighted else np.ones(len(event))
    one = Scored(score, signal, weight, event)
    samples = []
    for _ in range(400):
        other = Scored(score, signal, weight * rng.poisson(1.0, 2500)[event], event)
        samples.append([other.auc()[0], *(other.rejection(e)["rejection"] for e in (0.3, 0.5, 0.7))])
    expected = np.std(samples, axis=0)
    found = [one.auc()[1], *(one.rejection(e)["rejection_error"] for e in (0.3, 0.5, 0.7))]
    assert found == pytest.approx(expected, rel=0.2)
    alone = Scored(score, signal, weight).auc()[1]
    assert alone < 0.93 * found[0]  # as if the rows of an event knew nothing of each other
