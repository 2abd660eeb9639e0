"""Inputs ranked by a forest of randomised trees: what people do who have no network yet."""

from __future__ import annotations

import keras
import numpy as np

from pseudoexp.errors import ConfigError
from pseudoexp.optional import require
from tagger.data import TaggerData
from tagger.resize.baselines import Scores
from tagger.resize.gate import find_gates

ROWS, TREES, DEPTH = 20_000, 100, 12


def tree_scores(model: keras.Model, data: TaggerData, seed: int) -> Scores:
    """Share of the impurity that each input takes away, in a forest on the training rows.

    Parameters
    ----------
    model : keras.Model
        With one gate, on the inputs.
    data : TaggerData
        The model's inputs.
    seed : int
        Of the forest.

    Returns
    -------
    dict
        Scores by gate; grouped inputs add up.

    Raises
    ------
    ConfigError
        If the gate does not stand on the inputs.
    MissingExtra
        If scikit-learn is not installed.
    """
    trees = require("sklearn.ensemble", "validation").ExtraTreesClassifier
    (gate,) = find_gates(model)
    if gate.width != len(data.inputs):
        raise ConfigError("trees rank inputs: the budget must span the inputs alone")
    part = data.train.take(slice(0, ROWS))
    forest = trees(TREES, max_depth=DEPTH, random_state=seed, n_jobs=1)
    forest.fit(part.x, part.y, sample_weight=part.training_weight())
    shares = np.asarray(forest.feature_importances_, dtype=float)
    grouped = shares if gate.groups is None else np.bincount(gate.groups, weights=shares)
    return {str(gate.name): np.asarray(grouped, dtype=np.float64)}
