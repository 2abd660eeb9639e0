"""Baselines of the benchmark that need nothing but the 39 inputs: what any method should be held against.

A baseline learns from the training split (and may look at the validation split) and returns a function that scores rows.
Where it has no randomness of its own, the seed draws a bootstrap sample of the training events: one Poisson number of mean 1
for all rows of an event, which multiplies their weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pseudoexp
from pseudoexp.benchmark.metrics import Scored
from pseudoexp.benchmark.protocol import FEWEST_SEEDS, HEADLINE, evaluate
from pseudoexp.benchmark.registry import Release, release
from pseudoexp.benchmark.results import About, with_about
from pseudoexp.benchmark.rows import Rows, read_rows
from pseudoexp.benchmark.scores import save_scores
from pseudoexp.benchmark.store import require
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.errors import ConfigError, MissingExtra
from tagger.data import Split, TaggerData
from tagger.model import HIDDEN, build, complexity, moments

Array = NDArray[np.float64]
Score = Callable[[NDArray[np.float32]], Array]
"""Scores (n,) of rows (n, k) of a baseline's inputs."""
Tell = Callable[[str], None]
IP3D = ("vr1_ip3d_bu", "vr2_ip3d_bu")
_LOW, _HIGH = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3), (0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
"""Quantiles of the signal's mass that may bound the window."""
_OUTSIDE = 1e4
"""What is taken from the score of a row outside the window: any row inside stands above it."""
TREES, LEAVES, SHRINKAGE, SHARE = 300, 31, 0.08, 0.5
"""Of the boosted trees: their number, leaves, learning rate, share of the inputs that a split may look at."""


@dataclass(frozen=True)
class Learned:
    """A baseline after its training.

    Attributes
    ----------
    score : callable
        Scores rows.
    parameters : int or None
        Trained numbers, where they can be counted.
    """

    score: Score
    parameters: int | None = None


@dataclass(frozen=True)
class Baseline:
    """A baseline.

    Attributes
    ----------
    title : str
        What it is.
    inputs : tuple of str
        The columns it reads.
    learn : callable
        (data with these inputs, seed) -> `Learned`.
    """

    title: str
    inputs: tuple[str, ...]
    learn: Callable[[TaggerData, int], Learned]


def bootstrap(part: Split, seed: int) -> Array:
    """Return the training weights of rows times one Poisson number of mean 1 per event."""
    events, index = np.unique(part.event, return_inverse=True)
    return part.training_weight().astype(np.float64) * np.random.default_rng(seed).poisson(1.0, len(events))[index]


def cuts(data: TaggerData, seed: int) -> Learned:
    """Mass in a window, both track jets' IP3D sums above one threshold: the score is the smaller sum, inside the window.

    The window is the one of highest background rejection at the headline's signal efficiency.
    """
    part, weight = data.train, bootstrap(data.train, seed)
    mass, smaller = _mass_and_ip3d(part.x)
    signal = part.y == 1
    low, high = (np.quantile(mass[signal], share, weights=weight[signal], method="inverted_cdf") for share in (_LOW, _HIGH))
    windows = [(float(a), float(b)) for a in low for b in high]
    rates = [Scored(_windowed(mass, smaller, window), signal, weight).rejection(HEADLINE)["background"] for window in windows]
    best = windows[int(np.argmin(rates))]
    return Learned(lambda x: _windowed(*_mass_and_ip3d(x), best), 2)


def _mass_and_ip3d(x: NDArray[np.float32]) -> tuple[Array, Array]:
    return x[:, 0].astype(np.float64), np.minimum(x[:, 1], x[:, 2]).astype(np.float64)


def _windowed(mass: Array, smaller: Array, window: tuple[float, float]) -> Array:
    return smaller - _OUTSIDE * ((mass < window[0]) | (mass > window[1]))


def logistic(data: TaggerData, seed: int) -> Learned:
    """Logistic regression on inputs of mean 0 and variance 1."""
    linear = _sklearn("sklearn.linear_model").LogisticRegression(max_iter=500)
    mean, variance = moments(data.train.x)

    def scaled(x: NDArray[np.float32]) -> Array:
        return np.clip((x - mean) / np.sqrt(variance), -5.0, 5.0)  # tails of significances would rule the slopes

    linear.fit(scaled(data.train.x), data.train.y, sample_weight=bootstrap(data.train, seed))
    return Learned(lambda x: np.asarray(linear.decision_function(scaled(x))), len(data.inputs) + 1)


def boosted_trees(data: TaggerData, seed: int) -> Learned:
    """Gradient-boosted trees on histograms."""
    trees = _sklearn("sklearn.ensemble").HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=SHRINKAGE, max_features=SHARE, min_samples_leaf=100,
        l2_regularization=1.0, early_stopping=False, random_state=seed)
    trees.fit(data.train.x, data.train.y, sample_weight=data.train.training_weight())
    return Learned(lambda x: np.asarray(trees.decision_function(x)))


