"""What the track jets of QCD rows hold."""

import numpy as np

from pseudoexp.benchmark.flavours import BACKGROUNDS, background_flavour


def test_background_flavours():
    labels = np.array([[5, 5], [5, 0], [5, 4], [5, 0], [4, 4], [4, 0], [4, 15], [0, 0], [15, 0], [5, 4]])
    n_b = np.array([[1, 1], [2, 0], [1, 0], [1, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [1, 0]])
    n_c = np.array([[1, 1], [2, 0], [1, 1], [1, 0], [1, 1], [2, 0], [1, 0], [0, 0], [0, 0], [0, 1]])
    found = [BACKGROUNDS[i] for i in background_flavour(labels, n_b, n_c)]
    assert found == ["bb", "bb", "bc", "b", "cc", "cc", "c", "light", "light", "bc"]
