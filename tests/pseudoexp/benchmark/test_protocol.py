"""The protocol on rows whose figures are known, over seeds, and on other releases."""

import json

import numpy as np
import pytest

from pseudoexp.benchmark import evaluate, protocol, store
from pseudoexp.benchmark.protocol import judged, spread
from pseudoexp.benchmark.rows import Rows, read_rows
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError, DataError


def test_rejections_by_hand():
    """Ten signal rows at 1 ... 10, 20 background rows, four of them at 9.5, 7.5, 5.5 and 3.5, the others at 0."""
    score = np.concatenate([np.arange(1.0, 11.0), [9.5, 7.5, 5.5, 3.5], np.zeros(16)])
    n = len(score)
    signal = np.arange(n) < 10
    rows = Rows(y=signal.astype(np.int8), weight=np.ones(n), physical=np.ones(n), event=np.arange(n), jet=np.zeros(n),
                row=np.arange(n), pt=np.full(n, 300.0), mass=np.full(n, 100.0), flavour=np.where(signal, -1, 5))
    found = judged(score[:, None], rows)
    values = {e: entry["median"] for e, entry in found["over_seeds"]["rejection"].items()}
    assert values == pytest.approx({"0.3": 20.0, "0.5": 10.0, "0.6": 20 / 3, "0.7": 20 / 3})
    # pairs lost: the four background rows stand above 9, 7, 5 and 3 signal rows
    assert found["over_seeds"]["auc"]["median"] == pytest.approx(1 - (9 + 7 + 5 + 3) / 200)
    assert found["headline"]["median"] == values["0.6"] and found["headline"]["spread"] is None
    assert found["rows"] == {"signal": 10, "background": 20}


def test_the_median_of_seeds_and_its_seed(small):
    rows = read_rows(probe(store.path_of("v1-small")), None)
    rng = np.random.default_rng(1)
    separation = np.array([1.5, 2.5, 2.0, 1.0, 3.0])
    scores = rng.normal(size=(len(rows), 5)) + rows.y[:, None] * separation
    found = judged(scores, rows)
    assert found["figures_of_seed"] == 2
    values = found["headline"]["values"]
    assert found["headline"]["median"] == np.median(values) == values[2]
    assert found["headline"]["spread"] == pytest.approx(np.std(values, ddof=1))
    assert found["figures"]["weightings"]["benchmark"]["rejection"]["0.6"]["rejection"] == values[2]
    json.dumps(found, allow_nan=False)


def test_medians_with_and_without_background():
    one = spread([1.0, 2.0, 30.0], [0.1, 0.2, 9.0])
    assert one == {"median": 2.0, "error": 0.2, "spread": pytest.approx(np.std([1, 2, 30], ddof=1)), "values": [1.0, 2.0, 30.0]}
    one = spread([np.inf, np.inf, 50.0], [None, None, 4.0], [30.0, 40.0, None])
    assert one == {"median": None, "error": 4.0, "spread": None, "values": [None, None, 50.0], "above": 30.0}
    assert spread([10.0, np.inf, 50.0], [1.0, None, 4.0], [None, 40.0, None])["median"] == 50.0
    assert spread([10.0, np.inf], [1.0, None], [None, 40.0])["above"] == 40.0


def test_figures_do_not_depend_on_the_order_of_entries(small):
    rows = read_rows(probe(store.path_of("v1-small")), "test")
    rng = np.random.default_rng(2)
    score = rng.normal(size=len(rows)) + rows.y
    order = rng.permutation(len(rows))
    first = evaluate({"score": score, "eventNumber": rows.event, "jet": rows.jet})
    second = evaluate({"score": score[order], "row": rows.row[order]})
    assert first == second and first["release"]["name"] == "v1-small" and first["release"]["status"] == "candidate"
    assert set(first["figures"]["mass_sculpting"]) == {"0.3", "0.5", "0.6", "0.7"}
    with pytest.raises(DataError, match="is no row of split 'val' of v1-small"):
        evaluate({"score": score, "row": rows.row}, "val")