def network(data: TaggerData, seed: int) -> Learned:
    """The tagger's own network."""
    from tagger.evaluate import logits
    from tagger.train import TrainConfig, fit

    model = build(len(data.inputs), HIDDEN, *moments(data.train.x), seed=seed)
    fit(model, data, TrainConfig(seed=seed))
    return Learned(lambda x: logits(model, x).astype(np.float64), int(complexity(model)["parameters"]))


def _sklearn(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra("scikit-learn", "validation") from None


BASELINES: Mapping[str, Baseline] = {
    "cuts": Baseline("cuts on mass and both IP3D sums", ("mass", *IP3D), cuts),
    "kinematics": Baseline("boosted trees on kinematics alone", schema.KINEMATIC_INPUTS, boosted_trees),
    "logistic": Baseline("logistic regression", schema.INPUTS, logistic),
    "boosted-trees": Baseline("gradient-boosted trees", schema.INPUTS, boosted_trees),
    "network": Baseline("network " + "-".join(map(str, HIDDEN)), schema.INPUTS, network),
}
"""Baselines by name; one on tracks or images would bring its own reading of a release that has them."""


def run(name: str, where: Release, scores: Path, *, seeds: Sequence[int] = tuple(range(1, FEWEST_SEEDS + 1)),
        data: Path | None = None, transfer: Sequence[str] = (), command: str = "", tell: Tell | None = None) -> dict[str, Any]:
    """Train a baseline with several seeds and judge it by the protocol.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    where : Release
        The release.
    scores : Path
        Folder for the scores, NAME-RELEASE.npz.
    seeds : sequence of int, optional
        Seeds.
    data : Path, optional
        The release's file, if it is not to be that in the cache.
    transfer : sequence of str, optional
        Further releases to be scored on.
    command : str, optional
        Stored with the result.
    tell : callable, optional
        Called with a line per training.

    Returns
    -------
    dict
        A result, see `pseudoexp.benchmark.results`.

    Raises
    ------
    ConfigError
        For an unknown name or release.
    """
    one = baseline(name)
    info = probe(data) if data else require(where)
    others = {other: require(release(other)) for other in transfer}
    learned = []
    table = TaggerData.load(info.path, one.inputs)
    for seed in seeds:
        learned.append(one.learn(table, seed))
        if tell:
            tell(f"{name}: seed {seed} trained")
    paths = {where.name: _write(one, learned, info, where, scores / f"{name}-{where.name}.npz")}
    for other, its in others.items():
        paths[other] = _write(one, learned, its, release(other), scores / f"{name}-{where.name}-on-{other}.npz")
    found = evaluate(paths.pop(where.name), name=where, data=data, transfer=paths)
    inputs = f"{len(one.inputs)} of {len(schema.INPUTS)}" if len(one.inputs) < len(schema.INPUTS) else f"{len(schema.INPUTS)}"
    return with_about(found, About(name, one.title, inputs, learned[0].parameters, tuple(seeds), command))


def baseline(name: str) -> Baseline:
    """Return a baseline by its name.

    Raises
    ------
    ConfigError
        If there is none of this name.
    """
    if name not in BASELINES:
        raise ConfigError(f"baseline {name!r}; allowed: {', '.join(BASELINES)}")
    return BASELINES[name]


def _write(one: Baseline, learned: Sequence[Learned], info: FileInfo, where: Release, path: Path) -> Path:
    """Score the test split of a release and write the scores."""
    split = where.load_split("test")
    rows: Rows = read_rows(info, split)
    x = np.ascontiguousarray(pseudoexp.load(info.path, split, columns=one.inputs).data, dtype=np.float32)
    score = np.stack([network.score(x) for network in learned], axis=1).astype(np.float32)
    save_scores(path, score, rows.event, rows.jet)
    return path
