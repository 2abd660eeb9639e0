"""The sanity figures of the physics, each with its error and the window it has to lie in.

`physics.py` prints them, `tests/physics/test_sanity.py` asserts the windows on smaller samples.
Classifiers are cross-fitted in five folds of events, so that every row is scored by a classifier that never saw its
event and all rows count in the figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from samples import Raw, Response, TrackJets
from scipy.ndimage import gaussian_filter1d
from sklearn.ensemble import HistGradientBoostingClassifier

import pseudoexp
from pseudoexp.benchmark.metrics import Scored
from pseudoexp.dataset.schema import KINEMATIC_INPUTS
from tagger.data import SPLITS, Split, TaggerData
from tagger.evaluate import logits
from tagger.train import TrainConfig, train

FOLDS = 5
HBB_EFFICIENCY, B_EFFICIENCY = 0.5, 0.77
B, C, LIGHT = 5, 4, 0
PRIMARY, FROM_B = 2, (3, 4)
"""Values of `ftagTruthOriginLabel`."""
CHARM_SHARE = 0.08
"""Weight of charm in the b discriminant ln p_b / (f p_c + (1 - f) p_light)."""
TRACK_JET_PT = np.geomspace(20.0, 250.0, 13)
"""Bins [GeV] in which track jets of each flavour are reweighted."""
RESPONSE_PT = np.array([250.0, 300.0, 400.0, 550.0, 750.0, 1000.0, 1500.0])
K0S_MASS, K0S_WINDOW = 0.4976, 0.012

Array = NDArray[np.float64]


class Figure(NamedTuple):
    """A number, its statistical error (NaN where none is known), and the window it has to lie in."""

    value: float
    error: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the value lies in the window."""
        return self.low <= self.value <= self.high


Figures = dict[str, Figure]


def hbb_figures(path: Path) -> Figures:
    """Return AUC and rejection of H->bb with all inputs and with the kinematic ones, and the mass mode, of a file.

    Benchmark weights, but for the AUC of the kinematic inputs: 0.90-0.94 stands for the spectrum of collisions, pT and
    eta of which are two of the inputs. Benchmark weights give both classes the same spectrum of pT and |eta|, take
    from these inputs what that tells, and lower the AUC by 0.02.
    """
    data = TaggerData.load(path)
    figures: Figures = {}
    for name, fit in (("network 64-32-16", _fit_network), ("gradient boosting", _fit_boosting)):
        both = [cross_fitted(data.select(inputs) if inputs else data, fit) for inputs in (None, KINEMATIC_INPUTS)]
        full, kinematic = (_rejection(scored["benchmark"], HBB_EFFICIENCY) for scored in both)
        ratio = full[0] / kinematic[0]
        figures |= {
            f"H->bb AUC, 39 inputs, {name}": Figure(*both[0]["benchmark"].auc(), 0.97, 0.99),
            f"H->bb 1/eps_B at 50 %, 39 inputs, {name}": Figure(*full, 120.0, 600.0),
            f"H->bb AUC, 7 kinematic inputs, cross-section weights, {name}":
                Figure(*both[1]["physical"].auc(), 0.90, 0.94),
            f"H->bb 1/eps_B at 50 %, 7 kinematic inputs, {name}": Figure(*kinematic, 10.0, 50.0),
            f"ratio of the two rejections, {name}":
                Figure(ratio, ratio * math.hypot(full[1] / full[0], kinematic[1] / kinematic[0]), 5.0, math.inf),
        }
    columns = pseudoexp.load(path, None, columns=("mass",), weight=None)
    figures["hbb mass mode [GeV]"] = mass_mode(columns.data[columns.target == 1, 0] / 1000.0)
    return figures


def mass_mode(mass: Array) -> Figure:
    """Return the maximum [GeV] of the masses' histogram smoothed with 3 GeV; error from 20 bootstrap samples."""
    rng = np.random.default_rng(1)

    def mode(values: Array) -> float:
        counts, edges = np.histogram(values, np.arange(60.0, 200.25, 0.5))
        return float(edges[gaussian_filter1d(counts.astype(float), 6.0).argmax()] + 0.25)

    spread = np.std([mode(rng.choice(mass, len(mass))) for _ in range(20)])
    return Figure(mode(mass), float(spread), 115.0, 125.0)