def test_weights_decide():
    """A score that is the spectrum itself separates nothing under weights that give both classes the same one."""
    rng, n = np.random.default_rng(7), 4000
    signal = np.arange(n) < n // 2
    pt = np.where(signal, 300.0 * rng.uniform(size=n) ** -0.5, 300.0 * rng.uniform(size=n) ** -0.2)  # dN/dpt ~ pt^-3 and pt^-6
    as_background = np.where(signal, (pt / 300.0) ** -3, 1.0)
    rows = Rows(y=signal.astype(np.int8), weight=as_background, physical=np.ones(n), event=np.arange(n), jet=np.zeros(n),
                row=np.arange(n), pt=pt, mass=np.full(n, 100.0), flavour=np.where(signal, -1, 5))
    figures = judged(pt[:, None], rows)["figures"]["weightings"]
    area, error = figures["benchmark"]["auc"], figures["benchmark"]["auc_error"]
    assert abs(area - 0.5) < 3 * error < 0.06
    assert figures["unweighted"]["auc"] == pytest.approx(5 / 7, abs=0.03)  # P(pt_s > pt_b) = 5 / (5 + 2)


def test_transfer(small, monkeypatch):
    """Rounded scores tie with the threshold; weights differ from row to row."""
    def weighted(info, split):
        rows = read_rows(info, split)
        return Rows(**vars(rows) | {"weight": 0.2 + np.random.default_rng(len(rows)).exponential(size=len(rows))})

    monkeypatch.setattr(protocol, "read_rows", weighted)
    own = weighted(probe(store.path_of("v1-small")), "test")
    other = weighted(probe(store.path_of("v1-other")), None)
    rng = np.random.default_rng(3)
    noise = [rng.normal(size=(len(rows), 2)) for rows in (own, other)]
    scores = [{"score": np.round(noise[k] + gap * rows.y[:, None] + shift, 1), "row": rows.row}
              for k, (rows, gap, shift) in enumerate(((own, 2.0, 0.0), (other, 1.0, 0.5)))]
    found = evaluate(scores[0], transfer={"v1-other": scores[1]})
    moved = found["transfer"]["v1-other"]
    assert moved["over_seeds"]["auc"]["median"] < found["over_seeds"]["auc"]["median"]
    # the mean of the signal is 1.5 instead of 2, that of the background 0.5 instead of 0: the same cut lets less signal through
    shares = []
    for seed in range(2):
        score, weight = scores[0]["score"][own.y == 1, seed], own.weight[own.y == 1]
        cut = max(t for t in np.unique(score) if weight[score >= t].sum() >= 0.5 * weight.sum())
        shares.append([np.average(scores[1]["score"][other.y == label, seed] >= cut, weights=other.weight[other.y == label])
                       for label in (1, 0)])
    kept = moved["at_these_thresholds"]["0.5"]
    assert [kept["signal_efficiency"], kept["background_efficiency"]] == pytest.approx(np.median(shares, axis=0))
    assert kept["signal_efficiency"] == pytest.approx(0.31, abs=0.1)  # of a normal distribution beyond 0.5
    scores[1]["score"] = scores[1]["score"][:, :1]
    with pytest.raises(ConfigError, match="1 seeds; allowed: 2"):
        evaluate(scores[0], transfer={"v1-other": scores[1]})


def test_a_file_that_is_no_release(small, tmp_path):
    from mock_file import mock_file

    path = mock_file(tmp_path / "a.h5", 2000)
    rows = read_rows(probe(path), "test")
    found = evaluate({"score": rows.y + 0.0, "row": rows.row}, name=None, data=path)
    assert found["release"]["name"] is None and found["over_seeds"]["auc"]["median"] == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="not release v1-small"):
        evaluate({"score": rows.y + 0.0, "row": rows.row}, data=path)
    with pytest.raises(ConfigError, match="neither a release nor a file"):
        evaluate({"score": rows.y + 0.0, "row": rows.row}, name=None)


def test_a_split_without_a_class(tmp_path):
    from mock_file import mock_file

    path = mock_file(tmp_path / "a.h5", 300, signal_fraction=1.0)
    with pytest.raises(DataError, match="no qcd row"):
        read_rows(probe(path), "test")
