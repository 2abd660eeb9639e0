"""Background flavours: what the two track jets of a QCD jet hold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BACKGROUNDS = ("bb", "bc", "b", "cc", "c", "light")
"""Background flavours, see `background_flavour`."""
SIGNAL = -1
"""Stands in the place of a background flavour in signal rows."""
LABEL_COLUMNS = ("vr1_truth_label", "vr2_truth_label", "vr1_n_b", "vr2_n_b", "vr1_n_c", "vr2_n_c")
"""Columns of `jets` that `background_flavour` takes, in pairs."""


def background_flavour(labels: NDArray[np.integer], n_b: NDArray[np.integer], n_c: NDArray[np.integer]) -> NDArray[np.int8]:
    """Return what two track jets hold, as an index into `BACKGROUNDS`.

    b hadrons are counted in both jets; c hadrons only in jets without a b hadron, for there they are the b's own decay.
    Two or more b: bb; one b and a c: bc; one b: b; two or more c: cc; one c: c; else light (tau included).

    Parameters
    ----------
    labels, n_b, n_c : (n, 2) arrays
        Label (5 b, 4 c, 15 tau, 0 light), b hadrons and c hadrons of either jet.
    """
    is_b, is_c = labels == 5, labels == 4
    b = np.where(is_b, np.maximum(n_b, 1), 0).sum(axis=1)
    c = np.where(is_c, np.maximum(n_c, 1), 0).sum(axis=1)
    index = {name: i for i, name in enumerate(BACKGROUNDS)}
    return np.select([b >= 2, (b == 1) & (c >= 1), b == 1, c >= 2, c == 1],
                     [index[name] for name in ("bb", "bc", "b", "cc", "c")], index["light"]).astype(np.int8)


def flavours_of(columns: Mapping[str, NDArray[np.generic]], signal: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return the background flavour of rows, `SIGNAL` where `signal`; `columns` has (at least) `LABEL_COLUMNS`."""
    labels, n_b, n_c = (np.stack([columns[name] for name in LABEL_COLUMNS[i:i + 2]], axis=1).astype(np.int32) for i in (0, 2, 4))
    return np.where(signal, SIGNAL, background_flavour(labels, n_b, n_c)).astype(np.int8)