def cross_fitted(data: TaggerData, fit: Callable[[TaggerData], Array]) -> dict[str, Scored]:
    """Return the scores of all rows per weighting; `fit` trains on data.train (watching data.val), scores data.test."""
    whole = Split(**{name: np.concatenate([getattr(data.split(s), name) for s in SPLITS])
                     for name in Split.__dataclass_fields__})
    fold = whole.event % (2 * FOLDS) // 2
    score = np.zeros(len(whole))
    for k in range(FOLDS):
        test, val = fold == k, fold == (k + 1) % FOLDS
        part = replace(data, train=whole.take(~test & ~val), val=whole.take(val), test=whole.take(test))
        score[test] = fit(part)
    return {name: Scored(score, whole.y == 1, whole.weighting(name), whole.event) for name in ("benchmark", "physical")}


def _fit_network(data: TaggerData) -> Array:
    return np.asarray(logits(train(data, TrainConfig()).model, data.test.x), dtype=np.float64)


def _fit_boosting(data: TaggerData) -> Array:
    model = HistGradientBoostingClassifier(max_iter=250, learning_rate=0.08, max_leaf_nodes=24, early_stopping=False,
                                           l2_regularization=1.0, random_state=1)
    model.fit(data.train.x, data.train.y, sample_weight=data.train.training_weight())
    return np.asarray(model.decision_function(data.test.x))


def _rejection(scored: Scored, efficiency: float) -> tuple[float, float]:
    """Return 1 / eps_B and its error; the 95 % limit and NaN when nothing passes."""
    result: dict[str, Any] = scored.rejection(efficiency)
    if result["rejection"] is None:
        return float(result["rejection_above"]), math.nan
    return float(result["rejection"]), float(result["rejection_error"])


def top_like_weights(jets: TrackJets) -> Array:
    """Return weights that give each flavour the spectrum pT^2 exp(-pT / 25 GeV), 20-250 GeV, and sum 1.

    That peaks at 50 GeV with mean 75 GeV, about as the jets of top pairs.
    """
    pt = jets.column("pt")
    middle = np.sqrt(TRACK_JET_PT[1:] * TRACK_JET_PT[:-1])
    target = middle**2 * np.exp(-middle / 25.0) * np.diff(TRACK_JET_PT)
    bins = np.digitize(pt, TRACK_JET_PT) - 1
    inside = (bins >= 0) & (bins < len(target))
    weight = np.zeros(len(pt))
    for flavour in (B, C, LIGHT):
        mine = inside & (jets.label == flavour)
        counts = np.bincount(bins[mine], minlength=len(target))
        weight[mine] = (target / np.maximum(counts, 1))[bins[mine]]
        weight[mine] /= weight[mine].sum()
    return weight


def discriminant(jets: TrackJets, weight: Array) -> Array:
    """Return the b discriminant of all jets from gradient boosting on their 18 inputs, cross-fitted."""
    score = np.zeros(len(jets.label))
    fold = jets.event % (2 * FOLDS) // 2
    for k in range(FOLDS):
        use = (fold != k) & (weight > 0.0)
        model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, max_leaf_nodes=16, min_samples_leaf=40,
                                               l2_regularization=1.0, early_stopping=False, random_state=1)
        model.fit(jets.inputs[use], jets.label[use], sample_weight=weight[use] * use.sum())
        light, charm, beauty = (model.predict_proba(jets.inputs[fold == k])[:, list(model.classes_).index(flavour)]
                                for flavour in (LIGHT, C, B))
        score[fold == k] = np.log(beauty / (CHARM_SHARE * charm + (1.0 - CHARM_SHARE) * light))
    return score


def against(jets: TrackJets, score: Array, weight: Array, background: int) -> Scored:
    """Return b jets as signal against one other flavour."""
    use = (weight > 0.0) & ((jets.label == B) | (jets.label == background))
    return Scored(score[use], jets.label[use] == B, weight[use], jets.event[use])


def track_jet_figures(jets: TrackJets) -> Figures:
    """Return the rejections of single track jets in `atlas-run2`.

    The windows are what ATLAS had in top pairs from taggers of such inputs (MV2, DL1).
    """
    weight = top_like_weights(jets)
    score = discriminant(jets, weight)
    return {f"track jets, {name} rejection at 77 %":
            Figure(*_rejection(against(jets, score, weight, flavour), B_EFFICIENCY), *window)
            for name, flavour, window in (("light", LIGHT, (80.0, 200.0)), ("c", C, (4.0, 7.0)))}


