"""Baselines of the benchmark, on the 39 inputs, on tracks and on images: what any method should be held against.

A baseline learns from the training split (and may look at the validation split) and returns a function that scores rows.
Where it has no randomness of its own, the seed draws a bootstrap sample of the training events: one Poisson number of mean 1
for all rows of an event, which multiplies their weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pseudoexp
from pseudoexp import optional
from pseudoexp.benchmark.metrics import Scored
from pseudoexp.benchmark.protocol import FEWEST_SEEDS, HEADLINE, evaluate
from pseudoexp.benchmark.registry import Release, release
from pseudoexp.benchmark.results import About, with_about
from pseudoexp.benchmark.rows import Rows, read_rows
from pseudoexp.benchmark.scores import save_scores
from pseudoexp.benchmark.store import require
from pseudoexp.dataset import schema
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.errors import ConfigError
from tagger.data import Split, TaggerData
from tagger.model import HIDDEN, build, complexity, moments
from tagger.objects import (
    TRACK_FEATURES,
    TRACKS_PER_JET,
    image_array,
    read_array,
    require_same_rows,
    sequences,
    track_array,
)

Array = NDArray[np.float64]
Score = Callable[[NDArray[Any]], Array]
"""Scores (n,) of rows (n, ...) of a baseline's inputs."""
Tell = Callable[[str], None]
Prepare = Callable[[NDArray[np.float32], FileInfo, "str | None"], NDArray[Any]]
IP3D = ("vr1_ip3d_bu", "vr2_ip3d_bu")
_LOW, _HIGH = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3), (0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
"""Quantiles of the signal's mass that may bound the window."""
_OUTSIDE = 1e4
"""What is taken from the score of a row outside the window: any row inside stands above it."""
TREES, LEAVES, SHRINKAGE, SHARE = 300, 31, 0.08, 0.5
"""Of the boosted trees: their number, leaves, learning rate, share of the inputs that a split may look at."""
EPOCHS = {"deep-sets": 12, "gru": 10, "gru-inputs": 10, "cnn": 6}
BATCH, LEARNING_RATE = 512, 3e-3
"""Of the networks on tracks and images: chosen for a few minutes of one core per training, not for the last per cent."""
SEQUENCES = (2, TRACKS_PER_JET, len(TRACK_FEATURES) - 1)
"""Shape of the sequences of one row: two features less (they say which track jet), one flag more."""


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
    reads : str
        The dataset that it reads beside `jets`: tracks, images, or none.
    prepare : callable, optional
        (inputs (n, k), file, split) -> what it learns from and scores, where that is not the inputs alone.
    says : str
        What it reads, if that is not to be counted inputs.
    """

    title: str
    inputs: tuple[str, ...]
    learn: Callable[[TaggerData, int], Learned]
    reads: str = ""
    prepare: Prepare | None = None
    says: str = ""

    def text(self) -> str:
        """Return what it reads."""
        some = len(self.inputs) < len(schema.INPUTS)
        return self.says or (f"{len(self.inputs)} of {len(schema.INPUTS)}" if some else f"{len(schema.INPUTS)}")

    def rows(self, x: NDArray[np.float32], info: FileInfo, split: str | None) -> NDArray[Any]:
        """Return what is learnt from and scored of the rows of a split, `x` being their inputs."""
        return self.prepare(x, info, split) if self.prepare else x


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
    linear = optional.require("sklearn.linear_model", "validation").LogisticRegression(max_iter=500)
    mean, variance = moments(data.train.x)

    def scaled(x: NDArray[np.float32]) -> Array:
        return np.clip((x - mean) / np.sqrt(variance), -5.0, 5.0)  # tails of significances would rule the slopes

    linear.fit(scaled(data.train.x), data.train.y, sample_weight=bootstrap(data.train, seed))
    return Learned(lambda x: np.asarray(linear.decision_function(scaled(x))), len(data.inputs) + 1)


def boosted_trees(data: TaggerData, seed: int) -> Learned:
    """Gradient-boosted trees on histograms."""
    trees = optional.require("sklearn.ensemble", "validation").HistGradientBoostingClassifier(
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


def deep_sets(data: TaggerData, seed: int) -> Learned:
    """A network that sums over tracks."""
    from tagger.object_networks import deep_sets as build_it

    return _trained(build_it(data.train.x, seed), data, seed, EPOCHS["deep-sets"])


def gru(data: TaggerData, seed: int) -> Learned:
    """A recurrent network on the tracks of both track jets."""
    from tagger.object_networks import recurrent

    return _trained(recurrent(data.train.x, seed), data, seed, EPOCHS["gru"])


def gru_with_inputs(data: TaggerData, seed: int) -> Learned:
    """The same beside the 39 inputs."""
    from tagger.object_networks import recurrent_with_inputs

    columns = len(data.inputs)
    model = recurrent_with_inputs(data.train.x, seed, columns, SEQUENCES)
    return _trained(model, data, seed, EPOCHS["gru-inputs"])


def cnn(data: TaggerData, seed: int) -> Learned:
    """A convolutional network on the image."""
    from tagger.object_networks import convolutional

    return _trained(convolutional(data.train.x, seed), data, seed, EPOCHS["cnn"])


def _trained(model: Any, data: TaggerData, seed: int, epochs: int) -> Learned:
    from tagger.evaluate import logits
    from tagger.object_networks import parameters
    from tagger.train import TrainConfig, fit

    fit(model, data, TrainConfig(seed=seed, epochs=epochs, batch=BATCH, learning_rate=LEARNING_RATE, patience=epochs))
    return Learned(lambda x: logits(model, x).astype(np.float64), parameters(model))


def _tracks(x: NDArray[np.float32], info: FileInfo, split: str | None) -> NDArray[Any]:
    return read_array(info, "tracks", split, track_array)


def _sequences(x: NDArray[np.float32], info: FileInfo, split: str | None) -> NDArray[Any]:
    return read_array(info, "tracks", split, sequences)


def _inputs_and_sequences(x: NDArray[np.float32], info: FileInfo, split: str | None) -> NDArray[Any]:
    return np.concatenate([x, _sequences(x, info, split).reshape(len(x), -1)], axis=1)


def _images(x: NDArray[np.float32], info: FileInfo, split: str | None) -> NDArray[Any]:
    return read_array(info, "images", split, image_array)


BASELINES: Mapping[str, Baseline] = {
    "cuts": Baseline("cuts on mass and both IP3D sums", ("mass", *IP3D), cuts),
    "kinematics": Baseline("boosted trees on kinematics alone", schema.KINEMATIC_INPUTS, boosted_trees),
    "logistic": Baseline("logistic regression", schema.INPUTS, logistic),
    "boosted-trees": Baseline("gradient-boosted trees", schema.INPUTS, boosted_trees),
    "network": Baseline("network " + "-".join(map(str, HIDDEN)), schema.INPUTS, network),
    "deep-sets": Baseline(f"deep sets of tracks, {EPOCHS['deep-sets']} epochs", ("pt",), deep_sets, "tracks", _tracks, "tracks"),
    "gru": Baseline(f"GRU on the tracks of both track jets, {EPOCHS['gru']} epochs", ("pt",), gru, "tracks", _sequences,
                    "tracks of 2 track jets"),
    "gru-inputs": Baseline(f"GRU and the 39 inputs, {EPOCHS['gru-inputs']} epochs", schema.INPUTS, gru_with_inputs, "tracks",
                           _inputs_and_sequences, "39, tracks of 2 track jets"),
    "cnn": Baseline(f"CNN on the calorimeter image, {EPOCHS['cnn']} epochs", ("pt",), cnn, "images", _images, "image"),
}
"""Baselines by name."""
OBJECT_RELEASES = {"tracks": "v1-tracks", "images": "v1-images"}
"""Releases with the rows of `v1-small` that bring tracks or images."""


def run(name: str, where: Release, scores: Path, *, seeds: Sequence[int] = tuple(range(1, FEWEST_SEEDS + 1)),
        data: Path | None = None, objects: Path | None = None, transfer: Sequence[str] = (), command: str = "",
        tell: Tell | None = None) -> dict[str, Any]:
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
    objects : Path, optional
        A file with the same rows and the tracks or images that the baseline reads, if it is not to be the release of
        `OBJECT_RELEASES` in the cache.
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
        For an unknown name or release, or other rows beside.
    """
    one = baseline(name)
    if one.reads and transfer:
        raise ConfigError(f"{name}: other releases have no {one.reads}; allowed: no transfer")
    info = probe(data) if data else require(where)
    beside = info
    if one.reads:
        beside = require_same_rows(info, objects or require(release(OBJECT_RELEASES[one.reads])).path, one.reads)
    others = {other: require(release(other)) for other in transfer}
    learned = []
    table = _with_objects(one, TaggerData.load(info.path, one.inputs), beside)
    for seed in seeds:
        learned.append(one.learn(table, seed))
        if tell:
            tell(f"{name}: seed {seed} trained")
    paths = {where.name: _write(one, learned, info, beside, where, scores / f"{name}-{where.name}.npz")}
    for other, its in others.items():
        paths[other] = _write(one, learned, its, its, release(other), scores / f"{name}-{where.name}-on-{other}.npz")
    found = evaluate(paths.pop(where.name), name=where, data=data, transfer=paths)
    return with_about(found, About(name, one.title, one.text(), learned[0].parameters, tuple(seeds), command))


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


def _with_objects(one: Baseline, data: TaggerData, beside: FileInfo) -> TaggerData:
    """Return the same rows with what the baseline reads in the place of the inputs; no test row is read."""
    if one.prepare is None:
        return data
    train, val = (replace(part, x=one.rows(part.x, beside, name)) for name, part in (("train", data.train), ("val", data.val)))
    return replace(data, train=train, val=val)


def _write(one: Baseline, learned: Sequence[Learned], info: FileInfo, beside: FileInfo, where: Release, path: Path) -> Path:
    """Score the test split of a release and write the scores."""
    split = where.load_split("test")
    rows: Rows = read_rows(info, split)
    x = np.ascontiguousarray(pseudoexp.load(info.path, split, columns=one.inputs).data, dtype=np.float32)
    made = one.rows(x, beside, split)
    score = np.stack([network.score(made) for network in learned], axis=1).astype(np.float32)
    save_scores(path, score, rows.event, rows.jet)
    return path