def detector_figures(nominal: TrackJets, worse: TrackJets, perfect: TrackJets) -> Figures:
    """Return how IP3D's and the track jets' AUC (b, light) follow the detector; the same events in each.

    With errors ten times larger the significance S of a track becomes S / 10 plus the new measurement's own error, a
    unit Gaussian with the card's tails: `samples` adds that to the nominal tracks (`TrackJets.blurred`). The AUC of
    IP3D has to fall to what these give, within 0.03 for what they leave out (jets and the primary vertex from worse
    tracks, their two-track vertices). It stays off 0.5 because the tracks of b decays miss the vertex by 0.1-0.3 mm,
    about once the error of then.
    """
    def auc(jets: TrackJets, score: Array) -> tuple[float, float]:
        return against(jets, score, top_like_weights(jets), LIGHT).auc()

    (ip3d, ip3d_error), expected = auc(nominal, nominal.column("ip3d_bu")), auc(nominal, nominal.blurred)[0]
    boosted, boosted_error = auc(nominal, discriminant(nominal, top_like_weights(nominal)))
    return {
        "IP3D AUC b-light, atlas-itk": Figure(ip3d, ip3d_error, 0.85, 0.99),
        "IP3D AUC b-light, ten times worse d0 and z0":
            Figure(*auc(worse, worse.column("ip3d_bu")), max(expected - 0.03, 0.5), min(expected + 0.03, ip3d)),
        "IP3D AUC b-light, perfect": Figure(*auc(perfect, perfect.column("ip3d_bu")), ip3d + 2.0 * ip3d_error, 1.0),
        "track jets AUC b-light, atlas-itk": Figure(boosted, boosted_error, 0.95, 0.995),
        "track jets AUC b-light, perfect": Figure(*auc(perfect, discriminant(perfect, top_like_weights(perfect))),
                                                  boosted + 2.0 * boosted_error, 1.0),
    }


def negative_tag_figures(positive: TrackJets, negative: TrackJets) -> Figures:
    """Return ratios of negative to positive tags; `negative` are the same jets with all lifetime signs flipped.

    IP3D's ratio in b jets has to be below 1 and no more: its templates know that large negative significances, too,
    are commoner in b jets than in light ones, so that flipped b jets still look like b. Whether the sign itself tells
    is seen jet by jet: of the displaced tracks in b jets about 80 % are positive. If one track decides, flipping
    lowers IP3D in 80 % of the jets; if the majority of five does, in 94 %; where none is displaced, in 50 %. In light
    jets resolution is symmetric and only long-lived strange hadrons are not.
    """
    cut = np.quantile(positive.column("ip3d_bu")[positive.label == B], 0.3)
    tests = {"IP3D above the 70 % cut": lambda jets: jets.column("ip3d_bu") > cut,
             "SV1 vertex": lambda jets: jets.column("sv1_ntrk") > 0.0,
             "JetFitter chain": lambda jets: jets.column("jf_nvtx") + jets.column("jf_nsingle") > 0.0}
    figures: Figures = {}
    for name, passes in tests.items():
        most = 1.0 if name.startswith("IP3D") else 0.3
        for flavour, text, window in ((LIGHT, "light", (0.15, 1.2)), (B, "b", (0.0, most))):
            up, down = (int(passes(jets)[jets.label == flavour].sum()) for jets in (positive, negative))
            ratio = down / max(up, 1)
            error = ratio * math.sqrt(1.0 / max(up, 1) + 1.0 / max(down, 1))
            figures[f"negative over positive tags, {name}, {text} jets"] = Figure(ratio, error, *window)
    change = positive.column("ip3d_bu") - negative.column("ip3d_bu")
    for flavour, text, window in ((LIGHT, "light", (0.45, 0.65)), (B, "b", (0.75, 0.98))):
        some = change[(positive.label == flavour) & (change != 0.0)]
        share = float((some > 0.0).mean())
        figures[f"flipped signs lower IP3D, share of {text} jets"] = Figure(
            share, math.sqrt(share * (1.0 - share) / len(some)), *window)
    return figures


def pair_figures(raw: Raw) -> Figures:
    """Return position, width and purity of the K0S peak among two-track vertices off the primary vertex."""
    distance = raw.pair_mass - K0S_MASS
    inside = distance[abs(distance) < K0S_WINDOW]
    side = ((abs(distance) > K0S_WINDOW) & (abs(distance) < 3.0 * K0S_WINDOW)).sum() / 2.0
    position, width, n = float(np.median(inside)), robust_width(inside), len(inside)
    return {
        "K0S peak, position - 497.6 MeV [MeV]": Figure(1e3 * position, 1.25e3 * width / math.sqrt(n), -1.0, 1.0),
        "K0S peak, width [MeV]": Figure(1e3 * width, 1e3 * width / math.sqrt(n), 1.0, 6.5),
        "K0S peak over sidebands": Figure(n / side, n / side * math.sqrt(1.0 / n + 1.0 / side), 2.0, math.inf),
    }


def sign_figures(tracks: Array) -> Figures:
    """Return the share of positive lifetime signs beyond 3 sigma in d0; tracks as `samples.track_significances`."""
    figures: Figures = {}
    for name, origins, window in (("b decays", FROM_B, (0.7, 1.0)), ("the primary vertex", (PRIMARY,), (0.45, 0.55))):
        use = np.isin(tracks[:, 0], origins) & (abs(tracks[:, 1]) > 3.0)
        share = float((tracks[use, 1] > 0.0).mean())
        figures[f"positive d0 signs beyond 3 sigma, tracks of {name}"] = Figure(
            share, math.sqrt(share * (1.0 - share) / use.sum()), *window)
    return figures


def pull_figures(raw: Raw, tracks: Array) -> Figures:
    """Return widths and tails of pulls; a tenth of the tracks has a 2.5 times wider error than reported."""
    figures = {}
    track_pulls = tracks[tracks[:, 0] == PRIMARY, 1:]
    for name, values, window in (
            ("d0 of primary tracks", track_pulls[:, 0], (0.95, 1.25)),
            ("z0 sin(theta) of primary tracks", track_pulls[:, 1], (0.95, 1.25)),
            ("primary vertex x", raw.vertex_pull[:, 0], (0.8, 1.25)),
            ("primary vertex z", raw.vertex_pull[:, 2], (0.8, 1.25))):
        width = robust_width(values)
        figures[f"pull width, {name}"] = Figure(width, 1.2 * width / math.sqrt(len(values)), *window)
    tail = abs(track_pulls[:, 0]) > 3.0
    figures["share of primary tracks beyond 3 sigma in d0"] = Figure(
        float(tail.mean()), math.sqrt(float(tail.mean()) / len(tail)), 0.01, 0.05)
    return figures


def robust_width(values: Array) -> float:
    """Return half the distance of the 16 % and 84 % quantiles."""
    low, high = np.quantile(values, [0.1587, 0.8413])
    return float(high - low) / 2.0


def response_figures(response: Response) -> Figures:
    """Return median response and resolution of large-R jets in bins of the true pT, masses of 90-135 GeV."""
    figures: Figures = {}
    mass_use = (response.true_mass > 90.0) & (response.true_mass < 135.0)
    for low, high in pairwise(RESPONSE_PT):
        in_bin = (response.true_pt >= low) & (response.true_pt < high)
        text = f"{low:g}-{high:g} GeV"
        for name, ratio, window, widths in (
                ("jet pT", response.pt[in_bin] / response.true_pt[in_bin], (0.98, 1.02), (0.01, 0.12)),
                ("jet mass", response.mass[in_bin & mass_use] / response.true_mass[in_bin & mass_use], (0.96, 1.04),
                 (0.03, 0.15))):
            width = robust_width(ratio)
            figures[f"{name} response, true pT {text}"] = Figure(
                float(np.median(ratio)), 1.25 * width / math.sqrt(len(ratio)), *window)
            figures[f"{name} resolution, true pT {text}"] = Figure(
                width, 1.2 * width / math.sqrt(len(ratio)), *widths)
    return figures


def table(figures: Figures) -> Sequence[str]:
    """Return the lines of a Markdown table."""
    lines = ["| figure | value | error | window | |", "|---|---|---|---|---|"]
    for name, figure in figures.items():
        error = "-" if math.isnan(figure.error) else f"{figure.error:.2g}"
        lines.append(f"| {name} | {figure.value:.4g} | {error} | {figure.low:.4g} to {figure.high:.4g} | "
                     f"{'ok' if figure.inside else 'OUTSIDE'} |")
    return lines
